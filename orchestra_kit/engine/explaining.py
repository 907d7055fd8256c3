"""Why a rule does not hold: the part that is false, both sides of its comparison, and the values it refers to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.errors import ExpressionError, nearest_hint
from orchestra_kit.expressions import Expression, Reference, parse_expression, render_reference
from orchestra_kit.expressions.ast import Binary, Node

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LONGEST_SHOWN = 2_000
_LONGEST_IN_SENTENCE = 120

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is false in a rule. `expected` is written with its operator where that is not equality."""

    failed: str
    sentence: str
    values: dict[str, Any] = field(default_factory=dict)
    comparison: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPart:
    """The first part of a reference that is not there."""

    path: str
    owner: str
    hint: str | None
    root: str


def explain_false(expression: Expression, scope: Scope) -> Explanation:
    """Return what is false in an expression that is false."""
    node = _false_part(expression, expression.tree, scope)
    failed = _text_of(expression, node)
    values = {str(item): shortened(value) for item, value in _values_in(failed, scope)}
    comparison = _compare(expression, node, scope)
    if comparison:
        sentence = f"{comparison['of']} is {in_words(comparison['got'])}, expected {_expectation_words(comparison)}"
    elif values:
        sentence = "; ".join(f"{name} is {in_words(value)}" for name, value in list(values.items())[:4])
    else:
        sentence = "it does not hold"
    return Explanation(failed=failed, sentence=sentence, values=values, comparison=comparison)


def find_missing(expression: Expression, scope: Scope) -> MissingPart | None:
    """Return the first part that is not there of what an expression refers to, None when all is there."""
    for reference in expression.references:
        missing = None if reference.tested else _missing_of(reference, scope)
        if missing is not None:
            return missing
    return None


def values_of(expression: Expression, scope: Scope) -> dict[str, Any]:
    """Return what an expression refers to, as far as it is there, shortened for people."""
    return {str(item): shortened(value) for item, value in _values_in(expression.text, scope)}


def in_words(value: Any) -> str:
    """Return a value as it stands in a sentence."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_IN_SENTENCE else f"{text[:_LONGEST_IN_SENTENCE]}… ({len(text)} characters)"


def shortened(value: Any) -> Any:
    """Return a value, or the beginning of its text when it is long."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return value if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text)} characters)"


def _false_part(expression: Expression, node: Node, scope: Scope) -> Node:
    """Return the first part of a conjunction that is false, else the whole."""
    while isinstance(node, Binary) and node.operator == "&&":
        node = node.left if _value(_text_of(expression, node.left), scope) is False else node.right
    return node


def _compare(expression: Expression, node: Node, scope: Scope) -> dict[str, Any]:
    if not isinstance(node, Binary) or node.operator not in _COMPARISONS:
        return {}
    left, right, operator = _text_of(expression, node.left), _text_of(expression, node.right), node.operator
    if not _looks_at_response(left) and _looks_at_response(right):
        left, right, operator = right, left, _MIRRORED[operator]
    got, expected = _value(left, scope), _value(right, scope)
    return {"of": left, "operator": operator, "expected": shortened(expected), "got": shortened(got)}


def _expectation_words(comparison: Mapping[str, Any]) -> str:
    words = in_words(comparison["expected"])
    operator = comparison["operator"]
    if operator == "==":
        return words
    return f"anything but {words}" if operator == "!=" else f"{operator} {words}"


def _looks_at_response(text: str) -> bool:
    return any(item.root == "response" for item in parse_expression(text).references)


def _text_of(expression: Expression, node: Node) -> str:
    return expression.text[node.span.start : node.span.end]


def _value(text: str, scope: Scope) -> Any:
    try:
        return parse_expression(text).evaluate(scope)
    except ExpressionError:
        return None


def _values_in(text: str, scope: Scope) -> list[tuple[Reference, Any]]:
    found: list[tuple[Reference, Any]] = []
    for reference in parse_expression(text).references:
        if reference.path and _missing_of(reference, scope) is None:
            value = _value(render_reference(reference.root, reference.path), scope)
            found.append((reference, value))
    return found


def _missing_of(reference: Reference, scope: Scope) -> MissingPart | None:
    root = "steps" if reference.root == "step" else reference.root
    if root not in scope:
        return MissingPart(path=reference.root, owner="", hint=nearest_hint(reference.root, scope), root=root)
    value = scope[root]
    for depth, part in enumerate(reference.path):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            return MissingPart(
                path=render_reference(root, reference.path[: depth + 1]),
                owner=_owner_words(render_reference(root, reference.path[:depth]), value),
                hint=nearest_hint(str(part), map(str, value)) if isinstance(value, Mapping) else None,
                root=root,
            )
    return None


def _owner_words(owner: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{owner} has no such field"
    if isinstance(value, list | tuple):
        return f"{owner} has {len(value)} elements"
    return f"{owner} is {in_words(value)}"
