"""What is found out about the paths of a suite: the contract of `orchestra suite plan --conditions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestra_kit.design.conditions.guards import UnreadGuard
from orchestra_kit.design.conditions.variables import VariableClass, VariableReport, Version
from orchestra_kit.design.coverage import ComposedScenario
from orchestra_kit.spi.solver import Variant


class PathStatus(StrEnum):
    """What is known about a path. FREE: nothing on it asks for data."""

    FREE = "free"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathCondition:
    """One condition where a path meets it; `bind` names the version of each variable it sees."""

    key: str
    flow_id: str
    node_id: str
    text: str
    dialect: str
    holds: bool
    line: int | None = None
    bind: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as in `orchestra suite plan --conditions`."""
        return {
            "flow": self.flow_id,
            "node": self.node_id,
            "text": self.text,
            "dialect": self.dialect,
            "holds": self.holds,
            "line": self.line,
            "variables": dict(self.bind),
        }

    @property
    def said(self) -> str:
        """The condition in words."""
        place = f" (line {self.line})" if self.line is not None else ""
        return f"{self.flow_id}{place}: {self.text} must be {'true' if self.holds else 'false'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedScenario:
    """A path with what was found: `values` by symbol satisfy all its conditions; `core` are those that conflict.

    `absent` are variables and properties that must not be there; `free` those the path does not depend on, all at once.
    `unless` says which activities would make an infeasible path possible if they wrote more than the model declares.
    `replaces` names the infeasible scenarios whose flows it covers.
    """

    scenario: ComposedScenario
    status: PathStatus
    conditions: tuple[PathCondition, ...] = ()
    versions: tuple[Version, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    core: tuple[PathCondition, ...] = ()
    computed_in_core: tuple[str, ...] = ()
    reason: str = ""
    unless: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    open_choices: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()

    def settable(self) -> dict[str, Any]:
        """Return the values a test can give: of all variables but observed and computed ones."""
        left_out = {item.symbol for item in self.versions if item.computed or item.kind is VariableClass.OBSERVED}
        return {name: value for name, value in self.values.items() if name not in left_out}

    def expected(self) -> list[dict[str, Any]]:
        """Return the values the system has to answer with, and how to bring them about; not those that do not matter."""
        return [
            {
                "variable": item.variable,
                "symbol": item.symbol,
                "value": self.values[item.symbol],
                "at": item.node_id,
                "provoke": item.provoke,
            }
            for item in self.versions
            if item.kind is VariableClass.OBSERVED and not item.computed and item.symbol in self.values
            if item.symbol not in self.free
        ]

    def to_json(self) -> dict[str, Any]:
        """Return it as in `orchestra suite plan --conditions`."""
        result: dict[str, Any] = {
            "key": self.scenario.key,
            "kind": self.scenario.kind,
            "path": list(self.scenario.path),
            "status": self.status.value,
            "conditions": [item.to_json() for item in self.conditions],
        }
        if self.status is PathStatus.FEASIBLE:
            result["data"] = self.settable()
            result["expects"] = self.expected()
            result["kinds"] = dict(self.kinds)
            result["absent"] = list(self.absent)
            result["free"] = list(self.free)
            result["variants"] = [item.to_json() for item in self.variants]
        if self.status is PathStatus.INFEASIBLE:
            result["conflict"] = [item.to_json() for item in self.core]
            result["computed"] = list(self.computed_in_core)
            result["unless"] = list(self.unless)
        for name, value in (("reason", self.reason), ("unread", self.unread), ("undecided", self.open_choices)):
            if value:
                result[name] = value if isinstance(value, str) else list(value)
        if self.replaces:
            result["replaces"] = list(self.replaces)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class LostElement:
    """A flow or node that no feasible path takes; `proven` when every path was tried, else only many were."""

    element_id: str
    reason: str
    proven: bool
    unless: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as in `orchestra suite plan --conditions`."""
        return {"id": self.element_id, "reason": self.reason, "proven": self.proven, "unless": list(self.unless)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeasibleSuite:
    """The scenarios of a process that can be taken, and all that is known of the others.

    `scenarios` are those that remain, the cover first: kept ones, then replacements, then what comes on top. `not_decided`
    says why something was not asked any more.
    """

    process_id: str
    structural_size: int
    scenarios: tuple[JudgedScenario, ...]
    infeasible: tuple[JudgedScenario, ...]
    lost: tuple[LostElement, ...]
    variables: tuple[VariableReport, ...]
    unread: tuple[UnreadGuard, ...]
    assumptions: tuple[str, ...]
    not_decided: str = ""

    @property
    def cover(self) -> tuple[JudgedScenario, ...]:
        """The scenarios that cover the criterion as far as data can."""
        return tuple(item for item in self.scenarios if item.scenario.kind == "cover")

    @property
    def feasible_size(self) -> int:
        """How many scenarios cover what can be covered."""
        return len(self.cover)

    @property
    def replacements(self) -> tuple[JudgedScenario, ...]:
        """The scenarios found in place of infeasible ones."""
        return tuple(item for item in self.scenarios if item.replaces)

    def to_json(self) -> dict[str, Any]:
        """Return the object of one process in `orchestra suite plan --conditions`."""
        return {
            "process": self.process_id,
            "structuralSize": self.structural_size,
            "feasibleSize": self.feasible_size,
            "scenarios": [item.to_json() for item in self.scenarios],
            "infeasible": [item.to_json() for item in self.infeasible],
            "replacements": [item.scenario.key for item in self.replacements],
            "lost": [item.to_json() for item in self.lost],
            "variables": [item.to_json() for item in self.variables],
            "unreadable": [item.to_json() for item in self.unread],
            "assumptions": list(self.assumptions),
            **({"notDecided": self.not_decided} if self.not_decided else {}),
        }
