"""Reading what a reference points to straight from the scope, and saying what is missing when it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.errors import ExpressionError, nearest_hint
from orchestra_kit.expressions.references import Step, render_reference
from orchestra_kit.expressions.values import kind_of

_SPELLINGS = {"step": "steps"}


class Absent(ExpressionError):
    """A reference leads to nothing."""


def resolve(scope: Mapping[str, Any], root: str, path: tuple[Step, ...], text: str = "") -> Any:
    """Return what a reference points to; raise Absent naming the first part that is missing and the nearest name."""
    if root not in scope:
        spelling = _SPELLINGS.get(root, root)
        if spelling not in scope:
            where = f" in `{text}`" if text else ""
            raise Absent(f"unknown name '{root}'{where}.", hint=nearest_hint(root, map(str, scope)))
        value = scope[spelling]
    else:
        value = scope[root]
    for depth, part in enumerate(path):
        if isinstance(value, Mapping):
            # A whole number as a key would be another field than its text: maps of JSON have names only.
            if type(part) is not str or part not in value:
                raise _missing(root, path[:depth], part, value)
            value = value[part]
        elif type(part) is int and isinstance(value, (list, tuple)) and 0 <= part < len(value):
            value = value[part]
        else:
            raise _missing(root, path[:depth], part, value)
    return value


def is_there(scope: Mapping[str, Any], root: str, path: tuple[Step, ...], text: str = "") -> bool:
    """Return what `has(...)` says: whether the last part is there; raise Absent when an earlier one is not."""
    owner, name = resolve(scope, root, path[:-1], text), path[-1]
    if not isinstance(owner, Mapping):
        raise _missing(root, path[:-1], name, owner)
    return name in owner


def _missing(root: str, before: tuple[Step, ...], part: Step, value: Any) -> Absent:
    owner = render_reference(root, before)
    if isinstance(value, Mapping):
        what = "step" if root in ("steps", "step") and not before else "field"
        return Absent(f"unknown {what} '{part}' of {owner}.", hint=nearest_hint(str(part), map(str, value)))
    if isinstance(value, (list, tuple)) and isinstance(part, int):
        count = f"{len(value)} element{'' if len(value) == 1 else 's'}"
        return Absent(f"{owner} has {count}; there is no [{part}].")
    return Absent(f"{owner} is {kind_of(value)}; it has no '{part}'.")
