"""Submitting, listing, scheduling within limits, reuse for FROM_STEP, reports."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from store_samples import START, a_commit, a_result, a_submission, a_suite_run, an_intent

from orchestra_kit.errors import ConflictError, NotFoundError
from orchestra_kit.model import RunMode, RunStatus, StepStatus, TestRunReport, new_id
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.runs import RunFilter
from orchestra_kit.spi.work import FinishRun


def test_a_submitted_run_is_pending_and_frozen(world) -> None:
    given = a_submission(world.scenario, world.environment, priority=3, status=RunStatus.PASSED, lease_epoch=9)
    (run,) = world.store.submit(world.caller, (given,))
    assert (run.status, run.lease_epoch, run.priority) == (RunStatus.PENDING, 0, 3)
    assert world.run(run.id) == run.model_copy(update={"execution_context": {"steps": {}}})
    assert world.store.get_plan(world.caller, run.id) == given.plan


@pytest.mark.parametrize(
    "broken, said",
    [
        ({"scenario_version": 9}, "scenario"),
        ({"scenario_id": "absent"}, "scenario"),
        ({"environment_id": "absent"}, "environment"),
        ({"data_set_id": "absent"}, "data set"),
        ({"suite_run_id": "absent"}, "suite run"),
        ({"source_run_id": "absent"}, "run"),
        ({"tenant_id": "absent"}, "tenant"),
        ({"reuse_from": "absent"}, "run"),
    ],
)
def test_all_are_stored_or_none(world, broken, said) -> None:
    good = a_submission(world.scenario, world.environment)
    bad = a_submission(world.scenario, world.environment, **broken)
    with pytest.raises(NotFoundError, match=f"no {said} "):
        world.store.submit(world.caller, (good, bad), suite_run=a_suite_run(world.suite))
    assert world.store.list_runs(world.caller, RunFilter()) == ()
    assert world.store.list_suite_runs(world.caller) == ()
    assert world.store.list_audit(world.caller, entity_type="TestRun") == ()


def test_a_run_is_stored_once(world) -> None:
    given = a_submission(world.scenario, world.environment)
    world.store.submit(world.caller, (given,))
    with pytest.raises(ConflictError, match="already"):
        world.store.submit(world.caller, (a_submission(world.scenario, world.environment), given))
    assert len(world.store.list_runs(world.caller, RunFilter())) == 1


def test_runs_are_listed_newest_first_in_pages(world) -> None:
    runs = [world.submit(id=f"{n}-{new_id()}")[0] for n in range(5)]  # ids sort by time
    newest = [run.id for run in reversed(runs)]
    first = world.store.list_runs(world.caller, RunFilter(limit=2))
    second = world.store.list_runs(world.caller, RunFilter(limit=10, before=first[-1].id))
    assert [run.id for run in (*first, *second)] == newest
    world.store.cancel_run(world.caller, runs[0].id)
    cancelled = world.store.list_runs(world.caller, RunFilter(status=RunStatus.CANCELLED))
    assert [run.id for run in cancelled] == [runs[0].id]
    assert len(world.store.list_runs(world.caller, RunFilter(scenario_id=world.scenario.id))) == 5
    assert world.store.list_runs(world.caller, RunFilter(suite_run_id="absent")) == ()


def test_promotion_follows_priority_then_age(world) -> None:
    old = world.submit(created_at=START - timedelta(hours=1))[0]
    urgent = world.submit(priority=5, created_at=START + timedelta(hours=1))[0]
    young = world.submit(created_at=START)[0]
    held = world.submit(priority=9, blocked=True)[0]
    assert world.promote() == [urgent.id, old.id, young.id]
    assert world.run(held.id).status is RunStatus.PENDING


def test_promotion_takes_no_more_than_asked(world) -> None:
    world.submit(5)
    assert [len(world.work.promote_due(limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_the_limit_of_parallel_runs_holds_through_a_recovery(world) -> None:
    """T21: queued and running ones count, also while orphans are taken over."""
    world.limit(2)
    world.submit(5)
    first = world.promote()
    assert len(first) == 2 and world.promote() == []
    claims = [world.claim(run_id) for run_id in first]
    assert world.promote() == []
    world.stores.later(31)
    assert len(world.work.reap_expired(max_recoveries=5)) == 2
    assert world.promote() == []
    again = world.claim(first[0], "w2")
    world.work.finish_run(FinishRun(lease=again.lease, status=RunStatus.PASSED))
    assert len(world.promote()) == 1
    assert claims[0].lease.epoch == 1


def test_two_schedulers_queue_each_run_once(world) -> None:
    """T09."""
    world.limit(6)
    world.submit(10)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend(world.promote())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == 6


def test_a_lost_wake_up_is_found_again(world) -> None:
    """T06."""
    run = world.submit()[0]
    world.promote()
    assert world.work.find_waiting(older_than_seconds=10) == ()
    world.stores.later(11)
    (due,) = world.work.find_waiting(older_than_seconds=10)
    assert (due.tenant_id, due.run_id) == (world.tenant, run.id)
    world.claim(run.id)
    assert world.work.find_waiting(older_than_seconds=10) == ()


def test_reused_results_keep_their_origin_seal_and_position(world) -> None:
    source = world.started(needs_position=True)
    world.work.begin_run(source.lease, position={"KAFKA": 7}, intent=an_intent(0), lease_seconds=30)
    retry = an_intent(0, attempt=2)
    world.work.commit_step(a_commit(source, an_intent(0), retry, status=StepStatus.FAILED))
    commit = a_commit(source, retry, an_intent(1))
    sealed = a_result(source, retry, sealed="token", status=StepStatus.FLAKY)
    world.work.commit_step(type(commit)(lease=commit.lease, result=sealed, next_intent=an_intent(1), lease_seconds=30))
    world.work.finish_run(FinishRun(lease=source.lease, status=RunStatus.FAILED))
    plan = RunPlan(
        scenario=world.scenario,
        environment=world.environment,
        mode=RunMode.FROM_STEP,
        start_step_index=1,
        reused=("step0", "step2"),
    )
    claimed = world.started(
        plan=plan,
        mode=RunMode.FROM_STEP,
        start_step_index=1,
        source_run_id=source.run.id,
        reuse_from=source.run.id,
        first_intent=an_intent(1),
        needs_position=True,
    )
    assert (claimed.position, claimed.intent) == ({"KAFKA": 7}, an_intent(1))
    copy, running = claimed.results
    assert (copy.run_id, copy.origin_run_id, copy.attempt) == (claimed.run.id, source.run.id, 2)
    assert (copy.sealed, copy.response_body) == ("token", sealed.response_body)
    assert copy.idempotency_key == retry.idempotency_key(source.run.id)
    assert running.status is StepStatus.RUNNING
    assert all(result.sealed is None for result in world.store.get_results(world.caller, claimed.run.id))


def test_a_copied_result_may_be_reused_again(world) -> None:
    source = world.started()
    world.work.commit_step(a_commit(source, an_intent(0), None))
    plan = RunPlan(scenario=world.scenario, environment=world.environment, reused=("step0",))
    second = world.submit(plan=plan, reuse_from=source.run.id, first_intent=an_intent(1))[0]
    third = world.submit(plan=plan, reuse_from=second.id, first_intent=an_intent(1))[0]
    (result,) = world.store.get_results(world.caller, third.id)
    assert (result.run_id, result.origin_run_id) == (third.id, source.run.id)


def test_the_newest_report_is_given(world) -> None:
    run = world.submit()[0]
    for minute, text in ((1, "first"), (3, "third"), (2, "second")):
        at = START + timedelta(minutes=minute)
        report = TestRunReport(
            id=new_id(), tenant_id=world.tenant, run_id=run.id, format="json", content={"t": text}, created_at=at
        )
        world.store.save_report(world.caller, report)
    assert world.store.get_report(world.caller, run.id, report_format="json").content == {"t": "third"}
    with pytest.raises(NotFoundError):
        world.store.get_report(world.caller, run.id, report_format="html")
    with pytest.raises(ConflictError):
        world.store.save_report(world.caller, report)
    lost = report.model_copy(update={"id": new_id(), "run_id": "absent"})
    with pytest.raises(NotFoundError, match="no run"):
        world.store.save_report(world.caller, lost)
