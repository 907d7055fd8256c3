"""What each coverage criterion asks of a container."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from orchestra_kit.design.coverage.demands import Demands, Loose
from orchestra_kit.design.coverage.walk_graph import EdgeKind, WalkGraph
from orchestra_kit.errors import UnknownNameError


class Criterion(StrEnum):
    """What a suite must cover: every node, every flow, or every flow that leaves a split."""

    NODE = "node"
    FLOW = "flow"
    DECISION = "decision"


def to_criterion(name: str) -> Criterion:
    """Return the criterion of that name; raise UnknownNameError for any other."""
    try:
        return Criterion(name)
    except ValueError:
        raise UnknownNameError("criterion", name, [item.value for item in Criterion]) from None


def base_demands(criterion: Criterion, base: WalkGraph, whole: WalkGraph) -> Demands:
    """Return what must be covered on runs that no boundary event interrupts."""
    demands = _demands(criterion, base, whole)
    if not demands and base.edges:
        # Even where nothing is to be decided, decision coverage wants one run.
        walk = base.shortest(base.starts, lambda node: node in base.ends)
        flow = next((edge for edge in walk.edges if edge.fires), None) if walk else None
        return Demands(edges={flow.index: 1} if flow else {}, nodes={})
    return demands


def further_demands(criterion: Criterion, further: WalkGraph, base: WalkGraph, whole: WalkGraph) -> Demands:
    """Return what only runs over boundary events can cover: those events, and what the criterion asks behind them."""
    flows = {flow for edge in base.edges for flow in edge.fires}
    nodes = {base.node_ids[node] for node in base.alive}
    return _demands(criterion, further, whole, flows, nodes) | demand_any(
        edges=group((edge.id, edge.index) for edge in further.edges if edge.kind is EdgeKind.BOUNDARY)
    )


def lost_demands(criterion: Criterion, graph: WalkGraph, complete: WalkGraph, whole: WalkGraph) -> Demands:
    """Return what the criterion asks of a graph beyond what complete runs show."""
    flows = {flow for edge in complete.edges for flow in edge.fires}
    nodes = {complete.node_ids[node] for node in complete.alive}
    return _demands(criterion, graph, whole, flows, nodes)


def _demands(
    criterion: Criterion,
    graph: WalkGraph,
    whole: WalkGraph,
    known_flows: Collection[str] = (),
    known_nodes: Collection[str] = (),
) -> Demands:
    if criterion is Criterion.NODE:
        ids = graph.node_ids
        named = ((ids[node], node) for node in sorted(graph.alive) if ids[node] and ids[node] not in known_nodes)
        return demand_any(nodes=group(named))
    # A flow is covered where its source fires: all those of a parallel split in one step.
    fired = ((flow, edge.index) for edge in graph.edges for flow in edge.fires if flow not in known_flows)
    if criterion is Criterion.DECISION:
        fired = ((flow, index) for flow, index in fired if flow in whole.decided)
    return demand_any(edges=group(fired))


def group(named: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Return the indexes under each name."""
    found: dict[str, list[int]] = {}
    for name, index in named:
        found.setdefault(name, []).append(index)
    return found


def demand_any(
    *, edges: Mapping[str, list[int]] | None = None, nodes: Mapping[str, list[int]] | None = None
) -> Demands:
    """Return the demand that for each name at least one of its edges, or nodes, is walked."""
    edges, nodes = edges or {}, nodes or {}
    loose = [Loose(edges=tuple(found)) for found in edges.values() if len(found) > 1]
    loose += [Loose(nodes=tuple(found)) for found in nodes.values() if len(found) > 1]
    return Demands(
        edges={found[0]: 1 for found in edges.values() if len(found) == 1},
        nodes={found[0]: 1 for found in nodes.values() if len(found) == 1},
        loose=tuple(loose),
    )
