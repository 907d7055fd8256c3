"""What came of a suite run, in one value: every surface reads its verdict, exit code and sentence from here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestra_kit.model import (
    ControlFlowGraph,
    RunStatus,
    ScenarioSuite,
    StepResult,
    StepStatus,
    SuiteRun,
    TestRun,
)
from orchestra_kit.reporting import Verdict, joint_verdict, verdict_of
from orchestra_kit.spi.plan import RunPlan

_WORDS = {
    Verdict.PASSED: "✓ passed",
    Verdict.VIOLATIONS: "✗ violations found",
    Verdict.COULD_NOT_JUDGE: "? could not judge",
    Verdict.NOT_RUN: "– not all was run",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """A run with its plan and all its results."""

    run: TestRun
    plan: RunPlan
    results: tuple[StepResult, ...]

    @property
    def verdict(self) -> Verdict:
        """What the run says about the system, as its report does."""
        return verdict_of(self.run.status, final_attempts(self.results))

    @property
    def label(self) -> str:
        """The scenario, and the data row where there is one."""
        return self.run.scenario_key + (f" [{self.run.data_row_key}]" if self.run.data_row_key else "")


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
    def verdict(self) -> Verdict:
        """What all runs say together; a suite that has not come to its end has not passed."""
        joint = joint_verdict([item.verdict for item in self.runs])
        return Verdict.COULD_NOT_JUDGE if joint is Verdict.PASSED and self.unfinished else joint

    @property
    def exit_code(self) -> int:
        """0 passed, 1 violations found, 3 could not judge."""
        return self.verdict.exit_code

    def sentence(self) -> str:
        """Return the verdict for people, in one or a few lines."""
        counts = Counter(item.run.status.value for item in self.runs)
        flaky = sum(any(result.status is StepStatus.FLAKY for result in item.results) for item in self.runs)
        parts = [f"{count} {status}" for status, count in sorted(counts.items())]
        if flaky:
            parts.append(f"{flaky} with a flaky step")
        lines = [f"{_WORDS[self.verdict]}: {len(self.runs)} runs, {', '.join(parts)}"]
        lines += [line for item in self.runs for line in _failure_lines(item)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict with every run and its violations."""
        return {
            "exitCode": self.exit_code,
            "verdict": self.verdict.value,
            "suiteRuns": [item.to_json() for item in self.suite_runs],
            "runs": [_run_json(item) for item in self.runs],
            "reports": [str(path) for path in self.written],
        }


def final_attempts(results: Sequence[StepResult]) -> list[StepResult]:
    """Return the last attempt of each step, in order."""
    last: dict[tuple[str, int], StepResult] = {}
    for result in results:
        key = (result.step_alias, result.iteration)
        if key not in last or result.attempt >= last[key].attempt:
            last[key] = result
    return list(last.values())


def _failure_lines(outcome: RunOutcome) -> list[str]:
    lines: list[str] = []
    for result in final_attempts(outcome.results):
        if result.status is StepStatus.FAILED and result.violations:
            first = result.violations[0]
            lines.append(f"  {outcome.label} / {result.step_alias}: {first.type.value} {first.code}: {first.message}")
    if not lines and outcome.run.status not in (RunStatus.PASSED, RunStatus.CANCELLED):
        lines.append(f"  {outcome.label}: {outcome.run.status.value} {outcome.run.status_reason or ''}".rstrip())
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
