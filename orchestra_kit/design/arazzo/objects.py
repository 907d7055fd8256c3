"""Workflows, steps, parameters, bodies, criteria and actions of a document, read as far as they make sense."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeGuard, TypeVar

from orchestra_kit.design.arazzo.document import (
    Action,
    Criterion,
    Parameter,
    Replacement,
    RequestBody,
    Step,
    Workflow,
)
from orchestra_kit.design.documents import FieldPath
from orchestra_kit.errors import nearest_hint

Note = Callable[[str, FieldPath, str], None]
ItemT = TypeVar("ItemT")

MAX_ITEMS = 5_000
_REFERENCE = re.compile(r"\{?\$components\.(?P<kind>[A-Za-z]+)\.(?P<name>[^{}#]+)\}?\Z")
_POINTER = re.compile(r"#/components/(?P<kind>[A-Za-z]+)/(?P<name>[^/]+)\Z")
_CRITERION_KINDS = ("simple", "regex", "jsonpath", "xpath")
_LOCATIONS = ("path", "query", "querystring", "header", "cookie")
_TARGETS = ("operationId", "operationPath", "channelPath", "workflowId")
_FIELDS: dict[str, frozenset[str]] = {
    "workflow": frozenset(
        {"workflowId", "summary", "description", "inputs", "dependsOn", "steps", "successActions"}
        | {"failureActions", "outputs", "parameters"}
    ),
    "step": frozenset(
        {"stepId", "description", *_TARGETS, "parameters", "requestBody", "successCriteria", "onSuccess", "onFailure"}
        | {"outputs", "timeout", "correlationId", "action", "dependsOn"}
    ),
    "parameter": frozenset({"name", "in", "value"}),
    "request body": frozenset({"contentType", "payload", "replacements"}),
    "replacement": frozenset({"target", "value", "targetSelectorType"}),
    "criterion": frozenset({"condition", "context", "type", "version"}),
    "action": frozenset({"name", "type", "workflowId", "stepId", "retryAfter", "retryLimit", "criteria", "parameters"}),
}


class ObjectReader:
    """Reads the objects of one document; `note` is told what is wrong."""

    def __init__(self, components: Mapping[str, Any], note: Note) -> None:
        self.components, self._note = components, note

    def workflow(self, node: Any, path: FieldPath) -> Workflow | None:
        """Return a workflow, None for what is no object."""
        if not self._object(node, path, "workflow"):
            return None
        inputs = node.get("inputs")
        if inputs is not None and not isinstance(inputs, Mapping):
            self._note("WRONG_TYPE", (*path, "inputs"), "'inputs' must be a JSON Schema object.")
            inputs = None
        steps = self._steps(node, path)
        if not steps:
            self._note("NO_STEPS", path, "the workflow has no step.")
        return Workflow(
            workflow_id=self._identity(node, "workflowId", path, f"workflow_{path[-1]}"),
            summary=self._text(node, "summary", path) or "",
            description=self._text(node, "description", path) or "",
            inputs=inputs or {},
            depends_on=self._names(node, "dependsOn", path),
            steps=steps,
            parameters=tuple(self._each(node, "parameters", path, self._parameter)),
            success_actions=tuple(self._each(node, "successActions", path, self._action)),
            failure_actions=tuple(self._each(node, "failureActions", path, self._action)),
            outputs=self._outputs(node, path),
            path=path,
            raw=node,
        )

    def _steps(self, node: Mapping[str, Any], path: FieldPath) -> tuple[Step, ...]:
        found: dict[str, Step] = {}
        for step in self._each(node, "steps", path, self._step):
            if step.step_id in found:
                self._note("STEP_DOUBLED", (*step.path, "stepId"), f"the stepId '{step.step_id}' stands here twice.")
                step = replace(step, step_id=next_free(step.step_id, found))
            found[step.step_id] = step
        return tuple(found.values())

    def _step(self, node: Any, path: FieldPath) -> Step | None:
        if not self._object(node, path, "step"):
            return None
        named = [name for name in _TARGETS if node.get(name) is not None]
        if not named and "x-operation" not in node:
            message = "the step names no operation: one of operationId, operationPath, channelPath, workflowId."
            self._note("NO_TARGET", path, message)
        elif len(named) > 1:
            self._note("SEVERAL_TARGETS", path, f"the step names {' and '.join(named)}; only one is allowed.")
        timeout = node.get("timeout")
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0):
            self._note("WRONG_TYPE", (*path, "timeout"), "'timeout' must be a number of milliseconds.")
            timeout = None
        body = node.get("requestBody")
        return Step(
            step_id=self._identity(node, "stepId", path, f"step_{path[-1]}"),
            description=self._text(node, "description", path) or "",
            operation_id=self._text(node, "operationId", path),
            operation_path=self._text(node, "operationPath", path),
            channel_path=self._text(node, "channelPath", path),
            workflow_id=self._text(node, "workflowId", path),
            parameters=tuple(self._each(node, "parameters", path, self._parameter)),
            request_body=None if body is None else self._body(body, (*path, "requestBody")),
            criteria=tuple(self._each(node, "successCriteria", path, self.criterion)),
            on_success=tuple(self._each(node, "onSuccess", path, self._action)),
            on_failure=tuple(self._each(node, "onFailure", path, self._action)),
            outputs=self._outputs(node, path),
            depends_on=self._names(node, "dependsOn", path),
            timeout=None if timeout is None else int(min(timeout, 10**12)),
            correlation_id=node.get("correlationId"),
            action=self._choice(node, "action", path, ("send", "receive")),
            path=path,
            raw=node,
        )

    def _parameter(self, written: Any, path: FieldPath) -> Parameter | None:
        node = written
        if isinstance(written, Mapping) and ("reference" in written or "$ref" in written):
            found = self._component(written, "parameters", path)
            if found is None:
                return None
            node = {**found, **({"value": written["value"]} if "value" in written else {})}
        if not self._object(node, path, "parameter"):
            return None
        name = node.get("name")
        if not isinstance(name, str):
            self._note("FIELD_MISSING", path, "the parameter has no name.")
            return None
        if "value" not in node:
            self._note("FIELD_MISSING", path, f"the parameter '{name}' has no value.")
            return None
        location = node.get("in")
        if location is not None:
            known = str(location).lower() == "body"  # of older tools; what becomes of it is said where it is sent
            location = None if known else self._choice(node, "in", path, _LOCATIONS)
            location = location or str(node["in"]).lower()
        return Parameter(name=name, location=location, value=node["value"], path=path)

    def _body(self, node: Any, path: FieldPath) -> RequestBody | None:
        if not isinstance(node, Mapping):
            self._note(
                "WRONG_TYPE", path, "'requestBody' must be an object with a payload; it is taken as the payload."
            )
            return RequestBody(content_type=None, payload=node, replacements=(), path=path)
        if not {"payload", "contentType", "replacements"} & set(node):
            self._note("FIELD_MISSING", path, "'requestBody' has no payload; it is taken as the payload itself.")
            return RequestBody(content_type=None, payload=dict(node), replacements=(), path=path)
        self._object(node, path, "request body")
        return RequestBody(
            content_type=self._text(node, "contentType", path),
            payload=node.get("payload"),
            replacements=tuple(self._each(node, "replacements", path, self._replacement)),
            path=path,
        )

    def _replacement(self, node: Any, path: FieldPath) -> Replacement | None:
        if not self._object(node, path, "replacement"):
            return None
        target = self._text(node, "target", path)
        if target is None or "value" not in node:
            self._note("FIELD_MISSING", path, "a replacement needs a target and a value.")
            return None
        kind = node.get("targetSelectorType")
        if isinstance(kind, Mapping):
            kind = kind.get("type")
        return Replacement(
            target=target, value=node["value"], selector=kind if isinstance(kind, str) else None, path=path
        )

    def criterion(self, node: Any, path: FieldPath) -> Criterion | None:
        """Return a criterion; a plain text is taken as a simple condition."""
        if isinstance(node, str):
            self._note("WRONG_TYPE", path, "a criterion must be an object with a condition.")
            node = {"condition": node}
        if not self._object(node, path, "criterion"):
            return None
        condition = node.get("condition")
        if isinstance(condition, (bool, int, float)):
            self._note("WRONG_TYPE", (*path, "condition"), "the condition must be a text.")
            condition = str(condition).lower()
        if not isinstance(condition, str):
            self._note("FIELD_MISSING", path, "the criterion has no condition.")
            return None
        typed, version = node.get("type"), node.get("version")
        kind = typed
        if isinstance(typed, Mapping):
            kind, version = typed.get("type"), typed.get("version")
        context = self._text(node, "context", path)
        if kind is not None and str(kind).lower() not in _CRITERION_KINDS:
            hint = nearest_hint(str(kind), _CRITERION_KINDS)
            self._note("UNKNOWN_VALUE", (*path, "type"), f"unknown condition type '{kind}'. {hint or ''}".strip())
        plain = "simple" if kind is None else str(kind).lower()
        if plain != "simple" and context is None:
            self._note("FIELD_MISSING", path, f"a {plain} condition needs a context.")
        return Criterion(
            condition=condition,
            kind=plain,
            version=None if version is None else str(version),
            context=context,
            path=path,
            extension=node.get("x-orchestra-rule"),
        )

    def _action(self, node: Any, path: FieldPath) -> Action | None:
        if isinstance(node, Mapping) and ("reference" in node or "$ref" in node):
            kind = "failureActions" if "onFailure" in path or "failureActions" in path else "successActions"
            node = self._component(node, kind, path)
            if node is None:
                return None
        if not self._object(node, path, "action"):
            return None
        chosen = self._choice(node, "type", path, ("end", "goto", "retry"))
        if chosen is None:
            self._note("FIELD_MISSING", path, "the action has no type.")
            return None
        return Action(
            name=str(node.get("name") or f"action_{path[-1]}"),
            kind=chosen,
            workflow_id=self._text(node, "workflowId", path),
            step_id=self._text(node, "stepId", path),
            retry_after=self._number(node, "retryAfter", path),
            retry_limit=_whole(self._number(node, "retryLimit", path)),
            criteria=tuple(self._each(node, "criteria", path, self.criterion)),
            path=path,
        )

    def _component(self, node: Mapping[str, Any], wanted: str, path: FieldPath) -> Mapping[str, Any] | None:
        """Return what a reusable object refers to."""
        reference = node.get("reference", node.get("$ref"))
        match = None
        if isinstance(reference, str):
            match = _REFERENCE.match(reference.strip()) or _POINTER.match(reference.strip())
        if match is None:
            self._note("WRONG_REFERENCE", path, f"'{str(reference)[:120]}' is no reference to a component.")
            return None
        if match["kind"] != wanted:
            message = f"'{str(reference)[:120]}' is a reference to {match['kind']}, expected {wanted}."
            self._note("WRONG_REFERENCE", path, message)
        kept = self.components.get(match["kind"])
        found = kept.get(match["name"]) if isinstance(kept, Mapping) else None
        if not isinstance(found, Mapping):
            hint = nearest_hint(match["name"], kept if isinstance(kept, Mapping) else ())
            message = f"there is no component '{match['name'][:80]}' in {match['kind']}.{' ' + hint if hint else ''}"
            self._note("UNKNOWN_COMPONENT", path, message)
            return None
        return found

    def _object(self, node: Any, path: FieldPath, what: str) -> TypeGuard[Mapping[str, Any]]:
        if not isinstance(node, Mapping):
            self._note("WRONG_TYPE", path, f"a {what} must be an object.")
            return False
        known = _FIELDS[what]
        for name in node:
            if name not in known and not name.startswith("x-"):
                hint = nearest_hint(name, known)
                message = f"unknown field '{name[:80]}' of a {what}.{' ' + hint if hint else ''}"
                self._note("UNKNOWN_FIELD", (*path, name), message)
        return True

    def _each(
        self, node: Mapping[str, Any], name: str, path: FieldPath, read: Callable[[Any, FieldPath], ItemT | None]
    ) -> Iterator[ItemT]:
        """Yield what can be read of the items of a list."""
        items, spot = node.get(name), (*path, name)
        if items is None:
            return
        if isinstance(items, Mapping) or not isinstance(items, list):
            self._note("WRONG_TYPE", spot, f"'{name}' must be a list.")
            items = [items] if isinstance(items, Mapping) else []
        for number, item in enumerate(items[:MAX_ITEMS]):
            found = read(item, (*spot, number))
            if found is not None:
                yield found

    def _outputs(self, node: Mapping[str, Any], path: FieldPath) -> dict[str, Any]:
        outputs = node.get("outputs")
        if outputs is None:
            return {}
        if isinstance(outputs, Mapping):
            return dict(outputs)
        self._note("WRONG_TYPE", (*path, "outputs"), "'outputs' must be an object of names and expressions.")
        named = [item for item in outputs if isinstance(item, Mapping)] if isinstance(outputs, list) else []
        return {str(item["name"]): item["value"] for item in named if "name" in item and "value" in item}

    def _names(self, node: Mapping[str, Any], name: str, path: FieldPath) -> tuple[str, ...]:
        items = node.get(name)
        if items is None:
            return ()
        if isinstance(items, str):
            self._note("WRONG_TYPE", (*path, name), f"'{name}' must be a list.")
            items = [items]
        if not isinstance(items, list):
            self._note("WRONG_TYPE", (*path, name), f"'{name}' must be a list.")
            return ()
        return tuple(item for item in items if isinstance(item, str))

    def _identity(self, node: Mapping[str, Any], name: str, path: FieldPath, fallback: str) -> str:
        value = node.get(name)
        if isinstance(value, str) and value:
            return value
        if value is None or value == "" or isinstance(value, (Mapping, list)):
            self._note("FIELD_MISSING", path, f"the field '{name}' is missing.")
            return fallback
        self._note("WRONG_TYPE", (*path, name), f"'{name}' must be a text.")
        return str(value)

    def _text(self, node: Mapping[str, Any], name: str, path: FieldPath) -> str | None:
        value = node.get(name)
        if value is None or isinstance(value, str):
            return value
        self._note("WRONG_TYPE", (*path, name), f"'{name}' must be a text.")
        return None if isinstance(value, (Mapping, list)) else str(value)

    def _number(self, node: Mapping[str, Any], name: str, path: FieldPath) -> float | None:
        value = node.get(name)
        if value is None:
            return None
        try:
            number = float(value) if not isinstance(value, (bool, Mapping, list)) else -1.0
        except (ValueError, OverflowError):
            number = -1.0
        if not 0 <= number < 1e12:
            self._note("WRONG_TYPE", (*path, name), f"'{name}' must be a number that is not negative.")
            return None
        return number

    def _choice(self, node: Mapping[str, Any], name: str, path: FieldPath, choices: tuple[str, ...]) -> str | None:
        value = node.get(name)
        if value is None or value in choices:
            return value
        lowered = str(value).lower()
        hint = nearest_hint(str(value), choices)
        self._note("UNKNOWN_VALUE", (*path, name), f"unknown {name} '{str(value)[:60]}'. {hint or ''}".strip())
        return lowered if lowered in choices else None


def next_free(name: str, taken: Container[str]) -> str:
    """Return a name, numbered where it is taken."""
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
