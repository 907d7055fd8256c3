"""The scene a file describes itself: shapes and lines of its diagram interchange, made whole where it forgot some."""

from __future__ import annotations

from collections.abc import Iterable

from orchestra_kit.model import ControlFlowGraph, Diagram, FlowNode, SequenceFlow
from orchestra_kit.reporting.diagram.scene import Box, Line, Scene, natural_size, straight

WIDEST_LABEL = 150.0
"""A label box wider than this says how wide the text was on one line, not where it should stand."""
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
    _place_missing(missing, scene)
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
    numbers = {shape.plane for shape in graph.diagram.shapes} | {edge.plane for edge in graph.diagram.edges}
    for number in sorted(numbers):
        page = _read_plane(graph.diagram, number, scene)
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


def _read_plane(diagram: Diagram, number: int, taken: Scene) -> Scene:
    scene = Scene()
    for shape in diagram.shapes:
        if shape.plane != number or shape.element_id in scene.boxes or shape.element_id in taken.boxes:
            continue  # a second shape of the same element: the first one counts
        if shape.bounds.width <= 0 or shape.bounds.height <= 0:
            continue
        scene.boxes[shape.element_id] = Box(shape.bounds.x, shape.bounds.y, shape.bounds.width, shape.bounds.height)
        if shape.label is not None and shape.label.width <= WIDEST_LABEL:
            label = shape.label
            scene.labels[shape.element_id] = Box(label.x, label.y, label.width, label.height)
        if shape.is_expanded:
            scene.expanded.add(shape.element_id)
        if shape.is_horizontal is False:
            scene.vertical.add(shape.element_id)
    for edge in diagram.edges:
        if edge.plane != number or len(edge.waypoints) < 2:
            continue
        if edge.element_id not in scene.lines and edge.element_id not in taken.lines:
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
