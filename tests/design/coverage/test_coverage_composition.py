"""Composed scenarios are real runs of the whole process, and cover all that its containers cover."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import compose, plan_suite
from orchestra_kit.design.process_set import open_calls
from orchestra_kit.model.process import ControlFlowGraph

Bpmn = Callable[[str], ControlFlowGraph]


def flow(identifier: str, source: str, target: str, name: str = "") -> str:
    return f'<sequenceFlow id="{identifier}" sourceRef="{source}" targetRef="{target}" name="{name}"/>'


def inner(prefix: str, branches: int, end: str = "") -> str:
    ends = "".join(f'<endEvent id="{prefix}e{i}">{end if i == 0 else ""}</endEvent>' for i in range(branches))
    flows = "".join(flow(f"{prefix}f{index}", f"{prefix}g", f"{prefix}e{index}") for index in range(branches))
    gateway = f'<startEvent id="{prefix}s"/><exclusiveGateway id="{prefix}g"/>{flow(f"{prefix}i", f"{prefix}s", f"{prefix}g")}'
    return gateway + ends + flows


def around(content: str, extra: str = "") -> str:
    return (
        f'<startEvent id="s"/><endEvent id="e"/><subProcess id="q">{content}</subProcess>{extra}'
        + flow("in", "s", "q") + flow("out", "q", "e")
    )  # fmt: skip


def test_a_sub_process_is_walked_between_its_flows(bpmn: Bpmn) -> None:
    (scenario,) = compose(bpmn(around(inner("q.", 1))), "p").scenarios
    assert scenario.path == ("in", "q.i", "q.f0", "out")
    assert scenario.visits == ("s", "q", "q.s", "q.g", "q.e0", "e")


def test_inner_scenarios_ride_on_the_visits_of_the_parent(bpmn: Bpmn) -> None:
    content = (
        '<startEvent id="s"/><endEvent id="e"/><exclusiveGateway id="g"/>'
        f'<subProcess id="q">{inner("q.", 3)}</subProcess><subProcess id="r">{inner("r.", 2)}</subProcess>'
        + flow("in", "s", "q") + flow("m", "q", "r") + flow("n", "r", "g") + flow("a", "g", "e") + flow("b", "g", "e")
    )  # fmt: skip
    suite = compose(bpmn(content), "p")
    assert (suite.size, suite.lower_bound, suite.gap) == (3, 3, 0), "as many as the widest part asks, not the product"
    fired = {item for scenario in suite.scenarios for item in scenario.path}
    assert fired == {flow.id for flow in bpmn(content).flows}


def test_a_loop_around_a_sub_process_runs_its_scenarios_one_after_the_other(bpmn: Bpmn) -> None:
    content = around(inner("q.", 3)).replace('<endEvent id="e"/>', '<endEvent id="e"/><exclusiveGateway id="g"/>', 1)
    content = content.replace(
        flow("out", "q", "e"), flow("o", "q", "g") + flow("back", "g", "q") + flow("out", "g", "e")
    )
    suite = compose(bpmn(content), "p")
    assert suite.size == suite.lower_bound == 1
    assert {"q.f0", "q.f1", "q.f2"} <= set(suite.scenarios[0].path)


def test_an_inner_error_leaves_by_the_boundary_event_that_catches_it(bpmn: Bpmn) -> None:
    caught = '<boundaryEvent id="b" attachedToRef="q"><errorEventDefinition/></boundaryEvent><endEvent id="z"/>'
    content = around(inner("q.", 2, "<errorEventDefinition/>"), caught + flow("err", "b", "z"))
    suite = compose(bpmn(content), "p")
    by_end = {scenario.visits[-1]: scenario for scenario in suite.scenarios}
    assert by_end["z"].visits == ("s", "q", "q.s", "q.g", "q.e0", "b", "z")
    assert by_end["z"].provokes == ("b",)
    assert by_end["e"].path == ("in", "q.i", "q.f1", "out")
    assert suite.size == suite.lower_bound == 2


def test_an_error_nobody_catches_ends_its_own_token_alone(bpmn: Bpmn) -> None:
    suite = compose(bpmn(around(inner("q.", 2, "<errorEventDefinition/>"))), "p")
    assert sorted(scenario.visits[-2:] for scenario in suite.scenarios) == [("q.e0", "e"), ("q.e1", "e")]


def test_a_timer_on_a_sub_process_cuts_it_short(bpmn: Bpmn) -> None:
    late = '<boundaryEvent id="b" attachedToRef="q"><timerEventDefinition/></boundaryEvent><endEvent id="z"/>'
    body = '<startEvent id="i"/><task id="t"/><endEvent id="j"/>' + flow("k", "i", "t") + flow("l", "t", "j")
    suite = compose(bpmn(around(body, late + flow("err", "b", "z"))), "p")
    (extra,) = [item for item in suite.scenarios if item.kind == "boundary"]
    assert extra.visits == ("s", "q", "i", "t", "b", "z")
    assert extra.path == ("in", "k", "err")
    assert suite.size == 1


def test_event_sub_processes_are_additions(bpmn: Bpmn) -> None:
    event = (
        '<subProcess id="v" triggeredByEvent="true"><startEvent id="vs"><messageEventDefinition/></startEvent>'
        '<endEvent id="ve"/>' + flow("vf", "vs", "ve") + "</subProcess>"
    )
    suite = compose(bpmn(around(inner("q.", 1), event)), "p")
    (extra,) = [item for item in suite.scenarios if item.kind == "eventSubProcess"]
    assert extra.visits == ("s", "q", "v", "vs", "ve")
    assert extra.provokes == ("vs",)


@pytest.mark.parametrize("tag", ["adHocSubProcess", "subProcess"])
def test_a_container_without_flows_is_run_as_a_whole(bpmn: Bpmn, tag: str) -> None:
    content = around('<task id="a"/><task id="b"/>').replace("subProcess", tag)
    (scenario,) = compose(bpmn(content), "p").scenarios
    assert scenario.visits == ("s", "q", "a", "b", "e")


def test_empty_and_endless_processes_give_no_scenario(bpmn: Bpmn) -> None:
    assert compose(bpmn(""), "p").scenarios == ()
    endless = '<startEvent id="s"/><task id="t"/>' + flow("f", "s", "t") + flow("g", "t", "t")
    assert compose(bpmn(endless), "p").scenarios == ()


def test_loops_inside_sub_processes_become_additions_of_the_whole(bpmn: Bpmn) -> None:
    body = (
        '<startEvent id="i"/><task id="t"/><exclusiveGateway id="g"/><endEvent id="j"/>'
        + flow("k", "i", "t") + flow("l", "t", "g") + flow("back", "g", "t") + flow("m", "g", "j")
    )  # fmt: skip
    suite = compose(bpmn(around(body)), "p", max_loop=3)
    assert {scenario.path.count("back") for scenario in suite.scenarios} == {0, 1, 3}
    assert suite.size == 1


def test_the_plan_and_the_composition_agree_on_the_numbers(vendored: list[Path]) -> None:
    for path in vendored:
        graph = read_bpmn(path.read_bytes(), source=path.name).graph
        for criterion in ("flow", "node", "decision"):
            plan = plan_suite(graph, criterion=criterion)
            together = plan.whole.collaborations
            grouped = {name for item in together for name in item.processes}
            opened = open_calls(graph).graph
            apart = [item.id for item in opened.processes if item.id not in grouped]
            suites = [compose(opened, name, criterion=criterion) for name in apart]
            assert plan.size == sum(item.size for item in (*suites, *together)), path.name
            assert plan.lower_bound == sum(item.lower_bound for item in (*suites, *together)), path.name
