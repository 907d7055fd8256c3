"""The values found for a path as a table of test data: a base row, and a row for each boundary value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestra_kit.design.conditions.outcome import FeasibleSuite, JudgedScenario, PathStatus
from orchestra_kit.design.conditions.variables import VariableClass
from orchestra_kit.model.dataset import DataRow, DataTable

BASE_ROW = "base"
_OFFSETS = {-1: "one-below", 0: "equal", 1: "one-above"}


def data_tables(suite: FeasibleSuite, *, only_controlled: bool = False) -> dict[str, DataTable]:
    """Return the data of each feasible scenario that needs some, by its key.

    With `only_controlled` only what is traced to an input a test sets; else unbound variables as well.
    """
    tables: dict[str, DataTable] = {}
    for item in suite.scenarios:
        table = table_of(item, only_controlled=only_controlled)
        if table is not None:
            tables[item.scenario.key] = table
    return tables


def table_of(judged: JudgedScenario, *, only_controlled: bool = False) -> DataTable | None:
    """Return the data of one scenario; None when it needs none."""
    if judged.status is not PathStatus.FEASIBLE:
        return None
    wanted = {
        item.symbol
        for item in judged.versions
        if not item.computed
        and item.kind is not VariableClass.OBSERVED
        and (item.kind is VariableClass.CONTROLLED or not only_controlled)
    }
    base = _chosen(judged.values, wanted)
    if not base:
        return None
    rows = [DataRow(key=BASE_ROW, values=base)]
    observed = {name: value for name, value in judged.values.items() if name not in wanted}
    for variant in judged.variants:
        values = _chosen(variant.values, wanted)
        same_answers = all(variant.values.get(name) == value for name, value in observed.items())
        # A row may change what a test sets; that the system then answers otherwise is not a test's to choose.
        if same_answers and all(values != row.values for row in rows):
            rows.append(DataRow(key=_row_key(variant.comparison, variant.offset, len(rows)), values=values))
    return DataTable(rows=tuple(rows))


def _chosen(values: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in wanted}


def _row_key(comparison: str, offset: int, number: int) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "-", comparison.replace("<", " lt ").replace(">", " gt ")).strip("-").lower()
    return f"{number:02}-{plain[:40].strip('-')}-{_OFFSETS[offset]}"
