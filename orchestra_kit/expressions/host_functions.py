"""The functions that are ours: those CEL lacks, and those in which the library differs from its definition
(`size` of a text counts characters, not bytes; `matches` is bounded and also stands alone; `string` takes a bool)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.arithmetic import add, is_number, within_range
from orchestra_kit.expressions.patterns import check_work
from orchestra_kit.expressions.values import MAX_CHARACTERS, BeyondLimit, json_scalar, kind_of

_PRECISE = Context(prec=60)
_TRUE, _FALSE = ("1", "t", "true", "TRUE", "True"), ("0", "f", "false", "FALSE", "False")


def _wrong(name: str, value: Any, wanted: str) -> ExpressionError:
    return ExpressionError(f"'{name}' takes {wanted}, not {kind_of(value)}.")


def _text(name: str, value: Any) -> str:
    if type(value) is not str:
        raise _wrong(name, value, "a string")
    return value


def _whole(name: str, value: Any) -> int:
    if type(value) is not int:
        raise _wrong(name, value, "an int")
    return value


def size(value: Any) -> int:
    """Return the number of characters, bytes, items or entries."""
    if not isinstance(value, (str, bytes, list, dict)):
        raise _wrong("size", value, "a string, bytes, a list or a map")
    return len(value)


@lru_cache(maxsize=1)
def _matcher() -> Any:
    import cel

    return cel.compile("text.matches(pattern)")


def matches(text: Any, pattern: Any) -> bool:
    """Return whether a pattern (RE2 syntax, linear time) is found in a text."""
    check_work(_text("matches", pattern), _text("matches", text))
    try:
        return bool(_matcher().execute({"text": text, "pattern": pattern}))
    except RuntimeError:
        raise ExpressionError("the pattern of 'matches' is not a valid one.") from None


def string(value: Any) -> str:
    """Return a value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) is float and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise ExpressionError("the bytes are no UTF-8.") from None
    if isinstance(value, (datetime, timedelta)):
        return json_scalar(value)
    if not isinstance(value, (str, int, float)):
        raise _wrong("string", value, "a scalar")
    return str(value)


def boolean(value: Any) -> bool:
    """Return the bool a text spells."""
    if isinstance(value, bool):
        return value
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise (
        ExpressionError("'bool' takes true or false.") if isinstance(value, str) else _wrong("bool", value, "a string")
    )


def split(text: Any, separator: Any) -> list[str]:
    """Return the parts of a text; an empty separator gives its characters."""
    whole = _text("split", text)
    return whole.split(separator) if _text("split", separator) else list(whole)


def join(items: Any, separator: Any = "") -> str:
    """Return the texts of a list as one."""
    if not isinstance(items, list):
        raise _wrong("join", items, "a list")
    texts = [_text("join", item) for item in items]
    if sum(map(len, texts)) + len(texts) * len(_text("join", separator)) > MAX_CHARACTERS:
        raise BeyondLimit("a text grows too long.")
    return str(separator).join(texts)


def replace(text: Any, old: Any, new: Any) -> str:
    """Return a text with all of `old` replaced."""
    found = _text("replace", text).count(_text("replace", old))
    if len(text) + found * len(_text("replace", new)) > MAX_CHARACTERS:
        raise BeyondLimit("a text grows too long.")
    return str(text).replace(old, new)


def substring(text: Any, start: Any, end: Any = None) -> str:
    """Return the characters from `start` up to `end`, counted from 0."""
    length = len(_text("substring", text))
    last = length if end is None else _whole("substring", end)
    if not 0 <= _whole("substring", start) <= last <= length:
        raise ExpressionError(f"'substring' from {start} to {last} is outside of a string of {length} characters.")
    return str(text)[start:last]


def absolute(value: Any) -> Any:
    """Return a number without its sign."""
    if not is_number(value):
        raise _wrong("abs", value, "a number")
    return within_range(abs(value)) if type(value) is int else abs(value)


def rounded(value: Any, digits: Any = None) -> Any:
    """Return the nearest int, or double of so many digits; halves go away from zero, as people round money."""
    if not is_number(value):
        raise _wrong("round", value, "a number")
    places = 0 if digits is None else _whole("round", digits)
    if not 0 <= places <= 15:
        raise ExpressionError("'round' keeps 0 to 15 digits.")
    number = Decimal(repr(value))
    if not number.is_finite() or abs(number) >= 2**63:
        raise ExpressionError("'round' takes a finite number of 64 bits.")
    nearest = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_PRECISE)
    return within_range(int(nearest)) if digits is None else float(nearest)


def _extreme(name: str, choose: Callable[..., Any]) -> Callable[..., Any]:
    def choose_one(first: Any, second: Any = None) -> Any:
        values = first if second is None else [first, second]
        if not isinstance(values, list) or not values:
            raise ExpressionError(f"'{name}' takes two values, or a list that is not empty.")
        same = all(map(is_number, values)) or all(isinstance(value, str) for value in values)
        if not same and not all(isinstance(value, datetime) for value in values):
            raise ExpressionError(f"'{name}' takes numbers, strings or timestamps, all of one kind.")
        return choose(values)

    return choose_one


def total(values: Any) -> Any:
    """Return the sum of the numbers of a list."""
    if not isinstance(values, list):
        raise _wrong("sum", values, "a list")
    result: Any = 0
    for value in values:
        if not is_number(value):
            raise _wrong("sum", value, "a list of numbers")
        result = add(result, value)
    return result


HOSTED: dict[str, Callable[..., Any]] = {
    "size": size,
    "matches": matches,
    "string": string,
    "bool": boolean,
    "lowerAscii": lambda text: "".join(char.lower() if char.isascii() else char for char in _text("lowerAscii", text)),
    "upperAscii": lambda text: "".join(char.upper() if char.isascii() else char for char in _text("upperAscii", text)),
    "trim": lambda text: _text("trim", text).strip(),
    "split": split,
    "join": join,
    "replace": replace,
    "substring": substring,
    "indexOf": lambda text, part: _text("indexOf", text).find(_text("indexOf", part)),
    "abs": absolute,
    "round": rounded,
    "min": _extreme("min", min),
    "max": _extreme("max", max),
    "sum": total,
}
