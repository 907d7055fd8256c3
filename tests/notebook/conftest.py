"""A run in memory: what the engine gives a driver, with a ledger that outlives drives, and counted acts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestra_kit.model import (
    ChannelType,
    EndpointRef,
    Environment,
    Executor,
    RunMode,
    ScenarioStep,
    StepKind,
    StepResult,
    StepStatus,
    TestRun,
    TestScenario,
    Violation,
    ViolationType,
)
from orchestra_kit.notebook.driver import NotebookDriver, NotebookSettings
from orchestra_kit.notebook.kernel_launcher import ColdLauncher
from orchestra_kit.spi.driver import StepOutcome
from orchestra_kit.spi.plan import RunPlan

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALIASES = ("check_stock", "reserve", "pay", "ship")


def make_plan(*aliases: str, name: str = "Order is shipped", mode: RunMode = RunMode.STOP_ON_FIRST_FAILURE) -> RunPlan:
    """Return a plan of HTTP steps."""
    steps = tuple(
        ScenarioStep(
            id=f"step-{index}",
            order_index=index,
            alias=alias,
            name=f"Do {alias}",
            kind=StepKind.ACTION,
            channel_type=ChannelType.HTTP_REST,
            endpoint_ref=EndpointRef(service_name="shop", endpoint_name=f"{alias}Operation"),
        )
        for index, alias in enumerate(aliases or ALIASES)
    )
    scenario = TestScenario(
        id="s", tenant_id="local", suite_id="suite", key="happy", name=name, steps=steps,
        created_at=NOW, created_by="t", updated_at=NOW, updated_by="t",
    )  # fmt: skip
    return RunPlan(scenario=scenario, environment=Environment(id="e", tenant_id="local", name="local"), mode=mode)


def make_run(run_id: str = "0190-run", *, epoch: int = 1) -> TestRun:
    """Return a claimed run."""
    return TestRun(
        id=run_id, tenant_id="local", scenario_id="s", scenario_key="happy", scenario_version=1,
        executor=Executor.NOTEBOOK, created_at=NOW, correlation_id="c", created_by="t", lease_epoch=epoch,
    )  # fmt: skip


class MemorySession:
    """A run session over `recorded`, which outlives it. `acts` counts effects, `asked` every request."""

    def __init__(self, plan: RunPlan | None = None, run: TestRun | None = None) -> None:
        self.plan = plan or make_plan()
        self.run = run or make_run()
        self.recorded: dict[str, StepResult] = {}
        self.acts: Counter[str] = Counter()
        self.asked: list[str] = []
        self.overrides: dict[str, Any] = {}
        self.failing: set[str] = set()
        self.before_act: Callable[[str], None] = lambda _: None
        self.after_record: Callable[[str], None] = lambda _: None
        self.body: Any = None
        self.stop = False

    @property
    def step_aliases(self) -> tuple[str, ...]:
        return tuple(step.alias for step in self.plan.scenario.steps)

    def stop_requested(self) -> bool:
        return self.stop

    def run_step(self, alias: str, *, iteration: int = 0, overrides: Any = None) -> StepOutcome:
        self.asked.append(alias)
        replayed = alias in self.recorded
        if not replayed:
            self.before_act(alias)
            self.acts[alias] += 1
            self.overrides[alias] = overrides
            self.recorded[alias] = self._result(alias)
            self.after_record(alias)
        result = self.recorded[alias]
        failed = result.status is StepStatus.FAILED
        go_on = not failed or self.plan.mode is RunMode.RUN_ALL_STEPS
        return StepOutcome(result=result, replayed=replayed, go_on=go_on)

    def _result(self, alias: str) -> StepResult:
        failed = alias in self.failing
        violation = Violation(type=ViolationType.HTTP_ERROR, code="status", message=f"{alias} answered 500, not 200")
        return StepResult(
            tenant_id="local", run_id=self.run.id, origin_run_id=self.run.id, step_id=alias, step_alias=alias,
            idempotency_key=f"{alias}.1", started_at=NOW, duration_ms=3,
            status=StepStatus.FAILED if failed else StepStatus.PASSED,
            request={"method": "POST", "path": f"/{alias}"}, actual_status_code=500 if failed else 200,
            response_body=self.body if self.body is not None else {"order": alias},
            violations=(violation,) if failed else (), sealed="SEALED-VALUE",
        )  # fmt: skip


class WatchedLauncher(ColdLauncher):
    """Cold kernels one can get hold of."""

    def __init__(self) -> None:
        self.kernels: list[Any] = []

    def launch(self, request: Any) -> Any:
        kernel = super().launch(request)
        self.kernels.append(kernel)
        return kernel


@pytest.fixture
def session() -> MemorySession:
    return MemorySession()


@pytest.fixture
def launcher() -> WatchedLauncher:
    return WatchedLauncher()


@pytest.fixture
def driver(tmp_path: Any, launcher: WatchedLauncher) -> NotebookDriver:
    return NotebookDriver(NotebookSettings(folder=tmp_path / "notebooks", launcher=launcher))
