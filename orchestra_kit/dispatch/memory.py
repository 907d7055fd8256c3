"""A wake-up queue in memory, for tests and for a worker on the memory store."""

from __future__ import annotations

import queue
from collections.abc import Callable

from orchestra_kit.dispatch.consumers import Consumers
from orchestra_kit.spi.work import RunRef


class MemoryWakeUpQueue:
    """WakeUpQueue in the memory of one process."""

    def __init__(self) -> None:
        self._messages: queue.Queue[RunRef] = queue.Queue()
        self._consumers = Consumers(self._take, self._messages.put, name="memory-queue")

    def send(self, refs: tuple[RunRef, ...]) -> None:
        """Wake an executor for each run."""
        for ref in refs:
            self._messages.put(ref)

    def consume(self, handle: Callable[[RunRef], None], *, threads: int) -> None:
        """Start `threads` consumers that call `handle`; return at once."""
        self._consumers.start(handle, threads)

    def stop(self, *, timeout_seconds: float) -> bool:
        """Take no more messages and wait for the handlers under way; True when all came to an end in time."""
        return self._consumers.stop(timeout_seconds)

    def close(self) -> None:
        """Nothing is held."""

    def waiting(self) -> int:
        """Return how many messages nobody has taken."""
        return self._messages.qsize()

    def _take(self) -> RunRef | None:
        try:
            return self._messages.get(timeout=0.05)
        except queue.Empty:
            return None
