"""Scenarios across pools: who fires when, which messages pass between them, and what the tests send themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.reporting.markup import Markup, join, tag
from orchestra_kit.reporting.plan.container import MOST_LISTED, Budget
from orchestra_kit.reporting.plan.maps import Atlas
from orchestra_kit.reporting.plan.tolerant import mapping, mappings, text_of, texts, whole
from orchestra_kit.reporting.plan.words import KINDS, Names, count


def collaboration_section(item: Mapping[str, Any], names: Names, atlas: Atlas, budget: Budget) -> Markup:
    """Return the section of processes that send each other messages."""
    processes = texts(item.get("processes"))
    size, bound = whole(item.get("size")), whole(item.get("lowerBound"))
    proof = "fewer cannot do." if size == bound else f"at least {bound} are needed."
    heading = "Together: " + ", ".join(names.element(process) for process in processes)
    blocks = [
        _scenario(scenario, names, atlas, budget, number + 1)
        for number, scenario in enumerate(mappings(item.get("scenarios")))
    ]
    return tag(
        "section",
        {"aria-label": heading},
        tag("h2", None, heading),
        tag("p", {"class": "lead"}, f"{count(size, 'scenario')} across these processes; {proof}"),
        tag(
            "p",
            {"class": "quiet"},
            "Elements are numbered in the order in which they fire; dashed: messages between them.",
        ),
        blocks,
        _alone(mappings(item.get("alone")), names),
    )


def _scenario(item: Mapping[str, Any], names: Names, atlas: Atlas, budget: Budget, number: int) -> Markup:
    key, kind = text_of(item.get("key")) or "scenario", text_of(item.get("kind"))
    order = _order(item.get("order"))
    runs = mapping(item.get("runs"))
    flows = [flow for run in runs.values() for flow in texts(mapping(run).get("path"))]
    messages = texts(item.get("messages"))
    told = [] if kind in ("", "cover") else [KINDS.get(kind, kind)]
    if item.get("of"):
        told.append(names.element(text_of(item.get("of"))))
    title = (
        f"Scenario {key}: {count(len(order), 'step')} of {count(len(runs), 'process').replace('processs', 'processes')}"
    )
    picture = tag(
        "div",
        {"class": "figure", "tabindex": "0", "role": "group"},
        atlas.whole().play(title, flows, [node for _, node in order], messages),
    )
    steps = [
        tag("li", None, f"{names.element(process)}: {names.element(node)}") for process, node in order[:MOST_LISTED]
    ]
    listed = tag("ol", {"class": "steps"}, steps)
    body = join(
        tag("p", None, "For ", ": ".join(told), ".") if told else None,
        _line("Has to be caused", texts(item.get("provokes")), names),
        _line("Messages between the processes", messages, names),
        _line("Messages the tests send or receive", texts(item.get("outside")), names),
        picture
        if budget.spend(picture)
        else tag("p", {"class": "quiet"}, "No picture: the page would become too large."),
        listed if budget.spend(listed) else None,
    )
    summary = tag("summary", None, f"{number}. ", tag("b", None, key), f" — {count(len(order), 'step')}")
    return tag("details", {"class": "scenario", "open": number == 1}, summary, tag("div", {"class": "in"}, body))


def _order(value: Any) -> list[tuple[str, str]]:
    pairs = value if isinstance(value, list | tuple) else ()
    return [(text_of(pair[0]), text_of(pair[1])) for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]


def _line(what: str, elements: tuple[str, ...], names: Names) -> Markup | None:
    if not elements:
        return None
    said = "; ".join(names.element(item) for item in dict.fromkeys(elements[:MOST_LISTED]))
    return tag("p", None, f"{what}: {said}.")


def _alone(items: list[Mapping[str, Any]], names: Names) -> Markup | None:
    """Runs no partner was found for: the tests stand in for it."""
    if not items:
        return None
    head = tag("tr", None, [tag("th", {"scope": "col"}, name) for name in ("Process", "Scenario", "Why alone")])
    rows = [
        tag(
            "tr",
            None,
            tag("td", None, names.element(text_of(item.get("process")))),
            tag("td", None, text_of(item.get("key"))),
            tag("td", None, text_of(item.get("why"))),
        )
        for item in items[:MOST_LISTED]
    ]
    table = tag("table", None, tag("thead", None, head), tag("tbody", None, rows))
    return join(tag("h3", None, "Runs without a partner"), tag("div", {"class": "wide"}, table))


def calls_section(items: list[Mapping[str, Any]], names: Names) -> Markup | None:
    """Return what call activities call and where it was found, or why it was not."""
    if not items:
        return None
    entries = [
        tag(
            "li",
            None,
            f"{names.element(text_of(item.get('elementId')))} calls {text_of(item.get('calls')) or 'nothing named'}",
            f", in {text_of(item.get('file'))}" if item.get("file") else None,
            f": {text_of(item.get('why'))}" if item.get("why") else None,
        )
        for item in items[:MOST_LISTED]
    ]
    return join(tag("h2", None, "Call activities"), tag("ul", None, entries))
