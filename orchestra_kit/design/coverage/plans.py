"""What a plan says of one container: its scenarios, what comes on top of them, and the proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.design.coverage.criteria import Criterion


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedScenario:
    """One run of a container: its flows in firing order and the nodes it enters.

    `provokes` names the events the test has to bring about, `instances` how often an activity with a loop of its own runs
    where that is not once. `in_cover`: an addition lists it to be whole, the cover has it already.
    """

    key: str
    path: tuple[str, ...]
    visits: tuple[str, ...]
    provokes: tuple[str, ...] = ()
    instances: Mapping[str, int] = field(default_factory=dict)
    in_cover: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the scenario as in `orchestra suite plan`."""
        result: dict[str, Any] = {"key": self.key, "path": list(self.path), "visits": list(self.visits)}
        if self.provokes:
            result["provokes"] = list(self.provokes)
        result |= {"inCover": True} if self.in_cover else {}
        return result | ({"instances": dict(self.instances)} if self.instances else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """Scenarios beyond the minimal cover, for one element.

    `lower_bound` is how many runs of this kind the element needs; `note` says what is in the cover already, what cannot
    be, and what was left out.
    """

    kind: str
    of: str
    scenarios: tuple[PlannedScenario, ...]
    lower_bound: int = 0
    note: str = ""

    @property
    def new(self) -> int:
        """How many of the scenarios the cover does not have."""
        return sum(not item.in_cover for item in self.scenarios)

    def to_json(self) -> dict[str, Any]:
        """Return the addition as in `orchestra suite plan`."""
        scenarios = [item.to_json() for item in self.scenarios]
        result = {"kind": self.kind, "of": self.of, "count": len(scenarios), "lowerBound": self.lower_bound}
        result |= {"inCover": len(scenarios) - self.new} if self.new < len(scenarios) else {}
        return result | ({"note": self.note} if self.note else {}) | {"scenarios": scenarios}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """The smallest suite of one process or sub-process.

    `size` equals `lower_bound` but where a large container lets runs pass one element in several ways at once.
    `exhaustive` says that the bound was proven by looking at every run: the certificate is then smaller than it.
    """

    process_id: str
    container: str
    criterion: Criterion
    scenarios: tuple[PlannedScenario, ...]
    lower_bound: int
    certificate: tuple[str, ...]
    additions: tuple[Addition, ...]
    unreachable: tuple[tuple[str, str], ...]
    assumptions: tuple[str, ...]
    size_sequential: int = 0
    """The size when each run walks one branch of every split: what parallel branches save shows against it."""
    exhaustive: bool = False
    steps: int = 0

    @property
    def size(self) -> int:
        """The number of scenarios that the criterion itself needs."""
        return len(self.scenarios)

    @property
    def proof(self) -> str:
        """The certificate in a sentence."""
        elements = {"node": "elements", "flow": "flows", "decision": "flows"}[self.criterion.value]
        names = ", ".join(f"'{item}'" for item in self.certificate)
        kinds = {item.kind for item in self.additions}
        if not self.scenarios and "boundary" in kinds:
            return "No run comes to an end without a boundary event; those over one are counted apart."
        if not self.scenarios:
            stuck = self.unreachable or "deadlock" in kinds
            return "No run comes to an end, so there is nothing to cover." if stuck else "There is nothing to cover."
        if len(self.certificate) == 1 and self.size == 1:
            return f"One run covers everything; without one, '{self.certificate[0]}' is not covered."
        plain = " without a boundary event" if "boundary" in kinds else ""
        said = f"These {len(self.certificate)} {elements}: {names}; no single run{plain} can take two of them."
        if self.exhaustive:
            more = f" {said}" if len(self.certificate) > 1 else ""
            return f"Every run was looked at: no {self.size - 1} of them cover everything.{more}"
        if self.size > self.lower_bound:
            return f"{said} At most {self.size - self.lower_bound} of the scenarios may be one too many."
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the container as in `orchestra suite plan`."""
        return {
            "process": self.process_id,
            "container": self.container,
            "criterion": self.criterion.value,
            "size": self.size,
            "lowerBound": self.lower_bound,
            "sizeSequential": self.size_sequential,
            "certificate": list(self.certificate),
            "proof": self.proof,
            "scenarios": [item.to_json() for item in self.scenarios],
            "additions": [item.to_json() for item in self.additions],
            "unreachable": [{"id": element, "why": why} for element, why in self.unreachable],
            "assumptions": list(self.assumptions),
        }
