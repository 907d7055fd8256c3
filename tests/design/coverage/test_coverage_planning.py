"""What a plan says: scenarios, additions, unreachable elements, assumptions, keys."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import Addition, ContainerPlan, plan_suite
from orchestra_kit.errors import UnknownNameError
from orchestra_kit.model.process import ControlFlowGraph

Bpmn = Callable[[str], ControlFlowGraph]


def flow(identifier: str, source: str, target: str, name: str = "") -> str:
    return f'<sequenceFlow id="{identifier}" sourceRef="{source}" targetRef="{target}" name="{name}"/>'


START_END = '<startEvent id="s"/><endEvent id="e" name="Done"/>'
CHOICE = (
    START_END + '<exclusiveGateway id="g" name="In stock?" default="no"/><task id="a"/><task id="b"/>'
    + flow("in", "s", "g") + flow("yes", "g", "a", "yes") + flow("no", "g", "b") + flow("x", "a", "e") + flow("y", "b", "e")
)  # fmt: skip
LOOP = (
    START_END + '<task id="t"/><exclusiveGateway id="g" name="Again?"/>'
    + flow("in", "s", "t") + flow("m", "t", "g") + flow("back", "g", "t", "yes") + flow("out", "g", "e", "no")
)  # fmt: skip


def container(graph: ControlFlowGraph, **options: object) -> ContainerPlan:
    return plan_suite(graph, **options).containers[0]  # type: ignore[arg-type]


def addition(plan: ContainerPlan, kind: str) -> list[Addition]:
    return [item for item in plan.additions if item.kind == kind]


def test_each_branch_of_a_choice_is_a_scenario_with_a_readable_key(bpmn: Bpmn) -> None:
    plan = container(bpmn(CHOICE))
    assert {item.key: item.path for item in plan.scenarios} == {
        "in-stock-yes": ("in", "yes", "x"),
        "in-stock-otherwise": ("in", "no", "y"),
    }
    assert plan.scenarios[0].visits == ("s", "g", "a", "e")
    assert plan.size == plan.lower_bound == 2


def test_the_json_is_the_published_one(bpmn: Bpmn) -> None:
    written = plan_suite(bpmn(CHOICE)).to_json("x.bpmn")
    assert written["file"] == "x.bpmn"
    assert written["suite"] == {"size": 2, "lowerBound": 2, "gap": 0}
    box = written["containers"][0]
    assert {"process", "container", "criterion", "size", "lowerBound", "certificate", "scenarios", "additions",
            "unreachable"} <= set(box)  # fmt: skip
    assert set(box["scenarios"][0]) >= {"key", "path"}


@pytest.mark.parametrize("times", [1, 2, 5])
def test_loops_are_taken_never_once_and_so_many_times(bpmn: Bpmn, times: int) -> None:
    plan = container(bpmn(LOOP), max_loop=times)
    paths = [item.path for item in (*plan.scenarios, *(s for a in plan.additions for s in a.scenarios))]
    assert {path.count("back") for path in paths} == {0, 1, times}
    assert plan.size == 1
    (loop,) = addition(plan, "loop")
    assert loop.of == "back"
    assert len(loop.scenarios) == (1 if times == 1 else 2)
    assert loop.to_json()["count"] == len(loop.scenarios)


def test_nested_and_tangled_loops_meet_their_obligations(bpmn: Bpmn) -> None:
    ways = "".join(f'<exclusiveGateway id="{name}"/>' for name in "abc")
    tangled = START_END + ways + "".join(
        flow(f"f{index}", *ends)
        for index, ends in enumerate([("c", "a"), ("c", "b"), ("a", "b"), ("b", "a"), ("a", "a"), ("b", "e"), ("s", "c")])
    )  # fmt: skip
    plan = container(bpmn(tangled), max_loop=3)
    paths = [item.path for item in (*plan.scenarios, *(s for a in plan.additions for s in a.scenarios))]
    assert {0, 1, 3} <= {path.count("f4") for path in paths}
    assert any({0, 1, 3} <= {path.count(edge) for path in paths} for edge in ("f2", "f3"))


def test_a_base_scenario_that_meets_an_obligation_is_reused(bpmn: Bpmn) -> None:
    plan = container(bpmn(LOOP), max_loop=0)
    (loop,) = addition(plan, "loop")
    assert [item.path.count("back") for item in loop.scenarios] == [0], "the cover takes it once already"


def test_boundary_events_are_additions_with_a_mark(bpmn: Bpmn) -> None:
    content = (
        START_END + '<task id="t"/><endEvent id="z"/><boundaryEvent id="b" attachedToRef="t"><timerEventDefinition/>'
        "</boundaryEvent>" + flow("i", "s", "t") + flow("o", "t", "e") + flow("late", "b", "z")
    )
    plan = container(bpmn(content))
    assert [item.path for item in plan.scenarios] == [("i", "o")]
    (late,) = addition(plan, "boundary")
    assert late.of == "b"
    assert late.scenarios[0].path == ("i", "late")
    assert late.scenarios[0].visits == ("s", "t", "b", "z")
    assert late.scenarios[0].provokes == ("b",)
    assert plan.unreachable == ()


def test_unreachable_elements_are_named_with_the_reason(bpmn: Bpmn) -> None:
    content = (
        CHOICE.replace("task id=\"a\"", "exclusiveGateway id=\"a\"")
        + '<task id="lost"/><exclusiveGateway id="trap"/><task id="undo" isForCompensation="true"/>'
        + flow("l", "lost", "e") + flow("t", "a", "trap") + flow("r", "trap", "trap") + flow("d", "a", "gone")
    )  # fmt: skip
    why = dict(container(bpmn(content)).unreachable)
    assert set(why) == {"lost", "trap", "undo", "l", "t", "r", "d"}
    assert why["lost"] == "no start leads to it"
    assert why["trap"] == "no end can be reached from it"
    assert "'gone'" in why["d"]
    assert "compensated" in why["undo"]


def test_parallel_branches_run_in_one_scenario(bpmn: Bpmn) -> None:
    plan = container(bpmn(CHOICE.replace("exclusiveGateway", "parallelGateway")))
    assert [item.path for item in plan.scenarios] == [("in", "yes", "no", "x", "y")], "both fire with the split"
    assert (plan.size, plan.lower_bound, plan.size_sequential) == (1, 1, 2)
    assert any("parallelGateway 'g'" in note for note in plan.assumptions)
    assert container(bpmn(CHOICE)).assumptions == ()


def test_branches_cost_as_much_as_the_widest_and_not_their_sum(bpmn: Bpmn) -> None:
    def choice(name: str, ways: int) -> str:
        parts = f'<exclusiveGateway id="{name}"/><exclusiveGateway id="{name}x"/>'
        return parts + "".join(flow(f"{name}{way}", name, f"{name}x") for way in range(ways))

    content = (
        START_END + '<parallelGateway id="p"/><parallelGateway id="j"/>' + choice("g", 2) + choice("h", 4)
        + flow("i", "s", "p") + flow("pg", "p", "g") + flow("ph", "p", "h")
        + flow("gj", "gx", "j") + flow("hj", "hx", "j") + flow("o", "j", "e")
    )  # fmt: skip
    plan = container(bpmn(content))
    assert (plan.size, plan.size_sequential) == (4, 6)
    assert set(plan.certificate) == {"h0", "h1", "h2", "h3"}
    assert plan.scenarios[0].path[:3] == ("i", "pg", "ph")


def test_a_join_fed_by_branches_that_exclude_each_other_is_named(bpmn: Bpmn) -> None:
    content = CHOICE.replace('<endEvent id="e" name="Done"/>', '<endEvent id="z"/><parallelGateway id="e"/>')
    plan = container(bpmn(content + flow("end", "e", "z")))
    assert plan.size == plan.lower_bound == 0
    why = dict(plan.unreachable)
    assert set(why) == {"s", "g", "a", "b", "e", "z", "in", "yes", "no", "x", "y", "end"}
    assert "wait for ever at the join 'e'" in why["a"]


def test_link_events_are_walked_without_a_flow(bpmn: Bpmn) -> None:
    content = (
        START_END + '<intermediateThrowEvent id="t"><linkEventDefinition name="L"/></intermediateThrowEvent>'
        '<intermediateCatchEvent id="c"><linkEventDefinition name="L"/></intermediateCatchEvent>'
        + flow("i", "s", "t") + flow("o", "c", "e")
    )  # fmt: skip
    plan = container(bpmn(content))
    assert plan.scenarios[0].path == ("i", "o")
    assert plan.scenarios[0].visits == ("s", "t", "c", "e")


def test_decision_coverage_asks_only_for_branches_and_at_least_one_run(bpmn: Bpmn) -> None:
    straight = START_END + flow("f", "s", "e")
    assert container(bpmn(straight), criterion="decision").size == 1
    assert container(bpmn(CHOICE), criterion="decision").size == 2


def test_node_coverage_needs_no_more_than_the_nodes_ask(bpmn: Bpmn) -> None:
    shortcut = (
        START_END.replace("startEvent", "eventBasedGateway")
        + '<task id="t"/>'
        + flow("a", "s", "t")
        + flow("b", "t", "e")
        + flow("c", "s", "e")
    )
    assert container(bpmn(shortcut), criterion="node").size == 1
    assert container(bpmn(shortcut), criterion="flow").size == 2


def test_unknown_process_and_criterion_are_named_with_the_nearest() -> None:
    graph = ControlFlowGraph(source_type="BPMN")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match=r"criterion 'flows'.*flow"):
        plan_suite(graph, criterion="flows")
    with pytest.raises(UnknownNameError, match="process 'q'"):
        plan_suite(graph, process_id="q")


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.text(max_size=60), min_size=2, max_size=6))
def test_keys_are_unique_readable_and_the_same_each_time(names: list[str]) -> None:
    from xml.sax.saxutils import quoteattr

    branches = "".join(
        f'<sequenceFlow id="f{index}" sourceRef="g" targetRef="e" name={quoteattr(_printable(name))}/>'
        for index, name in enumerate(names)
    )
    content = START_END + '<exclusiveGateway id="g" name="Wähl ß"/>' + flow("in", "s", "g") + branches
    text = f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">{content}</process></definitions>'
    graph = read_bpmn(text.encode(), source="x").graph
    keys = [item.key for item in container(graph).scenarios]
    assert len(keys) == len(set(keys)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9.-]{1,110}", key) for key in keys)
    assert keys == [item.key for item in container(graph).scenarios]


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() and ord(letter) < 0xD800)
