"""Reading a SQLite file: opened read-only, with an authorizer that lets nothing but reads through, and a deadline."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestra_kit.errors import DefinitionError
from orchestra_kit.protocols.db.answers import MAX_BYTES, Answer, DatabaseFailure, collect
from orchestra_kit.protocols.db.query import ReadQuery
from orchestra_kit.protocols.db.source import DataSource

_INSTRUCTIONS_BETWEEN_CHECKS = 2000
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "fsdir"})
_HEADER = b"SQLite format 3\0"


def read_sqlite(source: DataSource, query: ReadQuery, parameters: Mapping[str, Any], *, timeout: float) -> Answer:
    """Return the rows of a query; raise DatabaseFailure or DefinitionError."""
    ends_at = time.monotonic() + timeout
    path = _existing(source.database)
    try:
        with closing(_open(path, timeout)) as connection:
            connection.set_progress_handler(lambda: int(time.monotonic() > ends_at), _INSTRUCTIONS_BETWEEN_CHECKS)
            cursor = connection.execute(query.for_sqlite(), _bound(parameters))
            columns = [column[0] for column in cursor.description or ()]
            return collect(columns, cursor.fetchmany)
    except sqlite3.OperationalError as exc:
        raise _failure(exc, timeout) from exc
    except (sqlite3.Error, sqlite3.Warning) as exc:
        if "not authorized" in str(exc) or "prohibited" in str(exc):
            raise DefinitionError(f"the SQL does more than read: {exc}.") from exc
        raise DatabaseFailure("definition", f"the database does not accept the SQL: {exc}") from exc
    except (OverflowError, TypeError) as exc:
        raise DatabaseFailure("definition", f"a parameter does not fit: {exc}") from exc


def _existing(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise DatabaseFailure("connection", f"there is no SQLite file '{name}'", retryable=True)
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
    except OSError as exc:
        raise DatabaseFailure("connection", f"'{name}' cannot be read: {exc.strerror}") from exc
    if header and header != _HEADER:
        raise DefinitionError(f"'{name}' is not a SQLite database.")
    return path


def _open(path: Path, timeout: float) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=True)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_authorizer(_authorize)
    except BaseException:
        connection.close()
        raise
    return connection


def _authorize(action: int, _one: str | None, two: str | None, _database: str | None, _trigger: str | None) -> int:
    if action not in _READS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _failure(exc: sqlite3.OperationalError, timeout: float) -> Exception:
    text = str(exc)
    if "interrupted" in text:
        return DatabaseFailure("timeout", f"the query was stopped after {timeout:g} s", retryable=True)
    if "locked" in text or "busy" in text:
        return DatabaseFailure("timeout", "the database stayed locked", retryable=True)
    if "unable to open" in text or "disk I/O" in text:
        return DatabaseFailure("connection", f"the database cannot be opened: {text}", retryable=True)
    if "not authorized" in text or "prohibited" in text or "readonly" in text:
        return DefinitionError(f"the SQL does more than read: {text}.")
    return DatabaseFailure("definition", f"the database does not accept the SQL: {text}")


def _bound(parameters: Mapping[str, Any]) -> dict[str, Any]:
    import json

    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        for name, value in parameters.items()
    }
