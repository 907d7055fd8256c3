"""Words, signs and numbers of the report, the same everywhere."""

from __future__ import annotations

from datetime import datetime

from orchestra_kit.model import RunStatus, StepStatus
from orchestra_kit.reporting.markup import Markup, tag
from orchestra_kit.reporting.palette import TONES, ElementStatus
from orchestra_kit.reporting.report import Coverage, CoverageCount, RunReport, StepReport, Verdict

VERDICT_STATUS = {
    Verdict.PASSED: ElementStatus.PASSED,
    Verdict.VIOLATIONS: ElementStatus.FAILED,
    Verdict.COULD_NOT_JUDGE: ElementStatus.UNJUDGED,
    Verdict.NOT_RUN: ElementStatus.SKIPPED,
}
VERDICT_WORDS = {
    Verdict.PASSED: "Passed",
    Verdict.VIOLATIONS: "Violations found",
    Verdict.COULD_NOT_JUDGE: "Could not judge",
    Verdict.NOT_RUN: "Not run",
}
STEP_STATUS = {
    StepStatus.PASSED: ElementStatus.PASSED,
    StepStatus.FAILED: ElementStatus.FAILED,
    StepStatus.FLAKY: ElementStatus.FLAKY,
    StepStatus.RUNNING: ElementStatus.RUNNING,
    StepStatus.SKIPPED: ElementStatus.SKIPPED,
    StepStatus.PENDING: ElementStatus.NOT_COVERED,
}


def step_status(step: StepReport) -> ElementStatus:
    """Return how a step is shown: a failed one that could not be judged looks and reads different."""
    return ElementStatus.UNJUDGED if step.could_not_judge else STEP_STATUS[step.status]


def run_status(run: RunReport) -> ElementStatus:
    """Return how a run is shown."""
    if run.flaky:
        return ElementStatus.FLAKY
    if run.status is RunStatus.IN_PROGRESS:
        return ElementStatus.RUNNING
    return VERDICT_STATUS[run.verdict]


def run_words(run: RunReport) -> str:
    """Return what became of a run in words."""
    if run.flaky:
        return "Passed after retry"
    if run.verdict is Verdict.COULD_NOT_JUDGE:
        special = {RunStatus.CANCELLED: "Cancelled", RunStatus.FAILED_STUCK: "Stuck", RunStatus.IN_PROGRESS: "Running"}
        waiting = "Waiting" if run.status in (RunStatus.PENDING, RunStatus.QUEUED) else VERDICT_WORDS[run.verdict]
        return special.get(run.status, waiting)
    return VERDICT_WORDS[run.verdict]


def step_words(step: StepReport) -> str:
    """Return what became of a step in words."""
    if step.status is StepStatus.PENDING:
        return "waiting"
    return TONES[step_status(step)].word


def sign(status: ElementStatus) -> Markup:
    """Return the sign of a status; the word that says the same always stands beside it."""
    return tag("span", {"class": f"sg {status.value}", "aria-hidden": "true"}, TONES[status].sign)


def chip(status: ElementStatus, words: str) -> Markup:
    """Return a status as sign and words in its colour."""
    return tag("span", {"class": f"chip {status.value}"}, sign(status), words)


def duration(milliseconds: int | None) -> str:
    """Return a time span as people say it."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def moment(at: datetime | None) -> Markup | str:
    """Return a point in time, readable and machine-readable."""
    if at is None:
        return "–"
    zone = at.strftime("%Z") or at.strftime("%z")
    return tag("time", {"datetime": at.isoformat()}, f"{at.strftime('%Y-%m-%d %H:%M:%S')} {zone}".rstrip())


def percent(count: CoverageCount) -> str:
    """Return a share in whole percent; only the whole is 100 and only nothing is 0."""
    value = count.ratio * 100
    if 0 < value < 1:
        return "1 %"
    return f"{99 if 99 < value < 100 else round(value)} %"


def coverage_words(coverage: Coverage | None) -> str:
    """Return coverage in one phrase."""
    if coverage is None:
        return "–"
    flows = coverage.flows
    return f"{percent(flows)} ({flows.covered} of {flows.total} flows)"


def plural(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
