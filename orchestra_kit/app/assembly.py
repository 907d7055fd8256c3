"""Putting a worker together from its parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestra_kit.app.submission import new_worker_id
from orchestra_kit.dispatch.huey_queue import HueyWakeUpQueue
from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.events import EventSink
from orchestra_kit.engine.executor import InlineDriver
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.engine.worker import Worker, WorkerSettings
from orchestra_kit.model import Executor
from orchestra_kit.notebook.driver import NotebookDriver, NotebookSettings
from orchestra_kit.spi.driver import Driver
from orchestra_kit.spi.plan import SpecReader
from orchestra_kit.store.postgres.store import PostgresStore
from orchestra_kit.store.postgres.work import PostgresWork
from orchestra_kit.store.sealing import open_sealer

if TYPE_CHECKING:
    from orchestra_kit.app.workspace import Workspace


@contextmanager
def build_worker(
    workspace: Workspace,
    *,
    threads: int,
    lease_seconds: float,
    drain_seconds: float,
    events: EventSink | None,
) -> Iterator[Worker]:
    """Start a worker over a workspace's database; leaving the context drains and closes it."""
    worker_url = workspace.check_worker_login()
    work = PostgresWork(worker_url)
    specs = PostgresStore(worker_url, connections=2)
    equipment = Equipment(
        store=work,
        plugins=workspace.plugins,
        sealer=open_sealer(workspace.settings.home),
        clock=workspace.clock,
        secrets=workspace.secrets_of,
        specs=SpecReader(specs.get_spec),
        settings=EngineSettings(lease_seconds=lease_seconds),
        sinks=(events,) if events is not None else (),
    )
    drivers: dict[Executor, Driver] = {
        Executor.INLINE: InlineDriver(),
        Executor.NOTEBOOK: NotebookDriver(NotebookSettings(folder=workspace.settings.notebooks)),
    }
    worker = Worker(
        equipment,
        drivers,
        HueyWakeUpQueue(worker_url),
        worker_id=new_worker_id(),
        settings=WorkerSettings(threads=threads),
    )
    worker.start()
    try:
        yield worker
    finally:
        worker.drain(timeout_seconds=drain_seconds)
        worker.stop()
        specs.close()
        work.close()
