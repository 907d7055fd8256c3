"""What each language has of its own (null, division, dates, coercion), solver against trying every value of a small domain."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.conditions import Dialect, Guard, read_as
from orchestra_kit.expressions.deciding import holds
from orchestra_kit.expressions.native import native_scope
from orchestra_kit.expressions.references import references_of
from orchestra_kit.solver import open_solver
from orchestra_kit.spi.solver import Requirement, SolveRequest, Verdict

SOLVER = open_solver()
_DAYS = ["2026-01-31", "2026-02-28", "2026-03-01"]
_DOMAIN: dict[str, list[Any]] = {
    "a": [None, -7, 0, 3, 4], "b": [None, -2, 0, 2], "s": [None, "", "ab", "AB", "abc"], "f": [None, True, False],
    "d": [None, *_DAYS], "w": [None, "P0D", "P1D", "PT36H"],
}  # fmt: skip
_KINDS = {"d": "date", "w": "duration"}


def _leaf(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


def _grown(leaves: st.SearchStrategy[str], shapes: list[str]) -> st.SearchStrategy[str]:
    def more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(
            lambda shape, one, two, three: shape.format(one, two, three), st.sampled_from(shapes), inner, inner, inner
        )

    return st.recursive(leaves, more, max_leaves=4)


def _sized(numbers: st.SearchStrategy[str], signs: list[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda left, sign, right: f"({left} {sign} {right})", numbers, st.sampled_from(signs), numbers)


_FEEL_NUMBERS = _grown(
    _leaf("a", "b", "1", "3", "0.5", "string length(s)", "null"),
    [
        "({} + {})",
        "({} - {})",
        "({} / {})",
        "modulo({}, {})",
        "(2 * {})",
        "abs({})",
        "floor({} / 2)",
        "min({}, {})",
        "(if f then {} else {})",
    ],
)
_FEEL_DAYS = _grown(
    _leaf("d", *(f'date("{day}")' for day in _DAYS)),
    ['({} + duration("P1D"))', "({} - w)", "(w + {})", "(if f then {} else {})"],
)
_FEEL_BOOLEANS = st.one_of(
    _sized(_FEEL_NUMBERS, ["<", "<=", ">", ">=", "=", "!="]),
    _sized(_FEEL_DAYS, ["<", "<=", ">", ">=", "=", "!="]),
    st.builds(lambda left, right: f"({left} - {right} > w)", _FEEL_DAYS, _FEEL_DAYS),
    st.builds(lambda value, low: f"({value} in [{low}..3])", _FEEL_NUMBERS, _leaf("0", "b")),
    st.builds(lambda value: f"({value} in (null, 3, < b))", _FEEL_NUMBERS),
    _leaf(
        "f",
        "(f = null)",
        "(s = null)",
        '(s < "abc")',
        '(s + "c" = "abc")',
        'contains(s, "b")',
        '(upper case(s) = "AB")',
    ),
    _leaf('(a = "ab")', '(w < duration("P2D"))', "(is defined(a) and a > 1)", "(s != null and string length(s) > 2)"),
)
_FEEL = _grown(_FEEL_BOOLEANS, ["({} and {})", "({} or {})", "not({})", "(if {} then {} else {})", "({} = {})"])

_EL_NUMBERS = _grown(
    _leaf("a", "b", "1", "3", "0.5", "null"),
    ["({} + {})", "({} - {})", "({} / 2)", "({} % 3)", "(-{})", "(f ? {} : {})"],
)
_EL_BOOLEANS = st.one_of(
    _sized(_EL_NUMBERS, ["<", "le", ">", "ge", "==", "!="]),
    _leaf(
        "f",
        "empty s",
        "(s == 'ab')",
        "(s eq null)",
        "(f == null)",
        "s.startsWith('a')",
        "(s.length() > 2)",
        "s.equals('AB')",
    ),
    _leaf("(f == 'true')", "(s < 'abc')", "(s ? f : !f)"),
)
_EL = _grown(_EL_BOOLEANS, ["({} && {})", "({} || {})", "(not {})", "({} ? {} : {})", "({} == {})"])

_CEL_NUMBERS = _grown(
    _leaf("a", "b", "1", "3"), ["({} + {})", "({} - {})", "({} / 2)", "({} % 3)", "({} / b)", "(f ? {} : {})"]
)
_CEL_BOOLEANS = st.one_of(
    _sized(_CEL_NUMBERS, ["<", "<=", ">", ">=", "==", "!="]),
    _leaf(
        "f",
        "(s == null)",
        "(s == 'ab')",
        "s.contains('b')",
        "(size(s) > 2)",
        "(a in [3, 4])",
        "(a == null)",
        "(s != 'x')",
    ),
)
_CEL = _grown(_CEL_BOOLEANS, ["({} && {})", "({} || {})", "(!{})", "({} ? {} : {})"])


def _fence(dialect: Dialect, name: str) -> Requirement:
    """Return a requirement that keeps a variable in its domain."""
    items = []
    for value in _DOMAIN[name]:
        text = "null" if value is None else json.dumps(value)
        items.append(f"{_KINDS[name]}({text})" if name in _KINDS and value is not None else text)
    equal, either = ("=", " or ") if dialect is Dialect.FEEL else ("==", " || ")
    text = either.join(f"{name} {equal} {item}" for item in items)
    if name == "f" and dialect is Dialect.JUEL:
        text = "f == null || f || !f"
    text = f"= {text}" if dialect is Dialect.FEEL else f"${{{text}}}" if dialect is Dialect.JUEL else text
    return Requirement(id=f"in {name}", text=text, dialect=dialect)


def _possible(guard: Guard, wanted: bool, names: list[str]) -> bool:
    for values in product(*(_DOMAIN[name] for name in names)):
        scope = native_scope(dict(zip(names, values, strict=True)), _KINDS, {name: name for name in names})
        try:
            if holds(guard, scope) is wanted:
                return True
        except ExpressionError:
            continue
    return False


def _compare(text: str, dialect: Dialect, wanted: bool) -> None:
    guard = Guard(text=text, dialect=dialect, tree=read_as(text, dialect))
    names = sorted({reference.root for reference in references_of(guard.tree)})
    assume(names and len(names) <= 4)
    asked = Requirement(id="asked", text=text, dialect=dialect, holds=wanted)
    fences = tuple(_fence(dialect, name) for name in names)
    found = SOLVER.solve(SolveRequest(requirements=(asked, *fences), boundaries=False))
    possible = _possible(guard, wanted, names)
    if found.verdict is Verdict.SATISFIABLE:
        scope = native_scope(found.values, found.kinds, {name: name for name in names})
        assert holds(guard, scope) is wanted
        # EL's coercions let values through its fence that are outside the domain, such as "TRUE" for true.
        inside = all(found.values.get(name) in _DOMAIN[name] for name in names)
        assert possible or not inside, found.values
    elif found.verdict is Verdict.UNSATISFIABLE:
        assert not possible, "the solver refuted what some values make true"


@settings(max_examples=150, deadline=None)
@given(_FEEL, st.booleans())
def test_feel_in_the_solver_is_feel(text: str, wanted: bool) -> None:
    _compare(f"= {text}", Dialect.FEEL, wanted)


@settings(max_examples=150, deadline=None)
@given(_EL, st.booleans())
def test_el_in_the_solver_is_el(text: str, wanted: bool) -> None:
    _compare(f"${{{text}}}", Dialect.JUEL, wanted)


@settings(max_examples=150, deadline=None)
@given(_CEL, st.booleans())
def test_cel_in_the_solver_is_cel(text: str, wanted: bool) -> None:
    _compare(text, Dialect.CEL, wanted)
