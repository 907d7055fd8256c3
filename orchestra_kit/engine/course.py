"""The course of a run: which steps it walks, what comes next, what is skipped, and when it stops."""

from __future__ import annotations

from orchestra_kit.engine.ledger import GOOD, Key, Ledger, intent_for
from orchestra_kit.engine.programs import StepProgram
from orchestra_kit.model import ActionMode, BarrierReaction, RunMode, ScenarioStep, StepKind, StepResult, StepStatus
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.work import StepIntent


class Course:
    """What a plan asks for, seen from what is recorded. It answers the same for a recorded result as for a new one."""

    def __init__(self, plan: RunPlan, ledger: Ledger) -> None:
        self._plan, self._ledger = plan, ledger
        self.steps = {step.alias: step for step in plan.scenario.steps}
        self.aliases = _aliases_of(plan, ledger)
        self._tracked = {alias for name in self.aliases for alias in self.steps[name].action.meta.tracked_steps}

    def next_intent(self, after: Key | None) -> StepIntent | None:
        """Return the intent of the first step after another one that is neither recorded nor announced."""
        begin = self.aliases.index(after[0]) + 1 if after is not None else 0
        for alias in self.aliases[begin:]:
            key = (alias, 0)
            if key not in self._ledger.recorded and key not in self._ledger.open:
                return intent_for(self.steps[alias])
        return None

    def goes_on(self, step: ScenarioStep, result: StepResult) -> bool:
        """Return whether the run goes on after a result."""
        if result.status in GOOD:
            return True
        if step.kind is StepKind.BARRIER and result.status is StepStatus.FAILED:
            return step.action.meta.on_failure is BarrierReaction.CONTINUE
        if step.action.mode is ActionMode.FIRE_AND_FORGET and step.alias in self._tracked:
            return True
        return self._plan.mode is RunMode.RUN_ALL_STEPS

    def why_skip(self, program: StepProgram) -> str | None:
        """Return why a step cannot be run after what became of those it builds on."""
        statuses = self._ledger.statuses
        for alias in sorted(program.needs & self.steps.keys()):
            status = statuses.get(alias)
            if status not in GOOD:
                return f"it refers to step '{alias}', which {fate(status)}."
        observed = program.step.action.meta.observes
        if observed in self.steps and statuses.get(observed) is StepStatus.SKIPPED:
            return f"it observes step '{observed}', which was skipped."
        return None


def fate(status: StepStatus | None) -> str:
    """Return what became of a step, in words."""
    if status is StepStatus.FAILED:
        return "failed"
    return "was skipped" if status is StepStatus.SKIPPED else "was not run"


def _aliases_of(plan: RunPlan, ledger: Ledger) -> tuple[str, ...]:
    """Return the aliases a run walks: what it reuses, then its own steps."""
    steps, start = plan.scenario.steps, plan.start_step_index
    own = steps[start : start + 1] if plan.mode is RunMode.SINGLE_STEP else steps[start:]
    reused = [step.alias for step in steps[:start] if step.alias in plan.reused and (step.alias, 0) in ledger.recorded]
    return (*reused, *(step.alias for step in own))
