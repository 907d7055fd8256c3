"""The triggers of events: what kind they are, what they name, and what that name stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.design.bpmn.details import interface_of
from orchestra_kit.design.bpmn.elements import child, is_true, local_name, text_of
from orchestra_kit.design.bpmn.extensions import ExtensionReader
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.vocabulary import EVENT_DEFINITIONS

_DETAILS = ("messageRef", "signalRef", "errorRef", "escalationRef", "activityRef", "operationRef")


def read_event_definitions(
    element: Element, by_id: Mapping[str, Element], extensions: ExtensionReader
) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Return the triggers of an event as short words, and their details (names, codes, expressions) in the same order."""
    kinds: list[str] = []
    details: list[dict[str, Any]] = []
    for item in element:
        name = local_name(item)
        definition: Element | None = item
        if name == "eventDefinitionRef":
            definition = by_id.get(text_of(item).rsplit(":", 1)[-1])
            name = "" if definition is None else local_name(definition)
        if name in EVENT_DEFINITIONS and definition is not None:
            kinds.append(EVENT_DEFINITIONS[name])
            details.append(_details(definition, EVENT_DEFINITIONS[name], by_id, extensions))
    return tuple(kinds), details


def read_message(message: Element | None, extensions: ExtensionReader) -> dict[str, Any]:
    """Return what a message says for binding: `messageName`, Zeebe's `correlationKey`, and its other extensions."""
    if message is None or local_name(message) != "message":
        return {}
    result: dict[str, Any] = {"messageName": message.get("name")} if message.get("name") else {}
    found = extensions.read(message)
    subscription = found.get("zeebe:subscription")
    if isinstance(subscription, dict) and subscription.get("correlationKey"):
        result["correlationKey"] = subscription["correlationKey"]
    return result | ({"message": found} if found else {})


def _details(
    definition: Element, kind: str, by_id: Mapping[str, Element], extensions: ExtensionReader
) -> dict[str, Any]:
    result: dict[str, Any] = {"type": kind, **extensions.read(definition)}
    result.pop("documentation", None)
    if definition.get("name"):
        result["name"] = definition.get("name")
    for name in _DETAILS:
        reference = definition.get(name) or text_of(child(definition, name))
        if not reference:
            continue
        result[name] = reference
        target = by_id.get(reference) if reference in by_id else by_id.get(reference.rsplit(":", 1)[-1])
        if target is not None:
            for code in ("name", "errorCode", "escalationCode"):
                if target.get(code):
                    result[code] = target.get(code)
            result |= {name: value for name, value in read_message(target, extensions).items() if name != "messageName"}
            interface = interface_of(target)
            result |= {"interface": interface} if interface else {}
    for name in ("timeDuration", "timeDate", "timeCycle", "condition"):
        text = text_of(child(definition, name))
        if text:
            result[name] = text
    if kind == "compensate" and definition.get("waitForCompletion") is not None:
        result["waitForCompletion"] = is_true(definition.get("waitForCompletion"))
    return result
