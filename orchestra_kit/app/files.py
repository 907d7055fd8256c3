"""Definition files of testers: scenario, data and environment, in the names of the public model."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from orchestra_kit.design.documents import (
    MAX_BYTES,
    Document,
    FieldPath,
    explain,
    read_bytes,
    read_document,
    read_value,
)
from orchestra_kit.design.yaml_writing import write_yaml
from orchestra_kit.errors import DefinitionError, Place
from orchestra_kit.model import (
    DataRow,
    DataTable,
    DbConnectionProfile,
    Egress,
    Gap,
    GrpcService,
    HttpService,
    KafkaClusterProfile,
    QueueBrokerProfile,
    ScenarioDependency,
    ScenarioStep,
    TestDataSet,
    TestScenario,
    Value,
    new_id,
)
from orchestra_kit.model.enums import DataOrigin, DataScope
from orchestra_kit.model.environment import SecretRef
from orchestra_kit.model.ids import DataSetId, ProfileId, ScenarioId, SuiteId, TenantId
from orchestra_kit.model.scenario import Key


class ScenarioFile(Value):
    """A scenario as a tester writes it: steps in order; ids, order numbers and versions are Orchestra's."""

    key: Key
    name: str = ""
    tags: tuple[str, ...] = ()
    active: bool = True
    depends_on: tuple[ScenarioDependency, ...] = ()
    recommended_data_sets: tuple[str, ...] = ()
    data: dict[str, Any] = {}
    path: tuple[str, ...] = ()
    end_flow_ids: tuple[str, ...] = ()
    source: dict[str, Any] = {}
    gaps: tuple[Gap, ...] = ()
    """What it still lacks; taking a line out says that nothing is lacking there. Inputs and references are looked at again."""
    steps: tuple[ScenarioStep, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _number_steps(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("steps"), list):
            steps = [
                {"id": new_id(), "orderIndex": position, **step} if isinstance(step, dict) else step
                for position, step in enumerate(value["steps"])
            ]
            return {**value, "steps": steps}
        return value


class DbProfileFile(Value):
    """A database connection written inside an environment file."""

    jdbc_url: str
    username_ref: SecretRef | None = None
    password_ref: SecretRef | None = None
    default_schema: str | None = None


class KafkaProfileFile(Value):
    """A Kafka cluster written inside an environment file."""

    bootstrap_servers: str
    security_profile_ref: SecretRef | None = None


class QueueProfileFile(Value):
    """A queue broker written inside an environment file."""

    kind: str
    endpoint: str
    credentials_ref: SecretRef | None = None


class EnvironmentFile(Value):
    """An environment with its connection profiles by alias."""

    name: Key
    http_services: dict[str, HttpService] = {}
    grpc_services: dict[str, GrpcService] = {}
    db_profiles: dict[str, DbProfileFile] = {}
    kafka_profiles: dict[str, KafkaProfileFile] = {}
    queue_profiles: dict[str, QueueProfileFile] = {}
    variables: dict[str, Any] = {}
    egress: Egress = Egress()


def _flat_rows(schema: dict[str, Any]) -> None:
    """Publish that a row may be written flat: its key, if it has one, beside its values."""
    schema["items"] = {"anyOf": [schema["items"], {"type": "object"}]}


class DataFile(Value):
    """A test data set; `suite` and `scenario` (keys) narrow its scope."""

    name: Key
    tags: tuple[str, ...] = ()
    suite: Key | None = None
    scenario: Key | None = None
    common: dict[str, Any] = {}
    rows: tuple[DataRow, ...] = Field(default=(), json_schema_extra=_flat_rows)

    @model_validator(mode="before")
    @classmethod
    def _plain_rows(cls, value: Any) -> Any:
        """Accept rows written flat ({key: gold, quantity: 3}) beside {key, values}."""
        if not isinstance(value, dict) or not isinstance(value.get("rows"), list):
            return value
        rows = []
        for number, row in enumerate(value["rows"], start=1):
            if isinstance(row, dict) and not isinstance(row.get("values"), dict):
                key = row.get("key")
                name = f"row-{number}" if key in (None, "") else str(key)
                rows.append({"key": name, "values": {name: item for name, item in row.items() if name != "key"}})
            else:
                rows.append(row)
        return {**value, "rows": rows}

    @model_validator(mode="after")
    def _as_a_table(self) -> DataFile:
        DataTable(common=self.common, rows=self.rows)  # says when a key is used twice
        return self


def read_scenario_file(path: Path, *, tenant_id: str, suite_id: str, actor: str) -> TestScenario:
    """Return the scenario of a definition file at version 1; raise DefinitionError naming file, line and field."""
    document = read_document(path)
    written = read_value(document, ScenarioFile)
    now = datetime.now(UTC)
    fields = {name: getattr(written, name) for name in type(written).model_fields}
    try:
        return TestScenario(
            **{**fields, "recommended_data_sets": tuple(DataSetId(item) for item in written.recommended_data_sets)},
            id=ScenarioId(new_id()),
            tenant_id=TenantId(tenant_id),
            suite_id=SuiteId(suite_id),
            created_at=now,
            created_by=actor,
            updated_at=now,
            updated_by=actor,
        )
    except ValidationError as error:
        raise explain(error, document, ScenarioFile) from None


def write_scenario_file(scenario: TestScenario, *, as_json: bool) -> str:
    """Return a scenario as the text of a definition file that reads back to the same scenario."""
    content = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    kept = [info.alias or name for name, info in ScenarioFile.model_fields.items()]
    written = {name: content[name] for name in kept if name in content}
    written["steps"] = [
        {name: value for name, value in step.items() if name not in ("id", "orderIndex")} for step in content["steps"]
    ]
    if as_json:
        return json.dumps(written, indent=2, ensure_ascii=False) + "\n"
    return write_yaml(written)


def read_data_file(path: Path) -> tuple[DataFile, Document]:
    """Return the data set of a YAML, JSON or CSV file; raise DefinitionError."""
    if path.suffix.lower() == ".csv":
        document = _read_csv(path)
    else:
        document = read_document(path)
    return read_value(document, DataFile), document


def _read_csv(path: Path) -> Document:
    place = Place(file=str(path))
    try:
        text = read_bytes(path, most=MAX_BYTES).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        table = [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError as error:
        raise DefinitionError(f"the file is not UTF-8 ({error.reason} at byte {error.start}).", place=place) from None
    except csv.Error as error:
        raise DefinitionError(f"this is not valid CSV: {error}.", place=place) from None
    names = [name.strip() for name in table[0][1]] if table else []
    if not names or "" in names or len(set(names)) < len(names):
        raise DefinitionError("the first line of a CSV file names each column once.", place=place)
    for line, row in table[1:]:
        if len(row) != len(names):
            place = Place(file=str(path), line=line)
            raise DefinitionError(f"this row has {len(row)} values; the header names {len(names)}.", place=place)
    rows = [{name: _typed(cell) for name, cell in zip(names, row, strict=True)} for _, row in table[1:]]
    lines: dict[FieldPath, int] = {("rows", number): line for number, (line, _) in enumerate(table[1:])}
    return Document(source=str(path), data={"name": path.stem, "rows": rows}, lines=lines)


def _typed(text: str) -> Any:
    """Return a CSV cell as the JSON value it spells (number, true, false, null, object), else as text."""

    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        value = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return text
    return text if value in (math.inf, -math.inf) else value


def build_data_set(written: DataFile, *, tenant_id: str, suite_id: str | None, scenario_id: str | None) -> TestDataSet:
    """Return the entity of a data file."""
    scope = DataScope.SCENARIO if scenario_id else DataScope.SUITE if suite_id else DataScope.GLOBAL
    return TestDataSet(
        id=DataSetId(new_id()),
        tenant_id=TenantId(tenant_id),
        scope=scope,
        suite_id=SuiteId(suite_id) if suite_id else None,
        scenario_id=ScenarioId(scenario_id) if scenario_id else None,
        name=written.name,
        tags=written.tags,
        origin=DataOrigin.IMPORTED,
        data=DataTable(common=written.common, rows=written.rows),
    )


def build_profiles(
    written: EnvironmentFile, tenant_id: str
) -> tuple[list[DbConnectionProfile], list[KafkaClusterProfile], list[QueueBrokerProfile]]:
    """Return the profiles of an environment file; their ids name environment and alias."""

    def identity(alias: str) -> dict[str, Any]:
        return {"id": ProfileId(f"{written.name}/{alias}"), "tenant_id": TenantId(tenant_id), "alias": alias}

    databases = [DbConnectionProfile(**identity(alias), **dict(item)) for alias, item in written.db_profiles.items()]
    clusters = [KafkaClusterProfile(**identity(alias), **dict(item)) for alias, item in written.kafka_profiles.items()]
    brokers = [QueueBrokerProfile(**identity(alias), **dict(item)) for alias, item in written.queue_profiles.items()]
    return databases, clusters, brokers
