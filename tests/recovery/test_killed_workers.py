"""kill -9 of random workers while a batch runs: nothing lost, nothing doubled, nothing written under an old lease."""

from __future__ import annotations

import random
import time

import pytest
from fault_watch import changes, rows


def batch_with_kills(stage, *, runs, kills, workers, seconds):
    """Run a batch of five steps; each kill comes when a share of the work is done, so that all fall into the batch."""
    stage.define("suite", {"chain": stage.calls(5)})
    stage.fleet.start(workers)
    submitted = stage.submit(rows_of_data=runs)
    chance, total = random.Random(7), runs * 5
    count = "SELECT count(*) AS many FROM test_step_result WHERE status <> 'RUNNING'"
    for kill in range(kills):
        due = total * (kill + 1) // (kills + 2)
        stage.until(lambda due=due: rows(stage.urls, count)[0]["many"] >= due, f"{due} steps done", seconds=seconds)
        kill_a_holder(stage, chance, seconds)
        stage.fleet.start()
    stage.wait(submitted, seconds=seconds)
    return submitted


def kill_a_holder(stage, chance, seconds):
    """kill -9 a random one of the workers that hold runs, while another one is up."""
    held = f"s{chance.randint(2, 4)}"
    stage.service.rule(held, hold=True)  # the batch waits here, so that it cannot end before its kills
    stage.wait_until_up(2, seconds=seconds)
    chance.choice(stage.holders()).kill()
    stage.service.release()


def check_batch(stage, submitted, *, runs, kills, limit):
    assert stage.statuses() == {"PASSED": runs}
    assert len(submitted.runs) == runs
    assert (
        rows(stage.urls, "SELECT count(*) AS many FROM test_step_result WHERE status = 'PASSED'")[0]["many"] == runs * 5
    )
    stage.check()
    late = late_orphans(stage, limit)
    assert not late, late
    assert sum(worker.killed_at is not None for worker in stage.fleet.workers) == kills


def orphan_waits(stage):
    """Return how long each orphan of a killed worker waited until it was put back in line."""
    waits, moves = [], changes(stage.urls, "run")
    for worker in stage.fleet.workers:
        if worker.killed_at is None:
            continue
        for index, change in enumerate(moves):
            held = change.now["status"] == "IN_PROGRESS" and worker.holds(change.now["locked_by"])
            if not held or change.move == ("IN_PROGRESS", "IN_PROGRESS"):
                continue
            after = next(item for item in moves[index + 1 :] if item.id == change.id and item.move[1] != "IN_PROGRESS")
            if after.was["recoveries"] < after.now["recoveries"]:
                waits.append(after.at.timestamp() - worker.killed_at)
    return waits


def late_orphans(stage, limit):
    return [
        f"an orphan waited {wait:.1f} s, the limit is {limit:.1f} s" for wait in orphan_waits(stage) if wait > limit
    ]


def test_a_batch_survives_kills_of_random_workers(make_stage, orphan_limit):
    stage = make_stage(lease=2.0)
    began = time.monotonic()
    submitted = batch_with_kills(stage, runs=40, kills=6, workers=3, seconds=90)
    check_batch(stage, submitted, runs=40, kills=6, limit=orphan_limit(2.0))
    print({"seconds": round(time.monotonic() - began, 1), "orphans": len(orphan_waits(stage))})


@pytest.mark.soak
def test_200_runs_of_5_steps_survive_30_kills(make_stage, orphan_limit):
    stage = make_stage(lease=5.0, limit=32)
    began = time.monotonic()
    submitted = batch_with_kills(stage, runs=200, kills=30, workers=4, seconds=600)
    check_batch(stage, submitted, runs=200, kills=30, limit=orphan_limit(5.0))
    waits = orphan_waits(stage)
    print(
        {
            "seconds": round(time.monotonic() - began, 1),
            "orphans": len(waits),
            "slowest": round(max(waits, default=0), 2),
        }
    )


def test_an_orphan_goes_on_at_another_worker_in_time(stage, orphan_limit):
    stage.define("suite", {"chain": stage.calls(3)})
    stage.fleet.start(2)
    stage.service.rule("s2", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    stage.until(lambda: stage.service.arrivals("s2"), "step 2 is under way")
    killed = stage.holder_of(run_id)
    killed.kill()
    stage.until(lambda: stage.service.arrivals("s2") == 2, "another worker repeats step 2")
    waited = stage.service.journal()[-1].at - killed.killed_at
    stage.service.release()
    stage.wait(submitted)
    assert waited <= orphan_limit(2.0)
    run = stage.run(run_id)
    assert (run.status, run.recoveries, run.lease_epoch) == ("PASSED", 1, 2)
    assert [len(stage.service.by_key()[item.idempotency_key]) for item in stage.results(run_id)] == [1, 2, 1]
    stage.check()
