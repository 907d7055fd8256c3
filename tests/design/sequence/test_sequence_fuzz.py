"""Whatever stands in a file, the readers answer: no error of Python, a sound graph, and a time that grows with its length."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sequence_graph_check import check_graph
from token_player import judge_container, model_of_graph

from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.design.reading import read_process
from orchestra_kit.design.sequence import MESSAGE, SequenceDocument, read_sequence
from orchestra_kit.design.sequence.source import MAX_LINE, MAX_LINES

_NAMES = st.sampled_from(["A", "B", "C", "a b", '"q r"', "x-y", "é", "end", "alt", "note", "", "[", "]", "?"])
_ARROWS = st.sampled_from(
    ["->", "-->", "->>", "-->>", "<-", "<--", "<->", "-x", "--)", "-[#red]>", "->x", "o->", "--", "<<->>", "-|\\"]
)
_TEXTS = st.sampled_from(
    ["", ": x", ":", ": GET /a/{b} 200", ": 404 Not Found", ": a; b", ": a\\nb\\", ": #9829;", ": publish X", "++ : y"]
)
_MESSAGES = st.builds(lambda a, arrow, b, text: f"{a} {arrow} {b}{text}", _NAMES, _ARROWS, _NAMES, _TEXTS)
_BLOCKS = st.sampled_from(
    ["alt a", "alt", "else", "else b", "opt c", "loop", "loop 3 times", "loop 1,2", "par", "and d", "also", "par2", "break", "break e",
     "critical f", "option g", "group h", "rect rgb(0,0,0)", "end", "end", "end", "end", "box i", "end box", "ref over A : j", "ref over B"]
)  # fmt: skip
_OTHERS = st.sampled_from(
    ["participant A", "participant A as X", "actor B", "database \"D d\" as D", "create C", "destroy C", "activate A", "deactivate A",
     "return r", "note over A : n", "note left", "end note", "Note right of A: n", "hnote over A", "== s ==", "...", "|||", "newpage",
     "title t", "title", "end title", "legend", "endlegend", "skinparam x {", "}", "<style>", "</style>", "!define A B", "!$a = \"b\"",
     "!include x", "!if (1)", "!else", "!endif", "!procedure $p()", "!endprocedure", "$p()", "' c", "/' c", "c '/", "%% c", "%%{init", "}%%",
     "autonumber", "autoactivate on", "sequenceDiagram", "@startuml", "@enduml", "```mermaid", "```plantuml", "```", "---", "class X {", ":a;",
     "participant A [", "]", "accDescr {", "links A: {}", "A -> B : \\", "\ufeff", "\x00"]
)  # fmt: skip
_LINES = st.lists(st.one_of(_MESSAGES, _MESSAGES, _BLOCKS, _BLOCKS, _OTHERS, st.text(max_size=30)), max_size=40)
_HEADS = st.sampled_from(
    [
        "sequenceDiagram\n",
        "@startuml\n",
        "@startuml\n",
        "",
        "# T\n```mermaid\nsequenceDiagram\n",
        "---\ntitle: x\n---\nsequenceDiagram\n",
    ]
)
_SOURCES = st.sampled_from(["x.mmd", "x.puml", "x.md", "x.txt", "x.iuml"])


def check(document: SequenceDocument) -> None:
    assert document.messages == sum(MESSAGE in node.extensions for node in document.graph.nodes)
    assert document.messages == sum(item.messages or 0 for item in document.graph.processes)
    assert document.fragments == sum(document.fragment_kinds.values())
    assert document.ok is bool(document.graph.processes)
    assert document.ok or any(item.severity.value == "error" for item in document.diagnostics)
    check_graph(document.graph)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(head=_HEADS, lines=_LINES, source=_SOURCES)
def test_statements_in_any_order_give_a_sound_graph(head: str, lines: list[str], source: str) -> None:
    check(read_sequence((head + "\n".join(lines)).encode("utf-8", "surrogatepass"), source=source))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(head=st.sampled_from(["sequenceDiagram\n", "@startuml\n"]), lines=_LINES)
def test_whatever_was_read_can_be_planned(head: str, lines: list[str]) -> None:
    document = read_sequence((head + "\n".join(lines)).encode("utf-8", "surrogatepass"), source="x")
    plan = plan_suite(document.graph, process_id=None, criterion="flow", max_loop=2).to_json("x")
    for container in plan["containers"]:
        assert not container["unreachable"]
        assert container["size"] == container["lowerBound"]
        for scenario in container["scenarios"]:
            assert judge_container(model_of_graph(document.graph), container["container"], scenario["path"]) is None


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400), source=_SOURCES)
def test_bytes_of_any_kind_get_an_answer(data: bytes, source: str) -> None:
    read_process(data, source=source)
    document = read_sequence(data, source=source)
    check(document)


def repeated(line: str, times: int) -> bytes:
    return ("@startuml\n" + "\n".join([line] * times) + "\n@enduml\n").encode()


_LONG = MAX_LINE - 10
_HARD = {
    "dashes": "-" * _LONG, "spaces behind a name": "A" + " " * _LONG + "x", "as": "participant a" + " " * _LONG + "as",
    "semicolons": "A->>B: " + "a;" * (_LONG // 2), "semicolons in a comment": "A->>B: #" + ";" * _LONG, "links": "A -> B : " + "[[" * (_LONG // 2),
    "brackets": "A -> B : " + "[" * _LONG, "quotes": '"' * _LONG, "arrows": "a<-" * (_LONG // 3), "backslashes": "\\" * _LONG,
    "colours": "alt " + "#a " * (_LONG // 3), "fence": "```" + " " * _LONG + "`", "heading": "# " + "#" * _LONG + "x", "settings": "participant a@{" + "a:" * (_LONG // 2),
    "loop": "loop " + "1 " * (_LONG // 2), "calls": "A -> B: " + "a(" * (_LONG // 2), "slashes": "A -> B: GET " + "/" * _LONG, "publish": "A -> B: publish " + "to " * (_LONG // 3),
    "tags": "A -> B: " + "<b " * (_LONG // 3), "html": "<div class=mermaid " * (_LONG // 20), "directive": "!" + "a " * (_LONG // 2),
}  # fmt: skip


@pytest.mark.parametrize("name", _HARD)
@pytest.mark.parametrize("source", ["x.puml", "x.mmd", "x.md"])
def test_no_line_makes_a_pattern_search_for_ever(name: str, source: str) -> None:
    """Ten of the worst lines take seconds at the very most; a pattern that goes back and forth would take hours."""
    head = {"x.puml": "@startuml\n", "x.mmd": "sequenceDiagram\n", "x.md": "```mermaid\nsequenceDiagram\n```\n"}[source]
    data = (head + "\n".join([_HARD[name]] * 10)).encode()
    started = time.monotonic()
    check(read_sequence(data, source=source))
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "line",
    [
        "opt a",
        "A -> B : x",
        "alt\nA -> B : x\nelse\nend",
        "note left",
        "skinparam x {",
        "legend",
        "return x",
        "%%{",
        "---",
        "par\nA -> B : x",
    ],
)
def test_more_of_the_same_is_read_up_to_a_limit_that_is_named(line: str) -> None:
    document = read_sequence(repeated(line, MAX_LINES // (1 + line.count("\n")) + 10), source="x.puml")
    assert {item.code for item in document.diagnostics} & {"TOO_LARGE", "TOO_MANY_STATEMENTS"}
    check(document)


def test_a_value_that_grows_by_itself_is_cut() -> None:
    lines = [
        "!define B0 xxxx",
        *(f"!define B{number + 1} B{number} B{number}" for number in range(60)),
        "A -> B : B60 B9",
    ]
    document = read_sequence(("@startuml\n" + "\n".join(lines) + "\n@enduml").encode(), source="x.puml")
    assert "VALUE_SKIPPED" in {item.code for item in document.diagnostics}


def test_blocks_in_blocks_without_end() -> None:
    data = ("sequenceDiagram\n" + "alt a\n" * 5_000 + "A->>B: x\n" + "end\n" * 5_000).encode()
    document = read_sequence(data, source="x.mmd")
    assert document.messages == 1 and document.fragments == 5_000
    assert [item.code for item in document.diagnostics if item.severity.value == "warning"][:1] == ["TOO_DEEP"]
    check(document)
