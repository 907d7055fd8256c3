"""Finding wrong references and senseless comparisons before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.evaluation import Expression, parse_expression
from orchestra_kit.expressions.inference import infer_problems
from orchestra_kit.expressions.shapes import Shape
from orchestra_kit.expressions.template import Hole, parse_template, texts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reference that leads nowhere, or one use of a value that cannot work."""

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
    found = [Problem(message=message, hint=hint) for message, hint in infer_problems(expression.tree, shapes)]
    return [replace(problem, field=field, place=place) for problem in dict.fromkeys(found)]
