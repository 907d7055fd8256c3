"""Variables as an evaluation needs them, from the JSON of a solver's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.expressions.temporal import parse_date, parse_date_time, parse_duration, parse_time

_READERS: dict[str, Any] = {
    "date": parse_date,
    "dateTime": parse_date_time,
    "time": parse_time,
    "duration": parse_duration,
    "months": parse_duration,
}


def native_scope(values: Mapping[str, Any], kinds: Mapping[str, str], bind: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables of a guard: `bind` says which symbol each is, `kinds` which texts are dates and the like.

    A symbol that has no value is left out, as a variable that does not exist.
    """
    return {name: _native(values[symbol], symbol, kinds) for name, symbol in bind.items() if symbol in values}


def _native(value: Any, place: str, kinds: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _native(item, f"{place}.{name}", kinds) for name, item in value.items()}
    if isinstance(value, list):
        return [_native(item, f"{place}.{number}", kinds) for number, item in enumerate(value)]
    if isinstance(value, str) and place in kinds:
        return _READERS[kinds[place]](value)
    return value
