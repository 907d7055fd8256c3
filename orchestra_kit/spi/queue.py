"""The wake-up queue: a message may be lost, doubled or late, and nothing but time is lost with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from orchestra_kit.spi.work import RunRef


class WakeUpQueue(Protocol):
    """Carries `{tenantId, runId}` from schedulers to executors."""

    def send(self, refs: tuple[RunRef, ...]) -> None:
        """Wake an executor for each run."""

    def consume(self, handle: Callable[[RunRef], None], *, threads: int) -> None:
        """Start `threads` consumers that call `handle`; return at once."""

    def stop(self, *, timeout_seconds: float) -> bool:
        """Take no more messages and wait for the handlers under way; True when all came to an end in time."""

    def close(self) -> None:
        """Close connections."""
