"""What expressions give over JSON values, as a tester expects it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions import parse_expression

SCOPE: dict[str, Any] = {
    "response": {
        "status": 200,
        "body": {
            "total": 10,
            "price": 1.5,
            "name": "Ünï",
            "none": None,
            "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}],
            "odd-name": True,
        },
    },
    "data": {"quantity": 3, "total": 10.0},
    "steps": {"reserve": {"response": {"body": {"total": 7}}}, "query": {"response": {"rows": [{"n": 1}], "count": 1}}},
}


def value(text: str, scope: dict[str, Any] | None = None) -> Any:
    return parse_expression(text).evaluate(SCOPE if scope is None else scope)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("response.body.total == 10", True),
        ("response.body.total == 10.0", True),
        ("data.total == 10", True),
        ("data.total == response.body.total", True),
        ("response.body.total > 9.5", True),
        ("response.body.total in [10.0]", True),
        ("response.body.price * data.quantity", 4.5),
        ("response.body.price + response.body.total == 11.5", True),
        ("data.quantity / 2", 1),
        ("data.quantity / 2.0", 1.5),
        ("size(response.body.name)", 3),
        ("response.body.items[1].sku", "b"),
        ('response.body["odd-name"]', True),
        ("response.body.items[data.quantity - 2].sku", "b"),
        ("response.body.items.filter(i, i.n > 1)", [{"sku": "b", "n": 2}]),
        ("response.body.items.map(i, i.n > 1, i.sku)", ["b"]),
        ("response.body.items.map(i, i.n).exists_one(n, n == 2)", True),
        ("size(response.body.items.filter(i, i.n > 0)) == 2", True),
        ("response.body.items.all(i, response.body.items.exists(j, j.n >= i.n && i.n < data.quantity))", True),
        ("response.body.items.map(i, response.body.items.map(j, i.n * j.n))", [[1, 2], [2, 4]]),
        ("response.body.items.exists(i, has(i.gone)) || has(response.body.none)", True),
        ("has(response.body.gone) && response.body.gone.id == 1", False),
        ("response.body.none == null", True),
        ("step.reserve.response.body.total", 7),
        ("steps.query.response.count == size(steps.query.response.rows)", True),
        ("sum(response.body.items.map(i, i.n))", 3),
        ("round(2.5) + round(-2.5)", 0),
        ("round(1.005 * 100.0, 1)", 100.5),
        ("min(2, 1.5)", 1.5),
        ("max(['a', 'b'])", "b"),
        ("abs(-3)", 3),
        ("' a,b '.trim().split(',').join('-').upperAscii()", "A-B"),
        ("'abc'.substring(1, 2) + 'abcb'.replace('b', 'x') + string('abc'.indexOf('c'))", "baxcx2"),
        ("string(true) + string(1.0) + string(null == 1)", "true1false"),
        ("'order-17'.matches('^order-[0-9]+$') && matches('x', 'x')", True),
        ("bool('true')", True),
        ("timestamp('2024-01-01T00:00:00Z') + duration('1h')", "2024-01-01T01:00:00Z"),
        ("string(timestamp('2024-01-01T00:00:00Z'))", "2024-01-01T00:00:00Z"),
        ("duration('90s')", "90s"),
        ("duration('1500ms')", "1.5s"),
        ("b'abc'", "YWJj"),
        ("{1: 'a', false: 'b'}", {"1": "a", "false": "b"}),
        ("type(data.quantity) == int && type(data.total) == double", True),
        ("data.quantity > 1 ? 'many' : 'one'", "many"),
    ],
)
def test_expression_gives_the_value_a_tester_expects(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("number", [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), 10.0, 0.1, 1e22])
def test_numbers_keep_their_type_and_every_digit(number: float) -> None:
    for text in ("x", "true ? x : 0", "[x][0]", "[x].map(y, y)[0]"):
        found = value(text, {"x": number})
        assert (found, type(found)) == (number, type(number))


def test_integer_beyond_64_bits_is_kept_by_a_reference_and_compared_as_double() -> None:
    assert value("x", {"x": 2**70}) == 2**70
    assert value("x > 5 && x == y", {"x": 2**70, "y": float(2**70)}) is True


@pytest.mark.parametrize(
    "given, expected",
    [
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00Z"),
        (date(2024, 1, 2), "2024-01-02"),
        (Decimal("2.50"), 2.5),
        (Decimal("3"), 3),
        ((1, 2), [1, 2]),
        (b"abc", "YWJj"),
    ],
)
def test_values_of_database_rows_become_json(given: object, expected: Any) -> None:
    assert value("x", {"x": given}) == expected
    assert value("[x][0]", {"x": given}) == expected


def test_result_shares_nothing_with_the_scope() -> None:
    scope = {"data": {"list": [{"a": 1}]}}
    value("data.list", scope)[0]["a"] = 2
    value("data.list.filter(x, true)", scope)[0]["a"] = 2
    assert scope == {"data": {"list": [{"a": 1}]}}


@pytest.mark.parametrize(
    "text, message",
    [
        ("response.body.totl", "unknown field 'totl' of response.body. Did you mean 'total'?"),
        ("response.body.totl == 1", "unknown field 'totl' of response.body. Did you mean 'total'?"),
        ("steps.reserv.response.status", "unknown step 'reserv' of steps. Did you mean 'reserve'?"),
        ("respons.status == 1", "unknown name 'respons' in `respons.status == 1`. Did you mean 'response'?"),
        ("response.body.items[5]", "response.body.items has 2 elements; there is no [5]."),
        ("response.body.items.sku", "response.body.items is a list; it has no 'sku'."),
        ("response.body.none.id", "response.body.none is null; it has no 'id'."),
        ("response.body.items.exists(i, i.skuu == 'a')", "unknown field 'skuu' of i. Did you mean 'sku'?"),
        ("has(response.bodi.x)", "unknown field 'bodi' of response. Did you mean 'body'?"),
        ("'a' + 1", "'+' cannot join a string and an int. Write string(...) around what is no string."),
        ("response.body.name < 1", "the types do not fit (response.body.name is a string)"),
        ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "out of range"),
        ("9223372036854775807 * 2.0 + 'a'", "'+' cannot join a double and a string."),
        ("1.0 / 0.0", "the result is inf, which is no JSON number."),
        ("int('x')", "'int' refuses its argument"),
        ("size(1)", "'size' takes a string, bytes, a list or a map, not an int."),
        ("'a'.matches('(')", "the pattern of 'matches' is not a valid one."),
        ("response.body.items.all(i, i.n)", "the condition of 'all' is an int, not a bool."),
        ("response.status.map(i, i)", "'map' goes over a list or a map, not over an int."),
        ("'abc'.substring(2, 9)", "outside of a string of 3 characters"),
    ],
)
def test_error_says_what_is_wrong_and_the_nearest_name(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert message in str(caught.value)


def test_error_names_its_place() -> None:
    place = Place(file="orchestra.yaml", field="rules[0]")
    with pytest.raises(ExpressionError, match=r"orchestra.yaml \(rules\[0\]\): unknown field"):
        parse_expression("response.x", place=place).evaluate(SCOPE)
    with pytest.raises(ExpressionError, match=r"orchestra.yaml \(rules\[0\]\): expected a value"):
        parse_expression("response.x ==", place=place)


def test_error_never_quotes_a_value() -> None:
    secret = "hunter2hunter2"
    for text in (
        "x + 1",
        "x < 1",
        "int(x)",
        "x.y",
        "timestamp(x)",
        "!x",
        "x ? 1 : 2",
        "[x].all(y, y)",
        "x[0]",
        "double(x)",
    ):
        with pytest.raises(ExpressionError) as caught:
            value(text, {"x": secret})
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["true || data.gone", "data.gone || true", "!(data.gone && false)", "true ? 1 : data.gone"]
)
def test_what_is_not_needed_may_be_missing(text: str) -> None:
    assert value(text) in (True, 1)


def test_loop_that_is_not_needed_is_not_run() -> None:
    assert value("has(data.list) && data.list.exists(x, x == 1)") is False
    assert value("true || data.gone.all(x, x)") is True


def test_loop_variable_hides_a_name_of_the_scope() -> None:
    assert value("[1, 2].map(data, data * 2) == [2, 4] && data.quantity == 3") is True
    assert value("[1].map(x, [2].map(x, x))[0][0]") == 2


def test_field_missing_in_one_element_does_not_come_from_the_element_before() -> None:
    scope = {"items": [{"a": 1}, {}, {"a": 3}]}
    assert value("items.map(i, has(i.a) ? i.a : 0)", scope) == [1, 0, 3]
    with pytest.raises(ExpressionError, match="unknown field 'a' of i"):
        value("items.map(i, i.a + 0)", scope)


def test_import_leaves_the_evaluator_alone_until_it_is_needed() -> None:
    code = (
        "import sys, orchestra_kit.expressions as e\n"
        "assert 'cel' not in sys.modules\n"
        "assert e.parse_expression('a.b').evaluate({'a': {'b': 1}}) == 1\n"
        "assert e.render('{{ a }}', {'a': 1}) == 1\n"
        "assert 'cel' not in sys.modules\n"
        "assert e.parse_expression('a + 1').evaluate({'a': 1}) == 2\n"
        "assert 'cel' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
