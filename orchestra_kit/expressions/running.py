"""One evaluation: walks the parts of an expression within bounds of time and room.

The library cannot be interrupted, so each text it gets is one without loops whose work is bounded beforehand by the size
of its values; between such texts the time is looked at. Exceptions must not cross the library either (it prints and
flattens them): a function of ours that fails keeps its error here and returns what the library cannot convert.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.calling import FAILED, Bound, CelCall, Failures, load_library
from orchestra_kit.expressions.host_functions import HOSTED
from orchestra_kit.expressions.lowering import CelPart, Hosted, Loop, Part, Reach
from orchestra_kit.expressions.resolving import resolve
from orchestra_kit.expressions.values import BeyondLimit, kind_of, plain_value

TIME_LIMIT = 0.7
"""Seconds of this thread's own work, so that a busy machine does not make a sound rule fail; with the longest single
call of the library an evaluation stays below one second where a processor is free."""


class Evaluation:
    """One expression over one scope. Made for one call, used by one thread."""

    def __init__(self, scope: Mapping[str, Any], text: str) -> None:
        self.scope, self.text = scope, text
        load_library()  # before the clock starts: the first import takes longer than most evaluations
        self._deadline = time.thread_time() + TIME_LIMIT
        self.stopped: BaseException | None = None
        self._calls: dict[int, CelCall] = {}

    def value(self, part: Part, bound: Bound) -> Any:
        """Return the value of a part, with the names loops around it have bound; raise ExpressionError."""
        if isinstance(part, CelPart):
            return self._cel(part, bound)
        if isinstance(part, Reach):
            return self._reached(part, bound)
        if isinstance(part, Loop):
            return self._loop(part, bound)
        if isinstance(part, Hosted):
            return self._hosted(part, bound)
        return part.value

    def _reached(self, reach: Reach, bound: Bound) -> Any:
        return resolve(bound if reach.bound else self.scope, reach.root, reach.path, self.text)

    def _hosted(self, part: Hosted, bound: Bound) -> Any:
        values = [plain_value(self.value(argument, bound)) for argument in part.arguments]
        return HOSTED[part.function](*values)

    def look_at_time(self) -> None:
        """Raise BeyondLimit when the time is over."""
        if time.thread_time() > self._deadline:
            raise BeyondLimit(f"`{self.text}` takes longer than {TIME_LIMIT} seconds.")

    def _loop(self, loop: Loop, bound: Bound) -> Any:
        over = self.value(loop.over, bound)
        if not isinstance(over, (list, tuple, Mapping)):
            raise ExpressionError(f"'{loop.kind}' goes over a list or a map, not over {kind_of(over)}.")
        inside = dict(bound)
        kept: list[Any] = []
        hits = 0
        for element in over:
            self.look_at_time()
            inside[loop.variable] = element
            holds = loop.test is None or self._truth(loop, loop.test, inside)
            if loop.kind == "all" and not holds:
                return False
            if loop.kind == "exists" and holds:
                return True
            hits += holds
            if loop.kind in ("map", "filter") and holds:
                kept.append(element if loop.result is None else self.value(loop.result, inside))
        if loop.kind in ("map", "filter"):
            return kept
        return hits == 1 if loop.kind == "exists_one" else loop.kind == "all"

    def _truth(self, loop: Loop, test: Part, bound: Bound) -> bool:
        value = self.value(test, bound)
        if not isinstance(value, bool):
            raise ExpressionError(f"the condition of '{loop.kind}' is {kind_of(value)}, not a bool.")
        return value

    def _cel(self, part: CelPart, bound: Bound) -> Any:
        call = self._calls.get(id(part))
        if call is None:
            call = self._calls[id(part)] = CelCall(self, part)
        return call.run(bound)

    def hosted(self, name: str, work: Callable[..., Any], failures: Failures) -> Callable[..., Any]:
        """Return a function the library may call, which never raises there."""

        def call(*arguments: Any) -> Any:
            if self.stopped is not None:
                return FAILED
            try:
                self.look_at_time()
                return work(*arguments)
            except BeyondLimit as error:
                self.stopped = error
            except ExpressionError as error:
                failures[name] = error
            except BaseException as error:  # noqa: BLE001 - an interrupt is kept until the library has returned
                self.stopped = error
            return FAILED

        return call
