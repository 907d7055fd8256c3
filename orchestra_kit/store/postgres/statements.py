"""The hot statements, in sight, each with a sentence. Times are the server's (clock_timestamp()).

`tenant_id = %(tenant)s` stands beside row security on purpose: the policy protects, the condition says what is meant.
Keys are compared with parameters, not joined from a CTE, wherever they can be: then the index is used to its end also
before the first ANALYZE of a new database (joined, a claim read all runs of its tenant).
"""

# ruff: noqa: S608  # statements are put together from constants of this file; values are always parameters
from __future__ import annotations

from orchestra_kit.store.postgres.rows import RESULT_COLUMNS, RUN_COLUMNS

HELD = """r.tenant_id = %(tenant)s AND r.id = %(run)s AND r.locked_by = %(worker)s AND r.lease_epoch = %(epoch)s
    AND r.status = 'IN_PROGRESS'"""

EXTENDED = (
    """lock_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s), heartbeat_at = clock_timestamp()"""
)

AUDIT = "INSERT INTO audit_log (tenant_id, id, actor, action, entity_type, entity_id, details, created_at)"

INTENT_COLUMNS = """tenant_id, run_id, step_alias, iteration, attempt, order_index, origin_run_id, step_id,
    idempotency_key, status, started_at"""

_ANNOUNCED = f"""INSERT INTO test_step_result ({INTENT_COLUMNS})
  SELECT %(tenant)s, %(run)s, %(next_alias)s, %(next_iteration)s, %(next_attempt)s, %(next_order_index)s, %(run)s,
    %(next_step)s, %(next_key)s, 'RUNNING', clock_timestamp()
  FROM held WHERE %(next_alias)s::text IS NOT NULL
  ON CONFLICT DO NOTHING"""

FIRST_ANNOUNCED = f"""INSERT INTO test_step_result ({INTENT_COLUMNS})
  SELECT tenant_id, id, first_intent ->> 'step_alias', (first_intent ->> 'iteration')::integer,
    (first_intent ->> 'attempt')::integer, (first_intent ->> 'order_index')::integer, id, first_intent ->> 'step_id',
    concat_ws('.', id, first_intent ->> 'step_alias', first_intent ->> 'iteration', first_intent ->> 'attempt'),
    'RUNNING', clock_timestamp()
  FROM claimed WHERE first_intent IS NOT NULL AND NOT (needs_position AND position IS NULL)
  ON CONFLICT DO NOTHING
  RETURNING {RESULT_COLUMNS}"""
"""Records the first intent of what was `claimed`, unless positions have to be taken before it."""

CLAIMED = f"""{RUN_COLUMNS}, plan::text AS plan, position,
  (SELECT jsonb_agg(to_jsonb(a)) FROM announced a WHERE a.run_id = claimed.id) AS announced,
  (SELECT jsonb_agg(to_jsonb(s)) FROM test_step_result s
   WHERE s.tenant_id = claimed.tenant_id AND s.run_id = claimed.id) AS results,
  (SELECT u.context FROM suite_run u WHERE u.tenant_id = claimed.tenant_id AND u.id = claimed.suite_run_id) AS suite_context
FROM claimed"""
"""All that a worker needs to know of a run it has `claimed`; step rows written by this very statement are `announced`."""

CLAIM = f"""
WITH free AS (
  SELECT id, status FROM test_run
  WHERE tenant_id = %(tenant)s AND id = %(run)s
    AND (status = 'QUEUED' OR (status = 'IN_PROGRESS' AND claim_token = %(token)s))
  FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE test_run r SET
    status = 'IN_PROGRESS', locked_by = %(worker)s, claim_token = %(token)s, {EXTENDED},
    lease_epoch = r.lease_epoch + CASE WHEN free.status = 'QUEUED' THEN 1 ELSE 0 END,
    started_at = coalesce(r.started_at, clock_timestamp())
  FROM free WHERE r.tenant_id = %(tenant)s AND r.id = %(run)s
  RETURNING r.*, free.status AS status_before
), announced AS (
  {FIRST_ANNOUNCED}
), noted AS (
  {AUDIT}
  SELECT tenant_id, gen_random_uuid()::text, %(worker)s, 'claim', 'TestRun', id,
    '{{"from": "QUEUED", "to": "IN_PROGRESS"}}', clock_timestamp()
  FROM claimed WHERE status_before = 'QUEUED'
)
SELECT {CLAIMED}"""
"""Takes a QUEUED run, raises its epoch and records its first intent, in one commit. The token lets a caller whose
answer was lost find that the run is already its own."""

COMMIT_STEP = f"""
WITH held AS (
  UPDATE test_run r SET {EXTENDED}
  WHERE {HELD}
    AND EXISTS (SELECT FROM test_step_result s WHERE s.tenant_id = %(tenant)s AND s.run_id = %(run)s
      AND s.step_alias = %(alias)s AND s.iteration = %(iteration)s AND s.attempt = %(attempt)s)
  RETURNING r.cancel_requested
), recorded AS (
  UPDATE test_step_result s SET
    status = %(status)s, started_at = %(started_at)s, finished_at = %(finished_at)s, duration_ms = %(duration_ms)s,
    actual_status_code = %(status_code)s, payload = %(payload)s::jsonb, violations = %(violations)s::jsonb, sealed = %(sealed)s
  FROM held
  WHERE s.tenant_id = %(tenant)s AND s.run_id = %(run)s AND s.step_alias = %(alias)s
    AND s.iteration = %(iteration)s AND s.attempt = %(attempt)s AND s.status = 'RUNNING'
), announced AS (
  {_ANNOUNCED}
)
SELECT cancel_requested FROM held"""
"""Records a result and the next intent and extends the lease: one statement, one commit. No row: the lease is lost or
the step was never announced, and nothing is written. Again: the row is no longer RUNNING, nothing changes."""

BEGIN_STEP = f"""
WITH held AS (
  UPDATE test_run r SET {EXTENDED} WHERE {HELD} RETURNING r.id
), announced AS (
  {_ANNOUNCED}
)
SELECT id FROM held"""
"""Records the intent of a step that no commit announced."""

BEGIN_RUN = f"""
WITH held AS (
  UPDATE test_run r SET {EXTENDED}, position = coalesce(r.position, %(position)s::jsonb), first_intent = %(first_intent)s::jsonb
  WHERE {HELD} RETURNING r.id
), announced AS (
  {_ANNOUNCED}
)
SELECT id FROM held"""
"""Stores the positions taken before the first step, once, and records the first intent."""

IS_HELD = f"SELECT 1 FROM test_run r WHERE {HELD}"
"""Tells a lost lease from a step that was never announced."""

LOCK_SUITE_OF = """
SELECT u.id FROM suite_run u JOIN test_run r ON r.tenant_id = u.tenant_id AND r.suite_run_id = u.id
WHERE r.tenant_id = %(tenant)s AND r.id = %(run)s FOR NO KEY UPDATE OF u"""
"""Takes the suite run before its runs: everybody locks in this order, so nobody waits in a circle."""

FINISH = f"""
WITH held AS (
  UPDATE test_run r SET status = %(status)s, status_reason = %(reason)s, finished_at = clock_timestamp(),
    locked_by = NULL, lock_until = NULL
  WHERE {HELD}
  RETURNING r.id, r.tenant_id, r.suite_run_id, r.scenario_key
), closed AS (
  UPDATE test_step_result s SET status = 'SKIPPED', finished_at = clock_timestamp(), violations = %(unknown)s::jsonb
  FROM held WHERE s.tenant_id = %(tenant)s AND s.run_id = %(run)s AND s.status = 'RUNNING'
), noted AS (
  {AUDIT}
  SELECT %(tenant)s, gen_random_uuid()::text, %(worker)s, 'finish', 'TestRun', id,
    jsonb_strip_nulls(jsonb_build_object('from', 'IN_PROGRESS', 'to', %(status)s::text, 'reason', %(reason)s::text)),
    clock_timestamp()
  FROM held
), suite AS (
  UPDATE suite_run u SET revision = u.revision + 1, context = u.context || %(exports)s::jsonb,
    cancel_requested = u.cancel_requested OR %(abort)s
  WHERE u.tenant_id = %(tenant)s AND u.id = (SELECT suite_run_id FROM held)
)
SELECT suite_run_id, scenario_key FROM held"""
"""Ends a run once: status, leftovers closed, audit row, exports to its suite run."""

FINISH_ALONE = FINISH.replace(HELD, HELD + " AND r.suite_run_id IS NULL")
"""The same for a run of no suite run, where nothing need be locked first: one round trip."""

IS_FINISHED = """
SELECT 1 FROM test_run WHERE tenant_id = %(tenant)s AND id = %(run)s AND lease_epoch = %(epoch)s AND status = %(status)s"""
"""Recognises a finish or release whose answer was lost."""

ADD_RESULT = f"""
INSERT INTO test_step_result ({RESULT_COLUMNS})
VALUES (%(tenant)s, %(run)s, %(alias)s, %(iteration)s, %(attempt)s, %(order_index)s, %(origin)s, %(step)s, %(key)s,
  %(status)s, %(started_at)s, %(finished_at)s, %(duration_ms)s, %(status_code)s, %(payload)s::jsonb,
  %(violations)s::jsonb, %(sealed)s)
ON CONFLICT DO NOTHING"""
"""Adds the result of a step that was never reached, or one reused from another run."""

RELEASE = f"""
WITH held AS (
  UPDATE test_run r SET status = CASE WHEN r.cancel_requested THEN 'CANCELLED' ELSE 'QUEUED' END,
    queued_at = clock_timestamp(), locked_by = NULL, lock_until = NULL,
    finished_at = CASE WHEN r.cancel_requested THEN clock_timestamp() END
  WHERE {HELD} RETURNING r.id, r.status, r.suite_run_id
), closed AS (
  UPDATE test_step_result s SET status = 'SKIPPED', finished_at = clock_timestamp(), violations = %(unknown)s::jsonb
  FROM held WHERE s.tenant_id = %(tenant)s AND s.run_id = %(run)s AND s.status = 'RUNNING' AND held.status = 'CANCELLED'
), noted AS (
  {AUDIT}
  SELECT %(tenant)s, gen_random_uuid()::text, %(worker)s, CASE WHEN status = 'QUEUED' THEN 'release' ELSE 'cancel' END,
    'TestRun', id, jsonb_build_object('from', 'IN_PROGRESS', 'to', status), clock_timestamp()
  FROM held
), suite AS (
  UPDATE suite_run u SET revision = u.revision + 1
  WHERE u.tenant_id = %(tenant)s AND u.id = (SELECT suite_run_id FROM held WHERE status = 'CANCELLED')
)
SELECT status FROM held"""
"""Gives a run back without counting a recovery, or ends it when cancelling was asked for."""

EXTEND = f"""
WITH mine AS (
  SELECT r.id, r.lease_epoch FROM test_run r
  JOIN unnest(%(runs)s::text[], %(epochs)s::integer[]) AS held (run, epoch) ON r.id = held.run AND r.lease_epoch = held.epoch
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s) AND r.locked_by = %(worker)s AND r.status = 'IN_PROGRESS'
  ORDER BY r.id FOR NO KEY UPDATE OF r
)
UPDATE test_run r SET {EXTENDED}
WHERE r.tenant_id = %(tenant)s AND r.id = ANY(ARRAY(SELECT id FROM mine))
RETURNING r.id, r.lease_epoch, r.cancel_requested"""
"""Heartbeat for all runs of one worker and tenant; rows are locked in one order, so that two heartbeats cannot wait for
each other in a circle."""

TENANTS_WITH_DUE_RUNS = "SELECT tenant_id FROM orchestra_due_runs(%(limit)s) ORDER BY due_at"
WAITING_RUNS = "SELECT tenant_id, run_id, due_at FROM orchestra_waiting_runs(%(seconds)s, %(limit)s)"
EXPIRED_LEASES = "SELECT tenant_id, run_id, due_at FROM orchestra_expired_leases(%(limit)s)"
OPEN_SUITES = "SELECT tenant_id, run_id FROM orchestra_open_suites(%(limit)s)"

LOCK_SCHEDULING = "SELECT pg_advisory_xact_lock(hashtextextended('orchestra.schedule:' || %(tenant)s, 0))"
"""One scheduler at a time for one tenant; taken in a statement of its own, so that the next one sees what the last did."""

PROMOTE = f"""
WITH place AS (
  SELECT greatest(0, least(%(limit)s, (t.settings ->> 'maxParallelRuns')::integer - (
    SELECT count(*) FROM test_run a WHERE a.tenant_id = %(tenant)s AND a.status IN ('QUEUED', 'IN_PROGRESS')))) AS free
  FROM tenant t WHERE t.tenant_id = %(tenant)s
), due AS (
  SELECT r.id, row_number() OVER (ORDER BY r.priority DESC, r.created_at, r.id) AS turn FROM (
    SELECT id, priority, created_at FROM test_run
    WHERE tenant_id = %(tenant)s AND status = 'PENDING' AND NOT blocked
    ORDER BY priority DESC, created_at, id LIMIT (SELECT free FROM place) FOR NO KEY UPDATE) r
), queued AS (
  UPDATE test_run r SET status = 'QUEUED', queued_at = clock_timestamp()
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(ARRAY(SELECT id FROM due)) RETURNING r.id
), noted AS (
  {AUDIT}
  SELECT %(tenant)s, gen_random_uuid()::text, 'scheduler', 'queue', 'TestRun', id,
    '{{"from": "PENDING", "to": "QUEUED"}}', clock_timestamp() FROM queued
)
SELECT queued.id FROM queued JOIN due ON due.id = queued.id ORDER BY due.turn"""
"""Queues due runs, highest priority and oldest first, as far as the tenant's limit of queued and running ones allows."""

LOCK_EXPIRED = """
SELECT id, status, recoveries, cancel_requested, suite_run_id FROM test_run
WHERE tenant_id = %(tenant)s AND id = %(run)s AND status = 'IN_PROGRESS' AND lock_until < clock_timestamp()
FOR NO KEY UPDATE SKIP LOCKED"""
"""Takes a run whose lease has run out; a run that was taken over or extended meanwhile is left alone."""

REQUEUE = f"""
WITH orphan AS (
  UPDATE test_run r SET status = 'QUEUED', queued_at = clock_timestamp(), locked_by = NULL, lock_until = NULL,
    recoveries = r.recoveries + 1
  WHERE r.tenant_id = %(tenant)s AND r.id = %(run)s RETURNING r.id
)
{AUDIT}
SELECT %(tenant)s, gen_random_uuid()::text, 'reaper', 'reap', 'TestRun', id,
  '{{"from": "IN_PROGRESS", "to": "QUEUED"}}', clock_timestamp() FROM orphan"""
"""Puts an orphan back in line."""

END_RUNS = f"""
WITH ended AS (
  UPDATE test_run r SET status = %(status)s, status_reason = %(reason)s, finished_at = clock_timestamp(), locked_by = NULL,
    lock_until = NULL, blocked = false
  FROM (SELECT o.id, o.status FROM test_run o WHERE o.tenant_id = %(tenant)s AND o.id = ANY(%(runs)s)
    AND o.status = ANY(%(since)s) ORDER BY o.id FOR NO KEY UPDATE) before
  WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(runs)s) AND r.id = before.id
  RETURNING r.id, before.status AS status_before
), closed AS (
  UPDATE test_step_result s SET status = 'SKIPPED', finished_at = clock_timestamp(), violations = %(unknown)s::jsonb
  FROM ended WHERE %(unknown)s::jsonb IS NOT NULL AND s.tenant_id = %(tenant)s AND s.run_id = ANY(%(runs)s)
    AND s.run_id = ended.id AND s.status = 'RUNNING'
), noted AS (
  {AUDIT}
  SELECT %(tenant)s, gen_random_uuid()::text, %(actor)s, %(action)s, 'TestRun', id,
    jsonb_strip_nulls(jsonb_build_object('from', status_before, 'to', %(status)s::text, 'reason', %(reason)s::text)),
    clock_timestamp() FROM ended
)
SELECT id FROM ended"""
"""Ends runs that no worker will end: cancelled, skipped or stuck. `unknown` closes steps left under way (NULL: kept open
for a resume)."""

TOUCH_SUITE = "UPDATE suite_run SET revision = revision + 1 WHERE tenant_id = %(tenant)s AND id = %(suite)s"
"""Tells a suite run that one of its runs has moved."""

LOCK_SUITE = """
SELECT tenant_id, id, suite_id, status, context, created_at, started_at, finished_at, created_by, revision, cancel_requested
FROM suite_run WHERE tenant_id = %(tenant)s AND id = %(suite)s FOR NO KEY UPDATE"""
"""Takes a suite run."""

SUITE_CHILDREN = """
SELECT u.status AS suite_status, u.revision, u.cancel_requested AS suite_cancel_requested,
  r.id, r.scenario_key, r.status, r.blocked, r.depends_on
FROM suite_run u LEFT JOIN test_run r ON r.tenant_id = u.tenant_id AND r.suite_run_id = u.id
WHERE u.tenant_id = %(tenant)s AND u.id = %(suite)s ORDER BY r.created_at, r.id"""
"""A suite run and its runs as of one moment."""

UNBLOCK = """
UPDATE test_run SET blocked = false WHERE tenant_id = %(tenant)s AND id = ANY(%(runs)s) AND suite_run_id = %(suite)s
  AND status = 'PENDING'"""
"""Lets runs of a suite run go whose dependsOn are met."""

CHILDREN_AMONG = """
SELECT id FROM test_run WHERE tenant_id = %(tenant)s AND id = ANY(%(runs)s) AND suite_run_id = %(suite)s"""
"""Those of some runs that belong to a suite run."""

MOVE_SUITE = """
UPDATE suite_run SET status = %(status)s, revision = revision + 1, started_at = coalesce(started_at, clock_timestamp()),
  finished_at = CASE WHEN %(ended)s THEN clock_timestamp() END
WHERE tenant_id = %(tenant)s AND id = %(suite)s"""
"""Sets the status of a suite run; its first move starts it."""

ASK_CANCEL = """
UPDATE test_run SET cancel_requested = true
WHERE tenant_id = %(tenant)s AND id = ANY(%(runs)s) AND status = 'IN_PROGRESS' AND NOT cancel_requested
RETURNING id"""
"""Asks the workers of running runs to stop."""
