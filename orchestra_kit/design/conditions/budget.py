"""The time that all questions about the conditions of one file may take together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SECONDS_FOR_A_FILE = 20.0


@dataclass(slots=True)
class TimeBudget:
    """Seconds from the first question on, for everything that shares it; what comes later is told as not decided."""

    seconds: float = SECONDS_FOR_A_FILE
    clock: Callable[[], float] = time.monotonic
    _end: float | None = field(default=None, init=False)

    @property
    def left(self) -> float:
        """How many seconds there are still; the first one who asks starts the clock."""
        if self._end is None:
            self._end = self.clock() + self.seconds
        return max(0.0, self._end - self.clock())

    @property
    def is_over(self) -> bool:
        """True when nothing more may be asked."""
        return self.left <= 0

    @property
    def reason(self) -> str:
        """What is said of all that was not asked any more."""
        return f"not decided: the {self.seconds:g} s for the conditions of a file are over"
