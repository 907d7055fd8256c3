"""What an element carries beside control flow: extension attributes and elements, and BPMN details tests may need."""

from __future__ import annotations

from typing import Any

from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.vocabulary import EXTENSION_PREFIXES

MAX_DEPTH = 24
MAX_NAMESPACES = 100
"""Whose prefixes are looked up: each look goes through all declarations around an element."""

# BPMN attributes kept under their own name beside the extensions.
_KEPT_ATTRIBUTES = frozenset(
    {
        "implementation",
        "messageRef",
        "scriptFormat",
        "instantiate",
        "eventGatewayType",
        "gatewayDirection",
        "isInterrupting",
        "ordering",
        "method",
        "parallelMultiple",
        "startQuantity",
        "completionQuantity",
    }
)
_DEFAULT_VALUES = {"startQuantity": "1", "completionQuantity": "1", "gatewayDirection": "Unspecified"}


class ExtensionReader:
    """Reads extensions; each namespace gets one short prefix, whatever the file calls it."""

    def __init__(self, model_namespace: str) -> None:
        self._model = "{" + model_namespace + "}"
        self._prefixes: dict[str, str] = {}

    def read(self, element: Element) -> dict[str, Any]:
        """Return extension attributes and elements by `prefix:name`, and kept BPMN details by their own name."""
        result: dict[str, Any] = {}
        for name, value in element.items():
            if name[0] == "{":
                result[self._name(name, element)] = value
            elif name in _KEPT_ATTRIBUTES and _DEFAULT_VALUES.get(name) != value:
                result[name] = value
            elif name == "isForCompensation" and value in ("true", "1"):
                result[name] = True
        for child in element:
            if child.tag == self._model + "extensionElements":
                for item in child:
                    if isinstance(item.tag, str):
                        _put(result, self._name(item.tag, item), self._value(item, 0))
            elif child.tag == self._model + "documentation" and child.text and child.text.strip():
                result["documentation"] = "\n".join(filter(None, (result.get("documentation"), child.text.strip())))
            elif child.tag == self._model + "script" and child.text:
                result["script"] = child.text
        return result

    def _value(self, element: Element, depth: int) -> Any:
        """Return an extension element as plain data: text alone as a string, `key`/`value` lists as one mapping."""
        text = (element.text or "").strip()
        if depth >= MAX_DEPTH:
            return text
        children = [child for child in element if isinstance(child.tag, str)]
        pairs = _as_pairs(children)
        if pairs is not None and not element.attrib:
            return pairs
        if not children and not element.attrib:
            return text
        result: dict[str, Any] = {_local(name): value for name, value in element.items()}
        for child in children:
            _put(result, _local(child.tag), self._value(child, depth + 1))
        if text:
            result["text"] = text
        return result

    def _name(self, tag: str, element: Element) -> str:
        if tag[0] != "{":
            return f"none:{tag}"
        namespace, local = tag[1:].split("}", 1)
        if namespace in EXTENSION_PREFIXES:
            return f"{EXTENSION_PREFIXES[namespace]}:{local}"
        if namespace not in self._prefixes and len(self._prefixes) < MAX_NAMESPACES:
            prefix = next((name for name, uri in element.nsmap.items() if uri == namespace and name), None)
            self._prefixes[namespace] = prefix or namespace
        return f"{self._prefixes.get(namespace, namespace)}:{local}"


def _as_pairs(children: list[Element]) -> dict[str, str] | None:
    """Return Zeebe headers (`key`, `value`) and Camunda properties (`name`, `value`) as one mapping."""
    if not children:
        return None
    result: dict[str, str] = {}
    for child in children:
        key = child.get("key") if "key" in child.attrib else child.get("name")
        if key is None or "value" not in child.attrib or len(child.attrib) != 2 or len(child) or key in result:
            return None
        result[key] = child.get("value")
    return result


def _put(result: dict[str, Any], name: str, value: Any) -> None:
    """Keep a repeated element as a list, in order."""
    if name not in result:
        result[name] = value
    elif isinstance(result[name], list):
        result[name].append(value)
    else:
        result[name] = [result[name], value]


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]
