"""Whether a guard holds for given variables, by the rules of its own language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.conditions import Dialect, Guard
from orchestra_kit.expressions.evaluation import Expression
from orchestra_kit.expressions.feel_values import feel_value
from orchestra_kit.expressions.juel_values import juel_value


def holds(guard: Guard, variables: Mapping[str, Any]) -> bool:
    """Return whether the flow may be taken; a result of null is not taken.

    Raises ExpressionError where an engine of that language would stop with an error instead of choosing.
    """
    value = value_of(guard, variables)
    if isinstance(value, bool):
        return value
    if guard.dialect.is_feel and value is None:
        return False
    raise ExpressionError(f"`{guard.text}` gives {value!r} where true or false is needed.", place=guard.place)


def value_of(guard: Guard, variables: Mapping[str, Any]) -> Any:
    """Return what a guard's tree is worth; raise ExpressionError."""
    if guard.dialect.is_feel:
        return feel_value(guard.tree, variables, absent_is_false=guard.dialect is Dialect.XPATH)
    if guard.dialect.is_juel:
        return juel_value(guard.tree, variables)
    return Expression(guard.text, guard.tree).evaluate(variables, place=guard.place)
