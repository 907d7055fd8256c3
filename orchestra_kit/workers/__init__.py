"""Worker processes: a supervisor that keeps N of them alive, and the process itself."""

from __future__ import annotations

from orchestra_kit.workers.supervisor import run_processes

__all__ = ["run_processes"]
