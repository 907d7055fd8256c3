"""FIRE_AND_FORGET: attempts that run beside the scenario. Only the session records what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass

from orchestra_kit.engine.attempts import Assignment, Attempt
from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.ledger import Key
from orchestra_kit.engine.signals import StopSignals
from orchestra_kit.spi.work import Lease, StepIntent

_GLANCE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """An attempt under way beside the scenario."""

    assignment: Assignment
    intent: StepIntent
    digest: str
    future: Future[Attempt]

    @property
    def key(self) -> Key:
        """The step it belongs to."""
        return (self.intent.step_alias, self.intent.iteration)


class Background:
    """The attempts of one run that are under way beside it. Used by the session's thread alone."""

    def __init__(self, equipment: Equipment, signals: StopSignals, lease: Lease) -> None:
        self._equipment, self._signals, self._lease = equipment, signals, lease
        self._fired: dict[Key, Fired] = {}

    def fire(
        self, act: Callable[[Assignment], Attempt], assignment: Assignment, intent: StepIntent, digest: str
    ) -> None:
        """Start an attempt and return at once."""
        future = self._equipment.background.submit(act, assignment)
        fired = Fired(assignment=assignment, intent=intent, digest=digest, future=future)
        self._fired[fired.key] = fired

    def is_running(self, key: Key) -> bool:
        """True from `fire` until the attempt is taken by `ended`."""
        return key in self._fired

    @property
    def keys(self) -> tuple[Key, ...]:
        """The steps under way."""
        return tuple(self._fired)

    def ended(self) -> list[Fired]:
        """Take the attempts that have come to an end."""
        done = [fired for fired in self._fired.values() if fired.future.done()]
        for fired in done:
            del self._fired[fired.key]
        return done

    def wait_for_one(self, keys: set[Key], *, until: float | None = None) -> bool:
        """Wait until one of `keys` has ended; False when `until` (monotonic) came first. Raise when the run must stop."""
        while True:
            futures = [fired.future for key, fired in self._fired.items() if key in keys]
            if not futures or any(future.done() for future in futures):
                return True
            self._signals.check(self._lease)
            if until is not None and self._equipment.clock.monotonic() >= until:
                return False
            wait(futures, timeout=_GLANCE_SECONDS, return_when="FIRST_COMPLETED")
