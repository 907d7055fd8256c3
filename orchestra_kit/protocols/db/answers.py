"""What a database answered: rows within limits, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.protocols.db.values import rows_to_json, size_of

MAX_ROWS = 1000
MAX_BYTES = 10 * 1024 * 1024
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Rows as JSON; `truncated` when there were more than the limits let in."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    truncated: bool = False


class DatabaseFailure(Exception):
    """The database gave no rows. `kind` is that of an ObservationError."""

    def __init__(self, kind: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.kind, self.message, self.retryable = kind, message, retryable


def collect(columns: Sequence[str], fetch: Callable[[int], Sequence[Sequence[Any]]]) -> Answer:
    """Return the rows that `fetch(count)` gives, up to MAX_ROWS rows and MAX_BYTES bytes."""
    rows: list[Sequence[Any]] = []
    size = 0
    while True:
        batch = fetch(_BATCH)
        for row in batch:
            size += sum(map(size_of, row))
            if len(rows) >= MAX_ROWS or size > MAX_BYTES:
                return Answer(rows=rows_to_json(columns, rows), truncated=True)
            rows.append(row)
        if len(batch) < _BATCH:
            return Answer(rows=rows_to_json(columns, rows))
