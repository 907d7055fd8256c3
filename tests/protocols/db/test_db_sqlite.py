"""Assertions on SQLite files."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest

from orchestra_kit.protocols.db.step_executor import DbStepExecutor


@pytest.fixture
def ask(db_command, shop_file):
    executor = DbStepExecutor()
    return lambda sql, parameters=None, **settings: executor.act(
        db_command(f"jdbc:sqlite:{shop_file}", sql, parameters, **settings)
    )


def test_rows_come_back_as_json_values(ask):
    seen = ask("SELECT * FROM orders WHERE id = :id", {"id": 1})
    assert seen.error is None
    assert seen.rows == [{"id": 1, "status": "PAID", "total": 19.99, "paid": 1, "raw": "aGk="}]
    assert seen.view == {"rows": seen.rows, "count": 1}
    json.dumps(dict(seen.view))


def test_a_parameter_is_bound_and_never_becomes_sql(ask):
    assert ask("SELECT id FROM orders WHERE status = :status", {"status": "x' OR '1'='1"}).rows == []


def test_common_table_expressions_and_values_are_reads(ask):
    assert ask("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n").rows == [
        {"i": 1},
        {"i": 2},
        {"i": 3},
    ]
    assert ask("VALUES (1)").rows == [{"column1": 1}]


ATTACKS = {
    "insert": "INSERT INTO orders(id) VALUES (9)",
    "writing CTE": "WITH x AS (SELECT 9 AS i) INSERT INTO orders(id) SELECT i FROM x",
    "attach": "ATTACH '/tmp/other.db' AS other",
    "pragma": "PRAGMA query_only = OFF",
    "pragma as a table": "SELECT * FROM pragma_database_list",
    "load extension": "SELECT load_extension('/tmp/evil.so')",
    "two statements": "SELECT 1; DELETE FROM orders",
    "ddl": "CREATE TABLE x (a)",
    "replace": "REPLACE INTO orders(id) VALUES (1)",
    "vacuum into": "VACUUM INTO '/tmp/copy.db'",
    "read a file": "SELECT readfile('/etc/passwd')",
    "write a file": "SELECT writefile('/tmp/x', 'y')",
}


@pytest.mark.parametrize("sql", ATTACKS.values(), ids=ATTACKS.keys())
def test_a08_anything_but_a_read_is_refused(ask, shop_file, sql):
    """A08."""
    before = shop_file.read_bytes()
    seen = ask(sql)
    assert seen.error is not None and seen.error.kind == "definition"
    assert shop_file.read_bytes() == before


@pytest.mark.parametrize("sql", ["INSERT INTO orders(id) VALUES (9)", "DELETE FROM orders", "ATTACH 'x' AS y"])
def test_a08_the_connection_itself_refuses_writes(shop_file, sql):
    """A08: the walls behind the scan, each asked directly."""
    from orchestra_kit.errors import DefinitionError
    from orchestra_kit.protocols.db.query import ReadQuery
    from orchestra_kit.protocols.db.source import DataSource
    from orchestra_kit.protocols.db.sqlite import read_sqlite

    source = DataSource(kind="sqlite", database=str(shop_file))
    with pytest.raises(DefinitionError, match="more than read"):
        read_sqlite(source, ReadQuery(pieces=(sql,)), {}, timeout=1)


def test_a08_an_endless_query_is_stopped_at_the_deadline(ask):
    """A08: there is no server timeout, so the progress handler ends it."""
    began = time.monotonic()
    seen = ask("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", timeout=0.3)
    assert seen.error.kind == "timeout"
    assert time.monotonic() - began < 10


def test_a08_a_huge_value_is_refused(ask):
    """A08: memory."""
    assert ask("SELECT zeroblob(1000000000) AS x").error.kind == "definition"


def test_a_file_that_is_not_there_is_a_connection_fact(db_command, tmp_path):
    seen = DbStepExecutor().act(db_command(f"sqlite:{tmp_path}/no.db", "SELECT 1"))
    assert seen.error.kind == "connection" and not (tmp_path / "no.db").exists()


def test_a_file_that_is_no_database_is_not_read(db_command, tmp_path):
    (tmp_path / "passwords.txt").write_text("root:secret:0:0\n" * 10)
    seen = DbStepExecutor().act(db_command(f"jdbc:sqlite:{tmp_path}/passwords.txt", "SELECT 1"))
    assert seen.error.kind == "definition" and "secret:0" not in seen.error.message


def test_a_locked_database_is_waited_for_and_then_a_timeout(ask, shop_file):
    writer = sqlite3.connect(shop_file, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        seen = ask("SELECT * FROM orders", timeout=0.2)
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert seen.error.kind == "timeout" and seen.error.retryable


def test_a_database_in_wal_mode_is_read_while_it_is_written(ask, shop_file):
    writer = sqlite3.connect(shop_file, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO orders(id, status) VALUES (3, 'NEW')")
    try:
        assert ask("SELECT count(*) AS n FROM orders").rows == [{"n": 3}]
    finally:
        writer.close()


def test_a_watch_holds_nothing_between_looks(db_command, shop_file):
    executor = DbStepExecutor()
    watch = executor.watch(db_command(f"jdbc:sqlite:{shop_file}", "SELECT count(*) AS n FROM orders"))
    assert watch.poll().rows == [{"n": 2}]
    handles = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert str(shop_file) not in handles
    with sqlite3.connect(shop_file) as writer:
        writer.execute("INSERT INTO orders(id) VALUES (3)")
    writer.close()
    assert watch.poll().rows == [{"n": 3}]
    watch.close()


def test_a_template_in_the_sql_is_refused(ask):
    seen = ask("SELECT * FROM orders WHERE id = 1", template_sql="SELECT * FROM orders WHERE id = {{ data.id }}")
    assert seen.error.kind == "definition" and ":name" in seen.error.message


def test_an_unknown_data_source_is_named_with_the_nearest(ask):
    seen = ask("SELECT 1", data_source="shpo")
    assert seen.error.kind == "definition" and "Did you mean 'shop'?" in seen.error.message
