"""The same condition written in FEEL, EL and CEL is worth the same, where their meanings do not differ on purpose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from small_languages import Written, conditions, scopes

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import walk
from orchestra_kit.expressions.conditions import Dialect, Guard, read_as
from orchestra_kit.expressions.deciding import holds


def _holds(text: str, dialect: Dialect, scope: dict[str, Any]) -> bool:
    return holds(Guard(text=text, dialect=dialect, tree=read_as(text, dialect)), scope)


@settings(max_examples=400, deadline=None)
@given(conditions, scopes)
def test_a_condition_in_three_languages_is_worth_what_python_says(written: Written, scope: dict[str, Any]) -> None:
    wanted = eval(written.python, {"__builtins__": {}}, {"v": scope})  # text made by this test itself
    assert _holds("= " + written.feel, Dialect.FEEL, scope) is wanted
    assert _holds("${" + written.juel + "}", Dialect.JUEL, scope) is wanted
    assert _holds(written.cel, Dialect.CEL, scope) is wanted


@settings(max_examples=200, deadline=None)
@given(conditions)
def test_spans_of_a_tree_lie_in_its_text(written: Written) -> None:
    for text, dialect in (("= " + written.feel, Dialect.FEEL), ("${" + written.juel + "}", Dialect.JUEL)):
        tree = read_as(text, dialect)
        for node in walk(tree):
            assert 0 <= node.span.start < node.span.end <= len(text)


@pytest.mark.parametrize(
    "scope, feel, juel, cel",
    [
        ({"x": None}, False, False, ExpressionError),
        ({"x": 4}, False, False, False),
        ({"x": 6}, True, True, True),
        ({"x": "6"}, False, True, ExpressionError),
    ],
)
def test_null_and_mixed_kinds_differ_as_the_languages_do(scope: dict[str, Any], feel: Any, juel: Any, cel: Any) -> None:
    for text, dialect, wanted in (
        ("= x > 5", Dialect.FEEL, feel),
        ("${x > 5}", Dialect.JUEL, juel),
        ("x > 5", Dialect.CEL, cel),
    ):
        if isinstance(wanted, bool):
            assert _holds(text, dialect, scope) is wanted
        else:
            with pytest.raises(wanted):
                _holds(text, dialect, scope)
