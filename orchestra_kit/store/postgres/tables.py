"""The definition tables as SQLAlchemy Core sees them; the migrations make them, and a test compares the two."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _text(name: str, *, key: bool = False, optional: bool = False) -> Column[Any]:
    return Column(name, Text, primary_key=key, nullable=optional)


def _number(name: str, *, key: bool = False, optional: bool = False) -> Column[Any]:
    return Column(name, Integer, primary_key=key, nullable=optional, autoincrement=False)


def _json(name: str, *, optional: bool = False) -> Column[Any]:
    return Column(name, JSONB(none_as_null=True), nullable=optional)


def _time(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=False)


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, metadata, _text("tenant_id", key=True), *columns)


def _made() -> tuple[Column[Any], Column[Any]]:
    return _time("created_at"), _text("created_by")


tenant = _table("tenant", _text("id"), _text("name"), _json("settings"))
user = _table(
    "user",
    _text("id", key=True),
    _text("external_id"),
    _text("email", optional=True),
    _text("display_name", optional=True),
)
user_tenant_role = _table("user_tenant_role", _text("user_id", key=True), _text("role", key=True))
process = _table("process", _text("id", key=True), _text("key"), _text("name"), *_made())
process_version = _table(
    "process_version",
    _text("process_id", key=True),
    _number("version", key=True),
    _text("source_type"),
    _text("source_uri"),
    _text("source_text", optional=True),
    _json("control_flow_graph"),
    Column("is_published", Boolean, nullable=False),
    *_made(),
)
protocol_spec = _table(
    "protocol_spec",
    _text("protocol_id", key=True),
    _number("version", key=True),
    _text("channel_type"),
    _text("service_name"),
    _text("raw_spec_uri"),
    _text("raw_text"),
    _json("parsed_summary"),
    *_made(),
)
scenario_suite = _table(
    "scenario_suite",
    _text("id", key=True),
    _text("key"),
    _text("process_id", optional=True),
    _number("process_version", optional=True),
    _text("name"),
    _json("tags"),
    *_made(),
)
test_scenario = _table(
    "test_scenario",
    _text("id", key=True),
    _number("version", key=True),
    _text("suite_id"),
    _text("key"),
    _text("name"),
    _text("status"),
    _json("tags"),
    Column("active", Boolean, nullable=False),
    _json("depends_on"),
    _json("recommended_data_sets"),
    _number("process_version", optional=True),
    _json("path"),
    _json("end_flow_ids"),
    _json("gaps"),
    _json("data"),
    Column("source", JSON(none_as_null=True), nullable=False),  # json, not jsonb: it keeps the order of fields
    *_made(),
    _time("updated_at"),
    _text("updated_by"),
)
scenario_step = _table(
    "scenario_step",
    _text("scenario_id", key=True),
    _number("scenario_version", key=True),
    _number("order_index", key=True),
    _text("id"),
    _text("alias"),
    _text("name"),
    _text("kind"),
    _text("channel_type", optional=True),
    _json("endpoint_ref", optional=True),
    _json("action"),
    _json("expectations"),
    _text("element_id", optional=True),
    _json("flow_ids"),
)
test_data_set = _table(
    "test_data_set",
    _text("id", key=True),
    _text("scope"),
    _text("suite_id", optional=True),
    _text("scenario_id", optional=True),
    _text("name"),
    _json("tags"),
    _text("origin"),
    _json("data"),
)
environment = _table(
    "environment",
    _text("id", key=True),
    _text("name"),
    _json("db_profiles"),
    _json("kafka_profiles"),
    _json("queue_profiles"),
    _json("http_services"),
    _json("grpc_services"),
    _json("variables"),
    _json("egress"),
)
db_connection_profile = _table(
    "db_connection_profile",
    _text("id", key=True),
    _text("alias"),
    _text("jdbc_url"),
    _text("username_ref", optional=True),
    _text("password_ref", optional=True),
    _text("default_schema", optional=True),
)
kafka_cluster_profile = _table(
    "kafka_cluster_profile",
    _text("id", key=True),
    _text("alias"),
    _text("bootstrap_servers"),
    _text("security_profile_ref", optional=True),
)
queue_broker_profile = _table(
    "queue_broker_profile",
    _text("id", key=True),
    _text("alias"),
    _text("kind"),
    _text("endpoint"),
    _text("credentials_ref", optional=True),
)
audit_log = _table(
    "audit_log",
    _text("id", key=True),
    _number("position"),
    _text("actor"),
    _text("action"),
    _text("entity_type"),
    _text("entity_id"),
    _json("details"),
    _time("created_at"),
)
