"""Scheduler, reaper and worker together, over an in-process queue that loses what it is told to."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from orchestra_kit.engine.events import DutyFailed, RunFinished, RunReaped
from orchestra_kit.engine.executor import InlineDriver
from orchestra_kit.engine.reaper import Reaper
from orchestra_kit.engine.scheduler import Scheduler
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.engine.worker import Duty, Worker, WorkerSettings
from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.model import Executor, RunStatus
from orchestra_kit.spi.clock import SystemClock
from orchestra_kit.spi.work import RunRef

PATIENCE = 30.0


class LocalQueue:
    """A WakeUpQueue in this process."""

    def __init__(self, *, lose: bool = False) -> None:
        self.sent: list[RunRef] = []
        self.lose = lose
        self._messages: queue.Queue[RunRef | None] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self.closed = False

    def send(self, refs: tuple[RunRef, ...]) -> None:
        self.sent.extend(refs)
        if not self.lose:
            for ref in refs:
                self._messages.put(ref)

    def consume(self, handle: Callable[[RunRef], None], *, threads: int) -> None:
        def serve() -> None:
            while (ref := self._messages.get()) is not None:
                handle(ref)

        self._threads = [threading.Thread(target=serve) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self, *, timeout_seconds: float) -> bool:
        for _ in self._threads:
            self._messages.put(None)
        until = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        self.closed = True


class TestScheduler:
    def test_puts_due_runs_in_line_by_priority_within_the_limit(self, world: Any) -> None:
        world.limit_runs(2)
        ids = [world.submit([world.action("a")], promote=False, run={"priority": p}) for p in (0, 5, 1)]
        wake = LocalQueue()
        Scheduler(world.equipment(), wake).tick()
        assert [ref.run_id for ref in wake.sent] == [ids[1], ids[2]]
        assert world.run(ids[0]).status is RunStatus.PENDING

    def test_two_of_them_queue_a_run_once(self, world: Any) -> None:
        """T09."""
        for _ in range(10):
            world.submit([world.action("a")], promote=False)
        wake = LocalQueue()
        schedulers = [Scheduler(world.equipment(), wake) for _ in range(2)]
        threads = [threading.Thread(target=scheduler.tick) for scheduler in schedulers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(wake.sent) == len(set(wake.sent)) == 10

    def test_wakes_again_what_nobody_claimed_less_and_less_often(self, world: Any) -> None:
        """T06."""
        run_id = world.submit([world.action("a")], promote=False)
        wake = LocalQueue()
        scheduler = Scheduler(world.equipment(), wake, lost_after_seconds=2.0)
        woken: list[float] = []
        for _ in range(600):
            before = len(wake.sent)
            scheduler.tick()
            woken += [world.clock.seconds] * (len(wake.sent) - before)
            world.clock.pass_time(0.5)
        gaps = [later - earlier for earlier, later in pairwise(woken)]
        assert set(wake.sent) == {world.ref(run_id)}
        assert gaps[:5] == pytest.approx([2, 2, 4, 8, 16], abs=0.6)
        assert max(gaps) <= 60.5

    def test_forgets_runs_that_were_claimed(self, world: Any) -> None:
        run_id = world.submit([world.action("a")], promote=False)
        scheduler = Scheduler(world.equipment(), LocalQueue())
        scheduler.tick()
        world.clock.pass_time(3)
        scheduler.tick()
        assert scheduler._again_at
        world.executor().execute(world.ref(run_id))
        scheduler.tick()
        assert not scheduler._again_at


class TestReaper:
    def test_puts_orphans_back_in_line_and_wakes_for_them(self, world: Any) -> None:
        run_id = world.submit([world.action("a")])
        world.store.claim_run(world.ref(run_id), worker_id="dead", lease_seconds=30)
        wake = LocalQueue()
        reaper = Reaper(world.equipment(), wake)
        reaper.tick()
        assert wake.sent == []
        world.clock.pass_time(31)
        reaper.tick()
        reaper.tick()
        assert wake.sent == [world.ref(run_id)]
        assert [(e.status, e.recoveries) for e in world.events if isinstance(e, RunReaped)] == [(RunStatus.QUEUED, 1)]

    def test_ends_a_run_that_kills_every_worker(self, world: Any) -> None:
        """T11."""
        world.settings = EngineSettings(max_recoveries=2)
        run_id = world.submit([world.action("a")])
        wake = LocalQueue()
        reaper = Reaper(world.equipment(), wake)
        for _ in range(3):
            world.store.claim_run(world.ref(run_id), worker_id="dead", lease_seconds=30)
            world.clock.pass_time(31)
            reaper.tick()
        assert world.run(run_id).status is RunStatus.FAILED_STUCK
        assert len(wake.sent) == 2


def worker_of(world: Any, wake: LocalQueue, *, threads: int = 2, **settings: Any) -> Worker:
    world.clock = SystemClock()
    world.store._tables.clock = world.clock
    given = {"schedule_seconds": 0.01, "suite_seconds": 0.01, "reap_seconds": 0.02, "lost_after_seconds": 0.05}
    return Worker(
        world.equipment(),
        {Executor.INLINE: InlineDriver()},
        wake,
        worker_id="w1",
        settings=WorkerSettings(threads=threads, **{**given, **settings}),
    )


def until(world: Any, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, world.events[-3:]
        time.sleep(0.005)


def test_a_worker_works_off_what_is_submitted(world: Any) -> None:
    worker = worker_of(world, LocalQueue())
    worker.start()
    ids = [world.submit([world.action("a"), world.action("b")], promote=False) for _ in range(20)]
    try:
        until(world, lambda: all(world.run(run_id).status is RunStatus.PASSED for run_id in ids))
    finally:
        worker.stop()
    assert all(count == 1 for count in world.system.acts.values())
    assert sum(isinstance(event, RunFinished) for event in world.events) == 20


def test_doubled_lost_and_foreign_messages_change_nothing(world: Any) -> None:
    """T06, T07."""
    wake = LocalQueue(lose=True)
    worker = worker_of(world, wake)
    worker.start()
    run_id = world.submit([world.action("a")], promote=False)
    try:
        until(world, lambda: len(wake.sent) >= 2)
        assert world.run(run_id).status is RunStatus.QUEUED, "every message was lost"
        wake.lose = False
        wake.send((world.ref(run_id),) * 5 + (world.ref("unknown"),))
        until(world, lambda: world.run(run_id).status is RunStatus.PASSED)
        wake.send((world.ref(run_id),))
    finally:
        worker.stop()
    assert world.system.acts[(run_id, "a")] == 1
    assert wake.closed


def test_a_draining_worker_finishes_its_step_and_gives_back_the_rest(world: Any) -> None:
    """T14."""
    begun, release = threading.Event(), threading.Event()

    def hold(_: Any) -> Any:
        begun.set()
        assert release.wait(PATIENCE)
        return world.http()

    world.system.script("a", hold)
    wake = LocalQueue()
    worker = worker_of(world, wake)
    worker.start()
    run_id = world.submit([world.action("a"), world.action("b")], promote=False)
    later = None
    try:
        assert begun.wait(PATIENCE)
        later = threading.Timer(0.1, release.set)
        later.start()
        assert worker.drain(timeout_seconds=PATIENCE)
        assert world.statuses(run_id) == [("a", "PASSED"), ("b", "RUNNING")]
        run = world.run(run_id)
        assert (run.status, run.recoveries) == (RunStatus.QUEUED, 0)
    finally:
        release.set()
        worker.stop()
        if later is not None:
            later.join()
    assert world.system.keys["a"] == [f"{run_id}.a.0.1"]
    assert world.system.keys["b"] == []


def test_a_worker_that_stops_without_drain_records_nothing_of_what_is_under_way(world: Any) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: Any) -> Any:
        begun.set()
        assert release.wait(PATIENCE)
        raise RuntimeError("the client is closed")

    world.system.script("a", hold)
    worker = worker_of(world, LocalQueue())
    worker.start()
    run_id = world.submit([world.action("a"), world.action("b")], promote=False)
    assert begun.wait(PATIENCE)
    worker.stop()
    release.set()
    assert world.statuses(run_id) == [("a", "RUNNING")]
    assert world.run(run_id).status is RunStatus.IN_PROGRESS


def test_a_failing_duty_is_told_and_tried_again(world: Any) -> None:
    rounds = threading.Semaphore(0)
    told: list[tuple[str, str]] = []

    def tick() -> bool:
        rounds.release()
        if rounds._value % 2:
            raise StoreUnavailableError("the database does not answer.")
        raise ZeroDivisionError

    duty = Duty("scheduler", tick, 0.001, lambda name, message: told.append((name, message)))
    duty.start()
    until(world, lambda: len(told) >= 4)
    duty.stop()
    assert ("scheduler", "the database does not answer.") in told
    assert any(message.startswith("ZeroDivisionError") for _, message in told)


def test_a_poke_brings_the_next_round_at_once(world: Any) -> None:
    rounds: list[float] = []
    duty = Duty("suites", lambda: bool(rounds.append(0.0)), 1000.0, lambda *_: None)
    duty.start()
    until(world, lambda: len(rounds) == 1)
    duty.poke()
    until(world, lambda: len(rounds) == 2)
    duty.stop()


def test_a_worker_survives_a_store_that_goes_away(world: Any) -> None:
    class Away:
        gone = False

        def __getattr__(self, name: str) -> Any:
            if self.gone:
                raise StoreUnavailableError("the database does not answer.")
            return getattr(world.store, name)

    world.work = away = Away()
    worker = worker_of(world, LocalQueue())
    worker.start()
    try:
        away.gone = True
        until(world, lambda: sum(isinstance(event, DutyFailed) for event in world.events) >= 3)
        away.gone = False
        run_id = world.submit([world.action("a")], promote=False)
        until(world, lambda: world.run(run_id).status is RunStatus.PASSED)
    finally:
        worker.stop()


def test_a_sink_that_fails_harms_nobody(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Any) -> None:
        raise ZeroDivisionError

    run_id = world.submit([world.action("a")])
    world.executor(sinks=(broken, world.events.append)).execute(world.ref(run_id))
    assert world.run(run_id).status is RunStatus.PASSED
    assert [type(event).__name__ for event in world.events] == [
        "RunClaimed",
        "StepStarted",
        "StepFinished",
        "RunFinished",
    ]
    assert "event sink failed" in caplog.text


def test_fifty_runs_at_once_see_only_their_own_correlation(world: Any) -> None:
    """T19, within one worker."""
    worker = worker_of(world, LocalQueue(), threads=8)
    world.limit_runs(100)
    steps = [world.action("a", {"c": "{{ run.correlationId }}", "t": "{{ run.token }}"}), world.action("b")]
    ids = [world.submit(steps, promote=False, key="k") for _ in range(50)]
    worker.start()
    try:
        until(world, lambda: all(world.run(run_id).status is RunStatus.PASSED for run_id in ids))
    finally:
        worker.stop()
    seen = {c.correlation.run_id: c.input for c in world.system.commands if c.step.alias == "a"}
    assert seen == {run_id: {"c": run_id, "t": run_id.replace("-", "")[-10:]} for run_id in ids}
