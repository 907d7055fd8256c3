"""Splits with conditions: fewer branches than all of them run where only so every token comes to an end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from token_player import fewest_runs, judge_container, model_of_graph

from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.design.coverage.plans import ContainerPlan
from orchestra_kit.model.process import ControlFlowGraph

Read = Callable[[str], ControlFlowGraph]
IF = "<conditionExpression>= x &gt; 1</conditionExpression>"
BACK_IF_SO = f"""
<startEvent id="s"/><task id="a"/><task id="b"/><endEvent id="e"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
<sequenceFlow id="again" sourceRef="a" targetRef="b">{IF}</sequenceFlow>
<sequenceFlow id="on" sourceRef="a" targetRef="e"/><sequenceFlow id="back" sourceRef="b" targetRef="a"/>"""
TWICE_IF_SO = f"""
<startEvent id="s"/><parallelGateway id="split"/><task id="a"/><task id="b"/><task id="c"/>
<parallelGateway id="join"/><endEvent id="e"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="split"/>
<sequenceFlow id="f2" sourceRef="split" targetRef="a"/><sequenceFlow id="f3" sourceRef="split" targetRef="b"/>
<sequenceFlow id="a1" sourceRef="a" targetRef="c">{IF}</sequenceFlow><sequenceFlow id="a2" sourceRef="a" targetRef="c"/>
<sequenceFlow id="cj" sourceRef="c" targetRef="join"/><sequenceFlow id="bj" sourceRef="b" targetRef="join"/>
<sequenceFlow id="je" sourceRef="join" targetRef="e"/>"""


def planned(graph: ControlFlowGraph) -> ContainerPlan:
    """The plan, every scenario of which is a run."""
    box, model = plan_suite(graph).containers[0], model_of_graph(graph)
    runs = [*box.scenarios, *(run for item in box.additions if item.kind != "deadlock" for run in item.scenarios)]
    assert [said for run in runs if (said := judge_container(model, box.container, run.path, run.provokes))] == []
    return box


def test_run_ends_where_the_condition_of_a_way_back_is_false(bpmn: Read) -> None:
    graph = bpmn(BACK_IF_SO)
    box = planned(graph)
    assert (box.size, box.lower_bound, box.unreachable) == (1, 1, ())
    assert fewest_runs(model_of_graph(graph), box.container) == (1, frozenset({"f1", "again", "on", "back"}))


def test_join_fires_where_a_second_token_does_not_come(bpmn: Read) -> None:
    box = planned(bpmn(TWICE_IF_SO))
    assert (box.size, box.lower_bound) == (1, 1)
    assert [element for element, _ in box.unreachable] == ["a1"]


def test_inclusive_gateway_takes_another_subset_the_second_time(bpmn: Read) -> None:
    """The two branches of the gateway join for good: only each alone comes to its own end, one of them after a loop."""
    ends = "".join(f'<endEvent id="e{side}"/><task id="t{side}"/>' for side in "ab")
    graph = bpmn(f"""
<startEvent id="s"/><exclusiveGateway id="m"/><inclusiveGateway id="o"/><parallelGateway id="j"/>{ends}
<exclusiveGateway id="ja"/><exclusiveGateway id="jb"/>
<sequenceFlow id="f" sourceRef="s" targetRef="m"/><sequenceFlow id="mo" sourceRef="m" targetRef="o"/>
<sequenceFlow id="oa" sourceRef="o" targetRef="ta"/><sequenceFlow id="ob" sourceRef="o" targetRef="tb"/>
<sequenceFlow id="oc" sourceRef="o" targetRef="m"/>
<sequenceFlow id="xa" sourceRef="ta" targetRef="ja"/><sequenceFlow id="xb" sourceRef="tb" targetRef="jb"/>
<sequenceFlow id="ae" sourceRef="ja" targetRef="ea"/><sequenceFlow id="be" sourceRef="jb" targetRef="eb"/>
<sequenceFlow id="aj" sourceRef="ja" targetRef="j"/><sequenceFlow id="bj" sourceRef="jb" targetRef="j"/>
<sequenceFlow id="jm" sourceRef="j" targetRef="m"/>""")
    box = planned(graph)
    assert box.unreachable == ()
    assert box.size == box.lower_bound


@pytest.mark.parametrize("blocks", [1, 10, 30])
def test_one_block_that_needs_care_spoils_no_other(bpmn: Read, blocks: int) -> None:
    """The way back stands between inclusive blocks, which go on to run all their branches together."""
    parts, before = ['<startEvent id="s"/><endEvent id="e"/>'], "s"
    pairs: list[tuple[str, str, str]] = []
    for block in range(2 * blocks + 1):
        if block == blocks:
            parts.append('<task id="a"/><task id="b"/>')
            pairs += [(before, "a", ""), ("a", "b", IF), ("b", "a", "")]
            before = "a"
            continue
        split, join = f"o{block}", f"j{block}"
        parts.append(f'<inclusiveGateway id="{split}"/><inclusiveGateway id="{join}"/>')
        pairs.append((before, split, ""))
        for side in range(3):
            task = f"t{block}{'abc'[side]}"
            parts.append(f'<task id="{task}"/>')
            pairs += [(split, task, IF), (task, join, "")]
        before = join
    pairs.append((before, "e", ""))
    flows = (
        f'<sequenceFlow id="f{place}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>'
        for place, (source, target, condition) in enumerate(pairs)
    )
    box = planned(bpmn("".join([*parts, *flows])))
    assert (box.size, box.lower_bound, box.unreachable) == (1, 1, ())
    assert len(box.scenarios[0].path) <= 2 * len(pairs)
