"""Differences of two versions, verdicts on scenarios, and what restores coverage, each on a small model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.change import (
    ChangeKind,
    Verdict,
    check_scenarios,
    diff_graphs,
    match_graphs,
    restore_coverage,
)
from orchestra_kit.design.reading import read_process
from orchestra_kit.model import ControlFlowGraph, TestScenario

Make = Callable[..., TestScenario]
Xml = Callable[..., bytes]

NODES = "startEvent:s task:a:Pick_item exclusiveGateway:x:In_stock? task:b:Ship_order task:c:Order_more endEvent:e"
FLOWS = "f:s>a g:a>x h:x>b i:x>c j:b>e k:c>e"


def graph(data: bytes) -> ControlFlowGraph:
    return read_bpmn(data, source="test").graph


@pytest.fixture
def old(xml: Xml) -> ControlFlowGraph:
    return graph(xml(NODES, FLOWS))


def kinds(one: ControlFlowGraph, other: ControlFlowGraph) -> list[tuple[str, str]]:
    return [(change.kind.value, change.element) for change in diff_graphs(one, other).changes]


def step(element: str, alias: str = "it") -> dict[str, Any]:
    return {"id": alias, "orderIndex": 0, "alias": alias, "kind": "ACTION", "elementId": element}


def test_the_same_process_has_no_difference(old: ControlFlowGraph, xml: Xml) -> None:
    assert kinds(old, graph(xml(NODES, FLOWS))) == []


def test_every_kind_of_change_is_named(old: ControlFlowGraph, xml: Xml) -> None:
    assert kinds(old, graph(xml(NODES.replace("Ship_order", "Send_order"), FLOWS))) == [("renamed", "b")]
    assert kinds(old, graph(xml(NODES.replace("task:b", "userTask:b"), FLOWS))) == [("typeChanged", "b")]
    assert kinds(old, graph(xml(NODES, FLOWS.replace("j:b>e", "j:b>c")))) == [("rerouted", "j")]
    assert kinds(old, graph(xml(NODES, FLOWS.replace("k:c>e", "")))) == [("removed", "k")]
    assert kinds(old, graph(xml(NODES + " task:d:Thank", FLOWS.replace("j:b>e", "j:b>d l:d>e")))) == [
        ("added", "d"), ("added", "l"), ("rerouted", "j"),
    ]  # fmt: skip
    guarded = xml(NODES, FLOWS).replace(
        b'targetRef="b"/>', b'targetRef="b"><conditionExpression>n > 1</conditionExpression></sequenceFlow>'
    )
    assert kinds(old, graph(guarded)) == [("conditionChanged", "h")]


def test_event_and_loop_and_container_changes(xml: Xml) -> None:
    def version(boundary: str, inside: str) -> ControlFlowGraph:
        extra = f'<subProcess id="q">{inside}</subProcess>{boundary}<sequenceFlow id="z" sourceRef="t" targetRef="e"/>'
        return graph(xml("startEvent:s task:a:A endEvent:e", "f:s>a g:a>q h:q>e", extra))

    task = '<task id="b" name="B"/>'
    before = version('<boundaryEvent id="t" attachedToRef="a"><timerEventDefinition/></boundaryEvent>', task)
    after = version('<boundaryEvent id="t" attachedToRef="a"><messageEventDefinition/></boundaryEvent>', task)
    assert kinds(before, after) == [("eventChanged", "t")]
    after = version(
        '<boundaryEvent id="t" attachedToRef="a" cancelActivity="false"><timerEventDefinition/></boundaryEvent>', task
    )
    assert kinds(before, after) == [("eventChanged", "t")]
    looped = version(
        '<boundaryEvent id="t" attachedToRef="a"><timerEventDefinition/></boundaryEvent>',
        '<task id="b" name="B"><standardLoopCharacteristics/></task>',
    )
    assert kinds(before, looped) == [("loopChanged", "b")]
    moved = version('<boundaryEvent id="t" attachedToRef="a"><timerEventDefinition/></boundaryEvent>' + task, "")
    assert kinds(before, moved) == [("moved", "b")]


def test_elements_with_new_ids_are_found_by_name_and_neighbours(old: ControlFlowGraph, xml: Xml) -> None:
    nodes = "startEvent:s1 task:a1:Pick_item exclusiveGateway:x1 task:b1:Ship_order task:c1:Get_more endEvent:e1"
    matching = match_graphs(old, graph(xml(nodes, "f1:s1>a1 g1:a1>x1 h1:x1>b1 i1:x1>c1 j1:b1>e1 k1:c1>e1")))
    assert matching.nodes == {name: name + "1" for name in "saxbce"}
    assert matching.flows == {name: name + "1" for name in "fghijk"}


def test_a_path_that_still_runs_is_valid(old: ControlFlowGraph, xml: Xml, scenario: Make) -> None:
    new = graph(xml(NODES.replace("task:c:Order_more", "task:c:Reorder"), FLOWS))
    checked = check_scenarios(old, new, [scenario("fghj"), scenario("fgik", "two")])
    assert [item.verdict for item in checked.scenarios] == [Verdict.VALID, Verdict.VALID]
    assert checked.restoration.uncovered == () and not checked.is_broken


def test_a_path_is_carried_over_an_inserted_task(old: ControlFlowGraph, xml: Xml, scenario: Make) -> None:
    new = graph(xml(NODES + " task:d:Pack", FLOWS.replace("h:x>b", "h:x>d l:d>b")))
    checked = check_scenarios(old, new, [scenario("fghj"), scenario("fgik", "two")])
    assert [item.verdict for item in checked.scenarios] == [Verdict.MOVED, Verdict.VALID]
    assert checked.scenarios[0].new_path == tuple("fghlj")
    assert checked.restoration.uncovered == ()


def test_a_path_is_carried_over_a_task_that_no_step_played(old: ControlFlowGraph, xml: Xml, scenario: Make) -> None:
    new = graph(xml(NODES.replace("task:a:Pick_item ", ""), "f:s>x h:x>b i:x>c j:b>e k:c>e"))
    moved = check_scenarios(old, new, [scenario("fghj", steps=[step("b")])]).scenarios[0]
    assert (moved.verdict, moved.new_path) == (Verdict.MOVED, tuple("fhj"))
    broken = check_scenarios(old, new, [scenario("fghj", steps=[step("a", "pick")])]).scenarios[0]
    assert broken.verdict is Verdict.BROKEN
    assert (broken.troubles[0].element, broken.troubles[0].step) == ("a", "pick")
    assert "task 'Pick item', which step 'pick' plays, is gone" in broken.troubles[0].why


def test_new_ids_are_carried_into_path_and_steps(old: ControlFlowGraph, xml: Xml, scenario: Make) -> None:
    new = graph(
        xml(NODES.replace("task:b:", "task:ship:"), FLOWS.replace("h:x>b", "h2:x>ship").replace("j:b>e", "j:ship>e"))
    )
    moved = check_scenarios(old, new, [scenario("fghj", steps=[step("b")])]).scenarios[0]
    assert (moved.verdict, moved.new_path, moved.new_elements) == (Verdict.MOVED, ("f", "g", "h2", "j"), {"b": "ship"})


def test_a_branch_that_is_gone_breaks_its_scenario_and_names_what_is_left(
    old: ControlFlowGraph, xml: Xml, scenario: Make
) -> None:
    new = graph(xml(NODES.replace(" task:c:Order_more", ""), "f:s>a g:a>x h:x>b j:b>e"))
    checked = check_scenarios(old, new, [scenario("fghj"), scenario("fgik", "two")])
    assert [item.verdict for item in checked.scenarios] == [Verdict.VALID, Verdict.BROKEN]
    trouble = checked.scenarios[1].troubles[0]
    assert (trouble.element, trouble.position) == ("i", 2)
    assert "is gone" in trouble.why and trouble.hint == "From 'x' there is now 'h' to 'b'."
    assert checked.is_broken and checked.restoration.scenarios == ()


def test_a_gateway_that_became_parallel_breaks_both_branches_and_one_run_restores_them(
    old: ControlFlowGraph, xml: Xml, scenario: Make
) -> None:
    new = graph(xml(NODES.replace("exclusiveGateway:x", "parallelGateway:x"), FLOWS))
    checked = check_scenarios(old, new, [scenario("fghj"), scenario("fgik", "two")])
    assert [item.verdict for item in checked.scenarios] == [Verdict.BROKEN, Verdict.BROKEN]
    assert "cannot take just this flow" in checked.scenarios[0].troubles[0].why
    assert (len(checked.restoration.scenarios), checked.restoration.lower_bound) == (1, 1)
    assert sorted(checked.restoration.scenarios[0].path) == sorted("fghijk")


def test_a_new_branch_of_a_parallel_block_is_taken_along(xml: Xml, scenario: Make) -> None:
    nodes = "startEvent:s parallelGateway:x task:a:A task:b:B parallelGateway:y endEvent:e"
    flows = "f:s>x g:x>a h:x>b i:a>y j:b>y k:y>e"
    new = graph(xml(nodes + " task:c:C", flows + " l:x>c m:c>y"))
    moved = check_scenarios(graph(xml(nodes, flows)), new, [scenario("fghijk")]).scenarios[0]
    assert moved.verdict is Verdict.MOVED
    assert sorted(moved.new_path) == sorted("fghijklm")


def test_a_condition_that_changed_is_something_to_look_at(old: ControlFlowGraph, xml: Xml, scenario: Make) -> None:
    data = xml(NODES, FLOWS).replace(
        b'targetRef="b"/>', b'targetRef="b"><conditionExpression>n</conditionExpression></sequenceFlow>'
    )
    checked = check_scenarios(old, graph(data), [scenario("fghj"), scenario("fgik", "two")]).scenarios
    assert [len(item.notes) for item in checked] == [1, 0]
    assert "conditionChanged" in checked[0].notes[0]


def test_a_scenario_made_for_an_earlier_version_is_judged_by_that_one(
    old: ControlFlowGraph, xml: Xml, scenario: Make
) -> None:
    second = graph(xml(NODES.replace("task:b:", "task:ship:"), FLOWS.replace("x>b", "x>ship").replace("b>e", "ship>e")))
    early = scenario("fghj", steps=[step("b")], processVersion=1)
    assert check_scenarios(second, second, [early], earlier={1: old}).scenarios[0].new_elements == {"b": "ship"}


def test_a_scenario_without_path_or_elements_is_not_judged(old: ControlFlowGraph, scenario: Make) -> None:
    checked = check_scenarios(old, old, [scenario("")])
    assert checked.scenarios[0].verdict is Verdict.UNBOUND and not checked.is_broken


def test_what_holds_need_not_be_covered_again(old: ControlFlowGraph) -> None:
    needed = restore_coverage(old, "p", ["fghj"])
    assert needed.uncovered == ("i", "k")
    assert [item.path for item in needed.scenarios] == [tuple("fgik")]
    assert (needed.lower_bound, needed.gap) == (1, 0)


def test_the_certificate_holds_flows_no_run_can_take_together(old: ControlFlowGraph) -> None:
    needed = restore_coverage(old, "p", [])
    assert (len(needed.scenarios), needed.lower_bound) == (2, 2)
    assert set(needed.certificate) in ({"h", "i"}, {"j", "k"}, {"h", "k"}, {"i", "j"})


def test_sequence_diagrams_are_compared_and_checked_like_processes(scenario: Make) -> None:
    text = "sequenceDiagram\nA->>B: order\nalt paid\nB->>C: ship\nelse not paid\nB-->>A: refuse\nend\nA->>B: close\n"
    old = read_process(text.encode(), source="a.mmd").graph
    new = read_process(text.replace("B-->>A: refuse", "B-->>A: refuse\nB->>C: forget").encode(), source="a.mmd").graph
    changes = diff_graphs(old, new).changes
    assert any(change.kind is ChangeKind.ADDED and "forget" in change.name for change in changes)
    runs = [
        scenario(item.path, f"s{index}")
        for index, item in enumerate(restore_coverage(old, old.processes[0].id, []).scenarios)
    ]
    checked = check_scenarios(old, new, runs)
    assert sorted(item.verdict.value for item in checked.scenarios) in (["moved", "valid"], ["moved", "moved"])
    assert checked.restoration.uncovered == ()


def test_a_path_across_two_pools_is_judged_in_both(scenario: Make) -> None:
    def version(extra: str) -> ControlFlowGraph:
        pools = "".join(
            f'<process id="p{n}"><startEvent id="s{n}"/><task id="a{n}" name="A{n}"/><sequenceFlow id="f{n}" sourceRef="s{n}" targetRef="a{n}"/>{extra if n == 2 else ""}</process>'
            for n in (1, 2)
        )
        return graph(f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">{pools}</definitions>'.encode())

    more = '<task id="b2" name="B2"/><sequenceFlow id="g2" sourceRef="a2" targetRef="b2"/>'
    old, new = version(""), version(more)
    both = scenario(["f1", "f2"])
    assert check_scenarios(old, old, [both], process_id="p1").scenarios[0].verdict is Verdict.VALID
    moved = check_scenarios(old, new, [both], process_id="p1").scenarios[0]
    assert (moved.verdict, moved.new_path) == (Verdict.MOVED, ("f1", "f2", "g2"))


def test_a_path_that_was_no_run_before_is_judged_by_what_it_touches(xml: Xml, scenario: Make) -> None:
    nodes = "startEvent:s parallelGateway:x task:a:A task:b:B endEvent:e"
    old = graph(xml(nodes, "f:s>x g:x>a h:x>b i:a>e j:b>e"))
    one_branch = scenario("fgi")
    assert check_scenarios(old, old, [one_branch]).scenarios[0].notes
    renamed = graph(xml(nodes.replace("task:b:B", "task:b:C"), "f:s>x g:x>a h:x>b i:a>e j:b>e"))
    assert check_scenarios(old, renamed, [one_branch]).scenarios[0].verdict is Verdict.VALID
    rerouted = graph(xml(nodes, "f:s>x g:x>a h:x>b i:a>b j:b>e"))
    assert check_scenarios(old, rerouted, [one_branch]).scenarios[0].verdict is Verdict.BROKEN
