"""WorkStore in memory: claim, commit, finish, release, extend, reap, and the suite runs' revisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orchestra_kit.model import RunStatus, StepStatus, SuiteRunStatus
from orchestra_kit.spi.work import (
    ClaimedRun,
    DueRun,
    FinishRun,
    Lease,
    LeaseState,
    Reaped,
    RunRef,
    StepCommit,
    StepIntent,
    SuiteAdvance,
    SuiteChild,
    SuiteState,
)
from orchestra_kit.store.folding import open_intent, result_order, running_result
from orchestra_kit.store.memory.tables import RunRow, SuiteRow, Tables
from orchestra_kit.store.transitions import (
    ABORTED_REASON,
    ACTIVE_RUN_STATUSES,
    STUCK_REASON,
    WAITING_RUN_STATUSES,
    check_final,
    lease_lost,
    unannounced,
)


class MemoryWork:
    """WorkStore in memory."""

    _tables: Tables

    def promote_due(self, *, limit: int = 100) -> tuple[RunRef, ...]:
        """Turn unblocked PENDING runs into QUEUED ones within each tenant's maxParallelRuns; return those just queued."""
        with self._tables.lock:
            active: dict[str, int] = {}
            for row in self._tables.runs.values():
                if row.run.status in ACTIVE_RUN_STATUSES:
                    active[row.run.tenant_id] = active.get(row.run.tenant_id, 0) + 1
            due = [r for r in self._tables.runs.values() if r.run.status is RunStatus.PENDING and not r.run.blocked]
            due.sort(key=lambda row: (-row.run.priority, row.run.created_at, row.run.id))
            queued: list[RunRef] = []
            for row in due:
                tenant = row.run.tenant_id
                quota = self._tables.tenants[tenant].settings.max_parallel_runs
                if len(queued) >= limit:
                    break
                if active.get(tenant, 0) < quota:
                    active[tenant] = active.get(tenant, 0) + 1
                    row.queued_at = self._tables.now()
                    self._tables.move_run(row, "scheduler", "queue", status=RunStatus.QUEUED)
                    queued.append(RunRef(tenant_id=tenant, run_id=row.run.id))
            return tuple(queued)

    def find_waiting(self, *, older_than_seconds: float, limit: int = 100) -> tuple[DueRun, ...]:
        """Return QUEUED runs nobody has claimed for so long: their wake-up was lost."""
        with self._tables.lock:
            before = self._tables.now() - timedelta(seconds=older_than_seconds)
            found = [
                DueRun(tenant_id=row.run.tenant_id, run_id=row.run.id, due_at=row.queued_at)
                for row in self._tables.runs.values()
                if row.run.status is RunStatus.QUEUED and row.queued_at is not None and row.queued_at <= before
            ]
            return tuple(sorted(found, key=lambda due: due.due_at)[:limit])

    def claim_run(self, ref: RunRef, *, worker_id: str, lease_seconds: float) -> ClaimedRun | None:
        """Take a QUEUED run, raise its lease epoch, write the intent it goes on with; None when it is not to be had."""
        with self._tables.lock:
            row = self._tables.runs.get((ref.tenant_id, ref.run_id))
            if row is None or row.run.status is not RunStatus.QUEUED:
                return None
            now, epoch = self._tables.now(), row.run.lease_epoch + 1
            self._tables.move_run(
                row,
                worker_id,
                "claim",
                status=RunStatus.IN_PROGRESS,
                locked_by=worker_id,
                lease_epoch=epoch,
                lock_until=now + timedelta(seconds=lease_seconds),
                heartbeat_at=now,
                started_at=row.run.started_at or now,
            )
            if row.first_intent is not None and not (row.needs_position and row.position is None):
                row.add(running_result(row.run, row.first_intent, now))
                row.first_intent = None
            suite = self._suite_of(row)
            return ClaimedRun(
                lease=Lease(tenant_id=ref.tenant_id, run_id=ref.run_id, worker_id=worker_id, epoch=epoch),
                run=row.run,
                plan=row.plan,
                results=tuple(sorted(row.results.values(), key=result_order)),
                intent=open_intent(row.results.values()),
                position=row.position,
                suite_context=suite.suite_run.context if suite else None,
            )

    def begin_run(self, lease: Lease, *, position: Any, intent: StepIntent, lease_seconds: float) -> None:
        """Store the plugins' positions and the first intent of a run that needs positions; raise LeaseLostError."""
        with self._tables.lock:
            row = self._held(lease)
            if row.position is None:
                row.position = position
            row.first_intent = None
            self._extend(row, lease_seconds)
            row.add(running_result(row.run, intent, self._tables.now()))

    def begin_step(self, lease: Lease, *, intent: StepIntent, lease_seconds: float) -> None:
        """Commit the intent of a step that was not announced by the commit before; raise LeaseLostError."""
        with self._tables.lock:
            row = self._held(lease)
            self._extend(row, lease_seconds)
            row.add(running_result(row.run, intent, self._tables.now()))

    def commit_step(self, commit: StepCommit) -> bool:
        """Record a result and the next intent and extend the lease; True when somebody asked to cancel the run."""
        with self._tables.lock:
            row = self._held(commit.lease)
            result = commit.result
            key = (result.step_alias, result.iteration, result.attempt)
            known = row.results.get(key)
            if known is None:
                raise unannounced(commit)
            if known.status is StepStatus.RUNNING:
                row.results[key] = result
            self._extend(row, commit.lease_seconds)
            if commit.next_intent is not None:
                row.add(running_result(row.run, commit.next_intent, self._tables.now()))
            return row.run.cancel_requested

    def finish_run(self, finish: FinishRun) -> None:
        """Set the terminal status once and let go; raise LeaseLostError. The same finish again changes nothing."""
        check_final(finish.status)
        with self._tables.lock:
            known = self._tables.runs.get((finish.lease.tenant_id, finish.lease.run_id))
            if known and known.run.status is finish.status and known.run.lease_epoch == finish.lease.epoch:
                return
            row = self._held(finish.lease)
            self._end(row, finish.lease.worker_id, "finish", finish.status, finish.reason)
            for result in finish.skipped:
                row.add(result)
            suite = self._tables.touch_suite(row)
            if suite is not None and finish.exports:
                context = {**suite.suite_run.context, **finish.exports}
                suite.suite_run = suite.suite_run.model_copy(update={"context": context})
            if suite is not None and finish.abort_suite:
                self._abort_siblings(suite, row, finish.lease.worker_id)

    def release_run(self, lease: Lease) -> None:
        """Give an unfinished run back as QUEUED without counting a recovery, or end it when cancelling was asked for."""
        with self._tables.lock:
            row = self._held(lease)
            if row.run.cancel_requested:
                self._end(row, lease.worker_id, "cancel", RunStatus.CANCELLED, None)
                self._tables.touch_suite(row)
                return
            self._requeue(row, lease.worker_id, "release", row.run.recoveries)

    def extend_leases(self, leases: tuple[Lease, ...], *, lease_seconds: float) -> tuple[LeaseState, ...]:
        """Heartbeat for all runs of a worker at once."""
        states = []
        with self._tables.lock:
            for lease in leases:
                row = self._tables.held_row(lease)
                if row is not None:
                    self._extend(row, lease_seconds)
                asked = row is not None and row.run.cancel_requested
                states.append(LeaseState(lease=lease, held=row is not None, cancel_requested=asked))
        return tuple(states)

    def reap_expired(self, *, max_recoveries: int, limit: int = 100) -> tuple[Reaped, ...]:
        """Put runs with an expired lease back to QUEUED, or end them FAILED_STUCK or CANCELLED."""
        reaped = []
        with self._tables.lock:
            now = self._tables.now()
            expired = [
                row
                for row in self._tables.runs.values()
                if row.run.status is RunStatus.IN_PROGRESS
                and row.run.lock_until is not None
                and row.run.lock_until < now
            ]
            for row in sorted(expired, key=lambda row: (row.run.lock_until, row.run.id))[:limit]:
                if row.run.cancel_requested:
                    self._end(row, "reaper", "cancel", RunStatus.CANCELLED, None)
                    self._tables.touch_suite(row)
                elif row.run.recoveries >= max_recoveries:
                    reason = STUCK_REASON.format(count=row.run.recoveries + 1, limit=max_recoveries)
                    self._end(row, "reaper", "reap", RunStatus.FAILED_STUCK, reason)
                    self._tables.touch_suite(row)
                else:
                    self._requeue(row, "reaper", "reap", row.run.recoveries + 1)
                ref = RunRef(tenant_id=row.run.tenant_id, run_id=row.run.id)
                reaped.append(Reaped(ref=ref, status=row.run.status, recoveries=row.run.recoveries))
        return tuple(reaped)

    def find_open_suites(self, *, limit: int = 100) -> tuple[tuple[str, str], ...]:
        """Return (tenant id, suite run id) of suite runs that are not finished."""
        with self._tables.lock:
            found = [row.suite_run for row in self._tables.suite_runs.values() if not row.suite_run.status.terminal]
            found.sort(key=lambda suite_run: (suite_run.created_at, suite_run.id))
            return tuple((str(item.tenant_id), str(item.id)) for item in found[:limit])

    def load_suite(self, tenant_id: str, suite_run_id: str) -> SuiteState | None:
        """Return a suite run with its children, or None."""
        with self._tables.lock:
            suite = self._tables.suite_runs.get((tenant_id, suite_run_id))
            if suite is None:
                return None
            return SuiteState(
                tenant_id=tenant_id,
                suite_run_id=suite_run_id,
                status=suite.suite_run.status,
                revision=suite.suite_run.revision,
                children=tuple(_child(row) for row in self._children(suite)),
                cancel_requested=suite.cancel_requested,
            )

    def advance_suite(self, advance: SuiteAdvance) -> bool:
        """Apply a decision made at `revision`; False (and nothing changed) when the suite run has moved on since."""
        with self._tables.lock:
            suite = self._tables.suite_runs.get((advance.tenant_id, advance.suite_run_id))
            if suite is None or suite.suite_run.status.terminal or suite.suite_run.revision != advance.revision:
                return False
            skip = dict(advance.skip)
            for row in self._children(suite):
                if row.run.id in advance.release and row.run.status is RunStatus.PENDING:
                    row.set(blocked=False)
                elif row.run.id in skip and row.run.status in WAITING_RUN_STATUSES:
                    self._end(row, "orchestrator", "skip", RunStatus.SKIPPED, skip[row.run.id])
            self._move_suite(suite, advance.status or SuiteRunStatus.IN_PROGRESS)
            return True

    def _move_suite(self, suite: SuiteRow, status: SuiteRunStatus) -> None:
        since, now = suite.suite_run.status, self._tables.now()
        suite.set(
            status=status,
            started_at=suite.suite_run.started_at or now,
            finished_at=now if status.terminal else None,
        )
        if since is not status:
            known = suite.suite_run
            details = {"from": since.value, "to": status.value}
            self._tables.note(known.tenant_id, "orchestrator", "status", "SuiteRun", known.id, **details)

    def _held(self, lease: Lease) -> RunRow:
        row = self._tables.held_row(lease)
        if row is None:
            raise lease_lost(lease)
        return row

    def _extend(self, row: RunRow, lease_seconds: float) -> None:
        now = self._tables.now()
        row.set(lock_until=now + timedelta(seconds=lease_seconds), heartbeat_at=now)

    def _suite_of(self, row: RunRow) -> SuiteRow | None:
        return self._tables.suite_runs.get((row.run.tenant_id, row.run.suite_run_id)) if row.run.suite_run_id else None

    def _children(self, suite: SuiteRow) -> list[RunRow]:
        rows = [
            row
            for row in self._tables.runs.values()
            if row.run.tenant_id == suite.suite_run.tenant_id and row.run.suite_run_id == suite.suite_run.id
        ]
        return sorted(rows, key=lambda row: (row.run.created_at, row.run.id))

    def _requeue(self, row: RunRow, actor: str, action: str, recoveries: int) -> None:
        row.queued_at = self._tables.now()
        free = {"locked_by": None, "lock_until": None, "recoveries": recoveries}
        self._tables.move_run(row, actor, action, status=RunStatus.QUEUED, **free)

    def _end(self, row: RunRow, actor: str, action: str, status: RunStatus, reason: str | None) -> None:
        end_run(self._tables, row, actor, action, status, reason)

    def _abort_siblings(self, suite: SuiteRow, cause: RunRow, actor: str) -> None:
        suite.cancel_requested = True
        reason = ABORTED_REASON.format(key=cause.run.scenario_key)
        for row in self._children(suite):
            if row.run.status in WAITING_RUN_STATUSES:
                self._end(row, actor, "skip", RunStatus.SKIPPED, reason)
            elif row.run.status is RunStatus.IN_PROGRESS:
                row.set(cancel_requested=True)


def end_run(tables: Tables, row: RunRow, actor: str, action: str, status: RunStatus, reason: str | None) -> None:
    """Set a terminal status and let go. A stuck run keeps its open intent, so that a resume repeats that attempt."""
    now = tables.now()
    if status is not RunStatus.FAILED_STUCK:
        row.close_open_steps(now, cancelled=status is RunStatus.CANCELLED)
    free = {"locked_by": None, "lock_until": None, "finished_at": now, "status_reason": reason, "blocked": False}
    tables.move_run(row, actor, action, status=status, **free)


def _child(row: RunRow) -> SuiteChild:
    return SuiteChild(
        run_id=row.run.id,
        scenario_key=row.run.scenario_key,
        status=row.run.status,
        blocked=row.run.blocked,
        depends_on=row.depends_on,
    )
