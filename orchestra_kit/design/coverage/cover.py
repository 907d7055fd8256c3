"""The fewest walks that cover what a graph must have covered, and the proof that fewer cannot.

Strongly connected parts are one node of the condensation (one walk can do all in them); the rest is a minimum flow with
lower bounds, whose cut is the certificate: elements no two of which lie on one walk. Ntafos and Hakimi (1979).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestra_kit.design.coverage.components import components
from orchestra_kit.design.coverage.demands import Demands
from orchestra_kit.design.coverage.minimum_flow import Arc, minimum_flow
from orchestra_kit.design.coverage.walk_graph import Edge, EdgeKind, Walk, WalkGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The walks, the bound below which no suite can go, and the elements (with how often) that prove it.

    `exhaustive` says that the bound comes from a look at every run, not from the certificate alone.
    """

    walks: tuple[Walk, ...] = ()
    lower_bound: int = 0
    certificate: tuple[tuple[str, int], ...] = ()
    steps: int = 0
    exhaustive: bool = False


Route = list[Edge | int]
"""A walk over the condensation: components by position, with the edges between them."""


def cover(graph: WalkGraph, demands: Demands) -> Cover:
    """Return a smallest set of walks that meets the demands, none of them loose; a restricted graph is expected."""
    if not demands or not graph.alive:
        return Cover()
    network = Network(graph, demands)
    best = minimum_flow(network.node_count, network.arcs)
    certificate = tuple((network.element(index), network.arcs[index].lower) for index in best.cut)
    return Cover(
        walks=tuple(Expansion(graph, demands, network).expand(network.routes(best.flow))),
        lower_bound=sum(weight for _, weight in certificate),
        certificate=certificate,
        steps=best.steps,
    )


def fewest_walks(graph: WalkGraph, demands: Demands) -> int:
    """Return how many walks the demands need, without the walks."""
    if not demands or not graph.alive:
        return 0
    network = Network(graph, demands)
    return minimum_flow(network.node_count, network.arcs).value


class Network:
    """The condensation, each component split in two so that it can have a demand of its own."""

    def __init__(self, graph: WalkGraph, demands: Demands) -> None:
        self.graph, self.demands = graph, demands
        self.parts = components(graph)
        self.part_of = {node: position for position, part in enumerate(self.parts) for node in part}
        self.node_count = 2 * len(self.parts) + 2
        self.arcs: list[Arc] = []
        self.edge_of: list[Edge | None] = []
        self.inside: list[list[Edge]] = [[] for _ in self.parts]
        for edge in graph.edges:
            if self.part_of[edge.source] == self.part_of[edge.target]:
                self.inside[self.part_of[edge.source]].append(edge)
        self.inner: dict[int, int] = {}
        for position in range(len(self.parts)):
            self.inner[len(self.arcs)] = position
            self._add(2 * position + 1, 2 * position + 2, self._lower(position), None)
        for edge in graph.edges:
            source, target = self.part_of[edge.source], self.part_of[edge.target]
            if source != target:
                self._add(2 * source + 2, 2 * target + 1, demands.edges.get(edge.index, 0), edge)
        for position in sorted({self.part_of[node] for node in graph.starts}):
            self._add(0, 2 * position + 1, 0, None)
        for position in sorted({self.part_of[node] for node in graph.ends}):
            self._add(2 * position + 2, self.node_count - 1, 0, None)

    def _add(self, source: int, target: int, lower: int, edge: Edge | None) -> None:
        unusual = edge is not None and edge.kind in (EdgeKind.BOUNDARY, EdgeKind.ESCAPE)
        self.arcs.append(Arc(source=source, target=target, lower=lower, cost=1000 if unusual else 1))
        self.edge_of.append(edge)

    def _lower(self, position: int) -> int:
        wanted = [self.demands.nodes.get(node, 0) for node in self.parts[position]]
        if not self.inside[position]:
            return max(wanted)
        wanted += [self.demands.edges.get(edge.index, 0) for edge in self.inside[position]]
        return int(any(wanted))  # one walk can go round as often as it must

    def element(self, index: int) -> str:
        """Return an element that stands for an arc of the certificate."""
        edge = self.edge_of[index]
        if edge is not None:
            return edge.id
        position = self.inner[index]
        for inner in self.inside[position]:
            if self.demands.edges.get(inner.index, 0):
                return inner.id
        return next(self.graph.node_ids[node] for node in self.parts[position] if self.demands.nodes.get(node, 0))

    def routes(self, flow: tuple[int, ...]) -> list[Route]:
        """Return the flow as walks over the condensation: components by position, with the edges between them."""
        leaving: list[list[int]] = [[] for _ in range(self.node_count)]
        for index, arc in enumerate(self.arcs):
            if flow[index]:
                leaving[arc.source].append(index)
        routes: list[Route] = []
        here: list[deque[int]] = [deque() for _ in range(self.node_count)]
        for index in leaving[0]:
            for _ in range(flow[index]):
                here[self.arcs[index].target].append(len(routes))
                routes.append([])
        for node in range(1, self.node_count - 1):
            for index in leaving[node]:
                for _ in range(flow[index]):
                    route = here[node].popleft()
                    edge = self.edge_of[index]
                    if index in self.inner:
                        routes[route].append(self.inner[index])
                    elif edge is not None:
                        routes[route].append(edge)
                    here[self.arcs[index].target].append(route)
        return routes


class Expansion:
    """Turns routes over components into walks over nodes; in a loop the last walk through it does what is left to do.

    `stands_for` says of which elements an edge (by index) or node (by ~number) is one of several contexts: it is left to
    do only until each of them was walked in some context.
    """

    def __init__(
        self, graph: WalkGraph, demands: Demands, network: Network, stands_for: Mapping[int, set[int]] | None = None
    ) -> None:
        self._graph, self._demands, self._network = graph, demands, network
        self._stands_for, self._met = stands_for or {}, set[int]()
        self._starts, self._ends = set(graph.starts), set(graph.ends)
        self._leaving: dict[int, dict[int, list[Edge]]] = {}

    def expand(self, routes: list[Route]) -> list[Walk]:
        """Return one walk for each route."""
        passes: Counter[int] = Counter(item for route in routes for item in route if isinstance(item, int))
        left = {position: self._wanted(position) for position in passes if self._network.inside[position]}
        walks: list[Walk] = []
        for route in routes:
            start: int | None = None
            edges: list[Edge] = []
            for place, item in enumerate(route):
                if not isinstance(item, int):
                    edges += self._note([item])
                    continue
                if start is None:
                    start = self._entry(item, edges)
                if item in left:
                    passes[item] -= 1
                    after = route[place + 1] if place + 1 < len(route) else None
                    leave = after.source if isinstance(after, Edge) else None
                    last = passes[item] == 0
                    edges += self._through(item, self._entry(item, edges), leave, left[item], last=last)
            if start is not None:
                walks.append(Walk(start=start, edges=tuple(edges)))
        return walks

    def _wanted(self, position: int) -> dict[int, int]:
        """Return how often edges (by index) and nodes (by ~number) of a component are still wanted."""
        wanted = {edge.index: self._demands.edges.get(edge.index, 0) for edge in self._network.inside[position]}
        wanted |= {~node: self._demands.nodes.get(node, 0) for node in self._network.parts[position]}
        return {key: times for key, times in wanted.items() if times}

    def _entry(self, position: int, edges: list[Edge]) -> int:
        if edges:
            return edges[-1].target
        return min(node for node in self._network.parts[position] if node in self._starts)

    def _through(self, position: int, entry: int, leave: int | None, left: dict[int, int], *, last: bool) -> list[Edge]:
        """Return the edges from entry to exit inside a component; the last walk makes every detour still wanted."""
        inside = self._inside(position)
        walked: list[Edge] = []
        _tick(left, ~entry)
        here = entry
        while last and self._leave_out(left):
            walked += self._note(_nearest(here, inside, left))
            here = walked[-1].target
        if here != leave if leave is not None else here not in self._ends:
            goals = {leave} if leave is not None else self._ends
            walked += self._note(_nearest(here, inside, left, goals))
        return walked

    def _leave_out(self, left: dict[int, int]) -> dict[int, int]:
        """Return what is left without the contexts of elements that were walked in another one."""
        if self._stands_for:
            for key in [key for key in left if self._stands_for[key] <= self._met]:
                del left[key]
        return left

    def _note(self, way: list[Edge]) -> list[Edge]:
        for edge in way if self._stands_for else ():
            for key in (edge.index, ~edge.target):
                self._met |= self._stands_for.get(key, set())
        return way

    def _inside(self, position: int) -> dict[int, list[Edge]]:
        """Return the edges of a component by their sources."""
        found = self._leaving.get(position)
        if found is None:
            found = self._leaving[position] = {node: [] for node in self._network.parts[position]}
            for edge in self._network.inside[position]:
                found[edge.source].append(edge)
        return found


def _nearest(
    here: int, leaving: Mapping[int, list[Edge]], left: dict[int, int], goals: Collection[int] | None = None
) -> list[Edge]:
    """Return the shortest way to, and over, the first wanted edge or the first that leads to a goal; tick all it takes."""
    came: dict[int, Edge] = {}
    queue = [here]
    for node in queue:
        for edge in leaving[node]:
            target = edge.target
            if (edge.index in left or ~target in left) if goals is None else target in goals:
                way = [edge]
                while node != here:
                    way.append(came[node])
                    node = came[node].source
                for step in way:
                    _tick(left, step.index)
                    _tick(left, ~step.target)
                return way[::-1]
            if target not in came and target != here:
                came[target] = edge
                queue.append(target)
    raise AssertionError("a strongly connected component with an element out of reach")


def _tick(left: dict[int, int], key: int) -> None:
    times = left.get(key)
    if times is None:
        return
    if times > 1:
        left[key] = times - 1
    else:
        del left[key]
