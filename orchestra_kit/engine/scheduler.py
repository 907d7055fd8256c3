"""The scheduler: puts due runs in line within each tenant's limit, and wakes executors, again where a wake-up was lost."""

from __future__ import annotations

from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.spi.queue import WakeUpQueue
from orchestra_kit.spi.work import RunRef

_FIRST_AFTER_SECONDS = 2.0
_LONGEST_AFTER_SECONDS = 60.0
_BATCH = 100


class Scheduler:
    """Promotes and wakes. Any number may work at once; a run woken twice is claimed once."""

    def __init__(self, equipment: Equipment, queue: WakeUpQueue, *, lost_after_seconds: float = _FIRST_AFTER_SECONDS):
        self._equipment, self._queue = equipment, queue
        self._lost_after = lost_after_seconds
        self._again_at: dict[RunRef, tuple[float, float]] = {}

    def tick(self) -> bool:
        """Do one round; True when runs were put in line and more may be due."""
        promoted = self._equipment.store.promote_due(limit=_BATCH)
        if promoted:
            self._queue.send(promoted)
        lost = self._lost_ones()
        if lost:
            self._queue.send(lost)
        return len(promoted) == _BATCH

    def _lost_ones(self) -> tuple[RunRef, ...]:
        """Return runs that wait for long, each less and less often: most of them only wait for a free executor."""
        now = self._equipment.clock.monotonic()
        waiting = self._equipment.store.find_waiting(older_than_seconds=self._lost_after, limit=_BATCH)
        known, self._again_at = self._again_at, {}
        wake: list[RunRef] = []
        for due in waiting:
            ref = RunRef(tenant_id=due.tenant_id, run_id=due.run_id)
            at, pause = known.get(ref, (now, self._lost_after))
            if at <= now:
                wake.append(ref)
                at, pause = now + pause, min(pause * 2, _LONGEST_AFTER_SECONDS)
            self._again_at[ref] = (at, pause)
        return tuple(wake)
