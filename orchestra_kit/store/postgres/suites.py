"""Suite runs on PostgreSQL: read with their runs at one moment, moved on only from the revision that was read."""

from __future__ import annotations

from orchestra_kit.model import RunStatus, SuiteRunStatus
from orchestra_kit.spi.work import SuiteAdvance, SuiteChild, SuiteState
from orchestra_kit.store.folding import unknown_outcome
from orchestra_kit.store.postgres import statements
from orchestra_kit.store.postgres.audit import note
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.rows import Row, json_text, storable_text
from orchestra_kit.store.postgres.trips import Connection


def load_suite(database: Database, tenant_id: str, suite_run_id: str) -> SuiteState | None:
    """Return a suite run with its children, or None."""
    values = {"tenant": tenant_id, "suite": suite_run_id}
    rows = database.in_one_trip(tenant_id, statements.SUITE_CHILDREN, values)
    if not rows:
        return None
    first = rows[0]
    return SuiteState(
        tenant_id=tenant_id,
        suite_run_id=suite_run_id,
        status=SuiteRunStatus(first["suite_status"]),
        revision=first["revision"],
        children=tuple(_child(row) for row in rows if row["id"] is not None),
        cancel_requested=first["suite_cancel_requested"],
    )


def _child(row: Row) -> SuiteChild:
    return SuiteChild(
        run_id=row["id"],
        scenario_key=row["scenario_key"],
        status=RunStatus(row["status"]),
        blocked=row["blocked"],
        depends_on=tuple((key, RunStatus(status)) for key, status in row["depends_on"]),
    )


def advance_suite(database: Database, advance: SuiteAdvance) -> bool:
    """Apply a decision; False (and nothing changed) when the suite run has moved on since."""
    return database.in_tenant(advance.tenant_id, lambda connection: _advance(connection, advance))


def _advance(database: Connection, advance: SuiteAdvance) -> bool:
    values = {"tenant": advance.tenant_id, "suite": advance.suite_run_id, "runs": list(advance.release)}
    row = database.execute(statements.LOCK_SUITE, values).fetchone()
    if row is None or SuiteRunStatus(row["status"]).terminal or row["revision"] != advance.revision:
        return False
    if advance.release:
        database.execute(statements.UNBLOCK, values)
    if advance.skip:
        _skip(database, advance)
    status = advance.status or SuiteRunStatus.IN_PROGRESS
    database.execute(statements.MOVE_SUITE, {**values, "status": status.value, "ended": status.terminal})
    if status.value != row["status"]:
        change = {"from": row["status"], "to": status.value}
        note(database, advance.tenant_id, "orchestrator", "status", "SuiteRun", advance.suite_run_id, change)
    return True


def _skip(database: Connection, advance: SuiteAdvance) -> None:
    values = {
        "tenant": advance.tenant_id,
        "suite": advance.suite_run_id,
        "runs": [run_id for run_id, _ in advance.skip],
    }
    children = {row["id"] for row in database.execute(statements.CHILDREN_AMONG, values).fetchall()}
    common = {
        "tenant": advance.tenant_id,
        "since": [RunStatus.PENDING.value, RunStatus.QUEUED.value],
        "status": RunStatus.SKIPPED.value,
        "unknown": json_text([unknown_outcome(cancelled=False).to_json()]),
        "actor": "orchestrator",
        "action": "skip",
    }
    ends = [
        {**common, "runs": [run_id], "reason": storable_text(reason)}
        for run_id, reason in advance.skip
        if run_id in children
    ]
    with database.cursor() as cursor:
        cursor.executemany(statements.END_RUNS, ends)  # one round trip for all of them
