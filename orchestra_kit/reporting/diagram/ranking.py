"""The first half of a layered layout: ranks by longest path and an order within each rank by barycentres.

After Sugiyama, Tagawa and Toda (1981): break cycles, rank, put a placeholder wherever a line crosses a rank, then sweep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 8
MANY = 4000
"""Beyond so many cells only two sweeps are made: a picture of that size is searched, not read."""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge to be laid out. `tail` and `head` are cells as the file directs them."""

    key: str
    tail: str
    head: str


@dataclass(slots=True)
class Ranked:
    """Cells by rank, top to bottom. `chains` holds for each link the cells its line passes, from tail to head."""

    rank: dict[str, int] = field(default_factory=dict)
    columns: list[list[str]] = field(default_factory=list)
    chains: dict[str, list[str]] = field(default_factory=dict)
    backward: set[str] = field(default_factory=set)


def rank_cells(cells: Sequence[str], links: Sequence[Link], bands: dict[str, int]) -> Ranked:
    """Return ranks, chains of placeholders and orders; `bands` (lane numbers) keeps cells of one lane together."""
    ranked = Ranked()
    ranked.backward = _backward(cells, links)
    forward = [link for link in links if link.key not in ranked.backward]
    ranked.rank = _longest_paths(cells, forward)
    _pull_starts(ranked.rank, forward)
    _spread_loose(ranked.rank, links)
    bands = dict(bands)
    _insert_placeholders(ranked, links, bands)
    _initial_order(ranked, cells)
    _sweep(ranked, bands)
    return ranked


def _backward(cells: Sequence[str], links: Sequence[Link]) -> set[str]:
    """Return the links that close a cycle, found depth first in file order (no recursion: graphs may be deep)."""
    leaving: dict[str, list[Link]] = {cell: [] for cell in cells}
    entered = {link.head for link in links if link.head != link.tail}
    for link in links:
        leaving[link.tail].append(link)
    state: dict[str, int] = {}
    backward: set[str] = set()
    for root in sorted(cells, key=lambda cell: cell in entered):
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(leaving[root]))]
        while stack:
            cell, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[cell] = 2
                stack.pop()
            elif state.get(following.head) == 1:
                backward.add(following.key)
            elif following.head not in state:
                state[following.head] = 1
                stack.append((following.head, iter(leaving[following.head])))
    return backward


def _longest_paths(cells: Sequence[str], forward: Sequence[Link]) -> dict[str, int]:
    waiting = dict.fromkeys(cells, 0)
    leaving: dict[str, list[str]] = {cell: [] for cell in cells}
    for link in forward:
        waiting[link.head] += 1
        leaving[link.tail].append(link.head)
    rank = dict.fromkeys(cells, 0)
    ready = [cell for cell in cells if waiting[cell] == 0]
    for cell in ready:  # grows while it is walked
        for head in leaving[cell]:
            rank[head] = max(rank[head], rank[cell] + 1)
            waiting[head] -= 1
            if waiting[head] == 0:
                ready.append(head)
    return rank


def _pull_starts(rank: dict[str, int], forward: Sequence[Link]) -> None:
    """A cell without predecessors stands right before its nearest successor, not far left of it."""
    entered = {link.head for link in forward}
    nearest: dict[str, int] = {}
    for link in forward:
        nearest[link.tail] = min(nearest.get(link.tail, rank[link.head]), rank[link.head])
    for cell, first in nearest.items():
        if cell not in entered:
            rank[cell] = first - 1


def _spread_loose(rank: dict[str, int], links: Sequence[Link]) -> None:
    """Cells without any link stand in rows, not in one endless column."""
    linked = {link.head for link in links} | {link.tail for link in links}
    loose = [cell for cell in rank if cell not in linked]
    width = max(max(rank.values(), default=0) + 1, round(math.sqrt(len(loose) * 1.6)))
    for index, cell in enumerate(loose):
        rank[cell] = index % width if len(loose) > 2 else 0


def _insert_placeholders(ranked: Ranked, links: Sequence[Link], bands: dict[str, int]) -> None:
    for link in links:
        low, high = ranked.rank[link.tail], ranked.rank[link.head]
        # A line that goes back runs below everything and needs no place among the cells.
        spots = [] if link.key in ranked.backward else list(range(low + 1, high))
        between = [f"\0{link.key}\0{rank}" for rank in spots]
        for cell, rank in zip(between, spots, strict=True):
            ranked.rank[cell] = rank
            bands[cell] = bands.get(link.head, 0)
        ranked.chains[link.key] = [link.tail, *between, link.head]


def _initial_order(ranked: Ranked, cells: Sequence[str]) -> None:
    width = max(ranked.rank.values(), default=-1) + 1
    ranked.columns = [[] for _ in range(width)]
    for cell in (*cells, *(cell for cell in ranked.rank if cell.startswith("\0"))):
        ranked.columns[ranked.rank[cell]].append(cell)


def _sweep(ranked: Ranked, bands: dict[str, int]) -> None:
    before: dict[str, list[str]] = {cell: [] for cell in ranked.rank}
    after: dict[str, list[str]] = {cell: [] for cell in ranked.rank}
    for chain in ranked.chains.values():
        for one, two in pairwise(chain):
            if ranked.rank[one] < ranked.rank[two]:
                after[one].append(two)
                before[two].append(one)
    for number in range(2 if len(ranked.rank) > MANY else SWEEPS):
        down = number % 2 == 0
        neighbours = before if down else after
        for column in ranked.columns if down else reversed(ranked.columns):
            _order_column(column, neighbours, ranked, bands)


def _order_column(column: list[str], neighbours: dict[str, list[str]], ranked: Ranked, bands: dict[str, int]) -> None:
    position = {cell: index for index, cell in enumerate(column)}
    places: dict[str, float] = {}
    for cell in column:
        near = neighbours[cell]
        if not near:
            places[cell] = position[cell]
            continue
        beside = {other: index for index, other in enumerate(ranked.columns[ranked.rank[near[0]]])}
        places[cell] = sum(beside.get(other, 0) for other in near) / len(near)
    column.sort(key=lambda cell: (bands.get(cell, 0), places[cell], position[cell]))
