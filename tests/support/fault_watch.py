"""What must hold after any fault, checked against a log of every change that triggers keep in the database itself.

`install_watch` before the first run, `find_breaches` after the fault. The log knows the connection that wrote, so that a
write under an old lease is seen even where its effect was undone since.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from counting_service import Service
from database import Urls
from psycopg.rows import dict_row
from worker_fleet import Fleet

_INSTALL = """
CREATE SCHEMA watch;
CREATE TABLE watch.change (
  n bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), writer text NOT NULL, what text NOT NULL,
  id text NOT NULL, was jsonb, now jsonb, active bigint);
CREATE FUNCTION watch.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE writer text := current_setting('application_name'); kept text[] := TG_ARGV[1]::text[]; was jsonb; now jsonb; run record;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    SELECT jsonb_object_agg(key, value) INTO was FROM jsonb_each(to_jsonb(OLD)) WHERE key = ANY(kept);
  END IF;
  SELECT jsonb_object_agg(key, value) INTO now FROM jsonb_each(to_jsonb(NEW)) WHERE key = ANY(kept);
  IF TG_TABLE_NAME = 'test_step_result' THEN
    SELECT r.locked_by, r.lease_epoch, r.status INTO run FROM test_run r WHERE r.tenant_id = NEW.tenant_id AND r.id = NEW.run_id;
    now := now || jsonb_build_object('holder', run.locked_by, 'run_status', run.status);
    INSERT INTO watch.change (writer, what, id, was, now) VALUES (writer, TG_ARGV[0], NEW.run_id, was, now);
  ELSE
    INSERT INTO watch.change (writer, what, id, was, now, active) VALUES (writer, TG_ARGV[0], NEW.id, was, now,
      CASE WHEN TG_TABLE_NAME = 'test_run' AND TG_OP = 'UPDATE' AND was ->> 'status' IS DISTINCT FROM now ->> 'status' THEN
        (SELECT count(*) FROM test_run a WHERE a.tenant_id = NEW.tenant_id AND a.status IN ('QUEUED', 'IN_PROGRESS')) END);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER watched AFTER INSERT OR UPDATE ON test_run FOR EACH ROW EXECUTE FUNCTION
  watch.note('run', '{status,locked_by,lease_epoch,recoveries,lock_until,cancel_requested}');
CREATE TRIGGER watched AFTER INSERT OR UPDATE ON test_step_result FOR EACH ROW EXECUTE FUNCTION
  watch.note('step', '{step_alias,iteration,attempt,status}');
CREATE TRIGGER watched AFTER INSERT OR UPDATE ON suite_run FOR EACH ROW EXECUTE FUNCTION watch.note('suite', '{status}');
"""

_TERMINAL = frozenset({"PASSED", "FAILED", "FAILED_STUCK", "CANCELLED", "SKIPPED"})
_ACTIVE = frozenset({"QUEUED", "IN_PROGRESS"})


@dataclass(frozen=True)
class Change:
    """One change of one row. `writer` is the name of the connection."""

    at: datetime
    writer: str
    what: str
    id: str
    was: dict[str, Any] | None
    now: dict[str, Any]
    active: int | None

    @property
    def move(self) -> tuple[str | None, str]:
        return (self.was or {}).get("status"), self.now["status"]


def install_watch(urls: Urls) -> None:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute(_INSTALL)


def rows(urls: Urls, statement: str, *values: Any) -> list[dict[str, Any]]:
    """Ask the database as its administrator, who sees all tenants."""
    with psycopg.connect(urls.admin, autocommit=True, row_factory=dict_row) as admin:
        return admin.execute(statement, values).fetchall()  # type: ignore[arg-type]


def changes(urls: Urls, what: str) -> list[Change]:
    found = rows(
        urls, "SELECT at, writer, what, id, was, now, active FROM watch.change WHERE what = %s ORDER BY n", what
    )
    return [Change(**row) for row in found]


def find_breaches(urls: Urls, fleet: Fleet, service: Service | None, *, zombies: bool = False) -> list[str]:
    """Return every breach of what must hold after any fault. `zombies`: workers were frozen, and may have sent a
    request after their run had gone on without them, which no lease can take back."""
    runs = {
        row["id"]: row
        for row in rows(urls, "SELECT *, jsonb_array_length(plan #> '{scenario,steps}') AS size FROM test_run")
    }
    steps = rows(urls, "SELECT * FROM test_step_result ORDER BY order_index, iteration, attempt")
    of_run, of_step, of_suite = changes(urls, "run"), changes(urls, "step"), changes(urls, "suite")
    return [
        *_unended(urls, runs),
        *_gaps(runs, steps),
        *_doubled(of_step),
        *_bad_moves(of_run),
        *_foreign_writes(of_run, of_step, fleet),
        *_over_limit(urls, of_run),
        *_unaudited(urls, of_run, of_suite),
        *_idle_transactions(urls),
        *(_bad_effects(service, runs, steps, zombies) if service is not None else []),
    ]


def _unended(urls: Urls, runs: dict[str, dict[str, Any]]) -> list[str]:
    left = [
        f"run {run['id']} has not ended: {run['status']}" for run in runs.values() if run["status"] not in _TERMINAL
    ]
    suites = rows(urls, "SELECT id, status FROM suite_run WHERE status IN ('PENDING', 'IN_PROGRESS')")
    return left + [f"suite run {row['id']} has not ended: {row['status']}" for row in suites]


def _gaps(runs: dict[str, dict[str, Any]], steps: list[dict[str, Any]]) -> list[str]:
    found = []
    places: dict[str, set[int]] = defaultdict(set)
    attempts: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for step in steps:
        places[step["run_id"]].add(step["order_index"])
        attempts[(step["run_id"], step["step_alias"], step["iteration"])].append(step["attempt"])
        if step["status"] == "RUNNING" and runs[step["run_id"]]["status"] in _TERMINAL - {"FAILED_STUCK"}:
            found.append(f"step {step['step_alias']} of the ended run {step['run_id']} is still RUNNING")
    for run, seen in places.items():
        if seen != set(range(len(seen))):
            found.append(f"run {run} has a gap in its steps: {sorted(seen)}")
    for step, seen_attempts in attempts.items():
        if seen_attempts != list(range(1, len(seen_attempts) + 1)):
            found.append(f"step {step} has attempts {seen_attempts}")
    for run_id, run in runs.items():
        if run["status"] == "PASSED" and len(places[run_id]) != run["size"]:
            found.append(f"run {run_id} passed with {len(places[run_id])} of {run['size']} steps")
    return found


def _doubled(of_step: list[Change]) -> list[str]:
    ends: Counter[tuple[Any, ...]] = Counter()
    found = []
    for change in of_step:
        was, now = change.move
        step = (change.id, change.now["step_alias"], change.now["iteration"], change.now["attempt"])
        if was not in (None, "RUNNING") and was != now:
            found.append(f"step {step} changed from {was} to {now}")
        ends[step] += now != "RUNNING" and was != now
    return found + [f"step {step} was recorded {count} times" for step, count in ends.items() if count > 1]


def _bad_moves(of_run: list[Change]) -> list[str]:
    found = []
    for change in of_run:
        if change.was is None:
            continue
        old, new = change.was, change.now
        raised = new["lease_epoch"] - old["lease_epoch"]
        claimed = change.move == ("QUEUED", "IN_PROGRESS")
        if raised != (1 if claimed else 0):
            found.append(f"run {change.id}: epoch {old['lease_epoch']} -> {new['lease_epoch']} in {change.move}")
        if old["status"] in _TERMINAL and change.move not in (
            (old["status"], old["status"]),
            ("FAILED_STUCK", "PENDING"),
        ):
            found.append(f"run {change.id} ended {old['status']} and became {new['status']}")
        if new["recoveries"] > old["recoveries"] and datetime.fromisoformat(old["lock_until"]) > change.at:
            found.append(f"run {change.id} was reaped before its lease ran out")
    return found


def _foreign_writes(of_run: list[Change], of_step: list[Change], fleet: Fleet) -> list[str]:
    """What only the holder of a lease may write: the lease itself, step rows, the end of the run."""
    pids = {worker.name: str(worker.pid) for worker in fleet.workers}

    def strange(writer: str, holder: str | None) -> bool:
        return writer in pids and holder is not None and holder.rsplit("-", 2)[1] != pids[writer]

    found = []
    for change in of_run:
        if change.was is None or change.was["status"] != "IN_PROGRESS":
            continue
        old, new = change.was, change.now
        expired = datetime.fromisoformat(old["lock_until"]) <= change.at
        reaped = expired and new["status"] != "IN_PROGRESS"
        asked = old["lock_until"] == new["lock_until"]
        if strange(change.writer, old["locked_by"]) and not reaped and not asked:
            found.append(f"run {change.id} of {old['locked_by']} was written by {change.writer}: {change.move}")
    for change in of_step:
        if change.now["status"] != "SKIPPED" and strange(change.writer, change.now["holder"]):
            found.append(f"a step of run {change.id} of {change.now['holder']} was written by {change.writer}")
        if change.was is None and change.now["run_status"] in _TERMINAL and change.now["status"] == "RUNNING":
            found.append(f"step {change.now['step_alias']} of run {change.id} began after its end")
    return found


def _over_limit(urls: Urls, of_run: list[Change]) -> list[str]:
    limits = [row["most"] for row in rows(urls, "SELECT (settings ->> 'maxParallelRuns')::int AS most FROM tenant")]
    most = max((change.active or 0 for change in of_run), default=0)
    return [f"{most} runs were active at once, the limit is {limits[0]}"] if limits and most > max(limits) else []


def _unaudited(urls: Urls, of_run: list[Change], of_suite: list[Change]) -> list[str]:
    moved = Counter(
        (change.id, *change.move) for change in of_run if change.was is not None and change.move[0] != change.move[1]
    )
    suites = Counter(
        (change.id, change.move[1]) for change in of_suite if change.was and change.move[0] != change.move[1]
    )
    noted: Counter[tuple[Any, ...]] = Counter()
    suites_noted: Counter[tuple[Any, ...]] = Counter()
    for row in rows(
        urls, "SELECT entity_type, entity_id, details ->> 'from' AS was, details ->> 'to' AS now FROM audit_log"
    ):
        if row["entity_type"] == "TestRun" and row["was"] is not None:
            noted[(row["entity_id"], row["was"], row["now"])] += 1
        elif row["entity_type"] == "SuiteRun" and row["now"] is not None:
            suites_noted[(row["entity_id"], row["now"])] += 1
    found = [
        f"{move} happened {count} times and is audited {noted[move]} times"
        for move, count in moved.items()
        if noted[move] != count
    ]
    found += [f"{move} is audited but never happened" for move in noted if move not in moved]
    return found + [f"suite run {move} is not audited" for move in suites if not suites_noted[move]]


def _idle_transactions(urls: Urls) -> list[str]:
    """Sessions that stay idle in one transaction; passing through that state is no breach."""
    statement = """SELECT pid, application_name, xact_start FROM pg_stat_activity
      WHERE datname = current_database() AND state LIKE 'idle in transaction%%' AND pid <> pg_backend_pid()"""
    deadline = time.monotonic() + 10
    seen = {(row["pid"], row["xact_start"]): row for row in rows(urls, statement)}
    while seen and time.monotonic() < deadline:
        time.sleep(0.1)
        now = {(row["pid"], row["xact_start"]) for row in rows(urls, statement)}
        seen = {key: row for key, row in seen.items() if key in now}
    return [f"session {row['pid']} of {row['application_name']} stays idle in a transaction" for row in seen.values()]


def _bad_effects(
    service: Service, runs: dict[str, dict[str, Any]], steps: list[dict[str, Any]], zombies: bool
) -> list[str]:
    found = []
    recorded = {step["idempotency_key"]: step for step in steps}
    for key, effects in service.by_key().items():
        bodies = {repr(effect.body) for effect in effects}
        if len(bodies) > 1:
            found.append(f"key {key} was sent with different bodies: {bodies}")
        step = recorded.get(key)
        if step is None:
            found.append(f"key {key} was sent without an intent on record")
            continue
        again = runs[step["run_id"]]["lease_epoch"]
        if len(effects) > again:
            found.append(f"key {key} was sent {len(effects)} times in {again} claims")
        ended = step["finished_at"]
        if ended is not None and not zombies and max(effect.at for effect in effects) > ended.timestamp():
            found.append(f"key {key} was sent again after its result was recorded")
    return found
