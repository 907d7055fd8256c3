"""Brings a database to the newest schema; safe for several processes at once, and quick when nothing is to be done."""

from __future__ import annotations

from pathlib import Path

import psycopg

from orchestra_kit.store.postgres.migrations import HEAD, VERSION_SCHEMA

_LOCK = 0x6F726368657374  # "orchest": one advisory lock of the database for all migrating processes


def migrate(owner_url: str) -> bool:
    """Apply what is missing as the owner role; return whether anything was."""
    with psycopg.connect(owner_url, autocommit=True, connect_timeout=5) as connection:
        if schema_revision(connection) == HEAD:
            return False
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        if schema_revision(connection) == HEAD:
            return False
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {VERSION_SCHEMA}")
        _upgrade(owner_url)
        return True


def schema_revision(connection: psycopg.Connection) -> str | None:
    """Return the revision of the schema, or None for an empty database."""
    table = f"{VERSION_SCHEMA}.alembic_version"
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    if not found or not found[0]:
        return None
    row = connection.execute(f"SELECT version_num FROM {table}").fetchone()  # noqa: S608  # a constant of ours
    return str(row[0]) if row else None


def _upgrade(owner_url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(owner_url, connect_timeout=5), poolclass=NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
