"""What is known about variables from outside the model: the tester's data and the interfaces of the systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionHints:
    """`data` are the tester's own values by name (tried first), `inputs` the elements whose input sets a variable,
    `responses` the fields that the answer of an element's operation has, `driven` the elements Orchestra plays."""

    data: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    responses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    driven: frozenset[str] = frozenset()

    def sets(self, variable: str) -> str | None:
        """Return where a tester sets a variable, in words; None when nothing does."""
        if variable in self.inputs:
            return f"input of '{self.inputs[variable]}'"
        return "test data" if variable in self.data else None
