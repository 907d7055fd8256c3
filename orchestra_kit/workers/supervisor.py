"""Keeps worker processes alive until told to stop; each is a fresh interpreter, so nothing of the parent leaks into it."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from types import FrameType

from orchestra_kit.app.worker_command import worker_command

_RESTART_PAUSE = 1.0
_GRACE_SECONDS = 10.0


@dataclass(slots=True)
class Supervised:
    """One worker slot: its process now, and when it may be started again."""

    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    not_before: float = 0.0
    starts: int = field(default=0)

    def keep_alive(self) -> None:
        """Start the process when it is not running; a crash loop is slowed down."""
        if self.process is not None and self.process.poll() is None:
            return
        if time.monotonic() < self.not_before:
            return
        self.starts += 1
        self.not_before = time.monotonic() + min(_RESTART_PAUSE * self.starts, 30.0)
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE)  # noqa: S603 - our own interpreter


def run_processes(processes: int, *, threads: int, lease_seconds: float, drain_seconds: float) -> None:
    """Run worker processes until SIGTERM or SIGINT, then let them drain. A process that dies is started again."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    command = worker_command(threads=threads, lease_seconds=lease_seconds, drain_seconds=drain_seconds)
    slots = [Supervised(command=command) for _ in range(processes)]
    while not stop.is_set():
        for slot in slots:
            slot.keep_alive()
        stop.wait(0.2)
    for slot in slots:
        if slot.process is not None and slot.process.poll() is None:
            slot.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + drain_seconds + _GRACE_SECONDS
    for slot in slots:
        _await_end(slot, deadline)


def _await_end(slot: Supervised, deadline: float) -> None:
    if slot.process is None:
        return
    try:
        slot.process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        slot.process.kill()
        slot.process.wait()
