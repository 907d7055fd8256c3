"""Wake-ups vanish, come often, or name what is not there; schedulers and reapers work against each other."""

from __future__ import annotations

import json
import threading

import psycopg
from fault_watch import changes, rows

from orchestra_kit.dispatch.huey_queue import HueyWakeUpQueue
from orchestra_kit.dispatch.memory import MemoryWakeUpQueue
from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.reaper import Reaper
from orchestra_kit.engine.scheduler import Scheduler
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.model import new_id
from orchestra_kit.spi.clock import SystemClock
from orchestra_kit.spi.plan import SpecReader
from orchestra_kit.spi.work import RunRef

CLAIMED = ("QUEUED", "IN_PROGRESS")


def equipment(stage):
    """What a scheduler or reaper of another worker needs, in this process."""
    return Equipment(
        store=stage.work(),
        plugins={},
        sealer=None,
        clock=SystemClock(),
        secrets=lambda _: None,
        specs=SpecReader(lambda *_: None),
        settings=EngineSettings(max_recoveries=5),
    )


def at_once(count, work):
    """Do `work(number)` in threads that begin together; return what they return."""
    start, answers, problems = threading.Barrier(count), [None] * count, []

    def begin(number):
        try:
            start.wait(60)
            answers[number] = work(number)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    return answers


def test_runs_whose_messages_vanish_are_found_again_from_their_rows(stage):
    """T06: every message is deleted as soon as it is sent, until one sweep has passed."""
    stage.define("suite", {"chain": stage.calls(2)})
    with psycopg.connect(stage.urls.admin, autocommit=True) as admin:
        admin.execute("CREATE FUNCTION watch.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        admin.execute(
            "CREATE TRIGGER lost BEFORE INSERT ON orchestra_queue.huey_task FOR EACH ROW EXECUTE FUNCTION watch.lose()"
        )
        stage.fleet.start()
        submitted = stage.submit(rows_of_data=6)
        stage.until(lambda: stage.statuses().get("QUEUED") == 6, "all runs are queued and their messages are lost")
        assert rows(stage.urls, "SELECT count(*) AS many FROM orchestra_queue.huey_task")[0]["many"] == 0
        admin.execute("DROP TRIGGER lost ON orchestra_queue.huey_task")
    stage.wait(submitted)
    assert stage.statuses() == {"PASSED": 6}
    assert {len(sent) for sent in stage.service.by_key().values()} == {1}
    stage.check()


def test_doubled_stray_and_forged_messages_change_nothing(stage):
    """T07: one claim for five messages; none for runs that are not there or have ended; forged ones are dropped."""
    stage.define("suite", {"chain": stage.calls(2)})
    before = stage.submit(prefix="before")
    worker = stage.fleet.start(threads=6)[0]
    stage.wait(before)
    ended = before.runs[0].id
    stage.service.rule("s1", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    queue = HueyWakeUpQueue(stage.urls.worker)
    stray = [RunRef(tenant_id="local", run_id=name) for name in (run_id, run_id, run_id, run_id, new_id(), ended)]
    stray += [RunRef(tenant_id="other", run_id=run_id), RunRef(tenant_id="nobody", run_id="../x")]
    queue.send(tuple(stray) * 2)
    forged = [b"\x80\x04\x95", b"{}", b"[" * 1000, json.dumps({"tenantId": "local"}).encode(), b"\xff" * 4000]
    with psycopg.connect(stage.urls.worker, autocommit=True) as connection:
        for data in forged:
            connection.execute("INSERT INTO orchestra_queue.huey_task (queue, data) VALUES ('orchestra', %s)", (data,))
        connection.execute("NOTIFY huey_orchestra")
    stage.until(lambda: stage.service.arrivals("s1", "r0"), "the run has begun")
    waiting = "SELECT count(*) AS many FROM orchestra_queue.huey_task"
    stage.until(lambda: rows(stage.urls, waiting)[0]["many"] == 0, "all messages are taken")
    queue.send((RunRef(tenant_id="local", run_id=run_id),))  # while it is in progress
    stage.service.release()
    stage.wait(submitted)
    queue.close()
    claims = [change for change in changes(stage.urls, "run") if change.id == run_id and change.move == CLAIMED]
    assert len(claims) == 1
    assert {len(sent) for sent in stage.service.by_key().values()} == {1}
    assert worker.log.read_text().count("wake-up.refused") == len(forged)
    assert worker.alive
    stage.check()


def test_two_schedulers_keep_limit_and_order_and_queue_each_run_once(stage):
    """T09: ten schedulers tick at once, again and again, with a limit of 5."""
    stage.limit(5)
    stage.define("suite", {"chain": stage.calls(1)})
    submitted = stage.submit(rows_of_data=40)
    work, queue = stage.work(), MemoryWakeUpQueue()
    schedulers = [Scheduler(equipment(stage), queue, lost_after_seconds=600) for _ in range(5)]
    while True:
        at_once(5, lambda number: schedulers[number].tick())
        queued = [run for run in stage.runs() if run.status == "QUEUED"]
        assert len(queued) <= 5
        if not queued:
            break
        stage.workspace.stores.runs.cancel_run(stage.caller, queued[0].id)
    assert stage.statuses() == {"CANCELLED": 40}
    moves = [change.id for change in changes(stage.urls, "run") if change.move == ("PENDING", "QUEUED")]
    assert sorted(moves) == sorted(run.id for run in submitted.runs), "each run was queued once"
    assert len(queue._messages.queue) == 40, "and announced once"
    oldest_first = [run.id for run in sorted(submitted.runs, key=lambda run: (run.created_at, run.id))]
    for place, run_id in enumerate(moves):
        assert abs(oldest_first.index(run_id) - place) < 5, "older ones first, in any order within one round"
    work.close()
    stage.until(
        lambda: all(item["status"] != "PENDING" for item in rows(stage.urls, "SELECT status FROM test_run")), ""
    )


def test_many_reapers_requeue_an_orphan_once_and_leave_taken_runs_alone(stage):
    """T10: reapers at once, again, and late: after somebody else has gone on with the run."""
    stage.define("suite", {"chain": stage.calls(2)})
    runs = stage.submit(rows_of_data=5).runs
    store, queue = stage.work(), MemoryWakeUpQueue()
    while store.promote_due():
        pass
    refs = [RunRef(tenant_id="local", run_id=run.id) for run in runs]
    for ref in refs:
        assert store.claim_run(ref, worker_id="host-1-dead", lease_seconds=0.01)
    stage.until(lambda: len(rows(stage.urls, "SELECT 1 FROM orchestra_expired_leases(100)")) == 5, "leases ran out")
    reapers = [Reaper(equipment(stage), queue) for _ in range(5)]
    at_once(5, lambda number: reapers[number].tick())
    assert sorted(ref.run_id for ref in queue._messages.queue) == sorted(run.id for run in runs)
    taken = [store.claim_run(ref, worker_id="host-2-next", lease_seconds=60) for ref in refs]
    at_once(5, lambda number: reapers[number].tick())  # a repeated sweep
    found = rows(stage.urls, "SELECT status, locked_by, recoveries, lease_epoch FROM test_run")
    assert {tuple(row.values()) for row in found} == {("IN_PROGRESS", "host-2-next", 1, 2)}
    late = rows(stage.urls, "SELECT count(*) AS many FROM audit_log WHERE action = 'reap'")
    assert late[0]["many"] == 5
    for claimed in taken:
        store.release_run(claimed.lease)
    stage.fleet.start()
    stage.until(lambda: stage.statuses() == {"PASSED": 5}, "all runs pass")
    stage.check()


def test_the_limit_of_a_tenant_holds_while_its_workers_are_killed(make_stage):
    """T21: the limit is 3; every active run is counted in the transaction that makes it active."""
    stage = make_stage(lease=1.5, limit=3)
    stage.define("suite", {"chain": stage.calls(3)})
    stage.fleet.start(3)
    submitted = stage.submit(rows_of_data=15)
    done = "SELECT count(*) AS many FROM test_run WHERE status = 'PASSED'"
    for kill in range(3):
        stage.until(lambda kill=kill: rows(stage.urls, done)[0]["many"] >= 3 * (kill + 1), "the batch goes on")
        stage.service.rule("s2", hold=True)
        stage.holders()[0].kill()
        stage.service.release()
        stage.fleet.start()
    stage.wait(submitted)
    assert stage.statuses() == {"PASSED": 15}
    counts = [change.active for change in changes(stage.urls, "run") if change.active is not None]
    assert max(counts) == 3, "the limit was reached and never passed"
    stage.check()
