"""The composition root: builds stores, plugins, engine and services of one process, each when it is first asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_kit.app.settings import HOME_VARIABLE, Settings, check_database_url, read_settings
from orchestra_kit.app.stores import Stores
from orchestra_kit.errors import CannotJudgeError
from orchestra_kit.spi.clock import SystemClock
from orchestra_kit.spi.definitions import Caller

if TYPE_CHECKING:
    from orchestra_kit.app.arazzo import ArazzoExchange
    from orchestra_kit.app.changes import Changes
    from orchestra_kit.app.definitions import Definitions
    from orchestra_kit.app.reports import Reports
    from orchestra_kit.app.running import Runner
    from orchestra_kit.app.scenarios import Scenarios
    from orchestra_kit.engine.events import EventSink
    from orchestra_kit.engine.worker import Worker
    from orchestra_kit.model import ChannelType
    from orchestra_kit.spi.protocol import ProtocolPlugin, SecretResolver
    from orchestra_kit.store.postgres.store import PostgresStore
    from orchestra_kit.store.urls import StoreUrls

THREADS_HERE = 4
"""Runs at once of a worker that lives in a command's own process."""


class Workspace:
    """One installation, as one tenant and actor see it."""

    def __init__(self, settings: Settings, *, secrets: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.caller = Caller(tenant_id=settings.tenant_id, actor=settings.actor)
        self._given_secrets = dict(secrets or {})
        self._closers: list[Callable[[], None]] = []

    def close(self) -> None:
        """Close everything that was opened, the youngest first."""
        while self._closers:
            self._closers.pop()()

    @cached_property
    def urls(self) -> StoreUrls:
        """How to log in to the database, which is there, migrated and has its roles."""
        from orchestra_kit.store.urls import connect

        check_database_url(self.settings.database_url)
        if self.settings.database_url is None:
            _make_home(self.settings.home)
        return connect(self.settings.database_url, directory=self.settings.home)

    def check_worker_login(self) -> str:
        """Return how workers log in; raise CannotJudgeError when that is not known."""
        if self.urls.worker_url is None:
            raise CannotJudgeError("no login for workers is known; set ORCHESTRA_WORKER_URL.")
        return self.urls.worker_url

    @cached_property
    def _postgres(self) -> PostgresStore:
        from orchestra_kit.store.postgres.store import PostgresStore

        store = PostgresStore(self.urls.app_url)
        self._closers.append(store.close)
        store.ensure_tenant(self.caller.tenant_id, name=self.caller.tenant_id, actor=self.caller.actor)
        return store

    @cached_property
    def stores(self) -> Stores:
        """The stores of surfaces."""
        store = self._postgres
        return Stores(tenants=store, processes=store, scenarios=store, environments=store, runs=store)

    @cached_property
    def plugins(self) -> dict[ChannelType, ProtocolPlugin]:
        """The protocols this installation speaks."""
        from orchestra_kit.protocols.registry import load_plugins

        return load_plugins()

    @cached_property
    def definitions(self) -> Definitions:
        """Imports and generation."""
        from orchestra_kit.app.definitions import Definitions

        return Definitions(self.stores, self.caller, self.plugins)

    @cached_property
    def scenarios(self) -> Scenarios:
        """Scenarios by hand."""
        from orchestra_kit.app.scenarios import Scenarios

        return Scenarios(self.stores, self.caller)

    @cached_property
    def arazzo(self) -> ArazzoExchange:
        """Scenarios from and to Arazzo documents."""
        from orchestra_kit.app.arazzo import ArazzoExchange

        return ArazzoExchange(self.stores, self.caller, self.scenarios, self.definitions)

    @cached_property
    def changes(self) -> Changes:
        """Stored scenarios against new versions of their process."""
        from orchestra_kit.app.changes import Changes

        return Changes(self.stores, self.caller)

    @cached_property
    def runner(self) -> Runner:
        """Running suites."""
        from orchestra_kit.app.running import Runner

        return Runner(self.stores, self.caller, self.plugins, self.worker)

    @cached_property
    def reports(self) -> Reports:
        """Writing reports."""
        from orchestra_kit.app.reports import Reports

        return Reports(self.stores, self.caller)

    def secrets_of(self, tenant_id: str) -> SecretResolver:
        """Return the resolver of one tenant's secrets."""
        from orchestra_kit.app.secrets import LocalSecrets

        settings = self.settings
        return LocalSecrets(
            settings.home / "secrets", tenant_id, dict(settings.secret_variables), given=self._given_secrets
        )

    @contextmanager
    def worker(
        self,
        *,
        threads: int = THREADS_HERE,
        lease_seconds: float = 30.0,
        drain_seconds: float = 30.0,
        events: EventSink | None = None,
    ) -> Iterator[Worker]:
        """Start a worker in this process; leaving the context drains it."""
        from orchestra_kit.app.assembly import build_worker

        with build_worker(
            self, threads=threads, lease_seconds=lease_seconds, drain_seconds=drain_seconds, events=events
        ) as worker:
            yield worker

    @property
    def clock(self) -> SystemClock:
        """The real time."""
        return SystemClock()

    @property
    def random(self) -> Callable[[], float]:
        """Jitter for back-off: no secret depends on it."""
        return random.random


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotJudgeError(
            f"the project folder '{home}' cannot be used: {(error.strerror or str(error)).lower()}.",
            hint=f"Set {HOME_VARIABLE} to a folder you may write to.",
        ) from None


@contextmanager
def open_workspace(
    settings: Settings | None = None, *, secrets: Mapping[str, str] | None = None
) -> Iterator[Workspace]:
    """Open the workspace of this process; nothing is started before it is needed, everything is closed at the end."""
    workspace = Workspace(settings or read_settings(), secrets=secrets)
    try:
        yield workspace
    finally:
        workspace.close()
