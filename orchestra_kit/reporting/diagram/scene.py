"""Where everything of a process picture stands: from the diagram interchange of the file, or from our own layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestra_kit.model import ControlFlowGraph, FlowNode, SequenceFlow

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
    """Placed elements by id. `expanded` names the containers whose inside is drawn; `vertical` the upright pools."""

    boxes: dict[str, Box] = field(default_factory=dict)
    labels: dict[str, Box] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    expanded: set[str] = field(default_factory=set)
    vertical: set[str] = field(default_factory=set)

    def add(self, other: Scene, dx: float = 0.0, dy: float = 0.0) -> None:
        """Take over everything of another scene, moved."""
        self.boxes.update({key: box.moved(dx, dy) for key, box in other.boxes.items()})
        self.labels.update({key: box.moved(dx, dy) for key, box in other.labels.items()})
        for key, line in other.lines.items():
            moved = tuple((x + dx, y + dy) for x, y in line.points)
            self.lines[key] = Line(moved, line.label.moved(dx, dy) if line.label else None)
        self.expanded |= other.expanded
        self.vertical |= other.vertical

    def extent(self) -> Box:
        """Return the rectangle around all boxes, labels and lines."""
        corners: list[Point] = []
        for box in (*self.boxes.values(), *self.labels.values()):
            corners += [(box.x, box.y), (box.right, box.bottom)]
        for line in self.lines.values():
            corners += line.points
        return around(corners)


def around(points: Iterable[Point]) -> Box:
    """Return the smallest rectangle that holds all points (an empty one when there are none)."""
    corners = list(points)
    if not corners:
        return Box(0, 0, 0, 0)
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    return Box(left, top, max(x for x, _ in corners) - left, max(y for _, y in corners) - top)


def scene_from_interchange(graph: ControlFlowGraph) -> Scene | None:
    """Return the scene the file itself describes; None when it places fewer than two thirds of the visible nodes."""
    scene = _read_interchange(graph)
    _find_expanded(graph, scene)
    hidden = hidden_nodes(graph, scene)
    visible = [node for node in graph.nodes if node.id not in hidden]
    missing = [node for node in visible if node.id not in scene.boxes]
    if not scene.boxes or len(missing) * 3 > len(visible):
        return None
    _place_missing(missing, scene)
    _connect_missing(graph.flows, scene)
    for node_id in hidden:
        scene.boxes.pop(node_id, None)
        scene.labels.pop(node_id, None)
    for flow in graph.flows:
        if flow.source in hidden or flow.target in hidden or flow.container in hidden:
            scene.lines.pop(flow.id, None)
    return scene


def hidden_nodes(graph: ControlFlowGraph, scene: Scene) -> set[str]:
    """Return the nodes inside a collapsed sub-process, at any depth."""
    nodes = {node.id: node for node in graph.nodes}
    hidden: set[str] = set()
    for node in graph.nodes:
        seen = {node.id}
        holder = nodes.get(node.container)
        while holder is not None and holder.id not in seen:
            if holder.id not in scene.expanded:
                hidden.add(node.id)
                break
            seen.add(holder.id)
            holder = nodes.get(holder.container)
    return hidden


def _read_interchange(graph: ControlFlowGraph) -> Scene:
    scene = Scene()
    for shape in graph.diagram.shapes:
        if shape.element_id in scene.boxes or shape.bounds.width <= 0 or shape.bounds.height <= 0:
            continue  # a second diagram of the same element: the first one counts
        scene.boxes[shape.element_id] = Box(shape.bounds.x, shape.bounds.y, shape.bounds.width, shape.bounds.height)
        if shape.label is not None:
            label = shape.label
            scene.labels[shape.element_id] = Box(label.x, label.y, label.width, label.height)
        if shape.is_expanded:
            scene.expanded.add(shape.element_id)
        if shape.is_horizontal is False:
            scene.vertical.add(shape.element_id)
    for edge in graph.diagram.edges:
        if len(edge.waypoints) >= 2 and edge.element_id not in scene.lines:
            box = Box(edge.label.x, edge.label.y, edge.label.width, edge.label.height) if edge.label else None
            scene.lines[edge.element_id] = Line(tuple(edge.waypoints), box)
    return scene


def _find_expanded(graph: ControlFlowGraph, scene: Scene) -> None:
    """Trust the place of the children more than the isExpanded mark, which many tools leave out or get wrong."""
    children: dict[str, list[FlowNode]] = {}
    for node in graph.nodes:
        children.setdefault(node.container, []).append(node)
    for node in graph.nodes:
        box = scene.boxes.get(node.id)
        if not node.type.is_container or box is None:
            continue
        placed = [scene.boxes[child.id] for child in children.get(node.id, ()) if child.id in scene.boxes]
        inside = sum(box.holds(child, 30) for child in placed)
        if placed and inside * 2 >= len(placed):
            scene.expanded.add(node.id)
        elif placed or (box.width <= 130 and box.height <= 110):
            scene.expanded.discard(node.id)


def _place_missing(missing: list[FlowNode], scene: Scene) -> None:
    extent = scene.extent()
    x = extent.x
    for node in missing:
        width, height = natural_size(node)
        scene.boxes[node.id] = Box(x, extent.bottom + 60, width, height)
        x += width + 60


def _connect_missing(flows: Iterable[SequenceFlow], scene: Scene) -> None:
    for flow in flows:
        source, target = scene.boxes.get(flow.source), scene.boxes.get(flow.target)
        if flow.id not in scene.lines and source is not None and target is not None:
            scene.lines[flow.id] = Line(straight(source, target))


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
