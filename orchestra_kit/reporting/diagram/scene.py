"""Where everything of a process picture stands: from the diagram interchange of the file, or from our own layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestra_kit.model import FlowNode
from orchestra_kit.reporting.markup import Markup

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in diagram units."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of the right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of the lower side."""
        return self.y + self.height

    @property
    def center(self) -> Point:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def moved(self, dx: float, dy: float) -> Box:
        """Return the same rectangle elsewhere."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def grown(self, by: float) -> Box:
        """Return the rectangle that is larger by this much on every side."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def holds(self, other: Box, slack: float = 2.0) -> bool:
        """True when `other` lies within, give or take `slack`."""
        return (
            other.x >= self.x - slack
            and other.y >= self.y - slack
            and other.right <= self.right + slack
            and other.bottom <= self.bottom + slack
        )


@dataclass(frozen=True, slots=True)
class Line:
    """The way of a flow, and where its label stands when the file says so."""

    points: tuple[Point, ...]
    label: Box | None = None


@dataclass(slots=True)
class Scene:
    """Placed elements by id. `expanded` names the containers whose inside is drawn; `vertical` the upright pools.

    `drilled` names the collapsed containers whose inside has a picture of its own; `frames` are such pictures by title.
    """

    boxes: dict[str, Box] = field(default_factory=dict)
    labels: dict[str, Box] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    expanded: set[str] = field(default_factory=set)
    vertical: set[str] = field(default_factory=set)
    drilled: set[str] = field(default_factory=set)
    frames: list[tuple[str, Box]] = field(default_factory=list)

    def add(self, other: Scene, dx: float = 0.0, dy: float = 0.0) -> None:
        """Take over everything of another scene, moved."""
        self.boxes.update({key: box.moved(dx, dy) for key, box in other.boxes.items()})
        self.labels.update({key: box.moved(dx, dy) for key, box in other.labels.items()})
        for key, line in other.lines.items():
            moved = tuple((x + dx, y + dy) for x, y in line.points)
            self.lines[key] = Line(moved, line.label.moved(dx, dy) if line.label else None)
        self.expanded |= other.expanded
        self.vertical |= other.vertical
        self.drilled |= other.drilled
        self.frames += [(title, box.moved(dx, dy)) for title, box in other.frames]

    def extent(self) -> Box:
        """Return the rectangle around all boxes, labels and lines."""
        corners: list[Point] = []
        for box in (*self.boxes.values(), *self.labels.values(), *(box for _, box in self.frames)):
            corners += [(box.x, box.y), (box.right, box.bottom)]
        for line in self.lines.values():
            corners += line.points
        return around(corners)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnScene:
    """A drawing without its frame: where everything stands, the shapes, and the part of the plane they take up."""

    scene: Scene
    body: Markup
    view: Box


def around(points: Iterable[Point]) -> Box:
    """Return the smallest rectangle that holds all points (an empty one when there are none)."""
    corners = list(points)
    if not corners:
        return Box(0, 0, 0, 0)
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    return Box(left, top, max(x for x, _ in corners) - left, max(y for _, y in corners) - top)


def straight(source: Box, target: Box) -> tuple[Point, ...]:
    """Return a line from border to border between the middles of two rectangles."""
    return _border(source, target.center), _border(target, source.center)


def _border(box: Box, towards: Point) -> Point:
    x, y = box.center
    dx, dy = towards[0] - x, towards[1] - y
    if not dx and not dy:
        return x, y
    reach = min(
        box.width / 2 / abs(dx) if dx else float("inf"),
        box.height / 2 / abs(dy) if dy else float("inf"),
    )
    return x + dx * min(reach, 1), y + dy * min(reach, 1)


def natural_size(node: FlowNode) -> tuple[float, float]:
    """Return the usual width and height of a node that is not expanded."""
    if node.type.is_event:
        return 36, 36
    if node.type.is_gateway:
        return 50, 50
    return 100, 80
