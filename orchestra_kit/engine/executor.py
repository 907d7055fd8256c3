"""Executes runs: claim, drive, finish; and leaves a run alone as soon as it is not this worker's any more."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any

from orchestra_kit.engine.calls import GLANCE_SECONDS, CallGivenUpError, CallOverdueError
from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.events import LeaseLost, RunClaimed, RunFinished, RunLeft, RunReleased
from orchestra_kit.engine.heartbeat import LeaseKeeper
from orchestra_kit.engine.judging import could_not
from orchestra_kit.engine.session import StepSession
from orchestra_kit.errors import KernelDiedError, LeaseLostError, OrchestraError, StoreUnavailableError
from orchestra_kit.model import Executor as ExecutorName
from orchestra_kit.model import RunStatus
from orchestra_kit.spi.driver import Driver, RunSession
from orchestra_kit.spi.work import ClaimedRun, FinishRun, RunRef

_log = logging.getLogger(__name__)


class _DriverRefusedError(Exception):
    """The driver could not go on with the run, for a reason people can read."""

    def __init__(self, session: StepSession, problem: OrchestraError) -> None:
        super().__init__(str(problem))
        self.session, self.problem = session, problem


class InlineDriver:
    """Walks the plan in this thread."""

    def drive(self, session: RunSession) -> None:
        """Run every step in order until one says stop."""
        for alias in session.step_aliases:
            if not session.run_step(alias).go_on:
                return


class Executor:
    """Executes runs for one worker, from any number of threads. The keeper must be running."""

    def __init__(
        self,
        equipment: Equipment,
        drivers: Mapping[ExecutorName, Driver],
        keeper: LeaseKeeper,
        *,
        worker_id: str,
    ) -> None:
        self._equipment, self._drivers, self._keeper, self._worker_id = equipment, drivers, keeper, worker_id
        self._draining = threading.Event()

    def drain(self) -> None:
        """Claim nothing more, and ask the runs under way to stop at their next step."""
        self._draining.set()
        self._keeper.drain()

    def execute(self, ref: RunRef) -> RunStatus | None:
        """Claim a run and bring it to its end; None when it is not to be had or was not ended here. Raises nothing."""
        if self._draining.is_set():
            return None
        try:
            claimed = self._claim(ref)
        except OrchestraError as problem:
            self._leave(ref, str(problem))
            return None
        if claimed is None:
            return None
        session = StepSession(claimed, self._equipment)
        try:
            return self._execute(claimed, session)
        except LeaseLostError:
            lease = claimed.lease
            self._equipment.announce(
                LeaseLost(tenant_id=ref.tenant_id, run_id=ref.run_id, worker_id=lease.worker_id, epoch=lease.epoch)
            )
        except (StoreUnavailableError, KernelDiedError) as problem:
            self._leave(ref, session.redact(str(problem)))
        except Exception as problem:  # noqa: BLE001 - a fault of ours, such as a driver that crashed: the reaper's turn
            trace = session.redact("".join(traceback.format_exception(problem)))
            _log.error("run left to the reaper", extra={"tenant": ref.tenant_id, "run": ref.run_id, "trace": trace})
            self._leave(ref, session.redact(f"{type(problem).__name__}: {problem}"))
        return None

    def _leave(self, ref: RunRef, reason: str) -> None:
        self._equipment.announce(RunLeft(tenant_id=ref.tenant_id, run_id=ref.run_id, reason=reason))

    def _claim(self, ref: RunRef) -> ClaimedRun | None:
        store, seconds = self._equipment.store, self._equipment.settings.lease_seconds
        return self._equipment.persist(lambda: store.claim_run(ref, worker_id=self._worker_id, lease_seconds=seconds))

    def _execute(self, claimed: ClaimedRun, session: StepSession) -> RunStatus | None:
        with self._keeper.holding(claimed.lease, session.signals):
            if self._draining.is_set():
                session.signals.draining = True
            self._tell_claimed(claimed)
            finish = self._bring_to_end(claimed, session)
            session.signals.check_lease(claimed.lease)
            store = self._equipment.store
            if finish is None:
                self._equipment.persist(lambda: store.release_run(claimed.lease))
                self._equipment.announce(RunReleased(tenant_id=claimed.run.tenant_id, run_id=claimed.run.id))
                return None
            self._equipment.persist(lambda: store.finish_run(finish))
        self._equipment.announce(
            RunFinished(
                tenant_id=claimed.run.tenant_id, run_id=claimed.run.id, status=finish.status, reason=finish.reason
            )
        )
        return finish.status

    def _bring_to_end(self, claimed: ClaimedRun, session: StepSession) -> FinishRun | None:
        """Return how the run is to be finished, None when it is to be given back."""
        driver = self._drivers.get(claimed.run.executor)
        if driver is None:
            known = ", ".join(sorted(self._drivers)) or "none"
            problem = f"this worker has no driver '{claimed.run.executor}' (it has: {known})."
            return session.fail_start(could_not("NO_DRIVER", problem))
        if session.needs_position and not session.stop_requested():
            try:
                session.take_position(self._positions(session))
            except (LeaseLostError, StoreUnavailableError):
                raise
            except (OrchestraError, CallOverdueError, CallGivenUpError) as error:
                session.signals.check_lease(claimed.lease)
                text = str(error) or "a plugin did not say in time where it stands before the first step."
                return session.fail_start(could_not("PREPARE_FAILED", text))
        try:
            session = self._drive(driver, session)
        except _DriverRefusedError as refused:
            return refused.session.conclude(refused.problem)
        return session.conclude()

    def _drive(self, driver: Driver, session: StepSession) -> StepSession:
        """Drive a run to its end or stop; return the session it ended with.

        When a call is given up, its driver is left behind on its lane and a new one replays what is recorded and goes on.
        """
        while True:
            flight = self._equipment.lanes.begin(partial(driver.drive, session))
            while not (landed := flight.landed(within_seconds=GLANCE_SECONDS)):
                if session.guard.give_up(session.signals.must_stop):
                    flight.abandon()
                    break
            if landed:
                try:
                    flight.result()
                except (LeaseLostError, StoreUnavailableError, KernelDiedError):
                    raise
                except OrchestraError as problem:
                    raise _DriverRefusedError(session, problem) from problem
                return session
            session.signals.check_lease(session.lease)
            session = session.take_over()
            if session.stop_requested():
                return session

    def _positions(self, session: StepSession) -> dict[str, Any]:
        """Return where each plugin stands, by channel, so that a later watch misses nothing and matches nothing old."""
        positions: dict[str, Any] = {}
        for channel, plugin in self._equipment.plugins.items():
            steps = [step for step in session.plan.scenario.steps if step.channel_type is channel]
            if not steps or not plugin.needs_position:
                continue
            executor = self._equipment.executor(channel)
            positions[channel.value] = self._equipment.lanes.run(
                lambda executor=executor, steps=steps: executor.prepare(steps, session.surroundings),  # type: ignore[misc]
                limit_seconds=self._equipment.settings.prepare_seconds,
                stop=session.signals.must_stop,
            )
        return positions

    def _tell_claimed(self, claimed: ClaimedRun) -> None:
        if self._equipment.announce.silent:
            return
        self._equipment.announce(
            RunClaimed(
                tenant_id=claimed.run.tenant_id,
                run_id=claimed.run.id,
                worker_id=self._worker_id,
                epoch=claimed.lease.epoch,
                resumed=claimed.lease.epoch > 1,
            )
        )
