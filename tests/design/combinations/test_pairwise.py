"""Pairwise rows: all feasible pairs, never more rows than allpairspy, never fewer than the stated bound."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.combinations import pairwise, pairwise_lower_bound
from orchestra_kit.design.combinations.fields import field_tables, next_prime_power, orthogonal_array, product_array
from orchestra_kit.errors import DefinitionError

Forbidden = Sequence[Sequence[tuple[int, int]]]

CLASSICAL = {
    "3^4": ([3] * 4, 9),
    "3^13": ([3] * 13, 15),
    "4^15 3^17 2^29": ([4] * 15 + [3] * 17 + [2] * 29, 30),
    "4^1 3^39 2^35": ([4] + [3] * 39 + [2] * 35, 22),
    "2^100": ([2] * 100, 10),
    "10^20": ([10] * 20, 181),
}


def met(rows: Sequence[Sequence[int]]) -> set[tuple[int, int, int, int]]:
    return {(i, row[i], j, row[j]) for row in rows for i, j in combinations(range(len(row)), 2)}


def allowed(row: Sequence[int], forbidden: Forbidden) -> bool:
    return not any(all(row[factor] == value for factor, value in rule) for rule in forbidden)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSICAL)
def test_the_classical_inputs_need_few_rows(name: str) -> None:
    levels, ceiling = CLASSICAL[name]
    rows = pairwise(levels)
    assert len(met(rows)) == sum(a * b for a, b in combinations(levels, 2))
    assert pairwise_lower_bound(levels) <= len(rows) <= ceiling


def test_the_answer_is_the_same_at_every_call() -> None:
    assert pairwise([5, 4, 3, 3, 2, 2, 2]) == pairwise([5, 4, 3, 3, 2, 2, 2])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_never_more_rows_than_allpairspy_and_every_feasible_pair(data: st.DataObject) -> None:
    allpairspy = pytest.importorskip("allpairspy")
    levels = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=6))
    value = st.integers(0, len(levels) - 1).flatmap(lambda f: st.tuples(st.just(f), st.integers(0, levels[f] - 1)))
    forbidden = data.draw(st.lists(st.tuples(value, value), max_size=4))
    rows = pairwise(levels, forbidden=forbidden)
    possible = [row for row in product(*map(range, levels)) if allowed(row, forbidden)]
    assert all(allowed(row, forbidden) for row in rows)
    assert met(rows) == met(possible)
    assert pairwise_lower_bound(levels, forbidden=forbidden) <= len(rows)
    if not possible:
        return
    peers = list(
        allpairspy.AllPairs(
            [list(range(size)) for size in levels],
            filter_func=lambda part: allowed([*part, *[-1] * (len(levels) - len(part))], forbidden),
        )
    )
    if met(peers) == met(possible):  # it may miss pairs when a filter is set
        assert len(rows) <= len(peers)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(2, 9), min_size=2, max_size=14))
def test_wider_inputs_are_complete_and_no_worse(levels: list[int]) -> None:
    allpairspy = pytest.importorskip("allpairspy")
    rows = pairwise(levels)
    assert len(met(rows)) == sum(a * b for a, b in combinations(levels, 2))
    assert len(rows) <= len(list(allpairspy.AllPairs([list(range(size)) for size in levels])))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_rows_that_exist_are_taken_into_account(data: st.DataObject) -> None:
    levels = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=6))
    known = data.draw(st.lists(st.tuples(*[st.integers(0, size - 1) for size in levels]), min_size=1, max_size=5))
    rows = pairwise(levels, given=known)
    assert len(met([*known, *rows])) == sum(a * b for a, b in combinations(levels, 2))
    assert len(rows) <= len(pairwise(levels))


def test_small_answers_are_the_smallest() -> None:
    for levels in ([2, 2, 2], [3, 2, 2], [3, 3, 2]):
        wanted = sum(a * b for a, b in combinations(levels, 2))
        best = next(
            size
            for size in range(1, 12)
            if any(len(met(rows)) == wanted for rows in combinations(list(product(*map(range, levels))), size))
        )
        assert len(pairwise(levels)) == best


def test_a_lone_factor_gets_each_of_its_values() -> None:
    assert sorted(pairwise([3])) == [(0,), (1,), (2,)]
    assert pairwise([3], forbidden=[((0, 1),)]) == ((0,), (2,))
    assert pairwise([1, 1]) == ((0, 0),)
    assert pairwise([]) == ((),)


def test_rules_that_no_row_can_meet_give_no_row() -> None:
    assert pairwise([2, 2], forbidden=[((0, 0),), ((0, 1),)]) == ()


@pytest.mark.parametrize("wrong", [[((0, 5), (1, 0))], [((7, 0), (1, 0))]])
def test_a_rule_over_something_absent_is_refused(wrong: Forbidden) -> None:
    with pytest.raises(DefinitionError):
        pairwise([2, 2], forbidden=wrong)


def test_a_factor_without_values_is_refused() -> None:
    with pytest.raises(DefinitionError):
        pairwise([2, 0])


@pytest.mark.parametrize("q", [2, 3, 4, 5, 7, 8, 9, 16])
def test_fields_and_orthogonal_arrays_hold_their_laws(q: int) -> None:
    add, multiply = field_tables(q)
    assert all(sorted(row) == list(range(q)) for row in add)
    assert all(sorted(row) == list(range(q)) for row in multiply[1:])
    array = orthogonal_array(q)
    assert len(met(array)) == (q + 1) * q // 2 * q * q
    assert len(array) == q * q


@pytest.mark.parametrize(("q", "columns", "rows"), [(3, 13, 15), (3, 40, 21), (4, 21, 28), (5, 31, 45)])
def test_product_arrays_cover_all_pairs(q: int, columns: int, rows: int) -> None:
    array = product_array(q, columns)
    assert (len(array), len(array[0])) == (rows, columns)
    assert len(met(array)) == columns * (columns - 1) // 2 * q * q


def test_the_next_prime_power_skips_six_and_ten() -> None:
    assert [next_prime_power(size) for size in (1, 6, 10, 14, 26)] == [2, 7, 11, 16, 27]
