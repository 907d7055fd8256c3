"""One run of a scenario: its facts, its path through the process, its timeline and its steps."""

from __future__ import annotations

from typing import Any

from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.reporting.diagram import picture
from orchestra_kit.reporting.html.charts import settling, timeline
from orchestra_kit.reporting.html.step import Detail, step_block
from orchestra_kit.reporting.html.values import value_block
from orchestra_kit.reporting.html.words import (
    chip,
    coverage_words,
    duration,
    moment,
    plural,
    run_status,
    run_words,
)
from orchestra_kit.reporting.markup import Attribute, Markup, join, tag
from orchestra_kit.reporting.palette import TONES, ElementStatus
from orchestra_kit.reporting.report import FailingPlace, RunReport, Verdict
from orchestra_kit.reporting.statuses import statuses_of_run


def run_block(run: RunReport, anchor: str, graph: ControlFlowGraph | None, detail: Detail, *, alone: bool) -> Markup:
    """Return the section of one run, open when something is wrong or when it is the only one."""
    status = run_status(run)
    wrong = run.verdict in (Verdict.VIOLATIONS, Verdict.COULD_NOT_JUDGE)
    attributes: dict[str, Attribute] = {
        "class": f"run {status.value}",
        "id": anchor,
        "open": wrong or alone,
        "data-run": f"{run.label} {run.scenario_name}",
        "data-kind": run.verdict.value,
    }
    return tag(
        "details", attributes, _summary(run, status), tag("div", {"class": "in"}, _body(run, anchor, graph, detail))
    )


def _summary(run: RunReport, status: ElementStatus) -> Markup:
    return tag(
        "summary",
        None,
        tag("b", None, run.label),
        tag("span", {"class": "quiet"}, run.scenario_name) if run.scenario_name.strip() else None,
        tag(
            "span",
            {"class": "end"},
            tag("span", {"class": "quiet num"}, plural(len(run.steps), "step"), " · ", duration(run.duration_ms)),
            chip(status, run_words(run)),
        ),
    )


def _body(run: RunReport, anchor: str, graph: ControlFlowGraph | None, detail: Detail) -> Markup:
    wrong = run.verdict in (Verdict.VIOLATIONS, Verdict.COULD_NOT_JUDGE)
    chart = timeline(run)
    dots = settling([(step.label, step) for step in run.steps])
    return join(
        _failing(run.failing, run, anchor) if run.failing else None,
        tag("p", {"class": "quiet"}, run.status_reason) if run.status_reason else None,
        _facts(run),
        _path(run, anchor, graph, open_at_once=wrong) if graph and (wrong or detail.pictures) else None,
        join(tag("h3", None, "Steps"), _steps(run, anchor, detail)),
        _fold("Timeline", chart, opened=wrong) if chart else None,
        _fold("Settling times", dots) if dots else None,
        _fold("Data used", value_block(run.data, max(detail.value_budget, 1500))) if run.data else None,
    )


def _failing(place: FailingPlace, run: RunReport, anchor: str) -> Markup:
    status = ElementStatus.FAILED if run.verdict is Verdict.VIOLATIONS else ElementStatus.UNJUDGED
    where = f" at “{place.element_name}”" if place.element_name and place.element_name != place.step_name else ""
    link = tag("a", {"href": f"#{step_anchor(anchor, run, place)}"}, f"step {place.order_index + 1}, {place.step_name}")
    violation = place.violation
    return tag(
        "section",
        {"class": f"violation {status.value}"},
        tag("p", {"class": "msg"}, f"{TONES[status].word.capitalize()}{where}: ", link),
        tag("p", None, violation.message[:1000]) if violation else None,
        tag("div", {"class": "do"}, tag("span", None, violation.what_to_do[:1000])) if violation else None,
    )


def step_anchor(anchor: str, run: RunReport, place: FailingPlace) -> str:
    """Return the fragment of the step where a run fails."""
    for index, step in enumerate(run.steps):
        if (step.alias, step.iteration) == (place.step_alias, place.iteration):
            return f"{anchor}-s{index + 1}"
    return anchor


def _steps(run: RunReport, anchor: str, detail: Detail) -> list[Markup]:
    return [step_block(step, f"{anchor}-s{index + 1}", detail) for index, step in enumerate(run.steps)]


def _facts(run: RunReport) -> Markup:
    services = ", ".join(f"{name} ({url})" for name, url in run.environment.services.items())
    rows: list[tuple[str, Any]] = [
        ("Scenario", f"{run.scenario_key} version {run.scenario_version}"),
        ("Data row", run.data_row_key),
        ("Status", run.status.value),
        ("Started", moment(run.started_at)),
        ("Duration", duration(run.duration_ms)),
        ("Environment", run.environment.name),
        ("Services", services),
        ("Databases", ", ".join(run.environment.databases)),
        ("Correlation id", tag("code", None, run.correlation_id)),
        ("Run id", tag("code", None, run.run_id)),
        ("Executor, mode", f"{run.executor}, {run.mode.value}"),
        ("Continues run", run.source_run_id),
        ("Covers", coverage_words(run.coverage) if run.coverage else None),
        ("Recovered after a crash", plural(run.recoveries, "time") if run.recoveries else None),
        ("Started by", f"{run.created_by} ({run.triggered_by})"),
    ]
    shown = [tag("div", None, tag("dt", None, name), tag("dd", None, value)) for name, value in rows if value]
    return tag("dl", {"class": "facts"}, shown)


def _path(run: RunReport, anchor: str, graph: ControlFlowGraph, *, open_at_once: bool) -> Markup:
    statuses = statuses_of_run(run, graph)
    drawn = picture(graph, statuses=statuses, title=f"Path of {run.label}", styled=False, terse=True)
    return _fold("Path through the process", figure(drawn, f"{anchor}-path"), opened=open_at_once)


def figure(drawn: Markup, anchor: str) -> Markup:
    """Return a picture in a frame that scrolls when it is large, with a button to see it at full size."""
    width = _width_of(drawn)
    buttons = [_zoom_button(anchor, "fit", "Fit"), _zoom_button(anchor, "actual", "Full size")]
    return join(
        tag("div", {"class": "tools", "hidden": True}, buttons),
        tag("div", {"class": "figure", "id": anchor, "tabindex": "0", "style": f"--w:{width}px"}, drawn),
    )


def _zoom_button(anchor: str, size: str, words: str) -> Markup:
    return tag("button", {"type": "button", "data-zoom": anchor, "data-size": size, "aria-pressed": "false"}, words)


def _width_of(drawn: Markup) -> int:
    head = str(drawn)[:20000].partition(' width="')[2]
    return round(float(head.partition('"')[0] or 800))


def _fold(title: str, body: Markup | list[Markup], *, opened: bool = False) -> Markup:
    return tag("details", {"class": "fold", "open": opened}, tag("summary", None, title), body)
