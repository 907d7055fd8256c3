"""Comparing expected rows with those found: which pair belongs together, what is missing, surplus or different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDifference:
    """One column whose value is another one. `absent` says that the row has no such column."""

    column: str
    expected: Any
    got: Any
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """An expected row that came nearest to a found row, and the columns in which they differ."""

    expected_index: int
    found_index: int
    columns: tuple[ColumnDifference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the rows compare. `missing` are indexes of expected rows; `surplus` of found rows, with the index of the
    expected row it doubles, or None."""

    missing: tuple[int, ...] = ()
    surplus: tuple[tuple[int, int | None], ...] = ()
    different: tuple[RowDifference, ...] = ()


def compare_rows(expected: Sequence[Row], found: Sequence[Row], *, exact: bool) -> Comparison:
    """Return how the rows compare, whatever their order.

    With `exact` the columns must be the same and no further row may be there. Without it only the named columns count,
    and unrelated further rows may be there, but not a second one that equals an expected row.
    """
    pairs = _assign(expected, found, exact=exact)
    matched = set(pairs.values())
    unmatched = [index for index in range(len(expected)) if index not in pairs]
    free = [index for index in range(len(found)) if index not in matched]
    doubles = {index: _double_of(found[index], expected, pairs, exact=exact) for index in free}
    candidates = [index for index in free if doubles[index] is None]
    different: list[RowDifference] = []
    missing: list[int] = []
    for index in unmatched:
        nearest = _nearest(expected[index], found, candidates, alone=len(expected) == len(found) == 1, exact=exact)
        if nearest is None:
            missing.append(index)
        else:
            candidates.remove(nearest)
            columns = tuple(_differences(expected[index], found[nearest], exact=exact))
            different.append(RowDifference(expected_index=index, found_index=nearest, columns=columns))
    taken = {one.found_index for one in different}
    surplus = tuple(
        (index, doubles[index]) for index in free if index not in taken and (exact or doubles[index] is not None)
    )
    return Comparison(missing=tuple(missing), surplus=surplus, different=tuple(different))


def _assign(expected: Sequence[Row], found: Sequence[Row], *, exact: bool) -> dict[int, int]:
    """Return the largest assignment of expected rows to distinct found ones (augmenting paths)."""
    options = [
        [place for place, row in enumerate(found) if _row_matches(wanted, row, exact=exact)] for wanted in expected
    ]
    owner: dict[int, int] = {}

    def place_for(index: int, seen: set[int]) -> bool:
        for place in options[index]:
            if place in seen:
                continue
            seen.add(place)
            if place not in owner or place_for(owner[place], seen):
                owner[place] = index
                return True
        return False

    # The rows with the fewest options first: then augmenting paths stay short.
    for index in sorted(range(len(expected)), key=lambda one: len(options[one])):
        place_for(index, set())
    return {index: place for place, index in owner.items()}


def _double_of(row: Row, expected: Sequence[Row], pairs: Mapping[int, int], *, exact: bool) -> int | None:
    return next((index for index in pairs if _row_matches(expected[index], row, exact=exact)), None)


def _nearest(wanted: Row, found: Sequence[Row], candidates: Sequence[int], *, alone: bool, exact: bool) -> int | None:
    """Return the found row that agrees in most columns, at least one (or any, where there is but one of each)."""
    best, best_score = None, 0
    for index in candidates:
        score = sum(column in found[index] and value_matches(value, found[index][column], exact=exact)
                    for column, value in wanted.items())  # fmt: skip
        if score > best_score:
            best, best_score = index, score
    if best is None and alone and candidates:
        return candidates[0]
    return best


def _differences(wanted: Row, row: Row, *, exact: bool) -> list[ColumnDifference]:
    found = [
        ColumnDifference(column=column, expected=value, got=row.get(column), absent=column not in row)
        for column, value in wanted.items()
        if column not in row or not value_matches(value, row[column], exact=exact)
    ]
    if exact:
        found += [
            ColumnDifference(column=column, expected=None, got=row[column]) for column in row if column not in wanted
        ]
    return found


def _row_matches(wanted: Row, row: Row, *, exact: bool) -> bool:
    if exact and len(wanted) != len(row):
        return False
    return all(column in row and value_matches(value, row[column], exact=exact) for column, value in wanted.items())


def value_matches(wanted: Any, got: Any, *, exact: bool) -> bool:
    """True when JSON values are equal. Numbers compare by value and times by moment; true is not 1. Without `exact`
    an object may have further names."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return wanted == got
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        if exact and len(wanted) != len(got):
            return False
        return all(name in got and value_matches(part, got[name], exact=exact) for name, part in wanted.items())
    if isinstance(wanted, list | tuple) and isinstance(got, list | tuple):
        return len(wanted) == len(got) and all(
            value_matches(one, other, exact=exact) for one, other in zip(wanted, got, strict=True)
        )
    if isinstance(wanted, str) and isinstance(got, str):
        return wanted == got or _same_moment(wanted, got)
    return wanted is None and got is None


def _same_moment(one: str, other: str) -> bool:
    """True for two spellings of one aware moment, such as `...Z` and `...+00:00`."""
    if len(one) < 16 or len(other) < 16 or not (one[:4].isdigit() and other[:4].isdigit()):
        return False
    try:
        first, second = datetime.fromisoformat(one), datetime.fromisoformat(other)
    except ValueError:
        return False
    return first.tzinfo is not None and second.tzinfo is not None and first == second
