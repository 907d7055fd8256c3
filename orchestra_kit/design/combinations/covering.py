"""Rows of test values in which every two values of different factors meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from .bounds import bound_of, pairs_bound
from .feasibility import Assignment, Feasibility, Symbols, members, required_pairs
from .fields import next_prime_power, prime_power, product_array
from .inclusive import inclusive_rows
from .searching import add_greedy_rows, anneal, repair
from .starters import developed_array
from .working import WorkingArray

Values = tuple[int, ...]

_SEED = 12
_ANNEAL_SEED = 2
_GREEDY_TRIES = 3
_MANY_PAIRS = 5_000
_MOST_WIDER = 4  # factors with more values than an array has: left to the search
_REPAIR_STEPS = 4_000
_ANNEAL_STEPS_A_PAIR = 60
_MOST_ANNEAL_STEPS = 800_000
# Starting and final temperature: factors of many values need it cool, many factors of few values warm.
_FEW_VALUES = 5
_WARM, _COOL = (0.5, 0.27), (0.25, 0.2)


def pairwise(
    levels: Sequence[int],
    *,
    forbidden: Iterable[Sequence[Assignment]] = (),
    given: Iterable[Sequence[int]] = (),
) -> tuple[Values, ...]:
    """Return rows of one value index a factor in which every feasible pair of values of two factors occurs.

    `levels` says how many values each factor has. No row holds all (factor, value) of a `forbidden` combination, and pairs that
    this makes impossible are not asked for. What rows `given` already hold need not occur again; they are not repeated in the
    answer. The answer is the same at every call.

    All binary: the optimal rows of `inclusive_rows`. Else the smallest of an orthogonal or product array with values merged, an
    array developed by a group, and a greedy one, from which rows are taken for as long as a bounded search can mend the rest.
    """
    symbols = Symbols(levels)
    feasibility = Feasibility(symbols, forbidden)
    known = [symbols.bits(row) for row in given]
    if not levels:
        return () if known else ((),)
    if not feasibility.nogoods and not known and all(size == 2 for size in levels) and len(levels) > 1:
        return tuple(tuple(int(value) for value in row) for row in inclusive_rows(len(levels), default=True))
    required = required_pairs(feasibility)
    for row in known:
        for symbol in members(row):
            required[symbol] &= ~row
    rows = _least_rows(feasibility, required, plain=not feasibility.nogoods and not known)
    if not known:
        rows = _with_single_values(feasibility, rows)
    return tuple(tuple(symbols.values(row)) for row in rows)


def _least_rows(feasibility: Feasibility, required: list[int], *, plain: bool) -> list[int]:
    enough = bound_of(feasibility, required) if plain else pairs_bound(feasibility.symbols, required)
    best: list[int] | None = None
    for start in _starts(feasibility, required, plain=plain):
        rows = _shortened(feasibility, required, start, Random(_SEED), least=enough)  # noqa: S311 repeatable, not secret
        if rows is not None and (best is None or len(rows) < len(best)):
            best = rows
        if best is not None and len(best) <= enough:
            return best
    if best is None:
        raise AssertionError("the greedy rows are always there")
    return _annealed(feasibility, required, best, least=enough)


def _starts(feasibility: Feasibility, required: list[int], *, plain: bool) -> Iterable[list[int]]:
    """Yield arrays to begin with, not necessarily complete: greedy ones, then algebraic ones that have no more rows."""
    fewest = None
    pairs = sum(others.bit_count() for others in required) // 2
    for attempt in range(_GREEDY_TRIES if pairs < _MANY_PAIRS else 1):
        array = WorkingArray(feasibility, required)
        add_greedy_rows(array, Random(_SEED + attempt))  # noqa: S311
        fewest = len(array.rows) if fewest is None else min(fewest, len(array.rows))
        yield array.rows
    if plain and fewest is not None:
        yield from _algebraic_starts(feasibility.symbols, fewest)


def _algebraic_starts(symbols: Symbols, fewest: int) -> Iterable[list[int]]:
    sizes = sorted(set(symbols.levels) - {1})
    orders = sorted({next_prime_power(size) for size in sizes} | {size for size in sizes if prime_power(size)})
    for q in orders:
        wide = sum(1 < size <= q for size in symbols.levels)
        wider = sum(size > q for size in symbols.levels)
        if q * q <= fewest and wide and wider <= _MOST_WIDER:
            rows = product_array(q, wide)
            while len(rows) > fewest and len(rows[0]) > q + 1:  # a narrower product; the search fills the other columns
                rows = product_array(q, (len(rows[0]) - 1) // q)
            yield _fitted(symbols, rows, q)
    top = max(symbols.levels)
    wide = sum(size > 1 for size in symbols.levels)
    if top > 2 and (top - 1) * wide + 1 <= fewest:
        developed = developed_array(wide, top, Random(_SEED))  # noqa: S311
        if developed is not None:
            yield _fitted(symbols, developed, top)


def _fitted(symbols: Symbols, rows: list[list[int]], q: int) -> list[int]:
    """Return rows over q symbols for these factors, widest first; a value or column that is lacking is drawn by lot."""
    random = Random(_SEED)  # noqa: S311
    order = sorted(range(len(symbols.levels)), key=lambda factor: -symbols.levels[factor])
    order = [factor for factor in order if symbols.levels[factor] <= q]
    source = dict(zip(order, range(len(rows[0])), strict=False))
    fitted = []
    for row in rows:
        values = []
        for factor, size in enumerate(symbols.levels):
            value = row[source[factor]] if factor in source else size
            values.append(value if value < size else random.randrange(size))
        fitted.append(symbols.bits(values))
    return fitted


def _shortened(
    feasibility: Feasibility, required: list[int], start: list[int], random: Random, *, least: int
) -> list[int] | None:
    """Return the rows left after taking away what a short search can mend; None where `start` stays incomplete."""
    array = WorkingArray(feasibility, required, start)
    repair(array, random, 2 * _REPAIR_STEPS)
    if array.open:
        return None
    while len(array.rows) > least:
        smaller = WorkingArray(feasibility, required, _without_cheapest(array))
        repair(smaller, random, _REPAIR_STEPS)
        if smaller.open:
            break
        array = smaller
    return array.rows


def _annealed(feasibility: Feasibility, required: list[int], rows: list[int], *, least: int) -> list[int]:
    """Return fewer rows where annealing finds them within its budget of steps."""
    pairs = sum(others.bit_count() for others in required) // 2
    budget = min(_ANNEAL_STEPS_A_PAIR * pairs, _MOST_ANNEAL_STEPS)
    hot, cold = _COOL if max(feasibility.symbols.levels) > _FEW_VALUES else _WARM
    random = Random(_ANNEAL_SEED)  # noqa: S311
    while len(rows) > least and budget > 0:
        array = WorkingArray(feasibility, required, rows)
        array = WorkingArray(feasibility, required, _without_cheapest(array))
        budget -= anneal(array, random, budget, hot=hot, cold=cold)
        if array.open:
            break
        rows = array.rows
    return rows


def _without_cheapest(array: WorkingArray) -> list[int]:
    cheapest = min(range(len(array.rows)), key=array.cost_of_removal)
    return array.rows[:cheapest] + array.rows[cheapest + 1 :]


def _with_single_values(feasibility: Feasibility, rows: list[int]) -> list[int]:
    """Return the rows and one for every feasible value in none of them: a lone factor has values but no pairs."""
    held = 0
    for row in rows:
        held |= row
    more = list(rows)
    for symbol in range(feasibility.symbols.count):
        if held >> symbol & 1:
            continue
        whole = feasibility.complete(1 << symbol)
        if whole is not None:
            more.append(whole)
            held |= whole
    return more
