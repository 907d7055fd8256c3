"""One XML element to one value of the graph."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.model.process import Condition, Loop

_LOOPS = ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics")
_COLLECTIONS = ("collection", "inputCollection")
_ELEMENTS = ("elementVariable", "inputElement", "inputVariable")


def local_name(element: Element) -> str:
    """Return the tag without its namespace; '' for comments and the like."""
    tag = element.tag
    return _bare(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=4096)
def _bare(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def text_of(element: Element | None) -> str:
    """Return all text below an element, stripped."""
    if element is None:
        return ""
    return "".join(element.itertext()).strip() if len(element) else (element.text or "").strip()


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
    """Return the loop characteristics of an activity, vendors' collections included."""
    found = next((item for item in element if local_name(item) in _LOOPS), None)
    if found is None:
        return None
    if local_name(found) == "multiInstanceLoopCharacteristics":
        cardinality = text_of(child(found, "loopCardinality"))
        item = child(found, "inputDataItem")
        return Loop(
            kind="sequential" if is_true(found.get("isSequential")) else "parallel",
            max_loop_iterations=to_int(cardinality),
            condition=text_of(child(found, "completionCondition")) or None,
            cardinality=cardinality or None,
            collection=_vendor_attribute(found, _COLLECTIONS) or text_of(child(found, "loopDataInputRef")) or None,
            element=_vendor_attribute(found, _ELEMENTS)
            or (None if item is None else item.get("name") or item.get("id")),
        )
    return Loop(
        kind="standard",
        max_loop_iterations=to_int(found.get("loopMaximum")),
        condition=text_of(child(found, "loopCondition")) or None,
        test_before=is_true(found.get("testBefore")),
    )


def _vendor_attribute(element: Element, names: tuple[str, ...]) -> str | None:
    """Return the first attribute of those local names on an element or inside its extension elements."""
    extensions = child(element, "extensionElements")
    for item in chain((element,), () if extensions is None else extensions.iter()):
        for name, value in item.items():
            if value and name.rsplit("}", 1)[-1] in names:
                return str(value)
    return None


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
