"""Checks of what refers to what: ends of flows, defaults, hosts, lanes, participants, message flows."""

from __future__ import annotations

from orchestra_kit.design.bpmn.elements import local_name, text_of
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.model.process import FlowNode, NodeType, SequenceFlow

_ARTIFACTS = ("association", "textAnnotation", "group")


def check_references(structure: Structure, findings: Findings) -> None:
    """Note every reference that leads nowhere or to the wrong kind of element."""
    for flow in structure.graph.flows:
        _check_ends(flow, structure, findings)
    for node in structure.graph.nodes:
        if node.type is NodeType.BOUNDARY_EVENT:
            _check_host(node, structure, findings)
        if node.default_flow:
            _check_default(node, structure, findings)
    if _lists_flows(structure):
        _check_listings(structure, findings)
    _check_lanes(structure, findings)
    _check_pools(structure, findings)


def _check_ends(flow: SequenceFlow, structure: Structure, findings: Findings) -> None:
    dangling = False
    for attribute, end, artifact_rule, node_rule in (
        ("sourceRef", flow.source, "EXT.007", "EXT.021"),
        ("targetRef", flow.target, "EXT.006", "EXT.022"),
    ):
        node = structure.nodes.get(end)
        if node is not None:
            if node.triggered_by_event:
                findings.add(
                    "EVENT_SUB_PROCESS_WITH_FLOW",
                    f"the flow '{flow.id}' is joined to the event sub-process '{end}', which no flow may enter or leave.",
                    element_id=flow.id,
                    line=flow.line,
                    rule=f"{node_rule}, EXT.057",
                )
            continue
        dangling = True
        other = structure.readings.by_id.get(end)
        rule = None
        if not end:
            problem = f"the flow '{flow.id}' has no {attribute}."
        elif other is None:
            problem = f"the {attribute} '{end}' of the flow '{flow.id}' is nowhere in the file."
        else:
            kind = local_name(other)
            rule = artifact_rule if kind in _ARTIFACTS else node_rule
            problem = f"the {attribute} '{end}' of the flow '{flow.id}' is a {kind}, not an event, activity or gateway."
        findings.add("DANGLING_FLOW", problem, element_id=flow.id, line=flow.line, rule=rule)
    if not dangling and structure.nodes[flow.source].container != structure.nodes[flow.target].container:
        findings.add(
            "FLOW_CROSSES_BORDER",
            f"the flow '{flow.id}' crosses the border of a process or sub-process.",
            element_id=flow.id,
            line=flow.line,
            rule="EXT.028, EXT.152",
        )


def _check_host(node: FlowNode, structure: Structure, findings: Findings) -> None:
    host = structure.nodes.get(node.attached_to or "")
    if host is not None and host.type.is_activity and host.container == node.container:
        return
    if node.attached_to is None:
        problem = "is attached to nothing"
    elif host is None:
        problem = f"is attached to '{node.attached_to}', which is nowhere in the file"
    elif not host.type.is_activity:
        problem = f"is attached to the {host.type.value} '{host.id}'; only activities carry boundary events"
    else:
        problem = f"is attached to '{host.id}', which stands in another process or sub-process"
    findings.add(
        "BOUNDARY_WITHOUT_HOST", f"the boundary event '{node.id}' {problem}.", element_id=node.id, line=node.line
    )


def _check_default(node: FlowNode, structure: Structure, findings: Findings) -> None:
    flow = next((item for item in structure.outgoing[node.id] if item.id == node.default_flow), None)
    if flow is None:
        findings.add(
            "DEFAULT_FLOW_NOT_OUTGOING",
            f"the default flow '{node.default_flow}' of '{node.id}' does not leave it.",
            element_id=node.id,
            line=node.line,
            rule="EXT.026",
        )
    elif flow.condition is not None:
        findings.add(
            "DEFAULT_FLOW_WITH_CONDITION",
            f"the default flow '{flow.id}' has a condition; a default flow is taken when no other is.",
            element_id=flow.id,
            line=flow.line,
        )


def _lists_flows(structure: Structure) -> bool:
    """True when the file writes `incoming` and `outgoing` at all; many tools leave them out everywhere."""
    prefix = f"{{{structure.readings.namespace}}}" if structure.readings.namespace else ""
    return any(
        next(element.iterchildren(prefix + "incoming", prefix + "outgoing"), None) is not None
        for element in structure.readings.node_elements
    )


def _check_listings(structure: Structure, findings: Findings) -> None:
    listed: dict[str, set[tuple[str, str]]] = {"incoming": set(), "outgoing": set()}
    for identifier, element in structure.element_of.items():
        for item in element:
            entries = listed.get(local_name(item))
            if entries is not None:
                entries.add((identifier, text_of(item).rsplit(":", 1)[-1]))
    for flow in structure.graph.flows:
        for word, end in (("outgoing", flow.source), ("incoming", flow.target)):
            if end in structure.nodes and (end, flow.id.rsplit(":", 1)[-1]) not in listed[word]:
                findings.add(
                    "FLOW_NOT_LISTED",
                    f"'{end}' does not list the flow '{flow.id}' as {word}.",
                    element_id=flow.id,
                    line=flow.line,
                    rule="EXT.023",
                )


def _check_lanes(structure: Structure, findings: Findings) -> None:
    for lane in structure.graph.lanes:
        for member in lane.node_ids:
            if member not in structure.readings.by_id:
                element = structure.readings.by_id.get(lane.id)
                findings.add(
                    "UNKNOWN_REFERENCE",
                    f"the lane '{lane.name or lane.id}' names the element '{member}', which is nowhere in the file.",
                    element_id=lane.id,
                    line=None if element is None else element.sourceline,
                )


def _check_pools(structure: Structure, findings: Findings) -> None:
    by_id = structure.readings.by_id
    pools = {item.process_id: item.id for item in structure.graph.participants if item.process_id}
    imported = any(local_name(item) == "import" for item in structure.readings.root)
    for participant in structure.graph.participants:
        if participant.process_id and participant.process_id not in by_id and not imported:
            findings.add(
                "UNKNOWN_REFERENCE",
                f"the participant '{participant.name or participant.id}' plays the process "
                f"'{participant.process_id}', which is nowhere in the file.",
                element_id=participant.id,
                line=by_id[participant.id].sourceline if participant.id in by_id else None,
            )
    for flow in structure.graph.message_flows:
        line = by_id[flow.id].sourceline if flow.id in by_id else None
        owners = []
        for attribute, end, rule in (("sourceRef", flow.source, "EXT.009"), ("targetRef", flow.target, "EXT.008")):
            other = by_id.get(end)
            if other is None and not (imported and end):
                findings.add(
                    "DANGLING_MESSAGE_FLOW",
                    f"the {attribute} '{end}' of the message flow '{flow.id}' is nowhere in the file.",
                    element_id=flow.id,
                    line=line,
                )
            elif other is not None and local_name(other) in _ARTIFACTS:
                findings.add(
                    "DANGLING_MESSAGE_FLOW",
                    f"the {attribute} '{end}' of the message flow '{flow.id}' is a {local_name(other)}.",
                    element_id=flow.id,
                    line=line,
                    rule=rule,
                )
            node = structure.nodes.get(end)
            owners.append(pools.get(node.process_id, node.process_id) if node else end)
        if owners[0] == owners[1] and flow.source in by_id:
            findings.add(
                "MESSAGE_FLOW_WITHIN_POOL",
                f"the message flow '{flow.id}' does not leave its pool.",
                element_id=flow.id,
                line=line,
                rule="EXT.031",
            )
