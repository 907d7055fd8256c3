"""Inputs of a workflow: the schema with its references followed, and the values it gives by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestra_kit.design.arazzo.document import Workflow
from orchestra_kit.design.documents import FieldPath
from orchestra_kit.errors import nearest_hint

Note = Callable[[str, FieldPath, str], None]

_MAX_DEPTH = 12
_NOTHING = object()


def resolve_inputs(workflow: Workflow, components: Mapping[str, Any], note: Note) -> Workflow:
    """Return a workflow whose inputs hold the schemas their `$ref`s into `components.inputs` lead to."""
    schema = _followed(workflow.inputs, components, (*workflow.path, "inputs"), note, 0)
    return replace(workflow, inputs=schema)


def _followed(schema: Any, components: Mapping[str, Any], path: FieldPath, note: Note, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    if depth > _MAX_DEPTH:
        return dict(schema)
    result = dict(schema)
    reference = result.pop("$ref", None)
    if isinstance(reference, str):
        target = _target(reference, components)
        if target is None:
            known = components.get("inputs")
            hint = nearest_hint(reference.rsplit("/", 1)[-1], known if isinstance(known, Mapping) else ())
            message = f"the reference '{reference[:120]}' leads nowhere in this document.{' ' + hint if hint else ''}"
            note("UNKNOWN_REFERENCE", path, message)
        result = {**_followed(target, components, path, note, depth + 1), **result}
    properties: dict[str, Any] = {}
    parts = result.get("allOf")
    for part in parts if isinstance(parts, list) else []:
        found = _followed(part, components, path, note, depth + 1).get("properties")
        properties.update(found if isinstance(found, Mapping) else {})
    own = result.get("properties")
    for name, item in own.items() if isinstance(own, Mapping) else ():
        properties[name] = _followed(item, components, (*path, "properties", name), note, depth + 1)
    if properties:
        result["properties"] = properties
    return result


def _target(reference: str, components: Mapping[str, Any]) -> Any:
    parts = reference.removeprefix("#").strip("/").split("/")
    if parts[:1] != ["components"]:
        return None
    current: Any = components
    for part in parts[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        current = current.get(name) if isinstance(current, Mapping) else None
    return current if isinstance(current, Mapping) else None


def properties_of(workflow: Workflow) -> dict[str, Mapping[str, Any]]:
    """Return the inputs of a workflow by name; a list of names without a schema is taken for one."""
    properties = workflow.inputs.get("properties")
    if isinstance(properties, Mapping):
        return {name: item if isinstance(item, Mapping) else {} for name, item in properties.items()}
    if properties is None and workflow.inputs and "type" not in workflow.inputs:
        return {
            name: item
            for name, item in workflow.inputs.items()
            if isinstance(item, Mapping) and not name.startswith(("$", "x-"))
        }
    return {}


def value_given(schema: Mapping[str, Any]) -> tuple[bool, Any]:
    """Return whether a schema gives a value (default, const, example), and the value."""
    found = _given(schema, 0)
    return (False, None) if found is _NOTHING else (True, found)


def _given(schema: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return _NOTHING
    for name in ("default", "const", "example"):
        if name in schema:
            return schema[name]
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        return examples[0]
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return _NOTHING
    found = {name: _given(item, depth + 1) for name, item in properties.items()}
    required = schema.get("required")
    needed = [name for name in required if isinstance(name, str)] if isinstance(required, list) else list(found)
    if any(found.get(name, _NOTHING) is _NOTHING for name in needed):
        return _NOTHING
    given = {name: value for name, value in found.items() if value is not _NOTHING}
    return given or _NOTHING
