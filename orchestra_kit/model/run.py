"""Runs of scenarios and suites, and the results of their steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from orchestra_kit.model.base import Value
from orchestra_kit.model.enums import Executor, RunMode, RunStatus, StepStatus, SuiteRunStatus, ViolationType
from orchestra_kit.model.ids import (
    DataSetId,
    EnvironmentId,
    RunId,
    ScenarioId,
    StepId,
    SuiteId,
    SuiteRunId,
    TenantId,
    WorkerId,
)


class Violation(Value):
    """One difference between what was expected and what was observed, or with a contract."""

    type: ViolationType
    code: str
    message: str
    details: dict[str, Any] = {}
    settling_time_ms: int | None = None


class StepResult(Value):
    """What one attempt of one step did and found. `request` is what was sent, redacted; `sealed` is the encrypted
    true value of what is sensitive (worker only, absent from every read model)."""

    tenant_id: TenantId
    run_id: RunId
    origin_run_id: RunId
    step_id: StepId
    step_alias: str
    order_index: int = 0
    iteration: int = 0
    attempt: int = Field(default=1, ge=1)
    idempotency_key: str
    started_at: datetime
    finished_at: datetime | None = None
    status: StepStatus
    duration_ms: int = 0
    definition_digest: str | None = None
    request: dict[str, Any] | None = None
    actual_status_code: int | None = None
    response_body: Any = None
    response_headers: dict[str, str] | None = None
    db_result: dict[str, Any] | None = None
    kafka_message: dict[str, Any] | None = None
    queue_message: dict[str, Any] | None = None
    violations: tuple[Violation, ...] = ()
    settling_time_ms: int | None = None
    polls: int | None = None
    sealed: str | None = None


class TestRun(Value):
    """One execution of a scenario version with one data row."""

    __test__ = False  # not a pytest class

    id: RunId
    tenant_id: TenantId
    scenario_id: ScenarioId
    scenario_key: str = ""
    scenario_version: int
    suite_run_id: SuiteRunId | None = None
    data_set_id: DataSetId | None = None
    data_row_key: str | None = None
    environment_id: EnvironmentId | None = None
    mode: RunMode = RunMode.STOP_ON_FIRST_FAILURE
    start_step_index: int | None = None
    status: RunStatus = RunStatus.PENDING
    status_reason: str | None = None
    priority: int = Field(default=0, ge=-1000, le=1000)
    source_run_id: RunId | None = None
    executor: Executor = Executor.INLINE
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    correlation_id: str
    locked_by: WorkerId | None = None
    lock_until: datetime | None = None
    heartbeat_at: datetime | None = None
    lease_epoch: int = 0
    recoveries: int = 0
    cancel_requested: bool = False
    blocked: bool = False
    """True while the suite orchestrator holds it back for its dependsOn."""
    execution_context: dict[str, Any] = {}
    created_by: str
    triggered_by: str = "cli"


class SuiteRun(Value):
    """One execution of a suite; `context` holds what its scenarios exported."""

    id: SuiteRunId
    tenant_id: TenantId
    suite_id: SuiteId
    status: SuiteRunStatus = SuiteRunStatus.PENDING
    context: dict[str, Any] = {}
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    created_by: str
    revision: int = 0


class TestRunReport(Value):
    """A report written for a run or a suite run; `content` is its JSON form."""

    __test__ = False  # not a pytest class

    id: str
    tenant_id: TenantId
    run_id: RunId | None = None
    suite_run_id: SuiteRunId | None = None
    format: str
    content: Any
    created_at: datetime


class AuditEntry(Value):
    """Who did what to which entity, written in the transaction of the change itself."""

    id: str
    tenant_id: TenantId
    actor: str
    action: str
    entity_type: str
    entity_id: str
    details: dict[str, Any] = {}
    created_at: datetime
