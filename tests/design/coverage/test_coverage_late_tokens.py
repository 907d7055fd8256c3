"""Inclusive joins wait for tokens that only a boundary event could bring."""

from __future__ import annotations

from collections.abc import Callable

from token_player import judge_container, model_of_graph

from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.model.process import ControlFlowGraph

Read = Callable[[str], ControlFlowGraph]
JOINED_BESIDE_ITS_TIMER = """
<startEvent id="s"/><inclusiveGateway id="o"/><task id="a"/><task id="b"/><exclusiveGateway id="m"/>
<boundaryEvent id="x" attachedToRef="b"><timerEventDefinition/></boundaryEvent><task id="c"/>
<inclusiveGateway id="j"/><endEvent id="e"/>
<sequenceFlow id="f" sourceRef="s" targetRef="o"/>
<sequenceFlow id="oa" sourceRef="o" targetRef="a"/><sequenceFlow id="ob" sourceRef="o" targetRef="b"/>
<sequenceFlow id="am" sourceRef="a" targetRef="m"/><sequenceFlow id="bm" sourceRef="b" targetRef="m"/>
<sequenceFlow id="mj" sourceRef="m" targetRef="j"/><sequenceFlow id="xc" sourceRef="x" targetRef="c"/>
<sequenceFlow id="cj" sourceRef="c" targetRef="j"/><sequenceFlow id="je" sourceRef="j" targetRef="e"/>"""
# The token beside the block could come to the split only through its timer.
LATE_INTO_THE_BLOCK = """
<startEvent id="s"/><parallelGateway id="p"/><task id="t"/><exclusiveGateway id="in"/>
<boundaryEvent id="x" attachedToRef="t"><timerEventDefinition/></boundaryEvent><endEvent id="te"/>
<inclusiveGateway id="o"/><task id="a"/><task id="b"/><inclusiveGateway id="j"/><endEvent id="e"/>
<sequenceFlow id="f" sourceRef="s" targetRef="p"/><sequenceFlow id="pi" sourceRef="p" targetRef="in"/>
<sequenceFlow id="pt" sourceRef="p" targetRef="t"/><sequenceFlow id="tt" sourceRef="t" targetRef="te"/>
<sequenceFlow id="xi" sourceRef="x" targetRef="in"/><sequenceFlow id="io" sourceRef="in" targetRef="o"/>
<sequenceFlow id="oa" sourceRef="o" targetRef="a"/><sequenceFlow id="ob" sourceRef="o" targetRef="b"/>
<sequenceFlow id="aj" sourceRef="a" targetRef="j"/><sequenceFlow id="bj" sourceRef="b" targetRef="j"/>
<sequenceFlow id="je" sourceRef="j" targetRef="e"/>"""


def said_by_the_player(graph: ControlFlowGraph) -> list[str]:
    model = model_of_graph(graph)
    box = plan_suite(graph).containers[0]
    assert box.unreachable == ()
    runs = [*box.scenarios, *(run for item in box.additions if item.kind != "deadlock" for run in item.scenarios)]
    assert {run.provokes for run in runs} == {(), ("x",)}
    verdicts = (judge_container(model, box.container, run.path, run.provokes) for run in runs)
    return [verdict for verdict in verdicts if verdict is not None]


def test_join_waits_for_an_activity_whose_timer_leads_to_it(bpmn: Read) -> None:
    assert said_by_the_player(bpmn(JOINED_BESIDE_ITS_TIMER)) == []


def test_join_waits_for_a_token_that_a_timer_may_bring_to_its_split(bpmn: Read) -> None:
    assert said_by_the_player(bpmn(LATE_INTO_THE_BLOCK)) == []
