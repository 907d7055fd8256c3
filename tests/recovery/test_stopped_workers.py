"""Workers that freeze, drain, or are killed by the very run they execute."""

from __future__ import annotations

import signal
import threading

from fault_watch import changes


def claims_of(stage, worker, submitted):
    """Return the runs a worker has claimed of those submitted."""
    ids = {run.id for run in submitted.runs}
    moves = changes(stage.urls, "run")
    return [c.id for c in moves if c.id in ids and c.move == ("QUEUED", "IN_PROGRESS") and c.writer == worker.name]


def test_a_frozen_worker_that_wakes_up_writes_nothing(stage):
    """T02: SIGSTOP beyond the lease with a step in flight; another worker ends the run; SIGCONT."""
    stage.define("suite", {"chain": stage.calls(3)})
    stage.fleet.start(2)
    stage.service.rule("s2", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    stage.until(lambda: stage.service.arrivals("s2"), "step 2 is under way")
    frozen = stage.holder_of(run_id)
    frozen.signal(signal.SIGSTOP)
    stage.until(lambda: stage.service.arrivals("s2") == 2, "the other worker repeats step 2")
    stage.service.rule("s3@r0", hold=True)
    stage.service.release("s2")  # both are answered; the first one cannot read its answer yet
    stage.until(lambda: stage.service.arrivals("s3", "r0"), "the other worker is in step 3, the run is not over")
    frozen.signal(signal.SIGCONT)
    stage.service.rule("s1", hold=True)
    second = stage.submit(rows_of_data=8, prefix="later")  # more than the other worker has threads for
    stage.until(lambda: claims_of(stage, frozen, second), "the woken worker works again")
    stage.service.release("s1")
    stage.wait(second)
    stage.service.release()
    stage.wait(submitted)
    assert stage.service.arrivals("s3", "r0") == 1
    run = stage.run(run_id)
    assert (run.status, run.recoveries, run.lease_epoch) == ("PASSED", 1, 2)
    assert [len(stage.service.by_key()[item.idempotency_key]) for item in stage.results(run_id)] == [1, 2, 1]
    after = next(
        change.at for change in changes(stage.urls, "run") if change.id == run_id and change.now["lease_epoch"] == 2
    )
    written = [item for item in changes(stage.urls, "run") + changes(stage.urls, "step") if item.id == run_id]
    assert not [item for item in written if item.writer == frozen.name and item.at > after]
    stage.check(zombies=True)


def test_a_worker_frozen_for_less_than_its_lease_keeps_its_run(make_stage):
    stage = make_stage(lease=20.0)
    stage.define("suite", {"chain": stage.calls(2)})
    worker = stage.fleet.start()[0]
    stage.service.rule("s1", hold=True)
    submitted = stage.submit()
    stage.until(lambda: stage.service.arrivals("s1"), "step 1 is under way")
    worker.signal(signal.SIGSTOP)
    stage.service.release()
    worker.signal(signal.SIGCONT)
    stage.wait(submitted)
    assert stage.run(submitted.runs[0].id).recoveries == 0
    assert stage.service.arrivals("s1") == 1
    stage.check()


def test_sigterm_lets_the_step_in_flight_end_and_leaves_the_rest_to_the_next_worker(stage):
    """T14: the step outlasts its lease many times over, yet is done once: a draining worker keeps its leases."""
    stage.define("suite", {"chain": stage.calls(3)})
    draining = stage.fleet.start()[0]
    stage.service.rule("s2", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    stage.until(lambda: stage.service.arrivals("s2"), "step 2 is under way")
    draining.signal(signal.SIGTERM)
    stage.fleet.start()
    extended = stage.run(run_id).lock_until
    stage.until(lambda: (stage.run(run_id).lock_until - extended).total_seconds() > 2 * 2.0, "the lease goes on")
    stage.service.release()
    assert draining.process.wait(60) == 0
    stage.wait(submitted)
    run = stage.run(run_id)
    assert (run.status, run.recoveries, run.lease_epoch) == ("PASSED", 0, 2)
    assert {key: len(sent) for key, sent in stage.service.by_key().items() if len(sent) > 1} == {}
    assert not draining.log.read_text()
    stage.check()


def test_a_run_that_kills_its_worker_each_time_ends_stuck_and_harms_no_other(make_stage):
    """T11: whoever executes `poison` dies; the runs beside it pass."""
    stage = make_stage(lease=1.0, threads=2)
    stage.define("suite", {"chain": stage.calls(3)})
    stage.define("poisoned", {"chain": stage.calls(3)})
    stage.fleet.start(3)
    stage.service.rule("s2@poison0", hold=True)
    poisoned = stage.submit("poisoned", prefix="poison")
    beside = stage.submit(rows_of_data=12)
    ended, kills = threading.Event(), []

    def kill_whoever_runs_it():
        while not ended.is_set():
            if stage.service.arrivals("s2", "poison0") > len(kills):
                victim = stage.holder_of(poisoned.runs[0].id)
                kills.append(victim)
                victim.kill()
                stage.fleet.start()
            ended.wait(0.1)

    killer = threading.Thread(target=kill_whoever_runs_it)
    killer.start()
    try:
        stage.wait(poisoned, beside)
    finally:
        ended.set()
        killer.join()
    run = stage.run(poisoned.runs[0].id)
    assert run.status == "FAILED_STUCK"
    assert run.status_reason == "its worker was lost 6 times in a row at the same run; the limit is 5 recoveries."
    assert len(kills) == 6
    assert {stage.run(item.id).status for item in beside.runs} == {"PASSED"}
    assert [(item.step_alias, item.status) for item in stage.results(run.id)] == [("s1", "PASSED"), ("s2", "RUNNING")]
    assert len({effect.key for effect in stage.service.journal() if effect.alias == "s2" and effect.run == run.id}) == 1
    stage.check()
    resume_stuck_run(stage, run.id)


def resume_stuck_run(stage, run_id):
    """A stuck run goes on from the attempt that was open once whatever killed its workers is gone."""
    stage.service.release()
    stage.workspace.runner.resume(run_id, from_step=None, single_step=None, executor="INLINE")
    stage.until(lambda: stage.run(run_id).status == "PASSED", "the resumed run passes")
    assert stage.service.arrivals("s1", "poison0") == 1
    stage.until(lambda: not stage.workspace.stores.runs.get_run(stage.caller, run_id).locked_by, "it is let go")
