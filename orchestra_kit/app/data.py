"""Test data of one run: defaults, common values, row and scenario merged, and templates in them resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.errors import DefinitionError, Place
from orchestra_kit.expressions import references, render
from orchestra_kit.model import DataRow, TestDataSet, TestScenario


def merge_data(scenario: TestScenario, data_set: TestDataSet | None, row: DataRow | None) -> dict[str, Any]:
    """Return the scenario's own values, overridden by the set's common ones, overridden by the row's."""
    merged = dict(scenario.data)
    if data_set is not None:
        merged.update(data_set.data.common)
    if row is not None:
        merged.update(row.values)
    return merged


def resolve_data(data: Mapping[str, Any], scope: Mapping[str, Any], *, source: str = "data") -> dict[str, Any]:
    """Return test data with its templates rendered; a value may refer to another one (`data.x`), never in a circle.

    Raises DefinitionError naming the values of a circle, ExpressionError for a template that cannot be rendered.
    """
    waiting = {name: _needs(value) for name, value in data.items()}
    resolved: dict[str, Any] = {}
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        if not ready:
            circle = ", ".join(f"data.{name}" for name in sorted(waiting))
            raise DefinitionError(f"these values refer to each other in a circle: {circle}.", place=Place(file=source))
        for name in ready:
            place = Place(file=source, field=f"data.{name}")
            resolved[name] = render(data[name], {**scope, "data": resolved}, place=place)
            del waiting[name]
    return {name: resolved[name] for name in data}


def _needs(value: Any) -> set[str]:
    """Return the names of other data values a value's templates refer to."""
    found: set[str] = set()
    for reference in references(value):
        if reference.root == "data" and reference.path:
            found.add(str(reference.path[0]))
    return found
