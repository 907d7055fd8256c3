"""Constants, arithmetic and texts as z3 terms; the same for every language unless said otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import z3

from orchestra_kit.errors import OrchestraError
from orchestra_kit.expressions.temporal import Months
from orchestra_kit.solver.cases import (
    ERROR,
    NULL,
    Case,
    Cases,
    Formula,
    are_numbers,
    as_real,
    boolean,
    chosen,
    numbers,
    one,
    truth_of,
)
from orchestra_kit.solver.kinds import POINTS, Kind

DAY = 86_400
EPOCH = date(1970, 1, 1)
_CEL_DURATION = re.compile(r"(-?)((?:\d+h)?(?:\d+m)?(?:\d+s)?)")
START = datetime(1970, 1, 1, tzinfo=UTC)


class NotEncoded(OrchestraError):
    """Something that can be evaluated but not given to the solver."""


def text_constant(value: str) -> Formula:
    """Return a text as z3 writes it: all but plain characters escaped."""
    plain = "".join(sign if 32 <= ord(sign) < 127 and sign != "\\" else f"\\u{{{ord(sign):x}}}" for sign in value)
    return z3.StringVal(plain)


def days_of(value: date) -> int:
    """Return a date as days since 1970."""
    return (value - EPOCH).days


def seconds_of(value: datetime) -> int:
    """Return a point in time as whole seconds since 1970."""
    return (value - START) // timedelta(seconds=1)


def constant(value: object) -> Cases:
    """Return a constant of a tree, or a date, time or duration made from one."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return boolean(truth_of(value))
    if isinstance(value, int):
        return one(Kind.INT, z3.IntVal(value))
    if isinstance(value, float):
        return one(Kind.DECIMAL, z3.RealVal(repr(value)))
    if isinstance(value, str):
        return one(Kind.TEXT, text_constant(value))
    if isinstance(value, datetime):
        return one(Kind.DATE_TIME, z3.IntVal(seconds_of(value)))
    if isinstance(value, date):
        return one(Kind.DATE, z3.IntVal(days_of(value)))
    if isinstance(value, time):
        return one(Kind.TIME, z3.IntVal(value.hour * 3600 + value.minute * 60 + value.second))
    if isinstance(value, timedelta):
        return one(Kind.DAYS, z3.IntVal(value // timedelta(seconds=1)))
    if isinstance(value, Months):
        return one(Kind.MONTHS, z3.IntVal(value.count))
    raise NotEncoded(f"a constant of type {type(value).__name__} is not given to the solver")


def numeric(sign: str, first: Case, second: Case) -> Cases | None:
    """Return the sum, difference or product of two numbers; None when they are no numbers, or for other signs."""
    if not are_numbers(first, second) or sign not in ("+", "-", "*"):
        return None
    left, right, kind = numbers(first, second)
    return one(kind, left + right if sign == "+" else left - right if sign == "-" else left * right)


def quotient(first: Case, second: Case, by_zero: Cases) -> Cases:
    """Return an exact quotient of two numbers."""
    bottom = as_real(second)
    return chosen(bottom == 0, by_zero, one(Kind.DECIMAL, as_real(first) / bottom))


def truncated(first: Case, second: Case, sign: str) -> Cases:
    """Return quotient or rest of two ints, towards zero (CEL and EL)."""
    left, right = first.term, second.term
    size = z3.If(right >= 0, right, -right)
    if sign == "/":
        whole = z3.If(left >= 0, left, -left) / size
        result = z3.If((left >= 0) == (right >= 0), whole, -whole)
    else:
        result = z3.If(left >= 0, left % size, -((-left) % size))
    return chosen(right == 0, ERROR, one(Kind.INT, result))


def floored_rest(first: Case, second: Case) -> Cases:
    """Return FEEL's modulo: the rest with the sign of the divisor."""
    if first.kind is Kind.INT and second.kind is Kind.INT:
        left, right = first.term, second.term
        rest = z3.If(right > 0, left % right, -((-left) % (-right)))
        return chosen(right == 0, NULL, one(Kind.INT, rest))
    left, right = as_real(first), as_real(second)
    return chosen(right == 0, NULL, one(Kind.DECIMAL, left - right * z3.ToReal(z3.ToInt(left / right))))


def temporal(sign: str, first: Case, second: Case) -> Cases | None:
    """Return dates, points in time and durations added and subtracted; None where there is no such operation."""
    kinds = (first.kind, second.kind)
    left, right = first.term, second.term
    if sign == "+" and kinds == (Kind.DAYS, Kind.DATE):
        return one(Kind.DATE, right + left / DAY)
    if sign == "+" and kinds == (Kind.DAYS, Kind.DATE_TIME):
        return one(Kind.DATE_TIME, left + right)
    if kinds == (Kind.DATE, Kind.DAYS):
        return one(Kind.DATE, left + (right if sign == "+" else -right) / DAY)
    if kinds in ((Kind.DATE_TIME, Kind.DAYS), (Kind.DAYS, Kind.DAYS)) and sign in ("+", "-"):
        return one(first.kind, left + right if sign == "+" else left - right)
    if sign == "-" and kinds[0] is kinds[1] and kinds[0] in POINTS:
        return one(Kind.DAYS, (left - right) * (DAY if kinds[0] is Kind.DATE else 1))
    return None


def text_test(name: str, text: Formula, part: Formula) -> Formula | None:
    """Return `contains`, `startsWith` or `endsWith` of two texts."""
    tests: dict[str, Callable[[Formula, Formula], Formula]] = {
        "contains": lambda whole, some: z3.Contains(whole, some),
        "startsWith": lambda whole, some: z3.PrefixOf(some, whole),
        "endsWith": lambda whole, some: z3.SuffixOf(some, whole),
    }
    return tests[name](text, part) if name in tests else None


def compared(sign: str, left: Formula, right: Formula) -> Formula:
    """Return a comparison of two numbers in one sort, or of two texts by their characters."""
    if z3.is_string(left):
        if sign in ("<", ">"):
            return left < right if sign == "<" else right < left
        return left <= right if sign == "<=" else right <= left
    comparisons = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return comparisons[sign]


def letters(low: str, high: str) -> Formula:
    """Return the pattern of texts without the letters between two."""
    before = z3.Range(z3.StringVal("\\u{0}"), z3.StringVal(chr(ord(low) - 1)))
    after = z3.Range(z3.StringVal(chr(ord(high) + 1)), z3.StringVal("\\u{2ffff}"))
    return z3.Star(z3.Union(before, after))


def any_case(word: str) -> Formula:
    """Return the pattern of a word in capitals, small letters or both."""
    return z3.Concat(*[z3.Union(z3.Re(letter), z3.Re(letter.upper())) for letter in word])


def cel_duration(text: str) -> timedelta | None:
    """Return a duration as CEL writes it, such as `1h30m`; None for another text."""
    match = _CEL_DURATION.fullmatch(text)
    if match is None or not match[2]:
        return None
    parts = {sign: int(count) for count, sign in re.findall(r"(\d+)([hms])", match[2])}
    length = timedelta(hours=parts.get("h", 0), minutes=parts.get("m", 0), seconds=parts.get("s", 0))
    return -length if match[1] else length
