"""One attempt of a step: act once, or watch until it is so; then judge. Records nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestra_kit.engine.calls import CallGivenUpError, Calling, CallOverdueError, RunTakenOverError
from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.judging import holds, judge_observation, violation
from orchestra_kit.engine.programs import ResolvedStep, StepProgram
from orchestra_kit.engine.signals import StopSignals
from orchestra_kit.errors import CannotJudgeError, DefinitionError, EgressError, SecretError
from orchestra_kit.model import RetryPolicy, Violation, ViolationType
from orchestra_kit.spi.protocol import Command, ContractValidator, Observation, ObservationError
from orchestra_kit.spi.work import Lease

_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 1.0
_SHARE_OF_ELAPSED = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of one attempt, before redaction. `ended` is monotonic time."""

    started_at: datetime
    ended: float
    duration_ms: int
    observation: Observation | None
    violations: list[Violation]
    settling_time_ms: int | None = None
    polls: int | None = None

    @property
    def passed(self) -> bool:
        """True when nothing is wrong."""
        return not self.violations


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A step about to be attempted: resolved, with everything around it. `settled_since` is the monotonic time from
    which settling is counted (the end of the ACTION it observes)."""

    program: StepProgram
    resolved: ResolvedStep
    command: Command
    scope: Mapping[str, Any]
    started_at: datetime
    settled_since: float | None = None


class Attempter:
    """Attempts steps of one run."""

    def __init__(self, equipment: Equipment, lease: Lease, signals: StopSignals, calling: Calling) -> None:
        self._equipment, self._lease, self._signals, self._calling = equipment, lease, signals, calling
        self._clock = equipment.clock

    def act(self, assignment: Assignment) -> Attempt:
        """Check the request, send it once and judge the answer."""
        command, channel = assignment.command, assignment.program.step.channel_type
        started_at, started = self._clock.now(), self._clock.monotonic()
        validator = self._equipment.plugin(channel).contract_validator
        refused = _check_request(validator, command)
        if refused:
            return self._attempt(started_at, started, None, refused)
        executor = self._equipment.executor(channel)
        observation = self._call(lambda: executor.act(command), command.timeout_seconds)
        found = judge_observation(
            assignment.program, assignment.resolved, command, observation, validator, assignment.scope
        )
        return self._attempt(started_at, started, observation, found)

    def watch(self, assignment: Assignment) -> Attempt:
        """Look again and again until what is expected holds (for `holdMs`), a bad end state is reached or time is up."""
        command, channel = assignment.command, assignment.program.step.channel_type
        started_at, started = self._clock.now(), self._clock.monotonic()
        validator = self._equipment.plugin(channel).contract_validator
        refused = _check_request(validator, command)
        if refused:
            return self._attempt(started_at, started, None, refused)
        executor = self._equipment.executor(channel)
        limit = command.timeout_seconds
        opened = self._guard(lambda: executor.watch(command), limit)
        if isinstance(opened, ObservationError):
            observation = Observation(error=opened)
            found = judge_observation(
                assignment.program, assignment.resolved, command, observation, validator, assignment.scope
            )
            return self._attempt(started_at, started, observation, found)
        try:
            vigil = _Vigil(assignment, validator, started, limit)
            self._keep_vigil(vigil, opened.poll)
        finally:
            opened.close()
        return vigil.result(started_at, self._clock.monotonic())

    def pause(self, seconds: float) -> None:
        """Wait, but not past a request to stop."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            self._signals.check(self._lease, waiting=True)
            self._clock.sleep(min(left, 0.25))
        self._signals.check(self._lease, waiting=True)

    def _keep_vigil(self, vigil: _Vigil, poll: Callable[[], Observation]) -> None:
        while True:
            left = max(vigil.deadline - self._clock.monotonic(), 0.0)
            observation = self._call(poll, left)
            if vigil.see(observation, self._clock.monotonic()):
                return
            self.pause(vigil.next_pause(self._clock.monotonic()))

    def _call(self, call: Callable[[], Observation], limit_seconds: float) -> Observation:
        answer = self._guard(call, limit_seconds)
        return Observation(error=answer) if isinstance(answer, ObservationError) else answer

    def _guard(self, call: Callable[[], Any], limit_seconds: float) -> Any:
        """Return what a plugin returns, or why it returned nothing; raise when the run must stop."""
        limit = limit_seconds + self._equipment.settings.overrun_seconds
        try:
            return self._calling.run(call, limit_seconds=limit, stop=self._signals.must_stop)
        except CallGivenUpError:
            self._signals.check(self._lease)
            raise
        except RunTakenOverError:
            raise
        except CallOverdueError:
            return ObservationError(kind="timeout", message=never_back(limit))
        except Exception as problem:  # noqa: BLE001 - a plugin's own fault ends its step, not the worker
            return error_of(problem)

    def _attempt(
        self, started_at: datetime, started: float, observation: Observation | None, found: list[Violation]
    ) -> Attempt:
        ended = self._clock.monotonic()
        duration = (ended - started) * 1000
        if observation is not None and observation.duration_ms:
            duration = observation.duration_ms
        return Attempt(
            started_at=started_at,
            ended=ended,
            duration_ms=round(duration),
            observation=observation,
            violations=found,
        )


class _Vigil:
    """What an eventual assertion has seen so far, and whether that is enough."""

    def __init__(self, assignment: Assignment, validator: ContractValidator, started: float, limit: float) -> None:
        self._assignment, self._validator = assignment, validator
        self._started = started
        self._since = assignment.settled_since if assignment.settled_since is not None else started
        self.deadline = started + limit
        rows = assignment.resolved.expectations.rows
        self._hold = (rows.hold_ms if rows is not None else 0) / 1000
        interval = assignment.resolved.meta.get("pollIntervalMs")
        self._longest = min(interval / 1000, _LONGEST_PAUSE) if interval else _LONGEST_PAUSE
        self._true_since: float | None = None
        self._was_true_for: float | None = None
        self._polls = 0
        self._last: Observation | None = None
        self._violations: list[Violation] = []
        self._stopped = False

    def see(self, observation: Observation, now: float) -> bool:
        """Judge one look; True when nothing more is to be waited for."""
        self._polls += 1
        self._last = observation
        given = self._assignment
        self._violations = judge_observation(
            given.program, given.resolved, given.command, observation, self._validator, given.scope
        )
        if not self._violations:
            self._true_since = now if self._true_since is None else self._true_since
            return now - self._true_since >= self._hold
        if self._true_since is not None:
            self._was_true_for, self._true_since = now - self._true_since, None
        if observation.error is not None and not observation.error.retryable:
            return True
        stop_when = given.program.stop_when
        if stop_when is not None and holds(stop_when, {**given.scope, "response": observation.view}):
            self._stopped = True
            return True
        return now >= self.deadline

    def next_pause(self, now: float) -> float:
        """Return how long to wait before the next look; the last look is at the deadline."""
        pause = min(max(_SHARE_OF_ELAPSED * (now - self._started), _FIRST_PAUSE), self._longest)
        if self._true_since is not None:
            return max(min(pause, self._true_since + self._hold - now), 0.0)
        return max(min(pause, self.deadline - now), 0.0)

    def result(self, started_at: datetime, ended: float) -> Attempt:
        """Return what came of it."""
        settled = self._true_since if not self._violations else None
        settling = None if settled is None else max(0, round((settled - self._since) * 1000))
        return Attempt(
            started_at=started_at,
            ended=ended,
            duration_ms=round((ended - self._started) * 1000),
            observation=self._last,
            violations=[self._with_wait(item, ended) for item in self._violations],
            settling_time_ms=settling,
            polls=self._polls,
        )

    def _with_wait(self, item: Violation, ended: float) -> Violation:
        waited = round((ended - self._started) * 1000)
        text = f" (after {waited} ms and {self._polls} look{'s' if self._polls > 1 else ''}"
        if self._stopped:
            stop_when = self._assignment.program.stop_when
            text += f"; stopped early: `{stop_when.text if stop_when else ''}` is true"
        if self._was_true_for is not None:
            text += f"; it had held for {round(self._was_true_for * 1000)} ms before"
        message = f"{item.message.rstrip('.')}{text})."
        details = {**item.details, "waitedMs": waited, "polls": self._polls}
        since = max(0, round((ended - self._since) * 1000))
        return item.model_copy(update={"message": message, "details": details, "settling_time_ms": since})


def retry_delay(policy: RetryPolicy | None, attempt: Attempt, number: int, chance: Callable[[], float]) -> float | None:
    """Return the seconds to wait before the next attempt, None when there is to be none."""
    if policy is None or attempt.passed or number > policy.retry_limit or attempt.observation is None:
        return None
    error = attempt.observation.error
    if error is not None:
        again = policy.on_error and error.retryable
    else:
        again = attempt.observation.status_code in policy.on_status
    if not again:
        return None
    delay = min(policy.retry_after * policy.back_off ** (number - 1), policy.max_retry_after)
    return delay * (0.75 + 0.5 * chance())


def never_back(limit_seconds: float) -> str:
    """Return the sentence about a call that overran its deadline by far."""
    return f"the call did not come back within {limit_seconds:g} s"


def error_of(problem: Exception) -> ObservationError:
    """Return why a plugin gave no answer when it raised instead."""
    for kind, name in ((EgressError, "egress"), (SecretError, "secret"), (DefinitionError, "definition")):
        if isinstance(problem, kind):
            return ObservationError(kind=name, message=str(problem))
    if isinstance(problem, CannotJudgeError):
        return ObservationError(kind="other", message=str(problem))
    return ObservationError(kind="other", message=f"the plugin failed: {type(problem).__name__}: {problem}")


def _check_request(validator: ContractValidator, command: Command) -> list[Violation]:
    try:
        return list(validator.check_request(command))
    except Exception as problem:  # noqa: BLE001 - a plugin's own fault must not pass for the system's
        message = f"the request cannot be checked: {type(problem).__name__}: {problem}."
        return [violation(ViolationType.EXECUTION_ERROR, "PLUGIN_FAILED", message)]
