"""Checks of what tasks and callable elements have to do with services: messages, operations, bindings, call activities.

Rules are those of BPMN 2.0, chapters 10.2 (Activities) and 8.4 (Services).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from orchestra_kit.design.bpmn.elements import child, local_name, text_of
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.design.bpmn.vocabulary import GLOBAL_TASKS
from orchestra_kit.model.process import FlowNode, NodeType

_SET_RULES = {
    NodeType.SERVICE_TASK: "EXT.042",
    NodeType.SEND_TASK: "EXT.045",
    NodeType.RECEIVE_TASK: "EXT.047",
}
_INPUT_RULES = {NodeType.SERVICE_TASK: "EXT.043", NodeType.SEND_TASK: "EXT.046"}
_OUTPUT_RULES = {NodeType.SERVICE_TASK: "EXT.044", NodeType.RECEIVE_TASK: "EXT.048"}


def check_services(structure: Structure, findings: Findings) -> None:
    """Note tasks whose data does not fit their messages, and callable elements that no service call could reach."""
    for node in structure.of_type(NodeType.SERVICE_TASK, NodeType.SEND_TASK, NodeType.RECEIVE_TASK):
        _check_message_task(node, structure, findings)
    for node in structure.of_type(NodeType.CALL_ACTIVITY):
        _check_call(node, structure, findings)
    for element in structure.readings.root:
        if local_name(element) in ("process", *GLOBAL_TASKS):
            _check_binding(element, findings)


def _check_message_task(node: FlowNode, structure: Structure, findings: Findings) -> None:
    element = structure.element_of.get(node.id)
    specification = None if element is None else child(element, "ioSpecification")
    if element is None or specification is None:
        return
    incoming, outgoing = _messages(node, element, structure)
    problems: list[tuple[str, str]] = []
    if _too_many_sets(node.type, specification):
        problems.append(("has more than one set of data that its message could fill", _SET_RULES[node.type]))
    for message, kind, rules in (
        (incoming, "dataInput", _INPUT_RULES),
        (outgoing, "dataOutput", _OUTPUT_RULES),
    ):
        data = [item for item in specification if local_name(item) == kind]
        if message is None or node.type not in rules:
            continue
        wanted = _structure_of(message.get("itemRef"), structure)
        if len(data) > 1:
            rule = rules[node.type] if node.type is NodeType.SERVICE_TASK else _SET_RULES[node.type]
            problems.append((f"has {len(data)} {kind}s for one message", rule))
        elif data and wanted and _structure_of(data[0].get("itemSubjectRef"), structure) not in ("", wanted):
            problems.append((f"has a {kind} of another item than its message '{message.get('id')}'", rules[node.type]))
    for problem, rule in problems:
        findings.add(
            "MESSAGE_DATA",
            f"the {node.type.value} '{node.id}' {problem}.",
            element_id=node.id,
            line=node.line,
            rule=rule,
        )


def _too_many_sets(kind: NodeType, specification: Element) -> bool:
    sets = Counter(local_name(item) for item in specification)
    words = {NodeType.SEND_TASK: ("inputSet",), NodeType.RECEIVE_TASK: ("outputSet",)}
    return any(sets[word] > 1 for word in words.get(kind, ("inputSet", "outputSet")))


def _messages(node: FlowNode, element: Element, structure: Structure) -> tuple[Element | None, Element | None]:
    """Return the message a task sends and the one it gets, where the file says it."""
    by_id = structure.readings.by_id
    own = by_id.get(_bare(element.get("messageRef")))
    operation = by_id.get(_bare(element.get("operationRef")))
    sent = by_id.get(_bare(text_of(child(operation, "inMessageRef")))) if operation is not None else None
    got = by_id.get(_bare(text_of(child(operation, "outMessageRef")))) if operation is not None else None
    if node.type is NodeType.SEND_TASK:
        return own if own is not None else sent, None
    if node.type is NodeType.RECEIVE_TASK:
        return None, own if own is not None else got
    return sent, got


def _check_call(node: FlowNode, structure: Structure, findings: Findings) -> None:
    """A call activity must offer exactly the data that what it calls asks for."""
    by_id = structure.readings.by_id
    element, called = structure.element_of.get(node.id), by_id.get(_bare(node.called_element))
    if element is None or called is None:
        return
    if local_name(called) not in ("process", *GLOBAL_TASKS):
        findings.add(
            "WRONG_REFERENCE",
            f"the callActivity '{node.id}' calls the {local_name(called)} '{node.called_element}', which cannot be called.",
            element_id=node.id,
            line=node.line,
        )
        return
    own, other = child(element, "ioSpecification"), child(called, "ioSpecification")
    if other is None:
        return
    if _signature(own, structure) != _signature(other, structure):
        findings.add(
            "CALL_DATA",
            f"the data of the callActivity '{node.id}' is not that of '{node.called_element}', which it calls.",
            element_id=node.id,
            line=node.line,
            rule="EXT.063",
        )


def _signature(specification: Element | None, structure: Structure) -> Counter[tuple[str, str]]:
    return Counter(
        (local_name(item), _structure_of(item.get("itemSubjectRef"), structure))
        for item in (() if specification is None else specification)
        if local_name(item) in ("dataInput", "dataOutput")
    )


def _check_binding(element: Element, findings: Findings) -> None:
    """What supports an interface must say which data each operation of it carries."""
    supports = child(element, "supportedInterfaceRef")
    bindings = list(_children(element, "ioBinding"))
    if supports is not None and not bindings:
        findings.add(
            "SERVICE_WITHOUT_BINDING",
            f"the {local_name(element)} '{element.get('id')}' supports an interface but binds no data to it (ioBinding).",
            element_id=element.get("id"),
            line=element.sourceline,
            rule="EXT.064",
        )
    specification = child(element, "ioSpecification")
    if specification is None:
        return
    own = {item.get("id") for item in specification if item.get("id")}
    for binding in bindings:
        for word in ("inputDataRef", "outputDataRef"):
            reference = _bare(binding.get(word))
            if reference and reference not in own:
                findings.add(
                    "SERVICE_WITHOUT_BINDING",
                    f"the ioBinding of '{element.get('id')}' names '{reference}' as {word}, which is not its own.",
                    element_id=element.get("id"),
                    line=binding.sourceline,
                    rule="EXT.065",
                )


def _structure_of(reference: str | None, structure: Structure) -> str:
    """Return what an item definition is made of; two definitions of one structure are one type."""
    definition = structure.readings.by_id.get(_bare(reference))
    return _bare(reference) if definition is None else str(definition.get("structureRef") or _bare(reference))


def _children(element: Element, name: str) -> Iterator[Element]:
    return (item for item in element if local_name(item) == name)


def _bare(reference: str | None) -> str:
    return (reference or "").strip().rsplit(":", 1)[-1]
