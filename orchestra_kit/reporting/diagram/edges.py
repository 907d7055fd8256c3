"""Drawing of sequence flows, message flows and associations, with their ends and labels."""

from __future__ import annotations

import math
from itertools import pairwise

from orchestra_kit.model import SequenceFlow
from orchestra_kit.reporting.diagram.icons import circle, path
from orchestra_kit.reporting.diagram.metrics import text_width, wrap
from orchestra_kit.reporting.diagram.scene import Box, Line, Point
from orchestra_kit.reporting.diagram.shapes import OUTER_LINE, OUTER_SIZE
from orchestra_kit.reporting.markup import Markup, join, number

HEAD_LENGTH = 10.0
CORNER = 5.0


def sequence_line(flow: SequenceFlow, line: Line, *, from_gateway: bool) -> Markup:
    """Return a sequence flow: arrow, slash of a default flow, diamond of a conditional one that leaves no gateway."""
    points = _distinct(line.points)
    if len(points) < 2:
        return join()
    parts = [path(_rounded(_shortened(points, HEAD_LENGTH - 2)), "line"), path(_head(points), "head")]
    if flow.is_default:
        parts.append(path(_slash(points), "line dflt"))
    elif flow.condition is not None and not from_gateway:
        parts.append(path(_diamond(points), "head hollow"))
    return join(parts)


def message_line(line: Line) -> Markup:
    """Return a message flow: dashed, a ring at its start and an open head at its end."""
    points = _distinct(line.points)
    if len(points) < 2:
        return join()
    ring = circle(*points[0], 3.5, "head hollow")
    return join(path(_rounded(_shortened(points, HEAD_LENGTH)), "line dash"), ring, path(_head(points), "head hollow"))


def association_line(line: Line, *, arrow: bool, both: bool = False) -> Markup:
    """Return an association: dotted, with an open arrow when it has a direction, or one at both ends."""
    points = _distinct(line.points)
    if len(points) < 2:
        return join()
    back = path(_open_head(points[::-1]), "line") if both else None
    return join(path(_rounded(points), "line dots"), path(_open_head(points), "line") if arrow else None, back)


def way_of(line: Line) -> str:
    """Return the path data of a whole line, to be drawn above it."""
    points = _distinct(line.points)
    return _rounded(points) if len(points) > 1 else ""


def middle_of(line: Line) -> Point:
    """Return the point half way along a line."""
    half = sum(math.dist(a, b) for a, b in pairwise(line.points)) / 2
    for start, end in pairwise(line.points):
        length = math.dist(start, end)
        if length >= half:
            return _toward(start, end, half)
        half -= length
    return line.points[-1]


def flow_label_box(text: str, line: Line) -> Box:
    """Return where the label of a flow stands: where the file says, else beside the middle of the line."""
    width = max(line.label.width if line.label else 0, 90)
    lines = wrap(text, width, size=OUTER_SIZE)
    widest = max((text_width(item, OUTER_SIZE) for item in lines), default=0)
    height = len(lines) * OUTER_LINE
    if line.label is not None:
        return Box(line.label.center[0] - widest / 2, line.label.y, widest, height)
    (ax, ay), (bx, by) = _middle_segment(line.points)
    x, y = (ax + bx) / 2, (ay + by) / 2
    if abs(bx - ax) >= abs(by - ay):
        return Box(x - widest / 2, y - height - 3, widest, height)
    return Box(x + 5, y - height / 2, widest, height)


def _distinct(points: tuple[Point, ...]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if not kept or math.dist(kept[-1], point) > 0.05:
            kept.append(point)
    return kept


def _toward(start: Point, end: Point, distance: float) -> Point:
    length = math.dist(start, end) or 1
    share = distance / length
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _shortened(points: list[Point], by: float) -> list[Point]:
    length = math.dist(points[-1], points[-2])
    return [*points[:-1], _toward(points[-1], points[-2], min(by, length * 0.9))]


def _rounded(points: list[Point]) -> str:
    """Return path data with rounded corners."""
    data = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(CORNER, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        data.append(f"L{_at(_toward(corner, before, reach))}Q{_at(corner)} {_at(_toward(corner, after, reach))}")
    return "".join(data) + f"L{_at(points[-1])}"


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _frame(tip: Point, tail: Point) -> tuple[Point, Point]:
    """Return the unit vectors along (from tip to tail) and across a line's end."""
    length = math.dist(tip, tail) or 1
    along = ((tail[0] - tip[0]) / length, (tail[1] - tip[1]) / length)
    return along, (-along[1], along[0])


def _place(origin: Point, frame: tuple[Point, Point], along: float, across: float) -> Point:
    (ax, ay), (cx, cy) = frame
    return origin[0] + ax * along + cx * across, origin[1] + ay * along + cy * across


def _head(points: list[Point]) -> str:
    tip, frame = points[-1], _frame(points[-1], points[-2])
    left, right = _place(tip, frame, HEAD_LENGTH, 4.6), _place(tip, frame, HEAD_LENGTH, -4.6)
    return f"M{_at(left)}L{_at(tip)}L{_at(right)}Z"


def _open_head(points: list[Point]) -> str:
    tip, frame = points[-1], _frame(points[-1], points[-2])
    return f"M{_at(_place(tip, frame, 8, 4.5))}L{_at(tip)}L{_at(_place(tip, frame, 8, -4.5))}"


def _slash(points: list[Point]) -> str:
    start, frame = points[0], _frame(points[0], points[1])
    return f"M{_at(_place(start, frame, 8, 5.5))}L{_at(_place(start, frame, 14, -5.5))}"


def _diamond(points: list[Point]) -> str:
    start, frame = points[0], _frame(points[0], points[1])
    corners = [(0, 0), (8, 5), (16, 0), (8, -5)]
    return "M" + "L".join(_at(_place(start, frame, along, across)) for along, across in corners) + "Z"


def _middle_segment(points: tuple[Point, ...]) -> tuple[Point, Point]:
    half = sum(math.dist(a, b) for a, b in pairwise(points)) / 2
    for start, end in pairwise(points):
        half -= math.dist(start, end)
        if half <= 0:
            return start, end
    return points[0], points[-1]
