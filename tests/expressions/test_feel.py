"""FEEL: what is read, how it is worth, and what is left out by name."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Binary, Call, Index, Name, Select
from orchestra_kit.expressions.feel import parse_feel
from orchestra_kit.expressions.feel_values import both, either, equal, feel_value
from orchestra_kit.expressions.temporal import Months, duration_text, parse_duration


def _value(text: str, **scope: Any) -> Any:
    return feel_value(parse_feel(text), scope)


@pytest.mark.parametrize(
    "text, scope, wanted",
    [
        ('amount > 100 and status = "x"', {"amount": 101, "status": "x"}, True),
        ("x between 1 and 10", {"x": 10}, True),
        ("x in [1..10]", {"x": 1}, True),
        ("x in ]1..10]", {"x": 1}, False),
        ("x in (1..10)", {"x": 10}, False),
        ("x in ]1..10[", {"x": 10}, False),
        ('x in ("a", "b")', {"x": "b"}, True),
        ('x in ["a", "b"]', {"x": "c"}, False),
        ("x in (< 5, > 10)", {"x": 11}, True),
        ("x in (< 5, > 10)", {"x": 7}, False),
        ("x in ((1..3), 7)", {"x": 7}, True),
        ("x in <= 5", {"x": 5}, True),
        ("not(x > 5)", {"x": 5}, True),
        ("if x > 5 then 1 else 2", {"x": 6}, 1),
        ('date("2024-02-29") < date("2024-03-01")', {}, True),
        ('@"2024-02-29" = date("2024-02-29")', {}, True),
        ('date(x) > date("2024-01-01")', {"x": "2024-01-02"}, True),
        ('date and time("2024-01-01T10:00:00Z") < date and time("2024-01-01T12:00:00+01:00")', {}, True),
        ('time("10:00:00") < time("11:00:00")', {}, True),
        ('duration("PT48H") = duration("P2D")', {}, True),
        ('duration("P1Y") = duration("P12M")', {}, True),
        ('duration("P1Y") > duration("P400D")', {}, None),
        ('date("2024-01-31") + duration("P1D") = date("2024-02-01")', {}, True),
        ('date("2024-03-01") - date("2024-02-01") = duration("P29D")', {}, True),
        ('contains(x, "b")', {"x": "abc"}, True),
        ('starts with(x, "a") and ends with(x, "c")', {"x": "abc"}, True),
        ('upper case(x) = "ABC" and lower case(x) = "abc"', {"x": "aBc"}, True),
        ("string length(x) = 3", {"x": "äöü"}, True),
        ("is defined(x)", {"x": None}, True),
        ("is defined(x.y)", {"x": {}}, False),
        ("is defined(x)", {}, False),
        ("0.1 + 0.2 = 0.3", {}, True),
        ("7 / 2 = 3.5", {}, True),
        ("modulo(-7, 3) = 2", {}, True),
        ("2 ** 3 = 8", {}, True),
        ("floor(-1.5) = -2 and ceiling(-1.5) = -1 and abs(-2) = 2", {}, True),
        ("min(1, 2) = 1 and max(1, 2) = 2", {}, True),
        ("count(items) = 2", {"items": [1, 2]}, True),
        ("items[1] = 5", {"items": [5, 6]}, True),
        ('list contains(items, "a")', {"items": ["a"]}, True),
        ("x in items", {"x": 1, "items": [1]}, True),
        ("Order Total > 5", {"Order Total": 6}, True),
        ("`a-b` = 1", {"a-b": 1}, True),
        ("order.total > 5", {"order": {"total": 6}}, True),
        ('matches(x, "^a+$")', {"x": "aaa"}, True),
        ('number("1.5") = 1.5 and string(2) = "2"', {}, True),
        ("x > 5 // a remark", {"x": 6}, True),
        ("/* before */ x > 5", {"x": 6}, True),
    ],
)
def test_a_text_has_the_value_feel_gives_it(text: str, scope: dict[str, Any], wanted: Any) -> None:
    found = _value(text, **scope)
    assert found is wanted if wanted is None or isinstance(wanted, bool) else found == wanted


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("x > 5", None),
        ("x = null", True),
        ("x = 5", False),
        ("x != 5", True),
        ("not(x > 5)", None),
        ("x > 5 and false", False),
        ("x > 5 and true", None),
        ("x > 5 or true", True),
        ("x > 5 or false", None),
        ("x between 1 and 2", None),
        ("x in (1, null)", True),
        ("x in (1, 2)", False),
        ("if x > 5 then true else false", False),
        ("x + 1 = 1", False),
        ("x.y = null", True),
        ('contains(x, "a")', None),
        ("1 / 0 = null", True),
        ('5 = "5"', None),
        ('5 < "6"', None),
        ("true < false", None),
    ],
)
def test_null_goes_through_a_text_as_three_valued_logic_has_it(text: str, wanted: bool | None) -> None:
    assert _value(text, x=None) is wanted


_TRUTHS = st.sampled_from([True, False, None])


@given(_TRUTHS, _TRUTHS)
def test_and_and_or_are_each_others_opposites(left: bool | None, right: bool | None) -> None:
    def flip(value: bool | None) -> bool | None:
        return None if value is None else not value

    assert both(left, lambda: right) is flip(either(flip(left), lambda: flip(right)))
    assert both(left, lambda: right) is both(right, lambda: left)


def test_equality_knows_kinds() -> None:
    assert equal(Decimal(1), "1") is None
    assert equal(None, None) is True and equal(None, Decimal(0)) is False
    assert equal(date(2024, 1, 1), timedelta(1)) is None


@pytest.mark.parametrize(
    "text, words",
    [
        ("some y in x satisfies y > 1", "some"),
        ("every y in x satisfies y > 1", "every"),
        ("for y in x return y", "for"),
        ("x instance of number", "instance of"),
        ("items[price > 1]", "filters"),
        ("{a: 1}.a = 1", "contexts"),
        ("now() > x", "clock"),
        ("today() > x", "clock"),
        ("fibonacci(x)", "'fibonacci' is not read"),
        ("contains(x)", "takes 2 arguments"),
        ("function(x) x + 1", "functions cannot be defined"),
        ("x ** y > 1", "whole exponent"),
        ("x = 'a'", "double quotes"),
        ("x > ", "found the end"),
        ("x >", "found the end"),
        ("(x > 5", "')'"),
        ('x = "a', "has no end"),
        ("x && y", "Write 'and'"),
        ("1 < x < 3", "found '<'"),
        ("x in [1..", "found the end"),
        ("1.00000000000000000001 > x", "too many digits"),
        ("99999999999999999999 > x", "too large"),
        ("date(x).year = 2024", "computed value"),
        ("substring(x, 1) = 1", "'substring' is not read"),
    ],
)
def test_what_is_not_read_is_named_with_its_column(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_feel(text)
    assert words in str(caught.value)
    assert "column" in str(caught.value)


def test_names_may_hold_spaces_and_keep_their_span() -> None:
    text = "Vacation Approval = 1"
    tree = parse_feel(text)
    assert isinstance(tree, Binary) and isinstance(tree.left, Name)
    assert tree.left.name == "Vacation Approval"
    assert text[tree.left.span.start : tree.left.span.end] == "Vacation Approval"


def test_positions_of_lists_count_from_one() -> None:
    tree = parse_feel("a.b[2].c")
    assert isinstance(tree, Select) and isinstance(tree.operand, Index)
    assert tree.operand.index.value == 1  # type: ignore[union-attr]


def test_functions_become_those_of_the_one_tree() -> None:
    tree = parse_feel("string length(x)")
    assert isinstance(tree, Call) and tree.function == "size" and tree.target is not None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    for plain in (False, True):
        try:
            parse_feel(text, plain=plain)
        except ExpressionError as error:
            assert error.message


@pytest.mark.parametrize(
    "text", ["(" * 500 + "x" + ")" * 500, "not(" * 500 + "x" + ")" * 500, "-" * 500 + "x", "x" * 20_000]
)
def test_deep_and_long_texts_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_feel(text)


@given(st.integers(-(10**6), 10**6))
def test_durations_are_read_back_as_they_are_written(seconds: int) -> None:
    assert parse_duration(duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
    assert parse_duration(duration_text(Months(seconds))) == Months(seconds)
