"""The notebook driver: walks a run's plan by executing its notebook, one cell for each step."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_kit.errors import CannotJudgeError, KernelDiedError
from orchestra_kit.notebook.generate import generate_notebook
from orchestra_kit.notebook.kernel_launcher import ColdLauncher
from orchestra_kit.notebook.step_server import LONGEST_PATH, StepServer
from orchestra_kit.spi.driver import Interruptible, RunSession
from orchestra_kit.spi.kernel import Kernel, KernelLauncher, KernelRequest

if TYPE_CHECKING:
    from orchestra_kit.notebook.papermill_engine import CellWalk

LONGEST_SCRATCH = LONGEST_PATH - len("/ok-12345678/steps")
FOLDER_PREFIX = "ok-"
LOCK_NAME = "lock"
ABANDONED_SECONDS = 600.0
"""Younger folders are left alone: one is made before its lock is taken."""
_import_lock = threading.Lock()


def compose_generated(session: RunSession) -> Any:
    """Return the generated notebook of a run."""
    return generate_notebook(session.plan, session.run, aliases=session.step_aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookSettings:
    """Where executed notebooks are kept, how kernels start, and how long one may take or say nothing.

    `compose` makes the notebook of a run; by default it is generated from the plan.
    `idle_seconds` bounds the time a kernel spends outside of steps: a cell that loops for ever ends there.
    `scratch` holds one short-lived private folder for each run; its path must be short, for sockets lie in it.
    """

    folder: Path
    launcher: KernelLauncher = field(default_factory=ColdLauncher)
    start_seconds: float = 60.0
    idle_seconds: float = 300.0
    scratch: Path | None = None
    compose: Callable[[RunSession], Any] = compose_generated


class NotebookDriver:
    """Executes a run as a notebook kept at `<folder>/<run id>.ipynb`. One driver serves any number of threads."""

    def __init__(self, settings: NotebookSettings) -> None:
        self._settings = settings

    def notebook_path(self, run_id: str) -> Path:
        """Return where the executed notebook of a run lies."""
        return self._settings.folder / f"{run_id}.ipynb"

    def drive(self, session: RunSession) -> None:
        """Run every step that is to be run; whatever `run_step` raised is raised again, in this thread.

        Raise KernelDiedError when the kernel ended early, CannotJudgeError when a cell went wrong by itself. The
        notebook is written in every case.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._drive(session)
            return
        # A thread that already runs a loop (a notebook's own) cannot run another one.
        _in_thread(lambda: self._drive(session))

    def _drive(self, session: RunSession) -> None:
        self._check_folder()
        with private_folder(self._settings.scratch) as folder:
            token = secrets.token_urlsafe(32)
            server = StepServer(session, path=folder / "steps", token=token)
            kernel: Kernel | None = None
            try:
                run = session.run
                grant = {
                    "socket": str(folder / "steps"),
                    "token": token,
                    "runId": run.id,
                    "leaseEpoch": run.lease_epoch,
                }
                request = KernelRequest(run_id=run.id, folder=folder, grant=grant)
                kernel = self._settings.launcher.launch(request)
                server.start(owner=kernel.owns)
                walk = self._execute(session, kernel, server)
            finally:
                if kernel is not None:
                    kernel.kill()
                server.close()
        _judge(session, server, walk)

    def _check_folder(self) -> None:
        # Said before the first step acts, not when all is done.
        folder = self._settings.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise CannotJudgeError(f"no notebook can be kept in {folder}: {problem.strerror}.") from problem

    def _execute(self, session: RunSession, kernel: Kernel, server: StepServer) -> CellWalk:
        # The kernel boots while papermill is imported and the notebook written.
        papermill, cell_walk = _load_papermill()
        run = session.run
        path = self.notebook_path(run.id)
        walk: CellWalk = cell_walk(
            kernel=kernel,
            interruption=lambda: _interruption(session, server, self._settings.idle_seconds),
            ready=server.count_idle,
            start_seconds=self._settings.start_seconds,
            output_path=path,
        )
        try:
            papermill.execute_notebook(
                self._settings.compose(session),
                None,
                engine_name="orchestra",
                kernel_name="python3",
                language="python",
                progress_bar=False,
                walk=walk,
            )
        except papermill.PapermillExecutionError:
            # papermill has marked the failing cell in the notebook, after the engine's last save.
            _write(walk, path)
        return walk


@contextlib.contextmanager
def private_folder(scratch: Path | None) -> Iterator[Path]:
    """Give a new folder of mode 0700 with a short path, and remove it with all that is in it."""
    parent = scratch or Path(tempfile.gettempdir())
    if len(str(parent).encode()) > LONGEST_SCRATCH:
        parent = Path("/tmp")  # noqa: S108 - mkdtemp makes it private; a socket's path must be short
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent))
    try:
        with (folder / LOCK_NAME).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Remove the private folders of workers that were killed: those nobody holds the lock of any more."""
    for folder in parent.glob(f"{FOLDER_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime < ABANDONED_SECONDS or folder.is_symlink():
                continue
            with (folder / LOCK_NAME).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _judge(session: RunSession, server: StepServer, walk: CellWalk) -> None:
    """Raise what keeps this drive from counting as walked to the end; the server knows, not the notebook."""
    if server.failure is not None:
        raise server.failure
    if server.finished or (walk.ended_by == "interrupted" and _stop_requested(session)):
        return
    if walk.ended_by == "interrupted":
        raise CannotJudgeError(f"{walk.reason} Step '{server.expected}' was not done.")
    where = f" in cell '{walk.failed_cell}'" if walk.failed_cell else ""
    if walk.ended_by == "died":
        raise KernelDiedError(f"the notebook's kernel ended{where} before step '{server.expected}' was done.")
    what = f"failed{where}" if walk.failed_cell else "ended"
    raise CannotJudgeError(f"the notebook {what} before step '{server.expected}' was asked for.")


def _interruption(session: RunSession, server: StepServer, idle_seconds: float) -> str | None:
    if server.failure is not None:
        return "the worker stopped this run."
    if _stop_requested(session):
        return "the run was cancelled, or another worker owns it now."
    if server.idle_seconds() > idle_seconds:
        return f"the notebook asked for no step during {idle_seconds:.0f} s."
    return None


def _stop_requested(session: RunSession) -> bool:
    return isinstance(session, Interruptible) and session.stop_requested()


def _load_papermill() -> tuple[Any, type[CellWalk]]:
    """Return papermill and our walk. One thread at a time: papermill and the engine import each other."""
    with _import_lock:
        import papermill
        from papermill.engines import papermill_engines

        from orchestra_kit.notebook.papermill_engine import CellWalk, OrchestraEngine

        papermill_engines.register("orchestra", OrchestraEngine)
        logger = logging.getLogger("papermill")
        if logger.level == logging.NOTSET:
            # It writes the whole notebook as its name, as ours comes from no file.
            logger.setLevel(logging.WARNING)
    return papermill, CellWalk


def _write(walk: CellWalk, path: Path) -> None:
    from orchestra_kit.notebook.papermill_engine import write_notebook

    write_notebook(walk.notebook, path)


def _in_thread(work: Any) -> None:
    problems: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as problem:  # noqa: BLE001 - raised again in the thread that waits
            problems.append(problem)

    thread = threading.Thread(target=guarded, name="notebook-driver")
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
