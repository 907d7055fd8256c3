"""BARRIER: whether the steps it tracks have ended well."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra_kit.engine.judging import violation
from orchestra_kit.engine.ledger import GOOD
from orchestra_kit.model import StepResult, StepStatus, Violation, ViolationType


def judge_barrier(tracked: Mapping[str, StepResult | None], *, waited_ms: int) -> list[Violation]:
    """Return a violation for each tracked step that failed, was not run, or has not ended in time."""
    found: list[Violation] = []
    for alias, result in tracked.items():
        if result is None:
            message = f"step '{alias}' had not ended after {waited_ms} ms."
            found.append(violation(ViolationType.TIMEOUT, "TRACKED_STEP_LATE", message, step=alias))
        elif result.status is StepStatus.FAILED:
            kind = result.violations[0].type if result.violations else ViolationType.EXECUTION_ERROR
            first = f": {result.violations[0].message}" if result.violations else "."
            found.append(violation(kind, "TRACKED_STEP_FAILED", f"step '{alias}' failed{first}", step=alias))
        elif result.status not in GOOD:
            message = f"step '{alias}' was skipped."
            found.append(violation(ViolationType.EXECUTION_ERROR, "TRACKED_STEP_SKIPPED", message, step=alias))
    return found
