"""What can be known to be wrong with a plan before it runs, without looking at any interface description."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestra_kit.errors import ExpressionError, nearest_hint
from orchestra_kit.expressions import parse_expression
from orchestra_kit.model import ActionMode, Correlation, Gap, ScenarioStep, StepKind
from orchestra_kit.spi.plan import RunPlan


def check_plan(plan: RunPlan, *, allow_uncorrelated: bool = False) -> list[Gap]:
    """Return the problems of a plan, in the order of its steps.

    An ASSERTION without correlation would take another run's effect for its own: it is refused unless allowed.
    """
    problems: list[Gap] = []
    earlier: dict[str, ScenarioStep] = {}
    steps = plan.scenario.steps
    if steps and plan.start_step_index >= len(steps):
        problems.append(
            Gap(
                code="NO_SUCH_STEP",
                message=f"the scenario has no step {plan.start_step_index}.",
                field="startStepIndex",
            )
        )
    for step in steps:
        for code, field, message in _problems_of(step, earlier, allow_uncorrelated):
            problems.append(
                Gap(code=code, message=message, step_alias=step.alias, element_id=step.element_id, field=field)
            )
        earlier[step.alias] = step
    return problems


_Problem = tuple[str, str, str]


def _problems_of(step: ScenarioStep, earlier: dict[str, ScenarioStep], allow_uncorrelated: bool) -> Iterator[_Problem]:
    if step.kind is StepKind.BARRIER:
        yield from _barrier_problems(step, earlier)
    elif step.channel_type is None:
        yield ("NO_CHANNEL", "channelType", f"an {step.kind} needs a channelType.")
    if step.kind is StepKind.ASSERTION:
        yield from _correlation_problems(step, allow_uncorrelated)
    if step.kind is not StepKind.ACTION and step.action.mode is ActionMode.FIRE_AND_FORGET:
        yield ("NOT_AN_ACTION", "action.mode", "only an ACTION can be FIRE_AND_FORGET.")
    observed = step.action.meta.observes
    if observed is not None and observed not in earlier:
        yield ("UNKNOWN_STEP", "meta.observes", _unknown(observed, earlier))
    yield from _syntax_problems(step)


def _barrier_problems(step: ScenarioStep, earlier: dict[str, ScenarioStep]) -> Iterator[_Problem]:
    tracked = step.action.meta.tracked_steps
    if not tracked:
        yield ("NOTHING_TRACKED", "meta.trackedSteps", "a BARRIER needs the steps it waits for (trackedSteps).")
    for alias in tracked:
        if alias not in earlier:
            yield ("UNKNOWN_STEP", "meta.trackedSteps", _unknown(alias, earlier))


def _correlation_problems(step: ScenarioStep, allow_uncorrelated: bool) -> Iterator[_Problem]:
    correlation = step.action.meta.correlation
    known = ", ".join(item.value for item in Correlation if item is not Correlation.NONE)
    if correlation is None:
        message = f"an ASSERTION must say how it knows its own run's effect: meta.correlation is one of {known}."
        yield ("NO_CORRELATION", "meta.correlation", message)
    elif correlation is Correlation.NONE and not allow_uncorrelated:
        message = (
            "correlation NONE would take the effect of another run for this one's. "
            f"Use one of {known}, or allow uncorrelated assertions and let no runs overlap."
        )
        yield ("UNCORRELATED", "meta.correlation", message)


def _syntax_problems(step: ScenarioStep) -> Iterator[_Problem]:
    meta = step.action.meta
    texts = [(f"businessRules[{number}]", rule.expr) for number, rule in enumerate(step.expectations.business_rules)]
    texts += [(f"meta.exportAs.{name}", text) for name, text in meta.export_as.items()]
    if meta.stop_when is not None:
        texts.append(("meta.stopWhen", meta.stop_when))
    for field, text in texts:
        try:
            parse_expression(text)
        except ExpressionError as problem:
            yield ("WRONG_EXPRESSION", field, str(problem))


def _unknown(alias: str, earlier: Iterable[str]) -> str:
    return f"there is no step '{alias}' before this one. {nearest_hint(alias, earlier) or ''}".strip()
