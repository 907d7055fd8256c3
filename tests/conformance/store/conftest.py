"""One suite over every store: in memory, on PostgreSQL, and in memory behind JSON."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
import pytest
from database import TestServer, Urls, start_server
from json_proxy import JsonProxy
from store_samples import StepClock, a_scenario, a_submission, a_suite, an_environment, caller_of

from orchestra_kit.model import Environment, ScenarioSuite, TenantSettings, TestRun, TestScenario
from orchestra_kit.spi.definitions import Caller, EnvironmentStore, ProcessStore, ScenarioStore, TenantStore
from orchestra_kit.spi.runs import RunStore
from orchestra_kit.spi.work import ClaimedRun, RunRef, WorkStore
from orchestra_kit.store.memory import MemoryStore
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.work import PostgresWork

PROTOCOLS = (WorkStore, RunStore, TenantStore, ProcessStore, ScenarioStore, EnvironmentStore)
_tenants = (f"tenant-{number}" for number in itertools.count())


class AnyStore(RunStore, TenantStore, ProcessStore, ScenarioStore, EnvironmentStore, Protocol):
    """What surfaces use."""


@dataclass
class Stores:
    """A worker's and a surface's view of one store, and a way to let time pass for leases and waiting runs."""

    kind: str
    work: WorkStore
    store: AnyStore
    clock: StepClock | None = None
    admin: Any = None

    def later(self, seconds: float) -> None:
        if self.clock is not None:
            self.clock.sleep(seconds)
            return
        self.admin.execute(
            "UPDATE test_run SET lock_until = lock_until - make_interval(secs => %(s)s),"
            " queued_at = queued_at - make_interval(secs => %(s)s)",
            {"s": seconds},
        )


@dataclass
class World:
    """A tenant with a suite, a scenario and an environment in one store."""

    stores: Stores
    tenant: str
    suite: ScenarioSuite
    scenario: TestScenario
    environment: Environment

    @property
    def work(self) -> WorkStore:
        return self.stores.work

    @property
    def store(self) -> AnyStore:
        return self.stores.store

    @property
    def caller(self) -> Caller:
        return caller_of(self.tenant)

    def submit(self, count: int = 1, **more: Any) -> list[TestRun]:
        made = tuple(a_submission(self.scenario, self.environment, **more) for _ in range(count))
        return list(self.store.submit(self.caller, made))

    def promote(self) -> list[str]:
        return [ref.run_id for ref in self.work.promote_due() if ref.tenant_id == self.tenant]

    def claim(self, run_id: str, worker: str = "w1", lease: float = 30) -> ClaimedRun:
        ref = RunRef(tenant_id=self.tenant, run_id=run_id)
        claimed = self.work.claim_run(ref, worker_id=worker, lease_seconds=lease)
        assert claimed is not None
        return claimed

    def started(self, **more: Any) -> ClaimedRun:
        run = self.submit(**more)[0]
        assert run.id in self.promote()
        return self.claim(run.id)

    def run(self, run_id: str) -> TestRun:
        return self.store.get_run(self.caller, run_id)

    def limit(self, parallel: int) -> None:
        self.store.set_settings(self.caller, TenantSettings(max_parallel_runs=parallel))

    def changes(self, run_id: str) -> list[tuple[str | None, str | None]]:
        """The status changes of a run as its audit rows tell them, oldest first."""
        entries = self.store.list_audit(self.caller, entity_type="TestRun", entity_id=run_id)
        return [
            (item.details.get("from"), item.details.get("to")) for item in reversed(entries) if "to" in item.details
        ]


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    with start_server() as running:
        yield running


@pytest.fixture(scope="session")
def database(server: TestServer) -> Urls:
    return server.fresh()


@pytest.fixture(params=["memory", "json", "postgres"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "postgres":
        urls: Urls = request.getfixturevalue("database")
        work, store = PostgresWork(urls.worker), PostgresStore(urls.app)
        with psycopg.connect(urls.admin, autocommit=True) as admin:
            yield Stores("postgres", work, store, admin=admin)
            admin.execute("TRUNCATE tenant CASCADE")
        work.close()
        store.close()
    else:
        clock = StepClock()
        memory: Any = MemoryStore(clock)
        seen: Any = JsonProxy(memory, PROTOCOLS) if request.param == "json" else memory
        yield Stores(request.param, seen, seen, clock=clock)


def make_world(stores: Stores, tenant: str | None = None) -> World:
    name = tenant or next(_tenants)
    stores.store.ensure_tenant(name, name=name.title(), actor="setup")
    caller = caller_of(name, "setup")
    suite = stores.store.put_suite(caller, a_suite(name))
    scenario = stores.store.create_scenario(caller, a_scenario(name, suite.id))
    environment = stores.store.put_environment(caller, an_environment(name))
    return World(stores, name, suite, scenario, environment)


@pytest.fixture
def world(stores: Stores) -> World:
    return make_world(stores)


@pytest.fixture
def foreign(stores: Stores, world: World) -> World:
    """Another tenant in the same store."""
    return make_world(stores)
