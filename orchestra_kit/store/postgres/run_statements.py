"""The statements around runs that any surface may call, each with a sentence where its name does not say it all."""

# ruff: noqa: S608  # statements are put together from constants of this file; values are always parameters
from __future__ import annotations

from orchestra_kit.spi.runs import RunFilter
from orchestra_kit.store.postgres.rows import RESULT_COLUMNS, RUN_COLUMNS, SUITE_RUN_COLUMNS

SUBMITTED = (
    "tenant_id",
    "id",
    "scenario_id",
    "scenario_key",
    "scenario_version",
    "suite_run_id",
    "data_set_id",
    "data_row_key",
    "environment_id",
    "mode",
    "start_step_index",
    "priority",
    "source_run_id",
    "executor",
    "created_at",
    "correlation_id",
    "blocked",
    "created_by",
    "triggered_by",
)
_GIVEN = ", ".join(f"%({name})s" for name in SUBMITTED)

ADD_RUN = f"""
INSERT INTO test_run ({", ".join(SUBMITTED)}, status, depends_on, needs_position, first_intent, plan, position)
VALUES ({_GIVEN}, 'PENDING', %(depends_on)s, %(needs_position)s, %(first_intent)s, %(plan)s,
  (SELECT s.position FROM test_run s WHERE s.tenant_id = %(tenant_id)s AND s.id = %(reuse_from)s))"""
"""Stores a run; one that reuses results goes on from the positions of its source."""

REUSE_RESULTS = f"""
INSERT INTO test_step_result ({RESULT_COLUMNS})
SELECT DISTINCT ON (s.step_alias, s.iteration) s.tenant_id, %(id)s, s.step_alias, s.iteration, s.attempt, s.order_index,
  s.origin_run_id, s.step_id, s.idempotency_key, s.status, s.started_at, s.finished_at, s.duration_ms,
  s.actual_status_code, s.payload, s.violations, s.sealed
FROM test_step_result s
WHERE s.tenant_id = %(tenant_id)s AND s.run_id = %(reuse_from)s AND s.step_alias = ANY(%(reused)s)
  AND s.status <> 'RUNNING'
ORDER BY s.step_alias, s.iteration, s.attempt DESC"""
"""Copies the newest recorded attempts of the reused steps; each keeps the run it came from."""

ADD_SUITE_RUN = """
INSERT INTO suite_run (tenant_id, id, suite_id, status, context, created_at, created_by)
VALUES (%(tenant)s, %(id)s, %(suite)s, 'PENDING', %(context)s, %(created_at)s, %(created_by)s)"""

RUN = f"SELECT {RUN_COLUMNS} FROM test_run WHERE tenant_id = %(tenant)s AND id = %(run)s"
PLAN = "SELECT plan::text AS plan FROM test_run WHERE tenant_id = %(tenant)s AND id = %(run)s"
RESULTS = f"SELECT {RESULT_COLUMNS} FROM test_step_result WHERE tenant_id = %(tenant)s AND run_id = %(run)s"

RESUME = """
UPDATE test_run SET status = 'PENDING', status_reason = NULL, finished_at = NULL, recoveries = 0, cancel_requested = false
WHERE tenant_id = %(tenant)s AND id = %(run)s AND status = 'FAILED_STUCK' RETURNING id"""

SUITE_RUN = f"SELECT {SUITE_RUN_COLUMNS} FROM suite_run WHERE tenant_id = %(tenant)s AND id = %(suite)s"
SUITE_RUNS = f"""
SELECT {SUITE_RUN_COLUMNS} FROM suite_run
WHERE tenant_id = %(tenant)s AND (%(suite)s::text IS NULL OR suite_id = %(suite)s)
ORDER BY id DESC LIMIT %(limit)s"""

CANCEL_SUITE_RUN = f"""
UPDATE suite_run u SET cancel_requested = true, revision = u.revision + 1,
  status = CASE WHEN open.runs = 0 THEN 'CANCELLED' ELSE u.status END,
  finished_at = CASE WHEN open.runs = 0 THEN clock_timestamp() END
FROM (SELECT count(*) AS runs FROM test_run WHERE tenant_id = %(tenant)s AND suite_run_id = %(suite)s
  AND status IN ('PENDING', 'QUEUED', 'IN_PROGRESS')) open
WHERE u.tenant_id = %(tenant)s AND u.id = %(suite)s
RETURNING {", ".join(f"u.{name.strip()}" for name in SUITE_RUN_COLUMNS.split(","))}"""
"""Ends a suite run at once, or asks its orchestrator to when a worker still holds one of its runs."""

ADD_REPORT = """
INSERT INTO test_run_report (tenant_id, id, run_id, suite_run_id, format, content, created_at)
VALUES (%(tenant)s, %(id)s, %(run)s, %(suite_run)s, %(format)s, %(content)s, %(created_at)s)"""

REPORT = """
SELECT tenant_id, id, run_id, suite_run_id, format, content, created_at FROM test_run_report
WHERE tenant_id = %(tenant)s AND (run_id = %(run)s OR suite_run_id = %(run)s) AND format = %(format)s
ORDER BY created_at DESC, id DESC LIMIT 1"""


def list_runs(query: RunFilter) -> str:
    """Return the statement that lists runs, with the conditions that are asked for only, so that plans stay simple.

    Newest first is the order of ids, which sort by time."""
    conditions = ["tenant_id = %(tenant)s"]
    if query.status is not None:
        conditions.append("status = %(status)s")
    if query.scenario_id is not None:
        conditions.append("scenario_id = %(scenario)s")
    if query.suite_run_id is not None:
        conditions.append("suite_run_id = %(suite_run)s")
    if query.before is not None:
        conditions.append("id < %(before)s")
    where = " AND ".join(conditions)
    return f"SELECT {RUN_COLUMNS} FROM test_run WHERE {where} ORDER BY id DESC LIMIT %(limit)s"
