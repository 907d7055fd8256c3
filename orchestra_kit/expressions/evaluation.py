"""Evaluation: our own tree checks and explains, the `cel` package computes, plain references are read directly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from orchestra_kit.errors import ExpressionError, Place, nearest_hint
from orchestra_kit.expressions.ast import Call, Node, children, walk
from orchestra_kit.expressions.parser import parse
from orchestra_kit.expressions.references import Reference, Step, chain_of, references_of, render_reference

MAX_MACRO_STEPS = 2_000_000
"""How many rounds the loops of one expression may take together: well under a second of the evaluator's time."""
MAX_MACRO_NESTING = 3
MAX_RESULT_TEXT = 1_000_000
_CACHE_SIZE = 4_096
_ALIASES = {"step": "steps"}


class Expression:
    """A parsed expression. Thread-safe; compiled once on first use."""

    __slots__ = ("_chain", "_loops", "_program", "place", "references", "text", "tree")

    def __init__(self, text: str, tree: Node, place: Place | None = None) -> None:
        self.text, self.tree, self.place = text, tree, place
        self._chain = chain_of(tree)
        self._program: Any = None
        self.references: tuple[Reference, ...] = tuple(references_of(tree))
        self._loops = _loop_nesting(tree)

    def evaluate(self, scope: Mapping[str, Any], *, place: Place | None = None) -> Any:
        """Return the value as JSON data.

        Raises ExpressionError naming the missing part and the nearest one, or why the evaluator refused.
        """
        where = place or self.place
        if self._chain is not None:
            return _follow(self._chain, scope, self.text, where)
        if self._loops:
            self._check_loops(scope, where)
        return self._run(scope, where)

    def _run(self, scope: Mapping[str, Any], place: Place | None) -> Any:
        if self._program is None:
            self._program = _compile(self.text, place)
        roots = {reference.root for reference in self.references}
        given = {root: _lookup_root(scope, root) for root in roots if _has_root(scope, root)}
        try:
            value = self._program.execute(given)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of the evaluator derives from BaseException
            raise self._explained(error, scope, place) from None
        return _as_json(value, self.text, place)

    def _explained(self, error: BaseException, scope: Mapping[str, Any], place: Place | None) -> ExpressionError:
        for reference in self.references:
            if not reference.tested:
                try:
                    _follow((reference.root, reference.path), scope, self.text, place)
                except ExpressionError as missing:
                    return missing
        message = str(error).strip("'\"").split("\n")[0].rstrip(".")
        return ExpressionError(f"`{self.text}` cannot be evaluated: {message}.", place=place)

    def _check_loops(self, scope: Mapping[str, Any], place: Place | None) -> None:
        if self._loops > MAX_MACRO_NESTING:
            raise ExpressionError(f"`{self.text}` nests more than {MAX_MACRO_NESTING} loops.", place=place)
        largest = 0
        for reference in self.references:
            try:
                value = _follow((reference.root, reference.path), scope, self.text, place)
            except ExpressionError:
                continue
            largest = max(largest, _largest_collection(value))
        largest = max(largest, len(self.text))
        if largest**self._loops > MAX_MACRO_STEPS:
            raise ExpressionError(
                f"`{self.text}` would loop up to {largest}^{self._loops} times; at most {MAX_MACRO_STEPS} are allowed.",
                place=place,
            )


def parse_expression(text: str, *, place: Place | None = None) -> Expression:
    """Return a CEL expression ready to be evaluated; raise ExpressionError with the column of what is wrong."""
    if place is None:
        return _parsed(text)
    try:
        kept = _parsed(text)
    except ExpressionError as error:
        raise ExpressionError(error.message, place=place, hint=error.hint) from None
    return Expression(text, kept.tree, place) if place is not None else kept


@lru_cache(maxsize=_CACHE_SIZE)
def _parsed(text: str) -> Expression:
    return Expression(text, parse(text))


@lru_cache(maxsize=_CACHE_SIZE)
def _program(text: str) -> Any:
    import cel

    return cel.compile(text)


def _compile(text: str, place: Place | None) -> Any:
    try:
        return _program(text)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the evaluator derives from BaseException
        message = str(error).split("\n")[0]
        raise ExpressionError(f"`{text}` is refused by the evaluator: {message}.", place=place) from None


def _has_root(scope: Mapping[str, Any], root: str) -> bool:
    return root in scope or _ALIASES.get(root, root) in scope


def _lookup_root(scope: Mapping[str, Any], root: str) -> Any:
    return scope[root] if root in scope else scope[_ALIASES[root]]


def _follow(chain: tuple[str, tuple[Step, ...]], scope: Mapping[str, Any], text: str, place: Place | None) -> Any:
    """Return what a reference points to; raise ExpressionError naming the first part that is missing."""
    root, path = chain
    if not _has_root(scope, root):
        raise ExpressionError(f"unknown name '{root}' in `{text}`.", place=place, hint=nearest_hint(root, scope))
    value = _lookup_root(scope, root)
    for depth, part in enumerate(path):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, (list, tuple)) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            raise _missing(root, path[:depth], part, value, place)
    return value


def _missing(root: str, before: tuple[Step, ...], part: Step, value: Any, place: Place | None) -> ExpressionError:
    owner = render_reference(root, before)
    if isinstance(value, Mapping):
        what = "step" if root in ("steps", "step") and not before else "field"
        return ExpressionError(
            f"unknown {what} '{part}' of {owner}.", place=place, hint=nearest_hint(str(part), map(str, value))
        )
    if isinstance(value, (list, tuple)):
        return ExpressionError(f"{owner} has {len(value)} elements; there is no [{part}].", place=place)
    kind = "null" if value is None else type(value).__name__
    return ExpressionError(f"{owner} is {kind}; it has no '{part}'.", place=place)


def _loop_nesting(node: Node) -> int:
    """Return how deeply loops (all, exists, map, ...) stand inside each other."""
    deepest = 0
    waiting: list[tuple[Node, int]] = [(node, 0)]
    while waiting:
        current, depth = waiting.pop()
        if isinstance(current, Call) and current.is_macro and current.function != "has":
            depth += 1
            deepest = max(deepest, depth)
        waiting.extend((child, depth) for child in children(current))
    return deepest


def _largest_collection(value: Any) -> int:
    """Return the number of elements of the largest list or map inside a value."""
    largest = 0
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Mapping):
            largest = max(largest, len(current))
            waiting.extend(current.values())
        elif isinstance(current, (list, tuple)):
            largest = max(largest, len(current))
            waiting.extend(current)
    return largest


def _as_json(value: Any, text: str, place: Place | None) -> Any:
    """Return an evaluator's value as JSON data: times as ISO 8601 text, durations as seconds with `s`."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        if len(value) > MAX_RESULT_TEXT:
            raise ExpressionError(f"the value of `{text}` has {len(value)} characters.", place=place)
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ExpressionError(f"the value of `{text}` is no finite number.", place=place)
        return value
    if isinstance(value, Mapping):
        return {str(key): _as_json(item, text, place) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item, text, place) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    raise ExpressionError(f"the value of `{text}` is no JSON value ({type(value).__name__}).", place=place)


def count_nodes(expression: Expression) -> int:
    """Return the number of parts of an expression."""
    return sum(1 for _ in walk(expression.tree))
