"""The rows of the memory store, one lock around them, and the audit rows of each change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from orchestra_kit.model import (
    AuditEntry,
    DbConnectionProfile,
    Environment,
    KafkaClusterProfile,
    Process,
    ProcessVersion,
    ProtocolSpec,
    QueueBrokerProfile,
    RunStatus,
    ScenarioSuite,
    StepResult,
    StepStatus,
    SuiteRun,
    Tenant,
    TenantId,
    TestDataSet,
    TestRun,
    TestRunReport,
    TestScenario,
    User,
    UserTenantRole,
    new_id,
)
from orchestra_kit.spi.clock import Clock
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.work import Lease, StepIntent
from orchestra_kit.store.folding import unknown_outcome
from orchestra_kit.store.transitions import absent, check_tenant

Key = tuple[str, str]
"""(tenant id, id)"""

Row = TypeVar("Row")


@dataclass(slots=True, kw_only=True)
class RunRow:
    """A run with what no read model shows."""

    run: TestRun
    plan: RunPlan
    first_intent: StepIntent | None
    needs_position: bool
    depends_on: tuple[tuple[str, Any], ...]
    position: Any = None
    queued_at: datetime | None = None
    results: dict[tuple[str, int, int], StepResult] = field(default_factory=dict)

    def set(self, **changes: Any) -> None:
        """Change fields of the run."""
        self.run = self.run.model_copy(update=changes)

    def add(self, result: StepResult) -> bool:
        """Add a result unless that attempt has one; True when it was added."""
        key = (result.step_alias, result.iteration, result.attempt)
        if key in self.results:
            return False
        self.results[key] = result
        return True

    def close_open_steps(self, now: datetime, *, cancelled: bool) -> None:
        """Close RUNNING rows as SKIPPED, saying that their outcome is unknown."""
        for key, result in self.results.items():
            if result.status is StepStatus.RUNNING:
                closing = {"status": StepStatus.SKIPPED, "finished_at": now}
                self.results[key] = result.model_copy(
                    update={**closing, "violations": (unknown_outcome(cancelled=cancelled),)}
                )


@dataclass(slots=True, kw_only=True)
class SuiteRow:
    """A suite run and whether somebody asked to cancel it."""

    suite_run: SuiteRun
    cancel_requested: bool = False

    def set(self, **changes: Any) -> None:
        """Change fields of the suite run and raise its revision."""
        self.suite_run = self.suite_run.model_copy(update={**changes, "revision": self.suite_run.revision + 1})


class Tables:
    """Rows by (tenant id, id). Whoever reads or changes them holds `lock`; a change is checked whole before it is made."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.tenants: dict[str, Tenant] = {}
        self.users: dict[Key, User] = {}
        self.roles: dict[Key, tuple[UserTenantRole, ...]] = {}
        self.processes: dict[Key, Process] = {}
        self.process_versions: dict[Key, list[ProcessVersion]] = {}
        self.specs: dict[Key, list[ProtocolSpec]] = {}
        self.suites: dict[Key, ScenarioSuite] = {}
        self.scenarios: dict[Key, list[TestScenario]] = {}
        self.environments: dict[Key, Environment] = {}
        self.db_profiles: dict[Key, DbConnectionProfile] = {}
        self.kafka_profiles: dict[Key, KafkaClusterProfile] = {}
        self.queue_profiles: dict[Key, QueueBrokerProfile] = {}
        self.data_sets: dict[Key, TestDataSet] = {}
        self.runs: dict[Key, RunRow] = {}
        self.suite_runs: dict[Key, SuiteRow] = {}
        self.reports: list[TestRunReport] = []
        self.audit: list[AuditEntry] = []

    def now(self) -> datetime:
        """Return the store's time."""
        return self.clock.now()

    def note(self, tenant_id: str, actor: str, action: str, what: str, entity_id: str, **details: Any) -> None:
        """Write an audit row."""
        self.audit.append(
            AuditEntry(
                id=new_id(),
                tenant_id=TenantId(tenant_id),
                actor=actor,
                action=action,
                entity_type=what,
                entity_id=entity_id,
                details=details,
                created_at=self.now(),
            )
        )

    def note_for(self, caller: Caller, action: str, what: str, entity_id: str, **details: Any) -> None:
        """Write an audit row for a caller."""
        self.note(caller.tenant_id, caller.actor, action, what, entity_id, **details)

    def move_run(self, row: RunRow, actor: str, action: str, **changes: Any) -> None:
        """Change a run's status with its audit row."""
        since, to = row.run.status, changes["status"]
        row.set(**changes)
        details = {"from": since.value, "to": to.value}
        if row.run.status_reason:
            details["reason"] = row.run.status_reason
        self.note(row.run.tenant_id, actor, action, "TestRun", row.run.id, **details)

    def tenant(self, tenant_id: str) -> Tenant:
        """Return a tenant; raise NotFoundError."""
        check_tenant(tenant_id)
        if tenant_id not in self.tenants:
            raise absent("tenant", tenant_id)
        return self.tenants[tenant_id]

    def run_row(self, tenant_id: str, run_id: str) -> RunRow:
        """Return a run's row; raise NotFoundError."""
        check_tenant(tenant_id)
        row = self.runs.get((tenant_id, run_id))
        if row is None:
            raise absent("run", run_id)
        return row

    def held_row(self, lease: Lease) -> RunRow | None:
        """Return the row a lease may write, or None when it has lost it."""
        row = self.runs.get((lease.tenant_id, lease.run_id))
        if row is None or row.run.status is not RunStatus.IN_PROGRESS:
            return None
        same = row.run.locked_by == lease.worker_id and row.run.lease_epoch == lease.epoch
        return row if same else None

    def touch_suite(self, row: RunRow) -> SuiteRow | None:
        """Raise the revision of the suite run a run belongs to."""
        suite = self.suite_runs.get((row.run.tenant_id, row.run.suite_run_id)) if row.run.suite_run_id else None
        if suite is not None:
            suite.set()
        return suite


def of_tenant(rows: dict[Key, Row], tenant_id: str) -> list[Row]:
    """Return the rows of one tenant."""
    check_tenant(tenant_id)
    return [row for (tenant, _), row in rows.items() if tenant == tenant_id]
