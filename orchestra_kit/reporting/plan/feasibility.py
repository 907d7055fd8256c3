"""What data can do with the scenarios of a plan: values for those that can run, the conflict of those that cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestra_kit.reporting.markup import Markup, join, tag
from orchestra_kit.reporting.plan.container import MOST_LISTED, Budget
from orchestra_kit.reporting.plan.maps import Atlas
from orchestra_kit.reporting.plan.tolerant import mapping, mappings, text_of, texts, whole
from orchestra_kit.reporting.plan.words import Names, letter

_STATUS = {
    "feasible": "✓ data found",
    "free": "✓ asks for no data",
    "unknown": "? not decided",
    "infeasible": "✗ no data can drive it",
}


def feasibility_section(judged: Mapping[str, Any], names: Names, atlas: Atlas, budget: Budget) -> Markup:
    """Return the section of one process whose conditions were looked at."""
    process = text_of(judged.get("process"))
    structural, feasible = whole(judged.get("structuralSize")), whole(judged.get("feasibleSize"))
    said = f"{structural} by the shape of the process, {feasible} that data can drive."
    return tag(
        "section",
        None,
        tag("h2", None, f"Data for {names.element(process)}"),
        tag("p", {"class": "lead"}, "Scenarios: ", said),
        _scenarios(mappings(judged.get("scenarios"))),
        _infeasible(process, mappings(judged.get("infeasible")), names, atlas, budget),
        _lost(mappings(judged.get("lost")), names),
        _variables(mappings(judged.get("variables"))),
        _left_to_you(mappings(judged.get("unreadable")), names),
        _notes(texts(judged.get("assumptions"))),
    )


def _scenarios(items: list[Mapping[str, Any]]) -> Markup | None:
    if not items:
        return None
    rows = [
        [
            text_of(item.get("key")),
            _STATUS.get(text_of(item.get("status")), text_of(item.get("status"))),
            ", ".join(f"{name} = {_value(value)}" for name, value in mapping(item.get("data")).items()) or "–",
            "; ".join(_expected(found) for found in mappings(item.get("expects"))) or "–",
            str(len(item.get("variants") or ())),
            text_of(item.get("reason")) or ", ".join(f"in place of {key}" for key in texts(item.get("replaces"))),
        ]
        for item in items[:MOST_LISTED]
    ]
    heads = ["Scenario", "", "Data", "The system has to answer", "Rows around limits", "Note"]
    return join(tag("h3", None, "Values that drive each scenario"), _table(heads, rows))


def _expected(found: Mapping[str, Any]) -> str:
    place = text_of(found.get("at"))
    return f"{text_of(found.get('variable'))} = {_value(found.get('value'))}" + (f" at {place}" if place else "")


def _infeasible(
    process: str, items: list[Mapping[str, Any]], names: Names, atlas: Atlas, budget: Budget
) -> Markup | None:
    if not items:
        return None
    blocks = [_conflict(process, item, names, atlas, budget) for item in items[:MOST_LISTED]]
    return join(tag("h3", None, "Scenarios no data can drive"), blocks)


def _conflict(process: str, item: Mapping[str, Any], names: Names, atlas: Atlas, budget: Budget) -> Markup:
    """These conditions stand on one path, and no values satisfy all of them."""
    parts = mappings(item.get("conflict"))
    marks = {text_of(part.get("flow")): letter(index) for index, part in enumerate(parts)}
    entries = [
        tag(
            "li",
            None,
            tag("span", {"class": "mark"}, letter(index)),
            " ",
            names.element(text_of(part.get("flow"))),
            ": ",
            tag("code", None, text_of(part.get("text"))),
            f" must be {'true' if part.get('holds') else 'false'}",
        )
        for index, part in enumerate(parts[:MOST_LISTED])
    ]
    with_these = [tag("li", None, f"with {text}") for text in texts(item.get("computed"))]
    key = text_of(item.get("key"))
    chart = atlas.map_of(process, process, list(marks))
    drawn = tag(
        "div",
        {"class": "figure", "tabindex": "0", "role": "group"},
        chart.overview(f"Conditions that exclude each other on {key}", process, marks, ()),
    )
    told = "These conditions exclude each other." if len(entries) > 1 else "This condition can never be so."
    body = join(tag("p", None, told), tag("ol", {"class": "proof-list"}, entries, with_these))
    return tag(
        "details",
        {"class": "scenario"},
        tag("summary", None, "✗ ", tag("b", None, key)),
        tag("div", {"class": "in"}, body, drawn if budget.spend(drawn) else None),
    )


def _lost(items: list[Mapping[str, Any]], names: Names) -> Markup | None:
    if not items:
        return None
    rows = [
        [
            names.element(text_of(item.get("id"))),
            text_of(item.get("reason")),
            "proven" if item.get("proven") else "many paths were tried, not all",
        ]
        for item in items[:MOST_LISTED]
    ]
    return join(tag("h3", None, "What no data can reach"), _table(["Element", "Why", "How sure"], rows))


def _variables(items: list[Mapping[str, Any]]) -> Markup | None:
    if not items:
        return None
    rows = [
        [text_of(item.get("name")), text_of(item.get("class")), "; ".join(texts(item.get("origins")))]
        for item in items[:MOST_LISTED]
    ]
    return join(tag("h3", None, "Variables"), _table(["Variable", "Is", "Because"], rows))


def _left_to_you(items: list[Mapping[str, Any]], names: Names) -> Markup | None:
    if not items:
        return None
    rows = [
        [names.element(text_of(item.get("flow"))), text_of(item.get("text")), text_of(item.get("reason"))]
        for item in items[:MOST_LISTED]
    ]
    return join(tag("h3", None, "Conditions left to you"), _table(["Flow", "Condition", "Why"], rows))


def _notes(notes: tuple[str, ...]) -> Markup | None:
    if not notes:
        return None
    return join(tag("h3", None, "Assumed"), tag("ul", None, [tag("li", None, text) for text in notes[:MOST_LISTED]]))


def _table(heads: list[str], rows: list[list[str]]) -> Markup:
    """Return a table without the columns in which nothing stands."""
    kept = [index for index in range(len(heads)) if any(row[index] not in ("", "–", "0") for row in rows)]
    head = tag("tr", None, [tag("th", {"scope": "col"}, heads[index]) for index in kept])
    body = [tag("tr", None, [tag("td", None, row[index]) for index in kept]) for row in rows]
    table = tag("table", None, tag("thead", None, head), tag("tbody", None, body))
    return tag("div", {"class": "wide"}, table)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:300]
