"""Putting a worker together from its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestra_kit.app.submission import new_worker_id
from orchestra_kit.dispatch.huey_queue import HueyWakeUpQueue
from orchestra_kit.engine.events import Event, ignore_event
from orchestra_kit.engine.executor import RunExecutor
from orchestra_kit.engine.heartbeat import LeaseKeeper
from orchestra_kit.engine.inline import InlineDriver
from orchestra_kit.engine.session import Tools
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.engine.worker import Worker
from orchestra_kit.errors import CannotJudgeError
from orchestra_kit.model import Executor
from orchestra_kit.notebook.driver import NotebookDriver, NotebookSettings
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
    events: Callable[[Event], None] | None,
) -> Iterator[Worker]:
    """Start a worker over a workspace's database; leaving the context drains and closes it."""
    worker_url = workspace.urls.worker_url
    if worker_url is None:
        raise CannotJudgeError("no login for workers is known; set ORCHESTRA_WORKER_URL.")
    settings = EngineSettings(lease_seconds=lease_seconds)
    work = PostgresWork(worker_url)
    specs = PostgresStore(worker_url, connections=2)
    queue = HueyWakeUpQueue(worker_url)
    plugins = workspace.plugins
    executors = {channel: plugin.make_executor() for channel, plugin in plugins.items()}
    tools = Tools(
        work=work,
        plugins=plugins,
        executors=executors,
        sealer=open_sealer(workspace.settings.home),
        clock=workspace.clock,
        random=workspace.random,
        settings=settings,
        events=events or ignore_event,
    )
    keeper = LeaseKeeper(work, settings, tools.events)
    drivers = {
        Executor.INLINE: InlineDriver(),
        Executor.NOTEBOOK: NotebookDriver(NotebookSettings(folder=workspace.settings.notebooks)),
    }
    executor = RunExecutor(tools, drivers, workspace.secrets_of, SpecReader(specs.get_spec), keeper, new_worker_id())
    try:
        with Worker(tools, queue, keeper, executor, threads=threads, drain_seconds=drain_seconds) as worker:
            yield worker
    finally:
        for one in executors.values():
            one.close()
        queue.close()
        specs.close()
        work.close()


def log_event(event: Event) -> None:
    """Write an event to the log as its name and fields."""
    import structlog

    name = type(event).__name__
    fields = {field: getattr(event, field) for field in event.__slots__}
    structlog.get_logger("orchestra").debug(name, **fields)
