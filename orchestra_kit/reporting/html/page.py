"""The report as one HTML file that opens anywhere, offline, and fetches nothing."""

from __future__ import annotations

from orchestra_kit.reporting.diagram import icon_definitions
from orchestra_kit.reporting.html import summary
from orchestra_kit.reporting.html.scenario import run_block
from orchestra_kit.reporting.html.script import SCRIPT, script_hash
from orchestra_kit.reporting.html.step import Detail
from orchestra_kit.reporting.html.style import report_css
from orchestra_kit.reporting.html.words import VERDICT_STATUS, VERDICT_WORDS
from orchestra_kit.reporting.markup import Markup, join, raw_text_element, tag
from orchestra_kit.reporting.palette import TONES
from orchestra_kit.reporting.report import SuiteReport

SIZE_LIMIT = 1_000_000

_LEVELS = (
    Detail(value_budget=12_000),
    Detail(value_budget=3_000),
    Detail(value_budget=1_200, pictures=False),
    Detail(value_budget=500, pictures=False, passed_bodies=False),
    Detail(value_budget=120, pictures=False, passed_bodies=False),
)


def render_html(report: SuiteReport, *, size_limit: int = SIZE_LIMIT) -> str:
    """Return the report as HTML below `size_limit` bytes where that is possible: long values are cut, with a note, then
    the pictures and bodies of what passed are left out."""
    page = ""
    for detail in _LEVELS:
        page = "<!DOCTYPE html>\n" + str(_page(report, detail)) + "\n"
        if len(page.encode()) < size_limit:
            break
    return page


def _page(report: SuiteReport, detail: Detail) -> Markup:
    words = VERDICT_WORDS[report.verdict]
    sign = TONES[VERDICT_STATUS[report.verdict]].sign
    return tag(
        "html",
        {"lang": "en"},
        tag(
            "head",
            None,
            tag("meta", {"charset": "utf-8"}),
            tag("meta", {"http-equiv": "Content-Security-Policy", "content": content_security_policy()}),
            tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
            tag("meta", {"name": "referrer", "content": "no-referrer"}),
            tag("meta", {"name": "color-scheme", "content": "light dark"}),
            tag("meta", {"name": "generator", "content": "orchestra_kit"}),
            tag("title", None, f"{sign} {report.title}: {words}"),
            raw_text_element("style", report_css()),
        ),
        tag("body", None, _body(report, detail), raw_text_element("script", SCRIPT)),
    )


def content_security_policy() -> str:
    """Return the policy of the page: nothing is loaded, only our own script runs, no form, frame or base works."""
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src '{script_hash()}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _body(report: SuiteReport, detail: Detail) -> Markup:
    alone = len(report.runs) == 1
    return join(
        tag("svg", {"width": 0, "height": 0, "aria-hidden": "true", "class": "defs"}, icon_definitions()),
        tag("a", {"class": "skip", "href": "#runs"}, "Skip to the runs"),
        tag(
            "header",
            {"class": "top"},
            tag("span", {"class": "eyebrow"}, "Orchestra test report"),
            tag("h1", None, report.title),
            summary.banner(report),
            summary.cards(report),
            summary.facts(report),
        ),
        tag(
            "main",
            None,
            summary.first_things(report),
            summary.processes(report),
            summary.table(report),
            summary.flakiness(report),
            summary.timing(report),
            _details(report, detail, alone=alone),
        ),
        tag("footer", None, _footer(report)),
    )


def _details(report: SuiteReport, detail: Detail, *, alone: bool) -> Markup:
    buttons = [
        tag("button", {"type": "button", "data-open": which}, words)
        for which, words in (("bad", "Open what failed"), ("all", "Open all"), ("none", "Close all"))
    ]
    graphs = {} if alone else report.models  # the one run's path is the picture above
    blocks = [
        run_block(run, f"r{index + 1}", graphs.get(run.model), detail, alone=alone)
        for index, run in enumerate(report.runs)
    ]
    return join(
        tag("h2", {"id": "details"}, "Details"),
        tag("div", {"class": "tools", "hidden": True}, buttons),
        blocks,
    )


def _footer(report: SuiteReport) -> str:
    return (
        f"{report.format}, written by Orchestra. This file loads nothing from the network. "
        "Exit codes: 0 passed, 1 violations found, 2 wrong use, 3 could not judge."
    )
