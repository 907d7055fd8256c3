"""What the JSON bodies of all services have in common: strict camelCase models and shared field types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

IDENTIFIER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
EMAIL_PATTERN = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]
Email = Annotated[str, StringConstraints(pattern=EMAIL_PATTERN, max_length=254)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=100)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Cents = Annotated[int, Field(ge=1, le=100_000_000)]
OrderQuantity = Annotated[int, Field(ge=1, le=1000)]


class Message(BaseModel):
    """A request or response body: no unknown fields, no silent conversions, null fields left out when sent."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    def to_json(self) -> str:
        """The body as sent."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class Empty(Message):
    """The body of a command that needs no more than its path: nothing at all, or `{}`."""
