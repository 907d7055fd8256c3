"""Duties around runs that any surface may call: submit, read, cancel, report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from orchestra_kit.model import RunStatus, StepResult, SuiteRun, TestRun, TestRunReport
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.work import StepIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSubmission:
    """A run to be made. `first_intent` is where it begins; `needs_position` makes the claim leave the intent out.

    With `reuse_from`, the latest results of the aliases in `plan.reused` are copied from that run, each keeping its
    originRunId. `depends_on` is (scenario key, required status) within the same suite run; such a run starts blocked.
    """

    run: TestRun
    plan: RunPlan
    first_intent: StepIntent | None
    needs_position: bool = False
    reuse_from: str | None = None
    depends_on: tuple[tuple[str, RunStatus], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list, newest first."""

    status: RunStatus | None = None
    scenario_id: str | None = None
    suite_run_id: str | None = None
    limit: int = 50
    before: str | None = None


class RunStore(Protocol):
    """Runs as everybody but a worker sees them. No answer here holds sealed values."""

    def submit(
        self, caller: Caller, submissions: tuple[RunSubmission, ...], *, suite_run: SuiteRun | None = None
    ) -> tuple[TestRun, ...]:
        """Store runs (and their suite run) as PENDING in one transaction, all or none."""

    def get_run(self, caller: Caller, run_id: str) -> TestRun:
        """Return a run with executionContext folded from its results; raise NotFoundError."""

    def get_plan(self, caller: Caller, run_id: str) -> RunPlan:
        """Return the frozen plan of a run; raise NotFoundError."""

    def list_runs(self, caller: Caller, query: RunFilter) -> tuple[TestRun, ...]:
        """Return runs, newest first, without executionContext."""

    def get_results(self, caller: Caller, run_id: str) -> tuple[StepResult, ...]:
        """Return all attempts of all steps in order of (orderIndex, iteration, attempt)."""

    def cancel_run(self, caller: Caller, run_id: str) -> TestRun:
        """End a waiting run CANCELLED at once, ask the worker of a running one to; a terminal one stays as it is."""

    def resume_run(self, caller: Caller, run_id: str) -> TestRun:
        """Put a FAILED_STUCK run back to PENDING with its recoveries at 0; raise ConflictError for any other status."""

    def get_suite_run(self, caller: Caller, suite_run_id: str) -> SuiteRun:
        """Return a suite run; raise NotFoundError."""

    def list_suite_runs(self, caller: Caller, *, suite_id: str | None = None, limit: int = 50) -> tuple[SuiteRun, ...]:
        """Return suite runs, newest first."""

    def cancel_suite_run(self, caller: Caller, suite_run_id: str) -> SuiteRun:
        """Cancel a suite run and all its runs that have not ended."""

    def save_report(self, caller: Caller, report: TestRunReport) -> None:
        """Store a report."""

    def get_report(self, caller: Caller, run_id: str, *, report_format: str) -> TestRunReport:
        """Return the newest report of a run or suite run; raise NotFoundError."""
