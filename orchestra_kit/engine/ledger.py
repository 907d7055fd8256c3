"""What a run knows: recorded results, open intents, and the scope its templates and rules are evaluated in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.engine.programs import StepProgram
from orchestra_kit.engine.recording import Recorded, Recorder
from orchestra_kit.model import RunId, ScenarioStep, StepResult, StepStatus
from orchestra_kit.spi.plan import run_token
from orchestra_kit.spi.work import ClaimedRun, StepIntent

Key = tuple[str, int]
"""(alias, iteration)"""

GOOD = (StepStatus.PASSED, StepStatus.FLAKY)


class Ledger:
    """The memory of one run. Owned by its session."""

    def __init__(self, claimed: ClaimedRun, recorder: Recorder) -> None:
        self._claimed, self._recorder = claimed, recorder
        self.recorded: dict[Key, StepResult] = {}
        self.open: dict[Key, StepIntent] = {}
        self.ended: dict[str, float] = {}
        self.exports: dict[str, Any] = {}
        self.statuses: dict[str, StepStatus] = {}
        self._steps: dict[str, Any] = {}
        self._shown_steps: dict[str, Any] = {}
        for result in claimed.results:
            key = (result.step_alias, result.iteration)
            if result.status is StepStatus.RUNNING:
                self.open[key] = _intent_of(result)
            elif key not in self.recorded or self.recorded[key].attempt <= result.attempt:
                self.recorded[key] = result
        if claimed.intent is not None:
            self.open.setdefault((claimed.intent.step_alias, claimed.intent.iteration), claimed.intent)
        suite = recorder.open_context(claimed.suite_context)
        self._differs = suite != (claimed.suite_context or {})
        self._shared = _shared_scope(claimed, self.origin_run_id)
        self._shared["suite"] = suite

    @property
    def origin_run_id(self) -> RunId:
        """The run whose test data this run goes on with: the one its first reused result comes from, else itself."""
        run = self._claimed.run
        return next((item.origin_run_id for item in self._claimed.results if item.origin_run_id != run.id), run.id)

    def scope(self) -> dict[str, Any]:
        """Return what expressions see. Its `steps` are those known now, also when more are added later."""
        return {**self._shared, "steps": dict(self._steps)}

    def shown_scope(self) -> dict[str, Any] | None:
        """Return the scope with everything sensitive replaced, None when that is no different."""
        if not self._differs:
            return None
        return {**self._shared, "suite": self._claimed.suite_context or {}, "steps": dict(self._shown_steps)}

    def is_final(self, key: Key) -> bool:
        """True when the last attempt of a step is recorded and no further one is announced."""
        return key in self.recorded and key not in self.open

    def record(self, result: StepResult, next_intent: StepIntent | None) -> None:
        """Learn that a result and the intent of what comes next are committed."""
        key = (result.step_alias, result.iteration)
        self.open.pop(key, None)
        self.recorded[key] = result
        if next_intent is not None:
            self.open[(next_intent.step_alias, next_intent.iteration)] = next_intent

    def admit(self, program: StepProgram, result: StepResult, known: Recorded | None = None) -> Mapping[str, Any]:
        """Make a recorded step visible to later ones; return its view."""
        alias = result.step_alias
        self.statuses[alias] = result.status
        if result.status is StepStatus.SKIPPED:
            return {}
        known = known or self._recorder.restore(result, program.step.channel_type)
        status = result.status.value
        self._steps[alias] = {"response": known.view, "status": status}
        self._shown_steps[alias] = {"response": known.shown, "status": status}
        self._differs = self._differs or known.shown is not known.view
        return known.view


def intent_for(step: ScenarioStep, *, iteration: int = 0, attempt: int = 1) -> StepIntent:
    """Return the intent of an attempt of a step."""
    return StepIntent(
        step_id=step.id, step_alias=step.alias, order_index=step.order_index, iteration=iteration, attempt=attempt
    )


def _intent_of(result: StepResult) -> StepIntent:
    return StepIntent(
        step_id=result.step_id,
        step_alias=result.step_alias,
        order_index=result.order_index,
        iteration=result.iteration,
        attempt=result.attempt,
    )


def _shared_scope(claimed: ClaimedRun, origin_run_id: str) -> dict[str, Any]:
    run = claimed.run
    return {
        "data": claimed.plan.data,
        "run": {"id": run.id, "correlationId": run.correlation_id, "token": run_token(origin_run_id)},
        "env": claimed.plan.environment.variables,
    }
