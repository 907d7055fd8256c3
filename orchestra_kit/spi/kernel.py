"""How a driver gets a fresh kernel: one for each run, in its own folder, with nothing of the worker in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRequest:
    """What a kernel is started for. `folder` is private to the run (mode 0700), short, and owned by the driver.

    `grant` is written for this kernel alone: where to ask for steps, and the token that allows it.
    """

    run_id: str
    folder: Path
    grant: Mapping[str, Any]


class Kernel(Protocol):
    """A kernel process that was started and may not be ready yet. Every method may be called from any thread."""

    @property
    def connection(self) -> Mapping[str, Any]:
        """Jupyter connection info (transport, ip, the five ports, key)."""

    def alive(self) -> bool:
        """True while the process runs."""

    def owns(self, process_id: int) -> bool:
        """True when a process on this host is this kernel or was started by it."""

    def failure_text(self) -> str:
        """Return the last lines the process wrote before it could answer, for an error message."""

    def kill(self) -> None:
        """End the process and its process group at once. Killing twice is harmless."""


class KernelLauncher(Protocol):
    """Starts kernels: cold, forked from a warm one, or a pod each."""

    def launch(self, request: KernelRequest) -> Kernel:
        """Start a kernel and return without waiting until it is ready; raise CannotJudgeError when it cannot start."""
