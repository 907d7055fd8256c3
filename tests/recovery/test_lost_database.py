"""PostgreSQL restarts at once, connections die at any point, transactions deadlock: steps are recorded once."""

from __future__ import annotations

import random
import threading
import time

import psycopg
import pytest
from fault_watch import changes, rows
from server_stop import stop_at_once

from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.store.embedded import ensure_server
from orchestra_kit.store.server_files import place_data

STEP_ROWS = "SELECT count(*) AS many FROM test_step_result WHERE status <> 'RUNNING'"


def done_steps(stage):
    return rows(stage.urls, STEP_ROWS)[0]["many"]


def batch_with_restarts(stage, *, runs, restarts, seconds):
    """Return, for each restart, how long after the server was ready the first new step was recorded."""
    stage.define("suite", {"chain": stage.calls(5, meta={"timeoutMs": 60_000})})
    stage.fleet.start(2)
    submitted, ready = stage.submit(rows_of_data=runs), []
    for restart in range(restarts):
        due = runs * 5 * (restart + 1) // (restarts + 2)
        stage.until(lambda due=due: done_steps(stage) >= due, f"{due} steps are done", seconds=seconds)
        stop_at_once(stage.server.server.directory)
        ensure_server(stage.server.server.directory)
        ready.append(time.time())
        before = done_steps(stage)
        stage.until(lambda before=before: done_steps(stage) > before, "a new step is recorded", seconds=seconds)
    stage.wait(submitted, seconds=seconds)
    return submitted, ready


def first_steps_after(stage, moments):
    ends = [item.at.timestamp() for item in changes(stage.urls, "step") if item.now["status"] != "RUNNING"]
    return [min(at for at in ends if at > moment) - moment for moment in moments]


def check_batch(stage, submitted, *, runs):
    assert stage.statuses() == {"PASSED": runs}
    assert all(worker.alive for worker in stage.fleet.workers), stage.fleet.logs()
    assert {len(sent) for sent in stage.service.by_key().values()} == {1}, "no call was repeated: every commit was"
    stage.check()


def test_workers_outlive_an_immediate_restart_of_the_server(make_stage, orphan_limit):
    """T03"""
    stage = make_stage(lease=60.0)
    submitted, ready = batch_with_restarts(stage, runs=30, restarts=2, seconds=90)
    check_batch(stage, submitted, runs=30)
    assert max(first_steps_after(stage, ready)) <= 5.0 + orphan_limit(0.0)


@pytest.mark.soak
def test_a_batch_survives_six_immediate_restarts(make_stage):
    stage = make_stage(lease=60.0, limit=32)
    submitted, ready = batch_with_restarts(stage, runs=200, restarts=6, seconds=600)
    check_batch(stage, submitted, runs=200)
    waits = first_steps_after(stage, ready)
    print({"first step after": [round(wait, 2) for wait in waits]})
    assert max(waits) <= 5.0


def test_a_submission_without_a_server_is_refused_and_leaves_nothing_behind(stage):
    """T05, small: what was submitted before goes on by itself afterwards."""
    stage.define("suite", {"chain": stage.calls(2)})
    worker = stage.fleet.start()[0]
    stage.service.rule("s1", hold=True)
    before = stage.submit(rows_of_data=2)
    stage.until(lambda: stage.service.arrivals("s1") == 2, "both runs are under way")
    stop_at_once(stage.server.server.directory)
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        stage.submit(rows_of_data=3, prefix="refused")
    stage.service.release()
    ensure_server(stage.server.server.directory)
    stage.wait(before)
    assert stage.statuses() == {"PASSED": 2}
    stage.wait(stage.submit(rows_of_data=3, prefix="later"))
    assert stage.statuses() == {"PASSED": 5}
    assert worker.alive
    stage.check()


def test_connections_may_end_at_any_point(make_stage):
    """T04: claim, step, commit, heartbeat and queue; whatever a connection was doing is done again, not twice."""
    stage = make_stage(lease=60.0)
    stage.define("suite", {"chain": stage.calls(4)})
    stage.fleet.start(2)
    stage.wait_until_up(2)
    submitted, ended, killed = stage.submit(rows_of_data=30), threading.Event(), []
    chance = random.Random(11)

    def kill_connections():
        with psycopg.connect(stage.urls.admin, autocommit=True) as admin:
            while not ended.is_set():
                found = admin.execute(
                    "SELECT pid, state FROM pg_stat_activity WHERE application_name LIKE 'worker-%%' AND datname ="
                    " current_database()"
                ).fetchall()
                if found:
                    pid, state = chance.choice(found)
                    if admin.execute("SELECT pg_terminate_backend(%s)", (pid,)).fetchone()[0]:
                        killed.append(state)
                ended.wait(0.02)

    killer = threading.Thread(target=kill_connections)
    killer.start()
    try:
        stage.wait(submitted)
    finally:
        ended.set()
        killer.join()
    assert len(killed) >= 20, "too few connections were ended to say anything"
    check_batch(stage, submitted, runs=30)


def test_a_dead_listener_is_noticed_and_polling_finds_the_work(stage):
    """T08: the connection that LISTENs is ended; runs are still found, and wake-ups are heard again."""
    listeners = "SELECT pid FROM pg_stat_activity WHERE query ILIKE 'listen %%' AND datname = current_database()"
    stage.define("suite", {"chain": stage.calls(2)})
    worker = stage.fleet.start()[0]
    stage.until(lambda: rows(stage.urls, listeners), "the worker listens")
    for number in range(3):
        before = {row["pid"] for row in rows(stage.urls, listeners)}
        for pid in before:
            rows(stage.urls, "SELECT pg_terminate_backend(%s)", pid)
        stage.wait(stage.submit(prefix=f"a{number}-"))
        stage.until(
            lambda before=before: {row["pid"] for row in rows(stage.urls, listeners)} - before, "somebody listens again"
        )
    assert worker.alive
    stage.check()


def conflicts(stage, kind):
    found = rows(stage.urls, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return found[0][kind]


def test_a_deadlock_in_the_step_transaction_is_retried_and_recorded_once(make_stage):
    """T22: another session holds the step's row and then wants the run's row that the commit holds."""
    stage = make_stage(lease=60.0)
    stage.define("suite", {"chain": stage.calls(3)})
    stage.fleet.start()
    stage.service.rule("s2", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    stage.until(lambda: stage.service.arrivals("s2"), "step 2 is under way")
    with psycopg.connect(stage.urls.admin) as other:
        # The older waiter is not the victim: the session that waits longest checks first, so ours waits patiently.
        other.execute("SET LOCAL deadlock_timeout = '60s'")
        other.execute("SELECT 1 FROM test_step_result WHERE run_id = %s AND step_alias = 's2' FOR UPDATE", (run_id,))
        stage.service.release()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'worker-%%'"
        stage.until(lambda: rows(stage.urls, waiting), "the commit waits for the step's row")
        other.execute("SELECT 1 FROM test_run WHERE id = %s FOR UPDATE", (run_id,))  # closes the circle
        other.commit()
    stage.wait(submitted)
    stage.until(lambda: conflicts(stage, "deadlocks") >= 1, "the server saw a deadlock")
    assert stage.run(run_id).status == "PASSED"
    assert [len(stage.service.by_key()[item.idempotency_key]) for item in stage.results(run_id)] == [1, 1, 1]
    stage.check()


def test_a_serialization_failure_in_the_step_transaction_is_retried_and_recorded_once(make_stage):
    """T22: workers at REPEATABLE READ meet a row that was changed since their snapshot."""
    stage = make_stage(lease=60.0)
    stage.define("suite", {"chain": stage.calls(3)})
    rows_changed_meanwhile = (
        "ALTER ROLE orchestra_worker IN DATABASE {} SET default_transaction_isolation = 'repeatable read'"
    )
    with psycopg.connect(stage.urls.admin, autocommit=True) as admin:
        admin.execute(rows_changed_meanwhile.format(admin.info.dbname))
    stage.fleet.start()
    stage.service.rule("s2", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    stage.until(lambda: stage.service.arrivals("s2"), "step 2 is under way")
    with psycopg.connect(stage.urls.admin) as other:
        other.execute("UPDATE test_run SET heartbeat_at = clock_timestamp() WHERE id = %s", (run_id,))
        stage.service.release()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'worker-%%'"
        stage.until(lambda: rows(stage.urls, waiting), "the commit waits for the run's row")
        other.commit()  # the row is newer than the commit's snapshot: 40001
    stage.wait(submitted)
    log = place_data(stage.server.server.directory).data / "server.log"
    assert "could not serialize access due to concurrent update" in log.read_text(errors="replace")
    assert stage.run(run_id).status == "PASSED"
    assert [len(stage.service.by_key()[item.idempotency_key]) for item in stage.results(run_id)] == [1, 1, 1]
    stage.check()
