"""Duties of workers: finding due runs, claiming, committing steps, extending and reaping leases.

Each operation is one atomic duty in one transaction; no connection crosses this line. Times come from the store's own
clock (`clock_timestamp()` on PostgreSQL). Words: claim, lease, heartbeat, lease epoch, release, reap (see the glossary).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from orchestra_kit.model import RunStatus, StepResult, SuiteRunStatus, TestRun
from orchestra_kit.spi.plan import RunPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRef:
    """A run by id: all that a wake-up message holds."""

    tenant_id: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRun:
    """What crosses tenants: never more than these three."""

    tenant_id: str
    run_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepIntent:
    """The promise, committed before its effect, to do this attempt of this step. Its key makes a repeat harmless."""

    step_id: str
    step_alias: str
    order_index: int
    iteration: int = 0
    attempt: int = 1

    def idempotency_key(self, run_id: str) -> str:
        """Return the key every repetition of this attempt carries."""
        return f"{run_id}.{self.step_alias}.{self.iteration}.{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one worker to write a run, until `lock_until` and only under `epoch`."""

    tenant_id: str
    run_id: str
    worker_id: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRun:
    """A run this worker owns now: its plan, its recorded results (with sealed values), and the intent it must fulfil.

    `intent` is None when every step is recorded and only the finish is missing, or when `position` must be taken first
    (`begin_run`). `suite_context` is the context of its suite run at the time of the claim.
    """

    lease: Lease
    run: TestRun
    plan: RunPlan
    results: tuple[StepResult, ...] = ()
    intent: StepIntent | None = None
    position: Any = None
    suite_context: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCommit:
    """The result of one attempt, and the intent of what comes next (a further attempt, the next step or nothing)."""

    lease: Lease
    result: StepResult
    next_intent: StepIntent | None
    lease_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRun:
    """The end of a run: its status once, results of steps that were never reached, values exported to the suite."""

    lease: Lease
    status: RunStatus
    reason: str | None = None
    skipped: tuple[StepResult, ...] = ()
    exports: Any = None
    abort_suite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseState:
    """What a heartbeat learned of one lease: whether it still holds and whether somebody asked to cancel the run."""

    lease: Lease
    held: bool
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """A run whose lease had expired, and what became of it (QUEUED, FAILED_STUCK or CANCELLED)."""

    ref: RunRef
    status: RunStatus
    recoveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteChild:
    """A run of a suite run, as the orchestrator sees it."""

    run_id: str
    scenario_key: str
    status: RunStatus
    blocked: bool
    depends_on: tuple[tuple[str, RunStatus], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteState:
    """A suite run and its children at one revision."""

    tenant_id: str
    suite_run_id: str
    status: SuiteRunStatus
    revision: int
    children: tuple[SuiteChild, ...]
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteAdvance:
    """What the orchestrator decided: runs to let go, runs to skip with the reason, and the end of the suite run."""

    tenant_id: str
    suite_run_id: str
    revision: int
    release: tuple[str, ...] = ()
    skip: tuple[tuple[str, str], ...] = ()
    status: SuiteRunStatus | None = None


class WorkStore(Protocol):
    """What only a worker may do."""

    def promote_due(self, *, limit: int = 100) -> tuple[RunRef, ...]:
        """Turn unblocked PENDING runs into QUEUED ones, highest priority and oldest first, as far as each tenant's
        maxParallelRuns (QUEUED and IN_PROGRESS together) allows; return those just queued. Safe with many schedulers."""

    def find_waiting(self, *, older_than_seconds: float, limit: int = 100) -> tuple[DueRun, ...]:
        """Return QUEUED runs nobody has claimed for so long: their wake-up was lost."""

    def claim_run(self, ref: RunRef, *, worker_id: str, lease_seconds: float) -> ClaimedRun | None:
        """Take a QUEUED run, raise its lease epoch, write the intent it goes on with; None when it is not to be had."""

    def begin_run(self, lease: Lease, *, position: Any, intent: StepIntent, lease_seconds: float) -> None:
        """Store the plugins' positions and the first intent of a run that needs positions; raise LeaseLostError."""

    def begin_step(self, lease: Lease, *, intent: StepIntent, lease_seconds: float) -> None:
        """Commit the intent of a step that was not announced by the commit before; raise LeaseLostError."""

    def commit_step(self, commit: StepCommit) -> bool:
        """Record a result and the next intent, and extend the lease, in one commit; raise LeaseLostError and write
        nothing when the run is no longer this lease's. Repeating the same commit changes nothing. Return True when
        somebody asked to cancel the run."""

    def finish_run(self, finish: FinishRun) -> None:
        """Set the terminal status once and let go; raise LeaseLostError."""

    def release_run(self, lease: Lease) -> None:
        """Give an unfinished run back as QUEUED without counting a recovery (the worker drains); raise LeaseLostError."""

    def extend_leases(self, leases: tuple[Lease, ...], *, lease_seconds: float) -> tuple[LeaseState, ...]:
        """Heartbeat for all runs of a worker at once."""

    def reap_expired(self, *, max_recoveries: int, limit: int = 100) -> tuple[Reaped, ...]:
        """Put runs with an expired lease back to QUEUED, or end them FAILED_STUCK after too many recoveries, or
        CANCELLED when that was asked for."""

    def find_open_suites(self, *, limit: int = 100) -> tuple[tuple[str, str], ...]:
        """Return (tenant id, suite run id) of suite runs that are not finished."""

    def load_suite(self, tenant_id: str, suite_run_id: str) -> SuiteState | None:
        """Return a suite run with its children, or None."""

    def advance_suite(self, advance: SuiteAdvance) -> bool:
        """Apply a decision made at `revision`; False (and nothing changed) when the suite run has moved on since."""
