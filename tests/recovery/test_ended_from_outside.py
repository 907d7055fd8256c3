"""Cancelled runs, steps that never end, definitions edited under a run, targets that fail."""

from __future__ import annotations

import time

import pytest
from fault_watch import changes, rows


def ends(stage, run_id):
    return next(
        change for change in changes(stage.urls, "run") if change.id == run_id and change.move[1] == "CANCELLED"
    )


def step_rows_after(stage, run_id, moment):
    """Step rows made later than a moment; the one that was open is closed in the same transaction."""
    return [c for c in changes(stage.urls, "step") if c.id == run_id and c.was is None and c.at > moment]


def test_a_waiting_run_is_cancelled_at_once(stage):
    """T13: pending."""
    stage.define("suite", {"chain": stage.calls(2)})
    submitted = stage.submit(rows_of_data=3)
    first = submitted.runs[0].id
    assert stage.workspace.runner.cancel(first) == "CANCELLED"
    assert stage.workspace.runner.cancel(first) == "CANCELLED"
    stage.fleet.start()
    stage.wait(submitted)
    assert stage.statuses() == {"CANCELLED": 1, "PASSED": 2}
    assert not stage.results(first)
    stage.check()


def test_a_run_cancelled_in_a_step_ends_by_the_next_heartbeat_without_another_step(stage, orphan_limit):
    """T13: the step itself would take minutes; asked twice."""
    stage.define("suite", {"chain": stage.calls(3)})
    stage.fleet.start()
    stage.service.rule("s2", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    stage.until(lambda: stage.service.arrivals("s2"), "step 2 is under way")
    assert stage.workspace.runner.cancel(run_id) == "IN_PROGRESS"
    asked = time.time()
    stage.workspace.runner.cancel(run_id)
    stage.wait(submitted)
    ended = ends(stage, run_id)
    heartbeat = stage.fleet.lease / 3
    assert ended.at.timestamp() - asked <= orphan_limit(heartbeat + 1.0 - 4.0), "heartbeat + 1 s"
    stage.service.release()
    assert [(item.step_alias, item.status) for item in stage.results(run_id)] == [("s1", "PASSED"), ("s2", "SKIPPED")]
    assert "cancelled" in stage.results(run_id)[1].violations[0].message
    assert not step_rows_after(stage, run_id, ended.at)
    again = stage.submit(prefix="again")  # the worker is not hurt by the call it left behind
    stage.wait(again)
    assert stage.run(again.runs[0].id).status == "PASSED"
    assert stage.service.arrivals("s3", "r0") == 0
    stage.check()


def test_cancelling_a_run_that_has_ended_changes_nothing(stage):
    """T13: after the last step."""
    stage.define("suite", {"chain": stage.calls(2)})
    stage.fleet.start()
    submitted = stage.submit()
    stage.wait(submitted)
    before = rows(stage.urls, "SELECT * FROM test_run")
    assert stage.workspace.runner.cancel(submitted.runs[0].id) == "PASSED"
    assert stage.workspace.runner.cancel(submitted.suite_run.id) == "PASSED"
    assert rows(stage.urls, "SELECT * FROM test_run") == before
    stage.check()


def test_a_suite_cancelled_while_a_worker_dies_ends_cancelled(stage):
    """The worker that should stop is killed before it can; the reaper ends the run as was asked."""
    stage.define("suite", {"first": stage.calls(2), "second": stage.calls(2)}, depends={"second": ["first"]})
    stage.fleet.start()
    stage.service.rule("s1", hold=True)
    submitted = stage.submit()
    stage.until(lambda: stage.service.arrivals("s1"), "the first scenario has begun")
    stage.fleet.workers[0].kill()
    stage.workspace.runner.cancel(submitted.suite_run.id)
    stage.fleet.start()
    stage.wait(submitted)
    assert stage.statuses() == {"CANCELLED": 2}
    assert stage.service.arrivals("s1") == 1
    stage.check()


@pytest.mark.parametrize("limit_ms", [1500])
def test_a_step_that_never_ends_is_ended_by_its_timeout_while_others_go_on(make_stage, limit_ms):
    """T12: the answer drips for ever, so that no read ever times out; heartbeats go on all the while."""
    stage = make_stage(lease=1.0)
    slow = stage.calls(3)
    slow[1]["action"]["meta"]["timeoutMs"] = limit_ms
    stage.define("suite", {"chain": slow})
    stage.fleet.start(threads=2)
    stage.service.rule("s2@r0", drip=True)
    submitted = stage.submit(rows_of_data=4)
    stage.wait(submitted)
    slow_run = next(run for run in submitted.runs if run.data_row_key == "r0")
    assert stage.statuses() == {"FAILED": 1, "PASSED": 3}
    results = stage.results(slow_run.id)
    assert [(item.step_alias, item.status) for item in results] == [
        ("s1", "PASSED"),
        ("s2", "FAILED"),
        ("s3", "SKIPPED"),
    ]
    assert results[1].duration_ms >= limit_ms
    assert "1.5 s" in results[1].violations[0].message or "in time" in results[1].violations[0].message
    assert stage.run(slow_run.id).recoveries == 0, "its lease was kept"
    stage.check()


def test_a_definition_edited_under_a_run_leaves_the_run_as_it_was_submitted(stage):
    """T15: also after the worker is killed and another one goes on from the row."""
    stage.define("suite", {"chain": stage.calls(3)})
    stage.fleet.start(2)
    stage.service.rule("s2", hold=True)
    submitted = stage.submit()
    run_id = submitted.runs[0].id
    stage.until(lambda: stage.service.arrivals("s2"), "step 2 is under way")
    scenarios = stage.workspace.stores.scenarios
    known = scenarios.get_scenario(stage.caller, "suite/chain")
    replaced = known.steps[2].model_copy(update={"alias": "other"})
    changed = known.model_copy(update={"steps": (known.steps[0], replaced.model_copy(update={"order_index": 1}))})
    assert scenarios.update_scenario(stage.caller, changed, expected_version=known.version).version == 2
    stage.holder_of(run_id).kill()
    stage.until(lambda: stage.service.arrivals("s2") == 2, "another worker goes on")
    stage.service.release()
    stage.wait(submitted)
    run = stage.run(run_id)
    assert (run.status, run.scenario_version) == ("PASSED", 1)
    assert [item.step_alias for item in stage.results(run_id)] == ["s1", "s2", "s3"]
    stage.check()


def test_targets_that_refuse_for_a_while_get_bounded_retries_and_others_go_on(stage):
    """T16: 503 twice passes as FLAKY after two retries; a target that always refuses fails after all of them."""
    retry = {"retryLimit": 3, "retryAfter": 0.05, "backOff": 2, "onStatus": [503]}
    steps = stage.calls(3)
    steps[1]["action"]["meta"]["retry"] = retry
    stage.define("suite", {"chain": steps})
    stage.fleet.start(threads=3)
    stage.service.rule("s2@r0", status=503, times=2)
    stage.service.rule("s2@r1", status=503)
    stage.service.rule("s2@r2", cut=True)
    submitted = stage.submit(rows_of_data=6)
    stage.wait(submitted)
    by_row = {run.data_row_key: stage.run(run.id).status for run in submitted.runs}
    assert by_row == {"r0": "PASSED", "r1": "FAILED", "r2": "FAILED", "r3": "PASSED", "r4": "PASSED", "r5": "PASSED"}
    assert {row: stage.service.arrivals("s2", row) for row in by_row} == {
        "r0": 3,
        "r1": 4,
        "r2": 4,
        "r3": 1,
        "r4": 1,
        "r5": 1,
    }
    runs = {run.data_row_key: run.id for run in submitted.runs}
    ends_of = [(item.attempt, item.status) for item in stage.results(runs["r0"]) if item.step_alias == "s2"]
    assert ends_of == [(1, "FAILED"), (2, "FAILED"), (3, "FLAKY")]
    assert len({effect.key for effect in stage.service.journal() if effect.alias == "s2" and effect.row == "r1"}) == 4
    stage.check()
