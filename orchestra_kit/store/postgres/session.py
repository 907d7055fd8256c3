"""SQLAlchemy Core statements on a psycopg connection: Core writes the SQL, psycopg sends it; values are models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import Executable

from orchestra_kit.model import Value
from orchestra_kit.store.postgres.rows import json_text, storable_text
from orchestra_kit.store.postgres.trips import Connection

Model = TypeVar("Model", bound=Value)

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def rows_of(database: Connection, statement: Executable) -> list[dict[str, Any]]:
    """Run a Core statement and return its rows."""
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
    cursor = database.execute(str(compiled), dict(compiled.params))
    return cursor.fetchall() if cursor.description else []


def one_of(database: Connection, statement: Executable) -> dict[str, Any] | None:
    """Run a Core statement and return its first row."""
    rows = rows_of(database, statement)
    return rows[0] if rows else None


def columns_of(table: Table, value: Value, **more: Any) -> dict[str, Any]:
    """Return the column values of a model for its table; json and jsonb columns as JSON text."""
    from sqlalchemy import JSON

    data: dict[str, Any] = {**value.model_dump(mode="python"), **more}
    plain = value.model_dump(mode="json", by_alias=True)
    names = {name: field.alias or name for name, field in type(value).model_fields.items()}
    found: dict[str, Any] = {}
    for column in table.columns:
        name = column.name
        if name not in data:
            continue
        if isinstance(column.type, JSON):
            known = plain.get(names.get(name, name)) if name not in more else more[name]
            found[name] = None if known is None else json_text(known)
        else:
            found[name] = storable_text(data[name]) if isinstance(data[name], str) else data[name]
    return found


def model_of(kind: type[Model], row: Mapping[str, Any], **more: Any) -> Model:
    """Return the model of a row; columns the model does not know are left out."""
    known = {name: row[name] for name in kind.model_fields if name in row}
    return kind.model_validate({**known, **more})


def add(database: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row."""
    rows_of(database, insert(table).values(dict(values)))


def put(database: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row or replace the one of the same key; True when it was new."""
    keys = [column.name for column in table.primary_key.columns]
    where = [table.c[name] == values[name] for name in keys]
    known = one_of(database, select(*(table.c[name] for name in keys)).where(*where))
    others = {name: value for name, value in values.items() if name not in keys}
    statement = insert(table).values(dict(values))
    rows_of(database, statement.on_conflict_do_update(index_elements=keys, set_=others))
    return known is None
