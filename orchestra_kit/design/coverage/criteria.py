"""What each coverage criterion asks of a container."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from orchestra_kit.design.coverage.cover import Demands
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
    """Return what must be covered on walks that no boundary event interrupts."""
    demands = _demands(criterion, base, whole)
    if not demands and base.edges:
        # Even where nothing is to be decided, decision coverage wants one run.
        walk = base.shortest(base.starts, lambda node: node in base.ends)
        flow = next((edge for edge in walk.edges if edge.kind is EdgeKind.FLOW), None) if walk else None
        return Demands(edges={flow.index: 1} if flow else {}, nodes={})
    return demands


def further_demands(criterion: Criterion, further: WalkGraph, base: WalkGraph, whole: WalkGraph) -> Demands:
    """Return what only walks over boundary events can cover: those events, and what the criterion asks behind them."""
    known = {edge.index for edge in base.edges}
    demands = _demands(criterion, further, whole)
    edges = {index: times for index, times in demands.edges.items() if index not in known}
    edges |= {edge.index: 1 for edge in further.edges if edge.kind is EdgeKind.BOUNDARY}
    return Demands(edges=edges, nodes={node: times for node, times in demands.nodes.items() if node not in base.alive})


def _demands(criterion: Criterion, graph: WalkGraph, whole: WalkGraph) -> Demands:
    flows = [edge for edge in graph.edges if edge.kind is EdgeKind.FLOW]
    match criterion:
        case Criterion.NODE:
            return Demands(edges={}, nodes={node: 1 for node in graph.alive if graph.node_ids[node]})
        case Criterion.FLOW:
            return Demands(edges={edge.index: 1 for edge in flows}, nodes={})
        case Criterion.DECISION:
            width = Counter(edge.source for edge in whole.edges if edge.kind is EdgeKind.FLOW)
            return Demands(edges={edge.index: 1 for edge in flows if width[edge.source] > 1}, nodes={})
