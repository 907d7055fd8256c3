"""The section of one container: its numbers, its certificate on a picture, each scenario's way, what is beyond."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_kit.reporting.markup import Markup, join, tag
from orchestra_kit.reporting.plan.maps import Atlas, Map
from orchestra_kit.reporting.plan.view import AdditionView, ContainerView, PlannedPath
from orchestra_kit.reporting.plan.words import (
    Names,
    addition_words,
    certificate_sentence,
    count,
    letter,
    path_words,
    size_sentence,
)

ALL_PICTURES = 600_000
"""So many characters are spent on pictures of scenarios and their lists; then only the names of scenarios are told."""
MOST_LISTED = 300


@dataclass(slots=True)
class Budget:
    """What is left of the room for pictures."""

    left: int = ALL_PICTURES

    def spend(self, piece: Markup) -> bool:
        """Take the room a piece needs; False when there is not enough."""
        if len(piece) > self.left:
            return False
        self.left -= len(piece)
        return True


def container_section(item: ContainerView, names: Names, atlas: Atlas, budget: Budget, anchor: str) -> Markup:
    """Return the section of one container."""
    elements = [flow for path in item.paths for flow in path.path] + list(item.certificate)
    chart = atlas.map_of(item.process_id, item.container, elements)
    heading = names.container(item)
    return tag(
        "section",
        {"id": anchor, "aria-label": heading},
        tag("h2", None, heading),
        tag("p", {"class": "lead"}, size_sentence(item)),
        _numbers(item),
        _proof(item, names, chart, heading),
        _scenarios(item, names, chart, budget),
        _additions(item, names, chart, budget),
        _unreachable(item, names),
        _assumptions(item),
    )


def _numbers(item: ContainerView) -> Markup:
    head = ["Scenarios", "Lower bound", "Beyond these", "Unreachable"]
    cells: list[int] = [item.size, item.lower_bound, item.added, len(item.unreachable)]
    if item.size_sequential is not None:
        head.insert(2, "With one branch at a time")
        cells.insert(2, item.size_sequential)
    row = [tag("td", {"class": "num"}, cell) for cell in cells]
    heads = [tag("th", {"scope": "col", "class": "num"}, name) for name in head]
    criterion = tag("td", None, f"{item.criterion} coverage")
    first = tag("th", {"scope": "col"}, "Criterion")
    return _table(join(first, *heads), [tag("tr", None, criterion, row)])


def _table(heads: Markup, rows: list[Markup]) -> Markup:
    table = tag("table", None, tag("thead", None, tag("tr", None, heads)), tag("tbody", None, rows))
    return tag("div", {"class": "wide"}, table)


def _proof(item: ContainerView, names: Names, chart: Map, heading: str) -> Markup:
    marks = {element: letter(index) for index, element in enumerate(item.certificate)}
    lost = [element for element, _ in item.unreachable]
    entries = [
        tag("li", None, tag("span", {"class": "mark"}, sign), " ", names.element(element))
        for element, sign in list(marks.items())[:MOST_LISTED]
    ]
    title = f"{heading}: the certificate by letters" + ("; unreachable elements are dotted" if lost else "")
    picture = chart.overview(title, item.container, marks, lost)
    return join(
        tag("h3", None, "Why not fewer"),
        tag("p", None, certificate_sentence(item, names)),
        tag("ol", {"class": "proof-list"}, entries) if entries else None,
        _figure(picture),
    )


def _figure(picture: Markup) -> Markup:
    return tag("div", {"class": "figure", "tabindex": "0", "role": "group"}, picture)


def _scenarios(item: ContainerView, names: Names, chart: Map, budget: Budget) -> Markup | None:
    if not item.paths:
        return None
    blocks = [
        _scenario(path, f"{index + 1}.", item.container, names, chart, budget, opened=index == 0)
        for index, path in enumerate(item.paths)
    ]
    return join(tag("h3", None, "Scenarios"), blocks)


def _scenario(
    path: PlannedPath, prefix: str, container: str, names: Names, chart: Map, budget: Budget, *, opened: bool = False
) -> Markup:
    steps = path_words(path, names)
    title = f"Scenario {path.key}: {count(len(path.path), 'flow')} in firing order"
    body = join(_provoked(path, names), _picture(path, title, container, chart, budget), _steps(steps, budget))
    summary = tag("summary", None, f"{prefix} ", tag("b", None, path.key), f" — {count(len(path.path), 'flow')}")
    return tag("details", {"class": "scenario", "open": opened}, summary, tag("div", {"class": "in"}, body))


def _provoked(path: PlannedPath, names: Names) -> Markup | None:
    if not path.provokes:
        return None
    return tag("p", None, "Has to be caused: ", "; ".join(names.element(event) for event in path.provokes), ".")


def _picture(path: PlannedPath, title: str, container: str, chart: Map, budget: Budget) -> Markup:
    picture = _figure(chart.walk(title, container, path.path, path.visits))
    if budget.spend(picture):
        return picture
    return tag("p", {"class": "quiet"}, "No picture: the page would become too large.")


def _steps(steps: list[str], budget: Budget) -> Markup:
    more = len(steps) - MOST_LISTED
    listed = tag("ol", {"class": "steps"}, [tag("li", None, step) for step in steps[:MOST_LISTED]])
    if not budget.spend(listed):
        return tag("p", {"class": "quiet"}, "The list of its flows is in the JSON of the plan.")
    return join(listed, tag("p", {"class": "quiet"}, f"and {more} more") if more > 0 else None)


def _additions(item: ContainerView, names: Names, chart: Map, budget: Budget) -> Markup | None:
    if not item.additions:
        return None
    with_bound = any(addition.lower_bound is not None for addition in item.additions)
    heads = [("Why", ""), ("Where", ""), ("Scenarios", "num")]
    heads += [("At least", "num")] if with_bound else []
    heads += [("Note", "")] if any(addition.note for addition in item.additions) else []
    head = join(*(tag("th", {"scope": "col", "class": css or None}, name) for name, css in heads))
    rows = [_addition_row(addition, names, [name for name, _ in heads]) for addition in item.additions]
    blocks = [
        _scenario(path, f"+{index + 1}.", item.container, names, chart, budget)
        for index, path in enumerate(path for addition in item.additions for path in addition.paths)
    ]
    return join(tag("h3", None, f"Beyond the criterion: {item.added} more"), _table(head, rows), blocks)


def _addition_row(addition: AdditionView, names: Names, heads: list[str]) -> Markup:
    why, where = addition_words(addition, names)
    bound = "–" if addition.lower_bound is None else addition.lower_bound
    cells = {
        "Why": tag("td", None, why),
        "Where": tag("td", None, where),
        "Scenarios": tag("td", {"class": "num"}, addition.count),
        "At least": tag("td", {"class": "num"}, bound),
        "Note": tag("td", None, addition.note),
    }
    return tag("tr", None, [cells[name] for name in heads])


def _unreachable(item: ContainerView, names: Names) -> Markup | None:
    if not item.unreachable:
        return None
    heads = join(*(tag("th", {"scope": "col"}, name) for name in ("Unreachable", "Why")))
    rows = [
        tag("tr", None, tag("td", None, names.element(element)), tag("td", None, why))
        for element, why in item.unreachable[:MOST_LISTED]
    ]
    return join(tag("h3", None, "What no run can reach"), _table(heads, rows))


def _assumptions(item: ContainerView) -> Markup | None:
    if not item.assumptions:
        return None
    entries = [tag("li", None, text) for text in item.assumptions[:MOST_LISTED]]
    return join(tag("h3", None, "Taken for granted"), tag("ul", None, entries))
