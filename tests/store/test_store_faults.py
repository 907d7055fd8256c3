"""The store when connections break, answers are lost, transactions collide and the database is away."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import psycopg
import pytest
from store_samples import a_commit, a_scenario, a_submission, a_suite, an_environment, an_intent, caller_of

from orchestra_kit.errors import NotFoundError, StoreUnavailableError
from orchestra_kit.model import RunStatus, StepStatus
from orchestra_kit.spi.work import FinishRun, RunRef
from orchestra_kit.store.postgres.database import Database, place_of
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.work import PostgresWork

CALLER = caller_of("t")


@pytest.fixture(scope="module")
def parts(urls):
    store, work = PostgresStore(urls.app), PostgresWork(urls.worker)
    store.ensure_tenant("t", name="T", actor="x")
    suite = store.put_suite(CALLER, a_suite("t"))
    scenario = store.create_scenario(CALLER, a_scenario("t", suite.id))
    environment = store.put_environment(CALLER, an_environment("t"))
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        yield store, work, admin, lambda: a_submission(scenario, environment)
    store.close()
    work.close()


def queued(parts) -> RunRef:
    store, work, _, submission = parts
    (run,) = store.submit(CALLER, (submission(),))
    work.promote_due()
    return RunRef(tenant_id="t", run_id=run.id)


def end_connections(admin) -> int:
    (ended,) = admin.execute(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE usename IN ('orchestra_app', 'orchestra_worker') AND datname = current_database()"
    ).fetchone()
    return int(ended)


class Wire:
    """Ends the connection after a statement was done, before its answer is seen, as often as told."""

    def __init__(self, monkeypatch, times: int) -> None:
        from orchestra_kit.store.postgres import database

        self.left, whole = times, database.in_one_trip

        def cut(connection, tenant_id, statement, values):
            answer = whole(connection, tenant_id, statement, values)
            if self.left:
                self.left -= 1
                connection.close()
                raise psycopg.OperationalError("the connection is lost")
            return answer

        monkeypatch.setattr(database, "in_one_trip", cut)


def test_connections_ended_between_duties_are_replaced(parts) -> None:
    """T04: before claim, step, heartbeat and finish."""
    store, work, admin, _ = parts
    ref = queued(parts)
    assert end_connections(admin) >= 1
    claimed = work.claim_run(ref, worker_id="w", lease_seconds=30)
    assert claimed is not None and claimed.lease.epoch == 1
    end_connections(admin)
    work.commit_step(a_commit(claimed, an_intent(0), an_intent(1)))
    end_connections(admin)
    assert work.extend_leases((claimed.lease,), lease_seconds=30)[0].held
    end_connections(admin)
    work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.CANCELLED))
    end_connections(admin)
    statuses = [item.status for item in store.get_results(CALLER, ref.run_id)]
    assert statuses == [StepStatus.PASSED, StepStatus.SKIPPED]


def test_a_claim_whose_answer_is_lost_is_found_to_be_ours(parts, monkeypatch) -> None:
    store, work, _, _ = parts
    ref = queued(parts)
    Wire(monkeypatch, 2)
    claimed = work.claim_run(ref, worker_id="w", lease_seconds=30)
    assert claimed is not None and claimed.lease.epoch == 1 and claimed.intent == an_intent(0)
    assert work.claim_run(ref, worker_id="w", lease_seconds=30) is None
    claims = [item for item in store.list_audit(CALLER, entity_id=ref.run_id) if item.action == "claim"]
    assert len(claims) == 1


def test_a_commit_whose_answer_is_lost_is_recorded_once(parts, monkeypatch) -> None:
    """T04."""
    store, work, _, _ = parts
    claimed = work.claim_run(queued(parts), worker_id="w", lease_seconds=30)
    Wire(monkeypatch, 3)
    assert work.commit_step(a_commit(claimed, an_intent(0), an_intent(1))) is False
    rows = store.get_results(CALLER, claimed.run.id)
    assert [(row.step_alias, row.status) for row in rows] == [
        ("step0", StepStatus.PASSED),
        ("step1", StepStatus.RUNNING),
    ]


def lose_commits(monkeypatch, times: int) -> list[int]:
    """Let COMMIT happen and its answer vanish."""
    from contextlib import contextmanager

    from orchestra_kit.store.postgres import database

    left, whole = [times], database.tenant_transaction

    @contextmanager
    def cut(connection, tenant_id):
        with whole(connection, tenant_id):
            yield
        if left[0]:
            left[0] -= 1
            connection.close()
            raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(database, "tenant_transaction", cut)
    return left


def test_finish_and_release_whose_answer_is_lost_are_recognised(parts, monkeypatch) -> None:
    store, work, _, _ = parts
    first = work.claim_run(queued(parts), worker_id="w", lease_seconds=30)
    second = work.claim_run(queued(parts), worker_id="w", lease_seconds=30)
    left = lose_commits(monkeypatch, 1)
    work.finish_run(FinishRun(lease=first.lease, status=RunStatus.FAILED, reason="why"))
    left[0] = 1
    work.release_run(second.lease)
    assert left == [0]
    assert store.get_run(CALLER, first.run.id).status is RunStatus.FAILED
    assert store.get_run(CALLER, second.run.id).status is RunStatus.QUEUED
    finishes = [item for item in store.list_audit(CALLER, entity_id=first.run.id) if item.action == "finish"]
    assert len(finishes) == 1


def test_a_surface_is_told_when_it_is_unknown_whether_a_change_is_stored(parts, monkeypatch) -> None:
    store, _, _, submission = parts
    given = submission()
    left = lose_commits(monkeypatch, 1)
    with pytest.raises(StoreUnavailableError, match="may or may not"):
        store.submit(CALLER, (given,))
    assert left == [0]
    assert store.get_run(CALLER, given.run.id).status is RunStatus.PENDING


@pytest.mark.parametrize("failure", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure])
def test_a_deadlock_or_serialization_failure_is_tried_again(parts, monkeypatch, failure) -> None:
    """T22, injected: the step is recorded once."""
    from orchestra_kit.store.postgres import database

    store, work, _, _ = parts
    claimed = work.claim_run(queued(parts), worker_id="w", lease_seconds=30)
    left, whole = [3], database.in_one_trip

    def fail(*given):
        if left[0]:
            left[0] -= 1
            raise failure("injected")
        return whole(*given)

    monkeypatch.setattr(database, "in_one_trip", fail)
    work.commit_step(a_commit(claimed, an_intent(0), None))
    assert (left, len(store.get_results(CALLER, claimed.run.id))) == ([0], 1)


def test_a_real_deadlock_ends_with_both_changes_made(urls, parts) -> None:
    """T22."""
    database, meet = Database(urls.app), threading.Barrier(2)
    names = ("one", "two")
    for name in names:
        parts[0].put_environment(CALLER, an_environment("t", name))
    tries = []

    def change(order) -> None:
        def work(connection) -> None:
            tries.append(order)
            for number, name in enumerate(order):
                statement = (
                    "UPDATE environment SET variables = variables || '{\"n\": 1}' WHERE tenant_id = 't' AND name = %s"
                )
                connection.execute(statement, (name,))
                if number == 0 and len(tries) <= 2:
                    meet.wait(20)

        database.in_tenant("t", work)

    threads = [threading.Thread(target=change, args=(order,)) for order in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(tries) == 3
    assert all(parts[0].get_environment(CALLER, name).variables == {"n": 1} for name in names)
    database.close()


def test_no_session_stays_in_a_transaction_after_failures(parts) -> None:
    store, _, admin, submission = parts
    good = submission()
    bad = replace(good, run=submission().run.model_copy(update={"scenario_id": "absent"}))
    with pytest.raises(NotFoundError, match="no scenario"):
        store.submit(CALLER, (good, bad))
    (idle,) = admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
    ).fetchone()
    assert idle == 0


@pytest.mark.parametrize("url", ["postgresql://u:hidden@localhost:1/shop", "host=/nowhere dbname=shop user=u"])
def test_a_database_that_is_away_is_told_in_a_sentence(url) -> None:
    """T05."""
    store = PostgresStore(url)
    with pytest.raises(StoreUnavailableError) as error:
        store.get_tenant("t")
    said = str(error.value)
    assert "'shop'" in said and "does not answer" in said and "orchestra doctor" in said
    assert "hidden" not in said and "\n" not in said
    assert place_of(url).endswith((":1", ":5432"))


def test_a_worker_waits_for_a_database_that_comes_back(server, urls, parts, monkeypatch) -> None:
    """T03, in small: connecting fails for a while."""
    _, work, admin, _ = parts
    ref, whole, since = queued(parts), psycopg.connect, time.monotonic()
    end_connections(admin)

    def connect(*given, **more):
        if time.monotonic() - since < 0.5:
            raise psycopg.OperationalError("the database system is starting up")
        return whole(*given, **more)

    monkeypatch.setattr(psycopg, "connect", connect)
    assert work.claim_run(ref, worker_id="w", lease_seconds=30) is not None
