"""EL: what is read, how it coerces, and which code of the process's own is left out by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.conditions import Dialect, Guard, read_as
from orchestra_kit.expressions.deciding import value_of
from orchestra_kit.expressions.juel import parse_juel


def _value(text: str, **scope: Any) -> Any:
    return value_of(Guard(text=text, dialect=Dialect.JUEL, tree=read_as(text, Dialect.JUEL)), scope)


@pytest.mark.parametrize(
    "text, scope, wanted",
    [
        ("${amount > 100 && status == 'x'}", {"amount": 101, "status": "x"}, True),
        ("#{a lt 5 and b ge 3}", {"a": 4, "b": 3}, True),
        ("${not (a gt 5 or b le 3)}", {"a": 5, "b": 4}, True),
        ("${a eq 1 || a ne 2}", {"a": 2}, False),
        ("${7 div 2 == 3.5}", {}, True),
        ("${-7 mod 3 == -1}", {}, True),
        ("${7.5 % 2 == 1.5}", {}, True),
        ("${a ? 'x' : 'y'}", {"a": True}, "x"),
        ("${order.total > 5 && order['total'] < 7}", {"order": {"total": 6}}, True),
        ("${items[0] == 5}", {"items": [5]}, True),
        ("${execution.getVariable('x') == 1}", {"x": 1}, True),
        ("${execution.hasVariable('x')}", {}, False),
        ("${variables:gte(x, 5)}", {"x": 5}, True),
        ("${empty x}", {"x": ""}, True),
        ("${empty x}", {"x": []}, True),
        ("${!empty x}", {"x": "a"}, True),
        ("${x.equals('a') && x.length() == 1 && !x.isEmpty()}", {"x": "a"}, True),
        ("${x.contains('b') && x.startsWith('a') && x.endsWith('c')}", {"x": "abc"}, True),
        ("${x.toUpperCase() == 'ABC'}", {"x": "abc"}, True),
        ("${'it\\'s' == x}", {"x": "it's"}, True),
        ("${x == 'true'}", {"x": True}, True),
        ("${x == 5}", {"x": "5"}, True),
        ("${x == 5.0}", {"x": 5}, True),
        ("${x > '10'}", {"x": 9}, False),
        ("${x == null}", {"x": None}, True),
        ("${x < 5}", {"x": None}, False),
        ("${x >= null}", {"x": None}, True),
        ("${x + 1 == 1}", {"x": None}, True),
        ("${x && true}", {"x": None}, False),
        ("${x && true}", {"x": "TRUE"}, True),
        ("${order.total == null}", {"order": None}, True),
    ],
)
def test_a_text_has_the_value_el_gives_it(text: str, scope: dict[str, Any], wanted: Any) -> None:
    assert _value(text, **scope) == wanted


@pytest.mark.parametrize(
    "text, scope",
    [
        ("${x == 1}", {}),
        ("${x.startsWith('a')}", {"x": None}),
        ("${x == 5}", {"x": "five"}),
        ("${x && true}", {"x": 5}),
        ("${x % 0 == 1}", {"x": 5}),
        ("${x.y == 1}", {"x": 5}),
    ],
)
def test_what_stops_an_engine_is_an_error(text: str, scope: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError):
        _value(text, **scope)


@pytest.mark.parametrize(
    "text, words",
    [
        ("${service.check(order)}", "check(...)"),
        ("${order.isPaid()}", "isPaid()"),
        ("${fn:length(x) > 1}", "found ':'"),
        ("${dateTime() > x}", "'dateTime' is not read"),
        ("${x = 1}", "'=='"),
        ("${x === 1}", "'==='"),
        ("${x & y}", "'&&'"),
        ("${x", "no closing brace"),
        ("${x} and ${y}", "joins text and expressions"),
        ("${}", "is empty"),
        ("${x == 'a}'", "no closing brace"),
        ("${x[y] == 1}", "index that is computed"),
        ("${[1, 2]}", "list and map literals"),
        ("${x >}", "found the end"),
    ],
)
def test_what_is_not_read_is_named(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_as(text, Dialect.JUEL)
    assert words in str(caught.value)


def test_spans_count_in_the_whole_text() -> None:
    text = "  ${ amount > 100 }"
    tree = read_as(text, Dialect.JUEL)
    assert text[tree.span.start : tree.span.end] == "amount > 100"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    for script in (False, True):
        try:
            parse_juel(text, script=script)
        except ExpressionError as error:
            assert error.message


@pytest.mark.parametrize("text", ["(" * 500 + "x" + ")" * 500, "!" * 500 + "x", "x ? " * 500, "x" * 20_000])
def test_deep_and_long_texts_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_juel(text)


@pytest.mark.parametrize(
    ("text", "grouped"),
    [("a == b > c", "a == (b > c)"), ("a > b == c", "(a > b) == c"), ("a != b <= c", "a != (b <= c)")],
)
def test_order_binds_stronger_than_equality(text: str, grouped: str) -> None:
    """JSR 245, 1.14; CEL gives both the same strength."""

    def shape(node: Any) -> Any:
        return (node.operator, shape(node.left), shape(node.right)) if hasattr(node, "operator") else node.name

    assert shape(parse_juel(text)) == shape(parse_juel(grouped))
