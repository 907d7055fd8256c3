"""Which functions an expression may call, and with how many arguments. Every one is a pure function of its arguments.

Those of CEL: size, contains, startsWith, endsWith, matches, the conversions int, uint, double, string, bool, bytes,
timestamp, duration and dyn, type, the parts of a time (getFullYear ...), has and the loops. Beyond CEL, with the names of
its string extension where there is one: lowerAscii, upperAscii, trim, split, join, replace, substring, indexOf, abs, round,
min, max and sum.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_kit.errors import ExpressionError, nearest_hint
from orchestra_kit.expressions.ast import LOOPS, Call, Name, Select
from orchestra_kit.expressions.lexer import syntax_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The numbers of arguments a function takes when it stands alone, and when it is called on a value."""

    alone: tuple[int, ...] = ()
    on_value: tuple[int, ...] = ()


_CONVERSIONS = ("int", "uint", "double", "string", "bool", "bytes", "dyn", "type", "timestamp", "duration")
_TIME_PARTS = ("FullYear", "Month", "Date", "DayOfMonth", "DayOfWeek", "DayOfYear")
_CLOCK_PARTS = ("Hours", "Minutes", "Seconds", "Milliseconds")

FUNCTIONS: dict[str, Signature] = {
    "has": Signature(alone=(1,)),
    "size": Signature(alone=(1,), on_value=(0,)),
    "matches": Signature(alone=(2,), on_value=(1,)),
    "map": Signature(on_value=(2, 3)),
    "join": Signature(on_value=(0, 1)),
    "replace": Signature(on_value=(2,)),
    "substring": Signature(on_value=(1, 2)),
    **{name: Signature(on_value=(2,)) for name in ("all", "exists", "exists_one", "filter")},
    **{name: Signature(on_value=(1,)) for name in ("contains", "startsWith", "endsWith", "split", "indexOf")},
    **{name: Signature(on_value=(0,)) for name in ("lowerAscii", "upperAscii", "trim")},
    **{name: Signature(alone=(1,)) for name in (*_CONVERSIONS, "abs", "sum")},
    "round": Signature(alone=(1, 2)),
    "min": Signature(alone=(1, 2)),
    "max": Signature(alone=(1, 2)),
    **{f"get{name}": Signature(on_value=(0,)) for name in (*_TIME_PARTS, *_CLOCK_PARTS)},
}

TYPE_NAMES = frozenset({"int", "uint", "double", "string", "bool", "bytes", "list", "map", "null_type", "type"})
"""Names that stand for a type, as in `type(x) == int`."""


def check_call(text: str, call: Call) -> None:
    """Raise ExpressionError for a function that is not there, or that is called the wrong way."""
    signature = FUNCTIONS.get(call.function)
    if signature is None:
        hint = nearest_hint(call.function, FUNCTIONS)
        raise syntax_error(text, call.function_span.start, f"unknown function '{call.function}'", hint=hint)
    allowed = signature.alone if call.target is None else signature.on_value
    if not allowed:
        right = f"{call.function}(x)" if signature.alone else f"x.{call.function}(...)"
        raise _wrong_use(text, call, f"'{call.function}' is called as {right}")
    if len(call.arguments) not in allowed:
        counts = " or ".join(str(count) for count in allowed)
        what = f"'{call.function}' takes {counts} argument{'' if allowed == (1,) else 's'}, not {len(call.arguments)}"
        raise _wrong_use(text, call, what)
    if call.is_has and not isinstance(call.arguments[0], Select):
        raise _wrong_use(text, call, "'has' takes a field, as in has(response.body.id)")
    if call.target is not None and call.function in LOOPS and not isinstance(call.arguments[0], Name):
        raise _wrong_use(text, call, f"the first argument of '{call.function}' is the name of the element")


def _wrong_use(text: str, call: Call, message: str) -> ExpressionError:
    return syntax_error(text, call.function_span.start, message)
