"""Migrations: whole, quick, safe for many at once, and the same as the Core tables."""

from __future__ import annotations

import subprocess
import sys
import threading

import psycopg

from orchestra_kit.store.postgres.migrate import migrate, schema_revision
from orchestra_kit.store.postgres.migrations import HEAD


def test_many_at_once_make_one_schema(server) -> None:
    urls, ends = server.fresh(migrated=False), []
    threads = [threading.Thread(target=lambda: ends.append(migrate(urls.owner))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == [False, False, False, False, True]
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        assert schema_revision(connection) == HEAD


def test_a_current_schema_needs_no_alembic(server) -> None:
    script = (
        "import sys; from orchestra_kit.store.postgres.migrate import migrate; "
        "print(migrate(sys.argv[1]), 'alembic' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, server.fresh().owner], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False", "False"]


def test_the_newest_script_is_the_head_we_know() -> None:
    from pathlib import Path

    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import orchestra_kit.store.postgres.migrations as migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_core_tables_are_those_of_the_database(server) -> None:
    from sqlalchemy import create_engine, inspect

    from orchestra_kit.store.postgres.tables import metadata

    admin = server.fresh().admin
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(admin))
    inspector = inspect(engine)
    for table in metadata.sorted_tables:
        known = {item["name"]: item for item in inspector.get_columns(table.name)}
        assert set(known) == {column.name for column in table.columns}, table.name
        for column in table.columns:
            found = known[column.name]
            assert found["nullable"] == column.nullable, (table.name, column.name)
            if column.name != "position":
                assert str(found["type"]) == str(column.type.compile(engine.dialect)).split(" WITH")[0], column.name
        key = inspector.get_pk_constraint(table.name)["constrained_columns"]
        assert set(key) == {column.name for column in table.primary_key.columns}, table.name
        assert key[0] == "tenant_id"
    engine.dispose()


def test_the_promised_indexes_are_there(server) -> None:
    with psycopg.connect(server.fresh().admin) as connection:
        text = "\n".join(
            row[0] for row in connection.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
        )
    assert "(tenant_id, scenario_id, started_at)" in text
    assert "USING gin (payload" in text
