"""Rows of branch conditions: optimal, complete, and the default flow exactly once."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.combinations import inclusive_rows, least_binary_rows
from orchestra_kit.errors import DefinitionError

OPTIMA = {2: 4, 3: 4, 4: 5, 5: 6, 10: 6, 15: 7, 35: 8, 100: 10}


def pairs_met(rows: tuple[tuple[bool, ...], ...], n: int) -> set[tuple[int, bool, int, bool]]:
    return {(i, row[i], j, row[j]) for row in rows for i, j in combinations(range(n), 2)}


@pytest.mark.parametrize(("n", "rows"), OPTIMA.items())
def test_the_size_is_the_known_optimum(n: int, rows: int) -> None:
    assert len(inclusive_rows(n, default=True)) == rows == least_binary_rows(n)
    assert len(inclusive_rows(n, default=False)) == (3 if n == 2 else rows)


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("n", [*range(1, 41), 100, 127])
def test_every_two_branches_meet_in_all_ways_and_no_row_is_there_twice(n: int, default: bool) -> None:
    rows = inclusive_rows(n, default=default)
    ways = 3 if n == 2 and not default else 4
    assert len(pairs_met(rows, n)) == ways * n * (n - 1) // 2
    assert len(set(rows)) == len(rows)
    assert all(len(row) == n for row in rows)


@pytest.mark.parametrize("n", [*range(1, 41), 100, 127])
def test_the_default_flow_is_taken_exactly_once_and_only_where_there_is_one(n: int) -> None:
    assert inclusive_rows(n, default=True).count((False,) * n) == 1
    assert (False,) * n not in inclusive_rows(n, default=False)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_no_smaller_set_of_rows_would_do(n: int) -> None:
    for default in (True, False):
        rows = inclusive_rows(n, default=default)
        possible = [row for row in product((False, True), repeat=n) if default or any(row)]
        wanted = pairs_met(rows, n)
        assert not any(pairs_met(fewer, n) >= wanted for fewer in combinations(possible, len(rows) - 1))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_forbidden_pairs_never_meet_and_every_feasible_pair_does(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 6))
    default = data.draw(st.booleans())
    value = st.tuples(st.integers(0, n - 1), st.booleans())
    forbidden = data.draw(st.lists(st.tuples(value, value).filter(lambda pair: pair[0][0] != pair[1][0]), max_size=4))
    allowed = [
        row
        for row in product((False, True), repeat=n)
        if (default or any(row)) and not any(row[i] == a and row[j] == b for (i, a), (j, b) in forbidden)
    ]
    rows = inclusive_rows(n, default=default, forbidden=forbidden)
    assert set(rows) <= set(allowed)
    assert pairs_met(rows, n) == pairs_met(tuple(allowed), n)
    assert rows.count((False,) * n) == ((False,) * n in allowed)


def test_a_negative_number_of_branches_is_refused() -> None:
    with pytest.raises(DefinitionError):
        inclusive_rows(-1, default=True)
