"""Connections to PostgreSQL, and the one place where broken ones, deadlocks and serialization failures are retried.

The pool connects in the calling thread: a database that is down is told at once, and one that is back is used at once
(a pool with background reconnects waits through its own back-off first).
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.store.postgres.tenant import (
    in_one_trip,
    tenant_transaction,
    transaction_without_tenant,
)
from orchestra_kit.store.postgres.trips import Connection

Answer = TypeVar("Answer")

_ROLLED_BACK = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
"""The server says that nothing of the transaction was kept."""

_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
"""The connection is gone, or could not be made."""


class Database:
    """A pool of connections of one login. `patience_seconds`: how long an operation outlives a database that is away."""

    def __init__(self, url: str, *, most: int = 20, patience_seconds: float = 0.0) -> None:
        self._url, self._patience = url, patience_seconds
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._places: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(most):
            self._places.put(None)
        self._closed = False

    def close(self) -> None:
        """End all idle connections; those in use end when they are given back."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for connection in idle:
            connection.close()

    def in_tenant(self, tenant_id: str, work: Callable[[Connection], Answer], *, repeatable: bool = False) -> Answer:
        """Do `work` in one transaction of a tenant. It is done again after a failure that kept nothing of it and, when it
        is `repeatable`, also where the answer to its commit was lost."""

        def attempt(connection: Connection) -> Answer:
            committing = False
            try:
                with tenant_transaction(connection, tenant_id):
                    answer = work(connection)
                    committing = True
            except _AWAY as error:
                if committing and not repeatable and connection.closed:
                    raise _AnswerLostError from error
                raise
            return answer

        return self._retrying(attempt)

    def in_one_trip(self, tenant_id: str, statement: str, values: Mapping[str, Any]) -> list[DictRow]:
        """Run one repeatable statement of a tenant in its own transaction and in one round trip."""
        return self._retrying(lambda connection: in_one_trip(connection, tenant_id, statement, values))

    def across_tenants(self, statement: str, values: Mapping[str, Any]) -> list[DictRow]:
        """Call a function that finds work across tenants; no tenant's rows are visible."""

        def attempt(connection: Connection) -> list[DictRow]:
            with transaction_without_tenant(connection):
                return connection.execute(statement, values).fetchall()

        return self._retrying(attempt)

    def _retrying(self, attempt: Callable[[Connection], Answer]) -> Answer:
        deadline, pause, conflicts = time.monotonic() + self._patience, 0.02, 0
        while True:
            try:
                return self._on_a_connection(attempt)
            except _StaleConnectionError:
                continue
            except _AnswerLostError as error:
                raise StoreUnavailableError(
                    f"{place_of(self._url)} went away during a commit; the change may or may not be stored.",
                    hint="Look before repeating it.",
                ) from error.__cause__
            except _ROLLED_BACK as error:
                conflicts += 1
                if conflicts > 10:
                    raise self._unavailable("is too busy", error) from error
            except psycopg.errors.QueryCanceled as error:
                raise self._unavailable("took too long", error) from error
            except _AWAY as error:
                if time.monotonic() >= deadline:
                    raise self._unavailable("does not answer", error) from error
            except psycopg.IntegrityError:
                raise  # the caller knows what it means
            except psycopg.Error as error:
                raise self._unavailable("refuses", error) from error
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # jitter
            pause = min(pause * 2, 0.5)

    def _on_a_connection(self, attempt: Callable[[Connection], Answer]) -> Answer:
        try:
            self._places.get(timeout=30)
        except queue.Empty:
            message = "all connections to the database have been in use for 30 seconds."
            raise StoreUnavailableError(message) from None
        try:
            connection, used_before = self._take()
            try:
                return attempt(connection)
            except _AWAY as error:
                if used_before and connection.closed:
                    # the server closed it while it was idle, and says nothing about the server now: connect anew
                    raise _StaleConnectionError from error
                raise
            finally:
                self._give_back(connection)
        finally:
            self._places.put(None)

    def _take(self) -> tuple[Connection, bool]:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return connection, True
        return Connection.connect(self._url, autocommit=True, connect_timeout=5, row_factory=dict_row), False

    def _give_back(self, connection: Connection) -> None:
        idle = connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            if idle and not connection.closed and not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _unavailable(self, what: str, error: psycopg.Error) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"{place_of(self._url)} {what}: {_said(error)}",
            hint="Start it, or check ORCHESTRA_DATABASE_URL; `orchestra doctor` tells more.",
        )


def place_of(url: str) -> str:
    """Return "the database NAME at HOST:PORT" for people, without the password."""
    known = conninfo_to_dict(url)
    where = f"{known.get('host') or 'localhost'}:{known.get('port') or 5432}"
    return f"the database '{known.get('dbname') or known.get('user') or ''}' at {where}"


def _said(error: psycopg.Error) -> str:
    lines = str(error.diag.message_primary or error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


class _AnswerLostError(Exception):
    """The connection broke between COMMIT and its answer."""


class _StaleConnectionError(Exception):
    """A pooled connection turned out to be closed."""
