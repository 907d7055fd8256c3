"""Everything real: PostgreSQL in a folder, worker processes, a service in its own process. Tests bring the fault."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from counting_service import Service, start_service
from database import TestServer, Urls, start_server
from fault_watch import find_breaches, install_watch, rows
from server_stop import stop_at_once
from worker_fleet import REAP_SECONDS, Fleet, WorkerProcess, start_fleet

from orchestra_kit.app.settings import Settings
from orchestra_kit.app.submission import RunOptions, Submitted
from orchestra_kit.app.workspace import Workspace, open_workspace
from orchestra_kit.model import (
    DataRow,
    DataTable,
    Egress,
    Environment,
    Executor,
    HttpService,
    RunMode,
    ScenarioDependency,
    ScenarioStatus,
    ScenarioStep,
    ScenarioSuite,
    TenantSettings,
    TestDataSet,
    TestRun,
    TestScenario,
    new_id,
)
from orchestra_kit.spi.runs import RunFilter
from orchestra_kit.store.postgres.work import PostgresWork

LEASE = 2.0
PATIENCE = 90.0
"""How long a condition may take on a machine that does much else; nothing waits that long where all is well."""
_TENANT = "local"


def until(condition: Callable[[], Any], what: str, *, seconds: float = PATIENCE) -> Any:
    """Return what `condition` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it never came true: {what}"
        time.sleep(0.05)
    return found


def crowding() -> float:
    """How many times slower than alone this machine is likely to be."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def call(alias: str, *, after: str | None = None, **changes: Any) -> dict[str, Any]:
    """The JSON of a step that calls the service, handing on what the step before it was given."""
    body = {"row": "{{ data.row }}", "step": alias}
    if after is not None:
        body["previous"] = f"{{{{ steps.{after}.response.body.token }}}}"
    meta = {"timeoutMs": 60_000, **changes.pop("meta", {})}
    return {
        "alias": alias,
        "kind": "ACTION",
        "channelType": "HTTP_REST",
        "endpointRef": {"serviceName": "desk", "endpointName": f"POST /steps/{alias}"},
        "action": {"inputTemplate": {"body": body}, "meta": meta},
        "expectations": {"expectedStatusCode": 200, "businessRules": [f"response.body.token == '{alias}-' + data.row"]},
        **changes,
    }


def calls(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Steps `s1`, `s2`, ... each building on the one before."""
    return [call(f"s{n}", after=f"s{n - 1}" if n > 1 else None, **changes) for n in range(1, count + 1)]


@dataclass
class Stage:
    """One installation with its workers and the service under test."""

    urls: Urls
    server: TestServer
    workspace: Workspace
    fleet: Fleet
    service: Service
    _works: list[PostgresWork] = field(default_factory=list)

    call = staticmethod(call)
    calls = staticmethod(calls)
    until = staticmethod(until)

    @property
    def caller(self) -> Any:
        return self.workspace.caller

    def define(self, suite: str, scenarios: dict[str, list[dict[str, Any]]], *, depends: Any = None) -> None:
        """Store a suite with its scenarios; `depends` names what a scenario waits for."""
        store, now = self.workspace.stores.scenarios, time_now()
        stored = store.put_suite(
            self.caller,
            ScenarioSuite(id=new_id(), tenant_id=_TENANT, key=suite, name=suite, created_at=now, created_by="t"),
        )
        for key, steps in scenarios.items():
            needs = tuple(ScenarioDependency(scenario_key=name) for name in (depends or {}).get(key, ()))
            made = store.create_scenario(self.caller, a_scenario(stored.id, key, steps, depends_on=needs))
            store.set_scenario_status(self.caller, made.id, made.version, ScenarioStatus.PUBLISHED)

    def submit(
        self,
        suite: str = "suite",
        *,
        rows_of_data: int = 1,
        executor: Executor = Executor.INLINE,
        mode: RunMode = RunMode.STOP_ON_FIRST_FAILURE,
        prefix: str = "r",
    ) -> Submitted:
        """Submit a suite with a run for each row of data, `r0`, `r1`, ..."""
        name = f"rows-{prefix}-{rows_of_data}"
        table = DataTable(
            rows=tuple(DataRow(key=f"{prefix}{n}", values={"row": f"{prefix}{n}"}) for n in range(rows_of_data))
        )
        self.workspace.stores.environments.put_data_set(
            self.caller, TestDataSet(id=new_id(), tenant_id=_TENANT, name=name, data=table)
        )
        options = RunOptions(environment="test", data=name, executor=executor, mode=mode)
        return self.workspace.runner.submit(suite, None, options)[0]

    def run(self, run_id: str) -> TestRun:
        return self.workspace.stores.runs.get_run(self.caller, run_id)

    def runs(self) -> tuple[TestRun, ...]:
        return self.workspace.stores.runs.list_runs(self.caller, RunFilter(limit=100_000))

    def results(self, run_id: str) -> Any:
        return self.workspace.stores.runs.get_results(self.caller, run_id)

    def statuses(self) -> dict[str, int]:
        found = rows(self.urls, "SELECT status, count(*) AS many FROM test_run GROUP BY status")
        return {row["status"]: row["many"] for row in found}

    def wait(self, *submitted: Submitted, seconds: float = PATIENCE) -> None:
        """Wait until everything submitted has ended."""
        ids = [item.suite_run.id for item in submitted]
        statement = "SELECT count(*) AS many FROM suite_run WHERE id = ANY(%s) AND status IN ('PENDING', 'IN_PROGRESS')"
        deadline = time.monotonic() + seconds
        while rows(self.urls, statement, ids)[0]["many"]:
            assert time.monotonic() < deadline, f"{self.statuses()}\n{self.fleet.logs()}"
            time.sleep(0.05)

    def wait_until_up(self, count: int, *, seconds: float = PATIENCE) -> None:
        """Wait until so many workers do their duties; a process that is still starting recovers nobody."""
        statement = """SELECT DISTINCT application_name AS name FROM pg_stat_activity
          WHERE datname = current_database() AND usename = 'orchestra_worker'"""

        def enough() -> bool:
            names = {row["name"] for row in rows(self.urls, statement)}
            return len([worker for worker in self.fleet.living if worker.name in names]) >= count

        until(enough, f"{count} workers are up", seconds=seconds)

    def holders(self) -> list[WorkerProcess]:
        """Return the living workers that hold runs, waiting until there is one."""

        def found() -> list[WorkerProcess]:
            locked = [
                row["locked_by"] for row in rows(self.urls, "SELECT locked_by FROM test_run WHERE locked_by <> ''")
            ]
            return [worker for worker in self.fleet.living if any(worker.holds(name) for name in locked)]

        held: list[WorkerProcess] = until(found, "a living worker holds a run")
        return held

    def holder_of(self, run_id: str) -> WorkerProcess:
        """Return the worker that holds a run, waiting until one does."""
        locked_by = until(lambda: self.run(run_id).locked_by, f"somebody holds {run_id}")
        return self.fleet.holder(locked_by)

    def limit(self, most: int) -> None:
        self.workspace.stores.tenants.set_settings(self.caller, TenantSettings(max_parallel_runs=most))

    def work(self) -> PostgresWork:
        """Return a worker's store in this process, closed with the stage."""
        made = PostgresWork(self.urls.worker)
        self._works.append(made)
        return made

    def check(self, *, zombies: bool = False) -> None:
        """Assert all that must hold after any fault."""
        breaches = find_breaches(self.urls, self.fleet, self.service, zombies=zombies)
        assert not breaches, "\n".join(breaches[:20]) + "\n" + self.fleet.logs()

    def close(self) -> None:
        for work in self._works:
            work.close()


def time_now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def a_scenario(suite_id: str, key: str, steps: Sequence[dict[str, Any]], **more: Any) -> TestScenario:
    made = tuple(
        ScenarioStep.model_validate({"id": f"{key}-{item['alias']}", "orderIndex": index, **item})
        for index, item in enumerate(steps)
    )
    now = time_now()
    return TestScenario(
        id=new_id(), tenant_id=_TENANT, suite_id=suite_id, key=key, steps=made, created_at=now, created_by="t",
        updated_at=now, updated_by="t", **more,
    )  # fmt: skip


@pytest.fixture
def orphan_limit() -> Callable[[float], float]:
    """How long an orphan may wait, by lease."""
    return _orphan_limit


def _orphan_limit(lease: float) -> float:
    """Seconds within which an orphan goes on: lease, a round of the reaper and 2 s, more where the machine is crowded."""
    return lease + REAP_SECONDS + 2.0 * crowding()


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    with start_server() as running:
        yield running
        stop_at_once(running.server.directory)  # nothing of it is kept: no need to wait for a checkpoint


@pytest.fixture
def make_stage(server: TestServer, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Make the stage of a test; called once."""
    closers: list[Callable[[], object]] = []

    def make(*, lease: float = LEASE, threads: int = 4, limit: int = 16) -> Stage:
        urls = server.fresh()
        install_watch(urls)
        opened = (
            start_service(),
            start_fleet(urls, tmp_path, lease=lease, threads=threads),
            open_workspace(Settings(home=tmp_path, database_url=urls.app, actor="tester")),
        )
        entered = []
        for context in opened:
            entered.append(context.__enter__())
            closers.append(lambda context=context: context.__exit__(None, None, None))  # type: ignore[misc]
        service, fleet, workspace = entered
        stage = Stage(urls, server, workspace, fleet, service)
        closers.append(stage.close)
        stage.limit(limit)
        workspace.stores.environments.put_environment(
            stage.caller,
            Environment(
                id=new_id(),
                tenant_id=_TENANT,
                name="test",
                http_services={"desk": HttpService(base_url=service.url)},
                egress=Egress(allow=("127.0.0.1",), allow_public=False),
            ),
        )
        return stage

    yield make
    while closers:
        closers.pop()()


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """A stage without workers."""
    return make_stage()
