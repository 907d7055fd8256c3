"""Claims, step commits and finishes that travel together do what each does alone; trips carry any value."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from store_samples import a_commit, a_scenario, a_submission, a_suite, an_environment, an_intent, caller_of

from orchestra_kit.model import RunStatus, StepStatus, TenantSettings, new_id
from orchestra_kit.spi.work import FinishRun, RunRef
from orchestra_kit.store.postgres import database
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.hot_path import HotPath
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.tenant import in_one_trip
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.postgres.work import PostgresWork

CALLER = caller_of("t")
KEY = ("t", 30.0)
RUNS = 5


@pytest.fixture(scope="module")
def parts(urls):
    store, work = PostgresStore(urls.app), PostgresWork(urls.worker)
    store.ensure_tenant("t", name="T", actor="x")
    store.set_settings(CALLER, TenantSettings(max_parallel_runs=1000))
    suite = store.put_suite(CALLER, a_suite("t"))
    scenario = store.create_scenario(CALLER, a_scenario("t", suite.id))
    environment = store.put_environment(CALLER, an_environment("t"))
    own = Database(urls.worker, patience_seconds=5)
    yield store, work, HotPath(own, finish=lambda finish: None), lambda: a_submission(scenario, environment)
    own.close()
    store.close()
    work.close()


def queued(parts, count: int = RUNS) -> list[RunRef]:
    store, work, _, submission = parts
    runs = store.submit(CALLER, tuple(submission() for _ in range(count)))
    work.promote_due()
    return [RunRef(tenant_id="t", run_id=run.id) for run in runs]


def claimed_together(parts, count: int = RUNS):
    refs = queued(parts, count)
    return parts[2]._claim_together(KEY, [(ref.run_id, "w", new_id()) for ref in refs])


def results_of(parts, run_id: str) -> list[dict]:
    return [item.model_dump() for item in parts[0].get_results(CALLER, run_id)]


def audit_of(urls, run_id: str) -> list[tuple]:
    with psycopg.connect(urls.admin) as admin:
        query = "SELECT actor, action, entity_type, details FROM audit_log WHERE entity_id = %s ORDER BY position"
        return admin.execute(query, (run_id,)).fetchall()


def test_claims_together_are_those_made_alone(parts, urls) -> None:
    alone = parts[1].claim_run(queued(parts, 1)[0], worker_id="w", lease_seconds=30)
    for claim in claimed_together(parts):
        assert claim.lease == replace(alone.lease, run_id=claim.run.id)
        assert claim.plan == alone.plan and claim.intent == replace(alone.intent, step_id="id-0")
        assert [item.status for item in claim.results] == [StepStatus.RUNNING]
        assert audit_of(urls, claim.run.id)[-1] == audit_of(urls, alone.run.id)[-1]
        until = claim.run.lock_until - datetime.now(UTC)
        assert 20 < until.total_seconds() <= 30


def test_a_run_is_claimed_once_however_many_ask_in_one_trip(parts) -> None:
    (ref,) = queued(parts, 1)
    answers = parts[2]._claim_together(KEY, [(ref.run_id, "w", new_id()) for _ in range(4)] + [("unknown", "w", "t")])
    assert len([item for item in answers if item is not None]) == 1 and answers[4] is None
    assert parts[2]._claim_alone(KEY, (ref.run_id, "w", new_id())) is None


def test_claims_whose_answer_is_lost_are_found_to_be_ours(parts, monkeypatch) -> None:
    """T04: the trip is made again and finds them taken; each alone finds that it was by itself."""
    claims = [(ref.run_id, "w", new_id()) for ref in queued(parts, 2)]
    left, whole = [1], database.in_one_trip

    def cut(connection, tenant_id, statement, values):
        answer = whole(connection, tenant_id, statement, values)
        if left.pop() if left else 0:
            connection.close()
            raise psycopg.OperationalError("the connection is lost")
        return answer

    monkeypatch.setattr(database, "in_one_trip", cut)
    assert parts[2]._claim_together(KEY, claims) == [None, None]
    for claim in claims:
        found = parts[2]._claim_alone(KEY, claim)
        assert found is not None and found.lease.epoch == 1 and found.intent == an_intent(0)


def test_commits_together_write_what_each_writes_alone(parts) -> None:
    claims = claimed_together(parts, 6)
    bodies = [{"id": 1}, None, {"text": 'q"\\ \x00 \ud800 äöü 🎈'}, [1.5, True, None], "text", {"big": "x" * 70_000}]
    commits = [
        a_commit(claim, an_intent(0), an_intent(1), response_body=body)
        for claim, body in zip(claims, bodies, strict=True)
    ]
    assert parts[2]._commit_together(KEY, commits) == [False] * 6
    for claim, body in zip(claims, bodies, strict=True):
        (other,) = claimed_together(parts, 1)
        assert parts[2]._commit_alone(KEY, a_commit(other, an_intent(0), an_intent(1), response_body=body)) is False
        expected = results_of(parts, other.run.id)
        found = results_of(parts, claim.run.id)
        for item in (*expected, *found):
            for name in ("run_id", "origin_run_id", "idempotency_key"):
                assert item.pop(name).startswith((other.run.id, claim.run.id))
            if item["status"] is StepStatus.RUNNING:
                item.pop("started_at")  # the server's own time
        assert found == expected and [item["status"] for item in found] == [StepStatus.PASSED, StepStatus.RUNNING]


def test_a_lost_lease_and_an_unannounced_step_stay_out_and_spoil_nothing(parts) -> None:
    claims = claimed_together(parts, 4)
    commits = [a_commit(claim, an_intent(0), an_intent(1)) for claim in claims]
    commits[1] = replace(commits[1], lease=replace(commits[1].lease, epoch=9))
    commits[2] = a_commit(claims[2], an_intent(2), None)
    assert parts[2]._commit_together(KEY, commits) == [False, None, None, False]
    for number in (1, 2):
        assert [item["status"] for item in results_of(parts, claims[number].run.id)] == [StepStatus.RUNNING]
    assert len(results_of(parts, claims[0].run.id)) == len(results_of(parts, claims[3].run.id)) == 2


def test_the_same_commits_again_change_nothing(parts) -> None:
    claims = claimed_together(parts, 3)
    commits = [a_commit(claim, an_intent(0), an_intent(1)) for claim in claims]
    parts[2]._commit_together(KEY, commits)
    before = [results_of(parts, claim.run.id) for claim in claims]
    again = [a_commit(claim, an_intent(0), an_intent(1), response_body="other") for claim in claims]
    assert parts[2]._commit_together(KEY, again) == [False] * 3
    assert [results_of(parts, claim.run.id) for claim in claims] == before


def test_two_steps_of_one_run_may_be_committed_in_one_trip(parts) -> None:
    """Branches that run beside each other end at the same time."""
    (claim,) = claimed_together(parts, 1)
    parts[1].begin_step(claim.lease, intent=an_intent(1), lease_seconds=30)
    commits = [a_commit(claim, an_intent(0), an_intent(2)), a_commit(claim, an_intent(1), None)]
    assert parts[2]._commit_together(KEY, commits) == [False, False]
    statuses = {item["step_alias"]: item["status"] for item in results_of(parts, claim.run.id)}
    assert statuses == {"step0": StepStatus.PASSED, "step1": StepStatus.PASSED, "step2": StepStatus.RUNNING}


def test_a_cancel_is_told_to_the_run_it_is_meant_for(parts) -> None:
    claims = claimed_together(parts, 3)
    parts[0].cancel_run(CALLER, claims[1].run.id)
    commits = [a_commit(claim, an_intent(0), an_intent(1)) for claim in claims]
    assert parts[2]._commit_together(KEY, commits) == [False, True, False]


def test_finishes_together_end_what_each_ends_alone(parts, urls) -> None:
    claims = claimed_together(parts, 4)
    ends = [
        FinishRun(lease=claims[0].lease, status=RunStatus.PASSED),
        FinishRun(lease=claims[1].lease, status=RunStatus.CANCELLED, reason="by \x00 hand"),
        FinishRun(lease=replace(claims[2].lease, epoch=9), status=RunStatus.PASSED),
        FinishRun(lease=claims[3].lease, status=RunStatus.FAILED_STUCK, reason="again and again"),
    ]
    assert parts[2]._finish_together(("t", 0.0), ends) == [True, True, None, True]
    for number in (0, 1, 3):
        (other,) = claimed_together(parts, 1)
        parts[1].finish_run(replace(ends[number], lease=other.lease))
        found, expected = (parts[0].get_run(CALLER, item.run.id) for item in (claims[number], other))
        assert (found.status, found.status_reason, found.locked_by) == (
            expected.status,
            expected.status_reason,
            expected.locked_by,
        )
        assert audit_of(urls, claims[number].run.id) == audit_of(urls, other.run.id)
        results = [
            [(r["status"], r["violations"]) for r in results_of(parts, item.run.id)] for item in (claims[number], other)
        ]
        assert results[0] == results[1]
    assert parts[0].get_run(CALLER, claims[2].run.id).status is RunStatus.IN_PROGRESS


def test_many_threads_walk_their_runs_to_the_end(parts) -> None:
    store, work, _, _ = parts
    refs = queued(parts, 80)

    def walk(ref: RunRef) -> None:
        claimed = work.claim_run(ref, worker_id="w", lease_seconds=30)
        for number in range(3):
            work.commit_step(a_commit(claimed, an_intent(number), an_intent(number + 1) if number < 2 else None))
        work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.PASSED))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(walk, refs))
    for ref in refs:
        assert store.get_run(CALLER, ref.run_id).status is RunStatus.PASSED
        assert [item["status"] for item in results_of(parts, ref.run_id)] == [StepStatus.PASSED] * 3


@pytest.fixture
def connection(urls):
    with Connection.connect(urls.worker, autocommit=True) as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 'it\'s "quoted" \\ {a,b} %s %(x)s $1 äöü 🎈\n'),
        ("text", ""),
        ("text", None),
        ("integer", -7),
        ("boolean", True),
        ("boolean", False),
        ("float8", 1.5e-9),
        ("timestamptz", datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)),
        ("text[]", ['a"b', "c\\d", "", "NULL", "{}", "ä,b"]),
        ("text[]", []),
        ("integer[]", [1, 2, 3]),
    ],
)
def test_a_trip_carries_every_value(connection, kind, value) -> None:
    for _ in range(2):  # prepared, then used again
        rows = in_one_trip(connection, "t", f"SELECT %(value)s::{kind} AS value, '100%%' AS text", {"value": value})
        assert rows == [{"value": value, "text": "100%"}]


def test_a_failed_trip_leaves_the_connection_usable_and_nothing_written(connection) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            in_one_trip(connection, "t", "SELECT 1 / %(number)s::integer", {"number": 0})
    with pytest.raises(psycopg.errors.UndefinedTable):
        in_one_trip(connection, "t", "SELECT * FROM nowhere", {})
    assert in_one_trip(connection, "t", "SELECT 1 AS one", {}) == [{"one": 1}]
    assert connection.execute("SELECT current_setting('orchestra.tenant_id', true) AS t").fetchone()[0] in ("", None)


def test_what_was_prepared_before_a_migration_is_prepared_again(connection, urls) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE changing (a integer); GRANT SELECT ON changing TO orchestra_worker")
        assert in_one_trip(connection, "t", "SELECT * FROM changing", {}) == []
        owner.execute("ALTER TABLE changing ADD COLUMN b integer")
        with pytest.raises(psycopg.OperationalError, match="fits the database no longer"):
            in_one_trip(connection, "t", "SELECT * FROM changing", {})
        assert connection.closed
        own = Database(urls.worker)
        assert own.in_one_trip("t", "SELECT * FROM changing", {}) == []
        owner.execute("ALTER TABLE changing ADD COLUMN c integer")
        assert own.in_one_trip("t", "SELECT * FROM changing", {}) == []
        own.close()
        owner.execute("DROP TABLE changing")


def test_an_interrupt_ends_the_connection_so_that_nobody_reads_its_answer(connection, monkeypatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Connection, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_one_trip(connection, "t", "SELECT pg_sleep(0.2)", {})
    assert connection.closed


def test_a_connection_the_server_ended_raises_and_is_closed(connection, urls) -> None:
    (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with pytest.raises(psycopg.OperationalError):
        in_one_trip(connection, "t", "SELECT 1", {})
    assert connection.closed


def test_a_large_request_passes_whole(connection) -> None:
    text = "x" * 30_000_000
    rows = in_one_trip(connection, "t", "SELECT length(%(text)s::text) AS size", {"text": text})
    assert rows == [{"size": len(text)}]
