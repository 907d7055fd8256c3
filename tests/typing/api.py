"""The API as a user writes it; `test_api_types.py` has mypy read it strictly."""

from pathlib import Path

import orchestra_kit
from orchestra_kit.app.submission import RunOptions
from orchestra_kit.app.workspace import open_workspace
from orchestra_kit.errors import OrchestraError
from orchestra_kit.model import Executor, RunStatus, TestScenario


def run_project(project: Path, environment: Path) -> dict[str, RunStatus]:
    version: str = orchestra_kit.__version__
    print(version)
    with open_workspace() as workspace:
        stored = workspace.definitions.import_environment(environment)
        made = workspace.definitions.generate_suite(project, publish=True)
        drafts: list[TestScenario] = [item for item in made.scenarios if item.gaps]
        print(len(drafts), made.size - made.lower_bound)
        options = RunOptions(environment=stored.name, executor=Executor.INLINE)
        try:
            submitted = workspace.runner.submit(made.suite.key, None, options)
        except OrchestraError as error:
            raise SystemExit(error.exit_code) from error
        outcome = workspace.runner.wait(submitted, work_here=True, timeout_seconds=60)
        workspace.reports.write(outcome, html=Path("report.html"))
        code: int = outcome.exit_code
        print(code, outcome.verdict.value)
        return {item.run.scenario_key: item.run.status for item in outcome.runs}
