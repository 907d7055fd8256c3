"""Checks of gateways, activities and sub-processes."""

from __future__ import annotations

from orchestra_kit.design.bpmn.elements import local_name
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.model.process import FlowNode, NodeType

_CHOREOGRAPHY = (NodeType.CHOREOGRAPHY_TASK, NodeType.CALL_CHOREOGRAPHY, NodeType.SUB_CHOREOGRAPHY)
_AFTER_EVENT_GATEWAY = frozenset({"message", "signal", "timer", "conditional"})


def check_activities(structure: Structure, findings: Findings) -> None:
    """Note gateways and activities that BPMN does not allow as they stand."""
    for node in structure.graph.nodes:
        if node.type.is_gateway:
            _check_gateway(node, structure, findings)
        elif node.type.is_activity:
            _check_activity(node, structure, findings)
    for process in structure.graph.processes:
        element = structure.readings.by_id.get(process.id)
        if process.is_executable and element is not None and (element.get("processType") or "").lower() == "public":
            findings.add(
                "EXECUTABLE_PUBLIC_PROCESS",
                f"the public process '{process.id}' is marked as executable.",
                element_id=process.id,
                line=process.line,
                rule="EXT.035",
            )
    _check_global_conversations(structure, findings)


def _check_gateway(node: FlowNode, structure: Structure, findings: Findings) -> None:
    entering, leaving = len(structure.incoming[node.id]), len(structure.outgoing[node.id])
    direction = node.extensions.get("gatewayDirection")
    if direction == "Converging" and leaving > 1:
        findings.add(
            "GATEWAY_DIRECTION",
            f"the converging gateway '{node.id}' splits.",
            rule="EXT.017",
            element_id=node.id,
            line=node.line,
        )
    elif direction == "Diverging" and entering > 1:
        findings.add(
            "GATEWAY_DIRECTION",
            f"the diverging gateway '{node.id}' joins.",
            rule="EXT.018",
            element_id=node.id,
            line=node.line,
        )
    elif direction == "Mixed" and (entering < 2 or leaving < 2):
        findings.add(
            "GATEWAY_DIRECTION",
            f"the mixed gateway '{node.id}' does not join and split.",
            rule="EXT.019",
            element_id=node.id,
            line=node.line,
        )
    if node.type is NodeType.EVENT_BASED_GATEWAY:
        _check_event_gateway(node, structure, findings)
    elif entering < 2 and leaving < 2:
        findings.add(
            "GATEWAY_WITHOUT_CHOICE",
            f"the gateway '{node.id}' neither splits nor joins.",
            rule="EXT.135",
            element_id=node.id,
            line=node.line,
        )


def _check_event_gateway(node: FlowNode, structure: Structure, findings: Findings) -> None:
    flows = structure.outgoing[node.id]
    if len(flows) < 2:
        findings.add(
            "EVENT_GATEWAY_FLOWS",
            f"the event-based gateway '{node.id}' does not split.",
            rule="EXT.136",
            element_id=node.id,
            line=node.line,
        )
    if node.extensions.get("instantiate") in ("true", "1") and structure.incoming[node.id]:
        findings.add(
            "INSTANTIATING_WITH_INCOMING",
            f"'{node.id}' starts the process and yet has an incoming flow.",
            rule="EXT.142",
            element_id=node.id,
            line=node.line,
        )
    if node.extensions.get("eventGatewayType") == "Parallel" and node.extensions.get("instantiate") not in (
        "true",
        "1",
    ):
        findings.add(
            "EVENT_GATEWAY_TYPE",
            f"the event-based gateway '{node.id}' is parallel, which only one that starts the process may be.",
            rule="EXT.143",
            element_id=node.id,
            line=node.line,
        )
    for flow in flows:
        if flow.condition is not None:
            findings.add(
                "EVENT_GATEWAY_CONDITION",
                f"the flow '{flow.id}' leaves an event-based gateway and has a condition.",
                element_id=flow.id,
                line=flow.line,
                rule="EXT.026, EXT.137",
            )
    targets = [structure.nodes[flow.target] for flow in flows if flow.target in structure.nodes]
    for target in targets:
        catches = target.type is NodeType.RECEIVE_TASK or (
            target.type is NodeType.INTERMEDIATE_CATCH_EVENT and set(target.event_definitions) <= _AFTER_EVENT_GATEWAY
        )
        if not catches:
            problem, rule = f"leads to the {target.type.value} '{target.id}', which waits for no event", "EXT.138"
        elif target.type is NodeType.RECEIVE_TASK and target.id in structure.hosts:
            problem, rule = f"leads to the receiveTask '{target.id}', which carries a boundary event", "EXT.140"
        elif len(structure.incoming[target.id]) > 1:
            problem, rule = f"leads to '{target.id}', which has other incoming flows", "EXT.141"
        else:
            continue
        findings.add(
            "EVENT_GATEWAY_TARGET",
            f"the event-based gateway '{node.id}' {problem}.",
            rule=rule,
            element_id=node.id,
            line=node.line,
        )
    kinds = {"receive" if item.type is NodeType.RECEIVE_TASK else "message" for item in targets
             if item.type is NodeType.RECEIVE_TASK or "message" in item.event_definitions}  # fmt: skip
    if len(kinds) == 2:
        findings.add(
            "EVENT_GATEWAY_TARGET",
            f"the event-based gateway '{node.id}' leads to both receive tasks and message events.",
            rule="EXT.139",
            element_id=node.id,
            line=node.line,
        )


def _check_activity(node: FlowNode, structure: Structure, findings: Findings) -> None:
    flows = structure.outgoing[node.id]
    if len(flows) == 1 and flows[0].condition is not None:
        findings.add(
            "SINGLE_CONDITIONAL_FLOW",
            f"the only flow that leaves '{node.id}' has a condition; nothing is said when it is false.",
            rule="EXT.025",
            element_id=node.id,
            line=node.line,
        )
    if node.type in _CHOREOGRAPHY and node.process_id in {item.id for item in structure.graph.processes}:
        holder = structure.holder(node)
        inside = "EXT.036" if holder is None else "EXT.056"
        if holder is not None and holder.type is NodeType.AD_HOC_SUB_PROCESS:
            inside = "EXT.056, EXT.062"
        findings.add(
            "CHOREOGRAPHY_IN_PROCESS",
            f"the {node.type.value} '{node.id}' stands in a process.",
            rule=inside,
            element_id=node.id,
            line=node.line,
        )
    instantiating = node.type is NodeType.RECEIVE_TASK and node.extensions.get("instantiate") in ("true", "1")
    if instantiating and structure.incoming[node.id]:
        findings.add(
            "INSTANTIATING_WITH_INCOMING",
            f"'{node.id}' starts the process and yet has an incoming flow.",
            rule="EXT.049",
            element_id=node.id,
            line=node.line,
        )
    if node.type is NodeType.SCRIPT_TASK and "script" in node.extensions and not node.extensions.get("scriptFormat"):
        findings.add(
            "SCRIPT_WITHOUT_FORMAT",
            f"the script of '{node.id}' names no language.",
            rule="EXT.053",
            element_id=node.id,
            line=node.line,
        )
    if node.type is NodeType.AD_HOC_SUB_PROCESS:
        _check_ad_hoc(node, structure, findings)
    elif node.triggered_by_event:
        _check_event_sub_process(node, structure, findings)


def _check_ad_hoc(node: FlowNode, structure: Structure, findings: Findings) -> None:
    content = structure.content.get(node.id, [])
    if not any(item.type.is_activity for item in content):
        findings.add(
            "AD_HOC_CONTENT",
            f"the ad-hoc sub-process '{node.id}' holds no activity.",
            element_id=node.id,
            line=node.line,
            rule="EXT.061",
        )
    for item in content:
        if item.type in (NodeType.START_EVENT, NodeType.END_EVENT):
            findings.add(
                "AD_HOC_CONTENT",
                f"the {item.type.value} '{item.id}' stands in an ad-hoc sub-process.",
                element_id=item.id,
                line=item.line,
                rule="EXT.062",
            )


def _check_event_sub_process(node: FlowNode, structure: Structure, findings: Findings) -> None:
    starts = [item for item in structure.content.get(node.id, []) if item.type is NodeType.START_EVENT]
    if len(starts) != 1:
        findings.add(
            "EVENT_SUB_PROCESS_STARTS",
            f"the event sub-process '{node.id}' has {len(starts)} start events; it must have exactly one.",
            element_id=node.id,
            line=node.line,
            rule="EXT.058",
        )
    elif not starts[0].event_definitions:
        findings.add(
            "EVENT_SUB_PROCESS_STARTS",
            f"the start event of the event sub-process '{node.id}' names no trigger.",
            element_id=starts[0].id,
            line=starts[0].line,
            rule="EXT.059, EXT.100",
        )


def _check_global_conversations(structure: Structure, findings: Findings) -> None:
    unwanted = {"conversation", "subConversation", "callConversation", "participantAssociation", "group",
                "messageFlowAssociation", "conversationAssociation", "textAnnotation", "association"}  # fmt: skip
    for element in structure.readings.root:
        if local_name(element) == "globalConversation":
            inside = [local_name(item) for item in element if local_name(item) in unwanted]
            if inside:
                findings.add(
                    "GLOBAL_CONVERSATION_CONTENT",
                    f"a global conversation must not hold a {inside[0]}.",
                    element_id=element.get("id"),
                    line=element.sourceline,
                    rule="EXT.032",
                )
