"""Why an element is on no walk."""

from __future__ import annotations

from orchestra_kit.design.coverage.containers import Container
from orchestra_kit.design.coverage.walk_graph import EdgeKind, WalkGraph
from orchestra_kit.model.process import FlowNode, NodeType


def unreachable(container: Container, further: WalkGraph) -> list[tuple[str, str]]:
    """Return the nodes and flows of a container that no walk covers, each with the reason."""
    reasons = dict(container.broken)
    lost: dict[str, str] = {}
    for number, node in enumerate(container.nodes):
        if number not in further.alive and not node.triggered_by_event:
            lost[node.id] = _why(node, number, further)
    covered = {edge.id for edge in further.edges if edge.kind is EdgeKind.FLOW}
    for flow in container.flows:
        if flow.id not in covered:
            end, place = (flow.source, "source") if flow.source in lost else (flow.target, "target")
            reasons[flow.id] = f"its {place} '{end}': {lost.get(end, 'is on no walk')}"
    return [*lost.items(), *reasons.items()]


def _why(node: FlowNode, number: int, further: WalkGraph) -> str:
    if node.extensions.get("isForCompensation") is True:
        return "runs only when an activity is compensated"
    if node.type is NodeType.BOUNDARY_EVENT:
        if node.event_definitions == ("compensate",):
            return "triggers only when its activity is compensated"
        return "its activity is never reached" if node.attached_to else "it is attached to no activity"
    if number in further.reached:
        return "no end can be reached from it"
    if not further.starts and not further.reached:
        return "the container has no start"
    return "no start leads to it"
