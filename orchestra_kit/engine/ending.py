"""How a run ends: its status once, the reason in a sentence, and a row for every step that was never reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestra_kit.engine.ledger import GOOD, Ledger, intent_for
from orchestra_kit.engine.results import ResultWriter
from orchestra_kit.engine.signals import StopSignals
from orchestra_kit.model import RunStatus, ScenarioStep, StepResult, StepStatus
from orchestra_kit.spi.work import FinishRun, Lease

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What a session knows at its end, beyond its ledger."""

    steps: Sequence[ScenarioStep]
    stopped: str | None
    diverged: StepResult | None
    exports: dict[str, Any]
    abort_suite: bool
    now: datetime


def decide_ending(
    lease: Lease, signals: StopSignals, ledger: Ledger, writer: ResultWriter, closing: Closing
) -> FinishRun | None:
    """Return how the run is to be finished, None when it is to be given back unfinished."""
    if signals.cancelled:
        return FinishRun(lease=lease, status=RunStatus.CANCELLED)
    unreached = [step for step in closing.steps if not ledger.is_final((step.alias, 0))]
    if signals.draining and unreached and closing.stopped is None and closing.diverged is None:
        return None
    results = [ledger.recorded[(step.alias, 0)] for step in closing.steps if (step.alias, 0) in ledger.recorded]
    status, reason = _verdict(results, unreached, closing)
    why = closing.stopped or reason or ""
    skipped = [
        writer.skipped(step, intent_for(step), why, now=closing.now)
        for step in unreached
        if (step.alias, 0) not in ledger.open
    ]
    if closing.diverged is not None:
        skipped.insert(0, closing.diverged)  # first, for of two rows of one attempt the first counts
    return FinishRun(
        lease=lease,
        status=status,
        reason=reason[:_LONGEST_REASON] if reason else None,
        skipped=tuple(skipped),
        exports=closing.exports or None if status is RunStatus.PASSED else None,
        abort_suite=closing.abort_suite,
    )


def _verdict(
    results: Sequence[StepResult], unreached: Sequence[ScenarioStep], closing: Closing
) -> tuple[RunStatus, str | None]:
    if closing.diverged is not None:
        return RunStatus.FAILED, _failure(closing.diverged)
    failed = next((item for item in results if item.status is StepStatus.FAILED), None)
    if failed is not None:
        return RunStatus.FAILED, _failure(failed)
    bad = next((item for item in results if item.status not in GOOD), None)
    if bad is not None:
        why = bad.violations[0].message if bad.violations else ""
        return RunStatus.FAILED, f"step '{bad.step_alias}' was not run: {why}".rstrip(": ")
    if closing.stopped is not None:
        return RunStatus.FAILED, closing.stopped
    if unreached:
        return RunStatus.FAILED, f"the driver ended before step '{unreached[0].alias}' was done."
    flaky = [item.step_alias for item in results if item.status is StepStatus.FLAKY]
    return RunStatus.PASSED, f"passed after a retry: {', '.join(flaky)}." if flaky else None


def _failure(result: StepResult) -> str:
    if not result.violations:
        return f"step '{result.step_alias}' failed."
    first = result.violations[0]
    more = f" (and {len(result.violations) - 1} more)" if len(result.violations) > 1 else ""
    return f"step '{result.step_alias}' failed: {first.code}: {first.message}{more}"
