"""The plan is the smallest there is: against brute force, and by a proof that other code checks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.model.process import ControlFlowGraph

Make = Callable[..., bytes]
CRITERIA = ("flow", "node", "decision")


def fewest_walks(graph: ControlFlowGraph, criterion: str) -> int:
    """The least number of walks by trying every set of elements one walk can cover."""
    ends = {node.id for node in graph.nodes if node.type == "endEvent"}
    ends |= {node.id for node in graph.nodes} - {flow.source for flow in graph.flows}
    width = [sum(other.source == flow.source for other in graph.flows) for flow in graph.flows]

    def gain(index: int) -> int:
        if criterion == "node":
            return 1 << [node.id for node in graph.nodes].index(graph.flows[index].target)
        return 1 << index if criterion == "flow" or width[index] > 1 else 0

    first = 1 << [node.id for node in graph.nodes].index("s") if criterion == "node" else 0
    seen = {("s", first)}
    queue = deque(seen)
    while queue:
        here, mask = queue.popleft()
        for index, flow in enumerate(graph.flows):
            state = (flow.target, mask | gain(index))
            if flow.source == here and state not in seen:
                seen.add(state)
                queue.append(state)
    masks = {mask for here, mask in seen if here in ends}
    if not masks:
        return 0
    wanted = 0
    for mask in masks:
        wanted |= mask
    reached, count = {0}, 0
    while wanted not in reached:
        count += 1
        reached = {mask | other for mask in reached for other in masks}
        largest = [mask for mask in reached if not any(mask != other and mask & other == mask for other in reached)]
        reached = set(largest)
    return max(count, 1)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_brute_force_agrees_on_tiny_graphs(make_random: Make, checker: ModuleType, criterion: str) -> None:
    sizes: dict[int, int] = {}
    for seed in range(1200):
        data = make_random(seed, nodes=2 + seed % 4, edges=3 + seed % 6)
        graph = read_bpmn(data, source="x").graph
        plan = plan_suite(graph, criterion=criterion, max_loop=0)
        assert plan.containers[0].size == fewest_walks(graph, criterion), seed
        assert plan.size == plan.lower_bound == plan.containers[0].size
        checker.check(plan.to_json("x"), data)
        sizes[plan.size] = sizes.get(plan.size, 0) + 1
    assert len(sizes) >= 3, "the graphs must be of some variety"


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    nodes=st.integers(5, 40),
    density=st.floats(0.8, 2.5),
    criterion=st.sampled_from(CRITERIA),
)
def test_certificate_holds_on_graphs_of_any_shape(
    make_random: Make, checker: ModuleType, seed: int, nodes: int, density: float, criterion: str
) -> None:
    data = make_random(seed, nodes=nodes, edges=int(nodes * density))
    plan = plan_suite(read_bpmn(data, source="x").graph, criterion=criterion)
    checker.check(plan.to_json("x"), data)
    assert plan.gap == 0


def test_checker_refuses_what_is_not_proven(make_random: Make, checker: ModuleType) -> None:
    data = make_random(8, nodes=12, edges=24)
    good = plan_suite(read_bpmn(data, source="x").graph).to_json("x")
    box = good["containers"][0]
    assert box["size"] > 2
    fewer = {**box, "scenarios": box["scenarios"][1:], "size": box["size"] - 1}
    more = {**box, "scenarios": [*box["scenarios"], box["scenarios"][0]], "size": box["size"] + 1}
    comparable = {**box, "certificate": [*box["certificate"][1:], box["scenarios"][0]["path"][0]]}
    broken = {**box["scenarios"][0], "path": box["scenarios"][0]["path"][::-1]}
    for wrong in (fewer, more, comparable, {**box, "scenarios": [broken, *box["scenarios"][1:]]}):
        with pytest.raises((AssertionError, KeyError)):
            checker.check({"containers": [wrong]}, data)


def test_checker_is_short_and_independent() -> None:
    from pathlib import Path

    text = Path(__file__).with_name("certificate_checker.py").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) < 60
    assert "orchestra_kit" not in text
