"""Dates, times and durations as texts write them (ISO 8601), and durations of months beside those of days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)


@dataclass(frozen=True, slots=True, order=True)
class Months:
    """A duration of years and months, which has no length in days."""

    count: int


def parse_date(text: str) -> date | None:
    """Return a date, or None when the text is none."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def parse_date_time(text: str) -> datetime | None:
    """Return a point in time; one without a zone is taken for UTC; a date alone is its midnight. None when it is none."""
    text = re.sub(r"\[[^\]]*\]$|@[\w/]+$", "", text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def parse_time(text: str) -> time | None:
    """Return a time of the day without its zone, or None when the text is none."""
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if ":" in text else None
    except ValueError:
        return None


def parse_duration(text: str) -> timedelta | Months | None:
    """Return a duration of days and time, or of years and months; None when the text is neither."""
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    parts = {name: int(value) for name, value in match.groupdict().items() if name != "sign" and value}
    sign = -1 if match["sign"] else 1
    months = 12 * parts.get("years", 0) + parts.get("months", 0)
    rest = {name: value for name, value in parts.items() if name in ("days", "hours", "minutes", "seconds")}
    if "years" in parts or "months" in parts:
        return None if rest else Months(sign * months)
    try:
        return sign * timedelta(**rest)
    except OverflowError:
        return None


def duration_text(value: timedelta | Months) -> str:
    """Return a duration as ISO 8601 writes it."""
    if isinstance(value, Months):
        years, months = divmod(abs(value.count), 12)
        text = "P" + (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
        return f"-{text}" if value.count < 0 else text
    total = round(abs(value).total_seconds())
    days, rest = divmod(total, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(f"{count}{sign}" for count, sign in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    text = "P" + (f"{days}D" if days or not clock else "") + (f"T{clock}" if clock else "")
    return f"-{text}" if value < timedelta(0) else text
