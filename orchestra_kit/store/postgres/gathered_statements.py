"""The hot statements for several runs of one tenant at once, for requests that travel together (gathering.py).

What each does to one run is what its namesake in statements.py does; a request that is not among the rows wrote nothing.
Runs are locked in the order of their ids, as everybody does who locks several. Step rows are looked up in a scalar
sub-select, which the planner does not turn into a join: on a new database it would read all rows of the tenant.
"""

# ruff: noqa: S608  # statements are put together from constants; values are always parameters
from __future__ import annotations

from orchestra_kit.store.postgres.statements import AUDIT, CLAIMED, EXTENDED, FIRST_ANNOUNCED, INTENT_COLUMNS

CLAIM_RUNS = f"""
WITH asked AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(requests)s::jsonb) AS a(number integer, run text, worker text, token text)
), free AS (
  SELECT r.id FROM test_run r
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s) AND r.status = 'QUEUED'
  ORDER BY r.id FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE test_run r SET
    status = 'IN_PROGRESS', locked_by = a.worker, claim_token = a.token, {EXTENDED}, lease_epoch = r.lease_epoch + 1,
    started_at = coalesce(r.started_at, clock_timestamp())
  FROM free JOIN asked a ON a.run = free.id
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s) AND r.id = free.id
  RETURNING r.*, a.number
), announced AS (
  {FIRST_ANNOUNCED}
), noted AS (
  {AUDIT}
  SELECT tenant_id, gen_random_uuid()::text, locked_by, 'claim', 'TestRun', id,
    '{{"from": "QUEUED", "to": "IN_PROGRESS"}}', clock_timestamp()
  FROM claimed
)
SELECT number, {CLAIMED}"""
"""Takes QUEUED runs. One that is its caller's already (an answer was lost) is left to CLAIM."""

COMMIT_STEPS = f"""
WITH asked AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(requests)s::jsonb) AS a(
    number integer, run text, worker text, epoch integer, alias text, iteration integer,
    attempt integer, status text, started_at timestamptz, finished_at timestamptz, duration_ms integer,
    status_code integer, payload jsonb, violations jsonb, sealed text, next_alias text, next_iteration integer,
    next_attempt integer, next_order_index integer, next_step text, next_key text)
  WHERE (SELECT true FROM test_step_result s WHERE s.tenant_id = %(tenant)s AND s.run_id = a.run
    AND s.step_alias = a.alias AND s.iteration = a.iteration AND s.attempt = a.attempt)
), mine AS (
  SELECT r.id FROM test_run r JOIN asked a ON r.id = a.run AND r.locked_by = a.worker AND r.lease_epoch = a.epoch
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s) AND r.status = 'IN_PROGRESS'
  ORDER BY r.id FOR NO KEY UPDATE OF r
), held AS (
  UPDATE test_run r SET {EXTENDED}
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(ARRAY(SELECT id FROM mine))
  RETURNING r.id, r.locked_by, r.lease_epoch, r.cancel_requested
), guarded AS (
  SELECT a.*, h.cancel_requested FROM asked a
  JOIN held h ON h.id = a.run AND h.locked_by = a.worker AND h.lease_epoch = a.epoch
), recorded AS (
  UPDATE test_step_result s SET
    status = g.status, started_at = g.started_at, finished_at = g.finished_at, duration_ms = g.duration_ms,
    actual_status_code = g.status_code, payload = g.payload, violations = g.violations, sealed = g.sealed
  FROM guarded g
  WHERE s.tenant_id = %(tenant)s AND s.run_id = g.run AND s.step_alias = g.alias AND s.iteration = g.iteration
    AND s.attempt = g.attempt AND s.status = 'RUNNING'
), announced AS (
  INSERT INTO test_step_result ({INTENT_COLUMNS})
  SELECT %(tenant)s, run, next_alias, next_iteration, next_attempt, next_order_index, run, next_step, next_key,
    'RUNNING', clock_timestamp()
  FROM guarded WHERE next_alias IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT number, cancel_requested FROM guarded"""
"""COMMIT_STEP for several runs at once, in one commit. A commit that is not among the rows wrote nothing."""

FINISH_RUNS = f"""
WITH asked AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(requests)s::jsonb) AS a(
    number integer, run text, worker text, epoch integer, status text, reason text, unknown jsonb)
), mine AS (
  SELECT r.id FROM test_run r JOIN asked a ON r.id = a.run AND r.locked_by = a.worker AND r.lease_epoch = a.epoch
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s) AND r.status = 'IN_PROGRESS' AND r.suite_run_id IS NULL
  ORDER BY r.id FOR NO KEY UPDATE OF r
), held AS (
  UPDATE test_run r SET status = a.status, status_reason = a.reason, finished_at = clock_timestamp(),
    locked_by = NULL, lock_until = NULL
  FROM asked a
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(ARRAY(SELECT id FROM mine)) AND r.id = a.run
    AND r.locked_by = a.worker AND r.lease_epoch = a.epoch
  RETURNING r.id, a.number, a.worker, a.status, a.reason, a.unknown
), closed AS (
  UPDATE test_step_result s SET status = 'SKIPPED', finished_at = clock_timestamp(), violations = held.unknown
  FROM held
  WHERE s.tenant_id = %(tenant)s AND s.run_id = ANY(%(runs)s) AND s.run_id = held.id AND s.status = 'RUNNING'
), noted AS (
  {AUDIT}
  SELECT %(tenant)s, gen_random_uuid()::text, worker, 'finish', 'TestRun', id,
    jsonb_strip_nulls(jsonb_build_object('from', 'IN_PROGRESS', 'to', status, 'reason', reason)), clock_timestamp()
  FROM held
)
SELECT number FROM held"""
"""FINISH_ALONE for several runs: of no suite run, nothing skipped, exported or aborted."""
