"""Our papermill engine: cells without waiting, few saves, and an end within a moment when the run is over.

papermill loads this module while its own `papermill.engines` is being imported: import papermill first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NBClientEngine, NotebookExecutionManager

from orchestra_kit.errors import CannotJudgeError, KernelDiedError
from orchestra_kit.spi.kernel import Kernel

LOOK_SECONDS = 0.1
"""How often a cell under way is looked after: is its kernel alive, is the run still ours."""
BOOT_LOOK_SECONDS = 0.002
SAVE_SECONDS = 10.0
"""A long run is saved this often; the end is always saved."""
OUTPUT_LIMIT = 32 * 1024 * 1024
"""Characters of output one notebook may have: it is held in the worker's memory."""

BUNDLES = ("display_data", "execute_result", "update_display_data")
SHAPES: dict[str, tuple[tuple[str, type], ...]] = {
    "stream": (("name", str), ("text", str)),
    "error": (("ename", str), ("evalue", str), ("traceback", list)),
    **dict.fromkeys(BUNDLES, (("data", dict), ("metadata", dict))),
}

formats: Any = nbformat  # its functions carry no types

quiet = logging.getLogger("orchestra_kit.notebook.papermill")
quiet.addHandler(logging.NullHandler())
quiet.propagate = False
quiet.setLevel(logging.CRITICAL)


@dataclass(slots=True, kw_only=True)
class CellWalk:
    """One walk over the cells of a run's notebook, handed to the engine through papermill.

    `interruption` returns why to end now, None to go on; `ready` is called when the kernel answers.
    Afterwards `ended_by` tells why the walk ended early
    (`failed` when a cell did, `died`, `interrupted` with its `reason`), and `notebook` is what there is to keep.
    """

    kernel: Kernel
    interruption: Callable[[], str | None]
    ready: Callable[[], None] = lambda: None
    start_seconds: float = 60.0
    output_path: Path | None = None
    ended_by: str | None = None
    reason: str | None = None
    failed_cell: str = ""
    notebook: Any = None
    written: int = field(default=0)


class SparseExecutionManager(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's record of a walk, without its two saves a cell."""

    def save(self, **kwargs: Any) -> None:
        """Save when the last time is long ago."""
        if kwargs.get("nb"):
            self.nb = kwargs["nb"]
        if (self.now() - self.last_save_time).total_seconds() >= SAVE_SECONDS:
            self.save_now()

    def save_now(self) -> None:
        """Write the notebook as it is."""
        if self.output_path:
            write_notebook(self.nb, self.output_path)
        self.last_save_time = self.now()

    def notebook_complete(self, **kwargs: Any) -> None:
        """Close the record and always save."""
        super().notebook_complete(**kwargs)
        for cell in self.nb.cells:
            # papermill calls every cell completed when none failed, also those a kernel that died never saw.
            if cell.cell_type == "code" and cell.metadata.papermill["start_time"] is None:
                cell.metadata.papermill["status"] = self.PENDING
        self.save_now()


class OrchestraEngine(Engine):  # type: ignore[misc]
    """The engine `orchestra` of papermill. Without a worker (plain papermill) the steps say how to get one."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **kwargs: Any,
    ) -> Any:
        """Execute the notebook under a record that saves sparsely."""
        manager = SparseExecutionManager(
            nb,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        walk: CellWalk | None = kwargs.get("walk")
        if walk is not None:
            manager.output_path = walk.output_path
            walk.notebook = nb
            # papermill has put the whole notebook here, as it was not read from a file.
            nb.metadata.papermill["input_path"] = None
            nb.metadata.papermill["output_path"] = walk.output_path.name if walk.output_path else None
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, log_output=log_output, **kwargs)
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
        return manager.nb

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, walk: CellWalk | None = None, **kwargs: Any
    ) -> None:
        """Drive the cells in the kernel the walk brings, else in a usual one."""
        if walk is None:
            NBClientEngine.execute_managed_notebook(nb_man, kernel_name, **kwargs)
            return
        client = RunNotebookClient(nb_man, walk)
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(client.walk_cells())


def _pass_on_interrupt() -> None:
    """Raise CancelledError where the worker itself was interrupted: nbclient takes that for a dead kernel, or drops it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class RunNotebookClient(PapermillNotebookClient):  # type: ignore[misc]
    """Executes cells in a kernel somebody else started and will end."""

    def __init__(self, nb_man: NotebookExecutionManager, walk: CellWalk) -> None:
        super().__init__(nb_man, km=_NoManager(), log=quiet, timeout=None)
        self.walk = walk
        self.iopub_timeout = 60
        self._flood: str | None = None

    async def walk_cells(self) -> None:
        """Execute the code cells in order until one fails or the walk is interrupted."""
        self.reset_execution_trackers()
        self.kc = AsyncKernelClient()
        connection: Any = dict(self.walk.kernel.connection)
        self.kc.load_connection_info(connection)
        self.kc.allow_stdin = False
        # A longer message would be in the worker's memory before anything could be said about it.
        self.kc.context.setsockopt(zmq.MAXMSGSIZE, OUTPUT_LIMIT)
        try:
            if not await self._await_ready():
                return
            for index, cell in enumerate(self.nb.cells):
                if cell.cell_type != "code":
                    continue
                goes_on = await self._walk_cell(cell, index)
                _pass_on_interrupt()
                if not goes_on:
                    return
            self.set_widgets_metadata()
        finally:
            for channel in (self.kc.shell_channel, self.kc.iopub_channel):
                channel.stop()
            self.kc.context.destroy(linger=0)

    async def _walk_cell(self, cell: Any, index: int) -> bool:
        self.nb_man.cell_start(cell, index)
        try:
            await self.async_execute_cell(cell, index)
        except CellExecutionError:
            return self._end(cell, "failed")
        except DeadKernelError:
            return self._end_in(cell)
        except CellTimeoutError:
            self.walk.reason = "the cell came to its end and what it wrote did not arrive."
            return self._end_in(cell)
        except Exception as problem:  # noqa: BLE001 - the edge to the kernel, which may send anything
            self.walk.reason = f"the kernel sent what cannot be read ({type(problem).__name__})."
            return self._end_in(cell)
        finally:
            self.nb_man.cell_complete(cell, cell_index=index)
        return True

    def _end_in(self, cell: Any) -> bool:
        """End the walk in a cell that cannot tell so itself."""
        text = self.walk.reason or "the kernel ended in this cell; the run goes on from its last recorded step."
        name = "RunStopped" if self.walk.reason else "KernelDied"
        cell.outputs.append(formats.v4.new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"]))
        return self._end(cell, "interrupted" if self.walk.reason else "died")

    def _end(self, cell: Any, ended_by: str) -> bool:
        self.nb_man.cell_exception(cell)
        self.walk.ended_by = ended_by
        self.walk.failed_cell = str(cell.get("id", ""))
        return False

    async def _await_ready(self) -> bool:
        """Wait until the kernel answers and its outputs reach us; False when the run is over before that.

        The client of jupyter_client does this too, with pauses of 200 ms that cost more than the kernel's own start.
        """
        deadline = time.monotonic() + self.walk.start_seconds
        connection = self.walk.kernel.connection
        # A zmq socket that connects before its peer has bound tries again only after 100 ms; the last one bound is hb.
        last_socket = Path(f"{connection['ip']}-{connection['hb_port']}")
        while connection["transport"] == "ipc" and not last_socket.exists():
            if self._boot_ended(deadline):
                return False
            await asyncio.sleep(BOOT_LOOK_SECONDS)
        self.kc.start_channels(stdin=False, hb=False, control=False)
        while True:
            request = self.kc.kernel_info()
            with contextlib.suppress(Empty):
                reply = await self.kc.shell_channel.get_msg(timeout=1)
                if reply["parent_header"].get("msg_id") == request:
                    await self.kc.iopub_channel.get_msg(timeout=1)
                    self.nb.metadata["language_info"] = reply["content"]["language_info"]
                    self.walk.ready()
                    return True
            if self._boot_ended(deadline):
                return False

    def _boot_ended(self, deadline: float) -> bool:
        if not self.walk.kernel.alive():
            self.walk.ended_by = "died"
            raise KernelDiedError("the notebook's kernel did not start:", hint=self.walk.kernel.failure_text() or None)
        self.walk.reason = self.walk.interruption()
        if self.walk.reason is not None:
            self.walk.ended_by = "interrupted"
            return True
        if time.monotonic() > deadline:
            self.walk.ended_by = "died"
            raise KernelDiedError(f"the notebook's kernel did not answer within {self.walk.start_seconds:.0f} s.")
        return False

    async def _async_poll_kernel_alive(self) -> None:
        # nbclient asks once a second whether the kernel lives; a lost run must not keep its kernel for so long.
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.walk.reason = self._flood or self.walk.interruption()
            if self.walk.reason is not None:
                self.walk.kernel.kill()
            if not self.walk.kernel.alive():
                if self.task_poll_for_reply is not None:
                    self.task_poll_for_reply.cancel()
                return

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Keep an output, unless the notebook has grown beyond what a worker can hold: then its kernel is ended."""
        if not well_formed(msg["msg_type"], msg["content"]):
            return None
        if msg["msg_type"] not in ("status", "execute_input"):
            self.walk.written += len(str(msg["content"]))
            if self.walk.written > OUTPUT_LIMIT:
                self._flood = f"the notebook wrote more than {OUTPUT_LIMIT} characters."
                return None
        return super().process_message(msg, cell, cell_index)


def well_formed(kind: str, content: Any) -> bool:
    """True when a message can become part of a notebook; a kernel may send anything."""
    if not isinstance(content, dict) or not isinstance(content.get("execution_count", 0), int | None):
        return False
    if any(not isinstance(content.get(name), expected) for name, expected in SHAPES.get(kind, ())):
        return False
    data = content.get("data", {}) if kind in BUNDLES else {}
    texts = [value for media_type, value in data.items() if not media_type.endswith("json")]
    texts += content["traceback"] if kind == "error" else []
    return all(isinstance(text, str) for text in texts)


def write_notebook(notebook: Any, path: str | Path) -> None:
    """Write a notebook whole or not at all; a path that is no local file goes papermill's way."""
    if "://" in str(path):
        from papermill.iorw import write_ipynb

        write_ipynb(notebook, str(path))
        return
    target = Path(path)
    try:
        _replace_whole(target, formats.writes(notebook))
    except OSError as problem:
        raise CannotJudgeError(f"the notebook could not be written to {target}: {problem.strerror}.") from problem


def _replace_whole(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class _NoManager:
    """Stands where nbclient wants a kernel manager: nothing is asked of it, our kernels have another owner."""

    has_kernel = True
