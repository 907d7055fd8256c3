"""What came of a suite run, in one value: every surface reads its verdict, exit code and sentence from here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestra_kit.errors import EXIT_CANNOT_JUDGE, EXIT_PASSED, EXIT_VIOLATIONS
from orchestra_kit.model import (
    ControlFlowGraph,
    RunStatus,
    ScenarioSuite,
    StepResult,
    StepStatus,
    SuiteRun,
    TestRun,
    ViolationType,
)
from orchestra_kit.spi.plan import RunPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """A run with its plan and all its results."""

    run: TestRun
    plan: RunPlan
    results: tuple[StepResult, ...]

    @property
    def could_not_judge(self) -> bool:
        """True when the run failed for our own reasons alone: no violation speaks about the system under test."""
        if self.run.status is RunStatus.FAILED_STUCK:
            return True
        types = {item.type for item in failed_violations(self.results)}
        return self.run.status is RunStatus.FAILED and types <= {ViolationType.EXECUTION_ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOutcome:
    """Suite runs (usually one) with all their runs."""

    suites: tuple[ScenarioSuite, ...]
    suite_runs: tuple[SuiteRun, ...]
    runs: tuple[RunOutcome, ...]
    graphs: dict[str, ControlFlowGraph]
    unfinished: bool = False
    written: tuple[Path, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 passed, 1 violations found, 3 could not judge."""
        failed = [item for item in self.runs if item.run.status in (RunStatus.FAILED, RunStatus.FAILED_STUCK)]
        if any(not item.could_not_judge for item in failed):
            return EXIT_VIOLATIONS
        unjudged = failed or self.unfinished or not self.runs
        if unjudged or any(item.run.status is not RunStatus.PASSED for item in self.runs):
            return EXIT_CANNOT_JUDGE
        return EXIT_PASSED

    def sentence(self) -> str:
        """Return the verdict for people, in one or a few lines."""
        counts = Counter(item.run.status.value for item in self.runs)
        flaky = sum(any(result.status is StepStatus.FLAKY for result in item.results) for item in self.runs)
        parts = [f"{count} {status}" for status, count in sorted(counts.items())]
        if flaky:
            parts.append(f"{flaky} with a flaky step")
        verdict = {EXIT_PASSED: "✓ passed", EXIT_VIOLATIONS: "✗ violations found"}.get(
            self.exit_code, "? could not judge"
        )
        lines = [f"{verdict}: {len(self.runs)} runs, {', '.join(parts)}"]
        lines += [line for item in self.runs for line in _failure_lines(item)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict with every run and its violations."""
        return {
            "exitCode": self.exit_code,
            "suiteRuns": [item.to_json() for item in self.suite_runs],
            "runs": [_run_json(item) for item in self.runs],
            "reports": [str(path) for path in self.written],
        }


def failed_violations(results: tuple[StepResult, ...]) -> list[Any]:
    """Return the violations of steps that failed in their last attempt."""
    last: dict[tuple[str, int], StepResult] = {}
    for result in results:
        key = (result.step_alias, result.iteration)
        if key not in last or result.attempt >= last[key].attempt:
            last[key] = result
    return [item for result in last.values() if result.status is StepStatus.FAILED for item in result.violations]


def _failure_lines(outcome: RunOutcome) -> list[str]:
    lines: list[str] = []
    name = outcome.run.scenario_key + (f" [{outcome.run.data_row_key}]" if outcome.run.data_row_key else "")
    for result in outcome.results:
        if result.status is StepStatus.FAILED and result.violations:
            first = result.violations[0]
            lines.append(f"  {name} / {result.step_alias}: {first.type.value} {first.code}: {first.message}")
    if not lines and outcome.run.status in (RunStatus.FAILED, RunStatus.FAILED_STUCK):
        lines.append(f"  {name}: {outcome.run.status.value} {outcome.run.status_reason or ''}".rstrip())
    return lines


def _run_json(outcome: RunOutcome) -> dict[str, Any]:
    run = outcome.run
    return {
        "id": run.id,
        "scenarioKey": run.scenario_key,
        "scenarioVersion": run.scenario_version,
        "dataRowKey": run.data_row_key,
        "status": run.status.value,
        "statusReason": run.status_reason,
        "steps": [
            {
                "alias": item.step_alias,
                "attempt": item.attempt,
                "status": item.status.value,
                "durationMs": item.duration_ms,
                "settlingTimeMs": item.settling_time_ms,
                "violations": [violation.to_json() for violation in item.violations],
            }
            for item in outcome.results
        ],
    }
