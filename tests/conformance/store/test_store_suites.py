"""Suite runs: loaded at a revision, advanced from it, cancelled, fed with exports, aborted."""

from __future__ import annotations

import threading

import pytest
from store_samples import a_commit, a_submission, a_suite_run, an_intent

from orchestra_kit.errors import NotFoundError
from orchestra_kit.model import RunStatus, StepStatus, SuiteRunStatus
from orchestra_kit.spi.work import FinishRun, SuiteAdvance


class Suite:
    """A suite run of a free `parent` and a `child` that waits for it."""

    def __init__(self, world) -> None:
        self.world = world
        self.suite_run = a_suite_run(world.suite)
        parent = a_submission(world.scenario, world.environment, suite_run_id=self.suite_run.id, scenario_key="parent")
        child = a_submission(
            world.scenario,
            world.environment,
            suite_run_id=self.suite_run.id,
            scenario_key="child",
            depends_on=(("parent", RunStatus.PASSED),),
        )
        runs = world.store.submit(world.caller, (parent, child), suite_run=self.suite_run)
        self.parent, self.child = (run.id for run in runs)

    def state(self):
        return self.world.work.load_suite(self.world.tenant, self.suite_run.id)

    def advance(self, revision: int, **more) -> bool:
        given = SuiteAdvance(tenant_id=self.world.tenant, suite_run_id=self.suite_run.id, revision=revision, **more)
        return self.world.work.advance_suite(given)

    def read(self):
        return self.world.store.get_suite_run(self.world.caller, self.suite_run.id)


@pytest.fixture
def suite(world) -> Suite:
    return Suite(world)


def test_a_suite_run_is_loaded_with_its_runs(world, suite) -> None:
    state = suite.state()
    assert (state.status, state.revision, state.cancel_requested) == (SuiteRunStatus.PENDING, 0, False)
    assert {(child.scenario_key, child.blocked, child.depends_on) for child in state.children} == {
        ("parent", False, ()),
        ("child", True, (("parent", RunStatus.PASSED),)),
    }
    assert (world.tenant, suite.suite_run.id) in world.work.find_open_suites()
    assert world.work.load_suite(world.tenant, "absent") is None


def test_a_blocked_run_waits_until_it_is_let_go(world, suite) -> None:
    assert world.promote() == [suite.parent]
    assert suite.advance(suite.state().revision, release=(suite.child,))
    assert world.promote() == [suite.child]
    run = suite.read()
    assert run.status is SuiteRunStatus.IN_PROGRESS and run.started_at is not None


def test_a_decision_from_an_old_revision_changes_nothing(world, suite) -> None:
    old = suite.state().revision
    assert suite.advance(old, release=(suite.child,))
    before = suite.state()
    assert not suite.advance(old, skip=((suite.child, "late"),), status=SuiteRunStatus.FAILED)
    assert suite.state() == before


def test_two_orchestrators_apply_one_decision(world, suite) -> None:
    revision, done = suite.state().revision, []
    threads = [
        threading.Thread(target=lambda: done.append(suite.advance(revision, release=(suite.child,)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, False, False, True]


def test_the_end_of_a_run_moves_its_suite_run_on(world, suite) -> None:
    """T17: what was decided before the parent ended is not applied after it."""
    world.promote()
    parent = world.claim(suite.parent)
    before = suite.state()
    world.work.finish_run(FinishRun(lease=parent.lease, status=RunStatus.PASSED, exports={"order": {"id": 7}}))
    assert suite.state().revision > before.revision
    assert not suite.advance(before.revision, skip=((suite.child, "old"),))
    assert suite.read().context == {"order": {"id": 7}}
    suite.advance(suite.state().revision, release=(suite.child,))
    world.promote()
    child = world.claim(suite.child)
    assert child.suite_context == {"order": {"id": 7}}
    world.work.finish_run(FinishRun(lease=child.lease, status=RunStatus.PASSED, exports={"more": 1}))
    assert suite.read().context == {"order": {"id": 7}, "more": 1}


def test_a_skipped_run_ends_with_the_reason(world, suite) -> None:
    assert suite.advance(suite.state().revision, skip=((suite.child, "parent failed"),))
    run = world.run(suite.child)
    assert (run.status, run.status_reason, run.blocked) == (RunStatus.SKIPPED, "parent failed", False)
    assert world.changes(suite.child)[-1] == ("PENDING", "SKIPPED")


def test_runs_of_others_are_neither_let_go_nor_skipped(world, suite) -> None:
    other, loose = Suite(world), world.submit(blocked=True)[0]
    assert suite.advance(suite.state().revision, release=(other.child, loose.id), skip=((other.parent, "x"),))
    assert world.run(other.child).blocked and world.run(loose.id).blocked
    assert world.run(other.parent).status is RunStatus.PENDING


def test_an_ended_suite_run_stays_ended(world, suite) -> None:
    assert suite.advance(suite.state().revision, status=SuiteRunStatus.PASSED)
    ended = suite.read()
    assert ended.status is SuiteRunStatus.PASSED and ended.finished_at is not None
    assert not suite.advance(suite.state().revision, status=SuiteRunStatus.FAILED)
    assert world.store.cancel_suite_run(world.caller, suite.suite_run.id) == ended
    assert (world.tenant, suite.suite_run.id) not in world.work.find_open_suites()


def test_cancel_ends_waiting_runs_and_the_suite_run_at_once(world, suite) -> None:
    run = world.store.cancel_suite_run(world.caller, suite.suite_run.id)
    assert run.status is SuiteRunStatus.CANCELLED and run.finished_at is not None
    assert {world.run(item).status for item in (suite.parent, suite.child)} == {RunStatus.CANCELLED}


def test_cancel_asks_the_worker_of_a_running_run(world, suite) -> None:
    world.promote()
    parent = world.claim(suite.parent)
    run = world.store.cancel_suite_run(world.caller, suite.suite_run.id)
    assert not run.status.terminal and suite.state().cancel_requested
    assert world.run(suite.child).status is RunStatus.CANCELLED
    assert world.work.commit_step(a_commit(parent, an_intent(0), None)) is True


def test_abort_stops_the_other_runs_of_the_suite_run(world, suite) -> None:
    world.promote()
    suite.advance(suite.state().revision, release=(suite.child,))
    world.promote()
    parent, child = world.claim(suite.parent), world.claim(suite.child, "w2")
    third = a_submission(world.scenario, world.environment, suite_run_id=suite.suite_run.id, scenario_key="third")
    world.store.submit(world.caller, (third,))
    world.work.finish_run(FinishRun(lease=parent.lease, status=RunStatus.FAILED, abort_suite=True))
    assert world.run(third.run.id).status is RunStatus.SKIPPED
    assert "parent" in (world.run(third.run.id).status_reason or "")
    assert world.work.commit_step(a_commit(child, an_intent(0), None, status=StepStatus.PASSED)) is True
    assert suite.state().cancel_requested


def test_suite_runs_are_listed_newest_first(world, suite) -> None:
    assert [run.id for run in world.store.list_suite_runs(world.caller)] == [suite.suite_run.id]
    assert world.store.list_suite_runs(world.caller, suite_id="absent") == ()
    with pytest.raises(NotFoundError):
        world.store.get_suite_run(world.caller, "absent")
