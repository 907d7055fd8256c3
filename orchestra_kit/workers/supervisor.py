"""Keeps worker processes alive until told to stop; each is a fresh interpreter, so nothing of the parent leaks into it."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from types import FrameType

from orchestra_kit.app.worker_command import worker_command

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_HEALTHY_SECONDS = 30.0
_GRACE_SECONDS = 10.0


@dataclass(slots=True)
class Supervised:
    """One worker slot: its process now, how often it was started, and how long to wait before the next time."""

    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    pause: float = 0.0
    since: float = 0.0

    def keep_alive(self) -> None:
        """Start the process when it is not running: at once after a long life, ever later when it dies early."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            if now - self.since > _HEALTHY_SECONDS:
                self.pause = 0.0
            return
        if self.process is not None:
            self._bury(now)
        if now - self.since >= self.pause:
            self.starts += 1
            self.since = now
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE)  # noqa: S603 - our own interpreter

    def _bury(self, now: float) -> None:
        self.pause = min(max(self.pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        self.since = now
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None


def run_processes(processes: int, *, threads: int, lease_seconds: float, drain_seconds: float) -> int:
    """Run worker processes until SIGTERM or SIGINT, then let them drain; return how many were started in all.

    A process that dies is started again. Raises the error of a database that cannot be used before any is started.
    """
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    _check_database()
    command = worker_command(threads=threads, lease_seconds=lease_seconds, drain_seconds=drain_seconds)
    slots = [Supervised(command=command) for _ in range(processes)]
    while not stop.is_set():
        for slot in slots:
            slot.keep_alive()
        stop.wait(0.1)
    for slot in slots:
        if slot.process is not None and slot.process.poll() is None:
            slot.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + drain_seconds + _GRACE_SECONDS
    for slot in slots:
        _await_end(slot, deadline)
    return sum(slot.starts for slot in slots)


def _check_database() -> None:
    """Make the database ready once, for all processes; raise an OrchestraError when workers cannot use it."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        workspace.check_worker_login()


def _await_end(slot: Supervised, deadline: float) -> None:
    if slot.process is None:
        return
    try:
        slot.process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        slot.process.kill()
        slot.process.wait()
    if slot.process.stdin is not None:
        slot.process.stdin.close()
