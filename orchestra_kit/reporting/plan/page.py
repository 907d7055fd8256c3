"""A plan as one self-contained HTML page, or as a fragment for a notebook."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.reporting.diagram import icon_definitions
from orchestra_kit.reporting.markup import Markup, join, raw_text_element, tag
from orchestra_kit.reporting.plan.collaboration import calls_section, collaboration_section
from orchestra_kit.reporting.plan.container import Budget, container_section
from orchestra_kit.reporting.plan.feasibility import feasibility_section
from orchestra_kit.reporting.plan.maps import Atlas
from orchestra_kit.reporting.plan.style import PAGE_CSS, plan_css
from orchestra_kit.reporting.plan.view import PlanView, read_plan
from orchestra_kit.reporting.plan.words import Names, suite_sentence

SCRIPT = """
(function(){"use strict";
var all=function(q){return Array.prototype.slice.call(document.querySelectorAll(q));};
all(".tools[hidden]").forEach(function(e){e.hidden=false;});
all("[data-open]").forEach(function(b){b.addEventListener("click",function(){
all("details.scenario").forEach(function(d){d.open=b.dataset.open==="all";});});});
addEventListener("beforeprint",function(){all("details").forEach(function(d){d.open=true;});});
})();
"""


def plan_fragment(plan: Mapping[str, Any], graph: ControlFlowGraph) -> str:
    """Return the HTML of a plan for a notebook: static, styled, nothing fetched, no script."""
    return str(join(raw_text_element("style", plan_css()), _body(read_plan(plan), graph, _prefix(plan), tools=False)))


def render_plan(plan: Mapping[str, Any], graph: ControlFlowGraph) -> str:
    """Return a plan as one HTML page that loads nothing and also works without its script."""
    view = read_plan(plan)
    title = f"Test plan of {PurePath(view.file).name}" if view.file else "Test plan"
    head = tag(
        "head",
        None,
        tag("meta", {"charset": "utf-8"}),
        tag("meta", {"http-equiv": "Content-Security-Policy", "content": _policy()}),
        tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("meta", {"name": "referrer", "content": "no-referrer"}),
        tag("meta", {"name": "color-scheme", "content": "light dark"}),
        tag("title", None, title),
        raw_text_element("style", PAGE_CSS + plan_css()),
    )
    body = tag("body", None, _body(view, graph, _prefix(plan), tools=True), raw_text_element("script", SCRIPT))
    return "<!DOCTYPE html>\n" + str(tag("html", {"lang": "en"}, head, body))


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _prefix(plan: Mapping[str, Any]) -> str:
    """Return the beginning of all anchors: pages with several plans, as notebooks are, must not mix their drawings."""
    text = json.dumps(plan, sort_keys=True, default=str)
    return f"p{hashlib.sha256(text.encode('utf-8', errors='replace')).hexdigest()[:6]}m"


def _body(view: PlanView, graph: ControlFlowGraph, prefix: str, *, tools: bool) -> Markup:
    names, atlas, budget = Names(graph), Atlas(graph, prefix), Budget()
    sections = [
        container_section(item, names, atlas, budget, f"{prefix}-c{index + 1}")
        for index, item in enumerate(view.containers)
    ]
    sections += [collaboration_section(item, names, atlas, budget) for item in view.collaborations]
    sections += [feasibility_section(item, names, atlas, budget) for item in view.judged]
    buttons = [
        tag("button", {"type": "button", "data-open": which}, words)
        for which, words in (("all", "Open all scenarios"), ("none", "Close all"))
    ]
    name = PurePath(view.file).name if view.file else "process"
    return tag(
        "div",
        {"class": "orc-plan"},
        tag("svg", {"class": "store", "aria-hidden": "true"}, icon_definitions(), atlas.definitions()),
        tag("div", {"class": "eyebrow"}, "Orchestra test plan"),
        tag("h1", None, name),
        tag("p", {"class": "lead"}, suite_sentence(view)),
        tag("ul", None, [tag("li", None, note) for note in view.notes]) if view.notes else None,
        _contents(view, names, prefix),
        tag("div", {"class": "tools", "hidden": True}, buttons) if tools else None,
        sections,
        calls_section(list(view.calls), names),
    )


def _contents(view: PlanView, names: Names, prefix: str) -> Markup | None:
    if not view.containers:
        return tag("p", {"class": "quiet"}, "The file holds nothing to plan.")
    heads = [("", "Part"), ("num", "Scenarios"), ("num", "Lower bound"), ("num", "Beyond"), ("num", "Unreachable")]
    rows = [
        tag(
            "tr",
            None,
            tag("td", None, tag("a", {"href": f"#{prefix}-c{index + 1}"}, names.container(item))),
            [
                tag("td", {"class": "num"}, cell)
                for cell in (item.size, item.lower_bound, item.added, len(item.unreachable))
            ],
        )
        for index, item in enumerate(view.containers)
    ]
    head = tag("tr", None, [tag("th", {"scope": "col", "class": css or None}, name) for css, name in heads])
    table = tag("table", None, tag("thead", None, head), tag("tbody", None, rows))
    return tag("div", {"class": "wide"}, table)
