"""Rows to values and back. The hot path builds values without validating them again: the store wrote them itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from orchestra_kit.model import (
    Executor,
    RunMode,
    RunStatus,
    StepResult,
    StepStatus,
    SuiteRun,
    SuiteRunStatus,
    TestRun,
    Violation,
)
from orchestra_kit.spi.work import StepIntent

Row = Mapping[str, Any]

_PAYLOAD = {
    "definition_digest": "definitionDigest",
    "request": "request",
    "response_body": "responseBody",
    "response_headers": "responseHeaders",
    "db_result": "dbResult",
    "kafka_message": "kafkaMessage",
    "queue_message": "queueMessage",
    "settling_time_ms": "settlingTimeMs",
    "polls": "polls",
}
"""The fields of a result that lie in its payload, by their public names."""

RUN_COLUMNS = """tenant_id, id, scenario_id, scenario_key, scenario_version, suite_run_id, data_set_id, data_row_key,
  environment_id, mode, start_step_index, status, status_reason, priority, source_run_id, executor, created_at, started_at,
  finished_at, correlation_id, locked_by, lock_until, heartbeat_at, lease_epoch, recoveries, cancel_requested, blocked,
  created_by, triggered_by"""
_RUN_FIELDS = tuple(name.strip() for name in RUN_COLUMNS.split(","))

SUITE_RUN_COLUMNS = (
    "tenant_id, id, suite_id, status, context, created_at, started_at, finished_at, created_by, revision"
)

RESULT_COLUMNS = """tenant_id, run_id, step_alias, iteration, attempt, order_index, origin_run_id, step_id,
  idempotency_key, status, started_at, finished_at, duration_ms, actual_status_code, payload, violations, sealed"""
_RESULT_FIELDS = tuple(
    name.strip() for name in RESULT_COLUMNS.split(",") if name.strip() not in ("payload", "violations")
)


def run_of(row: Row) -> TestRun:
    """Return a run."""
    values = {name: row[name] for name in _RUN_FIELDS}
    values["mode"], values["status"] = RunMode(row["mode"]), RunStatus(row["status"])
    values["executor"], values["execution_context"] = Executor(row["executor"]), {}
    return TestRun.model_construct(**values)


def suite_run_of(row: Row) -> SuiteRun:
    """Return a suite run."""
    values = {name.strip(): row[name.strip()] for name in SUITE_RUN_COLUMNS.split(",")}
    values["status"] = SuiteRunStatus(row["status"])
    return SuiteRun.model_construct(**values)


def result_of(row: Row) -> StepResult:
    """Return a step result."""
    values = {name: row[name] for name in _RESULT_FIELDS}
    values["status"] = StepStatus(row["status"])
    payload = row["payload"] or {}
    for field, name in _PAYLOAD.items():
        values[field] = payload.get(name)
    violations = row["violations"] or ()
    values["violations"] = tuple(Violation.model_validate(item) for item in violations)
    return StepResult.model_construct(**values)


def result_values(result: StepResult) -> dict[str, Any]:
    """Return the column values of a result."""
    payload = {name: value for field, name in _PAYLOAD.items() if (value := getattr(result, field)) is not None}
    return {
        "tenant": result.tenant_id,
        "run": result.run_id,
        "alias": result.step_alias,
        "iteration": result.iteration,
        "attempt": result.attempt,
        "order_index": result.order_index,
        "origin": result.origin_run_id,
        "step": result.step_id,
        "key": result.idempotency_key,
        "status": result.status.value,
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        "duration_ms": result.duration_ms,
        "status_code": result.actual_status_code,
        "payload": json_text(payload),
        "violations": json_text([item.to_json() for item in result.violations]) if result.violations else None,
        "sealed": result.sealed,
    }


_NO_INTENT = {
    "next_alias": None,
    "next_iteration": None,
    "next_attempt": None,
    "next_order_index": None,
    "next_step": None,
    "next_key": None,
}


def intent_values(run_id: str, intent: StepIntent | None) -> dict[str, Any]:
    """Return the column values of the intent that comes next, all NULL for none."""
    if intent is None:
        return _NO_INTENT
    return {
        "next_alias": intent.step_alias,
        "next_iteration": intent.iteration,
        "next_attempt": intent.attempt,
        "next_order_index": intent.order_index,
        "next_step": intent.step_id,
        "next_key": intent.idempotency_key(run_id),
    }


_NOT_IN_JSON = ("payload", "violations", "unknown", "exports")
"""Values that are JSON text already."""


def commit_json(values: Mapping[str, Any]) -> str:
    """Return the values of a step commit as the JSON object that COMMIT_STEPS reads."""
    times = {name: values[name] and values[name].isoformat() for name in ("started_at", "finished_at")}
    return _request_json({**values, **times}, "payload", "violations")


def finish_json(values: Mapping[str, Any]) -> str:
    """Return the values of a finish as the JSON object that FINISH_RUNS reads."""
    return _request_json(values, "unknown")


def _request_json(values: Mapping[str, Any], *ready: str) -> str:
    plain = {name: value for name, value in values.items() if name not in _NOT_IN_JSON}
    return json_text(plain)[:-1] + "".join(f',"{name}":{values[name] or "null"}' for name in ready) + "}"


def intent_json(intent: StepIntent | None) -> str | None:
    """Return an intent as it is kept until the first claim."""
    if intent is None:
        return None
    names = ("step_id", "step_alias", "order_index", "iteration", "attempt")
    return json.dumps({name: getattr(intent, name) for name in names})


def json_text(value: Any) -> str:
    """Return JSON that jsonb takes: what systems under test sent may hold NUL, lone surrogates and NaN."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_storable(value), separators=(",", ":"))
    if "\\u0000" in text or "\\ud" in text:
        return json.dumps(_storable(value), separators=(",", ":"))
    return text


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {storable_text(str(name)): _storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def storable_text(text: str) -> str:
    """Return text that a text column takes."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
