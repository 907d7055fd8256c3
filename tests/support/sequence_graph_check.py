"""What every graph read from a sequence diagram has to be."""

from __future__ import annotations

from orchestra_kit.model import ControlFlowGraph, NodeType


def check_graph(graph: ControlFlowGraph) -> None:
    """Every id once; every flow between nodes; every node on a walk from the start to the end; sound gateways."""
    identifiers = [node.id for node in graph.nodes] + [flow.id for flow in graph.flows]
    assert len(identifiers) == len(set(identifiers))
    nodes = {node.id: node for node in graph.nodes}
    forward: dict[str, list[str]] = {name: [] for name in nodes}
    backward: dict[str, list[str]] = {name: [] for name in nodes}
    for flow in graph.flows:
        forward[flow.source].append(flow.target)
        backward[flow.target].append(flow.source)
    sources = {flow.id: flow.source for flow in graph.flows}
    starts = [node.id for node in graph.nodes if node.type is NodeType.START_EVENT]
    ends = [node.id for node in graph.nodes if node.type is NodeType.END_EVENT]
    assert len(starts) == len(ends) == len(graph.processes)
    assert reached(starts, forward) == set(nodes) == reached(ends, backward)
    for node in graph.nodes:
        if node.type is NodeType.PARALLEL_GATEWAY:
            assert min(len(forward[node.id]), len(backward[node.id])) == 1
        elif not node.type.is_gateway:
            assert len(forward[node.id]) == (0 if node.type is NodeType.END_EVENT else 1)
        if node.default_flow is not None:
            assert sources[node.default_flow] == node.id


def reached(start: list[str], following: dict[str, list[str]]) -> set[str]:
    found, waiting = set(start), list(start)
    while waiting:
        for name in following[waiting.pop()]:
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
