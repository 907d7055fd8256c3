"""Reading of JSON that may be of another version: what is missing or of another shape is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of ids or sentences; an entry may also be an object that has an `id`."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        return ()
    return tuple(text_of(item.get("id")) if isinstance(item, Mapping) else text_of(item) for item in value)


def text_of(value: Any) -> str:
    """Return a value as text; nothing for null."""
    return "" if value is None else str(value)


def whole(value: Any, otherwise: int = 0) -> int:
    """Return a number as a whole one."""
    return int(value) if isinstance(value, int | float) else otherwise
