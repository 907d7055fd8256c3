"""Runs beyond the minimal cover: what each is for, the bound it is counted against, and the ways to build one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestra_kit.design.coverage.walk_graph import Edge, EdgeKind, Walk, WalkGraph

ALWAYS_ALLOWED = 200_000
"""Steps that all additions of one container may have together; in huge ones three times as many as the container has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedRun:
    """One run, and how often each activity with a loop of its own runs in it where that is not once.

    `in_cover` says that the cover has this very run: it is told here to make the table whole, and not run again.
    """

    walk: Walk
    instances: Mapping[str, int] = field(default_factory=dict)
    in_cover: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The runs added for one element, and how many of its kind any suite needs."""

    kind: str
    of: str
    runs: tuple[AddedRun, ...]
    lower_bound: int
    note: str = ""


class Ways:
    """Shortest ways from a start to any moment, and from any moment to an end."""

    def __init__(self, graph: WalkGraph) -> None:
        self.graph = graph
        self._to = _tree(graph.starts, graph.leaving, forward=True)
        self._from = _tree(graph.ends, graph.entering, forward=False)

    def through(self, edges: Sequence[Edge]) -> Walk:
        """Return a run over some edges; they begin at a moment of the graph and end at one, or where runs end."""
        return self._around(edges[0].source, edges, edges[-1].target)

    def by(self, moment: int) -> Walk:
        """Return a run by a moment of the graph."""
        return self._around(moment, (), moment)

    def _around(self, first: int, edges: Iterable[Edge], last: int) -> Walk:
        before: list[Edge] = []
        node = first
        while (edge := self._to[node]) is not None:
            before.append(edge)
            node = edge.source
        after: list[Edge] = []
        last_node = last
        while (edge := self._from.get(last_node)) is not None:
            after.append(edge)
            last_node = edge.target
        return Walk(start=node, edges=(*reversed(before), *edges, *after))


def _tree(roots: Iterable[int], edges_of: Mapping[int, Sequence[Edge]], *, forward: bool) -> dict[int, Edge | None]:
    """Return for each node the edge by which the search came to it, plain steps before unusual ones."""
    found: dict[int, Edge | None] = dict.fromkeys(roots)
    queue = list(found)
    late: list[int] = []
    unusual = (EdgeKind.BOUNDARY, EdgeKind.ESCAPE)
    while queue or late:
        if not queue:
            queue, late = late, []
            plain = False
        else:
            plain = True
        more: list[int] = []
        for node in queue:
            skipped = False
            for edge in edges_of.get(node, ()):
                if plain and edge.kind in unusual:
                    skipped = True
                    continue
                other = edge.target if forward else edge.source
                if other not in found:
                    found[other] = edge
                    more.append(other)
            if skipped:
                late.append(node)
        queue = more
    return found


class StepBudget:
    """Counts the steps of added runs, and says when there are too many."""

    def __init__(self, steps: int) -> None:
        self._left = max(ALWAYS_ALLOWED, 3 * steps)

    def allows(self, walk: Walk) -> bool:
        """Return whether one more run fits in; it is counted then."""
        if len(walk.edges) > self._left:
            self._left = 0
            return False
        self._left -= len(walk.edges)
        return True

    @property
    def spent(self) -> bool:
        """True when nothing more fits in."""
        return self._left <= 0
