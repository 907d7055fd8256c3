"""Cancelling, draining, heartbeats, and plugins that never come back. Real time, with causes asserted, not durations."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestra_kit.engine.calls import CallGivenUpError, CallGuard, CallLanes, CallOverdueError, RunTakenOverError
from orchestra_kit.engine.events import RunReleased
from orchestra_kit.engine.heartbeat import LeaseKeeper
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.engine.signals import StopSignals
from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.model import RunMode, RunStatus
from orchestra_kit.spi.clock import SystemClock
from orchestra_kit.spi.driver import RunSession
from orchestra_kit.spi.work import Lease

PATIENCE = 30.0


class Held:
    """An answer that does not come until the test lets it."""

    def __init__(self, answer: Any) -> None:
        self.begun, self.release, self.answer = threading.Event(), threading.Event(), answer

    def __call__(self, _: Any) -> Any:
        self.begun.set()
        assert self.release.wait(PATIENCE)
        return self.answer


@pytest.fixture
def held(world: Any) -> Any:
    made = Held(world.http())
    yield made
    made.release.set()


def in_thread(work: Any) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    return thread, answers


def executing(world: Any, run_id: str, **options: Any) -> tuple[Any, threading.Thread, list[Any]]:
    executor = world.executor(**options)
    thread, answers = in_thread(lambda: executor.execute(world.ref(run_id)))
    return executor, thread, answers


def ended(thread: threading.Thread) -> None:
    thread.join(PATIENCE)
    assert not thread.is_alive()


class TestCancel:
    def test_while_a_call_is_under_way_ends_the_run_without_waiting_for_it(self, world: Any, held: Any) -> None:
        world.system.script("order", held)
        run_id = world.submit([world.action("order"), world.action("pay")])
        executor, thread, answers = executing(world, run_id)
        assert held.begun.wait(PATIENCE)
        world.store.cancel_run(world.caller, run_id)
        executor._keeper.beat()
        ended(thread)
        assert answers == [RunStatus.CANCELLED]
        rows = world.results(run_id)
        assert [(row.step_alias, row.status.value) for row in rows] == [("order", "SKIPPED")]
        assert rows[0].violations[0].code == "CANCELLED"

    def test_leaves_no_row_when_the_call_comes_back_later(self, world: Any, held: Any) -> None:
        world.system.script("order", held)
        run_id = world.submit([world.action("order"), world.action("pay")])
        executor, thread, _ = executing(world, run_id)
        assert held.begun.wait(PATIENCE)
        world.store.cancel_run(world.caller, run_id)
        executor._keeper.beat()
        ended(thread)
        before = world.results(run_id)
        held.release.set()
        assert world.results(run_id) == before
        assert world.system.inputs("pay") == []

    def test_between_steps_is_learned_from_the_commit(self, world: Any) -> None:
        def cancel_meanwhile(_: Any) -> Any:
            world.store.cancel_run(world.caller, run_id)
            return world.http()

        world.system.script("order", cancel_meanwhile)
        run_id = world.submit([world.action("order"), world.action("pay")])
        assert world.executor().execute(world.ref(run_id)) is RunStatus.CANCELLED
        assert world.statuses(run_id) == [("order", "PASSED"), ("pay", "SKIPPED")]
        assert world.system.inputs("pay") == []

    def test_after_the_last_step_still_counts(self, world: Any) -> None:
        def cancel_meanwhile(_: Any) -> Any:
            world.store.cancel_run(world.caller, run_id)
            return world.http()

        world.system.script("order", cancel_meanwhile)
        run_id = world.submit([world.action("order")])
        assert world.executor().execute(world.ref(run_id)) is RunStatus.CANCELLED

    def test_while_waiting_for_rows_ends_the_waiting(self, world: Any) -> None:
        def look(_: Any) -> Any:
            if world.system.acts[(run_id, "row")] == 5:
                executor._keeper.beat()
            if world.system.acts[(run_id, "row")] == 4:
                world.store.cancel_run(world.caller, run_id)
            return world.rows()

        world.system.script("row", look)
        run_id = world.submit([world.assertion("row", expect={"rows": {"count": 1}}, timeoutMs=80_000)])
        executor = world.executor()
        with executor._keeper.holding(Lease(tenant_id="x", run_id="x", worker_id="x", epoch=1), StopSignals()):
            assert executor.execute(world.ref(run_id)) is RunStatus.CANCELLED
        assert world.system.acts[(run_id, "row")] == 5
        assert world.system.closed_watches == 1

    def test_while_a_retry_is_due_ends_the_pause(self, world: Any) -> None:
        def fail_and_cancel(_: Any) -> Any:
            world.store.cancel_run(world.caller, run_id)
            return world.http(503)

        world.system.script("pay", fail_and_cancel)
        retry = {"retryLimit": 3, "retryAfter": 1000, "maxRetryAfter": 1000}
        run_id = world.submit([world.action("pay", expect={"expectedStatusCode": 200}, retry=retry)])
        assert world.executor().execute(world.ref(run_id)) is RunStatus.CANCELLED
        assert world.clock.seconds < 1010
        assert world.statuses(run_id) == [("pay", "FAILED"), ("pay", "SKIPPED")]

    def test_twice_or_of_a_waiting_run_changes_nothing_more(self, world: Any) -> None:
        run_id = world.submit([world.action("order")])
        world.store.cancel_run(world.caller, run_id)
        assert world.executor().execute(world.ref(run_id)) is None
        world.store.cancel_run(world.caller, run_id)
        assert world.run(run_id).status is RunStatus.CANCELLED
        assert world.system.commands == []


class TestDrain:
    def test_lets_the_step_in_flight_finish_once_and_gives_the_rest_back(self, world: Any, held: Any) -> None:
        world.system.script("order", held)
        run_id = world.submit([world.action("order"), world.action("pay")])
        executor, thread, answers = executing(world, run_id)
        assert held.begun.wait(PATIENCE)
        executor.drain()
        held.release.set()
        ended(thread)
        assert answers == [None]
        run = world.run(run_id)
        assert (run.status, run.recoveries) == (RunStatus.QUEUED, 0)
        assert any(isinstance(event, RunReleased) for event in world.events)
        world.executor("w2").execute(world.ref(run_id))
        assert world.run(run_id).status is RunStatus.PASSED
        assert [len(world.system.keys[alias]) for alias in ("order", "pay")] == [1, 1]

    def test_finishes_a_run_whose_last_step_is_in_flight(self, world: Any, held: Any) -> None:
        world.system.script("order", held)
        run_id = world.submit([world.action("order")])
        executor, thread, answers = executing(world, run_id)
        assert held.begun.wait(PATIENCE)
        executor.drain()
        held.release.set()
        ended(thread)
        assert answers == [RunStatus.PASSED]

    def test_gives_a_waiting_assertion_back_at_once(self, world: Any) -> None:
        def look(_: Any) -> Any:
            if world.system.acts[(run_id, "row")] == 3:
                executor.drain()
            return world.rows() if world.system.acts[(run_id, "row")] < 5 else world.rows({"id": 1})

        world.system.script("row", look)
        run_id = world.submit([world.assertion("row", expect={"rows": {"count": 1}}, timeoutMs=80_000)])
        executor = world.executor()
        assert executor.execute(world.ref(run_id)) is None
        assert world.run(run_id).status is RunStatus.QUEUED
        assert world.executor("w2").execute(world.ref(run_id)) is RunStatus.PASSED

    def test_claims_nothing_more(self, world: Any) -> None:
        run_id = world.submit([world.action("order")])
        executor = world.executor()
        executor.drain()
        assert executor.execute(world.ref(run_id)) is None
        assert world.run(run_id).status is RunStatus.QUEUED


class TestHungPlugin:
    """T12: a step that never ends while heartbeats go on."""

    @pytest.fixture(autouse=True)
    def _impatient(self, world: Any) -> None:
        world.settings = EngineSettings(overrun_seconds=0.1)

    def test_fails_its_step_as_timeout_and_the_run_ends(self, world: Any, held: Any) -> None:
        world.system.script("order", held)
        run_id = world.submit([world.action("order", timeoutMs=50), world.action("pay")])
        assert world.executor(clock=SystemClock()).execute(world.ref(run_id)) is RunStatus.FAILED
        found = world.result(run_id, "order").violations[0]
        assert (found.type.value, found.code) == ("TIMEOUT", "CALL_TIMEOUT")
        assert "did not come back" in found.message
        assert world.result(run_id, "order").definition_digest
        assert world.statuses(run_id) == [("order", "FAILED"), ("pay", "SKIPPED")]

    def test_does_not_keep_the_other_steps_from_running(self, world: Any, held: Any) -> None:
        world.system.script("order", held)
        steps = [world.action("login"), world.action("order", timeoutMs=50), world.action("pay"), world.action("ship")]
        run_id = world.submit(steps, mode=RunMode.RUN_ALL_STEPS)
        world.executor().execute(world.ref(run_id))
        assert [status for _, status in world.statuses(run_id)] == ["PASSED", "FAILED", "PASSED", "PASSED"]
        assert [len(world.system.keys[alias]) for alias in ("login", "order", "pay", "ship")] == [1, 1, 1, 1]

    def test_that_comes_back_later_writes_nothing(self, world: Any, held: Any) -> None:
        driven: list[BaseException] = []
        returned = threading.Event()

        class Watching:
            def drive(self, session: RunSession) -> None:
                try:
                    session.run_step("order")
                except BaseException as problem:
                    driven.append(problem)
                    returned.set()
                    raise

        world.system.script("order", held)
        run_id = world.submit([world.action("order", timeoutMs=50)])
        world.executor(driver=Watching()).execute(world.ref(run_id))
        before = world.results(run_id)
        held.release.set()
        assert returned.wait(PATIENCE)
        assert isinstance(driven[0], RunTakenOverError)
        assert world.results(run_id) == before

    def test_in_a_watch_ends_at_its_deadline(self, world: Any, held: Any) -> None:
        world.system.script("row", held)
        run_id = world.submit([world.assertion("row", expect={"rows": {"count": 1}}, timeoutMs=50)])
        assert world.executor().execute(world.ref(run_id)) is RunStatus.FAILED
        assert world.codes(run_id, "row") == ["CALL_TIMEOUT"]

    def test_beside_the_scenario_does_not_hold_the_run(self, world: Any, held: Any) -> None:
        world.system.script("mail", held)
        run_id = world.submit([world.action("mail", mode="FIRE_AND_FORGET", timeoutMs=50), world.action("pay")])
        assert world.executor().execute(world.ref(run_id)) is RunStatus.FAILED
        assert world.codes(run_id, "mail") == ["CALL_TIMEOUT"]

    def test_in_prepare_fails_the_run(self, world: Any, held: Any) -> None:
        world.settings = EngineSettings(prepare_seconds=0.05)
        world.needs_position = True
        world.system.prepare = lambda *_: held(None)
        run_id = world.submit([world.action("order"), world.assertion("told", channel="KAFKA")])
        world.executor().execute(world.ref(run_id))
        assert world.codes(run_id, "order") == ["PREPARE_FAILED"]


class TestKeeper:
    def lease(self, world: Any, run_id: str, worker: str = "w1") -> Lease:
        claimed = world.store.claim_run(world.ref(run_id), worker_id=worker, lease_seconds=30)
        lease: Lease = claimed.lease
        return lease

    def test_extends_all_leases_in_one_operation(self, world: Any) -> None:
        ids = [world.submit([world.action("order")]) for _ in range(3)]
        leases = [self.lease(world, run_id) for run_id in ids]
        calls: list[tuple[Lease, ...]] = []

        class Counted:
            def extend_leases(self, given: tuple[Lease, ...], *, lease_seconds: float) -> Any:
                calls.append(given)
                return world.store.extend_leases(given, lease_seconds=lease_seconds)

        keeper = LeaseKeeper(Counted(), lease_seconds=30)  # type: ignore[arg-type]
        with keeper.holding(leases[0], StopSignals()), keeper.holding(leases[1], StopSignals()):
            with keeper.holding(leases[2], StopSignals()):
                world.clock.pass_time(20)
                keeper.beat()
        assert [set(call) for call in calls] == [set(leases)]
        world.clock.pass_time(25)
        assert world.store.reap_expired(max_recoveries=5) == ()
        keeper.beat()
        assert len(calls) == 1, "nothing is held any more"

    def test_tells_of_a_lost_lease(self, world: Any) -> None:
        run_id = world.submit([world.action("order")])
        lease = self.lease(world, run_id)
        world.clock.pass_time(31)
        world.store.reap_expired(max_recoveries=5)
        self.lease(world, run_id, "w2")
        signals, keeper = StopSignals(), LeaseKeeper(world.store, lease_seconds=30)
        with keeper.holding(lease, signals):
            keeper.beat()
        assert signals.lost

    def test_beats_by_itself_outlives_an_absent_store_and_always_stops(self, world: Any) -> None:
        beats = threading.Semaphore(0)

        class Absent:
            def extend_leases(self, given: Any, *, lease_seconds: float) -> Any:
                beats.release()
                raise StoreUnavailableError("the database does not answer.")

        keeper = LeaseKeeper(Absent(), lease_seconds=0.03)  # type: ignore[arg-type]
        with (
            keeper as running,
            running.holding(Lease(tenant_id="t", run_id="r", worker_id="w", epoch=1), StopSignals()),
        ):
            thread = keeper._thread
            for _ in range(3):
                assert beats.acquire(timeout=PATIENCE)
        assert thread is not None
        assert not thread.is_alive()


class TestCalls:
    def test_lanes_are_used_again_and_problems_come_through(self) -> None:
        lanes = CallLanes()
        threads = {lanes.run(threading.get_ident, limit_seconds=5, stop=lambda: False) for _ in range(5)}
        assert len(threads) == 1
        with pytest.raises(ZeroDivisionError):
            lanes.run(lambda: 1 // 0, limit_seconds=5, stop=lambda: False)
        assert lanes.run(threading.get_ident, limit_seconds=5, stop=lambda: False) in threads
        lanes.close()

    def test_an_overdue_or_unwanted_call_is_given_up(self) -> None:
        lanes, release = CallLanes(), threading.Event()
        with pytest.raises(CallOverdueError):
            lanes.run(release.wait, limit_seconds=0.01, stop=lambda: False)
        with pytest.raises(CallGivenUpError):
            lanes.run(release.wait, limit_seconds=PATIENCE, stop=lambda: True)
        release.set()
        lanes.close()

    def test_of_an_answer_and_a_giving_up_only_one_counts(self) -> None:
        guard = CallGuard()
        assert not guard.give_up(lambda: True), "no call is under way"
        given_up: list[bool] = []
        with pytest.raises(RunTakenOverError):
            guard.run(lambda: given_up.append(guard.give_up(lambda: True)), limit_seconds=5, stop=lambda: False)
        assert given_up == [True]
        with pytest.raises(RunTakenOverError):
            guard.run(lambda: 1, limit_seconds=5, stop=lambda: False)

    def test_an_answer_in_time_cannot_be_given_up_any_more(self) -> None:
        guard = CallGuard()
        assert guard.run(lambda: 7, limit_seconds=5, stop=lambda: False) == 7
        assert not guard.give_up(lambda: True)
