"""The first screen of the report: the verdict in words, the counts, what to do first, the process, all runs in a table."""

from __future__ import annotations

from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.reporting.diagram import describe, describe_flow, picture
from orchestra_kit.reporting.html.charts import settling
from orchestra_kit.reporting.html.scenario import figure, step_anchor
from orchestra_kit.reporting.html.words import (
    VERDICT_STATUS,
    VERDICT_WORDS,
    chip,
    coverage_words,
    duration,
    moment,
    percent,
    plural,
    run_status,
    run_words,
    sign,
)
from orchestra_kit.reporting.markup import Markup, join, tag
from orchestra_kit.reporting.palette import TONES, ElementStatus
from orchestra_kit.reporting.report import Counts, CoverageCount, ProcessCoverage, RunReport, SuiteReport, Verdict
from orchestra_kit.reporting.statuses import heat_of_runs, statuses_of_runs

MOST_PLACES = 20
MOST_ROWS = 2000


def banner(report: SuiteReport) -> Markup:
    """Return the verdict as sign, words and the one sentence that matters most."""
    status = VERDICT_STATUS[report.verdict]
    return tag(
        "div",
        {"class": f"banner {status.value}", "role": "status"},
        tag("span", {"class": "big", "aria-hidden": "true"}, TONES[status].sign),
        tag("div", None, tag("strong", None, VERDICT_WORDS[report.verdict]), tag("p", None, _sentence(report))),
    )


def _sentence(report: SuiteReport) -> str:
    counts = report.counts
    if report.verdict is Verdict.PASSED:
        flaky = f" {plural(counts.flaky, 'run')} passed only after a retry." if counts.flaky else ""
        return f"{_all(counts.total)} passed.{flaky}"
    if report.verdict is Verdict.NOT_RUN:
        return "Nothing was run, so nothing is known."
    parts = [f"{plural(counts.violations, 'run')} of {counts.total} found violations"] if counts.violations else []
    if counts.could_not_judge:
        parts.append(f"{plural(counts.could_not_judge, 'run')} could not be judged")
    if counts.not_run:
        parts.append(f"{plural(counts.not_run, 'run')} did not start")
    first = next((run for run in report.runs if run.failing and run.verdict is report.verdict), None)
    if first is None or first.failing is None:
        return "; ".join(parts) + "."
    message = first.failing.violation.message[:300] if first.failing.violation else "it failed"
    return f"{'; '.join(parts)}. First in {first.label} at step “{first.failing.step_name}”: {message}"


def _all(total: int) -> str:
    return "The run" if total == 1 else f"All {total} runs"


def facts(report: SuiteReport) -> Markup:
    """Return where and when this was."""
    environments = ", ".join(dict.fromkeys(run.environment.name for run in report.runs))
    rows = [
        ("Process", report.process_key),
        ("Suite", report.suite_name),
        ("Environment", environments),
        ("Started", moment(report.started_at)),
        ("Took", duration(report.duration_ms)),
        ("Report written", moment(report.generated_at)),
        ("Suite run", tag("code", None, report.suite_run_id) if report.suite_run_id else None),
        ("Exit code", f"{report.exit_code} ({VERDICT_WORDS[report.verdict].lower()})"),
    ]
    return tag(
        "dl",
        {"class": "facts"},
        [tag("div", None, tag("dt", None, name), tag("dd", None, value)) for name, value in rows if value],
    )


def cards(report: SuiteReport) -> Markup:
    """Return the counts and the coverage as cards."""
    items = [_card(words, number, status) for words, number, status in _card_rows(report.counts)]
    if report.coverage is not None:
        items += [_meter("Flows covered", report.coverage.flows), _meter("Elements covered", report.coverage.nodes)]
    return tag("ul", {"class": "cards"}, items)


def _card_rows(counts: Counts) -> list[tuple[str, int, ElementStatus | None]]:
    rows: list[tuple[str, int, ElementStatus | None]] = [
        ("Runs", counts.total, None),
        ("Passed", counts.passed, ElementStatus.PASSED),
        ("Violations", counts.violations, ElementStatus.FAILED),
        ("Could not judge", counts.could_not_judge, ElementStatus.UNJUDGED),
    ]
    if counts.not_run:
        rows.append(("Not run", counts.not_run, ElementStatus.SKIPPED))
    if counts.flaky:
        rows.append(("After a retry", counts.flaky, ElementStatus.FLAKY))
    return rows


def _card(words: str, number: int, status: ElementStatus | None) -> Markup:
    mark = sign(status) if status and number else None
    return tag("li", None, tag("b", None, mark, number), tag("span", {"class": "quiet"}, words))


def _meter(words: str, count: CoverageCount) -> Markup:
    share = f"width:{count.ratio * 100:.1f}%"
    return tag(
        "li",
        None,
        tag("b", None, percent(count)),
        tag("span", {"class": "quiet"}, f"{words}: {count.covered} of {count.total}"),
        tag("div", {"class": "meter", "aria-hidden": "true"}, tag("i", {"style": share})),
    )


def first_things(report: SuiteReport) -> Markup | None:
    """Return what to do, one entry for each kind of violation at each place, most frequent first."""
    groups: dict[tuple[str, str, str], list[tuple[int, RunReport]]] = {}
    for index, run in enumerate(report.runs):
        if run.failing and run.failing.violation:
            violation = run.failing.violation
            place = run.failing.element_id or run.failing.step_alias
            groups.setdefault((place, violation.type.value, violation.code), []).append((index, run))
    if not groups:
        return None
    ordered = sorted(groups.values(), key=len, reverse=True)[:MOST_PLACES]
    more = tag("p", {"class": "cut"}, f"{len(groups) - MOST_PLACES} more below.") if len(groups) > MOST_PLACES else None
    return join(
        tag("h2", {"id": "first"}, "What to do first"),
        tag("ol", {"class": "todo"}, [_first_thing(group) for group in ordered]),
        more,
    )


def _first_thing(group: list[tuple[int, RunReport]]) -> Markup | None:
    place = group[0][1].failing
    if place is None or place.violation is None:
        return None
    judged = group[0][1].verdict is Verdict.VIOLATIONS
    status = ElementStatus.FAILED if judged else ElementStatus.UNJUDGED
    links: list[Markup | str] = []
    for index, run in group[:12]:
        anchor = f"r{index + 1}"
        target = step_anchor(anchor, run, run.failing) if run.failing else anchor
        links += [tag("a", {"href": f"#{target}"}, run.label), ", "]
    rest = f" and {len(group) - 12} more" if len(group) > 12 else ""
    return tag(
        "li",
        {"class": status.value},
        tag("h3", None, sign(status), f" {place.element_name or place.step_name}"),
        tag("p", None, chip(status, place.violation.type.value), " ", place.violation.message[:600]),
        tag("div", {"class": "do"}, tag("span", None, place.violation.what_to_do[:800])),
        tag("p", {"class": "quiet"}, "In ", links[:-1], rest),
    )


def processes(report: SuiteReport) -> Markup | None:
    """Return the picture of each model with what was covered, how often, and where it failed."""
    shown = {key: graph for key, graph in report.models.items() if graph.nodes}
    if not shown:
        return None
    parts = [
        _model(report, key, graph, f"picture{index + 1}" if index else "picture")
        for index, (key, graph) in enumerate(shown.items())
    ]
    return join(tag("h2", {"id": "process"}, "Processes" if len(shown) > 1 else "Process"), parts)


def _model(report: SuiteReport, key: str, graph: ControlFlowGraph, anchor: str) -> Markup:
    runs = [run for run in report.runs if run.model == key]
    statuses = statuses_of_runs(runs, graph)
    heat, counts = heat_of_runs(runs)
    several = len(runs) > 1
    covered = [item for item in (report.coverage.processes if report.coverage else ()) if item.model == key]
    names = ", ".join(dict.fromkeys(item.name for item in covered)) or report.process_key
    drawn = picture(
        graph,
        statuses=statuses,
        badges=counts if several else None,
        heat=heat if several else None,
        title=f"Process {names if key else report.process_key} with coverage of {plural(len(runs), 'run')}",
        styled=False,
    )
    return join(
        tag("h3", None, names) if key else None,
        _process_table(covered) if len(covered) > 1 else None,
        figure(drawn, anchor),
        _legend(set(statuses.values()), several),
        [_uncovered(item, graph) for item in covered if item.planned],
        _left_out(covered, graph),
    )


def _process_table(items: list[ProcessCoverage]) -> Markup:
    """Several processes of a file each have their own share; the total holds only those that count."""
    head = [tag("th", {"scope": "col"}, name) for name in ("Process", "Flows", "Elements", "In the total")]
    rows = [
        tag(
            "tr",
            None,
            tag("td", None, item.name),
            [
                tag("td", None, f"{percent(count)} ({count.covered} of {count.total})")
                for count in (item.flows, item.nodes)
            ],
            tag("td", None, "yes" if item.counted else f"no: {item.reason}"),
        )
        for item in items[:MOST_ROWS]
    ]
    body = tag("table", None, tag("thead", None, tag("tr", None, head)), tag("tbody", None, rows))
    return tag("div", {"class": "wide", "tabindex": "0"}, body)


def _left_out(items: list[ProcessCoverage], graph: ControlFlowGraph) -> Markup | None:
    """Return what no denominator holds, with the reason."""
    nodes = {node.id: node for node in graph.nodes}
    flows = {flow.id: flow for flow in graph.flows}
    entries = []
    for lost in (lost for item in items if item.counted for lost in item.left_out):
        flow = flows.get(lost.id)
        name = f"flow {describe_flow(flow, nodes)}" if flow else describe(nodes[lost.id])
        entries.append(tag("li", None, f"{name}: {lost.why}"))
    if not entries:
        return None
    title = f"Left out of the counts: {len(entries)} that no run can take"
    return tag("details", {"class": "fold"}, tag("summary", None, title), tag("ul", None, entries[:500]))


def _legend(used: set[ElementStatus], several: bool) -> Markup:
    items = [tag("li", None, sign(status), " ", TONES[status].word) for status in TONES if status in used]
    if several:
        items.append(tag("li", None, "n× walked n times by all runs together; thicker and darker: more often"))
    return tag("ul", {"class": "legend"}, items)


def _uncovered(item: ProcessCoverage, graph: ControlFlowGraph) -> Markup | None:
    if not item.missed_flows and not item.missed_nodes:
        return None
    nodes = {node.id: node for node in graph.nodes}
    flows = {flow.id: flow for flow in graph.flows}
    missed = [tag("li", None, describe(nodes[key])) for key in item.missed_nodes]
    missed += [tag("li", None, f"flow {describe_flow(flows[key], nodes)}") for key in item.missed_flows]
    title = f"Not covered in {item.name}: {len(missed)} of {item.nodes.total + item.flows.total}"
    return tag("details", {"class": "fold"}, tag("summary", None, title), tag("ul", None, missed[:500]))


def table(report: SuiteReport) -> Markup:
    """Return all runs as a table with links to each."""
    head = ("Scenario", "Data row", "Result", "Duration", "Failing step", "Covers")
    rows = [_row(run, f"r{index + 1}") for index, run in enumerate(report.runs[:MOST_ROWS])]
    return join(
        tag("h2", {"id": "runs"}, "Runs"),
        tag(
            "div",
            {"class": "tools", "hidden": True},
            tag(
                "input",
                {"id": "find", "type": "search", "placeholder": "Find a scenario", "aria-label": "Find a scenario"},
            ),
            tag("select", {"id": "kind", "aria-label": "Result"}, _options()),
        ),
        tag(
            "div",
            {"class": "wide", "tabindex": "0", "role": "region", "aria-label": "Runs"},
            tag(
                "table",
                None,
                tag("thead", None, tag("tr", None, [tag("th", {"scope": "col"}, name) for name in head])),
                tag("tbody", None, rows),
            ),
        ),
    )


def _options() -> list[Markup]:
    rest = [tag("option", {"value": verdict.value}, VERDICT_WORDS[verdict]) for verdict in Verdict]
    return [tag("option", {"value": ""}, "Every result"), *rest]


def _row(run: RunReport, anchor: str) -> Markup:
    failing: Markup | str = run.status_reason[:200] if run.status_reason else "–"
    if run.failing:
        failing = tag("a", {"href": f"#{step_anchor(anchor, run, run.failing)}"}, run.failing.step_name)
    scenario = run.scenario_key.strip() or run.scenario_id or run.run_id
    return tag(
        "tr",
        {"data-run": f"{run.label} {run.scenario_name}", "data-kind": run.verdict.value},
        tag("td", {"class": "key"}, tag("a", {"href": f"#{anchor}"}, scenario)),
        tag("td", None, run.data_row_key or "–"),
        tag("td", None, chip(run_status(run), run_words(run))),
        tag("td", {"class": "num"}, duration(run.duration_ms)),
        tag("td", None, failing),
        tag("td", None, coverage_words(run.coverage)),
    )


def timing(report: SuiteReport) -> Markup | None:
    """Return how long effects took to settle over all runs."""
    dots = settling([(step.label, step) for run in report.runs for step in run.steps])
    if dots is None or len(report.runs) == 1:
        return None
    return join(
        tag("h2", {"id": "settling"}, "Settling times"),
        tag("p", {"class": "quiet"}, "How long after its cause each side effect could be seen; one dot for each run."),
        dots,
    )


def flakiness(report: SuiteReport) -> Markup | None:
    """Return the steps that needed more than one attempt."""
    rows = [
        tag(
            "tr",
            None,
            tag("td", {"class": "key"}, tag("a", {"href": f"#r{number + 1}-s{index + 1}"}, step.label)),
            tag("td", None, run.label),
            tag("td", {"class": "num"}, len(step.attempts)),
            tag(
                "td", None, "; ".join(_attempt_words(item.status.value, len(item.violations)) for item in step.attempts)
            ),
        )
        for number, run in enumerate(report.runs)
        for index, step in enumerate(run.steps)
        if len(step.attempts) > 1
    ][:200]
    if not rows:
        return None
    head = [tag("th", {"scope": "col"}, name) for name in ("Step", "Run", "Attempts", "What happened")]
    body = tag("table", None, tag("thead", None, tag("tr", None, head)), tag("tbody", None, rows))
    return join(tag("h2", {"id": "flaky"}, "Retried steps"), tag("div", {"class": "wide", "tabindex": "0"}, body))


def _attempt_words(status: str, violations: int) -> str:
    return f"{status.lower()} ({plural(violations, 'violation')})" if violations else status.lower()
