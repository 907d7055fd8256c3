"""Loops taken 0, 1 and N times: which obligations a suite leaves open, and the walks that meet them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestra_kit.design.coverage.components import loop_edges
from orchestra_kit.design.coverage.walk_graph import Edge, Walk, WalkGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopWalk:
    """A walk that takes one loop exactly so many times."""

    edge: Edge
    times: int
    walk: Walk


def loop_walks(graph: WalkGraph, walks: Sequence[Walk], max_loop: int, *, known: Iterable[int] = ()) -> list[LoopWalk]:
    """Return walks for the loops of a graph that `walks` do not take 0, 1 and max_loop times already.

    `known` names loop edges already dealt with.
    """
    skip, done = set(known), list(walks)
    edges = [edge for edge in loop_edges(graph) if edge.index not in skip]
    counted = [_Counted(walk, {edge.index for edge in edges}) for walk in done]
    found: list[LoopWalk] = []
    for edge in edges:
        for times in sorted({0, min(1, max_loop), max_loop}):
            if any(item.takes(edge, times) for item in counted):
                continue
            walk = _walk_with(graph, edge, times)
            if walk is not None:
                found.append(LoopWalk(edge=edge, times=times, walk=walk))
                counted.append(_Counted(walk, {item.index for item in edges}))
    return found


class _Counted:
    """A walk with its loop edges counted and its nodes known."""

    def __init__(self, walk: Walk, edges: set[int]) -> None:
        self._counts: dict[int, int] = {}
        self._nodes = {walk.start}
        for edge in walk.edges:
            self._nodes.add(edge.target)
            if edge.index in edges:
                self._counts[edge.index] = self._counts.get(edge.index, 0) + 1

    def takes(self, edge: Edge, times: int) -> bool:
        """True for a walk that comes by the loop and takes it exactly so many times."""
        return edge.target in self._nodes and self._counts.get(edge.index, 0) == times


def _walk_with(graph: WalkGraph, edge: Edge, times: int) -> Walk | None:
    """Return: shortest way to the loop's head, so many rounds, shortest way to an end, all without the loop elsewhere."""
    head, tail, ends = edge.target, edge.source, set(graph.ends)
    before = graph.shortest(graph.starts, lambda node: node == head, without=edge)
    round_ = graph.shortest([head], lambda node: node == tail, without=edge)
    after = graph.shortest([head], lambda node: node in ends, without=edge)
    if before is None or round_ is None or after is None:
        return None
    return Walk(start=before.start, edges=(*before.edges, *((*round_.edges, edge) * times), *after.edges))
