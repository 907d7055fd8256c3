"""Which status may follow which, and the sentences that refuse the others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from orchestra_kit.errors import ConflictError, DefinitionError, LeaseLostError, LimitError, NotFoundError, nearest_hint
from orchestra_kit.model import RunStatus, ScenarioStatus, TestScenario
from orchestra_kit.spi.work import Lease, StepCommit

ACTIVE_RUN_STATUSES = (RunStatus.QUEUED, RunStatus.IN_PROGRESS)
"""What counts against maxParallelRuns."""

WAITING_RUN_STATUSES = (RunStatus.PENDING, RunStatus.QUEUED)
"""What a cancellation ends at once."""

_SCENARIO_MOVES = {
    (ScenarioStatus.DRAFT, ScenarioStatus.PUBLISHED): "publish",
    (ScenarioStatus.PUBLISHED, ScenarioStatus.DEPRECATED): "deprecate",
    (ScenarioStatus.DEPRECATED, ScenarioStatus.PUBLISHED): "publish",
}


def scenario_move(scenario: TestScenario, status: ScenarioStatus) -> str:
    """Return the name of the move to `status`; raise ConflictError when there is none or gaps forbid it."""
    move = _SCENARIO_MOVES.get((scenario.status, status))
    label = f"scenario '{scenario.key}' version {scenario.version}"
    if move is None:
        allowed = [str(to) for (since, to) in _SCENARIO_MOVES if since is scenario.status]
        raise ConflictError(
            f"{label} is {scenario.status} and cannot become {status}.", hint=f"Allowed: {', '.join(allowed)}."
        )
    if status is ScenarioStatus.PUBLISHED and scenario.gaps:
        raise ConflictError(
            f"{label} still has {len(scenario.gaps)} gap(s) and cannot be published.",
            hint=f"First: {scenario.gaps[0].message}",
        )
    return move


def stale_version(key: str, *, newest: int, by: str, at: datetime, expected: int) -> ConflictError:
    """Return the conflict of a writer who did not know the newest version, naming who made it and when."""
    return ConflictError(
        f"scenario '{key}' was changed to version {newest} by {by} at {at.isoformat(timespec='seconds')}; "
        f"your change was based on version {expected}.",
        hint="Read the newest version and apply your change to it.",
    )


def moved_scenario(key: str) -> ConflictError:
    """Return the conflict of an update that would rename a scenario or move it to another suite."""
    return ConflictError(
        f"scenario '{key}' keeps its key and its suite for all its versions.", hint="Create another scenario instead."
    )


def taken_key(key: str) -> ConflictError:
    """Return the refusal of a second scenario of one key in a suite."""
    return ConflictError(f"scenario '{key}' is there already.", hint="Update it, or choose another key.")


def scenario_limit(limit: int) -> LimitError:
    """Return the refusal of a scenario beyond the tenant's limit."""
    return LimitError(f"the tenant may have {limit} scenarios (maxScenariosPerTenant) and has them all.")


def absent(what: str, name: str, known: Iterable[str] = ()) -> NotFoundError:
    """Return the one answer for what is absent and for what belongs to another tenant."""
    return NotFoundError(f"no {what} '{name}'.", hint=nearest_hint(name, known))


def ambiguous(what: str, name: str, spellings: Iterable[str]) -> DefinitionError:
    """Return the refusal to choose between several entities of one name."""
    return DefinitionError(f"{what} '{name}' is not unique.", hint=f"Say one of: {', '.join(sorted(spellings))}.")


def check_final(status: RunStatus) -> None:
    """Raise DefinitionError unless `status` may end a run."""
    if not status.terminal:
        raise DefinitionError(f"a run cannot end in status {status}.")


def check_tenant(tenant_id: str) -> None:
    """Raise DefinitionError for work without a tenant: it would see nothing and hide the mistake."""
    if not tenant_id or not tenant_id.strip():
        raise DefinitionError("no tenant is given: nothing may be read or written without one.")


def lease_lost(lease: Lease) -> LeaseLostError:
    """Return the refusal of a write by a worker that no longer owns the run."""
    return LeaseLostError(f"run '{lease.run_id}' is no longer held by {lease.worker_id} at epoch {lease.epoch}.")


def unannounced(commit: StepCommit) -> ConflictError:
    """Return the refusal of a result whose intent was never committed."""
    result = commit.result
    return ConflictError(
        f"step '{result.step_alias}' (iteration {result.iteration}, attempt {result.attempt}) was never announced: "
        "its intent must be committed before its effect."
    )


def taken_run(run_id: str) -> ConflictError:
    """Return the refusal to store a run or suite run twice."""
    return ConflictError(f"run '{run_id}' is there already.")


def not_stuck(run_id: str, status: RunStatus) -> ConflictError:
    """Return the refusal to resume a run that is not stuck."""
    return ConflictError(f"run '{run_id}' is {status}; only a {RunStatus.FAILED_STUCK} run can be resumed.")


STUCK_REASON = "its worker was lost {count} times in a row at the same run; the limit is {limit} recoveries."
ABORTED_REASON = "the suite run was aborted by scenario '{key}'."
