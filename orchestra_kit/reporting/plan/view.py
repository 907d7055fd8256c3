"""What a report reads out of a plan: the JSON of `orchestra suite plan`, with whatever fields its version has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


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


def read_plan(plan: Mapping[str, Any]) -> PlanView:
    """Return a plan for showing; fields it does not have stay empty."""
    suite = _mapping(plan.get("suite"))
    size, bound = _whole(suite.get("size")), _whole(suite.get("lowerBound"))
    return PlanView(
        file=_text(plan.get("file")),
        containers=tuple(_container(item) for item in _mappings(plan.get("containers"))),
        size=size,
        lower_bound=bound,
        gap=_whole(suite.get("gap"), size - bound),
        notes=_texts(suite.get("notes")) + _texts(suite.get("assumptions")),
    )


def _container(item: Mapping[str, Any]) -> ContainerView:
    paths = tuple(_path(scenario) for scenario in _mappings(item.get("scenarios")))
    return ContainerView(
        process_id=_text(item.get("process")),
        container=_text(item.get("container")),
        criterion=_text(item.get("criterion")) or "flow",
        size=_whole(item.get("size"), len(paths)),
        lower_bound=_whole(item.get("lowerBound")),
        size_sequential=_whole(item["sizeSequential"]) if item.get("sizeSequential") is not None else None,
        certificate=_texts(item.get("certificate")),
        paths=paths,
        additions=tuple(_addition(addition) for addition in _mappings(item.get("additions"))),
        unreachable=tuple(
            (_text(lost.get("id")), _text(lost.get("why"))) for lost in _mappings(item.get("unreachable"))
        ),
        assumptions=_texts(item.get("assumptions")),
    )


def _addition(item: Mapping[str, Any]) -> AdditionView:
    paths = tuple(_path(scenario) for scenario in _mappings(item.get("scenarios")))
    return AdditionView(
        kind=_text(item.get("kind")),
        of=_text(item.get("of")),
        count=_whole(item.get("count"), len(paths)),
        lower_bound=_whole(item["lowerBound"]) if item.get("lowerBound") is not None else None,
        note=_text(item.get("note")),
        paths=paths,
    )


def _path(item: Mapping[str, Any]) -> PlannedPath:
    return PlannedPath(
        key=_text(item.get("key")) or "scenario",
        path=_texts(item.get("path")),
        visits=_texts(item.get("visits")),
        provokes=_texts(item.get("provokes")),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _texts(value: Any) -> tuple[str, ...]:
    """Return a list of ids or sentences; an entry may also be an object that has an `id`."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        return ()
    return tuple(_text(item.get("id")) if isinstance(item, Mapping) else _text(item) for item in value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _whole(value: Any, otherwise: int = 0) -> int:
    return int(value) if isinstance(value, int | float) else otherwise
