"""The report as JUnit XML, as Surefire writes it and the Jenkins xunit schema (junit-10.xsd) accepts it.

One testsuite for the process, one testcase for each scenario and data row. Attempts before the one that counts are
flakyFailure or flakyError elements of what passed in the end, rerunFailure or rerunError of what did not.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from orchestra_kit.model import StepStatus, ViolationType
from orchestra_kit.reporting.markup import printable
from orchestra_kit.reporting.report import RunReport, StepReport, SuiteReport, Verdict, ViolationReport

LONGEST_TEXT = 20_000


def render_junit(report: SuiteReport) -> str:
    """Return the report as JUnit XML; text that XML cannot hold shows as U+FFFD."""
    names = _unique_names(report.runs)
    totals = {
        "tests": str(report.counts.total),
        "failures": str(report.counts.violations),
        "errors": str(report.counts.could_not_judge),
    }
    suite = {
        "name": _filled(report.suite_name, report.process_key),
        **totals,
        "skipped": str(report.counts.not_run),
        "time": _seconds(report.duration_ms),
        "timestamp": (report.started_at or report.generated_at).strftime("%Y-%m-%dT%H:%M:%S"),
        "package": report.process_key,
    }
    cases = [_case(run, name, report.process_key) for run, name in zip(report.runs, names, strict=True)]
    body = _element("testsuite", suite, _properties(report), *cases)
    root = {"name": _filled(report.title, report.process_key), **totals, "time": _seconds(report.duration_ms)}
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _element("testsuites", root, body) + "\n"


def _element(name: str, attributes: dict[str, str], *children: str) -> str:
    opening = name + "".join(f" {key}={_quoted(value)}" for key, value in attributes.items())
    inner = "".join(children)
    return f"<{opening}>{inner}</{name}>" if inner else f"<{opening}/>"


def _quoted(value: str) -> str:
    return quoteattr(printable(value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _text(value: str) -> str:
    cut = (
        value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + f"\n… shortened, {len(value)} characters in all"
    )
    return escape(printable(cut), {"\r": "&#13;"})


def _filled(*candidates: str) -> str:
    return next((text for text in candidates if printable(text).strip()), "process")


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _unique_names(runs: tuple[RunReport, ...]) -> list[str]:
    """Return a name for each case: scenario and row, with a number where a suite ran the same twice."""
    labels = [_filled(run.label, run.run_id) for run in runs]
    often = Counter(labels)
    seen: Counter[str] = Counter()
    names = []
    for label in labels:
        seen[label] += 1
        names.append(f"{label} #{seen[label]}" if often[label] > 1 else label)
    return names


def _properties(report: SuiteReport) -> str:
    found: dict[str, str] = {"process": report.process_key, "exitCode": str(report.exit_code)}
    if report.suite_run_id:
        found["suiteRunId"] = report.suite_run_id
    if report.coverage is not None:
        found["coverage.flows"] = f"{report.coverage.flows.ratio:.4f}"
        found["coverage.nodes"] = f"{report.coverage.nodes.ratio:.4f}"
    environments = dict.fromkeys(run.environment.name for run in report.runs)
    found["environment"] = ", ".join(environments)
    if len(report.runs) == 1:
        found |= {"runId": report.runs[0].run_id, "correlationId": report.runs[0].correlation_id}
    return _element(
        "properties", {}, *(_element("property", {"name": key, "value": value}) for key, value in found.items())
    )


def _case(run: RunReport, name: str, process_key: str) -> str:
    attributes = {"name": name, "classname": _filled(process_key), "time": _seconds(run.duration_ms)}
    children = [_outcome(run), *_earlier_attempts(run), _element("system-out", {}, _text(_log(run)))]
    return _element("testcase", attributes, *children)


def _outcome(run: RunReport) -> str:
    if run.verdict is Verdict.PASSED:
        return ""
    if run.verdict is Verdict.NOT_RUN:
        return _element("skipped", {"message": run.status_reason or "not run"})
    name = "failure" if run.verdict is Verdict.VIOLATIONS else "error"
    kind, message = _headline(run)
    failed = [step for step in run.steps if step.status is StepStatus.FAILED]
    text = "\n\n".join(_describe(step, item) for step in failed for item in step.violations)
    return _element(name, {"type": kind, "message": message}, _text(text or message))


def _headline(run: RunReport) -> tuple[str, str]:
    if run.failing is None or run.failing.violation is None:
        kind = ViolationType.EXECUTION_ERROR.value
        return kind, run.status_reason or f"the run ended {run.status.value} without a failing step"
    violation = run.failing.violation
    return violation.type.value, f"{run.failing.step_name}: {violation.message}"


def _describe(step: StepReport, violation: ViolationReport) -> str:
    lines = [f"Step {step.order_index + 1}: {step.label} ({step.alias})"]
    if step.element_id:
        lines.append(f"Element: {step.element_name} ({step.element_id})")
    lines.append(f"{violation.type.value} {violation.code}: {violation.message}")
    if violation.pointer:
        lines.append(f"At: {violation.pointer}")
    if violation.expected is not None or violation.actual is not None:
        lines += [f"Expected: {_shown(violation.expected)}", f"Got: {_shown(violation.actual)}"]
    lines.append(f"What to do: {violation.what_to_do}")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 2000 else text[:2000] + "…"


def _earlier_attempts(run: RunReport) -> list[str]:
    found: list[str] = []
    for step in run.steps:
        prefix = "flaky" if run.verdict is Verdict.PASSED else "rerun"
        for attempt in step.attempts[:-1]:
            unjudged = all(item.type is ViolationType.EXECUTION_ERROR for item in attempt.violations)
            name = prefix + ("Error" if unjudged else "Failure")
            first = attempt.violations[0] if attempt.violations else None
            kind = first.type.value if first else ViolationType.EXECUTION_ERROR.value
            message = f"{step.label}, attempt {attempt.attempt}: {first.message if first else attempt.status.value}"
            text = "\n\n".join(_describe(step, item) for item in attempt.violations) or message
            found.append(_element(name, {"message": message, "type": kind}, _element("stackTrace", {}, _text(text))))
    return found


def _log(run: RunReport) -> str:
    """Return the run as lines of text: its ids in the form test servers read, then every attempt of every step."""
    facts = {
        "runId": run.run_id,
        "correlationId": run.correlation_id,
        "status": run.status.value,
        "environment": run.environment.name,
        "scenarioVersion": str(run.scenario_version),
    }
    if run.coverage is not None:
        facts["coverage.flows"] = f"{run.coverage.flows.ratio:.4f}"
    lines = [f"[[PROPERTY|{key}={value}]]" for key, value in facts.items()]
    for step in run.steps:
        if not step.attempts:
            lines.append(f"{step.order_index + 1}. {step.label}: {step.status.value} {step.reason or ''}".rstrip())
        for attempt in step.attempts:
            settled = f", settled after {attempt.settling_time_ms} ms" if attempt.settling_time_ms is not None else ""
            code = f", status {attempt.observed.status_code}" if attempt.observed.status_code is not None else ""
            lines.append(
                f"{step.order_index + 1}. {step.label}, attempt {attempt.attempt}: {attempt.status.value}, "
                f"{attempt.duration_ms} ms{code}{settled}"
            )
    return "\n".join(lines)
