"""Covers where some elements can be walked in any one of several places.

In small graphs the sets of elements that single walks can cover are all found, and the fewest of them chosen. In large
ones the heaviest walks are taken, or a place is chosen for each element and improved along the cut of the minimum flow,
whichever gives fewer walks. All of it ends after a number of steps, not of seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from orchestra_kit.design.coverage.cover import Cover, Expansion, Network, Route, cover
from orchestra_kit.design.coverage.demands import Demands, Loose
from orchestra_kit.design.coverage.heaviest import Places, conflict, heaviest_routes
from orchestra_kit.design.coverage.minimum_flow import minimum_flow
from orchestra_kit.design.coverage.set_cover import fewest_masks, largest_conflict, together_in, without_smaller
from orchestra_kit.design.coverage.walk_graph import Edge, Walk, WalkGraph

MOST_MASKS = 4000
MOST_AT_ONE_PLACE = 300
_MOST_STEPS = 60_000
_LARGE = 20_000


def cover_anywhere(graph: WalkGraph, demands: Demands) -> Cover:
    """Return a set of walks that meets the demands: a smallest one, but near to it where a large graph has loose ones."""
    found = _smallest(graph, demands)
    if graph.cut_short and found.lower_bound > 1:  # runs that were not looked at may do with fewer
        return replace(found, lower_bound=1, certificate=found.certificate[:1], exhaustive=False)
    return found


def _smallest(graph: WalkGraph, demands: Demands) -> Cover:
    if not demands.loose or not graph.alive:
        return cover(graph, demands)
    if any(times > 1 for times in (*demands.edges.values(), *demands.nodes.values())):
        return _choose_places(graph, demands)
    if any(item.times > 1 for item in demands.loose):
        return _choose_places(graph, demands)
    items = [Loose(edges=(index,)) for index in demands.edges] + [Loose(nodes=(node,)) for node in demands.nodes]
    items += demands.loose
    found = _look_at_all(graph, items)
    return found if found is not None else _take_heaviest(graph, demands, items)


# --- all walks of a small graph ------------------------------------------------------------------------------------


def _look_at_all(graph: WalkGraph, items: Sequence[Loose]) -> Cover | None:
    """Return the smallest cover after a look at what every walk can cover; None where that is too much."""
    network = Network(graph, Demands(edges={}, nodes={}))
    routes = _Masks(network, items).find()
    if routes is None:
        return None
    masks = list(routes)
    chosen = fewest_masks(masks, (1 << len(items)) - 1)
    if chosen is None:
        return None
    apart = largest_conflict(together_in(masks, len(items)), len(chosen))
    walks = _expand(graph, network, items, [routes[mask] for mask in chosen])
    return Cover(
        walks=tuple(walks),
        lower_bound=len(chosen),
        certificate=tuple((_name(graph, items[item]), 1) for item in apart),
        exhaustive=len(apart) < len(chosen),
    )


def _name(graph: WalkGraph, item: Loose) -> str:
    if item.nodes:
        return graph.node_ids[item.nodes[0]]
    return next(edge.id for edge in graph.edges if edge.index == item.edges[0])


def _expand(graph: WalkGraph, network: Network, items: Sequence[Loose], routes: list[Route]) -> list[Walk]:
    """Return the walks of routes; in each component the last one does all that is wanted there and was not done."""
    demands = Demands(
        edges={index: 1 for item in items for index in item.edges},
        nodes={node: 1 for item in items for node in item.nodes},
    )
    stands_for: dict[int, set[int]] = {}
    for place, item in enumerate(items):
        for key in (*item.edges, *(~node for node in item.nodes)):
            stands_for.setdefault(key, set()).add(place)
    return Expansion(graph, demands, network, stands_for).expand(routes)


@dataclass(slots=True)
class _Masks:
    """What walks can have covered by the time they leave each component."""

    network: Network
    items: Sequence[Loose]
    _found: list[dict[int, tuple[int, int, Edge | None]]] = field(default_factory=list)

    def find(self) -> dict[int, Route] | None:
        """Return the largest sets of items one walk can cover, each with such a walk; None where they are too many."""
        network, graph = self.network, self.network.graph
        places = Places.of(network, self.items)
        own, of_edge, entering = places.own, places.on_edge, places.entering
        starts = {network.part_of[node] for node in graph.starts}
        total = 0
        for position in range(len(network.parts)):
            here: dict[int, tuple[int, int, Edge | None]] = {}
            if position in starts:
                here[own[position]] = (-1, 0, None)
            for edge in entering[position]:
                before = network.part_of[edge.source]
                for mask in self._found[before]:
                    here.setdefault(mask | of_edge[edge.index] | own[position], (before, mask, edge))
            kept = without_smaller(list(here)) if len(here) <= 4 * MOST_AT_ONE_PLACE else list(here)
            total += len(kept)
            if len(kept) > MOST_AT_ONE_PLACE or total > MOST_MASKS:
                return None
            self._found.append({mask: here[mask] for mask in kept})
        ends = sorted({network.part_of[node] for node in graph.ends})
        last = {mask: position for position in ends for mask in self._found[position]}
        return {mask: self._route(last[mask], mask) for mask in without_smaller(list(last))}

    def _route(self, position: int, mask: int) -> Route:
        route: Route = []
        while position >= 0:
            route.append(position)
            position, mask, edge = self._found[position][mask]
            if edge is not None:
                route.append(edge)
        return route[::-1]


# --- the heaviest walks of a large graph ---------------------------------------------------------------------------


def _take_heaviest(graph: WalkGraph, demands: Demands, items: Sequence[Loose]) -> Cover:
    network = Network(graph, Demands(edges={}, nodes={}))
    places = Places.of(network, items)
    routes, left = heaviest_routes(network, places, len(items))
    walks = _expand(graph, network, items, routes)
    if left:
        rest = Demands(edges={}, nodes={}, loose=tuple(item for place, item in enumerate(items) if left >> place & 1))
        walks += cover(graph, _placed(Demands(edges={}, nodes={}), _first_places(rest.loose, walks))).walks
    apart = conflict(network, places, len(items), len(walks))
    certificate = tuple((_name(graph, items[item]), 1) for item in apart)
    best = Cover(walks=tuple(walks), lower_bound=len(apart), certificate=certificate)
    if (
        len(apart) < len(walks) and len(graph.edges) < _LARGE and not graph.cut_short
    ):  # else it takes long, or proves nothing
        other = _choose_places(graph, demands)
        bound, certificate = max((item.lower_bound, item.certificate) for item in (best, other))
        best = replace(min(other, best, key=lambda item: len(item.walks)), lower_bound=bound, certificate=certificate)
    return best


# --- a place for each element of a large graph ---------------------------------------------------------------------


def _choose_places(graph: WalkGraph, demands: Demands) -> Cover:
    fixed = Demands(edges=demands.edges, nodes=demands.nodes)
    proof = cover(graph, fixed)
    places = _first_places(demands.loose, proof.walks)
    bound = max(1, proof.lower_bound)
    size, cut = _least(graph, _placed(fixed, places))
    tries = _MOST_STEPS // (len(graph.edges) + 1)
    while size > bound and tries > 0:
        better = None
        for position in _movable(demands.loose, places, cut)[: max(tries, 1)]:
            tries -= 1
            trial = list(places)
            trial[position] = _elsewhere(demands.loose[position], places[position])
            found = _least(graph, _placed(fixed, trial))
            if found[0] <= size:
                better = (found, trial)
                if found[0] < size:
                    break
        if better is None:
            break
        (size, cut), places = better
    best = cover(graph, _placed(fixed, places))
    return Cover(
        walks=best.walks,
        lower_bound=bound,
        certificate=proof.certificate or best.certificate[:1],
        steps=best.steps,
    )


Place = Counter[tuple[str, int]]


def _first_places(loose: Sequence[Loose], walks: Sequence[Walk]) -> list[Place]:
    """Return for each demand the places that walks come by anyway, else its places in turn."""
    passes: Counter[tuple[str, int]] = Counter()
    for walk in walks:
        seen = {("node", walk.start)}
        for edge in walk.edges:
            seen |= {("edge", edge.index), ("node", edge.target)}
        passes.update(seen)
    found: list[Place] = []
    turn = 0
    for item in loose:
        keys = _keys(item)
        place: Place = Counter()
        for key in keys:
            place[key] = min(passes[key], item.times - place.total())
        while place.total() < item.times:
            place[keys[turn % len(keys)]] += 1
            turn += 1
        found.append(+place)
    return found


def _keys(item: Loose) -> list[tuple[str, int]]:
    return [("edge", index) for index in item.edges] + [("node", node) for node in item.nodes]


def _placed(fixed: Demands, places: Sequence[Place]) -> Demands:
    edges, nodes = dict(fixed.edges), dict(fixed.nodes)
    for place in places:
        for (kind, number), times in place.items():
            into = edges if kind == "edge" else nodes
            into[number] = max(into.get(number, 0), times)
    return Demands(edges=edges, nodes=nodes)


def _least(graph: WalkGraph, demands: Demands) -> tuple[int, set[tuple[str, int]]]:
    """Return the number of walks a demand asks for, and the elements of the cut."""
    network = Network(graph, demands)
    best = minimum_flow(network.node_count, network.arcs)
    cut: set[tuple[str, int]] = set()
    for index in best.cut:
        edge = network.edge_of[index]
        if edge is not None:
            cut.add(("edge", edge.index))
        else:
            position = network.inner[index]
            cut |= {("node", node) for node in network.parts[position]}
            cut |= {("edge", inner.index) for inner in network.inside[position]}
    return best.value, cut


def _movable(loose: Sequence[Loose], places: Sequence[Place], cut: set[tuple[str, int]]) -> list[int]:
    return [position for position, place in enumerate(places) if len(_keys(loose[position])) > 1 and cut & place.keys()]


def _elsewhere(item: Loose, place: Place) -> Place:
    """Return the place with one time moved on to the next choice."""
    keys = _keys(item)
    moved: Place = Counter(place)
    full = max(place, key=lambda key: (place[key], key))
    moved[full] -= 1
    moved[keys[(keys.index(full) + 1) % len(keys)]] += 1
    return +moved
