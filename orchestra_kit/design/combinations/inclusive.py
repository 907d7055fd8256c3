"""The fewest rows of branch conditions for an inclusive gateway, so that every two branches meet in all four ways."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import comb

from orchestra_kit.errors import DefinitionError

BranchValue = tuple[int, bool]
Row = tuple[bool, ...]


def inclusive_rows(
    n: int, *, default: bool, forbidden: Iterable[tuple[BranchValue, BranchValue]] = ()
) -> tuple[Row, ...]:
    """Return rows of `n` branch conditions in which every feasible pair of values of two branches occurs.

    With a `default` flow the row in which no condition holds stands for it and occurs exactly once (first); without one it
    never occurs, for such a gateway would have nowhere to go. `forbidden` pairs of (branch, value) never meet in a row.

    Without forbidden pairs the number of rows is the smallest there is: a constant row, and every branch a different subset of
    size ceil(N/2) of the other N - 1 rows, which allows C(N-1, ceil(N/2)) branches (G. Katona, "Two applications (for search
    theory and truth functions) of Sperner type theorems", Periodica Math. Hung. 3, 1973; D. Kleitman and J. Spencer, "Families
    of k-independent sets", Discrete Math. 6, 1973).
    """
    if n < 0:
        raise DefinitionError(f"a gateway cannot have {n} branches.")
    pairs = tuple(forbidden)
    if pairs:
        return _constrained_rows(n, default=default, forbidden=pairs)
    if n == 0:
        return ((),) if default else ()
    if n == 1:
        return ((False,), (True,)) if default else ((True,),)
    if n == 2 and not default:
        return ((True, True), (True, False), (False, True))  # the pair false, false has nowhere to go
    count = least_binary_rows(n)
    subsets = _spread_subsets(count - 1, (count + 1) // 2, n)
    constant, member = (False, True) if default else (True, False)
    rows = [tuple(member if row in subset else constant for subset in subsets) for row in range(count - 1)]
    return ((constant,) * n, *rows)


def least_binary_rows(n: int) -> int:
    """Return the proven smallest number of rows in which every two of `n` binary columns take all four pairs of values."""
    if n < 2:
        return n + 1
    count = 4
    while comb(count - 1, (count + 1) // 2) < n:
        count += 1
    return count


def _spread_subsets(rows: int, size: int, wanted: int) -> list[frozenset[int]]:
    """Return `wanted` subsets of range(rows), whole orbits under rotation first: so no row is in none or in all of them."""
    chosen: list[frozenset[int]] = []
    seen: set[frozenset[int]] = set()
    for start in combinations(range(rows), size):
        for shift in range(rows):
            subset = frozenset((item + shift) % rows for item in start)
            if subset in seen:
                continue
            seen.add(subset)
            chosen.append(subset)
            if len(chosen) == wanted:
                return chosen
    return chosen


def _constrained_rows(
    n: int, *, default: bool, forbidden: tuple[tuple[BranchValue, BranchValue], ...]
) -> tuple[Row, ...]:
    from .covering import pairwise

    combined: list[tuple[tuple[int, int], ...]] = [
        tuple((branch, int(value)) for branch, value in pair) for pair in forbidden
    ]
    combined.append(tuple((branch, 0) for branch in range(n)))
    rows = [tuple(bool(value) for value in row) for row in pairwise((2,) * n, forbidden=combined)]
    nothing = (False,) * n
    if not default or any(all(not value for _, value in pair) for pair in forbidden):
        return tuple(rows)
    # The default row comes first and takes all pairs of two false values on itself, so that other rows may become superfluous.
    return _without_superfluous((nothing, *rows), n)


def _without_superfluous(rows: tuple[Row, ...], n: int) -> tuple[Row, ...]:
    """Return `rows` without those whose pairs all occur in others; the first stays."""
    kept = list(rows)
    for row in reversed(rows[1:]):
        others = [other for other in kept if other is not row]
        met = {(i, other[i], j, other[j]) for other in others for i in range(n) for j in range(i + 1, n)}
        if all((i, row[i], j, row[j]) in met for i in range(n) for j in range(i + 1, n)):
            kept = others
    return tuple(kept)
