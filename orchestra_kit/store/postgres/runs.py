"""RunStore on PostgreSQL: submit, read, cancel, resume, report, logged in as orchestra_app."""

from __future__ import annotations

from typing import Any

import psycopg

from orchestra_kit.errors import ConflictError, NotFoundError
from orchestra_kit.model import RunStatus, StepResult, SuiteRun, SuiteRunStatus, TestRun, TestRunReport
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.runs import RunFilter, RunSubmission
from orchestra_kit.store.folding import fold_context, fresh_run, result_order, unknown_outcome, without_seal
from orchestra_kit.store.postgres import run_statements as sql
from orchestra_kit.store.postgres.audit import note_for
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.rows import intent_json, json_text, result_of, run_of, suite_run_of
from orchestra_kit.store.postgres.statements import (
    ASK_CANCEL,
    END_RUNS,
    LOCK_SUITE,
    LOCK_SUITE_OF,
    SUITE_CHILDREN,
    TOUCH_SUITE,
)
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.transitions import absent, check_tenant, not_stuck, taken_run

_WAITING = [RunStatus.PENDING.value, RunStatus.QUEUED.value]


class PostgresRuns:
    """RunStore on PostgreSQL."""

    _database: Database

    def submit(
        self, caller: Caller, submissions: tuple[RunSubmission, ...], *, suite_run: SuiteRun | None = None
    ) -> tuple[TestRun, ...]:
        """Store runs (and their suite run) as PENDING in one transaction, all or none."""
        foreign = [item.run.tenant_id for item in submissions] + ([suite_run.tenant_id] if suite_run else [])
        for tenant_id in foreign:
            if tenant_id != caller.tenant_id:
                raise absent("tenant", tenant_id)

        def insert(database: Connection) -> tuple[TestRun, ...]:
            if suite_run is not None:
                _insert_suite_run(database, caller, suite_run)
            return tuple(_insert_run(database, caller, submission) for submission in submissions)

        return self._database.in_tenant(caller.tenant_id, insert)

    def get_run(self, caller: Caller, run_id: str) -> TestRun:
        """Return a run with executionContext folded from its results; raise NotFoundError."""

        def read(database: Connection) -> TestRun:
            run = run_of(_run_row(database, caller, run_id))
            return run.model_copy(update={"execution_context": fold_context(_results(database, caller, run_id))})

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def get_plan(self, caller: Caller, run_id: str) -> RunPlan:
        """Return the frozen plan of a run; raise NotFoundError."""
        rows = self._database.in_one_trip(caller.tenant_id, sql.PLAN, {"tenant": caller.tenant_id, "run": run_id})
        if not rows:
            raise absent("run", run_id)
        return RunPlan.model_validate_json(rows[0]["plan"])

    def list_runs(self, caller: Caller, query: RunFilter) -> tuple[TestRun, ...]:
        """Return runs, newest first, without executionContext."""

        def read(database: Connection) -> tuple[TestRun, ...]:
            if query.before is not None:
                _run_row(database, caller, query.before)
            values = {
                "tenant": caller.tenant_id,
                "status": query.status.value if query.status else None,
                "scenario": query.scenario_id,
                "suite_run": query.suite_run_id,
                "before": query.before,
                "limit": query.limit,
            }
            return tuple(run_of(row) for row in database.execute(sql.list_runs(query), values).fetchall())

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def get_results(self, caller: Caller, run_id: str) -> tuple[StepResult, ...]:
        """Return all attempts of all steps in order of (orderIndex, iteration, attempt)."""

        def read(database: Connection) -> tuple[StepResult, ...]:
            _run_row(database, caller, run_id)
            return tuple(without_seal(result) for result in _results(database, caller, run_id))

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def cancel_run(self, caller: Caller, run_id: str) -> TestRun:
        """End a waiting run CANCELLED at once, ask the worker of a running one to; a terminal one stays as it is."""

        def cancel(database: Connection) -> TestRun:
            database.execute(LOCK_SUITE_OF, {"tenant": caller.tenant_id, "run": run_id})
            row = _run_row(database, caller, run_id)
            if _cancel(database, caller, [run_id]) and row["suite_run_id"] is not None:
                database.execute(TOUCH_SUITE, {"tenant": caller.tenant_id, "suite": row["suite_run_id"]})
            return run_of(_run_row(database, caller, run_id))

        return self._database.in_tenant(caller.tenant_id, cancel, repeatable=True)

    def resume_run(self, caller: Caller, run_id: str) -> TestRun:
        """Put a FAILED_STUCK run back to PENDING with its recoveries at 0; raise ConflictError for any other status."""

        def resume(database: Connection) -> TestRun:
            values = {"tenant": caller.tenant_id, "run": run_id}
            database.execute(LOCK_SUITE_OF, values)
            row = _run_row(database, caller, run_id)
            if database.execute(sql.RESUME, values).fetchone() is None:
                raise not_stuck(run_id, RunStatus(row["status"]))
            change = {"from": RunStatus.FAILED_STUCK.value, "to": RunStatus.PENDING.value}
            note_for(database, caller, "resume", "TestRun", run_id, **change)
            if row["suite_run_id"] is not None:
                database.execute(TOUCH_SUITE, {"tenant": caller.tenant_id, "suite": row["suite_run_id"]})
            return run_of(_run_row(database, caller, run_id))

        return self._database.in_tenant(caller.tenant_id, resume)

    def get_suite_run(self, caller: Caller, suite_run_id: str) -> SuiteRun:
        """Return a suite run; raise NotFoundError."""
        values = {"tenant": caller.tenant_id, "suite": suite_run_id}
        rows = self._database.in_one_trip(caller.tenant_id, sql.SUITE_RUN, values)
        if not rows:
            raise absent("suite run", suite_run_id)
        return suite_run_of(rows[0])

    def list_suite_runs(self, caller: Caller, *, suite_id: str | None = None, limit: int = 50) -> tuple[SuiteRun, ...]:
        """Return suite runs, newest first."""
        values = {"tenant": caller.tenant_id, "suite": suite_id, "limit": limit}
        rows = self._database.in_one_trip(caller.tenant_id, sql.SUITE_RUNS, values)
        return tuple(suite_run_of(row) for row in rows)

    def cancel_suite_run(self, caller: Caller, suite_run_id: str) -> SuiteRun:
        """Cancel a suite run and all its runs that have not ended; it ends at once unless a worker holds one of them."""

        def cancel(database: Connection) -> SuiteRun:
            values = {"tenant": caller.tenant_id, "suite": suite_run_id}
            row = database.execute(LOCK_SUITE, values).fetchone()
            if row is None:
                raise absent("suite run", suite_run_id)
            if SuiteRunStatus(row["status"]).terminal:
                return suite_run_of(row)
            children = [child["id"] for child in database.execute(SUITE_CHILDREN, values).fetchall() if child["id"]]
            _cancel(database, caller, children)
            note_for(database, caller, "request-cancel", "SuiteRun", suite_run_id)
            ended = database.execute(sql.CANCEL_SUITE_RUN, values).fetchone()
            assert ended is not None
            if SuiteRunStatus(ended["status"]).terminal:
                note_for(database, caller, "status", "SuiteRun", suite_run_id, to=ended["status"])
            return suite_run_of(ended)

        return self._database.in_tenant(caller.tenant_id, cancel, repeatable=True)

    def save_report(self, caller: Caller, report: TestRunReport) -> None:
        """Store a report."""
        if report.tenant_id != caller.tenant_id:
            raise absent("tenant", report.tenant_id)

        def save(database: Connection) -> None:
            values = {
                "tenant": caller.tenant_id,
                "id": report.id,
                "run": report.run_id,
                "suite_run": report.suite_run_id,
                "format": report.format,
                "content": json_text(report.content),
                "created_at": report.created_at,
            }
            try:
                database.execute(sql.ADD_REPORT, values)
            except psycopg.errors.ForeignKeyViolation as error:
                what = "suite run" if report.run_id is None else "run"
                raise absent(what, report.run_id or report.suite_run_id or "") from error
            except psycopg.errors.UniqueViolation as error:
                raise ConflictError(f"report '{report.id}' is there already.") from error
            note_for(database, caller, "create", "TestRunReport", report.id)

        self._database.in_tenant(caller.tenant_id, save)

    def get_report(self, caller: Caller, run_id: str, *, report_format: str) -> TestRunReport:
        """Return the newest report of a run or suite run; raise NotFoundError."""
        check_tenant(caller.tenant_id)
        values = {"tenant": caller.tenant_id, "run": run_id, "format": report_format}
        rows = self._database.in_one_trip(caller.tenant_id, sql.REPORT, values)
        if not rows:
            raise absent(f"{report_format} report of run", run_id)
        return TestRunReport.model_validate(rows[0])


def _insert_suite_run(database: Connection, caller: Caller, suite_run: SuiteRun) -> None:
    values = {
        "tenant": caller.tenant_id,
        "id": suite_run.id,
        "suite": suite_run.suite_id,
        "context": json_text(suite_run.context),
        "created_at": suite_run.created_at,
        "created_by": suite_run.created_by,
    }
    try:
        database.execute(sql.ADD_SUITE_RUN, values)
    except psycopg.errors.ForeignKeyViolation as error:
        raise absent("suite", suite_run.suite_id) from error
    except psycopg.errors.UniqueViolation as error:
        raise taken_run(suite_run.id) from error
    note_for(database, caller, "submit", "SuiteRun", suite_run.id)


def _insert_run(database: Connection, caller: Caller, submission: RunSubmission) -> TestRun:
    run = fresh_run(submission)
    if submission.reuse_from is not None:
        _run_row(database, caller, submission.reuse_from)
    values = {
        **{name: getattr(run, name) for name in sql.SUBMITTED},
        "mode": run.mode.value,
        "executor": run.executor.value,
        "depends_on": json_text([[key, status.value] for key, status in submission.depends_on]),
        "needs_position": submission.needs_position,
        "first_intent": intent_json(submission.first_intent),
        "plan": json_text(submission.plan.to_json()),
        "reuse_from": submission.reuse_from,
        "reused": list(submission.plan.reused),
    }
    try:
        database.execute(sql.ADD_RUN, values)
    except psycopg.errors.ForeignKeyViolation as error:
        raise _absent_reference(run, error) from error
    except psycopg.errors.UniqueViolation as error:
        raise taken_run(run.id) from error
    if submission.reuse_from is not None:
        database.execute(sql.REUSE_RESULTS, values)
    note_for(database, caller, "submit", "TestRun", run.id, to=RunStatus.PENDING.value)
    return run


def _absent_reference(run: TestRun, error: psycopg.Error) -> NotFoundError:
    constraint = error.diag.constraint_name or ""
    for column, what, name in (
        ("scenario_id", "scenario", f"{run.scenario_id}@{run.scenario_version}"),
        ("suite_run_id", "suite run", run.suite_run_id),
        ("data_set_id", "data set", run.data_set_id),
        ("environment_id", "environment", run.environment_id),
        ("source_run_id", "run", run.source_run_id),
    ):
        if column in constraint:
            return absent(what, name or "")
    return absent("tenant", run.tenant_id)


def _run_row(database: Connection, caller: Caller, run_id: str) -> dict[str, Any]:
    row = database.execute(sql.RUN, {"tenant": caller.tenant_id, "run": run_id}).fetchone()
    if row is None:
        raise absent("run", run_id)
    return row


def _results(database: Connection, caller: Caller, run_id: str) -> list[StepResult]:
    rows = database.execute(sql.RESULTS, {"tenant": caller.tenant_id, "run": run_id}).fetchall()
    return sorted((result_of(row) for row in rows), key=result_order)


def _cancel(database: Connection, caller: Caller, run_ids: list[str]) -> bool:
    end = {
        "tenant": caller.tenant_id,
        "runs": run_ids,
        "since": _WAITING,
        "status": RunStatus.CANCELLED.value,
        "reason": None,
        "unknown": json_text([unknown_outcome(cancelled=True).to_json()]),
        "actor": caller.actor,
        "action": "cancel",
    }
    ended = database.execute(END_RUNS, end).fetchall()
    for row in database.execute(ASK_CANCEL, end).fetchall():
        note_for(database, caller, "request-cancel", "TestRun", row["id"])
    return bool(ended)
