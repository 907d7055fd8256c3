"""The published JSON Schemas of definition files and entities."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from orchestra_kit import model
from orchestra_kit.app.files import DataFile, EnvironmentFile, ScenarioFile
from orchestra_kit.design.binding import ProjectBinding
from orchestra_kit.errors import UnknownNameError

SCHEMAS: dict[str, type[BaseModel]] = {
    "orchestra.yaml": ProjectBinding,
    "scenario-file": ScenarioFile,
    "data-file": DataFile,
    "environment-file": EnvironmentFile,
    "Tenant": model.Tenant,
    "User": model.User,
    "UserTenantRole": model.UserTenantRole,
    "Process": model.Process,
    "ProcessVersion": model.ProcessVersion,
    "ProtocolSpec": model.ProtocolSpec,
    "ScenarioSuite": model.ScenarioSuite,
    "TestScenario": model.TestScenario,
    "ScenarioStep": model.ScenarioStep,
    "TestDataSet": model.TestDataSet,
    "Environment": model.Environment,
    "DbConnectionProfile": model.DbConnectionProfile,
    "KafkaClusterProfile": model.KafkaClusterProfile,
    "QueueBrokerProfile": model.QueueBrokerProfile,
    "TestRun": model.TestRun,
    "SuiteRun": model.SuiteRun,
    "StepResult": model.StepResult,
    "Violation": model.Violation,
    "TestRunReport": model.TestRunReport,
    "AuditEntry": model.AuditEntry,
}


def schema_of(name: str) -> dict[str, Any]:
    """Return a JSON Schema (2020-12) by name; raise UnknownNameError."""
    if name not in SCHEMAS:
        raise UnknownNameError("schema", name, SCHEMAS)
    schema = SCHEMAS[name].model_json_schema(by_alias=True)
    if name == "scenario-file":  # a tester does not number the steps
        schema["$defs"]["ScenarioStep"]["required"] = ["alias", "kind"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
