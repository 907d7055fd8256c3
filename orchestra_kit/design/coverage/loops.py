"""Loops taken 0, 1 and N times: which obligations a suite leaves open, and the runs that meet them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orchestra_kit.design.coverage.added import Added, AddedRun, StepBudget
from orchestra_kit.design.coverage.components import loop_edges
from orchestra_kit.design.coverage.cover import cover
from orchestra_kit.design.coverage.demands import Demands
from orchestra_kit.design.coverage.walk_graph import Edge, Walk, WalkGraph

MANY_LOOPS = 20
"""With more loops than this, one run takes as many of them as it comes by."""


def loop_runs(
    graph: WalkGraph, walks: list[Walk], max_loop: int, budget: StepBudget, *, known: Collection[str] = ()
) -> list[Added]:
    """Return the runs for the loops of a graph that `walks` do not take 0, 1 and max_loop times already.

    `known` names loops already dealt with. A loop is the flow that closes it, in whatever context runs come to it. The
    runs found are added to `walks`: one may meet the obligations of several loops.
    """
    loops: dict[str, list[Edge]] = {}
    for edge in loop_edges(graph):
        name = edge.id or graph.node_ids[edge.target] or graph.node_ids[edge.source]
        if name and name not in known:
            loops.setdefault(name, []).append(edge)
    found: list[Added] = []
    counted = [_Counted(walk, loops) for walk in walks]
    wanted = sorted({0, min(1, max_loop), max_loop})
    rides = _Rides(graph, loops) if len(loops) > MANY_LOOPS else None
    for name, edges in loops.items():
        open_ones = [times for times in wanted if not any(item.takes(name, edges, times) for item in counted)]
        added: list[AddedRun] = []
        notes: list[str] = []
        for times in open_ones:
            walk = None if budget.spent or rides is None else rides.ride(edges, times)
            if walk is None and not budget.spent:
                walk = _walk_with(graph, edges, times)
            if walk is not None and budget.allows(walk):
                added.append(AddedRun(walk=walk))
                walks.append(walk)
                counted.append(_Counted(walk, loops))
            elif walk is not None or budget.spent:
                notes.append(f"{times} times: left out, the suite would be too long")
            else:
                notes.append(f"{times} times: {_why_not(times)}")
        if added or notes:
            found.append(Added(kind="loop", of=name, runs=tuple(added), lower_bound=len(added), note="; ".join(notes)))
    return found


class _Rides:
    """Runs that take many loops the same number of times; not for every loop there is one."""

    def __init__(self, graph: WalkGraph, loops: Mapping[str, Sequence[Edge]]) -> None:
        self._graph, self._cut = graph, {edge.index for edge in loop_edges(graph)}
        forward = graph.restrict(lambda edge: edge.index not in self._cut)
        self._heads: dict[int, list[Edge]] = {}
        for edges in loops.values():
            if edges[0].target in forward.alive:
                self._heads.setdefault(edges[0].target, []).append(edges[0])
        self._walks = cover(forward, Demands(edges={}, nodes=dict.fromkeys(self._heads, 1))).walks
        self._by_head: dict[int, int] = {}
        for place, walk in enumerate(self._walks):
            for node in (walk.start, *(edge.target for edge in walk.edges)):
                if node in self._heads:
                    self._by_head.setdefault(node, place)
        self._rounds: dict[int, tuple[Edge, ...]] = {}

    def ride(self, edges: Sequence[Edge], times: int) -> Walk | None:
        """Return a run that takes a loop, and all others it comes by, so many times."""
        place = self._by_head.get(edges[0].target)
        if place is None:
            return None
        walk = self._walks[place]
        ridden: list[Edge] = self._turns(walk.start, times)
        for edge in walk.edges:
            ridden.append(edge)
            if edge.target in self._heads:
                ridden += self._turns(edge.target, times)
        return Walk(start=walk.start, edges=tuple(ridden))

    def _turns(self, head: int, times: int) -> list[Edge]:
        return [step for edge in self._heads.get(head, ()) for step in self._round(edge) * times]

    def _round(self, edge: Edge) -> tuple[Edge, ...]:
        found = self._rounds.get(edge.index)
        if found is None:
            way = self._graph.shortest([edge.target], lambda node: node == edge.source, without=self._cut)
            found = self._rounds[edge.index] = (*way.edges, edge) if way else ()
        return found


def _why_not(times: int) -> str:
    if times == 0:
        return "not possible, every run that comes by takes it"
    return "not possible, no run that takes it so often comes to an end"


class _Counted:
    """A walk with its loops counted and its moments known."""

    def __init__(self, walk: Walk, loops: Collection[str]) -> None:
        self._counts: dict[str, int] = {}
        self._moments = {walk.start}
        for edge in walk.edges:
            self._moments.add(edge.target)
            if edge.id in loops:
                self._counts[edge.id] = self._counts.get(edge.id, 0) + 1

    def takes(self, name: str, edges: Sequence[Edge], times: int) -> bool:
        """True for a walk that comes by the loop and takes it exactly so many times."""
        return self._counts.get(name, 0) == times and any(edge.target in self._moments for edge in edges)


def _walk_with(graph: WalkGraph, edges: Sequence[Edge], times: int) -> Walk | None:
    """Return: shortest way to the loop's head, so many rounds, shortest way to an end, all without the loop elsewhere."""
    ends = set(graph.ends)
    every = {edge.index for edge in edges}
    for edge in edges:
        head, tail = edge.target, edge.source
        before = graph.shortest(graph.starts, lambda node, head=head: node == head, without=every)  # type: ignore[misc]
        after = graph.shortest([head], lambda node: node in ends, without=every) if before else None
        if before is None or after is None:
            continue
        round_ = graph.shortest([head], lambda node, tail=tail: node == tail, without=every) if times else None  # type: ignore[misc]
        if round_ is not None or not times:
            turns = (*round_.edges, edge) * times if round_ else ()
            return Walk(start=before.start, edges=(*before.edges, *turns, *after.edges))
    return None
