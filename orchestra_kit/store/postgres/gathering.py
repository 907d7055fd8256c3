"""Requests of many threads that travel to the server together (group commit on the client's side).

Nobody waits for company: a request that finds no trip under way leaves at once, alone. Those that come while trips are under
way leave together with the next one. On one thread this is a plain call; on 32 the server does one transaction and one
flush where it did 32.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _Request(Generic[Item, Answer]):
    """One caller's item. The gate opens when its answer is there, or when it is its turn to take the others along."""

    __slots__ = ("answer", "answered", "gate", "item", "leads")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.gate = threading.Lock()
        self.gate.acquire()
        self.answer: Answer | None = None
        self.answered = self.leads = False


@dataclass(slots=True)
class _Line(Generic[Item, Answer]):
    """The requests of one key that wait for the next trip, and how many trips are under way."""

    waiting: list[_Request[Item, Answer]] = field(default_factory=list)
    trips: int = 0


class Gathering(Generic[Key, Item, Answer]):
    """Sends items of one key together where they meet.

    `alone` sends one item and may raise for it. `together` sends several and returns one answer each, None where it has
    none: such an item, and every item of a trip that failed, is sent alone again, so that nobody fails for another. Both
    must be repeatable.
    """

    def __init__(
        self,
        *,
        alone: Callable[[Key, Item], Answer],
        together: Callable[[Key, Sequence[Item]], Sequence[Answer | None]],
        trips: int = 1,
        most: int = 64,
    ) -> None:
        self._alone, self._together, self._trips, self._most = alone, together, trips, most
        self._lock = threading.Lock()
        self._lines: dict[Key, _Line[Item, Answer]] = {}

    def send(self, key: Key, item: Item) -> Answer:
        """Return the answer to an item; raise what `alone` raises for it."""
        request: _Request[Item, Answer] = _Request(item)
        with self._lock:
            line = self._lines.setdefault(key, _Line())
            line.waiting.append(request)
            request.leads = line.trips < self._trips
            line.trips += request.leads
        if not request.leads:
            self._wait(key, line, request)
        if request.leads:
            self._travel(key, line, request)
        if request.answered:
            return request.answer  # type: ignore[return-value]  # Answer may be None itself
        return self._alone(key, item)

    def _wait(self, key: Key, line: _Line[Item, Answer], request: _Request[Item, Answer]) -> None:
        try:
            request.gate.acquire()
        except BaseException:  # interrupted: whoever is next must not wait for this one
            with self._lock:
                if request in line.waiting:
                    line.waiting.remove(request)
                leads = request.leads
            if leads:
                self._pass_on(key, line)
            raise

    def _travel(self, key: Key, line: _Line[Item, Answer], own: _Request[Item, Answer]) -> None:
        with self._lock:
            others = [request for request in line.waiting if not request.leads][: self._most - 1]
            aboard = [own, *others]
            line.waiting = [request for request in line.waiting if request not in aboard]
        try:
            if others:
                self._answer(key, aboard)
            else:
                own.answer, own.answered = self._alone(key, own.item), True
        finally:
            self._pass_on(key, line)
            for request in others:
                request.gate.release()

    def _answer(self, key: Key, aboard: Sequence[_Request[Item, Answer]]) -> None:
        try:
            answers = self._together(key, [request.item for request in aboard])
        except Exception:  # noqa: BLE001  # each asks alone and gets its own error
            return
        for request, answer in zip(aboard, answers, strict=True):
            request.answer, request.answered = answer, answer is not None

    def _pass_on(self, key: Key, line: _Line[Item, Answer]) -> None:
        with self._lock:
            following = next((request for request in line.waiting if not request.leads), None)
            if following is not None:
                following.leads = True
                following.gate.release()
                return
            line.trips -= 1
            if not line.trips and not line.waiting:
                self._lines.pop(key, None)
