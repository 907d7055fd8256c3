"""All store Protocols in the memory of one process, for tests and for measuring without a database."""

from __future__ import annotations

from orchestra_kit.spi.clock import Clock, SystemClock
from orchestra_kit.store.memory.environments import MemoryEnvironments
from orchestra_kit.store.memory.processes import MemoryProcesses
from orchestra_kit.store.memory.runs import MemoryRuns
from orchestra_kit.store.memory.scenarios import MemoryScenarios
from orchestra_kit.store.memory.tables import Tables
from orchestra_kit.store.memory.tenants import MemoryTenants
from orchestra_kit.store.memory.work import MemoryWork

__all__ = ["MemoryStore"]


class MemoryStore(MemoryWork, MemoryRuns, MemoryScenarios, MemoryEnvironments, MemoryProcesses, MemoryTenants):
    """Every store Protocol over one set of tables; leases expire by the clock given."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._tables = Tables(clock or SystemClock())

    def close(self) -> None:
        """Nothing is held."""
