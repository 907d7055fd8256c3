"""Mermaid: every statement and every spelling of it."""

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
    "arrow", ["->", "-->", "->>", "-->>", "-x", "--x", "-)", "--)", "<<->>", "<<-->>", "->>+", "-->>-", "-)+",
              "-|\\", "--|\\", "-|/", "--|/", "-\\\\", "--\\\\", "-//", "--//", "->>()", "()->>", "()->>()"]
)  # fmt: skip
@pytest.mark.parametrize("space", ["", " "])
def test_every_arrow_is_one_message(mermaid: Read, arrow: str, space: str) -> None:
    document = mermaid(f"A{space}{arrow}{space}B: hi")
    assert ends(document) == [("A", "B")]
    assert document.messages == 1 and not document.diagnostics


@pytest.mark.parametrize("arrow", ["/|-", "/|--", "\\|-", "\\|--", "//-", "//--", "\\\\-", "\\\\--"])
def test_an_arrow_with_its_head_at_the_left_goes_there(mermaid: Read, arrow: str) -> None:
    assert ends(mermaid(f"A{arrow}B: hi")) == [("B", "A")]


@pytest.mark.parametrize(
    "written, kind, more",
    [
        ("A->>B: x", "sync", {}),
        ("A-)B: x", "async", {}),
        ("A--)B: x", "async", {}),
        ("A-->>B: x", "async", {}),  # dashed, and nobody waits for it
        ("A-xB: x", "sync", {"lost": True}),
        ("A<<->>B: x", "sync", {"bothWays": True}),
    ],
)
def test_what_an_arrow_means(mermaid: Read, written: str, kind: str, more: dict[str, bool]) -> None:
    (message,) = said(mermaid(written))
    assert message["kind"] == kind
    assert {name: message[name] for name in ("lost", "bothWays", "found") if name in message} == more


@pytest.mark.parametrize(
    "line, expected",
    [
        ("Alice Smith->>Bob Jones: hi", ("Alice Smith", "Bob Jones")),
        ("api-gateway->>order-service: hi", ("api-gateway", "order-service")),
        ("my-xml-reader->>B: hi", ("my-xml-reader", "B")),
        ("Ünï (new)->>数据库: hi", ("Ünï (new)", "数据库")),
        ("A->>A: self", ("A", "A")),
        ("End User->>App: hi", ("End User", "App")),
        ("note-service->>B: x -> y: z", ("note-service", "B")),
        ("Loop->>B: hi", ("Loop", "B")),
    ],
)
def test_names_of_every_kind(mermaid: Read, line: str, expected: tuple[str, str]) -> None:
    document = mermaid(line)
    assert ends(document) == [expected]
    assert not document.diagnostics


def test_participants_with_kind_alias_and_settings(mermaid: Read) -> None:
    document = mermaid(
        """
        participant A as Alice<br/>of Wonderland
        actor B as Bob
        participant D@{ "type" : "database" }
        participant Q@{ "type": "queue", "alias": "Events" }
        participant K@{ type: control } as Kernel
        participant L@{
          "type": "entity"
        } as Ledger
        box Aqua Group
          participant G
        end
        create participant C as Carl
        A->>C: hi
        create actor E
        A->>E: hi
        """
    )
    found = {item.id: (item.name, item.kind) for item in document.graph.participants}
    assert found == {
        "A": ("Alice of Wonderland", "participant"),
        "B": ("Bob", "actor"),
        "D": ("D", "database"),
        "Q": ("Events", "queue"),
        "K": ("Kernel", "control"),
        "L": ("Ledger", "entity"),
        "G": ("G", "participant"),
        "C": ("Carl", "participant"),
        "E": ("E", "actor"),
    }
    assert [item.get("creates") for item in said(document)] == [True, True]
    assert document.fragments == 0 and not document.diagnostics


def test_fragments_of_every_kind_are_counted_once(mermaid: Read) -> None:
    document = mermaid(
        """
        alt a
          A->>B: 1
        else b
          A->>B: 2
        else
          A->>B: 3
        end
        opt c
          A->>B: 4
        end
        loop every minute
          A->>B: 5
        end
        par p
          A->>B: 6
        and q
          A->>B: 7
        end
        par_over r
          A->>B: 8
        and
          A->>B: 9
        end
        critical s
          A->>B: 10
        option t
          A->>B: 11
        end
        break u
          A->>B: 12
        end
        rect rgb(1, 2, 3)
          A->>B: 13
        end
        ALT upper case
          A->>B: 14
        END
        """
    )
    assert document.messages == 14
    assert document.fragment_kinds == {"alt": 2, "opt": 1, "loop": 1, "par": 2, "critical": 1, "break": 1, "rect": 1}
    assert document.fragments == 9 and not document.diagnostics


def test_what_says_nothing_about_messages_is_passed_over(mermaid: Read) -> None:
    document = mermaid(
        """
        title: Payment
        accTitle: for readers
        accDescr: A->>B: not a message
        accDescr {
          A->>B: not a message
        }
        autonumber
        autonumber 10 5
        autonumber off
        %% A->>B: not a message
        %%{init: {'theme': 'dark'}}%%
        %%{
          init: {'theme': 'dark'}
        }%%
        # a comment
        participant A
        links A: {"Dashboard": "https://x; A->>B: no", "b": "c"}
        link A: Dashboard @ https://x
        properties A: {"class": "x"}
        details A: x
        Note right of A: A->>B: not a message
        note over A,B: A->>B
        Note left of A: text
        activate A
        deactivate A
        A->>B: the one
        destroy B
        B-xA: bye
        """
    )
    assert document.messages == 2 and document.fragments == 0
    assert not document.diagnostics
    assert document.graph.processes[0].name == "Payment"
    assert [item.text for item in document.graph.artifacts] == ["A->>B: not a message", "A->>B", "text"]
    assert said(document)[1]["destroys"] is True


def test_semicolons_end_statements_but_not_within_entities(mermaid: Read) -> None:
    document = mermaid("A->>B: one; B->>C: two; loop x; C->>A: I #9829; you &amp; all; end")
    assert document.messages == 3 and document.fragments == 1
    assert [node.name for node in document.graph.nodes if MESSAGE in node.extensions] == ["one", "two", "I ♥ you & all"]
    assert not document.diagnostics


def test_a_semicolon_in_a_text_keeps_the_text(mermaid: Read) -> None:
    document = mermaid("A->>B: Set-Cookie: id=1; HttpOnly; Path=/")
    assert said(document)[0]["text"] == "Set-Cookie: id=1; HttpOnly; Path=/"
    assert codes(document) == [("SEMICOLON_IN_TEXT", 2), ("SEMICOLON_IN_TEXT", 2)]


def test_wrap_marks_are_no_text(mermaid: Read) -> None:
    assert said(mermaid("A->>B:wrap: long text"))[0]["text"] == "long text"


def test_a_note_without_a_colon_ends_at_its_end(mermaid: Read) -> None:
    document = mermaid("Note over A\n  some words\nend\nA->>B: x")
    assert document.messages == 1 and not document.diagnostics


def test_a_note_that_forgot_its_colon_swallows_no_message(mermaid: Read) -> None:
    assert mermaid("loop x\nNote over A\nA->>B: x\nend").messages == 1


@pytest.mark.parametrize("line", ["%%{init: {", "accDescr {", "participant X@{"])
def test_a_brace_that_was_forgotten_swallows_no_message(mermaid: Read, line: str) -> None:
    document = mermaid(f"{line}\nA->>B: one\nB->>A: two")
    assert document.messages == 2 and codes(document) == [("UNCLOSED_BLOCK", 2)]


def test_a_bad_line_is_named_and_the_rest_is_read(mermaid: Read) -> None:
    document = mermaid("A->>B: one\nthis is nothing\nelse x\nend\nloop y\nA->>B\nB->>A: two")
    assert document.messages == 3 and document.ok
    assert codes(document) == [
        ("UNKNOWN_STATEMENT", 3),
        ("BRANCH_WITHOUT_BLOCK", 4),
        ("END_WITHOUT_BLOCK", 5),
        ("MESSAGE_WITHOUT_TEXT", 7),
        ("UNCLOSED_FRAGMENT", 6),
    ]


def test_front_matter_directives_and_a_header_with_a_statement(mermaid: Read) -> None:
    from orchestra_kit.design.sequence import read_sequence

    text = (
        "---\ntitle: Checkout\nconfig:\n  x: y\n---\n%%{init: {\n 'a': 1}\n}%%\n\nsequenceDiagram; A->>B: x\nB-->>A: y"
    )
    document = read_sequence(text.encode(), source="x.mmd")
    assert document.messages == 2 and document.graph.processes[0].name == "Checkout"
    assert [item["kind"] for item in said(document)] == ["sync", "return"]
