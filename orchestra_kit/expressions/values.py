"""JSON values on their way into and out of an evaluation: limits, and the JSON form of what CEL knows beyond JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from orchestra_kit.errors import ExpressionError

MAX_DEPTH = 64
MAX_PARTS = 300_000
MAX_CHARACTERS = 8_000_000
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


class BeyondLimit(ExpressionError):
    """An evaluation would take more time or room than one may. Unlike other errors it ends the evaluation at once."""


class Size:
    """What the values of one evaluation amount to, so far: parts (scalars, lists and maps) and characters of text."""

    __slots__ = ("characters", "parts")

    def __init__(self) -> None:
        self.parts = 0
        self.characters = 0

    def add(self, parts: int, characters: int = 0) -> None:
        """Count; raise BeyondLimit beyond what one evaluation may hold."""
        self.parts += parts
        self.characters += characters
        if self.parts > MAX_PARTS:
            raise BeyondLimit(f"an expression may hold {MAX_PARTS} values at most.")
        if self.characters > MAX_CHARACTERS:
            raise BeyondLimit(f"an expression may hold {MAX_CHARACTERS} characters at most.")


def value_for_cel(value: Any, size: Size, depth: int = 0) -> Any:
    """Return a value in the types the evaluator knows.

    Numbers beyond 64 bits become floats (the evaluator knows no others), times that are not text become text.
    """
    kind = type(value)
    if kind is str:
        size.add(1, len(value))
        return value
    if kind is bool or value is None or kind is float:
        size.add(1)
        return value
    if kind is int:
        size.add(1)
        return value if _INT_MIN <= value <= _INT_MAX else float_of(value)
    if depth > MAX_DEPTH:
        raise BeyondLimit(f"a value has more than {MAX_DEPTH} levels.")
    if kind is dict:
        size.add(1)
        return {str(key): value_for_cel(item, size, depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        size.add(1)
        return [value_for_cel(item, size, depth + 1) for item in value]
    return value_for_cel(_plain(value), size, depth + 1)


_JSON_TYPES = frozenset({str, int, float, bool, dict, list, type(None), bytes, datetime, timedelta})


def plain_value(value: Any) -> Any:
    """Return a value of the scope as one of the types functions know; what is inside of it stays as it is."""
    return value if type(value) in _JSON_TYPES else _plain(value)


def _plain(value: Any) -> Any:
    """Return a value of a less usual type as one of JSON's (rows of a database hold such)."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes | datetime | timedelta):
        return json_scalar(value)
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**63 else float(value)
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return base(value)
    if isinstance(value, list | tuple):
        return list(value)
    raise ExpressionError(f"a value of type {type(value).__name__} cannot be used in an expression.")


def float_of(value: int) -> float:
    """Return the nearest float, infinite when the number is beyond all floats."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def json_of(value: Any, size: Size, depth: int = 0) -> Any:
    """Return a result as JSON: a copy that shares nothing with the scope; times and durations as text, bytes as base64."""
    kind = type(value)
    if kind is str:
        size.add(1, len(value))
        return value
    if kind is bool or kind is int or value is None:
        size.add(1)
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ExpressionError(f"the result is {value}, which is no JSON number.")
        size.add(1)
        return value
    if depth > MAX_DEPTH:
        raise BeyondLimit(f"a value has more than {MAX_DEPTH} levels.")
    if kind is dict:
        size.add(1)
        return {key_of(key): json_of(item, size, depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        size.add(1)
        return [json_of(item, size, depth + 1) for item in value]
    return json_of(_plain(value), size, depth + 1)


def key_of(key: Any) -> str:
    """Return the key of a map as JSON writes it."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if type(key) is str else str(key)


def json_scalar(value: bytes | datetime | timedelta) -> str:
    """Return bytes as base64, a time as RFC 3339 and a duration in seconds (JSON mapping of protocol buffers)."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        text = value.isoformat()
        return text[: -len("+00:00")] + "Z" if text.endswith("+00:00") else text
    seconds = value // timedelta(seconds=1)
    rest = value - timedelta(seconds=seconds)
    return f"{seconds}s" if not rest else f"{value.total_seconds():f}".rstrip("0") + "s"


def kind_of(value: Any) -> str:
    """Return what a value is, in the words of an error message."""
    if value is None:
        return "null"
    for types, word in _KINDS:
        if isinstance(value, types):
            return word
    return type(value).__name__


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "a bool"),
    (int, "an int"),
    ((float, Decimal), "a double"),
    (str, "a string"),
    (Mapping, "a map"),
    ((list, tuple), "a list"),
    (bytes, "bytes"),
    (datetime, "a timestamp"),
    (timedelta, "a duration"),
)
