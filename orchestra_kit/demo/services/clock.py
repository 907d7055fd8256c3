"""The shop's time: UTC, with milliseconds, as sortable ISO 8601 text."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """A moment as stored in rows and sent in bodies, such as 2030-01-31T09:15:00.250Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp_now() -> str:
    """The present moment as text."""
    return timestamp(utc_now())
