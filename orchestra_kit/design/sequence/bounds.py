"""How often a loop runs, as far as its guard says so: `loop 3 times`, `loop 1,3`, `loop (2)`, `until ...`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PAIR = re.compile(
    r"[\[(]?\s*(?P<least>\d{1,6})\s*(?:,|\.\.|-|to)\s*(?P<most>\d{1,6}|\*|n|∞)\s*[\])]?(?:\s*times?)?\s*(?::|$|,|\s)",
    re.I,
)
_EXACT = re.compile(
    r"[\[(]?\s*(?P<count>\d{1,6})\s*[\])]?\s*(?:$|times\b|x\b)|.{0,80}\b(?P<later>\d{1,6})\s?times\b", re.I
)
_AT_MOST = re.compile(r".{0,40}\b(?:up to|at most|max(?:imum|\.)?)\s+(?P<most>\d{1,6})\b", re.I)
_AT_LEAST_ONCE = re.compile(r"\s*(?:until|at least once|repeat until|do\b.{0,60}\b(?:while|until))\b", re.I)


@dataclass(frozen=True, slots=True)
class LoopBounds:
    """Least and most rounds; `most` is None where nothing bounds it."""

    least: int = 0
    most: int | None = None


def bounds_of(guard: str) -> LoopBounds:
    """Return the bounds a guard states; a guard that states none may hold no time at all and any number of times."""
    text = guard[:200]
    if pair := _PAIR.match(text):
        most = int(pair["most"]) if pair["most"].isdigit() else None
        least = int(pair["least"])
        return LoopBounds(least, most) if most is None or least <= most else LoopBounds(most, least)
    if at_most := _AT_MOST.match(text):
        return LoopBounds(0, int(at_most["most"]))
    if exact := _EXACT.match(text):
        count = int(exact["count"] or exact["later"])
        return LoopBounds(count, count)
    return LoopBounds(1, None) if _AT_LEAST_ONCE.match(text) else LoopBounds()
