"""Assertions on a real PostgreSQL server."""

from __future__ import annotations

import json
import threading
import time

import psycopg
import pytest

from orchestra_kit.model import Egress
from orchestra_kit.protocols.db.step_executor import DbStepExecutor


@pytest.fixture
def executor():
    made = DbStepExecutor()
    yield made
    made.close()


@pytest.fixture
def ask(executor, db_command, postgres):
    """Asks as the read-only login, or as the superuser, whose rights let only our own walls stand."""

    def act(sql, parameters=None, *, superuser=False, **settings):
        url = f"jdbc:postgresql://127.0.0.1:{postgres.relay.port}/postgres"
        login = {"user": "secret:owner"} if superuser else {"user": "secret:reader", "password": "secret:reader-pw"}
        return executor.act(db_command(url, sql, parameters, **login, **settings))

    return act


def test_rows_come_back_as_json_values(ask):
    seen = ask("SELECT id, status, total, paid, placed, note, raw FROM orders ORDER BY id")
    assert seen.error is None
    assert seen.view["count"] == 2
    assert seen.view["rows"][0] == {
        "id": 1,
        "status": "PAID",
        "total": 19.99,
        "paid": True,
        "placed": "2026-01-02T03:04:05+00:00",
        "note": {"a": [1]},
        "raw": "aGk=",
    }
    json.dumps(dict(seen.view))


def test_a_parameter_is_bound_and_never_becomes_sql(ask):
    seen = ask("SELECT id FROM orders WHERE status = :status AND '100%' LIKE '%\\%' ESCAPE '\\'",
               {"status": "PAID' OR '1'='1"})  # fmt: skip
    assert seen.error is None and seen.rows == []
    assert ask("SELECT id FROM orders WHERE status = :status AND id = :id", {"status": "PAID", "id": 1}).rows == [
        {"id": 1}
    ]


def test_the_run_ids_are_there_without_being_given(ask):
    seen = ask("SELECT :correlationId::text AS c, :runId::text AS r")
    assert seen.rows == [{"c": "0198c0de-0000-7000-8000-000000000001", "r": "run-1"}]


def test_a_missing_parameter_is_named_with_the_nearest(ask):
    seen = ask("SELECT :orderid::int", {"orderId": 1})
    assert seen.error.kind == "definition"
    assert "orderid" in seen.error.message and "orderId" in seen.error.message


def test_a_column_that_stands_twice_is_kept_under_a_second_name(ask):
    assert ask("SELECT 1 AS x, 2 AS x").rows == [{"x": 1, "x_2": 2}]


def test_lists_and_objects_are_bound_as_arrays_and_jsonb(ask):
    seen = ask(
        "SELECT count(*) AS n FROM orders WHERE id = ANY(:ids) AND note @> :note", {"ids": [1, 2], "note": {"a": [1]}}
    )
    assert seen.rows == [{"n": 1}]


ATTACKS = {
    "insert": "INSERT INTO orders VALUES (3)",
    "insert after comment": "/* x */ -- y\n INSERT INTO orders VALUES (3)",
    "update": "UPDATE orders SET status = 'x'",
    "ddl": "CREATE TABLE x (a int)",
    "drop": "DROP TABLE orders",
    "copy program": "COPY orders TO PROGRAM 'touch /tmp/owned'",
    "second statement": "SELECT 1; DROP TABLE orders",
    "second statement behind a comment": "SELECT 1 /* ; */ ; DELETE FROM orders",
    "nested comment hides a statement": "SELECT 1 /* /* */ */ ; DELETE FROM orders",
    "dblink": "SELECT * FROM dblink('host=127.0.0.1', 'select 1') AS t(a int)",
    "server file": "SELECT pg_read_file('/etc/passwd')",
    "server file by qualified name": "SELECT pg_catalog.pg_read_file('/etc/passwd')",
    "server file by quoted name": "SELECT \"pg_read_file\" ('/etc/passwd')",
    "server file by unicode name": "SELECT U&\"pg_re\\0061d_file\"('/etc/passwd')",
    "server folder": "SELECT * FROM pg_ls_dir('/')",
    "large object": "SELECT lo_import('/etc/passwd')",
    "setting": "SELECT set_config('transaction_read_only', 'off', true)",
    "sequence": "SELECT nextval('x')",
    "writing CTE": "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
    "CTE then write": "WITH x AS (SELECT 1) INSERT INTO orders SELECT 1",
    "select into": "SELECT * INTO copied FROM orders",
    "row lock": "SELECT * FROM orders FOR UPDATE",
    "query run by a function": "SELECT query_to_xml('delete from orders', true, true, '')",
    "kill": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "do block": "DO $$ BEGIN DELETE FROM orders; END $$",
    "set": "SET default_transaction_read_only = off",
    "explain analyze": "EXPLAIN ANALYZE DELETE FROM orders",
    "call": "CALL x()",
}


@pytest.mark.parametrize("sql", ATTACKS.values(), ids=ATTACKS.keys())
def test_a08_anything_but_a_read_is_refused_even_for_a_superuser(ask, sql):
    """A08: refused before it reaches the database, with a sentence that says why."""
    seen = ask(sql, superuser=True)
    assert seen.error is not None and seen.error.kind == "definition"
    assert not seen.error.retryable
    assert len(seen.error.message) > 20


def test_a08_a_function_that_writes_meets_the_read_only_transaction(ask, postgres):
    """A08: what no scan can see is stopped by the session itself."""
    with psycopg.connect(postgres.owner, autocommit=True) as owner:
        owner.execute(
            """CREATE OR REPLACE FUNCTION sneaky() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
               $$ BEGIN INSERT INTO orders(id) VALUES (99); RETURN 1; END $$"""
        )
        seen = ask("SELECT sneaky()", superuser=True)
        assert seen.error.kind == "definition" and "read-only" in seen.error.message
        assert owner.execute("SELECT count(*) FROM orders").fetchone() == (2,)


def test_a08_a_function_that_lifts_the_session_default_does_not_help_the_next_look(ask, postgres):
    """A08: each look begins its own read-only transaction."""
    with psycopg.connect(postgres.owner, autocommit=True) as owner:
        owner.execute(
            """CREATE OR REPLACE FUNCTION lift() RETURNS int LANGUAGE plpgsql AS
               $$ BEGIN SET default_transaction_read_only = off; RETURN 1; END $$"""
        )
    ask("SELECT lift()", superuser=True)
    assert "read-only" in ask("SELECT sneaky()", superuser=True).error.message


def test_a08_a_long_query_is_stopped_by_the_server(ask):
    """A08: pg_sleep beyond the timeout."""
    began = time.monotonic()
    seen = ask("SELECT pg_sleep(30)", timeout=0.3)
    assert seen.error.kind == "timeout" and seen.error.retryable
    assert time.monotonic() - began < 10


def test_a_server_that_no_longer_answers_is_left_at_the_deadline(executor, db_command, postgres):
    url = f"jdbc:postgresql://127.0.0.1:{postgres.relay.port}/postgres"
    command = db_command(url, "SELECT 1 AS one", user="secret:owner", timeout=1.0)
    assert executor.act(command).rows == [{"one": 1}]
    postgres.relay.frozen.set()
    try:
        seen = executor.act(command)
    finally:
        postgres.relay.frozen.clear()
    assert seen.error is not None and seen.error.retryable
    assert executor.act(db_command(url, "SELECT 2 AS two", user="secret:owner")).rows == [{"two": 2}]


def test_rows_beyond_the_limit_are_cut_and_said_so(ask):
    seen = ask("SELECT g FROM generate_series(1, 5000) g")
    assert seen.truncated and seen.view["count"] == 1000
    assert not ask("SELECT g FROM generate_series(1, 1000) g").truncated


def test_bytes_beyond_the_limit_are_cut(ask):
    seen = ask("SELECT repeat('x', 1000000) AS x FROM generate_series(1, 30)")
    assert seen.truncated and seen.view["count"] <= 10


def test_connections_are_reused_and_none_is_held_in_a_transaction(ask, postgres):
    ask("SELECT 1")
    before = postgres.relay.accepted
    for _ in range(5):
        ask("SELECT 1")
    assert postgres.relay.accepted == before
    with psycopg.connect(postgres.owner) as owner:
        states = owner.execute(
            "SELECT state FROM pg_stat_activity WHERE application_name = 'orchestra assertion'"
        ).fetchall()
    assert {state for (state,) in states} <= {"idle"}


def test_many_threads_share_a_few_connections(ask, postgres):
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda: results.append(ask("SELECT pg_sleep(0.02), 7 AS n").rows[0]["n"]))
        for _ in range(24)
    ]
    before = postgres.relay.accepted
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [7] * 24
    assert postgres.relay.accepted - before <= 8


def test_an_idle_connection_that_the_server_closed_is_replaced(ask, postgres):
    assert ask("SELECT 1 AS one").rows == [{"one": 1}]
    postgres.relay.drop_connections()
    time.sleep(0.05)
    assert ask("SELECT 2 AS two").rows == [{"two": 2}]


def test_a_watch_looks_again_and_sees_what_changed(executor, db_command, postgres):
    url = f"jdbc:postgresql://127.0.0.1:{postgres.relay.port}/postgres"
    watch = executor.watch(db_command(url, "SELECT status FROM orders WHERE id = 2", user="secret:owner"))
    assert watch.poll().rows == [{"status": "NEW"}]
    with psycopg.connect(postgres.owner, autocommit=True) as owner:
        owner.execute("UPDATE orders SET status = 'DONE' WHERE id = 2")
        assert watch.poll().rows == [{"status": "DONE"}]
        owner.execute("UPDATE orders SET status = 'NEW' WHERE id = 2")
    watch.close()


def test_the_default_schema_is_searched(executor, db_command, postgres):
    url = f"jdbc:postgresql://127.0.0.1:{postgres.relay.port}/postgres"
    seen = executor.act(db_command(url, "SELECT name FROM things", user="secret:owner", schema="other"))
    assert seen.rows == [{"name": "thing"}]


def test_an_unreachable_database_is_a_connection_fact(executor, db_command):
    seen = executor.act(db_command("jdbc:postgresql://127.0.0.1:1/x", "SELECT 1", user="secret:owner"))
    assert seen.error.kind in ("connection", "refused") and seen.error.retryable


def test_a_host_that_is_not_allowed_is_never_connected_to(executor, db_command, postgres):
    """A20 for databases."""
    before = postgres.relay.accepted
    url = f"jdbc:postgresql://127.0.0.1:{postgres.relay.port}/postgres"
    seen = executor.act(db_command(url, "SELECT 1", user="secret:owner", egress=Egress()))
    assert seen.error.kind == "egress"
    assert postgres.relay.accepted == before


def test_a_socket_folder_needs_an_entry_of_its_own(executor, db_command, postgres):
    """A20: a worker's own server behind a Unix socket is not for steps to read."""
    url = f"jdbc:postgresql:///postgres?host={postgres.socket_folder}"
    refused = executor.act(db_command(url, "SELECT 1 AS one", user="secret:owner"))
    assert refused.error.kind == "egress"
    allowed = Egress(allow=(f"unix:{postgres.socket_folder}",))
    assert executor.act(db_command(url, "SELECT 1 AS one", user="secret:owner", egress=allowed)).rows == [{"one": 1}]


def test_a_secret_that_is_absent_is_a_secret_fact(executor, db_command):
    seen = executor.act(db_command("jdbc:postgresql://127.0.0.1:1/x", "SELECT 1", user="secret:nobody"))
    assert seen.error.kind == "secret"


def test_the_password_of_the_worker_is_never_sent(executor, db_command, postgres, monkeypatch, tmp_path):
    """The PG* variables of the worker are about its own database."""
    monkeypatch.setenv("PGPASSWORD", "worker-password")
    monkeypatch.setenv("PGHOST", "/nowhere")
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_read_only=off")
    url = f"jdbc:postgresql://127.0.0.1:{postgres.relay.port}/postgres"
    seen = executor.act(db_command(url, "SHOW default_transaction_read_only", user="secret:owner"))
    assert seen.error.kind == "definition"
    read_only = executor.act(
        db_command(url, "SELECT current_setting('default_transaction_read_only') AS ro", user="secret:owner")
    )
    assert read_only.rows == [{"ro": "on"}]
