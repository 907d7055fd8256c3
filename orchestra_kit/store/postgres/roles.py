"""Roles and the database, made once by somebody who may; nobody else needs such power.

orchestra_owner     owns every object, used by migrations only
orchestra_app       surfaces: commands, magics, the Hub service
orchestra_worker    workers: claims, leases, work across tenants through narrow functions
orchestra_dispatch  owns those functions; nobody logs in as it
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

OWNER, APP, WORKER, DISPATCH = "orchestra_owner", "orchestra_app", "orchestra_worker", "orchestra_dispatch"
DATABASE = "orchestra"

_LOCK = 0x6F726368726F6C  # roles belong to the whole server: one process makes them

_SETTINGS = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "10s",
    "timezone": "UTC",
}
"""Idle in a transaction for 5 s is below any lease, so that a frozen worker holds no row another one needs."""


def create_roles(connection: psycopg.Connection, passwords: Mapping[str, str] | None = None) -> None:
    """Make the four roles that are missing, without any power, with their time limits."""
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        for role in (OWNER, APP, WORKER, DISPATCH):
            login = sql.SQL("NOLOGIN" if role == DISPATCH else "LOGIN")
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            if known is None:
                plain = sql.SQL("NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")
                connection.execute(sql.SQL("CREATE ROLE {} {} {}").format(sql.Identifier(role), login, plain))
            password = (passwords or {}).get(role)
            if password is not None:
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
            for setting, value in _SETTINGS.items() if role in (APP, WORKER) else ():
                statement = sql.SQL("ALTER ROLE {} SET {} = {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Identifier(setting), sql.Literal(value)))
        # the owner hands the dispatch functions over, which takes SET; without INHERIT it sees no row by their policy
        connection.execute(f"GRANT {DISPATCH} TO {OWNER} WITH INHERIT FALSE, SET TRUE")
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def create_database(connection: psycopg.Connection, name: str, *, template: str | None = None) -> bool:
    """Make a database of the owner role that only our roles may connect to; False when it is there already."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
        return False
    parts = [sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))]
    if template is not None:
        parts.append(sql.SQL("TEMPLATE {}").format(sql.Identifier(template)))
    try:
        connection.execute(sql.SQL(" ").join(parts))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return False
    close_database(connection, name)
    return True


def close_database(connection: psycopg.Connection, name: str) -> None:
    """Let nobody but our roles connect to a database."""
    database = sql.Identifier(name)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    roles = sql.SQL(", ").join(map(sql.Identifier, (OWNER, APP, WORKER)))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, roles))
