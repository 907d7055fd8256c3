"""Expressions ready to be evaluated: plain references are read directly, the `cel` package computes the rest."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.ast import Node
from orchestra_kit.expressions.lowering import Constant, Part, Reach, lower
from orchestra_kit.expressions.parser import parse
from orchestra_kit.expressions.references import Reference, references_of
from orchestra_kit.expressions.resolving import resolve
from orchestra_kit.expressions.running import Evaluation
from orchestra_kit.expressions.values import Size, json_of

_CACHE_SIZE = 4_096
_NOTHING_BOUND: Mapping[str, Any] = {}
_SCALARS = frozenset({str, int, bool, type(None)})


class Expression:
    """A parsed expression. Thread-safe; made ready once, when it is first evaluated."""

    __slots__ = ("_part", "place", "references", "text", "tree")

    def __init__(self, text: str, tree: Node, place: Place | None = None, part: Part | None = None) -> None:
        self.text, self.tree, self.place = text, tree, place
        self._part: Part | None = part
        self.references: tuple[Reference, ...] = tuple(references_of(tree))

    def at(self, place: Place) -> Expression:
        """Return the same expression as it stands at a place."""
        return Expression(self.text, self.tree, place, self.part)

    @property
    def part(self) -> Part:
        """What evaluates it."""
        if self._part is None:
            self._part = lower(self.tree)
        return self._part

    def evaluate(self, scope: Mapping[str, Any], *, place: Place | None = None) -> Any:
        """Return the value as JSON data that shares nothing with the scope.

        Raises ExpressionError naming what is missing and the nearest name, the types that do not fit, or the limit
        (time, size) that is reached.
        """
        part = self.part
        try:
            if isinstance(part, Reach):
                value = resolve(scope, part.root, part.path, self.text)
            elif isinstance(part, Constant):
                value = part.value
            else:
                value = Evaluation(scope, self.text).value(part, _NOTHING_BOUND)
            return value if type(value) in _SCALARS else json_of(value, Size())
        except ExpressionError as error:
            where = place or self.place
            raise ExpressionError(error.message, place=where, hint=error.hint) from None
        except RecursionError:
            raise ExpressionError(f"`{self.text}` is nested too deeply.", place=place or self.place) from None


def parse_expression(text: str, *, place: Place | None = None) -> Expression:
    """Return a CEL expression ready to be evaluated; raise ExpressionError with the column of what is wrong."""
    try:
        kept = _parsed(text)
    except ExpressionError as error:
        raise ExpressionError(error.message, place=place, hint=error.hint) from None
    return kept if place is None else kept.at(place)


@lru_cache(maxsize=_CACHE_SIZE)
def _parsed(text: str) -> Expression:
    return Expression(text, parse(text))
