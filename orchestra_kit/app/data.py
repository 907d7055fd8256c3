"""Test data: which sets and rows a scenario runs with, how they are merged, and the templates in them resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestra_kit.errors import DefinitionError, ExpressionError, NotFoundError, Place
from orchestra_kit.expressions import references, render
from orchestra_kit.model import DataRow, TestDataSet, TestScenario
from orchestra_kit.spi.definitions import Caller, EnvironmentStore

Row = tuple[TestDataSet | None, DataRow | None]


class DataChoice:
    """Answers which data rows scenarios run with: those of the set or tag asked for, else of the recommended sets."""

    def __init__(self, store: EnvironmentStore, caller: Caller, *, data: str | None, tag: str | None) -> None:
        self._store, self._caller, self._data, self._tag = store, caller, data, tag

    def rows_of(self, scenarios: Sequence[TestScenario]) -> dict[str, list[Row]]:
        """Return the rows by scenario id; a scenario without any runs once, with its own values.

        Raises NotFoundError for a set that is not there, DefinitionError when what was asked for is for other scenarios.
        """
        asked = self._asked()
        if asked is None:
            return {item.id: _rows(self._recommended(item), item) for item in scenarios}
        if not any(_fits(data_set, item) for data_set in asked for item in scenarios):
            names = ", ".join(f"'{item.name}'" for item in asked)
            raise DefinitionError(f"the data set {names} is for other scenarios than those to be run.")
        return {item.id: _rows(asked, item) for item in scenarios}

    def _asked(self) -> list[TestDataSet] | None:
        if self._data is not None and self._tag is not None:
            raise DefinitionError("name a data set or a data tag, not both.")
        if self._data is not None:
            return [self._store.get_data_set(self._caller, self._data)]
        if self._tag is None:
            return None
        found = list(self._store.list_data_sets(self._caller, tag=self._tag))
        if not found:
            raise NotFoundError(f"no data set has the tag '{self._tag}'.")
        return found

    def _recommended(self, scenario: TestScenario) -> list[TestDataSet]:
        return [self._store.get_data_set(self._caller, name) for name in scenario.recommended_data_sets]


def _rows(sets: Sequence[TestDataSet], scenario: TestScenario) -> list[Row]:
    fitting = [item for item in sets if _fits(item, scenario)]
    return [(item, row) for item in fitting for row in (item.data.rows or (None,))] or [(None, None)]


def _fits(data_set: TestDataSet, scenario: TestScenario) -> bool:
    if data_set.scenario_id is not None:
        return data_set.scenario_id == scenario.id
    return data_set.suite_id is None or data_set.suite_id == scenario.suite_id


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
    waiting = {name: _needs(value, Place(file=source, field=f"data.{name}")) for name, value in data.items()}
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


def _needs(value: Any, place: Place) -> set[str]:
    """Return the names of other data values a value's templates refer to."""
    try:
        found = references(value)
    except ExpressionError as error:
        raise ExpressionError(error.message, place=place, hint=error.hint) from None
    return {str(reference.path[0]) for reference in found if reference.root == "data" and reference.path}
