"""Statements in one round trip, spoken to libpq directly.

The hot path pays for the client more than for the server: psycopg's own pipeline spends some 150 microseconds of Python on
two statements, these calls some 40 (measured; threads share one interpreter lock, so it is the limit on 8 and 32 threads).
psycopg keeps the connection, loads the values and names the errors.
"""

from __future__ import annotations

import hashlib
import re
import select
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.rows import DictRow

_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)

Request = tuple[str, Mapping[str, Any]]
"""A statement with `%(name)s` parameters, and their values."""


class Connection(psycopg.Connection[DictRow]):
    """A connection that knows which statements of trips it has prepared."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._travelled: set[str] = set()
        self._reader = Transformer(self)
        self._arrival, self._departure = select.poll(), select.poll()
        self._arrival.register(self.pgconn.socket, select.POLLIN)
        self._departure.register(self.pgconn.socket, select.POLLIN | select.POLLOUT)

    def travel(self, requests: Sequence[Request]) -> list[DictRow]:
        """Run statements in one round trip and, on an autocommit connection, as one transaction: the statements of a
        pipeline are one implicit transaction, ended by its sync. Return the rows of the last; raise psycopg errors."""
        if self.closed:
            raise psycopg.OperationalError("the connection is closed")
        try:
            expected = self._send(requests)
            results = self._results()
            self.pgconn.exit_pipeline_mode()
        except BaseException:  # also an interrupt: an answer may be on its way, nobody else may get it
            self.close()
            raise
        for result, statement in zip(results, expected, strict=True):
            if result.status not in _GOOD:
                raise self._error(result)
            if statement is not None:
                self._travelled.add(statement)
        return self._rows(results[-1])

    def _send(self, requests: Sequence[Request]) -> list[str | None]:
        """Return, for each result to come, the statement it is the preparing of."""
        libpq = self.pgconn
        expected: list[str | None] = []
        libpq.enter_pipeline_mode()
        for statement, values in requests:
            text, names = _positional(statement)
            if statement not in self._travelled:
                libpq.send_prepare(_name(statement), text)
                expected.append(statement)
            libpq.send_query_prepared(_name(statement), [_encoded(values[item]) for item in names])
            expected.append(None)
        libpq.pipeline_sync()
        return expected

    def _results(self) -> list[pq.abc.PGresult]:
        libpq = self.pgconn
        found: list[pq.abc.PGresult] = []
        while libpq.flush():
            self._departure.poll()
            libpq.consume_input()
        while True:
            while libpq.is_busy():
                self._wait()
                libpq.consume_input()
            result = libpq.get_result()
            if result is None:
                continue  # the end of one statement's results
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            found.append(result)
            if libpq.status == pq.ConnStatus.BAD:
                raise psycopg.OperationalError(libpq.get_error_message())

    def _wait(self) -> None:
        self._arrival.poll()

    def _error(self, result: pq.abc.PGresult) -> psycopg.Error:
        error = psycopg.errors.error_from_result(result)
        if isinstance(error, psycopg.errors.FeatureNotSupported | psycopg.errors.InvalidSqlStatementName):
            self.close()
            return psycopg.OperationalError(f"what was prepared fits the database no longer: {error}")
        return error

    def _rows(self, result: pq.abc.PGresult) -> list[DictRow]:
        if not result.nfields:
            return []
        self._reader.set_pgresult(result)
        names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        return self._reader.load_rows(0, result.ntuples, lambda values: dict(zip(names, values, strict=True)))


@lru_cache(maxsize=200)
def _name(statement: str) -> bytes:
    """Return the name a statement is prepared under, the same on every connection."""
    return b"orchestra_" + hashlib.blake2b(statement.encode(), digest_size=12).hexdigest().encode()


@lru_cache(maxsize=200)
def _positional(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the statement with $1, $2 ... and the names that stand for them."""
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETER.sub(place, statement).encode(), tuple(names)


def _encoded(value: Any) -> bytes | None:
    """Return a value as PostgreSQL reads it from text."""
    if value is None:
        return None
    form = _FORMS.get(type(value)) or next((form for kind, form in _FORMS.items() if isinstance(value, kind)), None)
    if form is None:
        raise TypeError(f"no text form for {type(value).__name__}")
    return form(value)


def _array(values: Sequence[Any]) -> bytes:
    return b"{%s}" % b",".join(_element(item) for item in values)


def _element(value: Any) -> bytes:
    encoded = _encoded(value)
    if encoded is None:
        return b"NULL"
    return b'"%s"' % encoded.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


_FORMS: dict[type, Callable[[Any], bytes]] = {
    str: str.encode,
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"%d" % value,
    float: lambda value: repr(value).encode(),
    datetime: lambda value: value.isoformat().encode(),
    list: _array,
    tuple: _array,
}
