"""One XML element to one value of the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.vocabulary import EVENT_DEFINITIONS
from orchestra_kit.model.process import Condition, Loop

_DETAILS = ("messageRef", "signalRef", "errorRef", "escalationRef", "activityRef", "operationRef")


def local_name(element: Element) -> str:
    """Return the tag without its namespace; '' for comments and the like."""
    tag = element.tag
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def text_of(element: Element | None) -> str:
    """Return all text below an element, stripped."""
    return "" if element is None else "".join(element.itertext()).strip()


def is_true(value: str | None, *, default: bool = False) -> bool:
    """Return an xsd:boolean."""
    if value is None:
        return default
    return value.strip().lower() in ("true", "1")


def to_int(text: str | None) -> int | None:
    """Return a plain decimal number, None for an expression."""
    text = (text or "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else None


def child(element: Element, name: str) -> Element | None:
    """Return the first child with that local name in the element's own namespace."""
    tag = element.tag
    prefix = tag[: tag.index("}") + 1] if tag[0] == "{" else ""
    return element.find(prefix + name)


def read_loop(element: Element) -> Loop | None:
    """Return the loop characteristics of an activity."""
    found = child(element, "multiInstanceLoopCharacteristics")
    if found is not None:
        cardinality = text_of(child(found, "loopCardinality"))
        return Loop(
            kind="sequential" if is_true(found.get("isSequential")) else "parallel",
            max_loop_iterations=to_int(cardinality),
            condition=text_of(child(found, "completionCondition")) or None,
        )
    found = child(element, "standardLoopCharacteristics")
    if found is None:
        return None
    return Loop(
        kind="standard",
        max_loop_iterations=to_int(found.get("loopMaximum")),
        condition=text_of(child(found, "loopCondition")) or None,
    )


def read_condition(element: Element, default_language: str | None) -> Condition | None:
    """Return the condition of a sequence flow, with the language it or the document names."""
    found = child(element, "conditionExpression")
    if found is None:
        return None
    text = text_of(found)
    if not text:
        resource = found.get("{http://camunda.org/schema/1.0/bpmn}resource")
        if not resource:
            return None
        text = resource
    return Condition(text=text, language=found.get("language") or default_language)


def read_event_definitions(
    element: Element, by_id: Mapping[str, Element]
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
            details.append(_details(definition, EVENT_DEFINITIONS[name], by_id))
    return tuple(kinds), details


def _details(definition: Element, kind: str, by_id: Mapping[str, Element]) -> dict[str, Any]:
    result: dict[str, Any] = {"type": kind}
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
    for name in ("timeDuration", "timeDate", "timeCycle", "condition"):
        text = text_of(child(definition, name))
        if text:
            result[name] = text
    return result
