"""The second half of a layered layout: how high each cell stands, and where lines turn between two columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from orchestra_kit.reporting.diagram.ranking import Ranked
from orchestra_kit.reporting.diagram.scene import Point, Scene

COLUMN_GAP = 56.0
ROW_GAP = 32.0
PADDING = 34.0
TRACK = 9.0
WIRE = 14.0
"""The height a passing line takes up in a column."""


@dataclass(slots=True)
class Cell:
    """The room one node takes up, with its outer label; an expanded sub-process brings its own scene."""

    width: float
    height: float
    scene: Scene = field(default_factory=Scene)
    shift: float = 0.0
    """How far the middle of the shape lies above the middle of the cell, which also holds the label."""


class Rows:
    """Heights of all cells, so that lines run straight where they can; lanes become bands below each other."""

    def __init__(self, ranked: Ranked, cells: dict[str, Cell], lane_of: dict[str, int], lanes: int) -> None:
        self._ranked, self._cells = ranked, cells
        self._near: dict[str, list[str]] = {cell: [] for cell in ranked.rank}
        for chain in ranked.chains.values():
            for one, two in pairwise(chain):
                self._near[one].append(two)
                self._near[two].append(one)
        self.middle: dict[str, float] = {}
        self._below: dict[str, float] = {}
        self.tops = [0.0]
        for lane in range(max(lanes, 1)):
            columns = [[cell for cell in column if lane_of.get(cell, 0) == lane] for column in ranked.columns]
            back = [key for key in ranked.backward if lane_of.get(ranked.chains[key][-1], 0) == lane]
            self._place_band(columns, sorted(back, key=self._reach))

    def below(self, key: str) -> float:
        """Return the height at which a line that goes back runs."""
        return self._below[key]

    def _reach(self, key: str) -> int:
        chain = self._ranked.chains[key]
        return self._ranked.rank[chain[0]] - self._ranked.rank[chain[-1]]

    def _size(self, cell: str) -> float:
        return self._cells[cell].height + ROW_GAP if cell in self._cells else WIRE

    def _place_band(self, columns: list[list[str]], back: list[str]) -> None:
        local: dict[str, float] = {}
        for column in columns:
            y = 0.0
            for cell in column:
                local[cell] = y + self._size(cell) / 2
                y += self._size(cell)
        for sweep in range(14):
            for column in columns if sweep % 2 == 0 else reversed(columns):
                wanted = [self._wanted(cell, local) for cell in column]
                for cell, y in zip(column, self._fit(column, wanted), strict=True):
                    local[cell] = y
        self._straighten(columns, local)
        top = min((y - self._size(cell) / 2 for cell, y in local.items()), default=0)
        bottom = max((y + self._size(cell) / 2 for cell, y in local.items()), default=80)
        base = self.tops[-1] + PADDING - ROW_GAP / 2 - top
        self.middle.update({cell: y + base for cell, y in local.items()})
        for number, key in enumerate(back):
            self._below[key] = bottom + base - ROW_GAP / 2 + 14 + number * 12
        self.tops.append(self.tops[-1] + max(bottom - top + 2 * PADDING - ROW_GAP + len(back) * 12, 90))

    def _straighten(self, columns: list[list[str]], local: dict[str, float]) -> None:
        """Let each long line run at one height, where nothing stands in its way."""
        column_of = {cell: column for column in columns for cell in column}
        for chain in self._ranked.chains.values():
            wires = [cell for cell in chain[1:-1] if cell in local]
            ends = [local[cell] - self._shift(cell) for cell in (chain[-1], chain[0]) if cell in local]
            for y in (*ends, *(local[cell] for cell in wires)):
                if all(self._free(cell, y, column_of[cell], local) for cell in wires):
                    local.update(dict.fromkeys(wires, y))
                    break

    def _free(self, wire: str, y: float, column: list[str], local: dict[str, float]) -> bool:
        return all(abs(local[other] - y) >= (self._size(other) + WIRE) / 2 - 6 for other in column if other != wire)

    def _wanted(self, cell: str, local: dict[str, float]) -> float:
        own = self._shift(cell)
        near = sorted(local[other] - self._shift(other) for other in self._near[cell] if other in local)
        if not near:
            return local[cell]
        half = len(near) // 2
        median = near[half] if len(near) % 2 else (near[half - 1] + near[half]) / 2
        return median + own

    def _shift(self, cell: str) -> float:
        return self._cells[cell].shift if cell in self._cells else 0.0

    def _fit(self, column: list[str], wanted: list[float]) -> list[float]:
        """Return heights nearest to those wanted that keep order and distance (pool adjacent violators)."""
        offsets: list[float] = []
        offset = 0.0
        for index, cell in enumerate(column):
            if index:
                offset += (self._size(column[index - 1]) + self._size(cell)) / 2
            offsets.append(offset)
        blocks: list[tuple[float, int]] = []
        for goal, shift in zip(wanted, offsets, strict=True):
            mean, count = goal - shift, 1
            while blocks and blocks[-1][0] > mean:
                before, number = blocks.pop()
                mean, count = (before * number + mean * count) / (number + count), number + count
            blocks.append((mean, count))
        flat = [mean for mean, count in blocks for _ in range(count)]
        return [mean + shift for mean, shift in zip(flat, offsets, strict=True)]


class Tracks:
    """Hands out an x of its own to each line that turns between two columns, so that lines do not run on each other."""

    def __init__(self, columns: list[tuple[float, float]]) -> None:
        self._columns = columns
        self._used: dict[int, int] = {}

    def _next(self, rank: int) -> float:
        """Return an x right of the column of `rank`."""
        used = self._used[rank] = self._used.get(rank, 0) + 1
        right = self._columns[rank][0] + self._columns[rank][1] / 2 if rank >= 0 else PADDING - 24
        following = self._columns[rank + 1] if rank + 1 < len(self._columns) else None
        room = following[0] - following[1] / 2 - right if following else COLUMN_GAP
        return right + min(room / 2 + (used // 2) * (TRACK if used % 2 else -TRACK), room - 12)

    def forth(self, ranks: list[int], heights: list[float]) -> list[Point]:
        points: list[Point] = []
        for index in range(len(ranks) - 1):
            if abs(heights[index] - heights[index + 1]) > 0.5:
                x = self._next(ranks[index + 1] - 1)
                points += [(x, heights[index]), (x, heights[index + 1])]
        return points

    def back(self, first: int, last: int, start: float, below: float, end: float) -> list[Point]:
        """Return the way of a line that goes back: out to the right, below everything, in from the left."""
        out, into = self._next(first), self._next(last - 1)
        return [(out, start), (out, below), (into, below), (into, end)]
