"""Real worker processes that tests start, kill, freeze and count."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from database import Urls

REAP_SECONDS = 2.0
"""How often a worker reaps."""


@dataclass
class WorkerProcess:
    """One worker. `name` is what its connections to the database are called."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    killed_at: float | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def holds(self, locked_by: str | None) -> bool:
        """True for the worker id of this process (`host-pid-random`)."""
        return locked_by is not None and locked_by.rsplit("-", 2)[1] == str(self.pid)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.killed_at = time.time()
        self.signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Fleet:
    """The workers of one database. Every worker ever started stays in `workers`."""

    urls: Urls
    home: Path
    lease: float
    threads: int = 4
    workers: list[WorkerProcess] = field(default_factory=list)

    def start(self, count: int = 1, *, threads: int | None = None, drain: float = 30.0) -> list[WorkerProcess]:
        return [self._start(threads or self.threads, drain) for _ in range(count)]

    def _start(self, threads: int, drain: float) -> WorkerProcess:
        name = f"worker-{len(self.workers)}"
        log = self.home / f"{name}.log"
        environment = {
            **os.environ,
            "ORCHESTRA_HOME": str(self.home),
            "ORCHESTRA_DATABASE_URL": self.urls.app,
            "ORCHESTRA_WORKER_URL": self.urls.worker,
            "PGAPPNAME": name,
        }
        command = [sys.executable, "-m", "orchestra_kit.workers"]
        command += [f"--threads={threads}", f"--lease={self.lease}", f"--drain={drain}"]
        with log.open("wb") as said:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=said)
        worker = WorkerProcess(name, process, log)
        self.workers.append(worker)
        return worker

    @property
    def living(self) -> list[WorkerProcess]:
        return [worker for worker in self.workers if worker.alive]

    def holder(self, locked_by: str | None) -> WorkerProcess:
        return next(worker for worker in self.workers if worker.holds(locked_by))

    def logs(self) -> str:
        return "\n".join(f"--- {worker.name}\n{worker.log.read_text()[-3000:]}" for worker in self.workers)

    def close(self) -> None:
        """End all workers: asked first, so that their kernels go with them."""
        for worker in self.living:
            with contextlib.suppress(ProcessLookupError):
                worker.signal(signal.SIGCONT)
                worker.signal(signal.SIGKILL)
        for worker in self.workers:
            worker.process.wait()
            assert worker.process.stdin is not None
            worker.process.stdin.close()


@contextlib.contextmanager
def start_fleet(urls: Urls, home: Path, *, lease: float = 2.0, threads: int = 4) -> Iterator[Fleet]:
    fleet = Fleet(urls, home, lease, threads)
    try:
        yield fleet
    finally:
        fleet.close()
