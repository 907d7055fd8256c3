"""Claim, commit, finish, release, extend, reap: what a worker's store does, whichever it is."""

from __future__ import annotations

import threading

import pytest
from store_samples import a_commit, a_result, an_intent

from orchestra_kit.errors import ConflictError, DefinitionError, LeaseLostError
from orchestra_kit.model import RunStatus, StepStatus
from orchestra_kit.spi.work import FinishRun, Lease, RunRef


def _walk(world, claimed, steps: int = 3) -> None:
    for number in range(steps):
        following = an_intent(number + 1) if number + 1 < steps else None
        world.work.commit_step(a_commit(claimed, an_intent(number), following))


def test_claim_raises_the_epoch_and_writes_the_first_intent(world) -> None:
    claimed = world.started()
    assert claimed.lease.epoch == 1
    assert claimed.intent == an_intent(0)
    assert claimed.plan.scenario == world.scenario
    (row,) = world.store.get_results(world.caller, claimed.run.id)
    assert (row.status, row.idempotency_key) == (StepStatus.RUNNING, f"{claimed.run.id}.step0.0.1")
    run = world.run(claimed.run.id)
    assert (run.status, run.locked_by, run.lease_epoch) == (RunStatus.IN_PROGRESS, "w1", 1)
    assert run.started_at is not None and run.lock_until is not None and run.heartbeat_at is not None


def test_a_run_is_claimed_once_by_many(world) -> None:
    run = world.submit()[0]
    world.promote()
    ref, won = RunRef(tenant_id=world.tenant, run_id=run.id), []

    def claim(worker: str) -> None:
        won.append(world.work.claim_run(ref, worker_id=worker, lease_seconds=30))

    threads = [threading.Thread(target=claim, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([item for item in won if item is not None]) == 1
    assert world.run(run.id).lease_epoch == 1


def test_an_absent_pending_or_finished_run_is_not_to_be_had(world) -> None:
    pending = world.submit()[0]
    claimed = world.started()
    world.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.PASSED))
    for run_id in ("no-such-run", claimed.run.id):
        ref = RunRef(tenant_id=world.tenant, run_id=run_id)
        assert world.work.claim_run(ref, worker_id="w2", lease_seconds=30) is None
    world.limit(1)
    blocked = world.submit(blocked=True)[0]
    ref = RunRef(tenant_id=world.tenant, run_id=blocked.id)
    assert world.work.claim_run(ref, worker_id="w2", lease_seconds=30) is None
    assert pending.status is RunStatus.PENDING


def test_a_whole_run_leaves_every_step_once_and_no_gap(world) -> None:
    claimed = world.started()
    _walk(world, claimed)
    world.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.PASSED))
    results = world.store.get_results(world.caller, claimed.run.id)
    assert [(r.order_index, r.attempt, r.status) for r in results] == [(n, 1, StepStatus.PASSED) for n in range(3)]
    run = world.run(claimed.run.id)
    assert (run.status, run.locked_by, run.lock_until) == (RunStatus.PASSED, None, None)
    assert run.finished_at is not None
    assert world.changes(run.id) == [
        (None, "PENDING"),
        ("PENDING", "QUEUED"),
        ("QUEUED", "IN_PROGRESS"),
        ("IN_PROGRESS", "PASSED"),
    ]


def test_execution_context_is_folded_from_the_newest_attempts(world) -> None:
    claimed = world.started()
    retry = an_intent(0, attempt=2)
    world.work.commit_step(a_commit(claimed, an_intent(0), retry, status=StepStatus.FAILED, response_body={"try": 1}))
    world.work.commit_step(a_commit(claimed, retry, an_intent(1), response_body={"try": 2}))
    context = world.run(claimed.run.id).execution_context
    assert list(context["steps"]) == ["step0"]
    assert context["steps"]["step0"]["attempt"] == 2
    assert context["steps"]["step0"]["response"]["body"] == {"try": 2}


def test_what_is_recorded_comes_back_whole(world) -> None:
    claimed = world.started()
    given = a_result(
        claimed,
        an_intent(0),
        status=StepStatus.FAILED,
        request={"method": "GET"},
        db_result={"rows": [{"a": 1.5}]},
        settling_time_ms=12,
        polls=3,
        sealed="sealed-text",
        definition_digest="abc",
        violations=[{"type": "TIMEOUT", "code": "T", "message": "late", "details": {"n": 1}}],
    )
    commit = a_commit(claimed, an_intent(0), an_intent(1))
    world.work.commit_step(type(commit)(lease=commit.lease, result=given, next_intent=None, lease_seconds=30))
    (read,) = world.store.get_results(world.caller, claimed.run.id)
    assert read == given.model_copy(update={"sealed": None})
    world.work.release_run(claimed.lease)
    assert world.claim(claimed.run.id, "w2").results == (given,)


def test_text_that_databases_dislike_is_stored(world) -> None:
    claimed = world.started()
    odd = {"nul": "a\x00b", "half": "\ud83d" if world.stores.kind != "json" else "x", "both": "\\u0000"}
    world.work.commit_step(a_commit(claimed, an_intent(0), None, response_body=odd))
    (read,) = world.store.get_results(world.caller, claimed.run.id)
    assert read.response_body["both"] == "\\u0000"
    assert read.response_body["nul"].startswith("a") and read.response_body["nul"].endswith("b")


def test_commit_again_changes_nothing(world) -> None:
    claimed = world.started()
    first = a_commit(claimed, an_intent(0), an_intent(1))
    assert world.work.commit_step(first) is False
    world.work.commit_step(a_commit(claimed, an_intent(1), an_intent(2)))
    before = world.store.get_results(world.caller, claimed.run.id)
    changed = a_commit(claimed, an_intent(0), an_intent(1), status=StepStatus.FAILED)
    assert world.work.commit_step(changed) is False
    assert world.store.get_results(world.caller, claimed.run.id) == before


def test_a_result_without_its_intent_is_refused(world) -> None:
    claimed = world.started()
    with pytest.raises(ConflictError, match="never announced"):
        world.work.commit_step(a_commit(claimed, an_intent(2), an_intent(1)))
    assert [r.step_alias for r in world.store.get_results(world.caller, claimed.run.id)] == ["step0"]


def test_commit_extends_the_lease(world) -> None:
    claimed = world.started()
    world.stores.later(29)
    world.work.commit_step(a_commit(claimed, an_intent(0), an_intent(1)))
    world.stores.later(2)
    assert world.work.reap_expired(max_recoveries=3) == ()


def test_commit_tells_that_somebody_asked_to_cancel(world) -> None:
    claimed = world.started()
    run = world.store.cancel_run(world.caller, claimed.run.id)
    assert (run.status, run.cancel_requested) == (RunStatus.IN_PROGRESS, True)
    assert world.work.commit_step(a_commit(claimed, an_intent(0), an_intent(1))) is True


@pytest.mark.parametrize("act", ["commit", "begin", "finish", "release"])
def test_a_zombie_writes_nothing(world, act: str) -> None:
    """T02: a worker that slept beyond its lease finds the run in other hands."""
    zombie = world.started()
    world.stores.later(31)
    world.work.reap_expired(max_recoveries=3)
    owner = world.claim(zombie.run.id, "w2")
    assert owner.lease.epoch == 2
    before = (world.run(zombie.run.id), world.store.get_results(world.caller, zombie.run.id))
    acts = {
        "commit": lambda: world.work.commit_step(a_commit(zombie, an_intent(0), an_intent(1))),
        "begin": lambda: world.work.begin_step(zombie.lease, intent=an_intent(1), lease_seconds=30),
        "finish": lambda: world.work.finish_run(FinishRun(lease=zombie.lease, status=RunStatus.FAILED)),
        "release": lambda: world.work.release_run(zombie.lease),
    }
    with pytest.raises(LeaseLostError):
        acts[act]()
    assert (world.run(zombie.run.id), world.store.get_results(world.caller, zombie.run.id)) == before


@pytest.mark.parametrize("change", [{"worker_id": "w9"}, {"epoch": 7}, {"run_id": "absent"}, {"tenant_id": "absent"}])
def test_a_lease_of_other_words_is_none(world, change: dict) -> None:
    claimed = world.started()
    known = {name: getattr(claimed.lease, name) for name in ("tenant_id", "run_id", "worker_id", "epoch")}
    lease = Lease(**{**known, **change})
    with pytest.raises(LeaseLostError):
        world.work.begin_step(lease, intent=an_intent(1), lease_seconds=30)
    assert world.work.extend_leases((lease,), lease_seconds=30)[0].held is False


def test_a_resume_repeats_the_same_attempt(world) -> None:
    first = world.started()
    world.work.commit_step(a_commit(first, an_intent(0), an_intent(1)))
    world.stores.later(31)
    world.work.reap_expired(max_recoveries=3)
    again = world.claim(first.run.id, "w2")
    assert again.intent == an_intent(1)
    assert [(r.step_alias, r.status) for r in again.results] == [
        ("step0", StepStatus.PASSED),
        ("step1", StepStatus.RUNNING),
    ]


def test_a_run_whose_steps_are_all_recorded_has_no_intent(world) -> None:
    first = world.started()
    _walk(world, first)
    world.work.release_run(first.lease)
    again = world.claim(first.run.id, "w2")
    assert again.intent is None and len(again.results) == 3


def test_begin_step_announces_once(world) -> None:
    claimed = world.started()
    world.work.commit_step(a_commit(claimed, an_intent(0), None))
    for _ in range(2):
        world.work.begin_step(claimed.lease, intent=an_intent(1), lease_seconds=30)
    assert [r.status for r in world.store.get_results(world.caller, claimed.run.id)] == [
        StepStatus.PASSED,
        StepStatus.RUNNING,
    ]


def test_positions_are_taken_once_and_before_the_first_intent(world) -> None:
    claimed = world.started(needs_position=True)
    assert (claimed.intent, claimed.position) == (None, None)
    world.work.begin_run(claimed.lease, position={"KAFKA": [1, 2]}, intent=an_intent(0), lease_seconds=30)
    world.work.begin_run(claimed.lease, position={"KAFKA": [9]}, intent=an_intent(0), lease_seconds=30)
    world.work.release_run(claimed.lease)
    again = world.claim(claimed.run.id, "w2")
    assert (again.intent, again.position) == (an_intent(0), {"KAFKA": [1, 2]})


def test_finish_again_changes_nothing_and_another_end_is_refused(world) -> None:
    claimed = world.started()
    done = FinishRun(lease=claimed.lease, status=RunStatus.FAILED, reason="a violation")
    world.work.finish_run(done)
    before = world.run(claimed.run.id)
    assert before.status_reason == "a violation"
    world.work.finish_run(done)
    with pytest.raises(LeaseLostError):
        world.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.PASSED))
    assert world.run(claimed.run.id) == before
    assert len(world.changes(claimed.run.id)) == 4


def test_finish_takes_a_terminal_status_only(world) -> None:
    claimed = world.started()
    with pytest.raises(DefinitionError, match="QUEUED"):
        world.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.QUEUED))


def test_finish_records_steps_never_reached(world) -> None:
    claimed = world.started()
    world.work.commit_step(a_commit(claimed, an_intent(0), None, status=StepStatus.FAILED))
    skipped = tuple(a_result(claimed, an_intent(n), status=StepStatus.SKIPPED) for n in (1, 2))
    world.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.FAILED, skipped=skipped))
    statuses = [r.status for r in world.store.get_results(world.caller, claimed.run.id)]
    assert statuses == [StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.SKIPPED]


@pytest.mark.parametrize("status, code", [(RunStatus.CANCELLED, "CANCELLED"), (RunStatus.FAILED, "UNFINISHED")])
def test_finish_closes_a_step_under_way_as_of_unknown_outcome(world, status: RunStatus, code: str) -> None:
    claimed = world.started()
    world.work.finish_run(FinishRun(lease=claimed.lease, status=status))
    (row,) = world.store.get_results(world.caller, claimed.run.id)
    assert row.status is StepStatus.SKIPPED
    assert (row.violations[0].type, row.violations[0].code) == ("EXECUTION_ERROR", code)
    assert "unknown" in row.violations[0].message


def test_release_puts_back_without_counting(world) -> None:
    claimed = world.started()
    world.work.release_run(claimed.lease)
    run = world.run(claimed.run.id)
    assert (run.status, run.recoveries, run.locked_by) == (RunStatus.QUEUED, 0, None)
    assert world.claim(run.id, "w2").lease.epoch == 2


def test_release_ends_a_run_that_was_asked_to_cancel(world) -> None:
    claimed = world.started()
    world.store.cancel_run(world.caller, claimed.run.id)
    world.work.release_run(claimed.lease)
    assert world.run(claimed.run.id).status is RunStatus.CANCELLED
    (row,) = world.store.get_results(world.caller, claimed.run.id)
    assert row.violations[0].code == "CANCELLED"


def test_leases_are_extended_together(world) -> None:
    world.limit(10)
    runs = world.submit(3)
    world.promote()
    claims = [world.claim(run.id) for run in runs]
    world.work.finish_run(FinishRun(lease=claims[2].lease, status=RunStatus.PASSED))
    world.store.cancel_run(world.caller, runs[1].id)
    world.stores.later(29)
    states = world.work.extend_leases(tuple(item.lease for item in claims), lease_seconds=30)
    assert [(state.held, state.cancel_requested) for state in states] == [(True, False), (True, True), (False, False)]
    assert [state.lease for state in states] == [item.lease for item in claims]
    world.stores.later(2)
    assert world.work.reap_expired(max_recoveries=3) == ()


def test_an_orphan_is_requeued_then_stuck(world) -> None:
    run_id = world.started().run.id
    for recoveries in (1, 2):
        world.stores.later(31)
        (reaped,) = world.work.reap_expired(max_recoveries=2)
        assert (reaped.status, reaped.recoveries) == (RunStatus.QUEUED, recoveries)
        world.claim(run_id)
    world.stores.later(31)
    (reaped,) = world.work.reap_expired(max_recoveries=2)
    assert reaped.status is RunStatus.FAILED_STUCK
    run = world.run(run_id)
    assert run.status is RunStatus.FAILED_STUCK and "2 recoveries" in (run.status_reason or "")
    assert world.work.reap_expired(max_recoveries=2) == ()


def test_a_stuck_run_resumes_with_the_attempt_it_was_in(world) -> None:
    run_id = world.started().run.id
    world.stores.later(31)
    world.work.reap_expired(max_recoveries=0)
    resumed = world.store.resume_run(world.caller, run_id)
    assert (resumed.status, resumed.recoveries, resumed.status_reason) == (RunStatus.PENDING, 0, None)
    with pytest.raises(ConflictError, match="PENDING"):
        world.store.resume_run(world.caller, run_id)
    world.promote()
    again = world.claim(run_id, "w2")
    assert (again.intent, again.lease.epoch) == (an_intent(0), 2)


def test_an_orphan_asked_to_cancel_is_cancelled(world) -> None:
    claimed = world.started()
    world.store.cancel_run(world.caller, claimed.run.id)
    world.stores.later(31)
    (reaped,) = world.work.reap_expired(max_recoveries=2)
    assert reaped.status is RunStatus.CANCELLED
    (row,) = world.store.get_results(world.caller, claimed.run.id)
    assert (row.status, row.violations[0].code) == (StepStatus.SKIPPED, "CANCELLED")


def test_two_reapers_recover_a_run_once(world) -> None:
    """T10: also a late sweep leaves a run alone that was taken over."""
    run_id = world.started().run.id
    world.stores.later(31)
    found: list = []
    threads = [
        threading.Thread(target=lambda: found.extend(world.work.reap_expired(max_recoveries=9))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    world.claim(run_id, "w2")
    assert world.work.reap_expired(max_recoveries=9) == ()
    assert world.run(run_id).recoveries == 1


@pytest.mark.parametrize("state", ["pending", "queued", "recovered"])
def test_cancel_ends_a_waiting_run_at_once(world, state: str) -> None:
    """T13: no step is left open."""
    run_id = world.submit()[0].id
    if state != "pending":
        world.promote()
    if state == "recovered":
        world.claim(run_id)
        world.stores.later(31)
        world.work.reap_expired(max_recoveries=3)
    for _ in range(2):
        run = world.store.cancel_run(world.caller, run_id)
        assert run.status is RunStatus.CANCELLED and run.finished_at is not None
    ref = RunRef(tenant_id=world.tenant, run_id=run_id)
    assert world.work.claim_run(ref, worker_id="w2", lease_seconds=30) is None
    assert run_id not in world.promote()
    assert all(r.status is StepStatus.SKIPPED for r in world.store.get_results(world.caller, run_id))


def test_nothing_is_written_after_cancelled(world) -> None:
    """T13: a worker that comes late finds its lease gone."""
    claimed = world.started()
    world.store.cancel_run(world.caller, claimed.run.id)
    world.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.CANCELLED))
    before = world.store.get_results(world.caller, claimed.run.id)
    with pytest.raises(LeaseLostError):
        world.work.commit_step(a_commit(claimed, an_intent(0), an_intent(1)))
    assert world.store.get_results(world.caller, claimed.run.id) == before
    assert world.store.cancel_run(world.caller, claimed.run.id).status is RunStatus.CANCELLED


def test_cancel_leaves_a_finished_run_as_it_is(world) -> None:
    claimed = world.started()
    world.work.finish_run(FinishRun(lease=claimed.lease, status=RunStatus.PASSED))
    assert world.store.cancel_run(world.caller, claimed.run.id).status is RunStatus.PASSED
