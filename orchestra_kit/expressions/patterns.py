"""Bounds the work of `matches`: its engine is linear in the text, but a pattern can unfold into a huge machine."""

from __future__ import annotations

import re

from orchestra_kit.expressions.values import BeyondLimit

MAX_PATTERN = 2_000
MAX_WORK = 100_000_000
"""Steps of pattern x text; measured at about one nanosecond each at worst."""

_COUNT = re.compile(r"\{\s*(\d*)\s*(?:,\s*(\d*)\s*)?\}")
_VERBOSE = re.compile(r"\(\?[A-Za-z-]*x")
_ATOM_WEIGHT, _CLASS_WEIGHT = 1, 4


def check_work(pattern: str, text: str) -> None:
    """Raise BeyondLimit for a pattern that could take too long over this text."""
    if len(pattern) > MAX_PATTERN:
        raise BeyondLimit(f"a pattern has {MAX_PATTERN} characters at most.")
    if _VERBOSE.search(pattern):
        raise BeyondLimit("a pattern cannot use the flag x.")  # its blanks would hide what a repetition belongs to
    if unfolded_size(pattern) * (len(text) + 1) > MAX_WORK:
        raise BeyondLimit("the pattern repeats too much for a text of this length.")


def unfolded_size(pattern: str) -> int:
    """Return about how many steps a pattern has once its counted repetitions are written out."""
    totals, last = [0], 0
    position = 0
    while position < len(pattern):
        sign = pattern[position]
        counted = _COUNT.match(pattern, position) if sign == "{" else None
        if counted is not None:
            times = max(int(number[:9]) for number in (counted.group(1) or "1", counted.group(2) or "1"))
            totals[-1] += last * max(times - 1, 0)
            last *= max(times, 1)
            position = counted.end()
            continue
        if sign == "(":
            totals.append(0)
        elif sign == ")" and len(totals) > 1:
            last = totals.pop() + 1
            totals[-1] += last
        else:
            position = _end_of_atom(pattern, position)
            last = _CLASS_WEIGHT if sign in "\\[" else _ATOM_WEIGHT
            totals[-1] += last
            continue
        position += 1
    return max(sum(totals), 1)


def _end_of_atom(pattern: str, position: int) -> int:
    if pattern[position] == "\\":
        return position + 2
    if pattern[position] != "[":
        return position + 1
    position += 1
    if pattern[position : position + 1] == "^":
        position += 1
    first = True
    while position < len(pattern) and (first or pattern[position] != "]"):
        position += 2 if pattern[position] == "\\" else 1
        first = False
    return position + 1
