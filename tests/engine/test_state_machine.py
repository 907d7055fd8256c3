"""Anything may happen in any order, and "After any fault" of the threat model still holds.

Workers claim, step, die before or after a write, freeze beyond their lease and wake again, drain; people submit, cancel
and resume; the reaper comes late or twice. After every move the invariants are checked, and in the end every run ends.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestra_kit.engine.session import StepSession
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.errors import LeaseLostError
from orchestra_kit.model import RunMode, RunStatus, StepStatus
from orchestra_kit.spi.work import Lease

WRITES = ("claim_run", "begin_step", "commit_step", "finish_run", "release_run")
GOOD = (StepStatus.PASSED, StepStatus.FLAKY)
LEASE_SECONDS = 30.0
ACTIVE = (RunStatus.QUEUED, RunStatus.IN_PROGRESS)


class Death(BaseException):
    """A worker is killed here."""


class Mortal:
    """The work store as a worker sees it; it dies at the write `die_in` from now, before or after it took effect."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.die_in: int | None = None
        self.after = False

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        if name not in WRITES:
            return operation

        def doomed(*given: Any, **named: Any) -> Any:
            if self.die_in is not None:
                self.die_in -= 1
            if self.die_in == 0 and not self.after:
                raise Death
            answer = operation(*given, **named)
            if self.die_in == 0:
                raise Death
            return answer

        return doomed


class AtOnce(ThreadPoolExecutor):
    """A pool that does everything at once in this thread, so that the same moves lead to the same states."""

    def submit(self, work: Any, /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*given, **named))
        except BaseException as problem:
            future.set_exception(problem)
        return future


class Worker:
    """A claimed run in the hands of one worker, stepped by hand."""

    def __init__(self, session: StepSession) -> None:
        self.session = session
        self.next = 0

    @property
    def run_id(self) -> str:
        return str(self.session.run.id)

    @property
    def at_end(self) -> bool:
        return self.next >= len(self.session.step_aliases)


ANSWERS = st.lists(st.sampled_from(["busy", "bad", "ok", "late", "die", "ok", "ok"]), min_size=1, max_size=3)
STEPS = st.lists(st.sampled_from(["retried", "retried", "plain", "watched", "beside"]), min_size=2, max_size=4)
PICK = st.integers(0, 11)


class Engine(RuleBasedStateMachine):
    """The engine over the memory store, with everything that can go wrong."""

    make_world: Any

    @initialize(limit=st.integers(1, 4), first=STEPS, second=STEPS)
    def begin(self, limit: int, first: list[str], second: list[str]) -> None:
        self.world = type(self).make_world(settings=EngineSettings(lease_seconds=LEASE_SECONDS, background_calls=2))
        self.world.limit_runs(limit)
        self.limit = limit
        self.mortal = Mortal(self.world.store)
        self.world.work = self.mortal
        self.equipment = self.world.equipment(sinks=())
        self.equipment._background = AtOnce()
        self.workers: list[Worker] = []
        self.run_ids: list[str] = []
        self.steps_of: dict[str, int] = {}
        self.epochs: dict[str, int] = defaultdict(int)
        self.ended: dict[str, tuple[Any, Any]] = {}
        self.effects: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        self.answers: list[str] = []
        self.breaches: list[str] = []
        self.acting: Lease | None = None
        self.world.system.act = self.act
        for kinds in (first, second):
            self.submit(kinds, run_all=len(kinds) == 3, priority=0)
        self.schedule()

    # The system under test.
    def act(self, command: Any) -> Any:
        given = command.correlation
        self.effects[(given.run_id, given.step_alias, given.attempt)].add(given.idempotency_key)
        row = self.world.store._tables.runs[("local", given.run_id)]
        if row.run.status is RunStatus.IN_PROGRESS and row.run.lease_epoch == self.epoch_of(given.run_id):
            recorded = row.results.get((given.step_alias, 0, given.attempt))
            if recorded is None or recorded.status is not StepStatus.RUNNING:
                # Raised here it would pass for a fault of the plugin.
                self.breaches.append(f"{given.idempotency_key}: an effect without a committed intent, or done again")
        answer = self.answers.pop(0) if self.answers else "ok"
        if answer == "die":
            raise Death
        if answer == "busy":
            return self.world.http(503)
        if answer == "late":
            return self.world.no_answer("timeout")
        return self.world.http(200 if answer == "ok" else 500, {"n": given.attempt})

    def epoch_of(self, run_id: str) -> int | None:
        """Return the epoch of the worker that acts now; background calls belong to the same one."""
        return self.acting.epoch if self.acting is not None and self.acting.run_id == run_id else None

    @precondition(lambda self: len(self.ended) + 6 > len(self.run_ids))
    @rule(kinds=STEPS, run_all=st.booleans(), priority=st.integers(-1, 1))
    def submit(self, kinds: list[str], run_all: bool, priority: int) -> None:
        ok = {"expectedStatusCode": 200}
        made = {
            "plain": lambda name: self.world.action(name, expect=ok),
            "retried": lambda name: self.world.action(name, expect=ok, retry={"retryLimit": 2}),
            "watched": lambda name: self.world.assertion(name, expect=ok, timeoutMs=20),
            "beside": lambda name: self.world.action(name, expect=ok, mode="FIRE_AND_FORGET"),
        }
        steps = [made[kind](f"s{number}") for number, kind in enumerate(kinds)]
        mode = RunMode.RUN_ALL_STEPS if run_all else RunMode.STOP_ON_FIRST_FAILURE
        number = len(
            self.run_ids
        )  # ids decide the order of runs submitted at once: hypothesis needs the same ones again
        run_id = self.world.submit(
            steps, mode=mode, promote=False, run={"priority": priority}, key=f"k{number}", run_id=f"run-{number:03}"
        )
        self.run_ids.append(run_id)
        self.steps_of[run_id] = len(steps)

    @precondition(lambda self: self.in_status(RunStatus.PENDING))
    @rule()
    def schedule(self) -> None:
        self.world.store.promote_due()

    def in_status(self, *statuses: RunStatus) -> list[str]:
        """Return the runs in one of these statuses."""
        runs = self.world.store._tables.runs
        return [run_id for run_id in self.run_ids if runs[("local", run_id)].run.status in statuses]

    @precondition(lambda self: self.in_status(RunStatus.QUEUED))
    @rule(pick=PICK)
    def claim(self, pick: int) -> None:
        waiting = self.in_status(RunStatus.QUEUED)
        self.claim_one(waiting[pick % len(waiting)])

    def claim_one(self, run_id: str) -> Worker | None:
        worker_id = f"w{len(self.workers)}.{self.epochs[run_id]}"
        try:
            claimed = self.mortal.claim_run(self.world.ref(run_id), worker_id=worker_id, lease_seconds=LEASE_SECONDS)
        except Death:
            self.mortal.die_in = None
            return None
        if claimed is None:
            return None
        worker = Worker(StepSession(claimed, self.equipment))
        self.workers.append(worker)
        return worker

    @precondition(lambda self: self.workers and self.mortal.die_in is None)
    @rule(die_in=st.integers(1, 3), after=st.booleans())
    def doom(self, die_in: int, after: bool) -> None:
        self.mortal.die_in, self.mortal.after = die_in, after

    @precondition(lambda self: self.workers)
    @rule(pick=PICK, answers=ANSWERS)
    def step(self, pick: int, answers: list[str]) -> None:
        self.answers = list(answers)
        self.move(self.workers[pick % len(self.workers)])
        self.answers = []

    @precondition(lambda self: self.workers)
    @rule(pick=PICK, moves=st.integers(2, 4), answers=ANSWERS)
    def several_steps(self, pick: int, moves: int, answers: list[str]) -> None:
        self.answers = ["ok", *answers]
        worker = self.workers[pick % len(self.workers)]
        for _ in range(moves):
            if worker in self.workers:
                self.move(worker)
        self.answers = []

    def move(self, worker: Worker) -> None:
        """Do the next step, or the end. A worker that lost its lease changes nothing."""
        session = worker.session
        self.acting = session.lease
        row = self.world.store._tables.runs[("local", worker.run_id)]
        stale = row.run.lease_epoch != session.lease.epoch or row.run.status is not RunStatus.IN_PROGRESS
        before = (row.run, dict(row.results)) if stale else None
        try:
            if worker.at_end or session.signals.may_not_begin():
                self.finish(worker)
            elif session.run_step(session.step_aliases[worker.next]).go_on:
                worker.next += 1
            else:
                worker.next = len(session.step_aliases)
        except (Death, LeaseLostError) as end:
            self.workers.remove(worker)
            if isinstance(end, Death):
                self.mortal.die_in = None
        self.acting = None
        if before is not None:
            assert (row.run, row.results) == before, "a worker wrote without owning the run"

    def finish(self, worker: Worker) -> None:
        session, store = worker.session, self.mortal
        finish = session.conclude()
        session.signals.check_lease(session.lease)
        if finish is None:
            store.release_run(session.lease)
        else:
            store.finish_run(finish)
        self.workers.remove(worker)

    @precondition(lambda self: self.workers)
    @rule(pick=PICK)
    def heartbeat(self, pick: int) -> None:
        worker = self.workers[pick % len(self.workers)]
        (state,) = self.world.store.extend_leases((worker.session.lease,), lease_seconds=LEASE_SECONDS)
        worker.session.signals.lost = not state.held
        worker.session.signals.cancelled |= state.cancel_requested

    @precondition(lambda self: self.workers)
    @rule(pick=PICK)
    def drain(self, pick: int) -> None:
        self.workers[pick % len(self.workers)].session.signals.draining = True

    @precondition(lambda self: self.in_status(RunStatus.IN_PROGRESS))
    @rule(most=st.sampled_from([1, 3, 3]), late=st.sampled_from([0.5, 1.1, 1.1]))
    def freeze_and_reap(self, most: int, late: float) -> None:
        """Every worker freezes; those beyond their lease lose their runs, and may wake again later."""
        self.world.clock.pass_time(LEASE_SECONDS * late)
        self.world.store.reap_expired(max_recoveries=most)
        self.world.store.reap_expired(max_recoveries=most)

    @precondition(lambda self: self.in_status(RunStatus.QUEUED, RunStatus.IN_PROGRESS))
    @rule(pick=PICK, really=st.sampled_from([False, False, True]))
    def cancel(self, pick: int, really: bool) -> None:
        if really:
            self.world.store.cancel_run(self.world.caller, self.run_ids[pick % len(self.run_ids)])

    @precondition(lambda self: self.in_status(RunStatus.FAILED_STUCK))
    @rule(pick=PICK)
    def resume(self, pick: int) -> None:
        stuck = self.in_status(RunStatus.FAILED_STUCK)
        run_id = stuck[pick % len(stuck)]
        del self.ended[run_id]
        self.world.store.resume_run(self.world.caller, run_id)

    @invariant()
    def promises_hold(self) -> None:
        assert not getattr(self, "breaches", [])
        active = 0
        for run_id in getattr(self, "run_ids", []):
            row = self.world.store._tables.runs[("local", run_id)]
            if run_id in self.ended:
                assert (row.run, row.results) == self.ended[run_id], "a terminal run was changed"
                continue
            assert row.run.lease_epoch >= self.epochs[run_id], "an epoch fell"
            self.epochs[run_id] = row.run.lease_epoch
            active += row.run.status in ACTIVE
            self.check_rows(row)
            if row.run.status.terminal:
                self.ended[run_id] = (row.run, dict(row.results))
                self.check_end(run_id, row)
        assert active <= getattr(self, "limit", 0), "more runs than the tenant's limit"
        for (run_id, alias, attempt), keys in getattr(self, "effects", {}).items():
            assert keys == {f"{run_id}.{alias}.0.{attempt}"}, "an attempt was made under two keys"

    def check_rows(self, row: Any) -> None:
        attempts: dict[int, list[int]] = defaultdict(list)
        for item in row.results.values():
            attempts[item.order_index].append(item.attempt)
        assert sorted(attempts) == list(range(len(attempts))), "a step is missing before a later one"
        for numbers in attempts.values():
            assert sorted(numbers) == list(range(1, len(numbers) + 1)), "an attempt is missing or doubled"

    def check_end(self, run_id: str, row: Any) -> None:
        last = {item.step_alias: item for item in sorted(row.results.values(), key=lambda item: item.attempt)}
        if row.run.status is not RunStatus.FAILED_STUCK:
            assert all(item.status is not StepStatus.RUNNING for item in row.results.values())
        if row.run.status is RunStatus.PASSED:
            assert len(last) == self.steps_of[run_id]
            assert all(item.status in GOOD for item in last.values())
        if row.run.status is RunStatus.FAILED:
            assert any(item.status is StepStatus.FAILED for item in last.values())
            assert row.run.status_reason
            assert len(last) == self.steps_of[run_id], "a step of an ended run has no row"

    @invariant()
    def each_attempt_has_one_key(self) -> None:
        for (run_id, alias, attempt), keys in getattr(self, "effects", {}).items():
            assert keys == {f"{run_id}.{alias}.0.{attempt}"}

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.mortal.die_in = None
        for _ in range(20):
            for worker in list(self.workers):
                self.move(worker)
            self.world.clock.pass_time(LEASE_SECONDS + 1)
            self.world.store.reap_expired(max_recoveries=50)
            self.world.store.promote_due()
            for run_id in self.run_ids:
                if self.world.run(run_id).status is RunStatus.QUEUED:
                    worker = self.claim_one(run_id)
                    for _ in range(20):
                        if worker in self.workers:
                            self.move(worker)  # type: ignore[arg-type]  # a worker in the list is one
            self.promises_hold()
            if all(self.world.run(run_id).status.terminal for run_id in self.run_ids):
                break
        statuses = {run_id: self.world.run(run_id).status for run_id in self.run_ids}
        assert all(status.terminal for status in statuses.values()), statuses
        self.promises_hold()
        self.world.close()


def run_machine(world_type: Any, examples: int) -> None:
    class Machine(Engine):
        make_world = world_type

    case = Machine.TestCase
    case.settings = settings(
        max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case().runTest()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_any_order_of_faults_keeps_the_promises(world: Any) -> None:
    run_machine(type(world), 500)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_any_order_of_faults_keeps_the_promises_at_length(world: Any) -> None:
    run_machine(type(world), 10_000)
