"""Work grows with the size of the graph, counted in steps and not in seconds."""

from __future__ import annotations

import random

import pytest

from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.design.coverage.containers import containers_of
from orchestra_kit.design.coverage.criteria import Criterion
from orchestra_kit.design.coverage.planning import ContainerPlan, plan_container
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import PLAIN, explore_runs
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType, ProcessSummary, SequenceFlow


def generated(count: int, shape: str) -> ControlFlowGraph:
    chance = random.Random(count)
    place = {"container": "p", "process_id": "p"}
    nodes = [FlowNode(id=f"n{index}", type=NodeType.EXCLUSIVE_GATEWAY, **place) for index in range(count)]
    pairs: list[tuple[int, int]] = []
    if shape == "diamonds":
        for index in range(0, count - 3, 3):
            pairs += [(index, index + 1), (index, index + 2), (index + 1, index + 3), (index + 2, index + 3)]
    else:
        reach = 20 if shape == "layers" else count
        pairs += [(chance.randint(max(0, index - reach), index - 1), index) for index in range(1, count)]
        pairs += [(index, chance.randint(index + 1, min(count - 1, index + reach))) for index in range(count - 1)]
    pairs += [(index, index - 5) for index in range(10, count - 10, 500)]
    flows = [
        SequenceFlow(id=f"f{index}", source=f"n{source}", target=f"n{target}", **place)
        for index, (source, target) in enumerate(pairs)
    ]
    start = FlowNode(id="s", type=NodeType.START_EVENT, **place)
    flows.append(SequenceFlow(id="in", source="s", target="n0", **place))
    summary = ProcessSummary(id="p")
    return ControlFlowGraph(
        source_type=SourceType.BPMN, processes=(summary,), nodes=(start, *nodes), flows=tuple(flows)
    )


def planned(count: int, shape: str) -> ContainerPlan:
    graph = generated(count, shape)
    return plan_container(graph, containers_of(graph)["p"], Criterion.FLOW, 2)


@pytest.mark.parametrize("shape", ["layers", "long", "diamonds"])
def test_ten_times_the_graph_is_at_most_about_ten_times_the_steps(shape: str) -> None:
    small, large = planned(1000, shape), planned(10_000, shape)
    assert large.size == large.lower_bound == len(large.certificate)
    assert large.steps <= 15 * small.steps


def test_a_process_of_ten_thousand_nodes_is_read_and_planned_whole() -> None:
    from orchestra_kit.design.bpmn import read_bpmn

    graph = generated(10_000, "layers")
    parts = [f'<exclusiveGateway id="{node.id}"/>' for node in graph.nodes if node.id != "s"]
    parts += [f'<sequenceFlow id="{f.id}" sourceRef="{f.source}" targetRef="{f.target}"/>' for f in graph.flows]
    text = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"><startEvent id="s"/>'
        + "".join(parts) + "</process></definitions>"
    )  # fmt: skip
    document = read_bpmn(text.encode(), source="big")
    assert (len(document.graph.nodes), len(document.graph.flows)) == (len(graph.nodes), len(graph.flows))
    plan = plan_suite(document.graph, max_loop=1)
    assert plan.gap == 0
    covered = {flow for item in plan.containers[0].scenarios for flow in item.path}
    assert covered | {item for item, _ in plan.containers[0].unreachable} >= {flow.id for flow in graph.flows}


def test_a_chain_of_choices_is_not_listed_exponentially() -> None:
    assert planned(3000, "diamonds").size <= 3


def rows_of_blocks(count: int, kinds: list[NodeType]) -> ControlFlowGraph:
    """Blocks of three branches of two tasks each, one after the other, and a loop around every tenth."""
    place = {"container": "p", "process_id": "p"}
    nodes = [FlowNode(id="n0", type=NodeType.START_EVENT, **place)]
    flows: list[SequenceFlow] = []

    def flow(source: str, target: str) -> None:
        flows.append(SequenceFlow(id=f"f{len(flows)}", source=source, target=target, **place))

    def add(kind: NodeType, *sources: str) -> str:
        nodes.append(FlowNode(id=f"n{len(nodes)}", type=kind, **place))
        for source in sources:
            flow(source, nodes[-1].id)
        return nodes[-1].id

    here, blocks = "n0", 0
    while len(flows) < count:
        kind = kinds[blocks % len(kinds)]
        head = add(NodeType.EXCLUSIVE_GATEWAY, here)
        split = add(kind, head)
        here = add(
            NodeType.EXCLUSIVE_GATEWAY, add(kind, *(add(NodeType.TASK, add(NodeType.TASK, split)) for _ in "abc"))
        )
        if blocks % 10 == 0:
            flow(here, head)
        blocks += 1
    add(NodeType.END_EVENT, here)
    summary = ProcessSummary(id="p")
    return ControlFlowGraph(source_type=SourceType.BPMN, processes=(summary,), nodes=tuple(nodes), flows=tuple(flows))


@pytest.mark.parametrize("kind", [NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY])
def test_blocks_are_explored_in_as_many_moments_as_there_are_elements(kind: NodeType) -> None:
    graph = rows_of_blocks(3000, [kind, NodeType.EXCLUSIVE_GATEWAY])
    container = containers_of(graph)["p"]
    runs, base = explore_runs(TokenNet(container.nodes, container.flows), lambda edge: edge.kind in PLAIN)
    assert runs.complete
    assert len(base.alive) <= 1.5 * len(graph.nodes)
    plan = plan_container(graph, container, Criterion.FLOW, 2)
    assert plan.size == plan.lower_bound == len(plan.certificate) == 3
    assert plan.unreachable == ()


def test_ten_thousand_flows_of_blocks_cost_about_ten_times_a_thousand() -> None:
    kinds = [NodeType.PARALLEL_GATEWAY, NodeType.EXCLUSIVE_GATEWAY]
    steps = []
    for count in (1000, 10_000):
        graph = rows_of_blocks(count, kinds)
        plan = plan_container(graph, containers_of(graph)["p"], Criterion.FLOW, 2)
        assert plan.size == plan.lower_bound == 3
        steps.append(plan.steps)
    assert steps[1] <= 15 * steps[0]
