"""All that surfaces need of PostgreSQL: runs and definitions, over one pool of the app role."""

from __future__ import annotations

from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.environments import PostgresEnvironments
from orchestra_kit.store.postgres.processes import PostgresProcesses
from orchestra_kit.store.postgres.runs import PostgresRuns
from orchestra_kit.store.postgres.scenarios import PostgresScenarios
from orchestra_kit.store.postgres.tenants import PostgresTenants


class PostgresStore(PostgresRuns, PostgresScenarios, PostgresEnvironments, PostgresProcesses, PostgresTenants):
    """RunStore, ScenarioStore, EnvironmentStore, ProcessStore and TenantStore on PostgreSQL."""

    def __init__(self, app_url: str, *, connections: int = 20, patience_seconds: float = 0.0) -> None:
        self._database = Database(app_url, most=connections, patience_seconds=patience_seconds)

    def close(self) -> None:
        """End all connections."""
        self._database.close()
