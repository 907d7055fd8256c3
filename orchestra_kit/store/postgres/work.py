"""WorkStore on PostgreSQL: what only a worker may do, logged in as orchestra_worker."""

from __future__ import annotations

from typing import Any

from orchestra_kit.model import RunStatus
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
    SuiteState,
)
from orchestra_kit.store.postgres import statements
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.hot_path import HotPath, finish_values, lease_values, unknown_text
from orchestra_kit.store.postgres.rows import (
    intent_json,
    intent_values,
    json_text,
    result_values,
)
from orchestra_kit.store.postgres.suites import advance_suite, load_suite
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.transitions import (
    ABORTED_REASON,
    STUCK_REASON,
    check_final,
    check_tenant,
    lease_lost,
)


class PostgresWork:
    """WorkStore on PostgreSQL. An operation outlives a database that is away for `patience_seconds`."""

    def __init__(self, worker_url: str, *, connections: int = 40, patience_seconds: float = 10.0) -> None:
        self._database = Database(worker_url, most=connections, patience_seconds=patience_seconds)
        self._hot_path = HotPath(self._database, finish=self._finish_whole)

    def close(self) -> None:
        """End all connections."""
        self._database.close()

    def promote_due(self, *, limit: int = 100) -> tuple[RunRef, ...]:
        """Turn unblocked PENDING runs into QUEUED ones within each tenant's maxParallelRuns; return those just queued."""
        queued: list[RunRef] = []
        for row in self._database.across_tenants(statements.TENANTS_WITH_DUE_RUNS, {"limit": 1000}):
            left = limit - len(queued)
            if left <= 0:
                break
            tenant = row["tenant_id"]
            runs = self._database.in_tenant(tenant, lambda db, t=tenant, n=left: _promote(db, t, n), repeatable=True)  # type: ignore[misc]
            queued.extend(RunRef(tenant_id=tenant, run_id=run) for run in runs)
        return tuple(queued)

    def find_waiting(self, *, older_than_seconds: float, limit: int = 100) -> tuple[DueRun, ...]:
        """Return QUEUED runs nobody has claimed for so long: their wake-up was lost."""
        values = {"seconds": older_than_seconds, "limit": limit}
        return tuple(DueRun(**row) for row in self._database.across_tenants(statements.WAITING_RUNS, values))

    def claim_run(self, ref: RunRef, *, worker_id: str, lease_seconds: float) -> ClaimedRun | None:
        """Take a QUEUED run, raise its lease epoch, write the intent it goes on with; None when it is not to be had."""
        return self._hot_path.claim(ref, worker_id=worker_id, lease_seconds=lease_seconds)

    def begin_run(self, lease: Lease, *, position: Any, intent: StepIntent, lease_seconds: float) -> None:
        """Store the plugins' positions and the first intent of a run that needs positions; raise LeaseLostError."""
        values = {"position": json_text(position), "first_intent": intent_json(intent)}
        self._announce(statements.BEGIN_RUN, lease, intent, lease_seconds, values)

    def begin_step(self, lease: Lease, *, intent: StepIntent, lease_seconds: float) -> None:
        """Commit the intent of a step that was not announced by the commit before; raise LeaseLostError."""
        self._announce(statements.BEGIN_STEP, lease, intent, lease_seconds, {})

    def _announce(
        self, statement: str, lease: Lease, intent: StepIntent, lease_seconds: float, more: dict[str, Any]
    ) -> None:
        values = {**lease_values(lease), "lease_seconds": lease_seconds, **intent_values(lease.run_id, intent), **more}
        if not self._database.in_one_trip(lease.tenant_id, statement, values):
            raise lease_lost(lease)

    def commit_step(self, commit: StepCommit) -> bool:
        """Record a result and the next intent and extend the lease; True when somebody asked to cancel the run."""
        return self._hot_path.commit(commit)

    def finish_run(self, finish: FinishRun) -> None:
        """Set the terminal status once and let go; raise LeaseLostError. The same finish again changes nothing."""
        check_final(finish.status)
        self._hot_path.finish(finish)

    def _finish_whole(self, finish: FinishRun) -> None:
        self._database.in_tenant(finish.lease.tenant_id, lambda db: _finish(db, finish), repeatable=True)

    def release_run(self, lease: Lease) -> None:
        """Give an unfinished run back as QUEUED without counting a recovery, or end it when cancelling was asked for."""

        def release(database: Connection) -> None:
            values = {**lease_values(lease), "unknown": unknown_text(RunStatus.CANCELLED)}
            database.execute(statements.LOCK_SUITE_OF, values)
            if database.execute(statements.RELEASE, values).fetchone() is None:
                for status in (RunStatus.QUEUED, RunStatus.CANCELLED):
                    if database.execute(statements.IS_FINISHED, {**values, "status": status.value}).fetchone():
                        return
                raise lease_lost(lease)

        self._database.in_tenant(lease.tenant_id, release, repeatable=True)

    def extend_leases(self, leases: tuple[Lease, ...], *, lease_seconds: float) -> tuple[LeaseState, ...]:
        """Heartbeat for all runs of a worker at once: one commit for each tenant."""
        states: dict[Lease, LeaseState] = {}
        for tenant, worker in sorted({(lease.tenant_id, lease.worker_id) for lease in leases}):
            group = [lease for lease in leases if (lease.tenant_id, lease.worker_id) == (tenant, worker)]
            values = {
                "tenant": tenant,
                "worker": worker,
                "lease_seconds": lease_seconds,
                "runs": [lease.run_id for lease in group],
                "epochs": [lease.epoch for lease in group],
            }
            rows = self._database.in_one_trip(tenant, statements.EXTEND, values)
            held = {(row["id"], row["lease_epoch"]): row["cancel_requested"] for row in rows}
            for lease in group:
                asked = held.get((lease.run_id, lease.epoch))
                states[lease] = LeaseState(lease=lease, held=asked is not None, cancel_requested=bool(asked))
        return tuple(states[lease] for lease in leases)

    def reap_expired(self, *, max_recoveries: int, limit: int = 100) -> tuple[Reaped, ...]:
        """Put runs with an expired lease back to QUEUED, or end them FAILED_STUCK or CANCELLED."""
        reaped = []
        for row in self._database.across_tenants(statements.EXPIRED_LEASES, {"limit": limit}):
            tenant, run = row["tenant_id"], row["run_id"]
            found = self._database.in_tenant(
                tenant,
                lambda db, t=tenant, r=run: _reap(db, t, r, max_recoveries),  # type: ignore[misc]
                repeatable=True,
            )
            if found is not None:
                reaped.append(found)
        return tuple(reaped)

    def find_open_suites(self, *, limit: int = 100) -> tuple[tuple[str, str], ...]:
        """Return (tenant id, suite run id) of suite runs that are not finished."""
        rows = self._database.across_tenants(statements.OPEN_SUITES, {"limit": limit})
        return tuple((row["tenant_id"], row["run_id"]) for row in rows)

    def load_suite(self, tenant_id: str, suite_run_id: str) -> SuiteState | None:
        """Return a suite run with its children, or None."""
        return load_suite(self._database, tenant_id, suite_run_id)

    def advance_suite(self, advance: SuiteAdvance) -> bool:
        """Apply a decision made at `revision`; False (and nothing changed) when the suite run has moved on since."""
        check_tenant(advance.tenant_id)
        return advance_suite(self._database, advance)


def _promote(database: Connection, tenant: str, limit: int) -> list[str]:
    database.execute(statements.LOCK_SCHEDULING, {"tenant": tenant})
    rows = database.execute(statements.PROMOTE, {"tenant": tenant, "limit": limit}).fetchall()
    return [row["id"] for row in rows]


def _finish(database: Connection, finish: FinishRun) -> None:
    values = finish_values(finish)
    database.execute(statements.LOCK_SUITE_OF, values)
    held = database.execute(statements.FINISH, values).fetchone()
    if held is None:
        if database.execute(statements.IS_FINISHED, values).fetchone():
            return
        raise lease_lost(finish.lease)
    for result in finish.skipped:
        database.execute(statements.ADD_RESULT, {**result_values(result), **lease_values(finish.lease)})
    if finish.abort_suite and held["suite_run_id"] is not None:
        _abort_siblings(database, finish.lease, held["suite_run_id"], held["scenario_key"])


def _abort_siblings(database: Connection, lease: Lease, suite_run_id: str, cause: str) -> None:
    values = {"tenant": lease.tenant_id, "suite": suite_run_id, "run": lease.run_id}
    rows = database.execute(statements.SUITE_CHILDREN, values).fetchall()
    others = [row["id"] for row in rows if row["id"] != lease.run_id]
    end = {
        "tenant": lease.tenant_id,
        "runs": others,
        "since": ["PENDING", "QUEUED"],
        "status": RunStatus.SKIPPED.value,
        "reason": ABORTED_REASON.format(key=cause),
        "unknown": unknown_text(RunStatus.SKIPPED),
        "actor": lease.worker_id,
        "action": "skip",
    }
    database.execute(statements.END_RUNS, end)
    database.execute(statements.ASK_CANCEL, end)


def _reap(database: Connection, tenant: str, run: str, max_recoveries: int) -> Reaped | None:
    values = {"tenant": tenant, "run": run}
    database.execute(statements.LOCK_SUITE_OF, values)
    row = database.execute(statements.LOCK_EXPIRED, values).fetchone()
    if row is None:
        return None
    recoveries, ref = row["recoveries"], RunRef(tenant_id=tenant, run_id=run)
    if not row["cancel_requested"] and recoveries < max_recoveries:
        database.execute(statements.REQUEUE, values)
        return Reaped(ref=ref, status=RunStatus.QUEUED, recoveries=recoveries + 1)
    status = RunStatus.CANCELLED if row["cancel_requested"] else RunStatus.FAILED_STUCK
    stuck = status is RunStatus.FAILED_STUCK
    reason = STUCK_REASON.format(count=recoveries + 1, limit=max_recoveries) if stuck else None
    end = {
        "tenant": tenant,
        "runs": [run],
        "since": ["IN_PROGRESS"],
        "status": status.value,
        "reason": reason,
        "unknown": unknown_text(status),
        "actor": "reaper",
        "action": "reap" if stuck else "cancel",
    }
    database.execute(statements.END_RUNS, end)
    if row["suite_run_id"] is not None:
        database.execute(statements.TOUCH_SUITE, {"tenant": tenant, "suite": row["suite_run_id"]})
    return Reaped(ref=ref, status=status, recoveries=recoveries)
