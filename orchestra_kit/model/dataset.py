"""Test data sets: values common to all rows, and rows of which each makes one run."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from orchestra_kit.model.base import Value
from orchestra_kit.model.enums import DataOrigin, DataScope
from orchestra_kit.model.ids import DataSetId, ScenarioId, SuiteId, TenantId


class DataRow(Value):
    """One row; `key` names it in reports."""

    key: str
    values: dict[str, Any] = {}


class DataTable(Value):
    """Values shared by all rows, and the rows."""

    common: dict[str, Any] = {}
    rows: tuple[DataRow, ...] = ()

    @model_validator(mode="after")
    def _keys_once(self) -> DataTable:
        keys = [row.key for row in self.rows]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise ValueError(f"row key {doubled[0]!r} is used twice")
        return self


class TestDataSet(Value):
    """A named set of test data."""

    __test__ = False  # not a pytest class

    id: DataSetId
    tenant_id: TenantId
    scope: DataScope = DataScope.GLOBAL
    suite_id: SuiteId | None = None
    scenario_id: ScenarioId | None = None
    name: str
    tags: tuple[str, ...] = ()
    origin: DataOrigin = DataOrigin.MANUAL
    data: DataTable = DataTable()
