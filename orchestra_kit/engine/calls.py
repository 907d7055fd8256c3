"""Calls into plugins that cannot hold a run: each runs on a lane beside the run's own thread.

The run's thread waits for the lane, not for the plugin. A call that overruns its deadline by far, or whose run is
cancelled, is given up: its lane ends when the call does, and whatever it still returns is dropped. A hand-over costs
about 20 microseconds; in exchange a plugin that never returns costs one idle thread and never a run or a worker slot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")

_GLANCE_SECONDS = 0.2
"""How often a waiting run looks whether it shall stop."""


class CallOverdueError(Exception):
    """The call did not come back, long after its deadline."""


class CallGivenUpError(Exception):
    """The run shall stop; the call's outcome is unknown."""


@dataclass(slots=True)
class _Outcome(Generic[Answer]):
    answer: Answer | None = None
    problem: BaseException | None = None


class _Lane:
    """A thread that does one call at a time."""

    def __init__(self) -> None:
        self._inbox: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._outbox: SimpleQueue[_Outcome[Any]] = SimpleQueue()
        threading.Thread(target=self._serve, name="plugin-call", daemon=True).start()

    def start(self, call: Callable[[], Any]) -> None:
        self._inbox.put(call)

    def wait(self, seconds: float) -> _Outcome[Any] | None:
        try:
            return self._outbox.get(timeout=max(seconds, 0.0))
        except Empty:
            return None

    def end(self) -> None:
        """End the thread, after the call under way if there is one."""
        self._inbox.put(None)

    def _serve(self) -> None:
        while (call := self._inbox.get()) is not None:
            try:
                outcome = _Outcome(answer=call())
            except BaseException as problem:  # noqa: BLE001 - raised again in the thread that waits
                outcome = _Outcome(problem=problem)
            del call
            self._outbox.put(outcome)


class CallLanes:
    """The lanes of one worker, made when needed and used again."""

    def __init__(self) -> None:
        self._free: list[_Lane] = []
        self._closed = False

    def run(self, call: Callable[[], Answer], *, limit_seconds: float, stop: Callable[[], bool]) -> Answer:
        """Return what `call` returns; raise what it raises, CallOverdueError, or CallGivenUpError when `stop()` holds."""
        try:
            lane = self._free.pop()
        except IndexError:
            lane = _Lane()
        context = copy_context()
        lane.start(lambda: context.run(call))
        deadline = monotonic() + limit_seconds
        while True:
            outcome = lane.wait(min(_GLANCE_SECONDS, deadline - monotonic()))
            if outcome is not None:
                break
            if stop():
                lane.end()
                raise CallGivenUpError
            if monotonic() >= deadline:
                lane.end()
                raise CallOverdueError
        if self._closed:
            lane.end()
        else:
            self._free.append(lane)
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.answer  # type: ignore[return-value]  # None only when Answer allows it

    def close(self) -> None:
        """End all idle lanes; those with a call under way end after it."""
        self._closed = True
        while self._free:
            self._free.pop().end()
