"""A run of N steps as our notebook against plain papermill with the same cells, both with a cold kernel.

Prints one JSON line; `ratio` is plain / ours, medians of interleaved rounds. papermill's side shows the same tables from
constant results, so that it neither asks a worker nor saves less than it would. Usage:
python bench/notebook_run.py [--steps 10] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from orchestra_kit.model import (  # noqa: E402 - run from a checkout
    ChannelType,
    EndpointRef,
    Environment,
    Executor,
    ScenarioStep,
    StepKind,
    StepResult,
    StepStatus,
    TestRun,
    TestScenario,
)
from orchestra_kit.notebook.driver import NotebookDriver, NotebookSettings  # noqa: E402
from orchestra_kit.notebook.generate import generate_notebook  # noqa: E402
from orchestra_kit.spi.driver import StepOutcome  # noqa: E402
from orchestra_kit.spi.plan import RunPlan  # noqa: E402

NOW = datetime(2026, 1, 1, tzinfo=UTC)

STAND_IN = """\
import sys
sys.path.insert(0, {root!r})
import json
from orchestra_kit.notebook.kernel_client import StepView, Summary

results = json.loads({results!r})
seen = []

def step(alias):
    seen.append(StepView({{"result": results[alias], "replayed": False, "goOn": True}}))
    return seen[-1]

def summary():
    return Summary(seen, list(results))"""


class TrivialSession:
    """A session whose steps cost nothing: what is measured is the notebook."""

    def __init__(self, plan: RunPlan, run: TestRun) -> None:
        self.plan, self.run = plan, run
        self.step_aliases = tuple(step.alias for step in plan.scenario.steps)

    def run_step(self, alias: str, *, iteration: int = 0, overrides: Any = None) -> StepOutcome:
        return StepOutcome(result=make_result(self.run, alias), replayed=False, go_on=True)


def make_result(run: TestRun, alias: str) -> StepResult:
    return StepResult(
        tenant_id=run.tenant_id, run_id=run.id, origin_run_id=run.id, step_id=alias, step_alias=alias,
        idempotency_key=alias, started_at=NOW, status=StepStatus.PASSED, duration_ms=3, actual_status_code=200,
        request={"method": "POST", "path": f"/{alias}"}, response_body={"order": alias},
    )  # fmt: skip


def make_plan(count: int) -> RunPlan:
    steps = tuple(
        ScenarioStep(
            id=f"s{index}", order_index=index, alias=f"step_{index}", kind=StepKind.ACTION,
            channel_type=ChannelType.HTTP_REST, endpoint_ref=EndpointRef(service_name="shop", endpoint_name="order"),
        )
        for index in range(count)
    )  # fmt: skip
    scenario = TestScenario(
        id="s", tenant_id="local", suite_id="x", key="bench", steps=steps,
        created_at=NOW, created_by="b", updated_at=NOW, updated_by="b",
    )  # fmt: skip
    return RunPlan(scenario=scenario, environment=Environment(id="e", tenant_id="local", name="bench"))


def write_plain(plan: RunPlan, run: TestRun, path: Path) -> None:
    import nbformat

    notebook = generate_notebook(plan, run)
    results = {step.alias: make_result(run, step.alias).to_json() for step in plan.scenario.steps}
    for cell in notebook.cells:
        if cell.id == "connect":
            cell.source = STAND_IN.format(root=str(ROOT), results=json.dumps(results))
    nbformat.write(notebook, path)


def measure(work: Any) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    import papermill

    plan = make_plan(options.steps)
    run = TestRun(
        id="bench-run", tenant_id="local", scenario_id="s", scenario_version=1, executor=Executor.NOTEBOOK,
        created_at=NOW, correlation_id="c", created_by="b",
    )  # fmt: skip
    figures: dict[str, list[float]] = {"ours": [], "plain": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        driver = NotebookDriver(NotebookSettings(folder=folder / "kept"))
        source, target = folder / "plain.ipynb", folder / "plain-out.ipynb"
        write_plain(plan, run, source)
        works = {
            "ours": lambda: driver.drive(TrivialSession(plan, run)),
            "plain": lambda: papermill.execute_notebook(str(source), str(target), progress_bar=False),
        }
        for number in range(options.rounds + 1):
            for side, work in works.items() if number % 2 else reversed(works.items()):
                took = measure(work)
                if number:  # the first round pays for imports
                    figures[side].append(took)
    medians = {side: statistics.median(values) for side, values in figures.items()}
    print(
        json.dumps(
            {
                "bench": "notebook_run",
                "steps": options.steps,
                "rounds": options.rounds,
                "oursMs": round(medians["ours"], 1),
                "plainMs": round(medians["plain"], 1),
                "ratio": round(medians["plain"] / medians["ours"], 2),
                "spreadMs": {side: [round(min(v), 1), round(max(v), 1)] for side, v in figures.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
