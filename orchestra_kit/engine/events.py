"""What the engine tells while it works: typed events for logs, reports and progress. Everything in them is redacted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from orchestra_kit.model import RunStatus, StepResult, SuiteRunStatus

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """Something that happened to one run."""

    tenant_id: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClaimed(RunEvent):
    """A worker owns the run now; `resumed` when results were recorded before."""

    worker_id: str
    epoch: int
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(RunEvent):
    """The intent of an attempt is committed; its effect may follow."""

    alias: str
    iteration: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(RunEvent):
    """An attempt is recorded, or (`replayed`) was recorded before."""

    result: StepResult
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(RunEvent):
    """A run has its terminal status."""

    status: RunStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReleased(RunEvent):
    """A draining worker gave the run back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost(RunEvent):
    """Another worker owns the run; this one stopped without writing."""

    worker_id: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLeft(RunEvent):
    """This worker cannot go on with the run; the reaper will put it back in line."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReaped(RunEvent):
    """A run whose lease had expired was put back in line or ended."""

    status: RunStatus
    recoveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteAdvanced:
    """The orchestrator let runs go, skipped some, or ended a suite run."""

    tenant_id: str
    suite_run_id: str
    released: tuple[str, ...]
    skipped: tuple[str, ...]
    status: SuiteRunStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyFailed:
    """A periodic duty of a worker met an error; it is tried again."""

    duty: str
    message: str


Event = RunEvent | SuiteAdvanced | DutyFailed


class EventSink(Protocol):
    """Takes events, from any thread. It shall be quick; what it raises is logged and goes no further."""

    def __call__(self, event: Event) -> None:
        """Take one event."""


class Announcer:
    """Hands each event to every sink; a failing sink harms nobody."""

    def __init__(self, sinks: tuple[EventSink, ...] = ()) -> None:
        self._sinks = sinks

    @property
    def silent(self) -> bool:
        """True when nobody listens, so that events need not be made."""
        return not self._sinks

    def __call__(self, event: Event) -> None:
        """Hand an event on."""
        for sink in self._sinks:
            try:
                sink(event)
            except Exception:  # noqa: BLE001 - a sink's fault is not the run's
                _log.exception("event sink failed", extra={"event": type(event).__name__})
