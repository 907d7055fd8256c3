"""Symbols called free may have any value, or none: told only where the language itself does not look at them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from small_languages import FLAGS, NUMBERS, TEXTS, Written, conditions

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.conditions import Dialect, Guard, read_as
from orchestra_kit.expressions.deciding import holds
from orchestra_kit.expressions.native import native_scope
from orchestra_kit.expressions.references import references_of
from orchestra_kit.solver import open_solver
from orchestra_kit.solver.parts import joined
from orchestra_kit.solver.reliance import relied_on
from orchestra_kit.spi.solver import Definition, Requirement, SolveOutcome, SolveRequest, Symbol, Verdict

SOLVER = open_solver()
_ABSENT = object()
_ANY = [_ABSENT, None, True, False, 0, 7, 2.5, "", "true", "x", [], [1, "x"], {}, {"n": 1}]
_FITTING: dict[str, list[Any]] = {name: [-1, 0, 4, 11, None] for name in NUMBERS}
_FITTING |= {name: ["", "x", "yes", None] for name in TEXTS} | {name: [True, False, None] for name in FLAGS}


def _solve(dialect: Dialect, *texts: tuple[str, bool], **further: Any) -> SolveOutcome:
    asked = tuple(
        Requirement(id=f"c{number}", text=text, dialect=dialect, holds=wanted)
        for number, (text, wanted) in enumerate(texts)
    )
    return SOLVER.solve(SolveRequest(requirements=asked, **further))


@pytest.mark.parametrize(
    "dialect, texts, free",
    [
        (Dialect.FEEL, [("= a = null", True)], ()),
        (Dialect.FEEL, [("= a = null", True), ("= a != null and b > 1", False)], ("b",)),
        (Dialect.FEEL, [("= b > 1 and a > 5", False), ("= a = 1", True)], ("b",)),
        (Dialect.FEEL, [("= not(is defined(x))", True)], ()),
        (Dialect.FEEL, [("= x > 5", False)], ()),
        (Dialect.FEEL, [('= matches(x, "(a+)+$")', False)], ()),
        (Dialect.FEEL, [("= if a then b > 1 else c > 1", True), ("= a", True)], ("c",)),
        (Dialect.FEEL, [("= (if a then b else c) > 1", True), ("= a", False)], ("b",)),
        (Dialect.FEEL, [("= a > 1 or b > 1", True), ("= a > 1", True)], ("b",)),
        (Dialect.FEEL, [("= a > 1 or b > 1", True), ("= a > 1", True), ("= b > 3", False)], ()),
        (Dialect.JUEL, [("${a > 1 or b > 1}", True), ("${a > 1}", True)], ("b",)),
        (Dialect.JUEL, [("${b > 1 or a > 1}", True), ("${a > 1}", True)], ()),
        (Dialect.JUEL, [("${a == null}", True)], ()),
        (Dialect.JUEL, [("${empty a}", True)], ()),
        (Dialect.JUEL, [("${a ? b > 1 : c > 1}", True), ("${a}", False)], ("b",)),
        (Dialect.CEL, [("b > 1 && a > 1", False), ("a == 1", True)], ("b",)),
        (Dialect.CEL, [('size(items) > 2 && "a" in items', False)], ()),
        (Dialect.CEL, [("x == null", True)], ()),
    ],
)
def test_free_is_what_no_condition_looks_at(
    dialect: Dialect, texts: list[tuple[str, bool]], free: tuple[str, ...]
) -> None:
    found = _solve(dialect, *texts)
    assert (found.verdict, found.free) == (Verdict.SATISFIABLE, free), found


def test_of_two_that_make_up_for_each_other_only_one_is_free() -> None:
    given_ = (Symbol(name="a", candidates=(9,)), Symbol(name="b", candidates=(9,)))
    found = _solve(Dialect.FEEL, ("= a > 1 or b > 1", True), symbols=given_)
    assert (found.values, found.free) == ({"a": 9, "b": 9}, ("b",))


def test_what_must_not_be_there_is_told_and_what_must_be_null_is_a_value() -> None:
    assert _solve(Dialect.FEEL, ("= a = null", True)).values == {"a": None}
    assert _solve(Dialect.FEEL, ("= a = null", True)).absent == ()
    assert _solve(Dialect.FEEL, ("= not(is defined(x))", True)).absent == ("x",)
    found = _solve(Dialect.CEL, ("has(order.note)", False), ("order.n == 3", True))
    assert (found.values, found.absent) == ({"order": {"n": 3}}, ("order.note",))


def test_what_must_be_absent_on_one_side_of_a_limit_is_not_given_the_first_value() -> None:
    outcomes = [
        SolveOutcome(verdict=Verdict.SATISFIABLE, values={"x": 1, "n": 1}, variants=({"requirement": "r", "comparison": "n > 0", "offset": 1, "values": {"n": 2}},)),
        SolveOutcome(verdict=Verdict.SATISFIABLE, values={"y": 5}),
    ]  # fmt: skip
    (variant,) = joined(outcomes, 24).variants
    assert variant.values == {"n": 2, "y": 5}


def test_what_is_computed_and_what_it_is_computed_from_is_not_free() -> None:
    doubled = Definition(id="d", symbol="y", root="y", text="= x * 2", dialect=Dialect.FEEL, bind={"x": "x"})
    found = _solve(Dialect.FEEL, ("= a > 1 or y > 8 or z > 1", True), ("= a > 1", True), definitions=(doubled,))
    assert found.free == ("z",)


def _nulls(name: str) -> Written:
    return Written(f"({name} = null)", f"({name} == null)", f"({name} == null)", "")


def _joined(left: Written, sign: str, right: Written) -> Written:
    cel = {"and": "&&", "or": "||"}[sign]
    return Written(
        f"({left.feel} {sign} {right.feel})", f"({left.juel} {sign} {right.juel})", f"({left.cel} {cel} {right.cel})", ""
    )  # fmt: skip


_leaves = conditions | st.sampled_from([*NUMBERS, *TEXTS, *FLAGS]).map(_nulls)
_paths = st.lists(
    st.tuples(st.builds(_joined, _leaves, st.sampled_from(["and", "or"]), _leaves), st.booleans()), min_size=1, max_size=3
)  # fmt: skip
_DIALECTS = st.sampled_from([Dialect.FEEL, Dialect.XPATH, Dialect.JUEL, Dialect.CEL])


def _guard(written: Written, dialect: Dialect) -> Guard:
    texts = {Dialect.JUEL: f"${{{written.juel}}}", Dialect.CEL: written.cel}
    text = texts.get(dialect, f"= {written.feel}")
    return Guard(text=text, dialect=dialect, tree=read_as(text, dialect))


def _outcome(guard: Guard, scope: dict[str, Any]) -> bool | None:
    try:
        return holds(guard, {name: value for name, value in scope.items() if value is not _ABSENT})
    except ExpressionError:
        return None


@settings(max_examples=200, deadline=None)
@given(_paths, _DIALECTS)
def test_no_value_of_free_symbols_changes_the_outcome_of_any_condition(
    written: list[tuple[Written, bool]], dialect: Dialect
) -> None:
    guards = [(_guard(item, dialect), wanted) for item, wanted in written]
    found = _solve(dialect, *((guard.text, wanted) for guard, wanted in guards), boundaries=False)
    if found.verdict is not Verdict.SATISFIABLE:
        return
    base = native_scope(found.values, found.kinds, {name: name for name in found.values})
    for values in product(_ANY, repeat=min(2, len(found.free))):
        scope = base | dict(zip(found.free, values, strict=False))
        for guard, wanted in guards:
            assert _outcome(guard, scope) is wanted, (guard.text, scope, found.free)


@settings(max_examples=200, deadline=None)
@given(st.builds(_joined, _leaves, st.sampled_from(["and", "or"]), _leaves), _DIALECTS, st.data())
def test_a_condition_keeps_its_outcome_while_what_it_relies_on_keeps_its_value(
    written: Written, dialect: Dialect, data: st.DataObject
) -> None:
    guard = _guard(written, dialect)
    names = sorted({reference.root for reference in references_of(guard.tree)})
    scope = {name: data.draw(st.sampled_from(_FITTING[name]), label=name) for name in names}
    first = _outcome(guard, scope)
    if first is None:
        return
    there = {name: value for name, value in scope.items() if value is not _ABSENT}
    others = [name for name in names if name not in relied_on(guard.tree, dialect, there)]
    for values in product(_ANY, repeat=min(2, len(others))):
        assert _outcome(guard, scope | dict(zip(others, values, strict=False))) is first, (guard.text, scope, others)
