"""Step results: what becomes of attempts, refusals and skips."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestra_kit.engine.attempts import Assignment, Attempt
from orchestra_kit.engine.judging import could_not, evaluate_exports
from orchestra_kit.engine.programs import StepProgram
from orchestra_kit.engine.recording import Recorded, Recorder
from orchestra_kit.model import BarrierReaction, ScenarioStep, StepResult, StepStatus, TestRun, Violation
from orchestra_kit.spi.work import StepIntent


class ResultWriter:
    """Writes the results of one run, redacted."""

    def __init__(self, run: TestRun, recorder: Recorder) -> None:
        self._run, self._recorder = run, recorder
        self._blank = StepResult.model_construct(tenant_id=run.tenant_id, run_id=run.id, origin_run_id=run.id)

    def of_attempt(
        self, assignment: Assignment, intent: StepIntent, attempt: Attempt, *, digest: str, now: datetime
    ) -> tuple[StepResult, Recorded | None, dict[str, Any]]:
        """Return the result of an attempt, how its observation was recorded, and what it exports when it passed."""
        known: Recorded | None = None
        fields: dict[str, Any] = {}
        step, found, exports = assignment.program.step, attempt.violations, dict[str, Any]()
        if attempt.observation is not None:
            known = self._recorder.record(
                attempt.observation,
                channel=step.channel_type,
                operation=assignment.command.operation,
                sensitive=assignment.program.sensitive,
            )
            fields = known.fields
            if attempt.passed and assignment.program.exports:
                exports, found = evaluate_exports(
                    assignment.program.exports, {**assignment.scope, "response": known.view}
                )
        else:
            fields["request"] = self._recorder.request({"notSent": True, "input": assignment.command.input})
        good = StepStatus.PASSED if intent.attempt == 1 else StepStatus.FLAKY
        result = self._result(
            step,
            intent,
            status=StepStatus.FAILED if found else good,
            started_at=attempt.started_at,
            finished_at=now,
            duration_ms=attempt.duration_ms,
            definition_digest=digest,
            violations=self._recorder.violations(found) if found else (),
            settling_time_ms=attempt.settling_time_ms,
            polls=attempt.polls,
            **fields,
        )
        return result, known, exports

    def failed(
        self,
        step: ScenarioStep,
        intent: StepIntent,
        problem: Violation,
        *,
        now: datetime,
        started_at: datetime | None = None,
        digest: str | None = None,
    ) -> StepResult:
        """Return the result of a step that failed without an observation."""
        return self._result(
            step,
            intent,
            status=StepStatus.FAILED,
            started_at=started_at or now,
            finished_at=now,
            duration_ms=round((now - (started_at or now)).total_seconds() * 1000),
            definition_digest=digest,
            violations=self._recorder.violations([problem]),
        )

    def skipped(
        self, step: ScenarioStep, intent: StepIntent, reason: str, *, now: datetime, status: StepStatus | None = None
    ) -> StepResult:
        """Return the result of a step that was not attempted because of `reason`."""
        return self._result(
            step,
            intent,
            status=status or StepStatus.SKIPPED,
            started_at=now,
            finished_at=now,
            violations=self._recorder.violations([could_not("SKIPPED", reason)]) if reason else (),
        )

    def of_barrier(
        self, program: StepProgram, intent: StepIntent, found: list[Violation], *, started_at: datetime, now: datetime
    ) -> StepResult:
        """Return the result of a barrier. With CONTINUE it passes: those it tracks speak for themselves."""
        tolerant = program.step.action.meta.on_failure is BarrierReaction.CONTINUE
        return self._result(
            program.step,
            intent,
            status=StepStatus.FAILED if found and not tolerant else StepStatus.PASSED,
            started_at=started_at,
            finished_at=now,
            duration_ms=round((now - started_at).total_seconds() * 1000),
            definition_digest=program.digest,
            violations=() if tolerant else self._recorder.violations(found),
        )

    def _result(self, step: ScenarioStep, intent: StepIntent, **fields: Any) -> StepResult:
        # Every value is ours and of its type already; validation would cost more than the rest of the step.
        fields["step_id"] = step.id
        fields["step_alias"] = step.alias
        fields["order_index"] = step.order_index
        fields["iteration"] = intent.iteration
        fields["attempt"] = intent.attempt
        fields["idempotency_key"] = intent.idempotency_key(self._run.id)
        return self._blank.model_copy(update=fields)
