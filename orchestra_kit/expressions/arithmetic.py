"""Arithmetic as JSON numbers need it: 2 and 2.0 are the same number, so an int meets a double as a double.

CEL proper refuses to mix them, and an API is free to write a price of 10.00 as `10`. Everything else is CEL's arithmetic:
64-bit ints that do not wrap, division towards zero, `+` of texts, bytes, lists, times and durations.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.values import MAX_CHARACTERS, MAX_PARTS, BeyondLimit, kind_of

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


def is_number(value: Any) -> bool:
    """Return True for an int or a double."""
    return type(value) is int or type(value) is float


def within_range(value: int) -> int:
    """Return a 64-bit int; raise ExpressionError for a greater one."""
    if not INT_MIN <= value <= INT_MAX:
        raise ExpressionError("the result is beyond 64-bit integers.")
    return value


def add(left: Any, right: Any) -> Any:
    """Return left + right."""
    if is_number(left) and is_number(right):
        return _number(left + right if type(left) is type(right) else float(left) + float(right))
    if type(left) is type(right) and isinstance(left, (str, bytes, list)):
        if len(left) + len(right) > (MAX_PARTS if isinstance(left, list) else MAX_CHARACTERS):
            raise BeyondLimit("a text or list grows too long.")
        return left + right
    if isinstance(left, (datetime, timedelta)) and isinstance(right, (datetime, timedelta)):
        return _on_times(operator.add, "+", left, right)
    raise misfit("+", left, right)


def subtract(left: Any, right: Any) -> Any:
    """Return left - right."""
    if is_number(left) and is_number(right):
        return _number(left - right if type(left) is type(right) else float(left) - float(right))
    if isinstance(left, (datetime, timedelta)) and isinstance(right, (datetime, timedelta)):
        return _on_times(operator.sub, "-", left, right)
    raise misfit("-", left, right)


def multiply(left: Any, right: Any) -> Any:
    """Return left * right."""
    if is_number(left) and is_number(right):
        return _number(left * right if type(left) is type(right) else float(left) * float(right))
    raise misfit("*", left, right)


def divide(left: Any, right: Any) -> Any:
    """Return left / right: of ints towards zero, of doubles as IEEE 754 says."""
    if type(left) is int and type(right) is int:
        if right == 0:
            raise ExpressionError("division by zero.")
        quotient = abs(left) // abs(right)
        return within_range(quotient if (left < 0) == (right < 0) else -quotient)
    if not is_number(left) or not is_number(right):
        raise misfit("/", left, right)
    top, bottom = float(left), float(right)
    if bottom == 0.0:
        return math.nan if top == 0.0 or math.isnan(top) else math.copysign(math.inf, top) * math.copysign(1.0, bottom)
    return top / bottom


def modulo(left: Any, right: Any) -> Any:
    """Return the rest of left / right with the sign of left; ints only."""
    if type(left) is not int or type(right) is not int:
        raise misfit("%", left, right)
    if right == 0:
        raise ExpressionError("division by zero.")
    if left == INT_MIN and right == -1:
        raise ExpressionError("the result is beyond 64-bit integers.")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def misfit(sign: str, left: Any, right: Any) -> ExpressionError:
    """Return the error that says which types do not go together."""
    hint = "Write string(...) around what is no string." if sign == "+" and str in (type(left), type(right)) else None
    return ExpressionError(f"'{sign}' cannot join {kind_of(left)} and {kind_of(right)}.", hint=hint)


def _number(value: float) -> float:
    return within_range(value) if type(value) is int else value


def _on_times(work: Callable[[Any, Any], Any], sign: str, left: Any, right: Any) -> Any:
    try:
        return work(left, right)
    except OverflowError:
        raise ExpressionError("the time is out of range.") from None
    except TypeError:
        raise misfit(sign, left, right) from None


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add__": add,
    "subtract__": subtract,
    "multiply__": multiply,
    "divide__": divide,
    "modulo__": modulo,
}
