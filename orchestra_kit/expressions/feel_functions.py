"""FEEL's built-in functions as calls of the one tree, and its date, time and duration literals."""

from __future__ import annotations

from orchestra_kit.errors import nearest_hint
from orchestra_kit.expressions.ast import Binary, Call, Literal, Name, Node, Span, Unary
from orchestra_kit.expressions.lexer import Token, syntax_error

_ON_VALUE = {
    "contains": ("contains", 2),
    "starts with": ("startsWith", 2),
    "ends with": ("endsWith", 2),
    "matches": ("matches", 2),
    "upper case": ("upperAscii", 1),
    "lower case": ("lowerAscii", 1),
    "trim": ("trim", 1),
    "string length": ("size", 1),
    "count": ("count", 1),
    "is empty": ("empty", 1),
}
_ALONE = {
    "date": 1,
    "time": 1,
    "date and time": 1,
    "duration": 1,
    "is defined": 1,
    "number": 1,
    "string": 1,
    "abs": 1,
    "floor": 1,
    "ceiling": 1,
}
_NAMES = {"date and time": "dateTime", "is defined": "isDefined", "number": "double", "ceiling": "ceil"}
TEMPORAL = frozenset({"date", "time", "dateTime", "duration"})
_CLOCK = frozenset({"now", "today"})
_KNOWN = frozenset({*_ON_VALUE, *_ALONE, "not", "modulo", "min", "max", "list contains", "years and months duration"})


def call_of(
    text: str, name: str, name_span: Span, arguments: tuple[Node, ...], span: Span, *, plain: bool = False
) -> Node:
    """Return what a call means in the tree; raise ExpressionError for a function that is not read."""
    if name in _CLOCK and not arguments:
        raise syntax_error(text, name_span.start, f"'{name}()' makes the condition depend on the clock; it is not read")
    if plain and name.rpartition(":")[2] in ("getDataObject", "getVariable", "getActivityProperty") and arguments:
        return _data_object(text, name_span, arguments, span)
    if name == "not":
        _want(text, name, name_span, arguments, 1)
        return Unary(operator="!", operand=arguments[0], span=span)
    if name == "modulo":
        _want(text, name, name_span, arguments, 2)
        return Binary(operator="%", left=arguments[0], right=arguments[1], span=span)
    if name == "list contains":
        _want(text, name, name_span, arguments, 2)
        return Binary(operator="in", left=arguments[1], right=arguments[0], span=span)
    if name in ("min", "max") and len(arguments) > 1:
        return Call(function=name, function_span=name_span, target=None, arguments=arguments, span=span)
    if name in _ON_VALUE:
        function, count = _ON_VALUE[name]
        _want(text, name, name_span, arguments, count)
        return Call(function=function, function_span=name_span, target=arguments[0], arguments=arguments[1:], span=span)
    if name in _ALONE:
        _want(text, name, name_span, arguments, _ALONE[name])
        function = _NAMES.get(name, name)
        return Call(function=function, function_span=name_span, target=None, arguments=arguments, span=span)
    raise syntax_error(
        text, name_span.start, f"the function '{name}' is not read", hint=nearest_hint(name, _KNOWN, most=1)
    )


def _want(text: str, name: str, span: Span, arguments: tuple[Node, ...], count: int) -> None:
    if len(arguments) != count:
        what = f"'{name}' takes {count} argument{'' if count == 1 else 's'}, not {len(arguments)}"
        raise syntax_error(text, span.start, what)


def _data_object(text: str, span: Span, arguments: tuple[Node, ...], whole: Span) -> Node:
    """Return the variable behind XPath's `getDataObject('x')` (BPMN 2.0, section 10.4.3)."""
    first = arguments[0]
    if len(arguments) != 1 or not isinstance(first, Literal) or not isinstance(first.value, str):
        raise syntax_error(text, span.start, "getDataObject is read with one name in quotes")
    return Name(name=first.value, span=whole)


def temporal_literal(token: Token, start: int) -> Node:
    """Return `@"..."` as the call that makes the same value."""
    written = str(token.value)
    span = Span(start=start, end=token.span.end)
    if written.lstrip("-").startswith("P"):
        function = "duration"
    elif "T" in written and "-" in written.split("T")[0][1:]:
        function = "dateTime"
    elif ":" in written:
        function = "time"
    else:
        function = "date"
    literal = Literal(value=written, span=token.span)
    return Call(function=function, function_span=span, target=None, arguments=(literal,), span=span)
