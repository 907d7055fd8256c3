"""PlantUML: every statement and every spelling of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestra_kit.design.sequence import MESSAGE, SequenceDocument

Read = Callable[[str], SequenceDocument]


def said(document: SequenceDocument) -> list[dict[str, Any]]:
    return [node.extensions[MESSAGE] for node in document.graph.nodes if MESSAGE in node.extensions]


def ends(document: SequenceDocument) -> list[tuple[str, str]]:
    return [(item["sender"], item["receiver"]) for item in said(document)]


def codes(document: SequenceDocument) -> list[tuple[str, int | None]]:
    return [(item.code, item.line) for item in document.diagnostics]


@pytest.mark.parametrize(
    "arrow", ["->", "-->", "->>", "-->>", "-\\", "-\\\\", "-/", "-//", "--\\", "->x", "->o", "-[#red]>", "-[#0000FF]->",
              "-[#blue]>>", "-[dashed]>", "<->", "<-->", "<<->>", "-[#red,dashed]->>", "o->", "--->"]
)  # fmt: skip
def test_every_arrow_to_the_right(plantuml: Read, arrow: str) -> None:
    document = plantuml(f"A {arrow} B : hi")
    assert ends(document) == [("A", "B")] and not document.diagnostics


@pytest.mark.parametrize(
    "arrow", ["<-", "<--", "<<-", "<<--", "\\-", "\\\\-", "/-", "//--", "x<-", "<-[#red]-", "<-[#red]--"]
)
def test_every_arrow_to_the_left(plantuml: Read, arrow: str) -> None:
    document = plantuml(f"A {arrow} B : hi")
    assert ends(document) == [("B", "A")] and not document.diagnostics


@pytest.mark.parametrize(
    "line, expected, mark",
    [
        ("[-> A : in", ("outside", "A"), "found"),
        ("[o-> A : in", ("outside", "A"), "found"),
        ("[<- A : out", ("A", "outside"), "lost"),
        ("[x<- A : out", ("A", "outside"), "lost"),
        ("A ->] : out", ("A", "outside"), "lost"),
        ("A -->] : out", ("A", "outside"), "lost"),
        ("A ->o] : out", ("A", "outside"), "lost"),
        ("A <-] : in", ("outside", "A"), "found"),
        ("?-> A : in", ("outside", "A"), "found"),
        ("A ->? : out", ("A", "outside"), "lost"),
    ],
)
def test_messages_over_the_border(plantuml: Read, line: str, expected: tuple[str, str], mark: str) -> None:
    document = plantuml(line)
    assert ends(document) == [expected]
    assert said(document)[0][mark] is True and not document.diagnostics


@pytest.mark.parametrize(
    "line, expected",
    [
        ('"Bob()" -> Alice : x', ("Bob()", "Alice")),
        ('"Bob()" -> "This is long" as Long : x', ("Bob()", "Long")),
        ('Alice -> Long as "This is long" : x', ("Alice", "Long")),
        ("a.b@c -> d_e : x", ("a.b@c", "d_e")),
        ("Ünï -> 数据库 : x", ("Ünï", "数据库")),
        ("A->B", ("A", "B")),
        ("A -> B ++ #gold : x", ("A", "B")),
        ("A -> B --++ : x", ("A", "B")),
        ("A -> B ** : create", ("A", "B")),
        ("A -> B !! : destroy", ("A", "B")),
        ("& A -> B : beside", ("A", "B")),
        ("{start} A -> B : measured", ("A", "B")),
        ("end -> B : a participant of that name", ("end", "B")),
    ],
)
def test_names_and_suffixes(plantuml: Read, line: str, expected: tuple[str, str]) -> None:
    document = plantuml(line)
    assert ends(document) == [expected] and not document.diagnostics


@pytest.mark.parametrize(
    "line, expected",
    [
        ("A ->(10) B: x", ("A", "B")),
        ("A -->>(5)B : x", ("A", "B")),
        ("A ->x(10) B : x", ("A", "B")),
        ("A ->(10)] : x", ("A", "outside")),
        ("B (10)<- A: x", ("A", "B")),
        ("B(10)<<-- A : x", ("A", "B")),
        ("B (10)x<- A : x", ("A", "B")),
        ('"B" (10)<-[#red]- A ++ : x', ("A", "B")),
    ],
)
def test_slanted_arrows(plantuml: Read, line: str, expected: tuple[str, str]) -> None:
    document = plantuml(line)
    assert ends(document) == [expected] and not document.diagnostics
    assert said(document)[0]["text"] == "x"


def test_a_name_that_should_be_quoted_is_read_and_named(plantuml: Read) -> None:
    document = plantuml("order-service -> B : x")
    assert ends(document) == [("order-service", "B")]
    assert codes(document) == [("NAME_NOT_QUOTED", 2)]


def test_an_arrow_without_a_head_is_no_message(plantuml: Read) -> None:
    document = plantuml("A -> B : x\nA -- B : y")
    assert document.messages == 1 and codes(document) == [("ARROW_WITHOUT_HEAD", 3)]


def test_participants_of_every_kind(plantuml: Read) -> None:
    document = plantuml(
        """
        participant "Long\\nname" as P #99FF99 <<(C,#ADD1B2) Testable>>
        actor A order 10
        boundary "B b"
        control C as "Long C"
        entity E
        database D [[https://x]]
        queue Q
        collections S
        participant Shown [
          =Title
          ----
          ""Sub""
        ]
        box "Inner" #LightBlue
          participant I
        end box
        create control N
        A -> N : new
        A -> M ** : new
        """
    )
    found = {item.id: (item.name, item.kind) for item in document.graph.participants}
    assert found == {
        "P": ("Long name", "participant"), "A": ("A", "actor"), "B b": ("B b", "boundary"), "C": ("Long C", "control"),
        "E": ("E", "entity"), "D": ("D", "database"), "Q": ("Q", "queue"), "S": ("S", "collections"),
        "Shown": ("Title Sub", "participant"), "I": ("I", "participant"), "N": ("N", "control"), "M": ("M", "participant"),
    }  # fmt: skip
    assert [item.get("creates") for item in said(document)] == [True, True]
    assert document.fragments == 0 and not document.diagnostics


def test_fragments_of_every_kind_are_counted_once(plantuml: Read) -> None:
    document = plantuml(
        """
        alt#Gold #LightBlue a
          A -> B : 1
        else #Pink b
          A -> B : 2
        end
        opt c
          A -> B : 3
        else
          A -> B : 4
        end
        loop 3 times
          A -> B : 5
        end
        par
          A -> B : 6
        else
          A -> B : 7
        also
          A -> B : 8
        end
        par2
          A -> B : 9
        end
        critical s
          A -> B : 10
        end
        break
          A -> B : 11
        end
        group My label [more]
          A -> B : 12
        end
        ref over A, B : elsewhere
        ref over A
          in several
          A -> B : lines
        end ref
        ref#Gold over A, B
          ended by a bare
        end
        Group upper case
          A -> B : 13
        END
        """
    )
    assert document.messages == 13
    assert document.fragment_kinds == {
        "alt": 1, "opt": 1, "loop": 1, "par": 2, "critical": 1, "break": 1, "group": 2, "ref": 3
    }  # fmt: skip
    assert document.fragments == 12 and not document.diagnostics


def test_notes_of_every_kind_hold_no_messages(plantuml: Read) -> None:
    document = plantuml(
        """
        A -> B : one
        note left : A -> B : no
        note right of A #aqua
          A -> B : no
          end
        end note
        note over A, B : A -> B
        / note over B : beside
        hnote over A
          A -> B : no
        endhnote
        rnote over "Quoted: name" : text
        rnote right of B
          A -> B : no
        end note
        note across : wide
        B -> A : two
        """
    )
    assert document.messages == 2 and document.fragments == 0 and not document.diagnostics
    assert len(document.graph.artifacts) == 7 + 1


def test_what_says_nothing_about_messages_is_passed_over(plantuml: Read) -> None:
    document = plantuml(
        """
        title Simple
        title
          A -> B : no
        end title
        header page
        center footer
          A -> B : no
        end footer
        legend right
          A -> B : no
        endlegend
        caption text
        skinparam sequence {
          ArrowColor grey
          A -> B : no
          participant {
            x y
          }
        }
        skinparam backgroundColor #EEE
        <style>
          A -> B : no
        </style>
        !theme plain
        !pragma teoz true
        hide footbox
        hide unlinked
        autonumber 10 "<b>[000]"
        autonumber stop
        autoactivate on
        scale 1.5
        mainframe a frame
        ' A -> B : no
        /' A -> B : no '/
        /' A -> B : no
           A -> B : no '/
        == Part one ==
        ...
        ...5 minutes later...
        |||
        ||45||
        newpage
        newpage another
        A -> B : yes
        activate A #red
        deactivate A
        destroy B
        """
    )
    assert document.messages == 1 and not document.diagnostics
    assert said(document)[0]["section"] == "Part one"


def test_lines_go_on_after_a_backslash(plantuml: Read) -> None:
    document = plantuml('A -> B : first\\n\\\n  ""second: A -> B""\nB -> A : end\\n\\\n\nA -> B : last')
    assert document.messages == 3 and not document.diagnostics
    assert [item.line for item in document.graph.nodes if MESSAGE in item.extensions] == [2, 4, 6]


def test_return_answers_who_called_the_active_one(plantuml: Read) -> None:
    document = plantuml("A -> B ++ : call\nB -> C ++ : inner\nreturn 1\nreturn 2")
    assert ends(document) == [("A", "B"), ("B", "C"), ("C", "B"), ("B", "A")]
    assert [item.get("answers") for item in said(document)] == [None, None, "m2", "m1"]


def test_return_after_activate_and_autoactivate(plantuml: Read) -> None:
    assert ends(plantuml("A -> B : x\nactivate B\nB -> B : y\nreturn z"))[-1] == ("B", "A")
    assert ends(plantuml("autoactivate on\nA -> B : x\nB -> C : y\nreturn z\nreturn q"))[-2:] == [
        ("C", "B"),
        ("B", "A"),
    ]


def test_return_without_a_call_is_named(plantuml: Read) -> None:
    document = plantuml("return x\nA -> B : y\nreturn z")
    assert ends(document) == [("A", "B"), ("B", "A")]
    assert codes(document) == [("RETURN_WITHOUT_CALL", 2), ("RETURN_WITHOUT_CALL", 4)]


def test_simple_definitions_are_put_in(plantuml: Read) -> None:
    document = plantuml('!define SHOP Orders\n!$name = "Customer"\n!$n ?= 3\n$name -> SHOP : call $n\nSHOPS -> B : x')
    assert ends(document) == [("Customer", "Orders"), ("SHOPS", "B")]
    assert said(document)[0]["text"] == "call 3"


def test_conditions_that_are_plain_are_followed(plantuml: Read) -> None:
    body = "!define X 1\n!ifdef X\nA -> B : 1\n!else\nA -> B : 2\nA -> B : 3\n!endif\n!if %false()\nA -> B : 4\n!endif\n!ifndef X\nA -> B : 5\n!endif"
    document = plantuml(body)
    assert document.messages == 1 and not document.diagnostics
    guessed = plantuml("!if ($x > 3)\nA -> B : 1\n!else\nA -> B : 2\n!endif")
    assert guessed.messages == 1 and codes(guessed) == [("CONDITION_GUESSED", 2)]


@pytest.mark.parametrize(
    "text, code",
    [
        ("!include common.puml\nA -> B : x", "INCLUDE_SKIPPED"),
        ("!includeurl https://x/y.puml\nA -> B : x", "INCLUDE_SKIPPED"),
        ("!procedure $p($a)\nA -> $a : no\n!endprocedure\nA -> B : x", "MACRO_SKIPPED"),
        ("!unquoted procedure $p($a)\nA -> $a : no\n!endprocedure\nA -> B : x", "MACRO_SKIPPED"),
        ("A -> B : x\n$call(1)", "MACRO_SKIPPED"),
        ("!definelong CALL(a)\nA -> a : no\n!enddefinelong\nA -> B : x\nCALL(b)", "MACRO_SKIPPED"),
        ("!foreach $i in [1, 2]\nA -> B : no\n!endfor\nA -> B : x", "MACRO_SKIPPED"),
        ("!$x = %date()\nA -> B : x", "VALUE_SKIPPED"),
    ],
)
def test_what_could_hide_messages_is_named(plantuml: Read, text: str, code: str) -> None:
    document = plantuml(text)
    assert document.messages == 1
    assert {item.code for item in document.diagnostics} == {code}


@pytest.mark.parametrize(
    "text", ["!include <C4/C4_Container>", "!theme plain", "!pragma teoz true", "!log x", "!assert 1"]
)
def test_directives_that_hide_nothing_are_silent(plantuml: Read, text: str) -> None:
    assert not plantuml(f"{text}\nA -> B : x").diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "class A {\n  +x\n}\nA --> B : uses",
        "start\n:do it;\nstop",
        "[*] --> Idle\nstate Idle",
        "A <|-- B",
        "component X\nX --> Y",
        "(Use case) as UC\nUser --> UC",
        "nwdiag {\n  network dmz {\n    web01\n  }\n}",
        "start\nif (x) then (yes)\n:a;\nelse (no)\n:b;\nendif\nstop",
        "listsprite",
    ],
)
def test_diagrams_of_another_kind_are_told_apart(plantuml: Read, text: str) -> None:
    document = plantuml(text)
    assert not document.ok and [item.code for item in document.diagnostics] == ["NOT_A_SEQUENCE_DIAGRAM"]


def test_bad_lines_and_open_blocks_are_named_and_the_rest_is_read(plantuml: Read) -> None:
    document = plantuml(
        "participant A\nA -> B : 1\n??? what\nend\nelse\nloop\nnote right\nA -> B : 2\nlegend\nA -> B : 3"
    )
    assert document.messages == 3 and document.ok
    assert codes(document) == [
        ("END_WITHOUT_BLOCK", 5),
        ("BRANCH_WITHOUT_BLOCK", 6),
        ("UNCLOSED_BLOCK", 8),
        ("UNCLOSED_BLOCK", 10),
        ("UNKNOWN_STATEMENT", 4),
        ("UNCLOSED_FRAGMENT", 7),
    ]
