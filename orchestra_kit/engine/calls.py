"""Calls that cannot hold a run for ever.

A run is driven on a lane, a thread beside the one that answers for it. Plugins are called on the lane itself, so that a
step costs no hand-over between threads; the thread that answers looks a few times a second whether a call has overrun
its deadline by far, or the run shall stop. Then the call is given up: whoever says first how it ended is believed, the
lane stops as soon as the call returns, and the run goes on without it. A plugin that never returns costs one idle
thread, never a run or a worker slot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

from orchestra_kit.errors import LeaseLostError

Answer = TypeVar("Answer")

GLANCE_SECONDS = 0.2
"""How often somebody looks whether a call is to be given up."""


class CallOverdueError(Exception):
    """The call did not come back, long after its deadline."""


class CallGivenUpError(Exception):
    """The run shall stop; the call's outcome is unknown."""


class RunTakenOverError(LeaseLostError):
    """This thread's call was given up meanwhile and the run goes on elsewhere: stop at once, write nothing."""


class Calling(Protocol):
    """A way to make a bounded call."""

    def run(self, call: Callable[[], Answer], *, limit_seconds: float, stop: Callable[[], bool]) -> Answer:
        """Return what `call` returns; raise what it raises, or why it was given up."""


class CallGuard:
    """The call one run is in, made on the run's own lane, and who may say how it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._given_up = False

    def run(self, call: Callable[[], Answer], *, limit_seconds: float, stop: Callable[[], bool]) -> Answer:
        """Return what `call` returns or raise what it raises; raise RunTakenOverError when it was given up meanwhile."""
        self.check()
        if stop():
            raise CallGivenUpError
        self._deadline = monotonic() + limit_seconds
        try:
            return call()
        finally:
            with self._lock:
                self._deadline = None
                self.check()

    def check(self) -> None:
        """Raise RunTakenOverError when the run goes on elsewhere."""
        if self._given_up:
            raise RunTakenOverError("the call under way was given up; the run goes on without it.")

    def give_up(self, stop: Callable[[], bool]) -> bool:
        """Give the call under way up when it is overdue or the run shall stop; True when it was given up now."""
        deadline = self._deadline
        if deadline is None or not (monotonic() >= deadline or stop()):
            return False
        with self._lock:
            if self._deadline is None:
                return False
            self._given_up = True
            return True


@dataclass(slots=True)
class _Outcome(Generic[Answer]):
    answer: Answer | None = None
    problem: BaseException | None = None


class _Lane:
    """A thread that does one call at a time."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self.outbox: SimpleQueue[_Outcome[Any]] = SimpleQueue()
        threading.Thread(target=self._serve, name="run-lane", daemon=True).start()

    def _serve(self) -> None:
        while (call := self.inbox.get()) is not None:
            try:
                outcome = _Outcome(answer=call())
            except BaseException as problem:  # noqa: BLE001 - raised again in the thread that waits
                outcome = _Outcome(problem=problem)
            del call
            self.outbox.put(outcome)
            del outcome


class Flight(Generic[Answer]):
    """A call under way on a lane."""

    def __init__(self, lanes: CallLanes, lane: _Lane) -> None:
        self._lanes, self._lane = lanes, lane
        self._outcome: _Outcome[Answer] | None = None

    def landed(self, *, within_seconds: float) -> bool:
        """Return whether the call has ended, waiting for it a while."""
        try:
            self._outcome = self._lane.outbox.get(timeout=max(within_seconds, 0.0))
        except Empty:
            return False
        self._lanes.take_back(self._lane)
        return True

    def result(self) -> Answer:
        """Return what the call returned or raise what it raised; it must have landed."""
        assert self._outcome is not None
        if self._outcome.problem is not None:
            raise self._outcome.problem
        return self._outcome.answer  # type: ignore[return-value]  # None only when Answer allows it

    def abandon(self) -> None:
        """Drop whatever the call still returns; its thread ends with it."""
        self._lane.inbox.put(None)


class CallLanes:
    """The lanes of one worker, made when needed and used again."""

    def __init__(self) -> None:
        self._free: list[_Lane] = []
        self._closed = False

    def begin(self, call: Callable[[], Answer]) -> Flight[Answer]:
        """Start a call and return at once."""
        try:
            lane = self._free.pop()
        except IndexError:
            lane = _Lane()
        context = copy_context()
        lane.inbox.put(lambda: context.run(call))
        return Flight(self, lane)

    def run(self, call: Callable[[], Answer], *, limit_seconds: float, stop: Callable[[], bool]) -> Answer:
        """Return what `call` returns; raise what it raises, CallOverdueError, or CallGivenUpError when `stop()` holds."""
        flight = self.begin(call)
        deadline = monotonic() + limit_seconds
        while not flight.landed(within_seconds=min(GLANCE_SECONDS, deadline - monotonic())):
            if stop():
                flight.abandon()
                raise CallGivenUpError
            if monotonic() >= deadline:
                flight.abandon()
                raise CallOverdueError
        return flight.result()

    def take_back(self, lane: _Lane) -> None:
        """Keep a lane for the next call."""
        if self._closed:
            lane.inbox.put(None)
        else:
            self._free.append(lane)

    def close(self) -> None:
        """End all idle lanes; those with a call under way end after it."""
        self._closed = True
        while self._free:
            self._free.pop().inbox.put(None)
