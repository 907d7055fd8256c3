"""Arrays that a group builds out of one row."""

from __future__ import annotations

from math import exp
from random import Random

_STEPS = 20_000
_TEMPERATURE = 0.4


def developed_array(columns: int, levels: int, random: Random) -> list[list[int]] | None:
    """Return (levels - 1) * columns + 1 rows made of one starter row, or None where no starter was found.

    They are all its rotations, shifted by the cyclic group on all symbols but the last, and a constant row (K. Meagher and
    B. Stevens, "Group construction of covering arrays", J. Combin. Designs 13, 2005).
    """
    starter = _find_starter(columns, levels, random)
    if starter is None:
        return None
    fixed = levels - 1
    rows = [[fixed] * columns]
    for turn in range(columns):
        turned = starter[turn:] + starter[:turn]
        rows += [
            [symbol if symbol == fixed else (symbol + shift) % fixed for symbol in turned] for shift in range(fixed)
        ]
    return rows


def _find_starter(columns: int, levels: int, random: Random) -> list[int] | None:
    """Return a row in which at every distance all differences occur, and the fixed symbol both before and after another one."""
    if columns < levels + 1 or levels < 3:
        return None
    starter = [random.randrange(levels) for _ in range(columns)]
    missing = _missing(starter, levels)
    for _ in range(_STEPS):
        if not missing:
            return starter
        position = random.randrange(columns)
        old, starter[position] = starter[position], random.randrange(levels)
        now = _missing(starter, levels)
        if now <= missing or random.random() < exp((missing - now) / _TEMPERATURE):
            missing = now
        else:
            starter[position] = old
    return None


def _missing(starter: list[int], levels: int) -> int:
    columns, fixed = len(starter), levels - 1
    total = 0
    for distance in range(1, columns // 2 + 1):
        seen = set()
        for position, first in enumerate(starter):
            second = starter[position - distance]
            if first == fixed:
                seen.add(-1 if second != fixed else 0)
            else:
                seen.add(-2 if second == fixed else (first - second) % fixed + 1)
        seen.discard(0)
        total += levels + 1 - len(seen)
    return total
