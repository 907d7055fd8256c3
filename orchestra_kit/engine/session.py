"""A claimed run in the hands of a driver: the one operation `run_step`, and how the run ends."""

from __future__ import annotations

import threading
from contextlib import suppress
from copy import copy
from dataclasses import replace
from typing import Any

from orchestra_kit.engine.assigning import Assigner
from orchestra_kit.engine.attempts import Assignment, Attempt, Attempter, never_back, retry_delay
from orchestra_kit.engine.background import Background
from orchestra_kit.engine.barriers import judge_barrier
from orchestra_kit.engine.calls import CallGuard
from orchestra_kit.engine.course import Course, fate
from orchestra_kit.engine.ending import Closing, decide_ending
from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.events import StepFinished
from orchestra_kit.engine.judging import could_not, evaluate_exports, judge_error
from orchestra_kit.engine.ledger import GOOD, Key, Ledger, intent_for
from orchestra_kit.engine.programs import StepProgram
from orchestra_kit.engine.recording import Recorded, Recorder
from orchestra_kit.engine.redaction import Redactor
from orchestra_kit.engine.results import ResultWriter
from orchestra_kit.engine.signals import RunCancelledError, RunDrainedError, StopSignals
from orchestra_kit.errors import OrchestraError, UnknownNameError
from orchestra_kit.model import (
    ActionMode,
    BarrierReaction,
    ScenarioStep,
    StepKind,
    StepResult,
    StepStatus,
    TestRun,
    Violation,
)
from orchestra_kit.spi.driver import StepOutcome
from orchestra_kit.spi.plan import RunPlan
from orchestra_kit.spi.protocol import ObservationError, Surroundings
from orchestra_kit.spi.work import ClaimedRun, FinishRun, Lease, StepCommit, StepIntent


class StepSession:
    """Does the steps of one run, each attempt once, and replays what is recorded.

    `run_step` may be called from any thread, one call at a time. `signals` may be set from any thread at any time.
    """

    def __init__(self, claimed: ClaimedRun, equipment: Equipment) -> None:
        self._claimed, self._equipment = claimed, equipment
        self.signals = StopSignals()
        self.signals.cancelled = claimed.run.cancel_requested
        recorder = Recorder(Redactor(), equipment.sealer, most_characters=equipment.settings.stored_characters)
        self._recorder = recorder
        self._ledger = Ledger(claimed, recorder)
        self._course = Course(claimed.plan, self._ledger)
        self.guard = CallGuard()
        self._attempter = Attempter(equipment, claimed.lease, self.signals, self.guard)
        self._assigner = Assigner(claimed, equipment, self._ledger, recorder.redactor)
        self._writer = ResultWriter(claimed.run, recorder)
        self._background = Background(equipment, self.signals, claimed.lease)
        self._under_way: tuple[Assignment, StepIntent, str] | None = None
        self._turn = threading.Lock()
        self._stopped: str | None = None
        self._diverged: StepResult | None = None
        self._abort_suite = False
        for alias in claimed.plan.reused:
            if (alias, 0) in self._ledger.recorded:
                self._ledger.admit(self._program(alias), self._ledger.recorded[(alias, 0)])

    @property
    def run(self) -> TestRun:
        """The run as claimed."""
        return self._claimed.run

    @property
    def plan(self) -> RunPlan:
        """The frozen plan."""
        return self._claimed.plan

    @property
    def lease(self) -> Lease:
        """The lease everything is written under."""
        return self._claimed.lease

    @property
    def surroundings(self) -> Surroundings:
        """Where the systems are; secrets it resolves are redacted from then on."""
        return self._assigner.surroundings

    @property
    def step_aliases(self) -> tuple[str, ...]:
        """The aliases this run executes, in order (replayed ones included)."""
        return self._course.aliases

    @property
    def needs_position(self) -> bool:
        """True when plugins must say where they stand before the first step."""
        if self._claimed.position is not None or self._ledger.open or self._course.next_intent(None) is None:
            return False
        channels = {step.channel_type for step in self._course.steps.values()}
        return any(plugin.needs_position for name, plugin in self._equipment.plugins.items() if name in channels)

    def stop_requested(self) -> bool:
        """True when the lease is lost, somebody asked to cancel, or the worker ends."""
        return self.signals.may_not_begin()

    def take_position(self, position: dict[str, Any]) -> None:
        """Store where the plugins stand and the first intent, in one commit."""
        intent = self._course.next_intent(None)
        if intent is not None:
            store, seconds = self._equipment.store, self._equipment.settings.lease_seconds
            self._equipment.persist(
                lambda: store.begin_run(self.lease, position=position, intent=intent, lease_seconds=seconds)
            )
            self._ledger.open[(intent.step_alias, intent.iteration)] = intent
        self._assigner.position = position

    def run_step(self, alias: str, *, iteration: int = 0, overrides: Any = None) -> StepOutcome:
        """Resolve, commit the intent, act or watch, judge and commit one step, or replay what is recorded."""
        with self._turn:
            program = self._program(alias)
            try:
                return self._run_step(program, iteration, overrides)
            except RunCancelledError:
                return self._not_run(program.step, iteration, "the run was cancelled.")
            except RunDrainedError:
                return self._not_run(program.step, iteration, "this worker ends; another one goes on.")

    def take_over(self) -> StepSession:
        """Return a session that goes on where this one's call was given up, that step recorded as TIMEOUT."""
        successor = copy(self)
        successor._turn = threading.Lock()  # the old one is held by the thread that does not come back
        successor.guard = CallGuard()
        successor._attempter = Attempter(self._equipment, self.lease, self.signals, successor.guard)
        if self._under_way is not None and not self.signals.must_stop():
            assignment, intent, digest = self._under_way
            limit = assignment.command.timeout_seconds + self._equipment.settings.overrun_seconds
            error = ObservationError(kind="timeout", message=never_back(limit))
            result = self._writer.failed(
                assignment.program.step,
                intent,
                judge_error(error, limit_seconds=assignment.command.timeout_seconds),
                now=self._equipment.clock.now(),
                started_at=assignment.started_at,
                digest=digest,
            )
            successor._close(assignment.program, result)
        return successor

    def conclude(self, problem: OrchestraError | None = None) -> FinishRun | None:
        """Wait for what runs beside the scenario and return how the run is to be finished, None to give it back.

        `problem` is why the driver could not go on. Call it once, after the driver.
        """
        with self._turn, suppress(RunCancelledError, RunDrainedError):
            self._harvest(wait=True)
        if problem is not None and self._stopped is None:
            self._stopped = self._recorder.redactor.text(str(problem))
        closing = Closing(
            steps=[self._course.steps[alias] for alias in self._course.aliases],
            stopped=self._stopped,
            diverged=self._diverged,
            exports=self._recorder.seal_exports(self._ledger.exports),
            abort_suite=self._abort_suite,
            now=self._equipment.clock.now(),
        )
        return decide_ending(self.lease, self.signals, self._ledger, self._writer, closing)

    def fail_start(self, problem: Violation) -> FinishRun:
        """Return the end of a run that could not even begin, with the problem at its first step."""
        alias = next((alias for alias in self._course.aliases if not self._ledger.is_final((alias, 0))), None)
        if alias is not None:
            program = self._program(alias)
            intent = self._ledger.open.get((alias, 0))
            made = intent or intent_for(program.step)
            result = self._writer.failed(program.step, made, problem, now=self._equipment.clock.now())
            if intent is not None:
                self._close(program, result)
            else:
                self._diverged = result
            self._stopped = f"step '{alias}' failed, and the run stops there."
        finish = self.conclude()
        assert finish is not None, "a stopped run is never given back"
        return finish

    def redact(self, text: str) -> str:
        """Return text without anything this run must not show."""
        return self._recorder.redactor.text(text)

    def _run_step(self, program: StepProgram, iteration: int, overrides: Any) -> StepOutcome:
        step, key = program.step, (program.step.alias, iteration)
        self.guard.check()
        self.signals.check(self.lease)
        if self._ledger.is_final(key):
            return self._replay(program, self._ledger.recorded[key], overrides)
        if self._background.is_running(key):
            return self._outcome(self._running(step, self._ledger.open[key]), go_on=True)
        self.signals.check(self.lease, waiting=True)
        self._harvest(wait=False)
        if self._stopped is not None:
            return self._not_run(step, iteration, self._stopped)
        intent = self._announced(step, iteration)
        reason = self._course.why_skip(program)
        if reason is not None:
            return self._close(program, self._writer.skipped(step, intent, reason, now=self._equipment.clock.now()))
        if step.kind is StepKind.BARRIER:
            return self._run_barrier(program, intent)
        if step.action.mode is ActionMode.FIRE_AND_FORGET and step.kind is StepKind.ACTION:
            return self._fire(program, intent, overrides)
        return self._run_attempts(program, intent, overrides)

    def _run_attempts(self, program: StepProgram, intent: StepIntent, overrides: Any) -> StepOutcome:
        while True:
            assigned = self._assign(program, intent, overrides)
            if isinstance(assigned, StepResult):
                return self._close(program, assigned)
            assignment, digest = assigned
            self._under_way = (assignment, intent, digest)
            eventual = program.step.kind is StepKind.ASSERTION
            attempt = self._attempter.watch(assignment) if eventual else self._attempter.act(assignment)
            outcome, again, delay = self._settle(assignment, intent, attempt, digest)
            if again is None:
                return outcome
            self._attempter.pause(delay)
            intent = again

    def _assign(self, program: StepProgram, intent: StepIntent, overrides: Any) -> tuple[Assignment, str] | StepResult:
        """Return the step ready to be attempted, or its result when it cannot be."""
        try:
            return self._assigner.assign(program, intent, overrides)
        except OrchestraError as problem:
            code = "INPUT_UNRESOLVED" if problem.exit_code == 2 else "NOT_EXECUTABLE"
            now = self._equipment.clock.now()
            digest = f"{program.digest}-unresolved"
            return self._writer.failed(program.step, intent, could_not(code, str(problem)), now=now, digest=digest)

    def _settle(
        self, assignment: Assignment, intent: StepIntent, attempt: Attempt, digest: str
    ) -> tuple[StepOutcome, StepIntent | None, float]:
        """Record an attempt, and announce the next one when the step's retry policy asks for it."""
        program = assignment.program
        result, known, exports = self._writer.of_attempt(
            assignment, intent, attempt, digest=digest, now=self._equipment.clock.now()
        )
        delay = retry_delay(program.step.action.meta.retry, attempt, intent.attempt, self._equipment.chance)
        again = replace(intent, attempt=intent.attempt + 1) if delay is not None else None
        outcome = self._close(program, result, known=known, again=again)
        self._ledger.ended[program.step.alias] = attempt.ended
        self._ledger.exports.update(exports)
        return outcome, again if outcome.go_on else None, delay or 0.0

    def _close(
        self,
        program: StepProgram,
        result: StepResult,
        *,
        known: Recorded | None = None,
        again: StepIntent | None = None,
    ) -> StepOutcome:
        """Commit a result together with the intent of what comes next."""
        self.signals.check_lease(self.lease)
        step, key = program.step, (result.step_alias, result.iteration)
        go_on = again is not None or self._course.goes_on(step, result)
        next_intent = again or (self._course.next_intent(key) if go_on else None)
        commit = StepCommit(
            lease=self.lease,
            result=result,
            next_intent=next_intent,
            lease_seconds=self._equipment.settings.lease_seconds,
        )
        store = self._equipment.store
        if self._equipment.persist(lambda: store.commit_step(commit)):
            self.signals.cancelled = True
        self._ledger.record(result, next_intent)
        if again is None:
            self._ledger.admit(program, result, known)
        if not go_on:
            self._stop(result)
        self._tell(result, replayed=False)
        return self._outcome(result, go_on=go_on)

    def _replay(self, program: StepProgram, result: StepResult, overrides: Any) -> StepOutcome:
        """Give back what is recorded, after making sure that it is still the same step."""
        difference = self._assigner.resolver.difference(program, result, overrides)
        if difference is not None:
            return self._diverge(program.step, result, difference)
        view = self._ledger.admit(program, result)
        if program.exports and result.status in GOOD:
            values, _ = evaluate_exports(program.exports, {**self._ledger.scope(), "response": view})
            self._ledger.exports.update(values)
        go_on = self._course.goes_on(program.step, result)
        if not go_on:
            self._stop(result)
        self._tell(result, replayed=True)
        return StepOutcome(result=result, replayed=True, go_on=go_on and not self.signals.may_not_begin())

    def _diverge(self, step: ScenarioStep, result: StepResult, difference: str) -> StepOutcome:
        message = (
            f"step '{step.alias}' is recorded as {result.status}, but {difference} is not what it was then; "
            "it is neither repeated nor taken as it is."
        )
        intent = intent_for(step, iteration=result.iteration, attempt=result.attempt + 1)
        problem = could_not("REPLAY_DIVERGED", message, differs=difference, recorded=result.definition_digest)
        self._diverged = self._writer.failed(step, intent, problem, now=self._equipment.clock.now())
        self._stopped = message
        return StepOutcome(result=self._diverged, replayed=True, go_on=False)

    def _fire(self, program: StepProgram, intent: StepIntent, overrides: Any) -> StepOutcome:
        assigned = self._assign(program, intent, overrides)
        if isinstance(assigned, StepResult):
            return self._close(program, assigned)
        self._background.fire(self._beside().act, assigned[0], intent, assigned[1])
        return self._outcome(self._running(program.step, intent), go_on=True)

    def _harvest(self, *, wait: bool, only: set[Key] | None = None, until: float | None = None) -> bool:
        """Record what has ended beside the scenario; with `wait`, until nothing of it is left. False when `until` came."""
        while True:
            for fired in self._background.ended():
                self._harvest_one(fired.assignment, fired.intent, fired.future.result(), fired.digest)
            waiting = {key for key in self._background.keys if only is None or key in only}
            if not wait or not waiting:
                return True
            if not self._background.wait_for_one(waiting, until=until):
                return False

    def _harvest_one(self, assignment: Assignment, intent: StepIntent, attempt: Attempt, digest: str) -> None:
        program = assignment.program
        _, again, delay = self._settle(assignment, intent, attempt, digest)
        if again is None:
            return
        assigned = self._assign(program, again, None)
        if isinstance(assigned, StepResult):
            self._close(program, assigned)
            return

        beside = self._beside()

        def act_later(later: Assignment) -> Attempt:
            beside.pause(delay)
            return beside.act(later)

        self._background.fire(act_later, assigned[0], again, assigned[1])

    def _beside(self) -> Attempter:
        """Return an attempter for threads nobody looks after: each of its calls is given up by itself."""
        return Attempter(self._equipment, self.lease, self.signals, self._equipment.lanes)

    def _run_barrier(self, program: StepProgram, intent: StepIntent) -> StepOutcome:
        meta, clock = program.step.action.meta, self._equipment.clock
        started_at, started = clock.now(), clock.monotonic()
        tracked = {(alias, 0) for alias in meta.tracked_steps}
        until = None if meta.timeout_ms is None else started + meta.timeout_ms / 1000
        self._harvest(wait=True, only=tracked, until=until)
        statuses = {alias: self._ledger.recorded.get((alias, 0)) for alias in meta.tracked_steps}
        found = judge_barrier(statuses, waited_ms=round((clock.monotonic() - started) * 1000))
        result = self._writer.of_barrier(program, intent, found, started_at=started_at, now=clock.now())
        return self._close(program, result)

    def _announced(self, step: ScenarioStep, iteration: int) -> StepIntent:
        """Return the committed intent of a step, committed now when no commit before has announced it."""
        key = (step.alias, iteration)
        if key not in self._ledger.open:
            intent = intent_for(step, iteration=iteration)
            store, seconds = self._equipment.store, self._equipment.settings.lease_seconds
            self._equipment.persist(lambda: store.begin_step(self.lease, intent=intent, lease_seconds=seconds))
            self._ledger.open[key] = intent
        return self._ledger.open[key]

    def _program(self, alias: str) -> StepProgram:
        step = self._course.steps.get(alias)
        if step is None or alias not in self._course.aliases:
            raise UnknownNameError("step of this run", alias, self._course.aliases)
        return self._equipment.programs.get(step, source=f"scenario {self.plan.scenario.key}")

    def _stop(self, result: StepResult) -> None:
        if self._stopped is None:
            self._stopped = f"step '{result.step_alias}' {fate(result.status)}, and the run stops there."
        reaction = self._course.steps[result.step_alias].action.meta.on_failure
        is_barrier = self._course.steps[result.step_alias].kind is StepKind.BARRIER
        if is_barrier and result.status is StepStatus.FAILED and reaction is BarrierReaction.ABORT_SUITE:
            self._abort_suite = True

    def _running(self, step: ScenarioStep, intent: StepIntent) -> StepResult:
        now = self._equipment.clock.now()
        return self._writer.skipped(step, intent, "", now=now, status=StepStatus.RUNNING)

    def _not_run(self, step: ScenarioStep, iteration: int, reason: str) -> StepOutcome:
        """Return what a driver is told of a step that was not done; nothing is recorded."""
        intent = intent_for(step, iteration=iteration)
        now = self._equipment.clock.now()
        return self._outcome(self._writer.skipped(step, intent, reason, now=now), go_on=False)

    def _outcome(self, result: StepResult, *, go_on: bool) -> StepOutcome:
        return StepOutcome(result=result, replayed=False, go_on=go_on and not self.signals.may_not_begin())

    def _tell(self, result: StepResult, *, replayed: bool) -> None:
        if not self._equipment.announce.silent:
            self._equipment.announce(
                StepFinished(tenant_id=self.run.tenant_id, run_id=self.run.id, result=_told(result), replayed=replayed)
            )


def _told(result: StepResult) -> StepResult:
    """Return a result as anybody may see it."""
    return result if result.sealed is None else result.model_copy(update={"sealed": None})
