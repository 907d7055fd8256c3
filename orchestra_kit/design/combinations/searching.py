"""Greedy rows, and a tabu search that repairs an array after a row was taken out."""

from __future__ import annotations

from math import exp
from random import Random

from .feasibility import members
from .working import WorkingArray

_CANDIDATES = 12
_TABU = 6
_COOLING = 2_000
_HOPELESS = 8  # more missing pairs than that after half of the steps were never mended in the other half


def add_greedy_rows(array: WorkingArray, random: Random, *, candidates: int = _CANDIDATES) -> None:
    """Add rows until every required pair occurs: of several candidates each time the one with most new pairs.

    After D. Cohen, S. Dalal, M. Fredman, G. Patton, "The AETG system", IEEE Trans. Software Eng. 23(7), 1997.
    """
    while array.open:
        best, gain = 0, -1
        for _ in range(candidates):
            row = _candidate(array, random)
            new = sum((array.missing[symbol] & row).bit_count() for symbol in members(row))
            if new > gain:
                best, gain = row, new
        array.append(best)


def _candidate(array: WorkingArray, random: Random) -> int:
    symbols = array.symbols
    pair = array.open[random.randrange(len(array.open))]
    first = max(pair, key=lambda symbol: array.missing[symbol].bit_count())
    row = 1 << first | 1 << (pair[0] + pair[1] - first)
    order = list(range(len(symbols.levels)))
    random.shuffle(order)
    constrained = bool(array.feasibility.nogoods)
    for column in order:
        if row & symbols.column_mask[column]:
            continue
        start = symbols.offset[column]
        best, gain = start, -1.0
        for symbol in range(start, start + symbols.levels[column]):
            if constrained and not array.feasibility.allows(row | 1 << symbol, symbol):
                continue
            # New pairs with what the row holds count; among equals the symbol with most left to meet.
            new = (
                (array.missing[symbol] & row).bit_count()
                + array.missing[symbol].bit_count() / 4096
                + random.random() / 8192
            )
            if new > gain:
                best, gain = symbol, new
        row |= 1 << best
    if constrained and not _is_allowed(array, row):
        return _searched(array, 1 << pair[0] | 1 << pair[1])
    return row


def _is_allowed(array: WorkingArray, row: int) -> bool:
    return all(nogood & ~row for nogood in array.feasibility.nogoods)


def _searched(array: WorkingArray, fixed: int) -> int:
    row = array.feasibility.complete(fixed, lambda symbol: array.missing[symbol].bit_count())
    if row is None:  # a required pair has a row by its definition
        raise AssertionError("a required pair has no row")
    return row


def repair(array: WorkingArray, random: Random, steps: int) -> int:
    """Change single values until no required pair is missing, or `steps` are used up; return the steps left.

    A tabu search on uncovered pairs, after L. Gonzalez-Hernandez et al., "Construction of mixed covering arrays of variable
    strength using a tabu search approach", COCOA 2010.
    """
    frozen: dict[tuple[int, int], int] = {}
    while array.open and steps > 0:
        steps -= 1
        first, second = array.open[random.randrange(len(array.open))]
        moves = _moves(array, random, first, second, frozen, steps)
        if not moves:
            continue
        for index, old, new in moves:
            array.change(index, old, new)
            frozen[index, array.symbols.column[new]] = steps - _TABU - random.randrange(_TABU)
    return steps


def _moves(
    array: WorkingArray, random: Random, first: int, second: int, frozen: dict[tuple[int, int], int], now: int
) -> list[tuple[int, int, int]]:
    """Return the best change of one value that makes `first` meet `second`, or a change of two where no row holds either."""
    symbols, rows = array.symbols, array.rows
    constrained = bool(array.feasibility.nogoods)
    best: list[tuple[int, int, int]] = []
    least = 1 << 30
    for held, wanted in ((first, second), (second, first)):
        column = symbols.column[wanted]
        mask = symbols.column_mask[column]
        missing = array.missing[wanted]
        for index in array.holders[held]:
            row = rows[index]
            old = (row & mask).bit_length() - 1
            cost = (array.single[old] & row).bit_count() - (missing & row).bit_count()
            if cost > least or (frozen.get((index, column), now) < now and len(array.open) + cost > 0):
                continue
            if constrained and not array.feasibility.allows(row & ~mask | 1 << wanted, wanted):
                continue
            if cost < least:
                least, best = cost, []
            best.append((index, old, wanted))
    if best:
        return [best[random.randrange(len(best))]]
    if array.holders[first] or array.holders[second]:
        return []  # every change is frozen for now
    return _double_move(array, random, first, second)


def _double_move(array: WorkingArray, random: Random, first: int, second: int) -> list[tuple[int, int, int]]:
    symbols = array.symbols
    index = random.randrange(len(array.rows))
    row = array.rows[index]
    moves = []
    for wanted in (first, second):
        mask = symbols.column_mask[symbols.column[wanted]]
        old = (row & mask).bit_length() - 1
        row = row & ~mask | 1 << wanted
        if old != wanted:
            moves.append((index, old, wanted))
    return moves if _is_allowed(array, row) else []


def anneal(array: WorkingArray, random: Random, steps: int, *, hot: float, cold: float) -> int:
    """Change single values until no required pair is missing or `steps` are used up; return how many were. Uphill too while hot.

    Simulated annealing whose moves all mend a missing pair (S. Kirkpatrick, C. Gelatt, M. Vecchi, Science 220, 1983); the
    better of two moves drawn by lot is the one proposed.
    """
    lot = random.random
    accepted: list[float] = []
    for step in range(steps):
        if not array.open:
            return step
        if step == steps // 2 and len(array.open) > _HOPELESS:
            return step
        if step % _COOLING == 0:
            temperature = hot * (cold / hot) ** (step / steps)
            accepted = [exp(-cost / temperature) for cost in range(len(array.symbols.levels) + 1)]
        pair = array.open[int(lot() * len(array.open))]
        cost, move = _drawn_move(array, random, pair)
        if move is None:
            if not (array.holders[pair[0]] or array.holders[pair[1]]):
                for change in _double_move(array, random, *pair):
                    array.change(*change)
        elif cost <= 0 or lot() < accepted[cost]:
            array.change(*move)
    return steps


def _drawn_move(array: WorkingArray, random: Random, pair: tuple[int, int]) -> tuple[int, tuple[int, int, int] | None]:
    """Return the better of two drawn changes of a value that make the pair meet, with what it costs."""
    symbols, rows, lot = array.symbols, array.rows, random.random
    constrained = bool(array.feasibility.nogoods)
    least, best = 1 << 30, None
    for _ in range(2):
        held, wanted = pair if lot() < 0.5 else (pair[1], pair[0])
        holders = tuple(array.holders[held])
        if not holders:
            continue
        index = holders[int(lot() * len(holders))]
        row = rows[index]
        mask = symbols.column_mask[symbols.column[wanted]]
        old = (row & mask).bit_length() - 1
        cost = (array.single[old] & row).bit_count() - (array.missing[wanted] & row).bit_count()
        if cost >= least or (constrained and not array.feasibility.allows(row & ~mask | 1 << wanted, wanted)):
            continue
        least, best = cost, (index, old, wanted)
    return least, best
