"""Covers of large graphs with elements that runs come to in several contexts: the heaviest run first, again and again.

The bound is a set of elements no two of which any run takes, found among all pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from orchestra_kit.design.coverage.cover import Network, Route
from orchestra_kit.design.coverage.demands import Loose
from orchestra_kit.design.coverage.set_cover import largest_conflict
from orchestra_kit.design.coverage.walk_graph import Edge

_MOST_STEPS = 3_000_000
_WIDTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Which items (as bits) a run takes in each component and on each edge between two of them."""

    own: list[int]
    on_edge: Counter[int]
    entering: list[list[Edge]]

    @classmethod
    def of(cls, network: Network, items: Sequence[Loose]) -> Places:
        """Return the places of the items in a network."""
        on_edge: Counter[int] = Counter()
        own = [0] * len(network.parts)
        for place, item in enumerate(items):
            for index in item.edges:
                on_edge[index] |= 1 << place
            for node in item.nodes:
                own[network.part_of[node]] |= 1 << place
        for position, inside in enumerate(network.inside):
            for edge in inside:
                own[position] |= on_edge[edge.index]
        entering: list[list[Edge]] = [[] for _ in network.parts]
        for edge in network.graph.edges:
            if network.part_of[edge.source] != network.part_of[edge.target]:
                entering[network.part_of[edge.target]].append(edge)
        return cls(own=own, on_edge=on_edge, entering=entering)

    def on(self, route: Route) -> int:
        """Return the items that a run takes."""
        mask = 0
        for step in route:
            mask |= self.own[step] if isinstance(step, int) else self.on_edge.get(step.index, 0)
        return mask


def heaviest_routes(network: Network, places: Places, count: int) -> tuple[list[Route], int]:
    """Return runs each of which takes as many of `count` items still left as was found, and what is left after them.

    In graphs so large that the search would take long, something may be left.
    """
    left = 0
    for mask in (*places.own, *places.on_edge.values()):
        left |= mask
    cost = 1 + len(network.graph.edges)
    width = max(1, min(_WIDTH, _MOST_STEPS // (cost * (1 + count // 8))))
    routes: list[Route] = []
    taken: list[int] = []
    steps = 4 * _MOST_STEPS
    while not routes or (left and steps > 0):
        steps -= cost * width
        route = _heaviest(network, places, left, width)
        mask = places.on(route)
        if left and not mask & left:
            raise AssertionError("an item lies on no run")
        left &= ~mask
        routes.append(route)
        taken.append(mask)
    return _without_needless(routes, taken), left


_Entry = tuple[int, int, int, Edge | None]  # the items taken, the component before, its entry there, the edge between


def _heaviest(network: Network, places: Places, left: int, width: int) -> Route:
    starts = {network.part_of[node] for node in network.graph.starts}
    found: list[list[_Entry]] = []
    for position, own in enumerate(places.own):
        own &= left
        here: list[_Entry] = [(own, -1, 0, None)] if position in starts else []
        for edge in places.entering[position]:
            before = network.part_of[edge.source]
            more = (places.on_edge[edge.index] & left if edge.index in places.on_edge else 0) | own
            here += [(entry[0] | more, before, place, edge) for place, entry in enumerate(found[before])]
        if len(here) > 1:
            here = list({entry[0]: entry for entry in reversed(here)}.values())
            here.sort(key=lambda entry: entry[0].bit_count(), reverse=True)
        found.append(here[:width])
    ends = sorted({network.part_of[node] for node in network.graph.ends})
    position = max(ends, key=lambda end: found[end][0][0].bit_count())
    route: Route = []
    place = 0
    while position >= 0:
        route.append(position)
        _, position, place, step = found[position][place]
        if step is not None:
            route.append(step)
    return route[::-1]


def _without_needless(routes: list[Route], taken: list[int]) -> list[Route]:
    """Return the routes but those whose items the others take anyway."""
    kept = list(range(len(routes)))
    for place in reversed(range(len(routes))):
        others = 0
        for other in kept:
            if other != place:
                others |= taken[other]
        if len(kept) > 1 and not taken[place] & ~others:
            kept.remove(place)
    return [routes[place] for place in kept]


def conflict(network: Network, places: Places, count: int, enough: int) -> list[int]:
    """Return items no two of which lie on one run: as many as are enough, or were found."""
    upward: list[int] = []
    for position, own in enumerate(places.own):
        mask = own
        for edge in places.entering[position]:
            mask |= upward[network.part_of[edge.source]] | places.on_edge.get(edge.index, 0)
        upward.append(mask)
    downward = list(places.own)
    together = [0] * count
    for position in reversed(range(len(places.own))):
        _note(together, places.own[position], upward[position] | downward[position])
        for edge in places.entering[position]:
            before, mask = network.part_of[edge.source], places.on_edge.get(edge.index, 0)
            if mask:
                _note(together, mask, upward[before] | downward[position] | mask)
            downward[before] |= downward[position] | mask
    return largest_conflict(together, enough, max(50, _MOST_STEPS // (1 + count * count)))


def _note(together: list[int], items: int, with_them: int) -> None:
    while items:
        low = items & -items
        together[low.bit_length() - 1] |= with_them
        items ^= low
