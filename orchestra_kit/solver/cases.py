"""A value as a solver sees it: the kinds it may have, each with the condition under which it has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import z3

from orchestra_kit.solver.kinds import NUMBERS, Kind

Formula = Any
"""A z3 term; the library has no types."""

YES: Formula = z3.BoolVal(True)
NO: Formula = z3.BoolVal(False)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind a value may have. The guards of all cases of a value exclude each other, and one of them holds."""

    guard: Formula
    kind: Kind
    term: Formula = None


Cases = tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """When a value is true, when false, and when it stops the engine with an error; else it is null."""

    true: Formula
    false: Formula
    error: Formula


def one(kind: Kind, term: Formula = None) -> Cases:
    """Return a value of one kind."""
    return (Case(YES, kind, term),)


NULL: Cases = one(Kind.NULL)
ERROR: Cases = one(Kind.ERROR)


# What is known is always one of the two constants above, so that it can be told without asking the library.


def truth_of(value: bool) -> Formula:
    """Return a constant."""
    return YES if value else NO


def both(left: Formula, right: Formula) -> Formula:
    """Return a conjunction, without what is known."""
    if left is YES or right is NO:
        return right
    return left if right is YES or left is NO else z3.And(left, right)


def either(left: Formula, right: Formula) -> Formula:
    """Return a disjunction, without what is known."""
    if left is NO or right is YES:
        return right
    return left if right is NO or left is YES else z3.Or(left, right)


def negated(formula: Formula) -> Formula:
    """Return a negation, without what is known."""
    if formula is YES:
        return NO
    return YES if formula is NO else z3.Not(formula)


def merged(found: Iterable[Case]) -> Cases:
    """Return cases with one for each kind; those that cannot be are left out."""
    kept: dict[Kind, Case] = {}
    for case in found:
        if case.guard is NO:
            continue
        before = kept.get(case.kind)
        if before is None:
            kept[case.kind] = case
        else:
            term = None if case.term is None else z3.If(before.guard, before.term, case.term)
            kept[case.kind] = Case(either(before.guard, case.guard), case.kind, term)
    return tuple(kept.values())


def mapped(value: Cases, rule: Callable[[Case], Cases]) -> Cases:
    """Return what a rule makes of each case; errors pass through."""
    found: list[Case] = []
    for case in value:
        results = ERROR if case.kind is Kind.ERROR else rule(case)
        found += [Case(both(case.guard, item.guard), item.kind, item.term) for item in results]
    return merged(found)


def combined(left: Cases, right: Cases, rule: Callable[[Case, Case], Cases]) -> Cases:
    """Return what a rule makes of each pair of cases; errors pass through."""
    found: list[Case] = []
    for first in left:
        for second in right:
            failed = Kind.ERROR in (first.kind, second.kind)
            results = ERROR if failed else rule(first, second)
            guard = both(first.guard, second.guard)
            found += [Case(both(guard, item.guard), item.kind, item.term) for item in results]
    return merged(found)


def boolean(term: Formula) -> Cases:
    """Return a boolean value."""
    return one(Kind.BOOL, term)


def of_truth(truth: Truth) -> Cases:
    """Return a value that is true, false, an error or null."""
    known = either(truth.true, truth.false)
    empty = negated(either(known, truth.error))
    return merged([Case(known, Kind.BOOL, truth.true), Case(empty, Kind.NULL), Case(truth.error, Kind.ERROR)])


def chosen(condition: Formula, then: Cases, otherwise: Cases) -> Cases:
    """Return one value or the other."""
    return merged(
        [Case(both(condition, item.guard), item.kind, item.term) for item in then]
        + [Case(both(negated(condition), item.guard), item.kind, item.term) for item in otherwise]
    )


def as_real(case: Case) -> Formula:
    """Return a number as a real."""
    return z3.ToReal(case.term) if case.kind is Kind.INT else case.term


def numbers(first: Case, second: Case) -> tuple[Formula, Formula, Kind]:
    """Return two numbers in one sort, and their kind."""
    if first.kind is second.kind:
        return first.term, second.term, first.kind
    return as_real(first), as_real(second), Kind.DECIMAL


def are_numbers(first: Case, second: Case) -> bool:
    """Return True when both cases are numbers."""
    return first.kind in NUMBERS and second.kind in NUMBERS
