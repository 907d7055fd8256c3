"""Sets as bit masks: the fewest that cover everything, and the most elements no two of which share a set."""

from __future__ import annotations

from collections.abc import Sequence

MOST_TRIES = 20_000


def without_smaller(masks: Sequence[int]) -> list[int]:
    """Return the masks that are no part of another one."""
    kept: list[int] = []
    for mask in sorted(set(masks), key=int.bit_count, reverse=True):
        if all(mask & ~other for other in kept):
            kept.append(mask)
    return kept


def fewest_masks(masks: Sequence[int], wanted: int) -> list[int] | None:
    """Return the fewest masks that cover what is wanted; None where the search would be long."""
    every = 0
    for mask in masks:
        every |= mask
    wanted &= every
    greedy = _greedy(masks, wanted)
    for size in range(1, len(greedy)):
        tries = [MOST_TRIES]
        found = _exactly(masks, wanted, size, tries)
        if tries[0] <= 0:
            return None
        if found is not None:
            return found
    return greedy


def _greedy(masks: Sequence[int], wanted: int) -> list[int]:
    chosen: list[int] = []
    while wanted or not chosen:
        best = max(masks, key=lambda mask: (mask & wanted).bit_count())
        chosen.append(best)
        wanted &= ~best
    return chosen


def _exactly(masks: Sequence[int], wanted: int, size: int, tries: list[int]) -> list[int] | None:
    """Return at most `size` masks that cover what is wanted, by branching on the element that fewest masks have."""
    if not wanted:
        return []
    tries[0] -= 1
    if size == 0 or tries[0] <= 0:
        return None
    if size * max((mask & wanted).bit_count() for mask in masks) < wanted.bit_count():
        return None
    rarest = min(_bits(wanted), key=lambda bit: sum(1 for mask in masks if mask >> bit & 1))
    fitting = [mask for mask in masks if mask >> rarest & 1]
    for mask in sorted(fitting, key=lambda mask: (mask & wanted).bit_count(), reverse=True):
        rest = _exactly(masks, wanted & ~mask, size - 1, tries)
        if rest is not None:
            return [mask, *rest]
    return None


def together_in(masks: Sequence[int], count: int) -> list[int]:
    """Return for each item those that share some mask with it, itself included; 0 for an item of no mask."""
    together = [0] * count
    for mask in masks:
        for bit in _bits(mask):
            together[bit] |= mask
    return together


def largest_conflict(together: Sequence[int], enough: int, tries: int = MOST_TRIES) -> list[int]:
    """Return items no two of which go together, as many as are enough or can be found in so many tries."""
    count = len(together)
    covered = [item for item in range(count) if together[item]]
    apart = {item: sum(1 << other for other in covered if not together[item] >> other & 1) for item in covered}
    best: list[int] = covered[:1]
    stack: list[tuple[list[int], int]] = [([], sum(1 << item for item in covered))]
    while stack and len(best) < enough and tries > 0:
        tries -= 1
        chosen, open_items = stack.pop()
        if len(chosen) > len(best):
            best = chosen
        if not open_items or len(chosen) + open_items.bit_count() <= len(best):
            continue
        item = max(_bits(open_items), key=lambda bit: (apart[bit] & open_items).bit_count())
        stack.append((chosen, open_items & ~(1 << item)))
        stack.append(([*chosen, item], open_items & apart[item]))
    return sorted(best)


def _bits(mask: int) -> list[int]:
    found: list[int] = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
