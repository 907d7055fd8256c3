"""From the tree to the graph: each fragment under the meaning of tokens, ids, answers, lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestra_kit.design.sequence import MESSAGE, SequenceDocument
from orchestra_kit.model import NodeType, SourceType

Read = Callable[[str], SequenceDocument]


def edges(document: SequenceDocument) -> list[str]:
    """Return each flow as `source>target`, with `?guard` and `*` for a default."""
    return [
        f"{flow.source}>{flow.target}{'?' + flow.condition.text if flow.condition else ''}{'*' if flow.is_default else ''}"
        for flow in document.graph.flows
    ]


def types(document: SequenceDocument) -> dict[str, str]:
    return {node.id: node.type.value for node in document.graph.nodes}


def test_messages_stand_in_a_row_between_start_and_end(mermaid: Read) -> None:
    document = mermaid("A->>B: one\nB-->>A: two\nA-)C: three\nA->>A: four")
    assert document.graph.source_type is SourceType.SEQUENCE
    assert edges(document) == ["start>m1", "m1>m2", "m2>m3", "m3>m4", "m4>end"]
    assert types(document) == {
        "start": "startEvent", "m1": "serviceTask", "m2": "receiveTask", "m3": "sendTask", "m4": "scriptTask",
        "end": "endEvent",
    }  # fmt: skip
    assert [node.line for node in document.graph.nodes] == [1, 2, 3, 4, 5, None]
    assert [(flow.id, flow.source, flow.target) for flow in document.graph.message_flows] == [
        ("m1_flow", "A", "B"), ("m2_flow", "B", "A"), ("m3_flow", "A", "C"), ("m4_flow", "A", "A"),
    ]  # fmt: skip


def test_alt_takes_one_branch_and_a_bare_else_is_the_default(mermaid: Read) -> None:
    document = mermaid("alt ok\nA->>B: 1\nelse bad\nA->>B: 2\nelse\nA->>B: 3\nend")
    assert edges(document) == [
        "start>alt1", "alt1>m1?ok", "alt1>m2?bad", "alt1>m3*", "m1>alt1_end", "m2>alt1_end", "m3>alt1_end", "alt1_end>end",
    ]  # fmt: skip
    gateway = next(node for node in document.graph.nodes if node.id == "alt1")
    assert gateway.type is NodeType.EXCLUSIVE_GATEWAY and gateway.default_flow == "alt1-m3"


@pytest.mark.parametrize(
    "guard, text, language",
    [
        ("Product found", "Product found", "prose"),
        ("hasDuplicateId == TRUE", "hasDuplicateId == true", None),
        ("amount > 100", "amount > 100", None),
        ("fetchInStock = true", "fetchInStock = true", None),
        ("Timeout (30s) -> retry", "Timeout (30s) -> retry", "prose"),
        ("a && !b", "a && !b", None),
    ],
)
def test_a_guard_that_compares_is_a_condition_and_others_are_prose(
    plantuml: Read, guard: str, text: str, language: str | None
) -> None:
    flow = next(flow for flow in plantuml(f"alt {guard}\nA -> B : 1\nend").graph.flows if flow.condition)
    assert flow.condition is not None and flow.line == 2
    assert (flow.condition.text, flow.condition.language) == (text, language)


def test_prose_is_left_to_the_reader() -> None:
    from orchestra_kit.errors import ExpressionError
    from orchestra_kit.expressions.conditions import read_guard

    with pytest.raises(ExpressionError, match="said in words"):
        read_guard("paid", "prose")


def test_an_else_with_words_is_no_default(mermaid: Read) -> None:
    assert not any(flow.is_default for flow in mermaid("alt a\nA->>B: 1\nelse b\nA->>B: 2\nend").graph.flows)


@pytest.mark.parametrize("word", ["opt", "alt"])
def test_one_branch_may_be_left_out(mermaid: Read, word: str) -> None:
    one = f"{word}1"
    assert edges(mermaid(f"{word} maybe\nA->>B: 1\nend")) == [
        f"start>{one}", f"{one}>m1?maybe", f"m1>{one}_end", f"{one}>{one}_end*", f"{one}_end>end"
    ]  # fmt: skip


def test_empty_branches_are_flows_of_their_own(plantuml: Read) -> None:
    document = plantuml("alt\nnote over A : x\nelse\nnote over A : y\nend\nA -> B : z")
    assert [flow.id for flow in document.graph.flows] == [
        "start-alt1", "alt1-alt1_end", "alt1-alt1_end-2", "alt1_end-m1", "m1-end",
    ]  # fmt: skip


def test_a_loop_is_taken_no_time_or_again(mermaid: Read) -> None:
    document = mermaid("loop each item\nA->>B: 1\nB-->>A: 2\nend\nA->>B: 3")
    assert edges(document) == ["start>loop1", "loop1>m1?each item", "m1>m2", "m2>loop1", "loop1>m3*", "m3>end"]


def test_a_loop_that_runs_at_least_once_checks_behind_its_body(mermaid: Read) -> None:
    document = mermaid("loop 3 times\nA->>B: 1\nend\nA->>B: 2")
    assert edges(document) == [
        "start>loop1", "loop1>m1", "m1>loop1_again", "loop1_again>loop1?3 times", "loop1_again>m2*", "m2>end",
    ]  # fmt: skip
    gateway = next(node for node in document.graph.nodes if node.id == "loop1_again")
    assert gateway.extensions["loop"] == {"guard": "3 times", "least": 3, "most": 3}


@pytest.mark.parametrize(
    "guard, least, most",
    [
        ("3 times", 3, 3), ("(2)", 2, 2), ("1,3", 1, 3), ("1, 3 retry", 1, 3), ("0,*", 0, None), ("(1, n)", 1, None),
        ("[2..5]", 2, 5), ("3", 3, 3), ("retry 5 times", 5, 5), ("up to 4 attempts", 0, 4), ("max 2 retries", 0, 2),
        ("until done", 1, None), ("every 30s", 0, None), ("for each item", 0, None), ("", 0, None), ("1000 times", 1000, 1000),
        ("Heartbeat (every 30s)", 0, None), ("n > 3", 0, None), ("24 hours", 0, None),
    ],
)  # fmt: skip
def test_bounds_of_a_loop_are_read_off_its_guard(guard: str, least: int, most: int | None) -> None:
    from orchestra_kit.design.sequence.bounds import bounds_of

    found = bounds_of(guard)
    assert (found.least, found.most) == (least, most)


def test_par_runs_all_branches_and_waits_for_them(mermaid: Read) -> None:
    document = mermaid("par one\nA->>B: 1\nand two\nA->>C: 2\nA->>C: 3\nend")
    assert edges(document) == [
        "start>par1",
        "par1>m1",
        "par1>m2",
        "m2>m3",
        "m1>par1_end",
        "m3>par1_end",
        "par1_end>end",
    ]
    assert types(document)["par1"] == types(document)["par1_end"] == "parallelGateway"
    assert [flow.name for flow in document.graph.flows if flow.source == "par1"] == ["one", "two"]


def test_branches_that_hold_nothing_are_no_branches(plantuml: Read) -> None:
    assert edges(plantuml("par\nA -> B : 1\nelse\nnote over A : x\nend")) == ["start>m1", "m1>end"]


def test_nothing_but_one_flow_enters_a_parallel_split(mermaid: Read) -> None:
    document = mermaid(
        "alt a\nA->>B: 1\nelse\nA->>B: 2\nend\nbreak x\nA->>B: 3\nend\npar\nA->>B: 4\nand\nA->>B: 5\nend"
    )
    entering = [flow for flow in document.graph.flows if flow.target == "par1"]
    assert len(entering) == 1


def test_a_break_leaves_the_fragment_around_it(mermaid: Read) -> None:
    document = mermaid("loop x\nA->>B: 1\nbreak bad\nB-->>A: 2\nend\nA->>B: 3\nend\nA->>B: 4")
    assert edges(document) == [
        "start>loop1", "loop1>m1?x", "m1>break1", "break1>m2?bad", "break1>m3*", "m3>loop1",
        "loop1>loop1_end*", "m2>loop1_end", "loop1_end>m4", "m4>end",
    ]  # fmt: skip


def test_a_break_at_the_top_ends_the_process(mermaid: Read) -> None:
    assert edges(mermaid("A->>B: 1\nbreak bad\nA->>B: 2\nend\nA->>B: 3"))[-2:] == ["m3>end", "m2>end"]


def test_a_break_within_a_colour_is_not_stopped_by_it_but_by_a_group(mermaid: Read, plantuml: Read) -> None:
    body = "A->>B: 1\nbreak bad\nA->>B: 2\nend\nA->>B: 3\nend\nA->>B: 4"
    assert "m2>end" in edges(mermaid(f"rect rgb(0,0,0)\n{body}"))
    assert "m2>group1_end" in edges(plantuml(f"group all\n{body}"))


def test_a_break_within_a_parallel_branch_ends_the_branch_before_the_join(mermaid: Read) -> None:
    document = mermaid("par\nA->>B: 1\nbreak bad\nA->>B: 2\nend\nA->>B: 3\nand\nA->>C: 4\nend")
    assert [flow.source for flow in document.graph.flows if flow.target == "par1_end"] == ["par1_branch1", "m4"]


def test_critical_comes_first_and_then_at_most_one_option(mermaid: Read) -> None:
    document = mermaid("critical connect\nA->>B: 1\noption timeout\nA->>A: 2\noption refused\nA->>A: 3\nend")
    assert sorted(edges(document)) == sorted([
        "start>m1", "m1>critical1", "critical1>m2?timeout", "critical1>m3?refused",
        "critical1>critical1_end*", "m2>critical1_end", "m3>critical1_end", "critical1_end>end",
    ])  # fmt: skip


def test_groups_and_colours_add_nothing(plantuml: Read, mermaid: Read) -> None:
    assert edges(plantuml("group x\nA -> B : 1\nend")) == ["start>m1", "m1>end"]
    assert edges(mermaid("rect rgb(0,0,0)\nA->>B: 1\nend\ncritical x\nA->>B: 2\nend")) == [
        "start>m1",
        "m1>m2",
        "m2>end",
    ]


def test_a_group_with_an_else_is_a_choice(plantuml: Read) -> None:
    assert "group1>m2*" in edges(plantuml("group try\nA -> B : 1\nelse\nA -> B : 2\nend"))


def test_a_reference_calls_another_process(plantuml: Read) -> None:
    document = plantuml("A -> B : 1\nref over A, B : Settlement Transfer Abort")
    node = next(node for node in document.graph.nodes if node.id == "ref1")
    assert node.type is NodeType.CALL_ACTIVITY and node.called_element == "Settlement-Transfer-Abort"
    assert node.extensions["reference"]["over"] == ["A", "B"]


def test_what_holds_nothing_leaves_no_trace_but_its_count(plantuml: Read) -> None:
    document = plantuml("loop x\nnote over A : y\nend\nA -> B : 1")
    assert document.fragments == 1 and edges(document) == ["start>m1", "m1>end"]
    assert [(item.code, item.element_id) for item in document.diagnostics] == [("EMPTY_FRAGMENT", "loop1")]


# --- answers ----------------------------------------------------------------------------------------------------------


def answers(document: SequenceDocument) -> dict[str, str]:
    return {
        node.id: node.extensions[MESSAGE]["answers"]
        for node in document.graph.nodes
        if "answers" in node.extensions.get(MESSAGE, {})
    }


@pytest.mark.parametrize(
    "body, expected",
    [
        ("A->>B: 1\nB->>C: 2\nC-->>B: 3\nB-->>A: 4", {"m3": "m2", "m4": "m1"}),
        ("A->>B: 1\nalt x\nB-->>A: 2\nelse y\nB-->>A: 3\nend", {"m2": "m1", "m3": "m1"}),
        ("A->>B: 1\nalt x\nB-->>A: 2\nelse y\nA->>A: 3\nend\nB-->>A: 4", {"m2": "m1", "m4": "m1"}),
        ("A->>B: 1\nalt x\nB-->>A: 2\nelse y\nB-->>A: 3\nend\nB-->>A: 4", {"m2": "m1", "m3": "m1"}),
        ("A->>B: 1\nbreak x\nB-->>A: 2\nend\nB-->>A: 3", {"m2": "m1", "m3": "m1"}),
        ("A->>B: 1\nopt x\nB-->>A: 2\nend\nB-->>A: 3", {"m2": "m1", "m3": "m1"}),
        ("loop x\nA->>B: 1\nB-->>A: 2\nend\nB-->>A: 3", {"m2": "m1"}),
        ("par\nA->>B: 1\nand\nA->>C: 2\nend\nB-->>A: 3\nC-->>A: 4", {"m3": "m1", "m4": "m2"}),
        ("A->>B: 1\npar\nB-->>A: 2\nand\nA->>C: 3\nend\nB-->>A: 4", {"m2": "m1"}),
        ("A->>B: 1\nA->>B: 2\nB-->>A: 3\nB-->>A: 4", {"m3": "m2", "m4": "m1"}),
        ("A-->>B: 1\nB-->>A: 2", {"m2": "m1"}),
        ("A->>B: 1\nB->>A: 2", {}),
        ("A->>B: 1\nB->>A: 200 OK", {"m2": "m1"}),
        ("A->>A: 1\nA-->>A: 2", {}),
        ("A->>B: 1\nB--)A: news\nB-->>A: 2", {"m3": "m1"}),
        ("critical c\nA->>B: 1\noption x\nB-->>A: 2\nend", {"m2": "m1"}),
    ],
)
def test_a_dashed_message_back_answers_the_call_that_waits(mermaid: Read, body: str, expected: dict[str, str]) -> None:
    assert answers(mermaid(body)) == expected


# --- several diagrams -------------------------------------------------------------------------------------------------


def test_each_diagram_of_a_file_is_a_process_with_ids_of_its_own() -> None:
    from orchestra_kit.design.sequence import read_sequence

    text = (
        "# Pay\n```mermaid\nsequenceDiagram\nactor U\nU->>B: 1\n```\n## Ship it\n\n~~~plantuml\n@startuml\nU -> B : 1\nopt x\n"
        "B -> C : 2\nend\n@enduml\n~~~\n```mermaid\nflowchart LR\n A-->B\n```\n```mermaid\nsequenceDiagram\nU->>B: 3\n```\n"
    )
    document = read_sequence(text.encode(), source="guide.md")
    assert [(item.id, item.messages, item.fragments, item.line) for item in document.graph.processes] == [
        ("Pay", 1, 0, 2), ("Ship-it", 2, 1, 10), ("Ship-it-2", 1, 0, 21),
    ]  # fmt: skip
    identifiers = [node.id for node in document.graph.nodes] + [flow.id for flow in document.graph.flows]
    assert len(identifiers) == len(set(identifiers))
    assert [node.id for node in document.graph.nodes if MESSAGE in node.extensions] == ["m1", "d2_m1", "d2_m2", "d3_m1"]
    assert [(item.id, item.kind) for item in document.graph.participants] == [
        ("U", "actor"), ("B", "participant"), ("C", "participant")
    ]  # fmt: skip
    assert [item.code for item in document.diagnostics] == ["OTHER_DIAGRAM"]
