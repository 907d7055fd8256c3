"""A run in memory: what the engine gives a driver, with a ledger that outlives drives, and counted acts."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest

from orchestra_kit.errors import OrchestraError
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
CONNECT = "from orchestra_kit.notebook.kernel_client import connect, step, summary\nconnect()"
KERNELSPEC = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
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
        self.last_alias: str | None = None
        self.changes: dict[str, Any] = {}

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
        go_on = (not failed or self.plan.mode is RunMode.RUN_ALL_STEPS) and alias != self.last_alias
        return StepOutcome(result=result, replayed=replayed, go_on=go_on)

    def _result(self, alias: str) -> StepResult:
        failed = alias in self.failing
        violation = Violation(type=ViolationType.HTTP_ERROR, code="status", message=f"{alias} answered 500, not 200")
        result = StepResult(
            tenant_id="local", run_id=self.run.id, origin_run_id=self.run.id, step_id=alias, step_alias=alias,
            idempotency_key=f"{alias}.1", started_at=NOW, duration_ms=3,
            status=StepStatus.FAILED if failed else StepStatus.PASSED,
            request={"method": "POST", "path": f"/{alias}"}, actual_status_code=500 if failed else 200,
            response_body=self.body if self.body is not None else {"order": alias},
            violations=(violation,) if failed else (), sealed="SEALED-VALUE",
        )  # fmt: skip
        return result.model_copy(update=self.changes)


class WatchedLauncher(ColdLauncher):
    """Cold kernels one can get hold of."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kernels: list[Any] = []

    def launch(self, request: Any) -> Any:
        kernel = super().launch(request)
        self.kernels.append(kernel)
        return kernel


@pytest.fixture
def session() -> MemorySession:
    return MemorySession()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets, whatever pytest's own is."""
    with tempfile.TemporaryDirectory(prefix="o") as name:
        yield Path(name)


@pytest.fixture
def launcher() -> WatchedLauncher:
    return WatchedLauncher()


@pytest.fixture
def driver(tmp_path: Any, launcher: WatchedLauncher) -> NotebookDriver:
    return NotebookDriver(NotebookSettings(folder=tmp_path / "notebooks", launcher=launcher))


@pytest.fixture
def run_cells(tmp_path: Any, launcher: WatchedLauncher) -> Callable[..., Any]:
    """Drive hand-written cells after a connected start; return the notebook, whatever became of the run."""
    import nbformat.v4

    def run(session: MemorySession, *sources: str, connect: bool = True, **settings: Any) -> Any:
        cells = [CONNECT, *sources] if connect else list(sources)

        def compose(_: Any) -> Any:
            made = [nbformat.v4.new_code_cell(text, id=f"cell-{number}") for number, text in enumerate(cells)]
            return nbformat.v4.new_notebook(cells=made, metadata=KERNELSPEC)

        given = {"folder": tmp_path / "notebooks", "launcher": launcher, "compose": compose, **settings}
        driver = NotebookDriver(NotebookSettings(**given))
        try:
            driver.drive(session)
        except OrchestraError as problem:
            run.problem = problem
        return read_notebook(driver, session.run.id)

    run.problem = None
    return run


def read_notebook(driver: NotebookDriver, run_id: str) -> Any:
    """Return the kept notebook, valid or failing the test."""
    notebook = nbformat.read(driver.notebook_path(run_id), as_version=4)
    nbformat.validate(notebook)
    return notebook


def output_text(notebook: Any, cell_id: str) -> str:
    """Return everything a cell put out, as text."""
    texts = []
    for output in next(cell for cell in notebook.cells if cell.id == cell_id).outputs:
        texts.append(output.get("text", "") + output.get("evalue", ""))
        texts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(texts)


@pytest.fixture
def read() -> Any:
    return lambda driver, run_id="0190-run": read_notebook(driver, run_id)


@pytest.fixture
def text_of() -> Any:
    return output_text


@pytest.fixture
def plan_of() -> Any:
    return make_plan


@pytest.fixture
def fresh_session() -> Any:
    return lambda run_id="0190-run", plan=None, epoch=1: MemorySession(plan, make_run(run_id, epoch=epoch))


@pytest.fixture
def run_of() -> Any:
    return make_run


@pytest.fixture
def engine() -> Any:
    """The engine's module, registered as the installed entry point would."""
    import papermill.engines

    from orchestra_kit.notebook import papermill_engine

    papermill.engines.papermill_engines.register("orchestra", papermill_engine.OrchestraEngine)
    return papermill_engine
