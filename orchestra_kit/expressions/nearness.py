"""When a name is so near to a declared one that it can only be a slip."""

from __future__ import annotations

from collections.abc import Iterable

_NO_DIGITS = str.maketrans("", "", "0123456789")


def is_typo(name: str, declared: Iterable[str]) -> bool:
    """Return True when a name differs from a declared one by case, `_` and `-`, or by a slip of the fingers."""
    from difflib import SequenceMatcher

    plain = _plain(name)
    for other in declared:
        near = _plain(other)
        if plain != near and len(plain) == len(near) and plain.translate(_NO_DIGITS) == near.translate(_NO_DIGITS):
            continue  # `line2` beside `line1` is another name
        if plain == near or _is_one_slip(plain, near):
            return True
        if len(plain) >= 4 and SequenceMatcher(None, plain, near).ratio() >= 0.85:
            return True
    return False


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _is_one_slip(one: str, other: str) -> bool:
    """Return True when one letter is left out, doubled, changed (in names of three and more) or swapped with the next."""
    if one == other or max(len(one), len(other)) < 2:
        return False
    if len(one) > len(other):
        one, other = other, one
    start = 0
    while start < len(one) and one[start] == other[start]:
        start += 1
    if len(one) + 1 == len(other):
        return one[start:] == other[start + 1 :]
    if len(one) != len(other):
        return False
    if one[start + 1 :] == other[start + 1 :]:
        return len(one) > 2  # `es` beside `en` is another name
    swapped = one[start : start + 2] == other[start : start + 2][::-1]
    return swapped and one[start + 2 :] == other[start + 2 :]
