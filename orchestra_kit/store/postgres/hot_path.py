"""Claim, step commit and finish of a worker's runs, each alone or together with those of its other threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from orchestra_kit.model import RunStatus, StepResult, new_id
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.work import ClaimedRun, FinishRun, Lease, RunRef, StepCommit
from orchestra_kit.store.folding import open_intent, result_order, unknown_outcome
from orchestra_kit.store.postgres import gathered_statements, statements
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.gathering import Gathering
from orchestra_kit.store.postgres.rows import (
    commit_json,
    finish_json,
    intent_values,
    json_text,
    result_of,
    result_values,
    run_of,
    storable_text,
)
from orchestra_kit.store.transitions import lease_lost, unannounced

_Key = tuple[str, float]
"""What travels together: requests of one tenant that ask for the same seconds of lease."""

_Claim = tuple[str, str, str]
"""A run, the worker that wants it, and the token by which it finds its claim again when the answer was lost."""


class HotPath:
    """What every run asks of the store. `finish` ends the runs that no single statement can end."""

    def __init__(self, database: Database, *, finish: Callable[[FinishRun], None]) -> None:
        self._database, self._finish = database, finish
        self._claims: Gathering[_Key, _Claim, ClaimedRun | None] = Gathering(
            alone=self._claim_alone, together=self._claim_together
        )
        self._commits: Gathering[_Key, StepCommit, bool] = Gathering(
            alone=self._commit_alone, together=self._commit_together
        )
        self._finishes: Gathering[_Key, FinishRun, bool] = Gathering(
            alone=self._finish_alone, together=self._finish_together
        )

    def claim(self, ref: RunRef, *, worker_id: str, lease_seconds: float) -> ClaimedRun | None:
        """Take a QUEUED run; None when it is not to be had."""
        return self._claims.send((ref.tenant_id, lease_seconds), (ref.run_id, worker_id, new_id()))

    def commit(self, commit: StepCommit) -> bool:
        """Record a result and the next intent; True when somebody asked to cancel the run."""
        return self._commits.send((commit.lease.tenant_id, commit.lease_seconds), commit)

    def finish(self, finish: FinishRun) -> None:
        """End a run; raise LeaseLostError."""
        if finish.skipped or finish.exports or finish.abort_suite:
            self._finish(finish)
        else:
            self._finishes.send((finish.lease.tenant_id, 0.0), finish)

    def _claim_alone(self, key: _Key, claim: _Claim) -> ClaimedRun | None:
        tenant_id, lease_seconds = key
        run_id, worker_id, token = claim
        values = {"tenant": tenant_id, "run": run_id, "worker": worker_id, "token": token}
        rows = self._database.in_one_trip(tenant_id, statements.CLAIM, {**values, "lease_seconds": lease_seconds})
        return _claimed(rows[0], worker_id) if rows else None

    def _claim_together(self, key: _Key, claims: Sequence[_Claim]) -> list[ClaimedRun | None]:
        requests = [{"run": run, "worker": worker, "token": token} for run, worker, token in claims]
        rows = self._together(key, gathered_statements.CLAIM_RUNS, [json_text(item) for item in requests], requests)
        return [
            _claimed(row, claims[number][1]) if (row := rows.get(number)) else None for number in range(len(claims))
        ]

    def _commit_alone(self, key: _Key, commit: StepCommit) -> bool:
        tenant_id, lease_seconds = key
        values = {**_commit_values(commit), "lease_seconds": lease_seconds}
        rows = self._database.in_one_trip(tenant_id, statements.COMMIT_STEP, values)
        if not rows:
            held = self._database.in_one_trip(tenant_id, statements.IS_HELD, lease_values(commit.lease))
            raise unannounced(commit) if held else lease_lost(commit.lease)
        return bool(rows[0]["cancel_requested"])

    def _commit_together(self, key: _Key, commits: Sequence[StepCommit]) -> list[bool | None]:
        requests = [_commit_values(commit) for commit in commits]
        rows = self._together(key, gathered_statements.COMMIT_STEPS, [commit_json(item) for item in requests], requests)
        return [bool(row["cancel_requested"]) if (row := rows.get(n)) else None for n in range(len(commits))]

    def _finish_alone(self, key: _Key, finish: FinishRun) -> bool:
        if not self._database.in_one_trip(key[0], statements.FINISH_ALONE, finish_values(finish)):
            self._finish(finish)
        return True

    def _finish_together(self, key: _Key, finishes: Sequence[FinishRun]) -> list[bool | None]:
        requests = [finish_values(finish) for finish in finishes]
        texts = [finish_json(item) for item in requests]
        rows = self._together(key, gathered_statements.FINISH_RUNS, texts, requests)
        return [True if number in rows else None for number in range(len(finishes))]

    def _together(
        self, key: _Key, statement: str, texts: Sequence[str], requests: Sequence[dict[str, Any]]
    ) -> dict[int, dict[str, Any]]:
        """Return the rows by the number of their request."""
        tenant_id, lease_seconds = key
        numbered = (f'{{"number":{number},{text[1:]}' for number, text in enumerate(texts))
        values = {
            "tenant": tenant_id,
            "lease_seconds": lease_seconds,
            "runs": [request["run"] for request in requests],
            "requests": f"[{','.join(numbered)}]",
        }
        return {row["number"]: row for row in self._database.in_one_trip(tenant_id, statement, values)}


def lease_values(lease: Lease) -> dict[str, Any]:
    """Return what guards a worker's write: tenant, run, owner and epoch."""
    return {"tenant": lease.tenant_id, "run": lease.run_id, "worker": lease.worker_id, "epoch": lease.epoch}


def unknown_text(status: RunStatus) -> str | None:
    """Return the violation that closes a step left under way; None where it stays open."""
    if status is RunStatus.FAILED_STUCK:
        return None  # its open intent stays: a resume repeats that attempt
    return json_text([unknown_outcome(cancelled=status is RunStatus.CANCELLED).to_json()])


def finish_values(finish: FinishRun) -> dict[str, Any]:
    """Return the column values of a finish."""
    return {
        **lease_values(finish.lease),
        "status": finish.status.value,
        "reason": None if finish.reason is None else storable_text(finish.reason),
        "unknown": unknown_text(finish.status),
        "exports": json_text(finish.exports or {}),
        "abort": finish.abort_suite,
    }


def _commit_values(commit: StepCommit) -> dict[str, Any]:
    return {
        **result_values(commit.result),
        **lease_values(commit.lease),
        **intent_values(commit.lease.run_id, commit.next_intent),
    }


def _claimed(row: dict[str, Any], worker_id: str) -> ClaimedRun:
    run = run_of(row)
    stored = {_attempt(item): item for item in (*(row["results"] or ()), *(row["announced"] or ()))}
    results = tuple(sorted((_result_from_json(item) for item in stored.values()), key=result_order))
    return ClaimedRun(
        lease=Lease(tenant_id=run.tenant_id, run_id=run.id, worker_id=worker_id, epoch=run.lease_epoch),
        run=run,
        plan=RunPlan.model_validate_json(row["plan"]),
        results=results,
        intent=open_intent(results),
        position=row["position"],
        suite_context=row["suite_context"],
    )


def _attempt(item: dict[str, Any]) -> tuple[str, int, int]:
    return (item["step_alias"], item["iteration"], item["attempt"])


def _result_from_json(item: dict[str, Any]) -> StepResult:
    times = {name: item[name] and datetime.fromisoformat(item[name]) for name in ("started_at", "finished_at")}
    return result_of({**item, **times})
