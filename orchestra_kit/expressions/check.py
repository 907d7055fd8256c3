"""Finding wrong references and senseless comparisons before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestra_kit.errors import ExpressionError, Place, nearest_hint
from orchestra_kit.expressions.ast import Binary, Literal, Node, Unary, walk
from orchestra_kit.expressions.evaluation import Expression, parse_expression
from orchestra_kit.expressions.references import Reference, chain_of, render_reference
from orchestra_kit.expressions.shapes import Shape
from orchestra_kit.expressions.template import Hole, parse_template, texts_of

_ORDERED = frozenset({"<", "<=", ">", ">="})
_EQUAL = frozenset({"==", "!="})
_ARITHMETIC = frozenset({"-", "*", "/", "%"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reference that leads nowhere, or one comparison that cannot hold."""

    message: str
    field: str = ""
    hint: str | None = None
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.message}{' ' + self.hint if self.hint else ''}"


def check_references(
    value: Any, shapes: Mapping[str, Shape], *, place: Place | None = None, field: str = ""
) -> list[Problem]:
    """Return what is wrong with the references in the templates of JSON data."""
    problems: list[Problem] = []
    for where, text in texts_of(value, field):
        try:
            template = parse_template(text)
        except ExpressionError as error:
            problems.append(Problem(message=error.message, hint=error.hint, field=where, place=place))
            continue
        for part in template.parts:
            if isinstance(part, Hole):
                problems += _check(part.expression, shapes, where, place)
    return problems


def check_rule(text: str, shapes: Mapping[str, Shape], *, place: Place | None = None, field: str = "") -> list[Problem]:
    """Return what is wrong with an expression: its syntax, its references, its comparisons."""
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        return [Problem(message=error.message, hint=error.hint, field=field, place=place)]
    return _check(expression, shapes, field, place)


def _check(expression: Expression, shapes: Mapping[str, Shape], field: str, place: Place | None) -> list[Problem]:
    found = [
        problem for reference in expression.references if (problem := _check_reference(reference, shapes)) is not None
    ]
    found += _check_types(expression.tree, shapes)
    return [replace(problem, field=field, place=place) for problem in found]


def _check_reference(reference: Reference, shapes: Mapping[str, Shape]) -> Problem | None:
    root = "steps" if reference.root == "step" and "step" not in shapes else reference.root
    if root not in shapes:
        return Problem(message=f"unknown name '{reference.root}'.", hint=nearest_hint(reference.root, shapes))
    shape = shapes[root]
    for depth, part in enumerate(reference.path):
        child = shape.child(part)
        names = shape.names()
        last = depth == len(reference.path) - 1
        if child is None and reference.tested and last:
            return None
        if child is None or (not child.declared and _is_typo(part, names)):
            owner = render_reference(reference.root, reference.path[:depth])
            return _unknown(root, owner, part, depth, shape, names)
        shape = child.shape
    return None


def _unknown(root: str, owner: str, part: str | int, depth: int, shape: Shape, names: tuple[str, ...]) -> Problem:
    if isinstance(part, int):
        return Problem(message=f"{owner} is no list; it has no [{part}].")
    if not names:
        kinds = sorted(shape.types() or {"a plain value"})
        if kinds != ["object"]:
            return Problem(message=f"{owner} is {' or '.join(kinds)}; it has no field '{part}'.")
    what = "step before this one" if root == "steps" and depth == 0 else "field"
    return Problem(message=f"unknown {what} '{part}' of {owner}.", hint=nearest_hint(part, names))


def _is_typo(part: str | int, names: tuple[str, ...]) -> bool:
    """Return True when a name that an open object does not declare is nearly one that it does."""
    from difflib import get_close_matches

    if not isinstance(part, str) or len(part) < 3:
        return False
    lowered = [name.lower() for name in names]
    return part.lower() in lowered or bool(get_close_matches(part.lower(), lowered, n=1, cutoff=0.8))


def _check_types(tree: Node, shapes: Mapping[str, Shape]) -> Iterator[Problem]:
    for node in walk(tree):
        if isinstance(node, Binary) and node.operator in _ORDERED | _EQUAL | _ARITHMETIC:
            left, right = _types_of(node.left, shapes), _types_of(node.right, shapes)
            if left is None or right is None:
                continue
            if node.operator in _ARITHMETIC:
                wrong = [kinds for kinds in (left, right) if not kinds & {"number"}]
                if wrong and all(kinds & {"string", "boolean", "array", "object"} for kinds in wrong):
                    yield Problem(message=f"'{node.operator}' needs numbers, not {_words(wrong[0])}.")
            elif not left & right and not (node.operator in _EQUAL and ("null" in left | right)):
                yield Problem(message=f"{_words(left)} is compared with {_words(right)} by '{node.operator}'.")


def _types_of(node: Node, shapes: Mapping[str, Shape]) -> frozenset[str] | None:
    """Return the JSON types a literal or a plain reference may have; None for everything else."""
    if isinstance(node, Unary) and node.operator == "-":
        return frozenset({"number"})
    if isinstance(node, Literal):
        if node.value is None:
            return frozenset({"null"})
        if isinstance(node.value, bool):
            return frozenset({"boolean"})
        if isinstance(node.value, (int, float)):
            return frozenset({"number"})
        return frozenset({"string"}) if isinstance(node.value, str) else None
    chain = chain_of(node)
    if chain is None:
        return None
    root, path = chain
    shape = shapes.get("steps" if root == "step" else root)
    for part in path:
        child = shape.child(part) if shape is not None else None
        if child is None or not child.declared:
            return None
        shape = child.shape
    return shape.types() if shape is not None else None


def _words(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))
