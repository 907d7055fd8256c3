"""What an EL tree is worth (JSR 245, sections 1.5-1.18): coercions, null as 0 in arithmetic, errors for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Binary, Call, Conditional, Index, Literal, Name, Node, Select, Unary
from orchestra_kit.expressions.feel_values import find
from orchestra_kit.expressions.references import chain_of, render_reference
from orchestra_kit.expressions.values import kind_of


def juel_value(tree: Node, scope: Mapping[str, Any]) -> Any:
    """Return the value of a tree; raise ExpressionError where an engine would stop with an error."""
    return _Evaluation(scope).value(tree)


class _Evaluation:
    """One tree over one scope."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope

    def value(self, node: Node) -> Any:
        """Return the value of a node."""
        match node:
            case Literal():
                return node.value
            case Name() | Select() | Index():
                return self._reached(node)
            case Unary(operator="!"):
                return not self.truth(node.operand)
            case Unary():
                number = to_number(self.value(node.operand))
                return -number
            case Binary():
                return self._binary(node)
            case Conditional():
                return self.value(node.then if self.truth(node.condition) else node.otherwise)
            case Call():
                return self._call(node)
        raise ExpressionError("lists and maps are not evaluated in EL.")

    def truth(self, node: Node) -> bool:
        """Return a value as a boolean (section 1.18.5)."""
        return to_boolean(self.value(node))

    def _reached(self, node: Node) -> Any:
        """Return a variable or a property of one; a property of null is null, an unknown variable an error."""
        chain = chain_of(node)
        if chain is None:
            raise ExpressionError("only a path of names leads to a variable.")
        root, path = chain
        if root not in self._scope:
            raise ExpressionError(f"there is no variable '{root}'.")
        value = self._scope[root]
        for count, step in enumerate(path):
            if value is None:
                return None
            if isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(value, (list, tuple)) and type(step) is int:
                value = value[step] if 0 <= step < len(value) else None
            else:
                raise ExpressionError(
                    f"'{render_reference(root, path[:count])}' is {kind_of(value)} without properties."
                )
        return value

    def _binary(self, node: Binary) -> Any:
        if node.operator == "&&":
            return self.truth(node.left) and self.truth(node.right)
        if node.operator == "||":
            return self.truth(node.left) or self.truth(node.right)
        left, right = self.value(node.left), self.value(node.right)
        if node.operator == "==":
            return equal(left, right)
        if node.operator == "!=":
            return not equal(left, right)
        if node.operator in ("<", "<=", ">", ">="):
            return ordered(node.operator, left, right)
        return arithmetic(node.operator, left, right)

    def _call(self, node: Call) -> Any:
        if node.function == "isDefined":
            return find(node.arguments[0], self._scope)[0]
        assert node.target is not None
        target = self.value(node.target)
        if node.function == "empty":
            return target is None or target == "" or (isinstance(target, (list, tuple, Mapping)) and not target)
        if target is None:
            raise ExpressionError(f"'{node.function}' is called on null.")
        return _method(node.function, target, [self.value(item) for item in node.arguments])


def _method(name: str, target: Any, given: list[Any]) -> Any:
    if name == "equals":
        return type(target) is type(given[0]) and target == given[0]
    if isinstance(target, (list, tuple)):
        lists: dict[str, Callable[..., Any]] = {
            "count": lambda: len(target),
            "isEmpty": lambda: not target,
            "contains": lambda item: item in target,
        }
        if name in lists:
            return lists[name](*given)
    if isinstance(target, str) and all(isinstance(item, str) for item in given):
        texts: dict[str, Callable[..., Any]] = {
            "contains": lambda part: part in target,
            "startsWith": target.startswith,
            "endsWith": target.endswith,
            "isEmpty": lambda: target == "",
            "size": lambda: len(target),
            "upperAscii": target.upper,
            "lowerAscii": target.lower,
            "trim": target.strip,
        }
        if name in texts:
            return texts[name](*given)
    raise ExpressionError(f"{kind_of(target)} has no method that '{name}' stands for.")


def to_boolean(value: Any) -> bool:
    """Return a value as a boolean: null and "" are false, texts are true when they say so."""
    if isinstance(value, bool):
        return value
    if value is None or value == "":
        return False
    if isinstance(value, str):
        return value.lower() == "true"
    raise ExpressionError(f"{kind_of(value)} cannot stand for true or false.")


def to_number(value: Any) -> int | float:
    """Return a value as a number: null and "" are 0, texts are read."""
    if value is None or value == "":
        return 0
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            number = float(value) if any(sign in value for sign in ".eE") else int(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise ExpressionError(f"{kind_of(value)} cannot stand for a number.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """Return whether two values are the same after EL's coercions (section 1.8.2)."""
    if left is None or right is None:
        return left is right
    if _is_number(left) or _is_number(right):
        return to_number(left) == to_number(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return to_boolean(left) == to_boolean(right)
    if isinstance(left, str) or isinstance(right, str):
        return _as_text(left) == _as_text(right)
    return bool(left == right)


def ordered(sign: str, left: Any, right: Any) -> bool:
    """Return a comparison by size (section 1.8.1): with null it is false, unless both are null and equality counts."""
    if left is None or right is None:
        return left is right and sign in ("<=", ">=")
    if _is_number(left) or _is_number(right):
        left, right = to_number(left), to_number(right)
    elif isinstance(left, str) or isinstance(right, str):
        left, right = _as_text(left), _as_text(right)
    elif type(left) is not type(right) or not isinstance(left, (date, datetime, timedelta)):
        raise ExpressionError(f"{kind_of(left)} and {kind_of(right)} have no order.")
    results = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return bool(results[sign])


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ExpressionError(f"{kind_of(value)} is compared with a text.")


def arithmetic(sign: str, left: Any, right: Any) -> int | float:
    """Return left sign right (section 1.7): null counts as 0, `/` gives a decimal."""
    if left is None and right is None:
        return 0
    first, second = to_number(left), to_number(right)
    try:
        if sign == "/":
            return float(first) / float(second)
        if sign == "%":
            whole = isinstance(first, int) and isinstance(second, int)
            rest = math.fmod(first, second)
            return abs(first) % abs(second) * (-1 if first < 0 else 1) if whole else rest
        result = first + second if sign == "+" else first - second if sign == "-" else first * second
    except (ZeroDivisionError, ValueError, OverflowError):
        raise ExpressionError(f"'{sign}' has no result here.") from None
    if isinstance(result, int) and not -(2**63) <= result < 2**63:
        raise ExpressionError("the result is beyond 64-bit integers.")
    return result
