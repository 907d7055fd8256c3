"""The scene a file describes itself: shapes and lines of its diagram interchange, made whole where it forgot some."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from orchestra_kit.model import Bounds, ControlFlowGraph, Diagram, FlowNode, SequenceFlow
from orchestra_kit.reporting.diagram.layout import lay_out
from orchestra_kit.reporting.diagram.scene import Box, Line, Point, Scene, straight

WIDEST_LABEL = 150.0
"""A label box wider than this says how wide the text was on one line, not where it should stand."""
FARTHEST_LABEL = 120.0
"""Some tools write labels at the origin: one so far from its element is put beside it again."""
FRAME_GAP = 60.0
FRAME_PADDING = 24.0
FRAME_HEAD = 26.0


def scene_from_interchange(graph: ControlFlowGraph) -> Scene | None:
    """Return the scene the file itself describes; None when it places fewer than two thirds of the visible nodes."""
    scene = _read_planes(graph)
    _find_expanded(graph, scene)
    hidden = hidden_nodes(graph, scene)
    visible = [node for node in graph.nodes if node.id not in hidden]
    missing = [node for node in visible if node.id not in scene.boxes]
    if not scene.boxes or len(missing) * 3 > len(visible):
        return None
    if missing:
        _place_missing(graph, missing, scene)
    _connect_missing(graph.flows, scene)
    for node_id in hidden:
        scene.boxes.pop(node_id, None)
        scene.labels.pop(node_id, None)
    for flow in graph.flows:
        if flow.source in hidden or flow.target in hidden:
            scene.lines.pop(flow.id, None)
    return scene


def hidden_nodes(graph: ControlFlowGraph, scene: Scene) -> set[str]:
    """Return the nodes inside a collapsed sub-process, at any depth, unless its inside has a picture of its own."""
    nodes = {node.id: node for node in graph.nodes}
    hidden: set[str] = set()
    for node in graph.nodes:
        seen = {node.id}
        holder = nodes.get(node.container)
        while holder is not None and holder.id not in seen and holder.id not in scene.drilled:
            if holder.id not in scene.expanded:
                hidden.add(node.id)
                break
            seen.add(holder.id)
            holder = nodes.get(holder.container)
    return hidden


def _read_planes(graph: ControlFlowGraph) -> Scene:
    """Put the diagrams of a file below each other: each has coordinates of its own. What several show, the first one
    keeps."""
    scene = Scene()
    drawable = _drawable(graph)
    numbers = {shape.plane for shape in graph.diagram.shapes} | {edge.plane for edge in graph.diagram.edges}
    for number in sorted(numbers):
        page = _read_plane(graph.diagram, number, scene, drawable)
        if not scene.boxes:
            scene = page
        elif page.boxes:
            _stack(scene, page, _title(graph, number))
            _note_drilled(graph, number, scene)
    return scene


def _stack(scene: Scene, page: Scene, title: str) -> None:
    above, extent = scene.extent(), page.extent()
    left, top = above.x, above.bottom + FRAME_GAP
    scene.add(page, left + FRAME_PADDING - extent.x, top + FRAME_HEAD + FRAME_PADDING - extent.y)
    width = max(extent.width + 2 * FRAME_PADDING, 200)
    scene.frames.append((title, Box(left, top, width, extent.height + 2 * FRAME_PADDING + FRAME_HEAD)))


def _title(graph: ControlFlowGraph, number: int) -> str:
    planes = graph.diagram.planes
    if number >= len(planes):
        return f"Diagram {number + 1}"
    plane = planes[number]
    names = {item.id: item.name for item in graph.processes} | {node.id: node.name for node in graph.nodes}
    return (names.get(plane.element_id) or plane.name or plane.element_id).strip() or f"Diagram {number + 1}"


def _note_drilled(graph: ControlFlowGraph, number: int, scene: Scene) -> None:
    if number < len(graph.diagram.planes):
        scene.drilled.add(graph.diagram.planes[number].element_id)


def _drawable(graph: ControlFlowGraph) -> set[str]:
    ids = {node.id for node in graph.nodes} | {item.id for item in graph.participants}
    ids |= {item.id for item in graph.lanes} | {item.id for item in graph.artifacts}
    ids |= {flow.id for flow in graph.flows} | {item.id for item in graph.message_flows}
    return ids | {item.id for item in graph.associations}


def _read_plane(diagram: Diagram, number: int, taken: Scene, drawable: set[str]) -> Scene:
    scene = Scene()
    for shape in diagram.shapes:
        if shape.element_id not in drawable:
            continue  # it would only make the picture larger
        if shape.plane != number or shape.element_id in scene.boxes or shape.element_id in taken.boxes:
            continue  # a second shape of the same element: the first one counts
        if shape.bounds.width <= 0 or shape.bounds.height <= 0:
            continue
        scene.boxes[shape.element_id] = Box(shape.bounds.x, shape.bounds.y, shape.bounds.width, shape.bounds.height)
        label = _box_of(shape.label)
        if label is not None and _is_beside(label, scene.boxes[shape.element_id]):
            scene.labels[shape.element_id] = label
        if shape.is_expanded:
            scene.expanded.add(shape.element_id)
        if shape.is_horizontal is False:
            scene.vertical.add(shape.element_id)
    for edge in diagram.edges:
        if edge.plane != number or len(edge.waypoints) < 2 or edge.element_id not in drawable:
            continue
        if edge.element_id not in scene.lines and edge.element_id not in taken.lines:
            box = _box_of(edge.label)
            near = box is not None and _distance(box.center, edge.waypoints) <= box.width / 2 + FARTHEST_LABEL
            scene.lines[edge.element_id] = Line(tuple(edge.waypoints), box if near else None)
    return scene


def _box_of(bounds: Bounds | None) -> Box | None:
    return Box(bounds.x, bounds.y, bounds.width, bounds.height) if bounds is not None else None


def _is_beside(label: Box, shape: Box) -> bool:
    """True for a label that tools meant: near its shape, not on it, and no wider than a label may be."""
    aside = max(shape.x - label.right, label.x - shape.right, shape.y - label.bottom, label.y - shape.bottom)
    return label.width <= WIDEST_LABEL and -6 <= aside <= FARTHEST_LABEL


def _distance(point: Point, points: Sequence[Point]) -> float:
    return min(_from_segment(point, one, two) for one, two in pairwise(points))


def _from_segment(point: Point, one: Point, two: Point) -> float:
    dx, dy = two[0] - one[0], two[1] - one[1]
    length = dx * dx + dy * dy
    share = ((point[0] - one[0]) * dx + (point[1] - one[1]) * dy) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (one[0] + share * dx, one[1] + share * dy))


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


def _place_missing(graph: ControlFlowGraph, missing: list[FlowNode], scene: Scene) -> None:
    """Lay out what the file forgot below all else."""
    ids = {node.id for node in missing}
    nodes = tuple(node.model_copy(update={"lane_id": None}) for node in missing)
    flows = tuple(flow for flow in graph.flows if flow.source in ids and flow.target in ids)
    rest = ControlFlowGraph(source_type=graph.source_type, nodes=nodes, flows=flows)
    _stack(scene, lay_out(rest), "Not drawn in the file")


def _connect_missing(flows: Iterable[SequenceFlow], scene: Scene) -> None:
    for flow in flows:
        source, target = scene.boxes.get(flow.source), scene.boxes.get(flow.target)
        if flow.id not in scene.lines and source is not None and target is not None:
            scene.lines[flow.id] = Line(straight(source, target))
