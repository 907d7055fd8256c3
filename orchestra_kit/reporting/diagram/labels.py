"""Places for labels the file says nothing about: beside their shape, where they hide least."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from orchestra_kit.reporting.diagram.scene import Box, Line, Point

GAP = 4.0
CROSSED = 120.0
"""A line through a label is as bad as so many square units of something covered."""


class LabelPlaces:
    """Finds free places around shapes, and remembers those given away."""

    def __init__(self, solid: Iterable[Box], hollow: Iterable[Box], lines: Iterable[Line]) -> None:
        """`solid` shapes must not be covered, of `hollow` ones (expanded sub-processes) only the border."""
        self._taken = list(solid)
        self._segments: list[tuple[Point, Point]] = [pair for line in lines for pair in pairwise(line.points)]
        for box in hollow:
            corners = [(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)]
            self._segments += pairwise([*corners, corners[0]])

    def take(self, place: Box) -> Box:
        """Note a place that is given already, and return it."""
        self._taken.append(place)
        return place

    def beside(self, box: Box, width: float, height: float) -> Box:
        """Return the place of this size beside a shape that covers least; below it where nothing speaks against that."""
        near = self._near(box, width, height)
        return self.take(min(_candidates(box, width, height), key=lambda place: self._cost(place, near)))

    def _near(self, box: Box, width: float, height: float) -> tuple[list[Box], list[tuple[Point, Point]]]:
        around = Box(
            box.x - width - GAP, box.y - height - GAP, box.width + 2 * (width + GAP), box.height + 2 * (height + GAP)
        )
        boxes = [other for other in self._taken if _shared(around, other) > 0]
        return boxes, [segment for segment in self._segments if _crosses(around, *segment)]

    def _cost(self, place: Box, near: tuple[list[Box], list[tuple[Point, Point]]]) -> float:
        boxes, segments = near
        crossed = sum(_crosses(place, *segment) for segment in segments)
        return sum(_shared(place, other) for other in boxes) + CROSSED * crossed


def _candidates(box: Box, width: float, height: float) -> list[Box]:
    x, y = box.center
    middle, left, right = x - width / 2, box.x - width - GAP + 6, box.right + GAP - 6
    below, above = box.bottom + GAP, box.y - height - GAP
    places = [
        (middle, below),
        (middle, above),
        (right, below - 8),
        (left, below - 8),
        (left, above + 8),
        (right, above + 8),
        (right + 6, y - height / 2),
        (left - 6, y - height / 2),
    ]
    return [Box(px, py, width, height) for px, py in places]


def _shared(one: Box, two: Box) -> float:
    """Return the area two rectangles have in common."""
    width = min(one.right, two.right) - max(one.x, two.x)
    height = min(one.bottom, two.bottom) - max(one.y, two.y)
    return width * height if width > 0 and height > 0 else 0.0


def _crosses(box: Box, start: Point, end: Point) -> bool:
    """True when a line enters a rectangle; exact for upright and level lines, by its frame for slanting ones."""
    left, right = sorted((start[0], end[0]))
    top, bottom = sorted((start[1], end[1]))
    return left < box.right and right > box.x and top < box.bottom and bottom > box.y
