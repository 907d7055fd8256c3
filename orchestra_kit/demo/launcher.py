"""Start the whole demonstration shop on this machine, and stop it for certain."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from orchestra_kit.demo.faults import check_fault
from orchestra_kit.demo.services.database import create_database

SERVICES = ("inventory", "payments", "fulfilment")
WORKER = "worker"
START_SECONDS = 15.0
STOP_SECONDS = 2.0
_POLL_SECONDS = 0.01
_IMPORT_ROOT = Path(__file__).parents[2]


class ShopNotStartedError(RuntimeError):
    """A process of the shop ended or said nothing in time; `output` is what it wrote."""

    def __init__(self, process: str, reason: str, output: str) -> None:
        super().__init__(f"The shop's {process} process {reason}. Its output:\n{output or '(none)'}")
        self.process = process
        self.reason = reason
        self.output = output


class _Child:
    """One running process of the shop; it ends when the pipe to its standard input closes."""

    def __init__(self, name: str, directory: Path, options: Sequence[str], fault: str | None = None) -> None:
        self.name = name
        self.log_file = directory / f"{name}.log"
        self._ready_file = directory / f"{name}.ready"
        self._ready_file.unlink(missing_ok=True)
        sound = (f"orchestra_kit.demo.services.{name}",)
        program = ("orchestra_kit.demo.faulty", name, "--fault", fault) if fault is not None else sound
        with self.log_file.open("w") as log:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", *program, "--ready-file", str(self._ready_file), *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_child_environment(),
                start_new_session=True,
            )

    def wait_until_ready(self, deadline: float) -> str:
        """What the process reported when it was ready: a service its base URL."""
        while not self._ready_file.exists():
            if self.process.poll() is not None:
                raise ShopNotStartedError(self.name, f"ended with code {self.process.returncode}", self._output())
            if time.monotonic() > deadline:
                raise ShopNotStartedError(self.name, "was not ready in time", self._output())
            time.sleep(_POLL_SECONDS)
        return self._ready_file.read_text()

    def stop(self) -> None:
        """Ask the process to end; `wait_until_stopped` makes sure."""
        self.process.terminate()
        _close(self.process.stdin)

    def wait_until_stopped(self) -> None:
        """Wait for the end, and force it when it does not come."""
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _output(self) -> str:
        return self.log_file.read_text(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A running shop. Use it as a context manager, or call `close`; it also ends with the process that started it."""

    base_urls: dict[str, str]  # by service name: inventory, payments, fulfilment
    database: Path
    log_files: dict[str, Path]  # by process name: the services and worker
    process_ids: dict[str, int]
    _children: tuple[_Child, ...]

    @property
    def inventory_url(self) -> str:
        """Base URL of the inventory service."""
        return self.base_urls["inventory"]

    @property
    def payments_url(self) -> str:
        """Base URL of the payments service."""
        return self.base_urls["payments"]

    @property
    def fulfilment_url(self) -> str:
        """Base URL of the fulfilment service."""
        return self.base_urls["fulfilment"]

    def close(self) -> None:
        """Stop all processes; closing twice does no harm. The database and the logs stay."""
        _stop_all(self._children)

    def __enter__(self) -> Shop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start_shop(directory: Path | str, *, delay: tuple[float, float] = (0.05, 0.4), fault: str | None = None) -> Shop:
    """A shop with a new database in `directory`, ready for requests; side effects come `delay` seconds late.

    With the name of a fault, the process that fault belongs to is faulty; raise UnknownNameError for an unknown one.
    """
    broken = check_fault(fault).service if fault is not None else None
    folder = Path(directory).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "shop.db"
    for leftover in folder.glob("shop.db*"):
        leftover.unlink()
    shortest, longest = delay
    delays = ("--shortest-delay", str(shortest), "--longest-delay", str(longest))
    children: list[_Child] = []
    try:
        create_database(database)
        for name in (*SERVICES, WORKER):
            options = ("--database", str(database), *(delays if name == WORKER else ()))
            child = _Child(name, folder, options, fault) if name == broken else _Child(name, folder, options)
            children.append(child)
        deadline = time.monotonic() + START_SECONDS
        reports = {child.name: child.wait_until_ready(deadline) for child in children}
    except BaseException:
        _stop_all(children)
        raise
    return Shop(
        base_urls={name: reports[name] for name in SERVICES},
        database=database,
        log_files={child.name: child.log_file for child in children},
        process_ids={child.name: child.process.pid for child in children},
        _children=tuple(children),
    )


def _stop_all(children: Sequence[_Child]) -> None:
    for child in children:
        child.stop()
    for child in children:
        child.wait_until_stopped()


def _child_environment() -> dict[str, str]:
    inherited = os.environ.get("PYTHONPATH")
    roots = [str(_IMPORT_ROOT), *([inherited] if inherited else [])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(roots)}


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()
