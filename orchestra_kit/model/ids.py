"""Typed identifiers. All are text: random, sortable by time (`new_id`), except TenantId, a short slug."""

from __future__ import annotations

from typing import NewType

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)
ProcessId = NewType("ProcessId", str)
ProtocolId = NewType("ProtocolId", str)
SuiteId = NewType("SuiteId", str)
ScenarioId = NewType("ScenarioId", str)
StepId = NewType("StepId", str)
DataSetId = NewType("DataSetId", str)
EnvironmentId = NewType("EnvironmentId", str)
ProfileId = NewType("ProfileId", str)
RunId = NewType("RunId", str)
SuiteRunId = NewType("SuiteRunId", str)
WorkerId = NewType("WorkerId", str)

LOCAL_TENANT = TenantId("local")
"""The tenant of a single user on embedded parts."""
