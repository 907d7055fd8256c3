"""What a driver (inline or notebook) needs of the engine, and the engine of a driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from orchestra_kit.model import StepResult, TestRun
from orchestra_kit.spi.plan import RunPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """What `run_step` gives back: the recorded result (redacted), whether it was replayed, and whether to go on."""

    result: StepResult
    replayed: bool
    go_on: bool


class RunSession(Protocol):
    """A claimed run in the hands of a driver. Every method may raise LeaseLostError: then stop at once."""

    @property
    def run(self) -> TestRun:
        """The run as claimed."""

    @property
    def plan(self) -> RunPlan:
        """The frozen plan."""

    @property
    def step_aliases(self) -> tuple[str, ...]:
        """The aliases this run executes, in order (replayed ones included)."""

    def run_step(self, alias: str, *, iteration: int = 0, overrides: Any = None) -> StepOutcome:
        """Resolve, commit the intent, act or watch, judge and commit one step, or replay what is recorded."""


@runtime_checkable
class Interruptible(Protocol):
    """A session that can tell between steps that the run is over; a driver that waits on user code looks at it often."""

    def stop_requested(self) -> bool:
        """True when the lease is lost or somebody asked to cancel. Cheap, without I/O, from any thread."""


class Driver(Protocol):
    """Walks the plan of a claimed run. It may call `run_step` from another thread than its own, one call at a time."""

    def drive(self, session: RunSession) -> None:
        """Run every step that is to be run. Returning normally means the plan was walked to its end or to its stop."""
