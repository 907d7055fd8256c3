"""Which elements write which process variables, as far as the model says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.conditions import Dialect, Guard, read_as
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType

_VENDORS = ("camunda", "activiti", "flowable")
_SET_VARIABLE = re.compile(r"setVariable(?:Local)?\(\s*[\"']([^\"']+)[\"']\s*,\s*(.{1,300}?)\)\s*(?:;|$)", re.MULTILINE)
OPEN_TYPES = frozenset(
    {
        NodeType.USER_TASK,
        NodeType.MANUAL_TASK,
        NodeType.RECEIVE_TASK,
        NodeType.CALL_ACTIVITY,
        NodeType.INTERMEDIATE_CATCH_EVENT,
    }
)
"""Elements that bring in values from outside; one whose outputs are not declared may write any variable."""
_FORM_TYPES = (NodeType.START_EVENT, NodeType.USER_TASK)


class WriteKind(StrEnum):
    """How a variable gets its value."""

    FORM = "form"
    MAPPING = "mapping"
    SCRIPT = "script"
    RESULT = "result"
    RESPONSE = "response"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One variable an element writes; `value` is the expression it computes it by, where that has been read."""

    variable: str
    node_id: str
    kind: WriteKind
    value: Guard | None = None
    candidates: tuple[Any, ...] = ()
    required: bool = False

    @property
    def said(self) -> str:
        """How it is written, in words."""
        words = {
            WriteKind.FORM: "form field of",
            WriteKind.MAPPING: "output mapping of",
            WriteKind.SCRIPT: "script of",
            WriteKind.RESULT: "result of",
            WriteKind.RESPONSE: "answer to",
            WriteKind.OPEN: "possibly written by",
        }
        return f"{words[self.kind]} '{self.node_id}'"


def writes_of(graph: ControlFlowGraph, responses: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[Write, ...]]:
    """Return what each element writes; `responses` are the fields of the answers of bound operations."""
    result: dict[str, tuple[Write, ...]] = {}
    for node in graph.nodes:
        found = {write.variable: write for write in _writes(node)}
        for name in responses.get(node.id, ()):
            found.setdefault(name, Write(variable=name, node_id=node.id, kind=WriteKind.RESPONSE))
        if found:
            result[node.id] = tuple(found.values())
    return result


def _writes(node: FlowNode) -> Iterator[Write]:
    yield from _results(node)
    yield from _scripts(node)
    yield from _mappings(node)
    if node.type in _FORM_TYPES:
        yield from _form_fields(node)


def _items(value: Any) -> list[Mapping[str, Any]]:
    """Return an extension element that may stand once or several times as a list of its attributes."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, Mapping)]


def _form_fields(node: FlowNode) -> Iterator[Write]:
    for vendor in _VENDORS:
        form = node.extensions.get(f"{vendor}:formData")
        fields = _items(form.get("formField")) if isinstance(form, Mapping) else []
        fields += _items(node.extensions.get(f"{vendor}:formProperty"))
        for item in fields:
            if item.get("id"):
                yield Write(
                    variable=str(item["id"]),
                    node_id=node.id,
                    kind=WriteKind.FORM,
                    candidates=_form_candidates(item),
                    required=_is_required(item),
                )


def _form_candidates(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values a form offers: its default, then those of its list."""
    found: list[Any] = [item[name] for name in ("defaultValue", "default") if item.get(name) not in (None, "")]
    found += [value["id"] for value in _items(item.get("value")) if value.get("id")]
    if item.get("type") in ("long", "integer", "double"):
        found = [int(value) for value in found if str(value).lstrip("-").isdigit()]
    elif item.get("type") == "boolean":
        found = [str(value).lower() == "true" for value in found]
    return tuple(found)


def _is_required(item: Mapping[str, Any]) -> bool:
    if item.get("required") == "true":
        return True
    validation = item.get("validation")
    constraints = _items(validation.get("constraint")) if isinstance(validation, Mapping) else []
    return any(constraint.get("name") == "required" for constraint in constraints)


def _mappings(node: FlowNode) -> Iterator[Write]:
    zeebe = node.extensions.get("zeebe:ioMapping")
    for item in _items(zeebe.get("output")) if isinstance(zeebe, Mapping) else []:
        target = str(item.get("target") or "").split(".")[0]
        if target:
            whole = target == item.get("target")
            value = _read(str(item.get("source") or ""), Dialect.FEEL) if whole else None
            yield Write(variable=target, node_id=node.id, kind=WriteKind.MAPPING, value=value)
    for vendor in _VENDORS:
        io = node.extensions.get(f"{vendor}:inputOutput")
        for item in _items(io.get("outputParameter")) if isinstance(io, Mapping) else []:
            if item.get("name"):
                text = item.get("text")
                value = _read(text, Dialect.JUEL) if isinstance(text, str) else None
                yield Write(variable=str(item["name"]), node_id=node.id, kind=WriteKind.MAPPING, value=value)
        for item in _items(node.extensions.get(f"{vendor}:out")):
            if item.get("target"):
                yield Write(variable=str(item["target"]), node_id=node.id, kind=WriteKind.MAPPING)


def _results(node: FlowNode) -> Iterator[Write]:
    for vendor in _VENDORS:
        for name in ("resultVariable", "resultVariableName"):
            variable = node.extensions.get(f"{vendor}:{name}")
            if isinstance(variable, str) and variable.isidentifier():
                text = node.extensions.get(f"{vendor}:expression") or node.extensions.get("script")
                dialect = Dialect.JUEL if f"{vendor}:expression" in node.extensions else Dialect.SCRIPT
                value = _read(text, dialect) if isinstance(text, str) else None
                yield Write(variable=variable, node_id=node.id, kind=WriteKind.RESULT, value=value)
    for name in ("zeebe:calledDecision", "zeebe:script"):
        item = node.extensions.get(name)
        if isinstance(item, Mapping) and item.get("resultVariable"):
            text = str(item.get("expression") or "")
            kind = WriteKind.SCRIPT if name == "zeebe:script" else WriteKind.RESULT
            value = _read(text, Dialect.FEEL) if text else None
            yield Write(variable=str(item["resultVariable"]), node_id=node.id, kind=kind, value=value)


def _scripts(node: FlowNode) -> Iterator[Write]:
    script = node.extensions.get("script")
    if isinstance(script, str):
        for name, text in _SET_VARIABLE.findall(script[:20_000]):
            yield Write(variable=name, node_id=node.id, kind=WriteKind.SCRIPT, value=_read(text, Dialect.SCRIPT))


def _read(text: str, dialect: Dialect) -> Guard | None:
    """Return an expression, or None for one that is not read: then the value counts as observed."""
    stripped = text.strip()
    if dialect is Dialect.FEEL and not stripped.startswith("="):
        return None
    if dialect is Dialect.JUEL and not stripped.startswith(("${", "#{")):
        return None
    try:
        return Guard(text=text, dialect=dialect, tree=read_as(text, dialect))
    except (ExpressionError, RecursionError):
        return None
