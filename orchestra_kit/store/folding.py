"""What every store derives from recorded results: the execution context, closed leftovers, read models without seals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from orchestra_kit.model import RunId, RunStatus, StepResult, StepStatus, TestRun, Violation, ViolationType
from orchestra_kit.spi.runs import RunSubmission
from orchestra_kit.spi.work import StepIntent

_PROTOCOL_FIELDS = ("db_result", "kafka_message", "queue_message")


def result_order(result: StepResult) -> tuple[int, str, int, int]:
    """Return the place of a result in its run: order index, alias, iteration, attempt."""
    return (result.order_index, result.step_alias, result.iteration, result.attempt)


def fold_context(results: Iterable[StepResult]) -> dict[str, Any]:
    """Return the execution context `{steps: {alias: {...}}}` of the newest recorded attempt of each step."""
    steps: dict[str, Any] = {}
    for result in sorted(results, key=result_order):
        if result.status is not StepStatus.RUNNING:
            steps[result.step_alias] = _context_of(result)
    return {"steps": steps}


def _context_of(result: StepResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "status": result.status.value,
        "iteration": result.iteration,
        "attempt": result.attempt,
        "originRunId": result.origin_run_id,
        "response": {
            "status": result.actual_status_code,
            "headers": result.response_headers or {},
            "body": result.response_body,
        },
    }
    for field, name in zip(_PROTOCOL_FIELDS, ("dbResult", "kafkaMessage", "queueMessage"), strict=True):
        value = getattr(result, field)
        if value is not None:
            entry[name] = value
    return entry


def without_seal(result: StepResult) -> StepResult:
    """Return the result as everybody but a worker may see it."""
    return result if result.sealed is None else result.model_copy(update={"sealed": None})


def running_result(run: TestRun, intent: StepIntent, started_at: datetime) -> StepResult:
    """Return the RUNNING row that an intent is recorded as."""
    return StepResult.model_validate(
        {
            "tenant_id": run.tenant_id,
            "run_id": run.id,
            "origin_run_id": run.id,
            "step_id": intent.step_id,
            "step_alias": intent.step_alias,
            "order_index": intent.order_index,
            "iteration": intent.iteration,
            "attempt": intent.attempt,
            "idempotency_key": intent.idempotency_key(run.id),
            "started_at": started_at,
            "status": StepStatus.RUNNING,
        }
    )


def unknown_outcome(*, cancelled: bool) -> Violation:
    """Return why a step that was under way when its run ended is SKIPPED: nobody knows whether it took effect."""
    cause = "the run was cancelled" if cancelled else "the run ended"
    return Violation(
        type=ViolationType.EXECUTION_ERROR,
        code="CANCELLED" if cancelled else "UNFINISHED",
        message=f"{cause} while this step was under way; whether it took effect is unknown.",
    )


def reused_results(results: Iterable[StepResult], aliases: Sequence[str], run_id: str) -> tuple[StepResult, ...]:
    """Return the newest recorded attempt of each iteration of `aliases`, as results of `run_id` that keep their origin."""
    wanted, newest = frozenset(aliases), {}
    for result in sorted(results, key=result_order):
        if result.step_alias in wanted and result.status is not StepStatus.RUNNING:
            newest[(result.step_alias, result.iteration)] = result
    return tuple(result.model_copy(update={"run_id": RunId(run_id)}) for result in newest.values())


def intent_of(result: StepResult) -> StepIntent:
    """Return the intent a RUNNING row stands for."""
    return StepIntent(
        step_id=result.step_id,
        step_alias=result.step_alias,
        order_index=result.order_index,
        iteration=result.iteration,
        attempt=result.attempt,
    )


def open_intent(results: Iterable[StepResult]) -> StepIntent | None:
    """Return the earliest intent whose outcome is not recorded, or None."""
    open_rows = sorted((item for item in results if item.status is StepStatus.RUNNING), key=result_order)
    return intent_of(open_rows[0]) if open_rows else None


def fresh_run(submission: RunSubmission) -> TestRun:
    """Return the run as it is stored first: PENDING, free, without a past."""
    return submission.run.model_copy(
        update={
            "status": RunStatus.PENDING,
            "status_reason": None,
            "started_at": None,
            "finished_at": None,
            "locked_by": None,
            "lock_until": None,
            "heartbeat_at": None,
            "lease_epoch": 0,
            "recoveries": 0,
            "cancel_requested": False,
            "blocked": bool(submission.depends_on) or submission.run.blocked,
            "execution_context": {},
        }
    )
