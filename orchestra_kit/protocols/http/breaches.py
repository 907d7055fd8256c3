"""A schema error of jsonschema-rs in words for people: the one cause that matters, what was expected, what was got."""

from __future__ import annotations

import json
from typing import Any

_MAX_SHOWN = 200


def deepest_cause(error: Any) -> Any:
    """Return the error itself, or for `anyOf` and `oneOf` the error of the alternative that came nearest."""
    for _ in range(20):
        alternatives = _alternatives(error)
        if not alternatives:
            return error
        error = min(alternatives, key=_misfit)[0]
    return error


def _alternatives(error: Any) -> list[list[Any]]:
    if error.kind.name not in ("anyOf", "oneOf"):
        return []
    context = error.kind.as_dict().get("context") or []
    return [errors for errors in context if errors]


def _misfit(errors: list[Any]) -> tuple[int, int, int]:
    """Rank an alternative: one whose kind of value fits and that fails deeper inside and in fewer places is nearer."""
    first = errors[0]
    wrong_kind = any(
        (error.kind.name == "type" and len(error.instance_path) == len(first.instance_path))
        or (error.kind.name == "required" and error.kind.as_dict().get("property") == "$ref")
        for error in errors
    )
    return (int(wrong_kind), -max(len(error.instance_path) for error in errors), len(errors))


def describe_breach(error: Any) -> str:
    """Return one sentence on an error of jsonschema-rs, cut to a readable length."""
    facts = error.kind.as_dict()
    match error.kind.name:
        case "required":
            return f"required property '{facts.get('property')}' is missing"
        case "additionalProperties" | "unevaluatedProperties":
            names = ", ".join(f"'{name}'" for name in facts.get("unexpected", ()))
            return _cut(f"unexpected {'property' if ',' not in names else 'properties'} {names}")
        case "falseSchema":
            return "nothing is allowed here"
        case _:
            return _cut(error.message)


def expected_of(error: Any) -> Any:
    """Return what the failing keyword asks for, as JSON."""
    facts = error.kind.as_dict()
    for name in ("property", "types", "type", "limit", "options", "expected_value", "pattern", "format", "multiple_of"):
        if name in facts:
            return facts[name]
    return error.kind.name


def show(value: Any) -> Any:
    """Return a value short enough for a report: as it is, or the beginning of its JSON text."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return value if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
