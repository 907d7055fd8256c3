"""What a report says, as values: its JSON form is the JSON report.

A report is built by `orchestra_kit.reporting.assembly` from what is recorded, and every format only shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from orchestra_kit.errors import EXIT_CANNOT_JUDGE, EXIT_PASSED, EXIT_VIOLATIONS
from orchestra_kit.model import (
    ChannelType,
    ControlFlowGraph,
    Correlation,
    RunMode,
    RunStatus,
    StepKind,
    StepResult,
    StepStatus,
    TestRun,
    ViolationType,
)
from orchestra_kit.model.base import Value
from orchestra_kit.spi.plan import RunPlan

REPORT_FORMAT = "orchestra-report/1"
Ratio = Field(ge=0.0, le=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """All that is recorded of one run: the run, the plan it was frozen with, and every attempt of every step."""

    run: TestRun
    plan: RunPlan
    results: tuple[StepResult, ...] = ()


class Verdict(StrEnum):
    """What a run or a suite says about the system under test, apart from its status."""

    PASSED = "PASSED"
    VIOLATIONS = "VIOLATIONS"
    COULD_NOT_JUDGE = "COULD_NOT_JUDGE"
    NOT_RUN = "NOT_RUN"

    @property
    def exit_code(self) -> int:
        """The exit code of the command that shows it."""
        if self is Verdict.PASSED:
            return EXIT_PASSED
        return EXIT_VIOLATIONS if self is Verdict.VIOLATIONS else EXIT_CANNOT_JUDGE


class ViolationReport(Value):
    """A violation, what it expected and got, and what to do about it."""

    type: ViolationType
    code: str
    message: str
    what_to_do: str
    expected: Any = None
    actual: Any = None
    pointer: str | None = None
    """Where in the observed body it stands, as a JSON pointer."""
    details: dict[str, Any] = {}
    settling_time_ms: int | None = None


class Observed(Value):
    """What came back, already redacted; only the parts of the step's channel are set."""

    status_code: int | None = None
    headers: dict[str, str] | None = None
    body: Any = None
    db_result: dict[str, Any] | None = None
    kafka_message: dict[str, Any] | None = None
    queue_message: dict[str, Any] | None = None


class AttemptReport(Value):
    """One try of a step."""

    attempt: int
    status: StepStatus
    started_at: datetime
    start_offset_ms: int = Field(ge=0)
    duration_ms: int = Field(ge=0)
    idempotency_key: str
    request: dict[str, Any] | None = None
    observed: Observed = Observed()
    violations: tuple[ViolationReport, ...] = ()
    settling_time_ms: int | None = None
    polls: int | None = None


class Expectation(Value):
    """One thing a step expects, in words or as an expression."""

    kind: str
    text: str


class StepReport(Value):
    """One step of a run at one iteration, with all its attempts."""

    order_index: int
    alias: str
    iteration: int = 0
    name: str = ""
    kind: StepKind | None = None
    channel_type: ChannelType | None = None
    service_name: str | None = None
    endpoint_name: str | None = None
    element_id: str | None = None
    element_name: str | None = None
    flow_ids: tuple[str, ...] = ()
    status: StepStatus
    could_not_judge: bool = False
    reason: str | None = None
    """Why it has no result, when it has none."""
    expected: tuple[Expectation, ...] = ()
    correlation: Correlation | None = None
    timeout_ms: int | None = None
    start_offset_ms: int | None = None
    duration_ms: int = 0
    settling_time_ms: int | None = None
    polls: int | None = None
    reused_from_run: str | None = None
    attempts: tuple[AttemptReport, ...] = ()

    @property
    def label(self) -> str:
        """The name for people, never blank, with the iteration of a repeated step."""
        name = self.name.strip() or self.element_name or self.alias
        return f"{name} (round {self.iteration + 1})" if self.iteration else name

    @property
    def last(self) -> AttemptReport | None:
        """The attempt that counts."""
        return self.attempts[-1] if self.attempts else None

    @property
    def violations(self) -> tuple[ViolationReport, ...]:
        """The violations of the attempt that counts."""
        return self.last.violations if self.last else ()


class CoverageCount(Value):
    """How many of how many; the ratio of nothing to nothing is 1."""

    covered: int = Field(ge=0)
    total: int = Field(ge=0)
    ratio: float = Ratio

    @classmethod
    def of(cls, covered: int, total: int) -> CoverageCount:
        """Return the count with its ratio."""
        return cls(covered=covered, total=total, ratio=covered / total if total else 1.0)


class LeftOut(Value):
    """Something that counts in no denominator, and why."""

    id: str
    why: str


class ProcessCoverage(Value):
    """What of one process was covered, in the order of the file. What no run can take is left out, and said."""

    process_id: str
    name: str = ""
    model: str = ""
    """Which of several models of a report holds it."""
    planned: bool = False
    """True when a scenario of this report leads through the process: only such processes count in the total."""
    counted: bool = True
    """True when it counts in the total."""
    reason: str = ""
    """Why it does not count in the total, when it does not."""
    nodes: CoverageCount
    flows: CoverageCount
    covered_nodes: tuple[str, ...] = ()
    covered_flows: tuple[str, ...] = ()
    missed_nodes: tuple[str, ...] = ()
    missed_flows: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Coverage(Value):
    """Covered elements of the processes the scenarios lead through, and of each process of the file."""

    nodes: CoverageCount
    flows: CoverageCount
    processes: tuple[ProcessCoverage, ...] = ()

    @property
    def covered(self) -> frozenset[str]:
        """The ids of all covered nodes and flows."""
        return frozenset(
            item for process in self.processes for item in (*process.covered_nodes, *process.covered_flows)
        )


class FailingPlace(Value):
    """The first step that failed: where in the process it stands and what was wrong first."""

    step_alias: str
    step_name: str
    order_index: int
    iteration: int = 0
    element_id: str | None = None
    element_name: str | None = None
    violation: ViolationReport | None = None


class EnvironmentReport(Value):
    """The environment a run met: its name, and where each service was."""

    id: str
    name: str
    services: dict[str, str] = {}
    databases: tuple[str, ...] = ()


class RunReport(Value):
    """One run of a scenario with one data row."""

    run_id: str
    scenario_id: str
    scenario_key: str
    scenario_name: str = ""
    scenario_version: int
    data_row_key: str | None = None
    status: RunStatus
    verdict: Verdict
    status_reason: str | None = None
    flaky: bool = False
    mode: RunMode
    executor: str
    source_run_id: str | None = None
    correlation_id: str
    created_by: str
    triggered_by: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int = Field(default=0, ge=0)
    recoveries: int = 0
    environment: EnvironmentReport
    data: dict[str, Any] = {}
    failing: FailingPlace | None = None
    steps: tuple[StepReport, ...] = ()
    planned_flows: tuple[str, ...] = ()
    model: str = ""
    """Which of several models of a report it ran on."""
    coverage: Coverage | None = None
    walks: dict[str, int] = {}
    """How often it walked each element and flow."""

    @property
    def label(self) -> str:
        """The case name: scenario key with the data row in brackets, never blank."""
        key = self.scenario_key.strip() or self.scenario_id.strip() or self.run_id
        return f"{key}[{self.data_row_key}]" if self.data_row_key else key


class ScenarioCoverage(Value):
    """What all runs of one scenario covered together."""

    scenario_key: str
    runs: int
    coverage: Coverage


class Counts(Value):
    """Runs by what they said."""

    total: int = 0
    passed: int = 0
    violations: int = 0
    could_not_judge: int = 0
    not_run: int = 0
    flaky: int = 0
    """Of those passed: passed only after a retry."""


class SuiteReport(Value):
    """The report: of a suite run, or of any set of runs, also of a single one."""

    format: str = REPORT_FORMAT
    title: str
    process_key: str
    suite_name: str = ""
    suite_run_id: str | None = None
    generated_at: datetime
    verdict: Verdict
    exit_code: int
    counts: Counts
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int = Field(default=0, ge=0)
    coverage: Coverage | None = None
    scenarios: tuple[ScenarioCoverage, ...] = ()
    runs: tuple[RunReport, ...] = ()
    walks: dict[str, dict[str, int]] = {}
    """How often all runs together walked each element and flow, by model (`""` when there is one)."""
    graph: ControlFlowGraph | None = Field(default=None, exclude=True)
    """What pictures are drawn from; no part of the JSON report."""
    graphs: dict[str, ControlFlowGraph] = Field(default={}, exclude=True)
    """The same where runs of several models are reported together."""

    @property
    def models(self) -> dict[str, ControlFlowGraph]:
        """The graphs by model; `""` is the only one where there are not several."""
        return self.graphs or ({"": self.graph} if self.graph is not None else {})
