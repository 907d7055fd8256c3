"""Minimum flow with lower bounds on a directed acyclic graph, and the cut that proves it minimal.

After Ciurea and Ciupala (2004): a feasible flow is made minimal by moving what enters a node beyond need to nodes that
lack it. Those moves are a maximum flow without capacities, found by depth-first searches that share their dead ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """A directed edge that must carry at least `lower`. Nodes are numbered so that source < target.

    `cost` only says which way is taken where any would do.
    """

    source: int
    target: int
    lower: int = 0
    cost: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumFlow:
    """What each arc carries, the total, and the arcs of a cut: their lower bounds sum to the total.

    No arc leads back over the cut, so no path uses two of its arcs: that many paths are needed.
    """

    flow: tuple[int, ...]
    value: int
    cut: tuple[int, ...]
    steps: int


def minimum_flow(node_count: int, arcs: Sequence[Arc]) -> MinimumFlow:
    """Return the least flow from node 0 to the last node; every node must lie on a path between these two."""
    search = _Balance(node_count, arcs)
    while search.augment():
        pass
    flow = search.settle()
    value = sum(flow[index] for index in search.leaving[0])
    cut, steps = _cut(node_count, arcs, flow, search.leaving, search.entering)
    if sum(arcs[index].lower for index in cut) != value:
        raise AssertionError("the flow is not minimal: its cut is smaller")
    return MinimumFlow(flow=tuple(flow), value=value, cut=tuple(cut), steps=search.steps + steps)


@dataclass(slots=True)
class _Path:
    """A path of arcs from a node with too much to a node with too little; backward arcs are negative (~index)."""

    arcs: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)


class _Balance:
    """The lower bounds as a first flow, and what each node then has too much (or, negative, too little)."""

    def __init__(self, node_count: int, arcs: Sequence[Arc]) -> None:
        self.arcs, self.node_count, self.steps = arcs, node_count, 0
        self.moved = [0] * len(arcs)
        self.excess = [0] * node_count
        self.leaving: list[list[int]] = [[] for _ in range(node_count)]
        self.entering: list[list[int]] = [[] for _ in range(node_count)]
        for index, arc in enumerate(arcs):
            self.leaving[arc.source].append(index)
            self.entering[arc.target].append(index)
            self.excess[arc.target] += arc.lower
            self.excess[arc.source] -= arc.lower
        self.excess[0] = self.excess[-1] = 0
        self._next = [0] * node_count
        self._closed = bytearray(node_count)

    def augment(self) -> bool:
        """Move what can be moved in one round; False when nothing could."""
        self._next = [0] * self.node_count
        self._closed = bytearray(self.node_count)
        self._closed[0] = self._closed[-1] = 1  # nothing is moved through the two ends
        progress = False
        for node in range(self.node_count - 2, 0, -1):
            while self.excess[node] > 0 and not self._closed[node]:
                path = self._search(node)
                if path is None:
                    break
                self._move(node, path)
                progress = True
        return progress

    def _search(self, start: int) -> _Path | None:
        path = _Path(nodes=[start])
        self._closed[start] = 1
        while path.nodes:
            node = path.nodes[-1]
            if self.excess[node] < 0:
                break
            step = self._step(node)
            if step is None:
                path.nodes.pop()  # stays closed for the round: nothing more is to be found behind it
                if path.arcs:
                    path.arcs.pop()
                continue
            path.arcs.append(step)
            reached = self.arcs[step].target if step >= 0 else self.arcs[~step].source
            path.nodes.append(reached)
            self._closed[reached] = 1
        if not path.nodes:
            return None
        for node in path.nodes:
            self._closed[node] = 0
        return path

    def _step(self, node: int) -> int | None:
        """Return the next arc worth following: any forward one, and a backward one that carries something moved."""
        leaving, entering = self.leaving[node], self.entering[node]
        while self._next[node] < len(leaving) + len(entering):
            self.steps += 1
            position = self._next[node]
            if position < len(leaving):
                index = leaving[position]
                if not self._closed[self.arcs[index].target]:
                    return index
            else:
                index = entering[position - len(leaving)]
                if self.moved[index] > 0 and not self._closed[self.arcs[index].source]:
                    return ~index
            self._next[node] += 1
        return None

    def _move(self, start: int, path: _Path) -> None:
        amount = min(self.excess[start], -self.excess[path.nodes[-1]])
        for step in path.arcs:
            if step < 0:
                amount = min(amount, self.moved[~step])
        for step in path.arcs:
            self.steps += 1
            if step >= 0:
                self.moved[step] += amount
            else:
                self.moved[~step] -= amount
        self.excess[start] -= amount
        self.excess[path.nodes[-1]] += amount

    def settle(self) -> list[int]:
        """Return the flow: what is left over runs on to the end, what is still lacking comes from the start."""
        flow = [arc.lower + moved for arc, moved in zip(self.arcs, self.moved, strict=True)]
        last = self.node_count - 1
        to_end = self._nearest(range(last, -1, -1), self.entering, last, forward=False)
        from_start = self._nearest(range(self.node_count), self.leaving, 0, forward=True)
        for node in range(1, last):
            if self.excess[node] > 0:
                index = to_end[node]
                flow[index] += self.excess[node]
                self.excess[self.arcs[index].target] += self.excess[node]
                self.excess[node] = 0
        for node in range(last - 1, 0, -1):
            if self.excess[node] < 0:
                index = from_start[node]
                flow[index] -= self.excess[node]
                self.excess[self.arcs[index].source] += self.excess[node]
                self.excess[node] = 0
        return flow

    def _nearest(self, order: range, arcs_of: list[list[int]], origin: int, *, forward: bool) -> list[int]:
        """Return for each node the arc that leads most shortly to (or from) an end. Order is topological."""
        far = sum(arc.cost for arc in self.arcs) + 1
        distance, chosen = [far] * self.node_count, [-1] * self.node_count
        distance[origin] = 0
        for node in order:
            for index in arcs_of[node]:
                self.steps += 1
                other = self.arcs[index].target if forward else self.arcs[index].source
                if distance[node] + self.arcs[index].cost < distance[other]:
                    distance[other], chosen[other] = distance[node] + self.arcs[index].cost, index
        return chosen


def _cut(
    node_count: int, arcs: Sequence[Arc], flow: Sequence[int], leaving: list[list[int]], entering: list[list[int]]
) -> tuple[list[int], int]:
    """Return the arcs out of what can be reached from the start over arcs that carry more than they must."""
    reached = bytearray(node_count)
    reached[0] = 1
    stack, steps = [0], 0
    while stack:
        node = stack.pop()
        steps += len(leaving[node]) + len(entering[node])
        for index in leaving[node]:
            target = arcs[index].target
            if not reached[target] and flow[index] > arcs[index].lower:
                reached[target] = 1
                stack.append(target)
        for index in entering[node]:
            source = arcs[index].source
            if not reached[source]:
                reached[source] = 1
                stack.append(source)
    cut = [index for index, arc in enumerate(arcs) if arc.lower and reached[arc.source] and not reached[arc.target]]
    return cut, steps
