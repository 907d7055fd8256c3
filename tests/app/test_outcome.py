"""One verdict: what a command exits with is what its report says."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from orchestra_kit.app.outcome import RunOutcome, SuiteOutcome
from orchestra_kit.model import Environment, RunStatus, StepResult, StepStatus, TestRun, TestScenario, Violation
from orchestra_kit.reporting import RunFacts, build_report
from orchestra_kit.spi.plan import RunPlan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCENARIO = TestScenario(
    id="sc", tenant_id="t", suite_id="su", key="k", created_at=NOW, created_by="a", updated_at=NOW, updated_by="a",
    steps=({"id": "st", "orderIndex": 0, "alias": "one", "kind": "ACTION", "channelType": "HTTP_REST"},),
)  # fmt: skip
PLAN = RunPlan(scenario=SCENARIO, environment=Environment(id="e", tenant_id="t", name="e"))
_numbers = itertools.count()


def result(status: str, *violations: str, attempt: int = 1) -> StepResult:
    return StepResult(
        tenant_id="t", run_id="r", origin_run_id="r", step_id="st", step_alias="one", attempt=attempt,
        idempotency_key=f"r.one.0.{attempt}", started_at=NOW, status=StepStatus(status),
        violations=tuple(Violation(type=kind, code="C", message=f"about {kind}") for kind in violations),
    )  # fmt: skip


def run(status: str, *results: StepResult) -> RunOutcome:
    made = TestRun(
        id=f"r{next(_numbers)}", tenant_id="t", scenario_id="sc", scenario_key="k", scenario_version=1,
        status=RunStatus(status), created_at=NOW, correlation_id="c", created_by="a", status_reason="because",
    )  # fmt: skip
    return RunOutcome(run=made, plan=PLAN, results=results)


def suite(*runs: RunOutcome, unfinished: bool = False) -> SuiteOutcome:
    return SuiteOutcome(suites=(), suite_runs=(), runs=runs, graphs={}, unfinished=unfinished)


PASSED = run("PASSED", result("PASSED"))
BROKEN = run("FAILED", result("FAILED", "HTTP_ERROR"))
UNJUDGED = run("FAILED", result("FAILED", "EXECUTION_ERROR"))
STUCK = run("FAILED_STUCK")
SKIPPED = run("SKIPPED")
CANCELLED = run("CANCELLED")
FLAKY = run("PASSED", result("FAILED", "HTTP_ERROR"), result("FLAKY", attempt=2))
MIXED = run("FAILED", result("FAILED", "EXECUTION_ERROR", "CONTRACT_VIOLATION"))
LATER = run("FAILED", result("FAILED", "HTTP_ERROR"), result("FAILED", "EXECUTION_ERROR", attempt=2))


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ((PASSED,), 0), ((FLAKY,), 0), ((BROKEN,), 1), ((MIXED,), 1), ((UNJUDGED,), 3), ((LATER,), 3), ((STUCK,), 3),
        ((CANCELLED,), 3), ((PASSED, SKIPPED), 3), ((PASSED, BROKEN, UNJUDGED), 1), ((BROKEN, SKIPPED), 1),
        ((PASSED, UNJUDGED), 3),
    ],
)  # fmt: skip
def test_command_and_report_say_the_same(runs: tuple[RunOutcome, ...], code: int) -> None:
    outcome = suite(*runs)
    facts = [RunFacts(run=item.run, plan=item.plan, results=item.results) for item in runs]
    report = build_report(facts, generated_at=NOW)
    assert outcome.exit_code == code
    assert outcome.to_json()["exitCode"] == code
    assert (report.exit_code, report.verdict) == (code, outcome.verdict)
    assert [item.verdict for item in report.runs] == [item.verdict for item in runs]


def test_nothing_run_or_not_ended_is_never_passed() -> None:
    assert suite().exit_code == 3
    assert suite(PASSED, unfinished=True).exit_code == 3
    assert suite(BROKEN, unfinished=True).exit_code == 1


def test_the_sentence_names_step_and_violation_of_the_last_attempt() -> None:
    said = suite(PASSED, BROKEN, FLAKY, STUCK).sentence().splitlines()
    assert said[0] == "✗ violations found: 4 runs, 1 FAILED, 1 FAILED_STUCK, 2 PASSED, 1 with a flaky step"
    assert said[1:] == ["  k / one: HTTP_ERROR C: about HTTP_ERROR", "  k: FAILED_STUCK because"]
