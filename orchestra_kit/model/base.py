"""The base of every value in the domain: frozen, strict about names, camelCase in JSON."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

JsonValue: TypeAlias = Any
"""Any JSON value: None, bool, int, float, str, list or dict of these."""

JsonObject: TypeAlias = Mapping[str, Any]


class Value(BaseModel):
    """A frozen value of the domain; `to_json()` gives the public camelCase contract."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """Return the value as plain JSON data with the public camelCase names."""
        return self.model_dump(mode="json", by_alias=True)


def new_id() -> str:
    """Return a new random id that sorts by creation time (UUID version 7, RFC 9562)."""
    millis = time.time_ns() // 1_000_000
    number = (millis << 80) | int.from_bytes(os.urandom(10), "big")
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
