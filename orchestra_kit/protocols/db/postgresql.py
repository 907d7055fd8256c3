"""Reading PostgreSQL: read-only sessions and transactions, one statement each, cut off by time, rows and bytes."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from orchestra_kit.errors import DefinitionError, EgressError
from orchestra_kit.protocols.db.answers import Answer, DatabaseFailure, collect
from orchestra_kit.protocols.db.query import ReadQuery
from orchestra_kit.protocols.db.source import DataSource
from orchestra_kit.protocols.egress import EgressGuard, ResolutionError

MAX_CONNECTIONS = 8
IDLE_SECONDS = 60.0
_GRACE_SECONDS = 1.0
_CLEANUP = "ROLLBACK"
# Whatever the worker's own environment says about PostgreSQL must not reach a system under test.
_NOTHING_OF_OURS: dict[str, Any] = {
    "passfile": "/nonexistent/orchestra-has-no-passfile",
    "gssencmode": "disable",
    "sslcert": "/nonexistent/orchestra-has-no-client-certificate",
    "client_encoding": "UTF8",
    "target_session_attrs": "any",
}


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in. The values are secrets: they are never shown."""

    user: str
    password: str


class PostgresReader:
    """A small pool of read-only connections to one data source. Safe for many threads; nothing is held between reads."""

    def __init__(self, source: DataSource, login: Login, guard: EgressGuard) -> None:
        self._source = source
        self._login = login
        self._guard = guard
        self._idle: list[tuple[psycopg.Connection[Any], float]] = []
        self._lock = threading.Lock()
        self._seats = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def read(self, query: ReadQuery, parameters: Mapping[str, Any], *, timeout: float) -> Answer:
        """Return the rows of a query; raise DatabaseFailure, DefinitionError or EgressError."""
        ends_at = time.monotonic() + timeout
        with self._connection(ends_at) as (connection, reused):
            try:
                return _read(connection, query, parameters, ends_at)
            except psycopg.OperationalError as exc:
                if not reused or not connection.closed or time.monotonic() >= ends_at:
                    raise _failure(exc, timeout) from exc
            except psycopg.Error as exc:
                raise _failure(exc, timeout) from exc
        # The server had closed an idle connection: once more on a fresh one.
        self.close()
        with self._connection(ends_at) as (connection, _):
            try:
                return _read(connection, query, parameters, ends_at)
            except psycopg.Error as exc:
                raise _failure(exc, timeout) from exc

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    @contextmanager
    def _connection(self, ends_at: float) -> Iterator[tuple[psycopg.Connection[Any], bool]]:
        if not self._seats.acquire(timeout=max(ends_at - time.monotonic(), 0)):
            raise DatabaseFailure("timeout", "no connection to the database became free in time", retryable=True)
        try:
            connection = self._take()
            reused = connection is not None
            if connection is None:
                connection = self._connect(max(ends_at - time.monotonic(), 0.1))
            try:
                yield connection, reused
            finally:
                self._give_back(connection)
        finally:
            self._seats.release()

    def _take(self) -> psycopg.Connection[Any] | None:
        now = time.monotonic()
        with self._lock:
            while self._idle:
                connection, since = self._idle.pop()
                if not connection.closed and now - since < IDLE_SECONDS:
                    return connection
                connection.close()
        return None

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        if connection.closed or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.close()
            return
        with self._lock:
            self._idle.append((connection, time.monotonic()))

    def _connect(self, timeout: float) -> psycopg.Connection[Any]:
        source = self._source
        place: dict[str, Any] = {"host": source.host}
        if source.host.startswith("/"):
            if not self._guard.allows_socket(source.host):
                raise EgressError(
                    f"the socket folder '{source.host}' is not allowed.",
                    hint=f"Add 'unix:{source.host}' to egress.allow of the environment to permit it.",
                )
        else:
            try:
                # Connected to by address, so that the checked one is the used one; the name serves TLS.
                place["hostaddr"] = self._guard.resolve(source.host, source.port, timeout=timeout)[0]
            except ResolutionError as exc:
                raise DatabaseFailure("connection", f"the database cannot be reached: {exc}", retryable=True) from exc
        options = "-c default_transaction_read_only=on -c standard_conforming_strings=on -c lock_timeout=2000"
        try:
            connection = psycopg.connect(
                **place,
                **_NOTHING_OF_OURS,
                port=source.port,
                dbname=source.database,
                user=self._login.user,
                password=self._login.password,
                sslmode=source.ssl_mode,
                options=options,
                application_name="orchestra assertion",
                connect_timeout=max(2, int(timeout)),
                tcp_user_timeout=int(timeout * 1000) + 1000,
                autocommit=True,
                prepare_threshold=None,
            )
        except psycopg.Error as exc:
            raise _failure(exc, timeout) from exc
        if source.schema:
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(source.schema)))
        return connection


def _read(
    connection: psycopg.Connection[Any], query: ReadQuery, parameters: Mapping[str, Any], ends_at: float
) -> Answer:
    left = max(ends_at - time.monotonic(), 0.001)
    with _cut_off(connection, left + _GRACE_SECONDS):
        connection.execute(
            sql.SQL("BEGIN READ ONLY; SET LOCAL statement_timeout = {}").format(sql.Literal(max(1, int(left * 1000))))
        )
        try:
            # A cursor takes reads only, never a second statement, and gives rows in portions.
            with connection.cursor(name="orchestra_assertion") as cursor:
                cursor.execute(query.for_psycopg(), _bound(parameters))
                columns = [column.name for column in cursor.description or ()]
                return collect(columns, cursor.fetchmany)
        finally:
            if not connection.closed:
                connection.execute(_CLEANUP)


@contextmanager
def _cut_off(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """Shut the connection's socket when a server that no longer answers holds us beyond the deadline."""
    file = connection.fileno()

    def shut() -> None:
        with socket.socket(fileno=os.dup(file)) as handle:
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _failure(exc: psycopg.Error, timeout: float) -> Exception:
    text = (exc.diag.message_primary or str(exc)).strip().splitlines()[0] if str(exc) else type(exc).__name__
    if isinstance(
        exc, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable | psycopg.errors.ConnectionTimeout
    ):
        return DatabaseFailure("timeout", f"the query was stopped after {timeout:g} s: {text}", retryable=True)
    if isinstance(exc, psycopg.errors.ReadOnlySqlTransaction):
        return DefinitionError(f"the SQL does more than read: {text}.")
    if isinstance(exc, psycopg.errors.InsufficientPrivilege):
        return DatabaseFailure("definition", f"the login may not do that: {text}")
    if isinstance(exc, psycopg.errors.InvalidPassword | psycopg.errors.InvalidAuthorizationSpecification):
        return DatabaseFailure("connection", f"the database refused the login: {text}")
    if exc.sqlstate is None or exc.sqlstate[:2] in ("08", "53", "57"):
        kind = "refused" if "Connection refused" in str(exc) else "connection"
        return DatabaseFailure(kind, f"the database cannot be reached: {text}", retryable=True)
    return DatabaseFailure("definition", f"the database does not accept the SQL: {text}")


def _bound(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Jsonb(value) if isinstance(value, dict) else value for name, value in parameters.items()}
