"""Checks of events: what may trigger them, what may join them, links and their partners."""

from __future__ import annotations

from collections import defaultdict

from orchestra_kit.design.bpmn.elements import local_name, text_of
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.model.process import FlowNode, NodeType

_ALLOWED = {
    NodeType.END_EVENT: ("EXT.146", "message escalation error cancel compensate signal terminate"),
    NodeType.INTERMEDIATE_CATCH_EVENT: ("EXT.148", "message timer conditional link signal"),
    NodeType.INTERMEDIATE_THROW_EVENT: ("EXT.149", "message escalation compensate link signal"),
}
_TOP_START = ("EXT.098", "message timer conditional signal")
_EVENT_SUB_PROCESS_START = ("EXT.059, EXT.100", "message timer error escalation compensate conditional signal")
_INTERRUPTING = ("EXT.110", "message timer escalation error cancel compensate conditional signal")
_NOT_INTERRUPTING = ("EXT.110", "message timer escalation conditional signal")
_WITHOUT_TRIGGER = {NodeType.START_EVENT: "EXT.103", NodeType.END_EVENT: "EXT.109"}


def check_events(structure: Structure, findings: Findings) -> None:
    """Note events with a trigger, a flow or a partner that BPMN does not allow."""
    for node in structure.graph.nodes:
        if not node.type.is_event:
            continue
        _check_triggers(node, structure, findings)
        _check_flows(node, structure, findings)
    _check_links(structure, findings)
    _check_shared_definitions(structure, findings)
    _check_message_ends(structure, findings)


def _check_triggers(node: FlowNode, structure: Structure, findings: Findings) -> None:
    rule, words = _allowed(node, structure)
    wrong = [kind for kind in node.event_definitions if kind not in words.split()]
    if wrong:
        findings.add(
            "EVENT_DEFINITION_NOT_ALLOWED",
            f"the {node.type.value} '{node.id}' must not have a {wrong[0]} trigger here.",
            element_id=node.id,
            line=node.line,
            rule=rule,
        )
    holder = structure.holder(node)
    host = structure.nodes.get(node.attached_to or "")
    misplaced_cancel = "cancel" in node.event_definitions and (
        (node.type is NodeType.END_EVENT and not (holder and holder.type is NodeType.TRANSACTION))
        or (node.type is NodeType.BOUNDARY_EVENT and host is not None and host.type is not NodeType.TRANSACTION)
    )
    if misplaced_cancel:
        findings.add(
            "EVENT_DEFINITION_NOT_ALLOWED",
            f"the cancel event '{node.id}' does not belong to a transaction.",
            element_id=node.id,
            line=node.line,
            rule="EXT.106" if node.type is NodeType.END_EVENT else "EXT.111",
        )


def _allowed(node: FlowNode, structure: Structure) -> tuple[str, str]:
    if node.type is NodeType.BOUNDARY_EVENT:
        return _INTERRUPTING if node.cancel_activity else _NOT_INTERRUPTING
    if node.type is NodeType.START_EVENT:
        holder = structure.holder(node)
        if holder is None:
            return _TOP_START
        return _EVENT_SUB_PROCESS_START if holder.triggered_by_event else ("EXT.099", "")
    return _ALLOWED.get(node.type, ("", "message escalation error cancel compensate signal terminate link"))


def _check_flows(node: FlowNode, structure: Structure, findings: Findings) -> None:
    enters, leaves = bool(structure.incoming[node.id]), bool(structure.outgoing[node.id])
    link = "link" in node.event_definitions
    problems: list[tuple[str, str, str]] = []
    if node.type is NodeType.START_EVENT:
        if enters:
            problems.append(("START_WITH_INCOMING", "has an incoming flow", "EXT.096"))
        if not leaves:
            problems.append(("START_WITHOUT_FLOW", "has no outgoing flow", "EXT.101"))
    elif node.type is NodeType.END_EVENT and leaves:
        problems.append(("END_WITH_OUTGOING", "has an outgoing flow", "EXT.104"))
    elif node.type is NodeType.BOUNDARY_EVENT:
        if enters:
            problems.append(("BOUNDARY_WITH_INCOMING", "has an incoming flow", "EXT.112"))
        compensation = node.event_definitions == ("compensate",)
        if compensation == leaves:
            problem = "has an outgoing flow; compensation is joined by an association" if leaves else "leads nowhere"
            problems.append(("BOUNDARY_WITHOUT_FLOW", problem, "EXT.114" if leaves else "EXT.113"))
    elif node.type in (NodeType.INTERMEDIATE_CATCH_EVENT, NodeType.INTERMEDIATE_THROW_EVENT):
        if link and enters and leaves:
            problems.append(("LINK_WITHOUT_SOURCE", "has both incoming and outgoing flows", "EXT.117"))
        elif not leaves and not (link and node.type is NodeType.INTERMEDIATE_THROW_EVENT):
            problems.append(("IMPLICIT_END", "has no outgoing flow", "EXT.116"))
    for code, problem, rule in problems:
        findings.add(
            code, f"the {node.type.value} '{node.id}' {problem}.", element_id=node.id, line=node.line, rule=rule
        )


def _check_links(structure: Structure, findings: Findings) -> None:
    throws: dict[tuple[str, str], list[FlowNode]] = defaultdict(list)
    catches: dict[tuple[str, str], list[FlowNode]] = defaultdict(list)
    for node in structure.of_type(NodeType.INTERMEDIATE_THROW_EVENT, NodeType.INTERMEDIATE_CATCH_EVENT):
        if "link" in node.event_definitions:
            side = throws if node.type is NodeType.INTERMEDIATE_THROW_EVENT else catches
            side[(node.container, structure.link_name(node))].append(node)
    for key, nodes in throws.items():
        for node in nodes:
            if key not in catches:
                findings.add(
                    "LINK_WITHOUT_TARGET",
                    f"no link catch event in the same process level has the name '{key[1]}'.",
                    element_id=node.id,
                    line=node.line,
                    rule="EXT.118, EXT.125",
                )
            elif len(catches[key]) > 1:
                findings.add(
                    "LINK_WITH_TWO_TARGETS",
                    f"{len(catches[key])} link catch events have the name '{key[1]}'.",
                    element_id=node.id,
                    line=node.line,
                    rule="EXT.125",
                )
    for key, nodes in catches.items():
        if key not in throws:
            findings.add(
                "LINK_WITHOUT_SOURCE",
                f"no link throw event in the same process level has the name '{key[1]}'.",
                element_id=nodes[0].id,
                line=nodes[0].line,
                rule="EXT.124",
            )


def _check_shared_definitions(structure: Structure, findings: Findings) -> None:
    """A definition written inside a throw event belongs to that event alone."""
    throwing = {NodeType.END_EVENT, NodeType.INTERMEDIATE_THROW_EVENT}
    owned = {
        item.get("id"): node.id
        for node in structure.graph.nodes
        if node.type in throwing and node.id in structure.element_of
        for item in structure.element_of[node.id]
        if local_name(item).endswith("EventDefinition") and item.get("id")
    }
    for node, element in zip(structure.graph.nodes, structure.readings.node_elements, strict=True):
        if not node.type.is_event:
            continue
        for item in element:
            if local_name(item) == "eventDefinitionRef":
                reference = text_of(item).rsplit(":", 1)[-1]
                if reference in owned:
                    findings.add(
                        "EVENT_DEFINITION_SHARED",
                        f"'{node.id}' uses the event definition '{reference}', which belongs to '{owned[reference]}'.",
                        element_id=node.id,
                        line=node.line,
                        rule="EXT.095",
                    )
                elif reference not in structure.readings.by_id:
                    findings.add(
                        "UNKNOWN_REFERENCE",
                        f"'{node.id}' refers to the event definition '{reference}', which is nowhere in the file.",
                        element_id=node.id,
                        line=node.line,
                    )


def _check_message_ends(structure: Structure, findings: Findings) -> None:
    as_source = {
        NodeType.START_EVENT: "EXT.102",
        NodeType.INTERMEDIATE_CATCH_EVENT: "EXT.119",
        NodeType.BOUNDARY_EVENT: "EXT.119",
    }
    as_target = {NodeType.END_EVENT: "EXT.108", NodeType.INTERMEDIATE_THROW_EVENT: "EXT.119"}
    for flow in structure.graph.message_flows:
        for end, table, side in ((flow.source, as_source, "sends"), (flow.target, as_target, "receives")):
            node = structure.nodes.get(end)
            if node is not None and node.type in table:
                findings.add(
                    "MESSAGE_FLOW_AT_WRONG_EVENT",
                    f"the {node.type.value} '{node.id}' {side} the message flow '{flow.id}', which it cannot.",
                    element_id=node.id,
                    line=node.line,
                    rule=table[node.type],
                )
            elif node is not None and node.type.is_event and "message" not in node.event_definitions:
                findings.add(
                    "MESSAGE_FLOW_WITHOUT_TRIGGER",
                    f"the {node.type.value} '{node.id}' {side} the message flow '{flow.id}' but is no message event.",
                    element_id=node.id,
                    line=node.line,
                    rule=_WITHOUT_TRIGGER.get(node.type, "EXT.119"),
                )
