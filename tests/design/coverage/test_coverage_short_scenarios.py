"""A scenario does not walk an element again in each context that runs can come to it in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.model.process import ControlFlowGraph

# Tokens go back to the inclusive gateway while others wait: one loop of thousands of moments.
TOKENS_BACK_TO_THEIR_SPLIT = """
<startEvent id="s"/><endEvent id="e"/><exclusiveGateway id="n0"/><inclusiveGateway id="n1"/><exclusiveGateway id="n2"/>
<sequenceFlow id="f0" sourceRef="s" targetRef="n2"/><sequenceFlow id="f1" sourceRef="n1" targetRef="e"/>
<sequenceFlow id="f2" sourceRef="n1" targetRef="n1"/><sequenceFlow id="f3" sourceRef="n1" targetRef="n0"/>
<sequenceFlow id="f4" sourceRef="n1" targetRef="n2"/><sequenceFlow id="f5" sourceRef="n2" targetRef="n0"/>
<sequenceFlow id="f6" sourceRef="n2" targetRef="n2"/><sequenceFlow id="f7" sourceRef="n1" targetRef="n1"/>
<sequenceFlow id="f8" sourceRef="n0" targetRef="n1"/>"""


@pytest.mark.parametrize("criterion", ["flow", "node", "decision"])
def test_one_short_run_covers_a_loop_with_many_moments(bpmn: Callable[[str], ControlFlowGraph], criterion: str) -> None:
    box = plan_suite(bpmn(TOKENS_BACK_TO_THEIR_SPLIT), criterion=criterion).containers[0]
    assert box.size == box.lower_bound == 1
    assert box.unreachable == ()
    assert len(box.scenarios[0].path) < 60
