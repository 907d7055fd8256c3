"""Consumer threads: one takes messages while a handler is free, the others handle them, all drain on stop."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from orchestra_kit.errors import DefinitionError
from orchestra_kit.spi.work import RunRef

_log = logging.getLogger("orchestra.dispatch")


class Consumers:
    """`take` waits a moment for a message and returns it or None; `give_back` returns one that came too late; `leave` is
    called by the taking thread at its end."""

    def __init__(
        self,
        take: Callable[[], RunRef | None],
        give_back: Callable[[RunRef], None],
        *,
        name: str,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._take, self._give_back, self._name, self._leave = take, give_back, name, leave
        self._stopping = threading.Event()
        self._ready: queue.SimpleQueue[RunRef | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.refused = 0
        """Messages that were not ours and were dropped."""

    def start(self, handle: Callable[[RunRef], None], threads: int) -> None:
        """Start one taker and `threads` handlers."""
        self._free = threading.Semaphore(threads)
        self._threads = [threading.Thread(target=self._take_all, name=f"{self._name}-taker", daemon=True)]
        for number in range(threads):
            name = f"{self._name}-handler-{number}"
            self._threads.append(threading.Thread(target=self._handle_all, args=(handle,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Take no more, let the handlers under way come to an end; True when they did in time."""
        self._stopping.set()
        for _ in self._threads[1:]:
            self._ready.put(None)
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _take_all(self) -> None:
        pause = 0.05
        while not self._stopping.is_set():
            if not self._free.acquire(timeout=0.2):
                continue
            ref = None
            try:
                ref = self._take()
                pause = 0.05
            except DefinitionError as error:
                self.refused += 1
                _log.warning("wake-up.refused %s", error)
            except Exception as error:  # noqa: BLE001  # a lost connection must not end the taker
                _log.warning("wake-up.unreachable %s", type(error).__name__)
                self._stopping.wait(pause)
                pause = min(pause * 2, 2.0)
            if ref is None:
                self._free.release()
            elif self._stopping.is_set():
                self._return(ref)
            else:
                self._ready.put(ref)
        self._leave()

    def _return(self, ref: RunRef) -> None:
        try:
            self._give_back(ref)
        except Exception as error:  # noqa: BLE001  # the run is found again from its row
            _log.warning("wake-up.not-returned %s", type(error).__name__)

    def _handle_all(self, handle: Callable[[RunRef], None]) -> None:
        while (ref := self._ready.get()) is not None:
            try:
                handle(ref)
            except Exception:  # noqa: BLE001  # one run's failure must not end the thread
                _log.exception("wake-up.handler-failed run=%s", ref.run_id)
            finally:
                self._free.release()
