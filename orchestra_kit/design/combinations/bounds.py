"""How many rows every array must have, whoever builds it."""

from __future__ import annotations

from collections.abc import Sequence

from .feasibility import Assignment, Feasibility, Symbols, required_pairs
from .inclusive import least_binary_rows


def pairwise_lower_bound(levels: Sequence[int], *, forbidden: Sequence[Sequence[Assignment]] = ()) -> int:
    """Return a proven lower bound on the number of rows of `pairwise` for the same arguments.

    Two factors need a row for each of their pairs. Without forbidden combinations also: merging values to two a factor leaves a
    binary array, which has the least rows of Katona, Kleitman and Spencer; and v^2 rows do for at most v + 1 factors of v values
    (Bush), so that more factors need one more.
    """
    symbols = Symbols(levels)
    feasibility = Feasibility(symbols, forbidden)
    return bound_of(feasibility, required_pairs(feasibility))


def bound_of(feasibility: Feasibility, required: Sequence[int]) -> int:
    """Return the bound for required pairs that are already known."""
    symbols = feasibility.symbols
    most = max(pairs_bound(symbols, required), int(feasibility.complete(0) is not None))
    if feasibility.nogoods:
        return most
    sizes = sorted((size for size in symbols.levels if size > 1), reverse=True)
    if len(sizes) > 1:
        most = max(most, least_binary_rows(len(sizes)))
    for value in set(sizes):
        if sum(size >= value for size in sizes) > value + 1:
            most = max(most, value * value + 1)
    return max([most, *sizes])


def pairs_bound(symbols: Symbols, required: Sequence[int]) -> int:
    """Return the most required pairs that two factors have: each row holds one of them."""
    most = 0
    for column, size in enumerate(symbols.levels):
        own = required[symbols.offset[column] : symbols.offset[column] + size]
        for other in symbols.column_mask[column + 1 :]:
            most = max(most, sum((others & other).bit_count() for others in own))
    return most
