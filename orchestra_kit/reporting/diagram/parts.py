"""Parts of a graph that are drawn alone, and what is drawn in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestra_kit.model import ControlFlowGraph, FlowNode, SequenceFlow, SourceType
from orchestra_kit.reporting.diagram.scene import Box, around
from orchestra_kit.reporting.palette import TONES, ElementStatus


def of_process(graph: ControlFlowGraph, process_id: str) -> ControlFlowGraph:
    """Return the part of a graph that belongs to one process, its pool and what is drawn inside."""
    nodes = tuple(node for node in graph.nodes if node.process_id == process_id)
    flows = tuple(flow for flow in graph.flows if flow.process_id == process_id)
    lanes = tuple(item for item in graph.lanes if item.process_id == process_id)
    participants = tuple(item for item in graph.participants if item.process_id == process_id)
    if graph.source_type is SourceType.SEQUENCE:
        participants = graph.participants  # those without a message are left out where it is drawn
    ids = {node.id for node in nodes} | {flow.id for flow in flows}
    ids |= {item.id for item in lanes} | {item.id for item in participants}
    ids |= _artifacts_within(graph, ids)
    ends = {item.id: {item.source, item.target} for item in graph.associations}
    return graph.model_copy(
        update={
            "processes": tuple(item for item in graph.processes if item.id == process_id),
            "nodes": nodes,
            "flows": flows,
            "lanes": lanes,
            "participants": participants,
            "message_flows": (),
            "artifacts": tuple(item for item in graph.artifacts if item.id in ids),
            "associations": tuple(item for item in graph.associations if ends[item.id] <= ids),
            "diagram": graph.diagram.model_copy(
                update={
                    "shapes": tuple(item for item in graph.diagram.shapes if item.element_id in ids),
                    "edges": tuple(
                        item
                        for item in graph.diagram.edges
                        if item.element_id in ids or ends.get(item.element_id, {""}) <= ids
                    ),
                }
            ),
        }
    )


def _artifacts_within(graph: ControlFlowGraph, ids: set[str]) -> set[str]:
    """An artifact has no process of its own: it comes along when it is tied to, or drawn among, what is shown."""
    artifacts = {item.id for item in graph.artifacts}
    found = {item.source for item in graph.associations if item.target in ids}
    found |= {item.target for item in graph.associations if item.source in ids}
    shapes = {
        shape.element_id: Box(shape.bounds.x, shape.bounds.y, shape.bounds.width, shape.bounds.height)
        for shape in graph.diagram.shapes
    }
    extent = around(corners_of(shapes[key] for key in ids if key in shapes))
    found |= {key for key in artifacts & shapes.keys() if extent.holds(shapes[key])}
    return found & artifacts


def summary(graph: ControlFlowGraph, statuses: Mapping[str, ElementStatus]) -> str:
    """Return what the picture shows in one sentence, for those who cannot see it."""
    parts = [f"{len(graph.nodes)} elements, {len(graph.flows)} sequence flows"]
    nodes = {node.id: node for node in graph.nodes}
    for status in (ElementStatus.FAILED, ElementStatus.UNJUDGED, ElementStatus.FLAKY, ElementStatus.RUNNING):
        names = [describe(nodes[key]) for key, value in statuses.items() if value is status and key in nodes]
        if names:
            parts.append(f"{TONES[status].word}: {', '.join(names)}")
    passed = sum(statuses.get(node.id) is ElementStatus.PASSED for node in graph.nodes)
    if statuses:
        parts.append(f"{passed} elements passed")
    return "; ".join(parts) + "."


def describe(node: FlowNode) -> str:
    """Return a node's name, or what it is and its id when it has none."""
    return node.name.strip() or f"{words_of(node.type.value)} {node.id}"


def words_of(kind: str) -> str:
    """Return the name of an XML element as words: serviceTask is a service task."""
    return "".join(f" {character.lower()}" if character.isupper() else character for character in kind)


def corners_of(boxes: Iterable[Box]) -> Iterator[tuple[float, float]]:
    """Return the upper left and lower right corners of rectangles."""
    for box in boxes:
        yield box.x, box.y
        yield box.right, box.bottom


def describe_flow(flow: SequenceFlow, nodes: Mapping[str, FlowNode]) -> str:
    """Return a flow by its ends and its label."""
    ends = [describe(nodes[end]) if end in nodes else end or "nothing" for end in (flow.source, flow.target)]
    label = " ".join(flow.name.split())
    return f"{ends[0]} → {ends[1]}" + (f" ({label})" if label else "")
