"""The command line of one worker process."""

from __future__ import annotations

import sys


def worker_command(*, threads: int, lease_seconds: float, drain_seconds: float) -> list[str]:
    """Return the command of a worker process. It drains when its standard input closes, so it cannot be orphaned."""
    return [
        sys.executable,
        "-m",
        "orchestra_kit.workers",
        f"--threads={threads}",
        f"--lease={lease_seconds}",
        f"--drain={drain_seconds}",
    ]
