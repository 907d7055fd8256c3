"""The lease keeper: one thread for a worker extends all its leases in one batch and learns who is to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from orchestra_kit.engine.signals import StopSignals
from orchestra_kit.errors import OrchestraError
from orchestra_kit.spi.work import Lease, WorkStore

_log = logging.getLogger(__name__)


class LeaseKeeper:
    """Extends leases every third of their time. A context manager: its thread always ends with it."""

    def __init__(self, store: WorkStore, *, lease_seconds: float) -> None:
        self._store, self._lease_seconds = store, lease_seconds
        self._held: dict[Lease, StopSignals] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LeaseKeeper:
        self._ending.clear()
        self._thread = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @contextmanager
    def holding(self, lease: Lease, signals: StopSignals) -> Iterator[None]:
        """Extend a lease for as long as the context lasts; `signals` learn of a loss or a cancellation."""
        with self._lock:
            self._held[lease] = signals
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(lease, None)

    def drain(self) -> None:
        """Ask every run that is held now to stop at its next step."""
        with self._lock:
            for signals in self._held.values():
                signals.draining = True

    def abandon(self) -> None:
        """Make every run that is held now stop at once without writing; its lease runs out by itself."""
        with self._lock:
            for signals in self._held.values():
                signals.lost = True

    @property
    def held(self) -> tuple[Lease, ...]:
        """The leases held now."""
        with self._lock:
            return tuple(self._held)

    def beat(self) -> None:
        """Extend all leases once."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        for state in self._store.extend_leases(tuple(held), lease_seconds=self._lease_seconds):
            signals = held[state.lease]
            signals.lost = signals.lost or not state.held
            signals.cancelled = signals.cancelled or state.cancel_requested

    def _keep(self) -> None:
        while not self._ending.wait(self._lease_seconds / 3):
            try:
                self.beat()
            except OrchestraError as problem:
                # The next beat comes before the leases run out; should they run out, every write is refused.
                _log.warning("heartbeat failed", extra={"problem": str(problem)})
            except Exception:  # noqa: BLE001 - the keeper must go on beating
                _log.exception("heartbeat failed")
