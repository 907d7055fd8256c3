"""What of a process no run can ever take: it counts in no denominator, and is said with its reason."""

from __future__ import annotations

from collections.abc import Iterable

from orchestra_kit.model import ControlFlowGraph, FlowNode, NodeType, SequenceFlow


def left_out(graph: ControlFlowGraph) -> dict[str, str]:
    """Return the ids of nodes and flows that nothing leads to, or that lead nowhere, with the reason.

    Only the shape of the graph speaks here: conditions are not looked at, and what may be provoked counts as reachable.
    """
    nodes = {node.id: node for node in graph.nodes}
    lost = {flow.id: why for flow in graph.flows if (why := _defect(flow, nodes))}
    whole = [flow for flow in graph.flows if flow.id not in lost]
    reached = _reached(graph.nodes, whole)
    for node in graph.nodes:
        holder = _lost_holder(node, nodes, reached)
        if node.id not in reached:
            lost[node.id] = "no start leads to it"
        elif holder is not None:
            lost[node.id] = f"it is inside '{holder}', to which no start leads"
    for flow in whole:
        if flow.source in lost:
            lost[flow.id] = f"its source '{flow.source}' cannot be reached"
    return lost


def _defect(flow: SequenceFlow, nodes: dict[str, FlowNode]) -> str:
    for end, role in ((flow.source, "source"), (flow.target, "target")):
        if end not in nodes:
            return f"its {role} '{end}' is no element of the process" if end else f"it has no {role}"
    if nodes[flow.source].container != nodes[flow.target].container:
        return "it crosses the border of a process or sub-process"
    return ""


def _reached(nodes: Iterable[FlowNode], flows: Iterable[SequenceFlow]) -> set[str]:
    leaving: dict[str, list[str]] = {}
    entered: set[str] = set()
    for flow in flows:
        leaving.setdefault(flow.source, []).append(flow.target)
        if flow.source != flow.target:
            entered.add(flow.target)
    attached: dict[str, list[str]] = {}
    known = {node.id: node for node in nodes}
    for node in known.values():
        if node.attached_to in known:
            attached.setdefault(node.attached_to or "", []).append(node.id)
    events = {event for items in attached.values() for event in items}
    starts = [
        node.id
        for node in known.values()
        if node.id not in events and (node.id not in entered or node.type is NodeType.START_EVENT)
    ]
    found = set(starts)
    for item in starts:  # grows while it is walked
        fresh = [near for near in (*leaving.get(item, ()), *attached.get(item, ())) if near not in found]
        found.update(fresh)
        starts.extend(dict.fromkeys(fresh))
    return found


def _lost_holder(node: FlowNode, nodes: dict[str, FlowNode], reached: set[str]) -> str | None:
    seen = {node.id}
    holder = nodes.get(node.container)
    while holder is not None and holder.id not in seen:
        if holder.id not in reached:
            return holder.id
        seen.add(holder.id)
        holder = nodes.get(holder.container)
    return None
