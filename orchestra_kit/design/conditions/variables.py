"""Variables along one path: which version a condition sees, who wrote it, and whether a test can set it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestra_kit.design.conditions.hints import ConditionHints
from orchestra_kit.design.conditions.writers import Write, WriteKind


class VariableClass(StrEnum):
    """Who decides the value: the test, an answer of the system, or nobody we know of."""

    CONTROLLED = "controlled"
    OBSERVED = "observed"
    UNBOUND = "unbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One value of a variable on a path. `symbol` is its name in data: the variable's own, then `name_2`, `name_3`.

    `computed` is set when the process makes it from others: then it is neither set nor answered.
    """

    variable: str
    symbol: str
    kind: VariableClass
    origin: str
    node_id: str | None = None
    computed: bool = False
    candidates: tuple[Any, ...] = ()
    required: bool = False

    @property
    def provoke(self) -> str:
        """How to bring the value about, for an observed one."""
        if self.node_id is None:
            return ""
        return f"make the system answer so at '{self.node_id}' ({self.origin}): by its input, its stored data or a stub"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableReport:
    """A variable of a process over all its scenarios."""

    name: str
    kind: VariableClass
    origins: tuple[str, ...]
    used_by: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as in `orchestra suite plan --conditions`."""
        return {"name": self.name, "class": self.kind.value, "origins": list(self.origins), "flows": list(self.used_by)}


@dataclass(slots=True)
class Ledger:
    """The versions of all variables while one path is walked."""

    hints: ConditionHints
    _stamps: dict[str, tuple[int, Write | None]] = field(default_factory=dict)
    _versions: dict[tuple[str, int], Version] = field(default_factory=dict)
    _clock: int = 0
    _taken: set[str] = field(default_factory=set)

    def write(self, write: Write) -> int:
        """Note that an element has written a variable; return the stamp."""
        self._clock += 1
        self._stamps[write.variable] = (self._clock, write)
        return self._clock

    def renew(self, variable: str) -> None:
        """Note that a variable may have another value from now on, though nothing says who writes it."""
        self._clock += 1
        self._stamps[variable] = (self._clock, None)

    def stamp(self, variable: str) -> int:
        """Return when a variable was last written; 0 when it has its first value."""
        return self._stamps.get(variable, (0, None))[0]

    def read(self, variable: str) -> Version:
        """Return the version a condition sees here."""
        stamp, write = self._stamps.get(variable, (0, None))
        key = (variable, stamp)
        if key not in self._versions:
            self._versions[key] = self._new(variable, write, *self._classed(variable, write))
        return self._versions[key]

    def compute(self, write: Write, sources: tuple[Version, ...]) -> Version:
        """Note that an element has made a variable from others, and return the new version: of the class of its sources."""
        stamp = self.write(write)
        order = (VariableClass.OBSERVED, VariableClass.UNBOUND, VariableClass.CONTROLLED)
        kinds = {source.kind for source in sources} or {VariableClass.CONTROLLED}
        kind = next(item for item in order if item in kinds)
        made = self._new(write.variable, write, kind, f"computed by {write.said}", computed=True)
        self._versions[write.variable, stamp] = made
        return made

    def versions(self) -> tuple[Version, ...]:
        """Return every version read, in the order first read."""
        return tuple(self._versions.values())

    def _new(
        self, variable: str, write: Write | None, kind: VariableClass, origin: str, *, computed: bool = False
    ) -> Version:
        number = 1
        symbol = variable
        while symbol in self._taken:
            number += 1
            symbol = f"{variable}_{number}"
        self._taken.add(symbol)
        given = (self.hints.data[variable],) if variable in self.hints.data else ()
        return Version(
            variable=variable,
            symbol=symbol,
            kind=kind,
            origin=origin,
            node_id=write.node_id if write else None,
            computed=computed,
            candidates=(*given, *(write.candidates if write else ())),
            required=write.required if write else False,
        )

    def _classed(self, variable: str, write: Write | None) -> tuple[VariableClass, str]:
        if write is not None and write.kind is WriteKind.FORM:
            return VariableClass.CONTROLLED, write.said
        if write is not None and write.kind is WriteKind.OPEN and write.node_id in self.hints.driven:
            return VariableClass.CONTROLLED, write.said
        set_by = self.hints.sets(variable)
        if write is None or write.kind is WriteKind.RESPONSE:
            if set_by is not None:
                return VariableClass.CONTROLLED, set_by
            if write is None:
                return VariableClass.UNBOUND, "nothing in the model or the project sets it before it is asked for"
        return VariableClass.OBSERVED, write.said


def reports(found: Mapping[str, list[tuple[Version, str]]]) -> tuple[VariableReport, ...]:
    """Return one report for each variable from all its versions and the flows that ask for them."""
    result: list[VariableReport] = []
    for name, uses in found.items():
        kinds = {version.kind for version, _ in uses}
        order = (VariableClass.OBSERVED, VariableClass.UNBOUND, VariableClass.CONTROLLED)
        result.append(
            VariableReport(
                name=name,
                kind=next(kind for kind in order if kind in kinds),
                origins=tuple(dict.fromkeys(version.origin for version, _ in uses)),
                used_by=tuple(dict.fromkeys(flow for _, flow in uses)),
            )
        )
    return tuple(result)
