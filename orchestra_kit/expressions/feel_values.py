"""What a FEEL tree is worth (DMN 1.5, tables 42-54): decimals, three-valued logic, null for what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Binary, Call, Conditional, Index, ListOf, Literal, Name, Node, Select, Unary
from orchestra_kit.expressions.references import chain_of
from orchestra_kit.expressions.temporal import Months, parse_date, parse_date_time, parse_duration, parse_time

_CONTEXT = Context(prec=34)  # decimal128, as DMN asks


def feel_value(tree: Node, scope: Mapping[str, Any], *, absent_is_false: bool = False) -> Any:
    """Return the value of a tree: null where FEEL says null; `absent_is_false` is XPath's way with conditions."""
    return _Evaluation(scope, absent_is_false).value(tree)


class _Evaluation:
    """One tree over one scope."""

    def __init__(self, scope: Mapping[str, Any], absent_is_false: bool) -> None:
        self._scope, self._absent_is_false = scope, absent_is_false

    def value(self, node: Node) -> Any:
        """Return the value of a node."""
        match node:
            case Literal():
                return of_json(node.value)
            case Name() | Select() | Index():
                return self._reached(node)
            case Unary():
                return self._unary(node)
            case Binary():
                return self._binary(node)
            case Conditional():
                return self.value(node.then if self.truth(node.condition) is True else node.otherwise)
            case ListOf():
                return [self.value(item) for item in node.items]
            case Call():
                return self._call(node)
        raise ExpressionError("contexts are not evaluated in conditions.")

    def truth(self, node: Node) -> bool | None:
        """Return true, false or null: everything but a boolean is null."""
        value = self.value(node)
        if self._absent_is_false and value is None:
            return False
        return value if isinstance(value, bool) else None

    def _reached(self, node: Node) -> Any:
        found, value = find(node, self._scope)
        return of_json(value) if found else None

    def _unary(self, node: Unary) -> Any:
        if node.operator == "!":
            truth = self.truth(node.operand)
            return None if truth is None else not truth
        value = self.value(node.operand)
        return -value if is_decimal(value) or isinstance(value, timedelta) else None

    def _binary(self, node: Binary) -> Any:
        if node.operator == "&&":
            return both(self.truth(node.left), lambda: self.truth(node.right))
        if node.operator == "||":
            return either(self.truth(node.left), lambda: self.truth(node.right))
        left, right = self.value(node.left), self.value(node.right)
        match node.operator:
            case "==":
                return equal(left, right)
            case "!=":
                same = equal(left, right)
                return None if same is None else not same
            case "<" | "<=" | ">" | ">=":
                return ordered(node.operator, left, right)
            case "in":
                return contained(left, right)
        return arithmetic(node.operator, left, right)

    def _call(self, node: Call) -> Any:
        if node.function == "isDefined":
            return find(node.arguments[0], self._scope)[0]
        given = ([] if node.target is None else [self.value(node.target)]) + [
            self.value(item) for item in node.arguments
        ]
        function = _FUNCTIONS.get(node.function)
        if function is None:
            raise ExpressionError(f"'{node.function}' is not evaluated in FEEL.")
        return function(*given)


def find(node: Node, scope: Mapping[str, Any]) -> tuple[bool, Any]:
    """Return whether a reference leads to something in a scope, and to what."""
    chain = chain_of(node)
    if chain is None:
        raise ExpressionError("only a path of names leads to a variable.")
    value: Any = scope
    for step in chain[:1] + chain[1]:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, (list, tuple)) and type(step) is int and 0 <= step < len(value):
            value = value[step]
        else:
            return False, None
    return True, value


def of_json(value: Any) -> Any:
    """Return a JSON value as FEEL has it: every number a decimal."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return Decimal(repr(value))
    if isinstance(value, (list, tuple)):
        return [of_json(item) for item in value]
    return value


def is_decimal(value: Any) -> bool:
    """Return True for a number of FEEL's."""
    return isinstance(value, Decimal)


def both(left: bool | None, right: Callable[[], bool | None]) -> bool | None:
    """Return the conjunction of three values (DMN table 50)."""
    if left is False:
        return False
    other = right()
    if other is False:
        return False
    return True if left and other else None


def either(left: bool | None, right: Callable[[], bool | None]) -> bool | None:
    """Return the disjunction of three values (DMN table 50)."""
    if left is True:
        return True
    other = right()
    if other is True:
        return True
    return None if left is None or other is None else False


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return type(value).__name__


_KINDS: tuple[tuple[type, str], ...] = (
    (Decimal, "number"),
    (str, "string"),
    (datetime, "date and time"),
    (date, "date"),
    (time, "time"),
    (timedelta, "days"),
    (Months, "months"),
    (list, "list"),
    (Mapping, "context"),
)


def equal(left: Any, right: Any) -> bool | None:
    """Return whether two values are the same; null when they are of different kinds (DMN table 53)."""
    if left is None or right is None:
        return left is None and right is None
    return bool(left == right) if _kind(left) == _kind(right) else None


def ordered(sign: str, left: Any, right: Any) -> bool | None:
    """Return a comparison by size; null for null and for kinds that have no common order (DMN table 54)."""
    kind = _kind(left)
    if left is None or right is None or kind != _kind(right) or kind in ("boolean", "list", "context"):
        return None
    if sign == "<":
        return bool(left < right)
    if sign == "<=":
        return bool(left <= right)
    return bool(left > right) if sign == ">" else bool(left >= right)


def contained(item: Any, items: Any) -> bool | None:
    """Return whether an element of a list equals a value; null when none does and one cannot be compared."""
    if not isinstance(items, list):
        return equal(item, items)
    found = [equal(item, other) for other in items]
    if True in found:
        return True
    return None if None in found else False


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    """Return left sign right, or null where FEEL knows no such operation (DMN tables 44 and 45)."""
    try:
        if is_decimal(left) and is_decimal(right):
            return _of_numbers(sign, left, right)
        return _of_others(sign, left, right)
    except (InvalidOperation, OverflowError):
        return None


def _of_numbers(sign: str, left: Decimal, right: Decimal) -> Decimal | None:
    if sign == "+":
        return _CONTEXT.add(left, right)
    if sign == "-":
        return _CONTEXT.subtract(left, right)
    if sign == "*":
        return _CONTEXT.multiply(left, right)
    if right == 0:
        return None
    if sign == "/":
        return _CONTEXT.divide(left, right)
    # modulo goes with floor: the result has the sign of the divisor (DMN table 75).
    rest = _CONTEXT.remainder(left, right)
    return rest + right if rest and (rest < 0) != (right < 0) else rest


def _of_others(sign: str, left: Any, right: Any) -> Any:
    if sign == "+":
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(left, timedelta) and isinstance(right, (date, timedelta)):
            return moved(right, left)
        return moved(left, right) if isinstance(right, timedelta) else None
    if sign == "-":
        if isinstance(right, timedelta):
            return moved(left, -right)
        if _kind(left) == _kind(right) and isinstance(left, date):
            return timedelta(days=(left - right).days) if not isinstance(left, datetime) else left - right
    if sign == "*" and isinstance(left, timedelta) and is_decimal(right) and right == right.to_integral_value():
        return left * int(right)
    return None


def moved(point: Any, by: timedelta) -> Any:
    """Return a date, time or duration moved by a duration; a date moves by whole days."""
    if isinstance(point, (datetime, timedelta)):
        return point + by
    if isinstance(point, date):
        return point + timedelta(days=by.days)
    return None


def _on_texts(work: Callable[..., Any], *given: Any) -> Any:
    return work(*given) if all(isinstance(item, str) for item in given) else None


def _on_number(work: Callable[[Decimal], Any], value: Any) -> Any:
    return work(value) if is_decimal(value) else None


def as_date(value: Any) -> date | None:
    """Return the date a value is or says."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else parse_date(value) if isinstance(value, str) else None


def as_date_time(value: Any) -> datetime | None:
    """Return the point in time a value is or says."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if isinstance(value, datetime) else parse_date_time(value) if isinstance(value, str) else None


def _as_time(value: Any) -> time | None:
    return value if isinstance(value, time) else parse_time(value) if isinstance(value, str) else None


def _as_duration(value: Any) -> timedelta | Months | None:
    if isinstance(value, (timedelta, Months)):
        return value
    return parse_duration(value) if isinstance(value, str) else None


def _as_number(value: Any) -> Decimal | None:
    try:
        return value if is_decimal(value) else Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None


def text_of(value: Any) -> str | None:
    """Return a value as FEEL's `string` writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_decimal(value):
        return f"{value.normalize():f}"
    return None


def _extreme(work: Callable[..., Any], *given: Any) -> Any:
    return work(given) if given and all(is_decimal(item) for item in given) else None


def _matches(text: str, pattern: str) -> bool | None:
    if len(text) > 1_000 or len(pattern) > 100 or re.search(r"[+*}]\s*\)?\s*[+*{]", pattern):
        return None  # a pattern that may go back over the text for ever is not tried
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return None


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": partial(_on_texts, lambda text, part: part in text),
    "startsWith": partial(_on_texts, str.startswith),
    "endsWith": partial(_on_texts, str.endswith),
    "matches": partial(_on_texts, _matches),
    "upperAscii": partial(_on_texts, str.upper),
    "lowerAscii": partial(_on_texts, str.lower),
    "trim": partial(_on_texts, str.strip),
    "size": partial(_on_texts, lambda text: Decimal(len(text))),
    "count": lambda items: Decimal(len(items)) if isinstance(items, list) else None,
    "empty": lambda items: not items if isinstance(items, (list, Mapping)) else None,
    "abs": partial(_on_number, abs),
    "floor": partial(_on_number, lambda value: value.to_integral_value("ROUND_FLOOR")),
    "ceil": partial(_on_number, lambda value: value.to_integral_value("ROUND_CEILING")),
    "double": _as_number,
    "string": text_of,
    "date": as_date,
    "dateTime": as_date_time,
    "time": _as_time,
    "duration": _as_duration,
    "min": partial(_extreme, min),
    "max": partial(_extreme, max),
}
