"""The solver against trying everything: what it finds holds, what it calls impossible is, and why it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from small_languages import FLAGS, NUMBERS, TEXTS, Written, conditions

from orchestra_kit.errors import ExpressionError, LimitError
from orchestra_kit.expressions.conditions import Dialect, Guard, read_as, read_guard
from orchestra_kit.expressions.deciding import holds
from orchestra_kit.expressions.native import native_scope
from orchestra_kit.expressions.references import references_of
from orchestra_kit.solver import open_solver
from orchestra_kit.spi.solver import Definition, Requirement, SolveOutcome, SolveRequest, Symbol, Verdict

SOLVER = open_solver()


def _requirements(*texts: str | tuple[str, bool]) -> tuple[Requirement, ...]:
    made = []
    for number, item in enumerate(texts):
        text, wanted = (item, True) if isinstance(item, str) else item
        made.append(Requirement(id=f"c{number}", text=text, dialect=read_guard(text).dialect, holds=wanted))
    return tuple(made)


def _solve(*texts: str | tuple[str, bool], **further: Any) -> SolveOutcome:
    return SOLVER.solve(SolveRequest(requirements=_requirements(*texts), **further))


@pytest.mark.parametrize(
    "texts, values",
    [
        (['= amount > 100 and status = "x"'], {"amount": 101, "status": "x"}),
        (["= x = null"], {"x": None}),
        (["= not(is defined(x))"], {}),
        (["= a + b = 10 and a - b = 4"], {"a": 7, "b": 3}),
        (["= 0.1 + x = 0.3"], {"x": 0.2}),
        (["= order.total > 5"], {"order": {"total": 6}}),
        (["= items[1].price > 3"], {"items": [{"price": 4}]}),
        (["= count(things) > 2"], {"things": [1, 2, 3]}),
        (['= upper case(c) = "STOP"', '= c != "STOP"', '= c in ("stop", "halt")'], {"c": "stop"}),
        (['= due > date("2026-12-31")'], {"due": "2027-01-01"}),
        (['= date(due) > date("2026-12-31")'], {"due": "2027-01-01"}),
        (['= wait > duration("P2D")'], {"wait": "P3D"}),
        (["${empty x}"], {"x": ""}),
        (["${x == 'true'}", "${x}"], {"x": True}),
        (["n / 2 == 3 && n % 2 == 1"], {"n": 7}),
        (['name.startsWith("Qu") && size(name) == 2'], {"name": "Qu"}),
        (['= name = "Zürich\\\\"'], {"name": "Zürich\\"}),
    ],
)
def test_values_are_small_and_as_people_write_them(texts: list[str], values: dict[str, Any]) -> None:
    found = _solve(*texts)
    assert (found.verdict, found.values) == (Verdict.SATISFIABLE, values)


@pytest.mark.parametrize(
    "texts, core",
    [
        (["= amount > 100", "= status = 1", "= amount < 50"], ("c0", "c2")),
        (["= x > 5 and x < 3"], ("c0",)),
        (["= order = null", "= order.total > 5"], ("c0", "c1")),
        (['= x in ("a", "b")', '= x = "c"', "= y > 1"], ("c0", "c1")),
        (["= a > b", "= b > c", "= c > a"], ("c0", "c1", "c2")),
        (['= upper case(x) = "abc"'], ("c0",)),
        (["x == null && x > 5"], ("c0",)),
        (["${x == null}", "${x > 5}"], ("c0", "c1")),
        (["${x > 5}", ("${x > 4}", False)], ("c0", "c1")),
        (['= due < date("2026-01-01")', '= due > date("2025-12-31")'], ("c0", "c1")),
        (["= string length(s) < 2", '= starts with(s, "abc")'], ("c0", "c1")),
        (["= 2 * x = 7", "= floor(x) = x"], ("c0", "c1")),
    ],
)
def test_a_conflict_names_the_conditions_that_cannot_all_hold(texts: list[Any], core: tuple[str, ...]) -> None:
    found = _solve(*texts)
    assert (found.verdict, found.core) == (Verdict.UNSATISFIABLE, core)


def test_null_makes_neither_a_comparison_nor_its_opposite_true_in_feel() -> None:
    assert _solve(("= x > 5", False), ("= x <= 5", False)).values == {"x": None}
    assert _solve(("${x > 5}", False), ("${x <= 5}", False)).values == {"x": None}
    assert _solve(("x > 5 && true", False), ("x <= 5 && true", False)).verdict is Verdict.UNSATISFIABLE
    required = (Symbol(name="x", required=True),)
    assert _solve(("= x > 5", False), ("= x <= 5", False), symbols=required).verdict is Verdict.UNSATISFIABLE


def test_given_candidates_are_taken_before_others() -> None:
    found = _solve("= amount > 100", symbols=(Symbol(name="amount", candidates=(50, 777)),))
    assert found.values == {"amount": 777}


def test_a_variable_has_a_value_for_each_of_its_versions() -> None:
    requirements = (
        Requirement(id="first", text="= x > 5", dialect=Dialect.FEEL, bind={"x": "x"}),
        Requirement(id="later", text="= x > 5", dialect=Dialect.FEEL, holds=False, bind={"x": "x_2"}),
    )
    found = SOLVER.solve(SolveRequest(requirements=requirements))
    assert found.values["x"] > 5 >= found.values["x_2"]


def test_a_computed_symbol_has_the_value_of_its_expression() -> None:
    doubled = Definition(id="d", symbol="y", root="y", text="= x * 2", dialect=Dialect.FEEL, bind={"x": "x"})
    found = SOLVER.solve(SolveRequest(requirements=_requirements("= y = 8"), definitions=(doubled,)))
    assert found.values == {"x": 4, "y": 8}
    refuted = SOLVER.solve(SolveRequest(requirements=_requirements("= y = 8", "= x = 5"), definitions=(doubled,)))
    assert refuted.core == ("c0", "c1", "d")


def test_values_around_a_limit_stay_on_the_path() -> None:
    found = _solve("= amount >= 100 and amount < 200")
    offsets = {(variant.comparison, variant.offset): variant.values["amount"] for variant in found.variants}
    assert found.values == {"amount": 100}
    assert offsets == {("amount >= 100", 1): 101, ("amount < 200", -1): 199}
    assert _solve("= amount >= 100", boundaries=False).variants == ()


def test_limits_of_dates_and_decimals_have_their_own_steps() -> None:
    assert {item.values["due"] for item in _solve('= due <= date("2026-06-30")').variants} == {"2026-06-29"}
    assert {item.values["rate"] for item in _solve("= rate > 0.25 and rate < 0.75").variants} == {0.26, 0.74}


@pytest.mark.parametrize(
    "text",
    [
        "= a*a*a + b*b*b = c*c*c and a > 0 and b > 0 and c > 0",
        "= a * a = 2",
        "${0.1 + x == 0.3}",
        '= matches(x, "^[0-9]+$") and string length(x) > 3',
        "= 1 in things",
    ],
)
def test_what_is_too_hard_is_said_and_never_guessed(text: str) -> None:
    found = _solve(text, time_limit=1.0)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason


def test_the_same_request_gets_the_same_answer() -> None:
    texts = ['= a + b > 10 and s != t and starts with(s, "q")', "= a * 3 < b"]
    assert _solve(*texts) == _solve(*texts)


def test_request_and_outcome_survive_a_json_round_trip() -> None:
    request = SolveRequest(requirements=_requirements("= amount > 100", '= due > date("2026-01-01")'))
    again = SolveRequest.model_validate_json(json.dumps(request.to_json()))
    assert again == request
    outcome = SOLVER.solve(again)
    assert SolveOutcome.model_validate_json(json.dumps(outcome.to_json())) == outcome


def test_a_request_beyond_the_size_limit_is_refused() -> None:
    with pytest.raises(LimitError):
        _solve(*["= x > 1"] * 501)
    with pytest.raises(ExpressionError):
        SOLVER.solve(SolveRequest(requirements=(Requirement(id="x", text="= x >", dialect=Dialect.FEEL),)))


_DOMAIN = {name: [None, 0, 4, 11] for name in NUMBERS} | {name: [None, "", "x", "yes"] for name in TEXTS}
_DOMAIN |= {name: [None, True, False] for name in FLAGS}


def _fences(dialect: Dialect, names: list[str]) -> list[Requirement]:
    """Return requirements that keep each variable in the domain."""
    made = []
    for name in names:
        items = ["null" if item is None else json.dumps(item) for item in _DOMAIN[name]]
        equal, either = ("=", " or ") if dialect is Dialect.FEEL else ("==", " || ")
        if dialect is Dialect.JUEL and name in FLAGS:
            text = f"{name} == null || {name} || !{name}"
        else:
            text = either.join(f"{name} {equal} {item}" for item in items)
        text = f"= {text}" if dialect is Dialect.FEEL else f"${{{text}}}" if dialect is Dialect.JUEL else text
        made.append(Requirement(id=f"in {name}", text=text, dialect=dialect))
    return made


def _possible(guard: Guard, wanted: bool, names: list[str]) -> bool:
    for values in product(*(_DOMAIN[name] for name in names)):
        try:
            if holds(guard, dict(zip(names, values, strict=True))) is wanted:
                return True
        except ExpressionError:
            continue
    return False


@settings(max_examples=150, deadline=None)
@given(conditions, st.sampled_from([Dialect.FEEL, Dialect.JUEL, Dialect.CEL]), st.booleans())
def test_the_solver_agrees_with_trying_every_value(written: Written, dialect: Dialect, wanted: bool) -> None:
    text = {
        Dialect.FEEL: f"= {written.feel}", Dialect.JUEL: f"${{{written.juel}}}", Dialect.CEL: written.cel,
    }[dialect]  # fmt: skip
    guard = Guard(text=text, dialect=dialect, tree=read_as(text, dialect))
    names = sorted({reference.root for reference in references_of(guard.tree)})
    assume(len(names) <= 4)
    asked = Requirement(id="asked", text=text, dialect=dialect, holds=wanted)
    found = SOLVER.solve(SolveRequest(requirements=(asked, *_fences(dialect, names)), boundaries=False))
    possible = _possible(guard, wanted, names)
    if found.verdict is Verdict.SATISFIABLE:
        assert holds(guard, native_scope(found.values, found.kinds, {name: name for name in names})) is wanted
        assert possible
    elif found.verdict is Verdict.UNSATISFIABLE:
        assert not possible
    else:
        assert found.reason and "* " in text  # only products of variables may be too hard


@settings(max_examples=60, deadline=None)
@given(st.lists(conditions, min_size=2, max_size=6))
def test_a_core_is_a_conflict_and_none_of_it_can_be_left_out(written: list[Written]) -> None:
    requirements = _requirements(*(f"= {item.feel}" for item in written))
    found = SOLVER.solve(SolveRequest(requirements=requirements, boundaries=False))
    assume(found.verdict is Verdict.UNSATISFIABLE)
    core = [item for item in requirements if item.id in found.core]
    again = SOLVER.solve(SolveRequest(requirements=tuple(core), context=(), boundaries=False))
    assert again.verdict is Verdict.UNSATISFIABLE
    for left_out in core:
        rest = tuple(item for item in core if item is not left_out)
        if rest:
            assert SOLVER.solve(SolveRequest(requirements=rest, boundaries=False)).verdict is not Verdict.UNSATISFIABLE


def test_without_z3_the_answer_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['z3'] = None\n"
        "from orchestra_kit.errors import CannotJudgeError\n"
        "from orchestra_kit.solver import open_solver\n"
        "try: open_solver()\n"
        "except CannotJudgeError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "pip install 'orchestra_kit[solver]'" in run.stdout


def test_the_solver_is_imported_by_nothing_but_its_own_folder() -> None:
    program = "import orchestra_kit.cli, orchestra_kit.design.conditions, sys; print('z3' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "False"
