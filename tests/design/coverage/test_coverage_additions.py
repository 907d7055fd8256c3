"""What comes on top of the cover: rows, orders, loops, instances, boundary events, event sub-processes; and barriers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product

import pytest

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import Addition, ComposedScenario, ContainerPlan, compose, plan_suite
from orchestra_kit.design.coverage.containers import containers_of
from orchestra_kit.design.coverage.criteria import Criterion
from orchestra_kit.design.coverage.planning import plan_container
from orchestra_kit.model.process import ControlFlowGraph

Bpmn = Callable[[str], ControlFlowGraph]
START_END = '<startEvent id="s"/><endEvent id="e"/>'


def flow(identifier: str, source: str, target: str, inside: str = "") -> str:
    return f'<sequenceFlow id="{identifier}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>'


def block(kind: str, width: int, extra: str = "", tasks: str = "") -> str:
    """A split and a join of one kind with a task on each branch; t0 ... are their names."""
    parts = START_END + f'<{kind} id="g"{extra}/><{kind} id="j"/>' + flow("in", "s", "g") + flow("out", "j", "e")
    for index in range(width):
        parts += tasks.format(index) if tasks else f'<task id="t{index}"/>'
        parts += flow(f"a{index}", "g", f"t{index}") + flow(f"b{index}", f"t{index}", "j")
    return parts


def container(graph: ControlFlowGraph, **options: object) -> ContainerPlan:
    return plan_suite(graph, **options).containers[0]  # type: ignore[arg-type]


def only(plan: ContainerPlan, kind: str) -> Addition:
    (found,) = (item for item in plan.additions if item.kind == kind)
    return found


def only_run(graph: ControlFlowGraph, kind: str) -> ComposedScenario:
    (found,) = (item for item in compose(graph, "p").scenarios if item.kind == kind)
    return found


@pytest.mark.parametrize(("branches", "rows"), [(2, 4), (3, 4), (4, 5), (5, 6), (10, 6), (15, 7)])
def test_rows_of_an_inclusive_split_show_every_pair_of_conditions(bpmn: Bpmn, branches: int, rows: int) -> None:
    plan = container(bpmn(block("inclusiveGateway", branches + 1, f' default="a{branches}"')))
    assert plan.size == plan.lower_bound == 2, "all conditions together, and the default flow"
    found = only(plan, "rows")
    assert (found.of, found.lower_bound, len(found.scenarios)) == ("g", rows, rows)
    paths = [set(item.path) for item in found.scenarios]
    for one, other in combinations(range(branches), 2):
        shown = {(f"a{one}" in path, f"a{other}" in path) for path in paths}
        assert shown == set(product((True, False), repeat=2))
    assert sum(f"a{branches}" in path for path in paths) == 1, "the default flow exactly once"
    known = {item.path for item in plan.scenarios}
    assert [item.in_cover for item in found.scenarios] == [item.path in known for item in found.scenarios]
    assert found.new == rows - (2 if branches == 2 else 1), "the default flow's run is in the cover"
    new = list(compose(bpmn(block("inclusiveGateway", branches + 1, f' default="a{branches}"')), "p").scenarios)
    assert len(new) == 2 + found.new and len({item.path for item in new}) == len(new), "nothing is run twice"


def test_without_a_default_no_row_is_empty(bpmn: Bpmn) -> None:
    plan = container(bpmn(block("inclusiveGateway", 3)))
    found = only(plan, "rows")
    assert (plan.size, found.lower_bound) == (1, 4)
    assert all(set(item.path) & {"a0", "a1", "a2"} for item in found.scenarios)


def test_conditions_on_flows_out_of_a_task_are_an_inclusive_split_too(bpmn: Bpmn) -> None:
    when = "<conditionExpression>x</conditionExpression>"
    content = START_END + '<task id="t"/>' + flow("in", "s", "t") + flow("always", "t", "e")
    plan = container(bpmn(content + flow("one", "t", "e", when) + flow("two", "t", "e", when)))
    assert [item.path for item in plan.scenarios] == [("in", "always", "one", "two")]
    rows = {frozenset(item.path[2:]) for item in only(plan, "rows").scenarios}
    assert rows == {frozenset(), frozenset({"one"}), frozenset({"two"}), frozenset({"one", "two"})}


def test_rows_that_cannot_come_to_an_end_are_named(bpmn: Bpmn) -> None:
    content = block("inclusiveGateway", 2).replace('<inclusiveGateway id="j"/>', '<parallelGateway id="j"/>')
    plan = container(bpmn(content))
    assert plan.size == 1
    found = only(plan, "rows")
    assert found.new == 0
    assert "a0 together cannot come to an end" in found.note


def test_orders_are_shown_only_where_branches_share_something(bpmn: Bpmn) -> None:
    graph = bpmn(block("parallelGateway", 4))
    assert [item.kind for item in container(graph).additions] == []
    shared = {"t1": frozenset({"orders"}), "t3": frozenset({"orders"}), "e": frozenset({"orders"})}
    plan = plan_container(graph, containers_of(graph)["p"], Criterion.FLOW, 2, resources=shared)
    found = only(plan, "permutation")
    assert (found.of, len(found.scenarios), found.lower_bound) == ("g", 1, 1)
    (base,) = plan.scenarios
    assert base.visits.index("t1") < base.visits.index("t3")
    assert found.scenarios[0].visits.index("t3") < found.scenarios[0].visits.index("t1")
    assert "22 other orders" in found.note
    assert "1 pair of branches shares orders" in found.note


def test_the_model_itself_says_what_branches_share(bpmn: Bpmn) -> None:
    task = '<serviceTask id="t{0}" xmlns:c="http://camunda.org/schema/1.0/bpmn" c:type="external" c:topic="stock"/>'
    found = only(container(bpmn(block("parallelGateway", 2, tasks=task))), "permutation")
    assert "topic 'stock'" in found.note
    data = (
        '<dataObject id="d"/><dataObjectReference id="r" name="order" dataObjectRef="d"/>'
        '<association id="x" sourceRef="t0" targetRef="r"/><association id="y" sourceRef="r" targetRef="t1"/>'
    )
    assert "data 'order'" in only(container(bpmn(block("parallelGateway", 2) + data)), "permutation").note


def test_a_loop_inside_a_branch_and_around_a_block_is_taken_0_1_and_n_times(bpmn: Bpmn) -> None:
    inner = block("parallelGateway", 2).replace(flow("b0", "t0", "j"), "") + '<exclusiveGateway id="x"/>'
    inner += flow("i", "t0", "x") + flow("again", "x", "t0") + flow("b0", "x", "j")
    outer = inner.replace(flow("in", "s", "g"), "").replace(flow("out", "j", "e"), "")
    outer += '<exclusiveGateway id="m"/><exclusiveGateway id="y"/>' + flow("in", "s", "m") + flow("mg", "m", "g")
    plan = container(bpmn(outer + flow("jy", "j", "y") + flow("round", "y", "m") + flow("out", "y", "e")), max_loop=3)
    paths = [run.path for run in (*plan.scenarios, *(run for item in plan.additions for run in item.scenarios))]
    for name in ("again", "round"):
        assert {0, 1, 3} <= {path.count(name) for path in paths}


LOOPING = "<multiInstanceLoopCharacteristics><loopCardinality>{}</loopCardinality></multiInstanceLoopCharacteristics>"


@pytest.mark.parametrize(
    ("loop", "numbers"),
    [
        ("<multiInstanceLoopCharacteristics/>", [0, 3]),
        (LOOPING.format(4), [4]),
        ("<standardLoopCharacteristics/>", [3]),
        ('<standardLoopCharacteristics testBefore="true" loopMaximum="2"/>', [0, 2]),
    ],
)
def test_activities_with_a_loop_run_never_once_and_several_times(bpmn: Bpmn, loop: str, numbers: list[int]) -> None:
    content = START_END + f'<task id="t">{loop}</task>' + flow("i", "s", "t") + flow("o", "t", "e")
    found = only(container(bpmn(content), max_loop=3), "instances")
    assert [item.instances for item in found.scenarios] == [{"t": number} for number in numbers]
    assert found.lower_bound == len(numbers)
    assert found.scenarios[0].to_json()["instances"] == {"t": numbers[0]}


def test_a_repeated_sub_process_is_walked_once_for_each_instance(bpmn: Bpmn) -> None:
    inner = '<startEvent id="q.s"/><endEvent id="q.e"/>' + flow("q.f", "q.s", "q.e")
    body = f'<subProcess id="q"><standardLoopCharacteristics/>{inner}</subProcess>'
    run = only_run(bpmn(START_END + body + flow("i", "s", "q") + flow("o", "q", "e")), "instances")
    assert run.path == ("i", "q.f", "q.f", "o")


def boundary(interrupting: str, inside: str = "") -> str:
    event = f'<boundaryEvent id="b" attachedToRef="t0" cancelActivity="{interrupting}"><timerEventDefinition/></boundaryEvent>'
    return block("parallelGateway", 2) + event + inside


def test_a_non_interrupting_event_goes_on_beside_its_activity(bpmn: Bpmn) -> None:
    plan = container(
        bpmn(boundary("false", '<task id="n"/><endEvent id="z"/>' + flow("x", "b", "n") + flow("y", "n", "z")))
    )
    (run,) = only(plan, "boundary").scenarios
    assert run.path == ("in", "a0", "a1", "x", "y", "b0", "b1", "out")
    assert run.provokes == ("b",)


def test_an_interrupting_event_that_starves_a_join_is_named(bpmn: Bpmn) -> None:
    plan = container(bpmn(boundary("true", '<endEvent id="z"/>' + flow("x", "b", "z"))))
    assert [item.kind for item in plan.additions] == ["deadlock"]
    assert "wait for ever at the join 'j'" in dict(plan.unreachable)["x"]


@pytest.mark.parametrize(("interrupts", "path"), [("true", ("i", "v.f")), ("false", ("i", "v.f", "o"))])
def test_an_event_sub_process_runs_instead_of_the_rest_or_beside_it(
    bpmn: Bpmn, interrupts: str, path: tuple[str, ...]
) -> None:
    event = (
        f'<subProcess id="v" triggeredByEvent="true"><startEvent id="v.s" isInterrupting="{interrupts}">'
        '<messageEventDefinition/></startEvent><endEvent id="v.e"/>' + flow("v.f", "v.s", "v.e") + "</subProcess>"
    )
    graph = bpmn(START_END + '<task id="t"/>' + event + flow("i", "s", "t") + flow("o", "t", "e"))
    run = only_run(graph, "eventSubProcess")
    assert (run.path, run.provokes) == (path, ("v.s",))


def test_a_terminate_end_fires_after_all_other_branches(bpmn: Bpmn) -> None:
    content = (
        START_END + '<parallelGateway id="g"/><task id="t"/><endEvent id="x"><terminateEventDefinition/></endEvent>'
        + flow("in", "s", "g") + flow("a", "g", "x") + flow("b", "g", "t") + flow("c", "t", "e")
    )  # fmt: skip
    (run,) = container(bpmn(content)).scenarios
    assert run.path == ("in", "a", "b", "c")
    assert run.visits == ("s", "g", "t", "e", "x")


def test_a_branch_without_end_is_stopped_by_a_terminate_end(bpmn: Bpmn) -> None:
    content = (
        START_END.replace('"e"/>', '"e"><terminateEventDefinition/></endEvent>') + '<parallelGateway id="g"/>'
        '<exclusiveGateway id="w"/><task id="t"/>' + flow("in", "s", "g") + flow("a", "g", "w") + flow("b", "w", "t")
        + flow("c", "t", "w") + flow("d", "g", "e")
    )  # fmt: skip
    plan = container(bpmn(content))
    assert plan.unreachable == ()
    assert plan.size == plan.lower_bound == 1


def test_starts_that_only_together_feed_a_join_are_fired_together(bpmn: Bpmn) -> None:
    content = (
        START_END + '<startEvent id="s2"/><parallelGateway id="j"/>'
        + flow("a", "s", "j") + flow("b", "s2", "j") + flow("c", "j", "e")
    )  # fmt: skip
    (run,) = container(bpmn(content)).scenarios
    assert run.path == ("a", "b", "c")
    assert set(run.visits[:2]) == {"s", "s2"}


def test_a_barrier_stands_at_the_join_and_knows_the_visits_of_the_branches(bpmn: Bpmn) -> None:
    (run,) = compose(bpmn(block("parallelGateway", 3)), "p").scenarios
    (barrier,) = run.barriers
    assert (barrier.join, run.visits[barrier.since : barrier.at]) == ("j", ("t0", "t1", "t2"))
    assert run.visits[barrier.at] == "j"


def test_branches_that_end_apart_are_waited_for_at_the_end(bpmn: Bpmn) -> None:
    content = (
        START_END + '<task id="t"/><task id="u"/>' + flow("i", "s", "t") + flow("a", "t", "u") + flow("b", "t", "e")
    )
    (run,) = compose(bpmn(content + '<endEvent id="z"/>' + flow("c", "u", "z")), "p").scenarios
    (barrier,) = run.barriers
    assert (barrier.join, barrier.at) == ("", len(run.visits))


def test_a_plan_says_its_proof_in_a_sentence() -> None:
    def said(content: str) -> str:
        text = f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">{content}</process></definitions>'
        return container(read_bpmn(text.encode(), source="x").graph).proof

    assert said(block("exclusiveGateway", 2)) == "These 2 flows: 'a0', 'a1'; no single run can take two of them."
    assert said(block("parallelGateway", 2)).startswith("One run covers everything")
    endless = '<startEvent id="s"/><exclusiveGateway id="g"/>' + flow("f", "s", "g") + flow("h", "g", "g")
    assert said(endless).startswith("No run comes to an end")
