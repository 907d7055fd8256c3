"""What a report reads out of a plan: the JSON of `orchestra suite plan`, with whatever fields its version has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.reporting.plan.tolerant import mapping, mappings, text_of, texts, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPath:
    """One scenario: its flows in firing order, the nodes it visits, the events somebody has to cause."""

    key: str
    path: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()
    provokes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionView:
    """Scenarios beyond what the criterion needs, why they are there, and how few could do."""

    kind: str
    of: str
    count: int
    lower_bound: int | None = None
    note: str = ""
    paths: tuple[PlannedPath, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerView:
    """The plan of one process or sub-process."""

    process_id: str
    container: str
    criterion: str = "flow"
    size: int = 0
    lower_bound: int = 0
    size_sequential: int | None = None
    certificate: tuple[str, ...] = ()
    paths: tuple[PlannedPath, ...] = ()
    additions: tuple[AdditionView, ...] = ()
    unreachable: tuple[tuple[str, str], ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def added(self) -> int:
        """The number of scenarios beyond those the criterion needs."""
        return sum(item.count for item in self.additions)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """The plan of a file; the suite's numbers are those of its containers put together."""

    file: str = ""
    containers: tuple[ContainerView, ...] = ()
    size: int = 0
    lower_bound: int = 0
    gap: int = 0
    notes: tuple[str, ...] = ()
    collaborations: tuple[Mapping[str, Any], ...] = ()
    """What several processes do together, as the plan says it."""
    calls: tuple[Mapping[str, Any], ...] = ()
    judged: tuple[Mapping[str, Any], ...] = ()
    """What data can do with the scenarios, by process, when conditions were looked at."""


def read_plan(plan: Mapping[str, Any]) -> PlanView:
    """Return a plan for showing; fields it does not have stay empty."""
    suite = mapping(plan.get("suite"))
    size, bound = whole(suite.get("size")), whole(suite.get("lowerBound"))
    return PlanView(
        file=text_of(plan.get("file")),
        containers=tuple(_container(item) for item in mappings(plan.get("containers"))),
        size=size,
        lower_bound=bound,
        gap=whole(suite.get("gap"), size - bound),
        notes=texts(suite.get("notes")) + texts(suite.get("assumptions")),
        collaborations=tuple(mappings(suite.get("collaborations"))),
        calls=tuple(mappings(suite.get("calls"))),
        judged=tuple(mappings(plan.get("conditions"))),
    )


def _container(item: Mapping[str, Any]) -> ContainerView:
    paths = tuple(_path(scenario) for scenario in mappings(item.get("scenarios")))
    return ContainerView(
        process_id=text_of(item.get("process")),
        container=text_of(item.get("container")),
        criterion=text_of(item.get("criterion")) or "flow",
        size=whole(item.get("size"), len(paths)),
        lower_bound=whole(item.get("lowerBound")),
        size_sequential=whole(item["sizeSequential"]) if item.get("sizeSequential") is not None else None,
        certificate=texts(item.get("certificate")),
        paths=paths,
        additions=tuple(_addition(addition) for addition in mappings(item.get("additions"))),
        unreachable=tuple(
            (text_of(lost.get("id")), text_of(lost.get("why"))) for lost in mappings(item.get("unreachable"))
        ),
        assumptions=texts(item.get("assumptions")),
    )


def _addition(item: Mapping[str, Any]) -> AdditionView:
    paths = tuple(_path(scenario) for scenario in mappings(item.get("scenarios")))
    return AdditionView(
        kind=text_of(item.get("kind")),
        of=text_of(item.get("of")),
        count=whole(item.get("count"), len(paths)),
        lower_bound=whole(item["lowerBound"]) if item.get("lowerBound") is not None else None,
        note=text_of(item.get("note")),
        paths=paths,
    )


def _path(item: Mapping[str, Any]) -> PlannedPath:
    return PlannedPath(
        key=text_of(item.get("key")) or "scenario",
        path=texts(item.get("path")),
        visits=texts(item.get("visits")),
        provokes=texts(item.get("provokes")),
    )
