"""Wake-ups through huey's PostgreSQL storage: LISTEN/NOTIFY to wake, one DELETE ... SKIP LOCKED to take.

Of huey only the storage is used. Its tasks are pickles, so neither its serializer nor its consumer may see our rows: a
message is read by `message.decode` alone. Its tables lie in the schema `orchestra_queue`, made by our migrations and
reached by the worker role alone. Commits do not wait for the disk here: a message may be lost, the run's row is the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from orchestra_kit.dispatch.consumers import Consumers
from orchestra_kit.dispatch.message import decode, encode
from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.spi.work import RunRef

_SCHEMA = "orchestra_queue"
_WAIT_SECONDS = 0.5
"""How long a take waits for a NOTIFY before it looks again: NOTIFY is not stored and may be lost."""


class HueyWakeUpQueue:
    """WakeUpQueue on PostgreSQL, logged in as orchestra_worker."""

    def __init__(self, worker_url: str, *, name: str = "orchestra") -> None:
        from huey.storage import PostgresStorage

        self._url = worker_url
        self._storage: Any = PostgresStorage(
            name, connection=self._connect, read_timeout=_WAIT_SECONDS, create_tables=False
        )
        self._consumers = Consumers(self._take, lambda ref: self.send((ref,)), name="huey-queue", leave=self.close)

    @property
    def refused(self) -> int:
        """How many forged or malformed messages were dropped."""
        return self._consumers.refused

    def send(self, refs: tuple[RunRef, ...]) -> None:
        """Wake an executor for each run; raise StoreUnavailableError when the database does not answer."""
        import psycopg

        for ref in refs:
            for last in (False, True):  # a connection that was idle may be gone: the second try makes a new one
                try:
                    self._storage.enqueue(encode(ref))
                    break
                except psycopg.Error as error:
                    self._disconnect()
                    if last:
                        raise StoreUnavailableError("wake-ups cannot be sent: the database does not answer.") from error

    def consume(self, handle: Callable[[RunRef], None], *, threads: int) -> None:
        """Start `threads` consumers that call `handle`; return at once."""
        self._consumers.start(handle, threads)

    def stop(self, *, timeout_seconds: float) -> bool:
        """Take no more messages and wait for the handlers under way; True when all came to an end in time."""
        return self._consumers.stop(timeout_seconds)

    def close(self) -> None:
        """Close connections."""
        self._disconnect()

    def _disconnect(self) -> None:
        # Huey looks whether there is a connection before it takes its lock: another thread may have closed it by then.
        with suppress(AttributeError):
            self._storage.close()

    def _take(self) -> RunRef | None:
        try:
            data = self._storage.dequeue()
        except Exception:
            self._disconnect()  # both connections of this thread; the next take makes new ones
            raise
        return None if data is None else decode(data)

    def _connect(self) -> Any:
        import psycopg

        options = f"-c search_path={_SCHEMA} -c synchronous_commit=off -c application_name=orchestra-wake-up"
        return psycopg.connect(self._url, options=options, connect_timeout=5)
