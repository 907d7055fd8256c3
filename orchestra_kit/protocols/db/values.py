"""Values of database columns as JSON, and JSON values as parameters."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any


def to_json(value: Any) -> Any:
    """Return a column value as JSON: numbers for decimals, ISO 8601 for times, base64 for bytes, text for the rest."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Mapping):
        return {str(name): to_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(part) for part in value]
    if isinstance(value, Enum):
        return to_json(value.value)
    return str(value)


def _decimal(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return int(value) if abs(value) < Decimal(10) ** 400 else str(value)
    return float(value)


def _duration(value: timedelta) -> str:
    """Return an ISO 8601 duration, `P1DT2H` or `PT0S`."""
    sign = "-" if value < timedelta(0) else ""
    whole = abs(value)
    hours, rest = divmod(whole.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"{seconds}.{whole.microseconds:06d}".rstrip("0") if whole.microseconds else str(seconds)
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{text}S" if text != "0" else ""]
    clock = "".join(parts)
    days = f"{whole.days}D" if whole.days else ""
    return f"{sign}P{days}{'T' + clock if clock else ''}" if days or clock else "PT0S"


def rows_to_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows by column name; a name that stands twice gets a number."""
    names = distinct_names(columns)
    return [{name: to_json(value) for name, value in zip(names, row, strict=True)} for row in rows]


def distinct_names(columns: Sequence[str]) -> list[str]:
    """Return the column names with `_2`, `_3` and so on behind those that stand more than once."""
    taken: set[str] = set()
    names: list[str] = []
    for column in columns:
        name, count = column, 1
        while name in taken:
            count += 1
            name = f"{column}_{count}"
        taken.add(name)
        names.append(name)
    return names


def size_of(value: Any) -> int:
    """Return about how many bytes a column value takes."""
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    if isinstance(value, memoryview):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(len(str(name)) + size_of(part) for name, part in value.items())
    if isinstance(value, list | tuple):
        return sum(size_of(part) for part in value)
    return 8
