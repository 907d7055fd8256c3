"""RunStore in memory: submit, read, cancel, resume, report."""

from __future__ import annotations

from orchestra_kit.errors import ConflictError
from orchestra_kit.model import (
    RunStatus,
    StepResult,
    SuiteRun,
    SuiteRunStatus,
    TestRun,
    TestRunReport,
)
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.runs import RunFilter, RunSubmission
from orchestra_kit.store.folding import fold_context, fresh_run, result_order, reused_results, without_seal
from orchestra_kit.store.memory.tables import RunRow, SuiteRow, Tables, of_tenant
from orchestra_kit.store.memory.work import end_run
from orchestra_kit.store.transitions import WAITING_RUN_STATUSES, absent, check_tenant, not_stuck, taken_run


class MemoryRuns:
    """RunStore in memory."""

    _tables: Tables

    def submit(
        self, caller: Caller, submissions: tuple[RunSubmission, ...], *, suite_run: SuiteRun | None = None
    ) -> tuple[TestRun, ...]:
        """Store runs (and their suite run) as PENDING in one transaction, all or none."""
        with self._tables.lock:
            self._tables.tenant(caller.tenant_id)
            if suite_run is not None:
                self._check_suite_run(caller, suite_run)
            made = [self._row_of(caller, submission, suite_run) for submission in submissions]
            keys = [(caller.tenant_id, str(row.run.id)) for row in made]
            for key in keys:
                if key in self._tables.runs or keys.count(key) > 1:
                    raise taken_run(key[1])
            if suite_run is not None:
                pending = suite_run.model_copy(update={"status": SuiteRunStatus.PENDING, "revision": 0})
                self._tables.suite_runs[(caller.tenant_id, suite_run.id)] = SuiteRow(suite_run=pending)
                self._tables.note_for(caller, "submit", "SuiteRun", suite_run.id)
            for key, row in zip(keys, made, strict=True):
                self._tables.runs[key] = row
                self._tables.note_for(caller, "submit", "TestRun", row.run.id, to=RunStatus.PENDING.value)
            return tuple(row.run for row in made)

    def _check_suite_run(self, caller: Caller, suite_run: SuiteRun) -> None:
        if suite_run.tenant_id != caller.tenant_id:
            raise absent("tenant", suite_run.tenant_id)
        if (caller.tenant_id, suite_run.suite_id) not in self._tables.suites:
            raise absent("suite", suite_run.suite_id)
        if (caller.tenant_id, suite_run.id) in self._tables.suite_runs:
            raise taken_run(suite_run.id)

    def _row_of(self, caller: Caller, submission: RunSubmission, suite_run: SuiteRun | None) -> RunRow:
        run = submission.run
        self._check_references(caller, run, suite_run)
        row = RunRow(
            run=fresh_run(submission),
            plan=submission.plan,
            first_intent=submission.first_intent,
            needs_position=submission.needs_position,
            depends_on=submission.depends_on,
        )
        if submission.reuse_from is not None:
            source = self._tables.run_row(caller.tenant_id, submission.reuse_from)
            row.position = source.position
            for result in reused_results(source.results.values(), submission.plan.reused, run.id):
                row.add(result)
        return row

    def _check_references(self, caller: Caller, run: TestRun, suite_run: SuiteRun | None) -> None:
        tenant, tables = caller.tenant_id, self._tables
        if run.tenant_id != tenant:
            raise absent("tenant", run.tenant_id)
        versions = tables.scenarios.get((tenant, run.scenario_id), [])
        if not any(item.version == run.scenario_version for item in versions):
            raise absent("scenario", f"{run.scenario_id}@{run.scenario_version}")
        if run.environment_id is not None and (tenant, run.environment_id) not in tables.environments:
            raise absent("environment", run.environment_id)
        if run.data_set_id is not None and (tenant, run.data_set_id) not in tables.data_sets:
            raise absent("data set", run.data_set_id)
        if run.source_run_id is not None:
            tables.run_row(tenant, run.source_run_id)
        made_here = suite_run is not None and run.suite_run_id == suite_run.id
        if run.suite_run_id is not None and not made_here and (tenant, run.suite_run_id) not in tables.suite_runs:
            raise absent("suite run", run.suite_run_id)

    def get_run(self, caller: Caller, run_id: str) -> TestRun:
        """Return a run with executionContext folded from its results; raise NotFoundError."""
        with self._tables.lock:
            row = self._tables.run_row(caller.tenant_id, run_id)
            context = fold_context(row.results.values())
            return row.run.model_copy(update={"execution_context": context})

    def get_plan(self, caller: Caller, run_id: str) -> RunPlan:
        """Return the frozen plan of a run; raise NotFoundError."""
        with self._tables.lock:
            return self._tables.run_row(caller.tenant_id, run_id).plan

    def list_runs(self, caller: Caller, query: RunFilter) -> tuple[TestRun, ...]:
        """Return runs, newest first, without executionContext."""
        with self._tables.lock:
            runs = [row.run for row in of_tenant(self._tables.runs, caller.tenant_id)]
            runs.sort(key=lambda run: run.id, reverse=True)  # ids sort by time
            if query.before is not None:
                edge = self._tables.run_row(caller.tenant_id, query.before).run
                runs = [run for run in runs if run.id < edge.id]
            found = [
                run
                for run in runs
                if query.status in (None, run.status)
                and query.scenario_id in (None, run.scenario_id)
                and query.suite_run_id in (None, run.suite_run_id)
            ]
            return tuple(found[: query.limit])

    def get_results(self, caller: Caller, run_id: str) -> tuple[StepResult, ...]:
        """Return all attempts of all steps in order of (orderIndex, iteration, attempt)."""
        with self._tables.lock:
            row = self._tables.run_row(caller.tenant_id, run_id)
            return tuple(without_seal(result) for result in sorted(row.results.values(), key=result_order))

    def cancel_run(self, caller: Caller, run_id: str) -> TestRun:
        """End a waiting run CANCELLED at once, ask the worker of a running one to; a terminal one stays as it is."""
        with self._tables.lock:
            row = self._tables.run_row(caller.tenant_id, run_id)
            if self._cancel(caller, row):
                self._tables.touch_suite(row)
            return row.run

    def _cancel(self, caller: Caller, row: RunRow) -> bool:
        if row.run.status in WAITING_RUN_STATUSES:
            end_run(self._tables, row, caller.actor, "cancel", RunStatus.CANCELLED, None)
            return True
        if row.run.status is RunStatus.IN_PROGRESS and not row.run.cancel_requested:
            row.set(cancel_requested=True)
            self._tables.note_for(caller, "request-cancel", "TestRun", row.run.id)
        return False

    def resume_run(self, caller: Caller, run_id: str) -> TestRun:
        """Put a FAILED_STUCK run back to PENDING with its recoveries at 0; raise ConflictError for any other status."""
        with self._tables.lock:
            row = self._tables.run_row(caller.tenant_id, run_id)
            if row.run.status is not RunStatus.FAILED_STUCK:
                raise not_stuck(run_id, row.run.status)
            again = {"recoveries": 0, "finished_at": None, "status_reason": None, "cancel_requested": False}
            self._tables.move_run(row, caller.actor, "resume", status=RunStatus.PENDING, **again)
            self._tables.touch_suite(row)
            return row.run

    def get_suite_run(self, caller: Caller, suite_run_id: str) -> SuiteRun:
        """Return a suite run; raise NotFoundError."""
        with self._tables.lock:
            return self._suite_row(caller, suite_run_id).suite_run

    def list_suite_runs(self, caller: Caller, *, suite_id: str | None = None, limit: int = 50) -> tuple[SuiteRun, ...]:
        """Return suite runs, newest first."""
        with self._tables.lock:
            found = [row.suite_run for row in of_tenant(self._tables.suite_runs, caller.tenant_id)]
            found = [item for item in found if suite_id in (None, item.suite_id)]
            return tuple(sorted(found, key=lambda item: item.id, reverse=True)[:limit])

    def cancel_suite_run(self, caller: Caller, suite_run_id: str) -> SuiteRun:
        """Cancel a suite run and all its runs that have not ended; it ends at once unless a worker holds one of them."""
        with self._tables.lock:
            suite = self._suite_row(caller, suite_run_id)
            if suite.suite_run.status.terminal:
                return suite.suite_run
            children = [
                row
                for row in of_tenant(self._tables.runs, caller.tenant_id)
                if row.run.suite_run_id == suite.suite_run.id
            ]
            for row in children:
                self._cancel(caller, row)
            suite.cancel_requested = True
            self._tables.note_for(caller, "request-cancel", "SuiteRun", suite_run_id)
            if all(row.run.status.terminal for row in children):
                suite.set(status=SuiteRunStatus.CANCELLED, finished_at=self._tables.now())
                to = SuiteRunStatus.CANCELLED.value
                self._tables.note_for(caller, "status", "SuiteRun", suite_run_id, to=to)
            else:
                suite.set()
            return suite.suite_run

    def save_report(self, caller: Caller, report: TestRunReport) -> None:
        """Store a report."""
        with self._tables.lock:
            if report.tenant_id != caller.tenant_id:
                raise absent("tenant", report.tenant_id)
            if report.run_id is not None:
                self._tables.run_row(caller.tenant_id, report.run_id)
            if report.suite_run_id is not None:
                self._suite_row(caller, report.suite_run_id)
            if any(item.id == report.id and item.tenant_id == caller.tenant_id for item in self._tables.reports):
                raise ConflictError(f"report '{report.id}' is there already.")
            self._tables.reports.append(report)
            self._tables.note_for(caller, "create", "TestRunReport", report.id)

    def get_report(self, caller: Caller, run_id: str, *, report_format: str) -> TestRunReport:
        """Return the newest report of a run or suite run; raise NotFoundError."""
        check_tenant(caller.tenant_id)
        with self._tables.lock:
            found = [
                report
                for report in self._tables.reports
                if report.tenant_id == caller.tenant_id
                and report.format == report_format
                and run_id in (report.run_id, report.suite_run_id)
            ]
            if not found:
                raise absent(f"{report_format} report of run", run_id)
            return max(found, key=lambda report: (report.created_at, report.id))

    def _suite_row(self, caller: Caller, suite_run_id: str) -> SuiteRow:
        check_tenant(caller.tenant_id)
        row = self._tables.suite_runs.get((caller.tenant_id, suite_run_id))
        if row is None:
            raise absent("suite run", suite_run_id)
        return row
