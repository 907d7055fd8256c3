"""Limits of the engine, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How long things may take and how much is kept; durations in seconds.

    `overrun_seconds` is how far a plugin may overrun its own deadline before its call is given up.
    `store_patience_seconds` is how long a run waits for a store that does not answer before it is left to the reaper.
    """

    lease_seconds: float = 30.0
    max_recoveries: int = 5
    call_seconds: float = 60.0
    assertion_seconds: float = 5.0
    prepare_seconds: float = 30.0
    overrun_seconds: float = 5.0
    store_patience_seconds: float = 20.0
    stored_characters: int = 256 * 1024
    background_calls: int = 8

    @property
    def heartbeat_seconds(self) -> float:
        """Return the time between two heartbeats: two may fail before a lease runs out."""
        return self.lease_seconds / 3
