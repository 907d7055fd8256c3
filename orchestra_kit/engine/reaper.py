"""The reaper: puts runs of dead workers back in line, and ends those that kill every worker."""

from __future__ import annotations

from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.events import RunReaped
from orchestra_kit.model import RunStatus
from orchestra_kit.spi.queue import WakeUpQueue

_BATCH = 100


class Reaper:
    """Reaps expired leases. Any number may work at once, early or late; a run that was taken over is left alone."""

    def __init__(self, equipment: Equipment, queue: WakeUpQueue) -> None:
        self._equipment, self._queue = equipment, queue

    def tick(self) -> bool:
        """Do one round; True when more may be left."""
        most = self._equipment.settings.max_recoveries
        reaped = self._equipment.store.reap_expired(max_recoveries=most, limit=_BATCH)
        again = tuple(item.ref for item in reaped if item.status is RunStatus.QUEUED)
        if again:
            self._queue.send(again)
        for item in reaped:
            self._equipment.announce(
                RunReaped(
                    tenant_id=item.ref.tenant_id,
                    run_id=item.ref.run_id,
                    status=item.status,
                    recoveries=item.recoveries,
                )
            )
        return len(reaped) == _BATCH
