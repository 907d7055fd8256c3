"""Every reason for a run to stop, in one place: lost lease, cancellation, drain."""

from __future__ import annotations

from orchestra_kit.errors import LeaseLostError
from orchestra_kit.spi.work import Lease


class RunCancelledError(Exception):
    """Somebody asked to cancel the run; what is under way is given up."""


class RunDrainedError(Exception):
    """The worker ends; what was not begun is left to the next one."""


class StopSignals:
    """What others ask of a run while it is under way. Setting is quick and may be done from any thread."""

    __slots__ = ("cancelled", "draining", "lost")

    def __init__(self) -> None:
        self.lost = self.cancelled = self.draining = False

    def must_stop(self) -> bool:
        """True when even a call under way is to be given up."""
        return self.lost or self.cancelled

    def may_not_begin(self) -> bool:
        """True when nothing new is to be begun."""
        return self.lost or self.cancelled or self.draining

    def check(self, lease: Lease, *, waiting: bool = False) -> None:
        """Raise when the run must stop; one that only waits also stops for a drain."""
        self.check_lease(lease)
        if self.cancelled:
            raise RunCancelledError
        if waiting and self.draining:
            raise RunDrainedError

    def check_lease(self, lease: Lease) -> None:
        """Raise LeaseLostError when another worker owns the run."""
        if self.lost:
            raise LeaseLostError(f"run '{lease.run_id}' is no longer held by {lease.worker_id} at epoch {lease.epoch}.")
