"""`orchestra demo`: the main job, end to end, against a small shop on this machine."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_kit.app.files import DbProfileFile, EnvironmentFile
from orchestra_kit.app.outcome import SuiteOutcome
from orchestra_kit.app.settings import read_settings
from orchestra_kit.app.submission import RunOptions
from orchestra_kit.app.worker_command import worker_command
from orchestra_kit.app.workspace import Workspace, open_workspace
from orchestra_kit.demo.documents import PROJECT
from orchestra_kit.errors import CannotJudgeError
from orchestra_kit.model import Egress, Executor, HttpService

if TYPE_CHECKING:
    from orchestra_kit.app.definitions import GeneratedSuite
    from orchestra_kit.demo.faults import Fault

ENVIRONMENT = "demo"
LOOPBACK = Egress(allow=("127.0.0.1", "::1"), allow_public=False)

Say = Callable[[str], None]


def shop_environment(base_urls: dict[str, str], database: Path) -> EnvironmentFile:
    """Return the environment of a running shop: its services, its database, and nothing beyond loopback."""
    return EnvironmentFile(
        name=ENVIRONMENT,
        http_services={name: HttpService(base_url=url) for name, url in base_urls.items()},
        db_profiles={"shop": DbProfileFile(jdbc_url=f"jdbc:sqlite:{database}")},
        egress=LOOPBACK,
    )


def run_demo(
    out: Path, *, fault: str | None, executor: str, processes: int, say: Say, tell: Callable[[str, str], None]
) -> SuiteOutcome:
    """Start the shop (faulty when asked), plan, generate and run its suite, write the reports, stop the shop."""
    from orchestra_kit.demo.faults import check_fault
    from orchestra_kit.demo.launcher import ShopNotStartedError, start_shop

    if fault is not None:
        check_fault(fault)
    began = time.monotonic()

    def stage(text: str) -> None:
        say(f"[{time.monotonic() - began:5.1f} s] {text}")

    settings = replace(read_settings(), database_url=None)
    with tempfile.TemporaryDirectory(prefix="orchestra-shop-") as folder, open_workspace(settings) as workspace:
        stage("starting the shop (three services, a worker, a database)")
        try:
            shop = start_shop(folder, fault=fault)
        except ShopNotStartedError as error:
            raise CannotJudgeError(str(error)) from None
        with shop:
            stage("opening the embedded database")
            _ = workspace.stores
            with worker_processes(processes):
                outcome = _run(workspace, shop.base_urls, shop.database, executor, stage, tell)
                stage("writing the reports")
                written = workspace.reports.write(
                    outcome, html=out / "report.html", junit=out / "junit.xml", json_file=out / "report.json"
                )
    stage("done")
    return replace(outcome, written=written)


def _run(
    workspace: Workspace,
    base_urls: dict[str, str],
    database: Path,
    executor: str,
    stage: Say,
    tell: Callable[[str, str], None],
) -> SuiteOutcome:
    workspace.definitions.put_environment(shop_environment(base_urls, database))
    stage("planning and generating the suite from order.bpmn and orchestra.yaml")
    made = workspace.definitions.generate_suite(PROJECT, publish=True)
    stage(_summary(made))
    options = RunOptions(environment=ENVIRONMENT, executor=Executor(executor), triggered_by="demo")
    submitted = workspace.runner.submit(made.suite.key, None, options)
    stage(
        f"running {sum(len(item.runs) for item in submitted)} scenarios as {executor}s"
        if executor == "notebook"
        else f"running {sum(len(item.runs) for item in submitted)} scenarios inline"
    )
    return workspace.runner.wait(submitted, work_here=False, tell=tell, timeout_seconds=600)


def _summary(made: GeneratedSuite) -> str:
    steps = sum(len(item.steps) for item in made.scenarios)
    return f"{len(made.scenarios)} scenarios with {steps} steps; the cover needs at least {made.lower_bound}, gap {made.gap}"


@contextmanager
def worker_processes(processes: int) -> Iterator[None]:
    """Keep worker processes beside this one for as long as the context lasts."""
    command = worker_command(threads=2, lease_seconds=30.0, drain_seconds=10.0)
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(processes)]  # noqa: S603 - our own module
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def list_faults() -> list[Fault]:
    """Return the faults `orchestra demo --fault` knows."""
    from orchestra_kit.demo.faults import FAULTS

    return list(FAULTS.values())
