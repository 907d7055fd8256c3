"""A worker: scheduler, reaper and orchestrator on their own threads, and consumers that execute what they are woken for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.events import DutyFailed
from orchestra_kit.engine.executor import Executor
from orchestra_kit.engine.heartbeat import LeaseKeeper
from orchestra_kit.engine.reaper import Reaper
from orchestra_kit.engine.scheduler import Scheduler
from orchestra_kit.engine.suites import SuiteOrchestrator
from orchestra_kit.errors import OrchestraError
from orchestra_kit.model import Executor as ExecutorName
from orchestra_kit.spi.driver import Driver
from orchestra_kit.spi.queue import WakeUpQueue
from orchestra_kit.spi.work import RunRef

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 10.0
_LAST_MOMENT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works: consumer threads, and the seconds between two rounds of each duty."""

    threads: int = 4
    schedule_seconds: float = 0.2
    suite_seconds: float = 0.2
    reap_seconds: float = 2.0
    lost_after_seconds: float = 2.0


class Duty:
    """Does something again and again on a thread of its own, sooner when poked, later while it fails."""

    def __init__(self, name: str, tick: Callable[[], bool], seconds: float, failed: Callable[[str, str], None]) -> None:
        self._name, self._tick, self._seconds, self._failed = name, tick, seconds, failed
        self._poked = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def poke(self) -> None:
        """Do the next round at once."""
        self._poked.set()

    def stop(self) -> None:
        """End after the round under way, and wait for it."""
        self._ending = True
        self._poked.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        pause = self._seconds
        while not self._ending:
            self._poked.clear()
            try:
                more = self._tick()
                pause = self._seconds
            except OrchestraError as problem:
                more, pause = False, min(pause * 2, _LONGEST_PAUSE)
                self._failed(self._name, str(problem))
            except Exception as problem:  # noqa: BLE001 - the edge of the worker: the next round may do better
                more, pause = False, min(pause * 2, _LONGEST_PAUSE)
                _log.exception("duty failed", extra={"duty": self._name})
                self._failed(self._name, f"{type(problem).__name__}: {problem}")
            if not more and not self._ending:
                self._poked.wait(pause)


class Worker:
    """One worker of any number. Order of its life: `start`, `drain` (SIGTERM) and `stop`, which may come without a drain."""

    def __init__(
        self,
        equipment: Equipment,
        drivers: Mapping[ExecutorName, Driver],
        queue: WakeUpQueue,
        *,
        worker_id: str,
        settings: WorkerSettings | None = None,
    ) -> None:
        self._equipment, self._queue = equipment, queue
        self._settings = settings or WorkerSettings()
        self._keeper = LeaseKeeper(equipment.store, lease_seconds=equipment.settings.lease_seconds)
        self.executor = Executor(equipment, drivers, self._keeper, worker_id=worker_id)
        scheduler = Scheduler(equipment, queue, lost_after_seconds=self._settings.lost_after_seconds)
        self._scheduling = Duty("scheduler", scheduler.tick, self._settings.schedule_seconds, self._tell)
        self._orchestrating = Duty(
            "suites", self._advance_suites(SuiteOrchestrator(equipment)), self._settings.suite_seconds, self._tell
        )
        self._reaping = Duty("reaper", Reaper(equipment, queue).tick, self._settings.reap_seconds, self._tell)
        self._started = False

    def start(self) -> None:
        """Begin to schedule, reap and execute; return at once."""
        self._keeper.__enter__()
        self._started = True
        for duty in self._duties:
            duty.start()
        self._queue.consume(self.handle, threads=self._settings.threads)

    def handle(self, ref: RunRef) -> None:
        """Execute the run a message names, if it is to be had. Raises nothing."""
        if self.executor.execute(ref) is not None:
            # Its end may free a place in the tenant's limit and let its dependents go.
            self._orchestrating.poke()
            self._scheduling.poke()

    def drain(self, *, timeout_seconds: float) -> bool:
        """Claim nothing more, let steps under way finish and give the rest back; True when all came to an end in time.

        Leases are kept until then, so that no step in flight is done twice.
        """
        self.executor.drain()
        for duty in self._duties:
            duty.stop()
        return self._queue.stop(timeout_seconds=timeout_seconds)

    def stop(self) -> None:
        """End. What is still under way is left to its lease: another worker goes on when it has run out."""
        if not self._started:
            return
        self._started = False
        self.executor.drain()
        for duty in self._duties:
            duty.stop()
        # Nobody may record what a plugin says while it is being closed.
        self._keeper.abandon()
        self._queue.stop(timeout_seconds=_LAST_MOMENT)
        self._keeper.__exit__(None, None, None)
        self._queue.close()
        self._equipment.close()

    @property
    def _duties(self) -> tuple[Duty, ...]:
        return (self._scheduling, self._orchestrating, self._reaping)

    def _advance_suites(self, orchestrator: SuiteOrchestrator) -> Callable[[], bool]:
        def tick() -> bool:
            if orchestrator.tick():
                self._scheduling.poke()
            return False

        return tick

    def _tell(self, duty: str, message: str) -> None:
        self._equipment.announce(DutyFailed(duty=duty, message=message))
