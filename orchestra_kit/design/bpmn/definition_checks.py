"""Checks of what stands beside the flow: typed references, triggers' own content, participants, attributes nobody knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestra_kit.design.bpmn.elements import child, local_name, text_of
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.model.process import FlowNode, NodeType

_KINDS = {
    "messageRef": ("message",),
    "signalRef": ("signal",),
    "errorRef": ("error",),
    "escalationRef": ("escalation",),
    "operationRef": ("operation",),
    "dataObjectRef": ("dataObject",),
    "dataStoreRef": ("dataStore",),
    "inMessageRef": ("message",),
    "outMessageRef": ("message",),
    "supportedInterfaceRef": ("interface",),
    "categoryValueRef": ("categoryValue",),
    "processRef": ("process",),
}
_REFERRING_NAMES = """
messageEventDefinition signalEventDefinition errorEventDefinition escalationEventDefinition operation message
sendTask receiveTask serviceTask dataObjectReference dataStoreReference participant group messageFlow process
globalTask
"""
_REFERRING = frozenset(_REFERRING_NAMES.split())
_TRIGGERS = (
    "timerEventDefinition",
    "linkEventDefinition",
    "messageEventDefinition",
    "errorEventDefinition",
    "escalationEventDefinition",
)
_TIMES = {"timeDate": "EXT.129", "timeCycle": "EXT.130", "timeDuration": "EXT.131"}
_ATTRIBUTE_NAMES = """
id name default startQuantity completionQuantity isForCompensation implementation operationRef messageRef instantiate
scriptFormat calledElement triggeredByEvent ordering cancelRemainingInstances method gatewayDirection
eventGatewayType attachedToRef cancelActivity isInterrupting parallelMultiple sourceRef targetRef isImmediate
initiatingParticipantRef loopType calledChoreographyRef protocol
"""
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;.*)?")


def check_definitions(structure: Structure, findings: Findings) -> None:
    """Note references to the wrong kind of element, triggers that say too little or too much, odd participants."""
    root = structure.readings.root
    prefix = f"{{{structure.readings.namespace}}}" if structure.readings.namespace else ""
    imported = next(root.iterchildren(prefix + "import"), None) is not None
    for element in root.iter(*(prefix + name for name in sorted(_REFERRING))):
        _check_reference(element, structure, imported, findings)
    for element in root.iter(*(prefix + name for name in _TRIGGERS)):
        _check_trigger(element, structure, findings)
    for element in root.iter(prefix + "participantMultiplicity"):
        _check_multiplicity(element, findings)
    for element in root.iter(prefix + "documentation", prefix + "textAnnotation"):
        _check_text_format(element, findings)
    for element in root.iter(prefix + "correlationSubscription"):
        _check_correlation(element, structure, findings)
    for node, element in zip(structure.graph.nodes, structure.readings.node_elements, strict=True):
        _check_attributes(element, node.id, findings)
        if node.type.is_activity:
            _check_quantities(node, element, findings)
        if node.extensions.get("isForCompensation") is True:
            _check_compensation(node, structure, findings)
    for flow, element in zip(structure.graph.flows, structure.readings.flow_elements, strict=True):
        _check_attributes(element, flow.id, findings)
        source = structure.nodes.get(flow.source)
        if flow.condition is not None and source is not None and source.type is NodeType.PARALLEL_GATEWAY:
            findings.add(
                "CONDITION_AT_PARALLEL",
                f"the flow '{flow.id}' leaves a parallel gateway and has a condition, which nobody looks at.",
                element_id=flow.id,
                line=flow.line,
                rule="EXT.026",
            )
        if flow.process_id in structure.executable and element.get("isImmediate") in ("false", "0"):
            findings.add(
                "FLOW_NOT_IMMEDIATE",
                f"the flow '{flow.id}' of an executable process is not immediate.",
                element_id=flow.id,
                line=flow.line,
                rule="EXT.027",
            )


def _check_reference(element: Element, structure: Structure, imported: bool, findings: Findings) -> None:
    for word, reference in _references(element):
        bare = reference.strip().rsplit(":", 1)[-1]
        target = structure.readings.by_id.get(reference.strip())
        if target is None:
            target = structure.readings.by_id.get(bare)
        if target is not None and local_name(target) not in _KINDS[word]:
            findings.add(
                "WRONG_REFERENCE",
                f"the {word} '{reference}' of the {local_name(element)} '{element.get('id')}' is a {local_name(target)}.",
                element_id=element.get("id"),
                line=element.sourceline,
            )
        elif target is None and not imported and word != "processRef":  # a pool's own process is told elsewhere
            findings.add(
                "UNKNOWN_REFERENCE",
                f"the {word} '{reference}' of the {local_name(element)} '{element.get('id')}' is nowhere in the file.",
                element_id=element.get("id"),
                line=element.sourceline,
            )


def _references(element: Element) -> Iterator[tuple[str, str]]:
    for name, value in element.items():
        if name in _KINDS and value.strip():
            yield name, value
    for item in element:
        name = local_name(item)
        if name in _KINDS and text_of(item):
            yield name, text_of(item)


def _check_trigger(element: Element, structure: Structure, findings: Findings) -> None:
    event = element.getparent()
    node = structure.nodes.get(event.get("id") or "") if event is not None else None
    match local_name(element):
        case "linkEventDefinition":
            if not element.get("name") and node is not None and not node.name:
                _note_trigger("LINK_WITHOUT_NAME", element, node, "is a link without a name", None, findings)
        case "timerEventDefinition":
            _check_time(element, node, structure, findings)
        case _:
            _check_payload(element, node, structure, findings)


def _check_payload(element: Element, node: FlowNode | None, structure: Structure, findings: Findings) -> None:
    """In an executable process a message must be named, and what an end raises must have a code."""
    if node is None or node.process_id not in structure.executable or _in_extensions(element):
        return
    kind = local_name(element).removesuffix("EventDefinition")
    rule = {"message": "EXT.126", "error": "EXT.122", "escalation": "EXT.123"}[kind]
    reference = element.get(f"{kind}Ref")
    target = structure.readings.by_id.get((reference or "").rsplit(":", 1)[-1])
    if kind == "message" and not reference:
        _note_trigger("TRIGGER_INCOMPLETE", element, node, "names no message", rule, findings)
    elif (
        kind != "message" and node.type is NodeType.END_EVENT and not (target is not None and target.get(f"{kind}Code"))
    ):
        _note_trigger("TRIGGER_INCOMPLETE", element, node, f"has no {kind} code", rule, findings)


def _check_time(element: Element, node: FlowNode | None, structure: Structure, findings: Findings) -> None:
    times = [name for name in _TIMES if child(element, name) is not None]
    if len(times) > 1:
        rule = ", ".join(_TIMES[name] for name in times)
        _note_trigger("TIMER_TIME", element, node, f"says {' and '.join(times)}", rule, findings)
    elif not times and node is not None and node.process_id in structure.executable and not _in_extensions(element):
        _note_trigger("TRIGGER_INCOMPLETE", element, node, "never says when", "EXT.129", findings)


def _in_extensions(element: Element) -> bool:
    """True where a vendor may say it in its own words."""
    return child(element, "extensionElements") is not None or any(str(name)[0] == "{" for name, _ in element.items())


def _note_trigger(
    code: str, element: Element, node: FlowNode | None, problem: str, rule: str | None, findings: Findings
) -> None:
    name = node.id if node is not None else element.get("id")
    findings.add(
        code,
        f"the {local_name(element)} of '{name}' {problem}.",
        element_id=name,
        line=element.sourceline,
        rule=rule,
    )


def _check_text_format(element: Element, findings: Findings) -> None:
    written = element.get("textFormat")
    if written is not None and not _MIME_TYPE.fullmatch(written.strip()):
        findings.add(
            "TEXT_FORMAT",
            f"the textFormat '{written}' of this {local_name(element)} is no MIME type.",
            element_id=element.get("id"),
            line=element.sourceline,
            rule="EXT.004" if local_name(element) == "documentation" else "EXT.010",
        )


def _check_multiplicity(element: Element, findings: Findings) -> None:
    participant = element.getparent()
    least, most = _number(element.get("minimum"), 0), _number(element.get("maximum"), 1)
    if most < 1 or most < least:
        findings.add(
            "PARTICIPANT_MULTIPLICITY",
            f"there are at least {least} and at most {most} of the participant "
            f"'{participant.get('name') or participant.get('id')}', which cannot be.",
            element_id=participant.get("id"),
            line=element.sourceline,
            rule="EXT.030" if most >= least else "EXT.029, EXT.030",
        )


def _number(text: str | None, default: int) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        return default


def _check_correlation(element: Element, structure: Structure, findings: Findings) -> None:
    """A subscription must say where each property of its key comes from."""
    key = structure.readings.by_id.get((element.get("correlationKeyRef") or "").rsplit(":", 1)[-1])
    if key is None:
        return
    bound = {
        (item.get("correlationPropertyRef") or "").rsplit(":", 1)[-1]
        for item in element
        if local_name(item) == "correlationPropertyBinding"
    }
    wanted = {text_of(item).rsplit(":", 1)[-1] for item in key if local_name(item) == "correlationPropertyRef"}
    if wanted - bound:
        findings.add(
            "CORRELATION_INCOMPLETE",
            f"the correlation by '{key.get('name') or key.get('id')}' does not say where "
            f"{', '.join(sorted(wanted - bound))} comes from.",
            element_id=element.get("id"),
            line=element.sourceline,
            rule="EXT.012",
        )


def _check_attributes(element: Element, identifier: str, findings: Findings) -> None:
    unknown = [str(name) for name in element.keys() if name not in _ATTRIBUTES and str(name)[0] != "{"]  # noqa: SIM118
    for name in unknown:
        findings.add(
            "UNKNOWN_ATTRIBUTE",
            f"BPMN knows no attribute '{name}' of the {local_name(element)} '{identifier}'; a vendor's own needs a prefix.",
            element_id=identifier,
            line=element.sourceline,
        )


def _check_quantities(node: FlowNode, element: Element, findings: Findings) -> None:
    for name, rule in (("startQuantity", "EXT.037"), ("completionQuantity", "EXT.038")):
        if element.get(name) is not None and _number(element.get(name), 1) < 1:
            findings.add(
                "QUANTITY_BELOW_ONE",
                f"the {name} of '{node.id}' is below 1.",
                element_id=node.id,
                line=node.line,
                rule=rule,
            )


def _check_compensation(node: FlowNode, structure: Structure, findings: Findings) -> None:
    joined = [*structure.incoming[node.id], *structure.outgoing[node.id]]
    if joined:
        findings.add(
            "COMPENSATION_WITH_FLOW",
            f"'{node.id}' compensates; no flow may enter or leave it, and '{joined[0].id}' does.",
            element_id=node.id,
            line=node.line,
            rule="EXT.144",
        )
