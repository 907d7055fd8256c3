"""Small values that tests of stores are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestra_kit.model import (
    Environment,
    RunStatus,
    ScenarioStep,
    ScenarioSuite,
    StepKind,
    StepResult,
    StepStatus,
    SuiteRun,
    TestRun,
    TestScenario,
    new_id,
)
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.runs import RunSubmission
from orchestra_kit.spi.work import ClaimedRun, StepCommit, StepIntent

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class StepClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def a_suite(tenant: str, key: str = "orders", **more: Any) -> ScenarioSuite:
    return ScenarioSuite(
        id=new_id(), tenant_id=tenant, key=key, name=key.title(), created_at=START, created_by="x", **more
    )


def a_scenario(tenant: str, suite_id: str, key: str = "happy", *, steps: int = 3, **more: Any) -> TestScenario:
    return TestScenario(
        id=new_id(),
        tenant_id=tenant,
        suite_id=suite_id,
        key=key,
        steps=tuple(
            ScenarioStep(id=f"id-{n}", order_index=n, alias=f"step{n}", kind=StepKind.ACTION) for n in range(steps)
        ),
        created_at=START,
        created_by="x",
        updated_at=START,
        updated_by="x",
        **more,
    )


def an_environment(tenant: str, name: str = "test", **more: Any) -> Environment:
    return Environment(id=new_id(), tenant_id=tenant, name=name, **more)


def an_intent(number: int = 0, *, attempt: int = 1, iteration: int = 0) -> StepIntent:
    return StepIntent(
        step_id=f"id-{number}", step_alias=f"step{number}", order_index=number, iteration=iteration, attempt=attempt
    )


def a_submission(scenario: TestScenario, environment: Environment, **more: Any) -> RunSubmission:
    """A run from its first step; `run` fields and submission fields may be given by name."""
    fields = {name: more.pop(name) for name in list(more) if name in TestRun.model_fields}
    plan = more.pop("plan", None) or RunPlan(scenario=scenario, environment=environment)
    run = TestRun.model_validate(
        {
            "id": new_id(),
            "tenant_id": scenario.tenant_id,
            "scenario_id": scenario.id,
            "scenario_key": scenario.key,
            "scenario_version": scenario.version,
            "environment_id": environment.id,
            "created_at": START,
            "correlation_id": new_id(),
            "created_by": "ann",
            **fields,
        }
    )
    return RunSubmission(**{"run": run, "plan": plan, "first_intent": an_intent(), **more})


def a_suite_run(suite: ScenarioSuite) -> SuiteRun:
    return SuiteRun(id=new_id(), tenant_id=suite.tenant_id, suite_id=suite.id, created_at=START, created_by="ann")


def a_result(claimed: ClaimedRun, intent: StepIntent, **more: Any) -> StepResult:
    """What an engine would commit for an intent."""
    return StepResult.model_validate(
        {
            "tenant_id": claimed.lease.tenant_id,
            "run_id": claimed.lease.run_id,
            "origin_run_id": claimed.lease.run_id,
            "step_id": intent.step_id,
            "step_alias": intent.step_alias,
            "order_index": intent.order_index,
            "iteration": intent.iteration,
            "attempt": intent.attempt,
            "idempotency_key": intent.idempotency_key(claimed.lease.run_id),
            "started_at": START,
            "finished_at": START + timedelta(milliseconds=20),
            "status": StepStatus.PASSED,
            "duration_ms": 20,
            "actual_status_code": 200,
            "response_body": {"id": 7, "text": "äöü 🎈"},
            "response_headers": {"content-type": "application/json"},
            **more,
        }
    )


def a_commit(claimed: ClaimedRun, intent: StepIntent, following: StepIntent | None, **more: Any) -> StepCommit:
    return StepCommit(
        lease=claimed.lease, result=a_result(claimed, intent, **more), next_intent=following, lease_seconds=30
    )


def caller_of(tenant: str, actor: str = "ann") -> Caller:
    return Caller(tenant_id=tenant, actor=actor)


WAITING = (RunStatus.PENDING, RunStatus.QUEUED)
