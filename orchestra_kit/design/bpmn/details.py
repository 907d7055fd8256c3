"""What a node says beside flow and extensions: data read and written, conditions of its own, performers, its interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestra_kit.design.bpmn.elements import child, local_name, text_of
from orchestra_kit.design.bpmn.parsing import Element

Resolve = Callable[[str | None], str]

_CONDITIONS = ("activationCondition", "completionCondition")
_PERFORMERS = frozenset({"performer", "humanPerformer", "potentialOwner", "resourceRole"})
_DATA = frozenset({"ioSpecification", "dataInputAssociation", "dataOutputAssociation", "dataInput", "dataOutput"})
_READ = frozenset(_CONDITIONS) | _PERFORMERS | _DATA


def node_details(element: Element, by_id: Mapping[str, Element], resolve: Resolve) -> dict[str, Any]:
    """Return the details of a node under the names BPMN gives them; data under `data`, its interface under `interface`."""
    found = [item for item in element if local_name(item) in _READ]
    result: dict[str, Any] = {}
    people = [_participant(item, element, by_id, resolve) for item in element if local_name(item) == "participantRef"]
    if people:
        result["participants"] = people
    for item in found:
        name = local_name(item)
        if name in _CONDITIONS and text_of(item):
            result[name] = text_of(item)
        elif name in _PERFORMERS:
            result.setdefault("performers", []).append(_performer(item, by_id, resolve))
    if any(local_name(item) in _DATA for item in found):
        data = _data(element, found, by_id, resolve)
        if data:
            result["data"] = data
    if element.get("cancelRemainingInstances") is not None:
        result["cancelRemainingInstances"] = element.get("cancelRemainingInstances")
    interface = interface_of(by_id.get(resolve(element.get("operationRef"))))
    return result | ({"interface": interface} if interface else {})


def interface_of(operation: Element | None) -> dict[str, str]:
    """Return the names of an operation and the interface that holds it, and what implements both."""
    if operation is None or local_name(operation) != "operation":
        return {}
    holder = operation.getparent()
    entries = {
        "operation": operation.get("name"),
        "operationImplementation": operation.get("implementationRef"),
        "interface": None if holder is None else holder.get("name"),
        "interfaceImplementation": None if holder is None else holder.get("implementationRef"),
    }
    return {name: str(value) for name, value in entries.items() if value}


def _participant(
    reference: Element, element: Element, by_id: Mapping[str, Element], resolve: Resolve
) -> dict[str, Any]:
    """Return who takes part in a choreography activity, and whether it begins."""
    identifier = resolve(text_of(reference))
    target = by_id.get(identifier)
    name = "" if target is None else str(target.get("name") or "")
    begins = identifier == resolve(element.get("initiatingParticipantRef"))
    return {"id": identifier, "name": name, "initiating": begins}


def _performer(element: Element, by_id: Mapping[str, Element], resolve: Resolve) -> dict[str, str]:
    result = {"role": local_name(element)}
    if element.get("name"):
        result["name"] = str(element.get("name"))
    expression = text_of(child(element, "resourceAssignmentExpression"))
    resource = resolve(text_of(child(element, "resourceRef")))
    if expression:
        result["expression"] = expression
    if resource:
        target = by_id.get(resource)
        result["resource"] = str(target.get("name") or resource) if target is not None else resource
    return result


def _data(
    element: Element, found: list[Element], by_id: Mapping[str, Element], resolve: Resolve
) -> dict[str, dict[str, str]]:
    """Return `inputs` and `outputs`: the parameter's name to the constant, expression or data element it is joined to."""
    result: dict[str, dict[str, str]] = {}
    holders = [item for item in found if local_name(item) == "ioSpecification"] or [element]
    for holder in holders:
        for item in holder:
            kind = {"dataInput": "inputs", "dataOutput": "outputs"}.get(local_name(item))
            if kind is not None and (item.get("name") or item.get("id")):
                result.setdefault(kind, {}).setdefault(str(item.get("name") or item.get("id")), "")
    for item in found:
        if local_name(item) == "dataInputAssociation":
            name = _data_name(resolve(text_of(child(item, "targetRef"))), by_id)
            result.setdefault("inputs", {})[name] = _assigned(item, "sourceRef", "from", by_id, resolve)
        elif local_name(item) == "dataOutputAssociation":
            name = _data_name(resolve(text_of(child(item, "sourceRef"))), by_id)
            result.setdefault("outputs", {})[name] = _assigned(item, "targetRef", "to", by_id, resolve)
    return {kind: {name: value for name, value in names.items() if name} for kind, names in result.items()}


def _assigned(element: Element, end: str, side: str, by_id: Mapping[str, Element], resolve: Resolve) -> str:
    """Return what a data association gives: its transformation, its assignment's side, or the data at its other end."""
    transformation = text_of(child(element, "transformation"))
    assignment = child(element, "assignment")
    written = text_of(child(assignment, side)) if assignment is not None else ""
    return transformation or written or _data_name(resolve(text_of(child(element, end))), by_id)


def _data_name(identifier: str, by_id: Mapping[str, Element]) -> str:
    target = by_id.get(identifier)
    return identifier if target is None else str(target.get("name") or identifier)


def called_element(element: Element, extensions: dict[str, Any]) -> str | None:
    """Return what a call activity calls; Zeebe names it in an extension."""
    if element.get("calledElement"):
        return str(element.get("calledElement"))
    for name in ("zeebe:calledElement", "zeebe:calledDecision"):
        called = extensions.get(name)
        if isinstance(called, dict):
            return called.get("processId") or called.get("decisionId")
    return None


def multiplicity(participant: Element) -> dict[str, Any]:
    """Return how many of a participant there are, where the file says it."""
    found = child(participant, "participantMultiplicity")
    return {} if found is None else {"multiplicity": {name: str(value) for name, value in found.items()}}
