"""EnvironmentStore on PostgreSQL: environments, connection profiles and data sets, replaced by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import psycopg
from sqlalchemy import Table, func, or_, select

from orchestra_kit.errors import ConflictError
from orchestra_kit.model import DbConnectionProfile, Environment, KafkaClusterProfile, QueueBrokerProfile, TestDataSet
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.postgres import tables
from orchestra_kit.store.postgres.audit import note_for
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.session import add, columns_of, model_of, one_of, put, rows_of
from orchestra_kit.store.postgres.tenants import tenant_row
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.transitions import absent, ambiguous

Profile = TypeVar("Profile", DbConnectionProfile, KafkaClusterProfile, QueueBrokerProfile)

_environment, _data_set = tables.environment, tables.test_data_set


class PostgresEnvironments:
    """EnvironmentStore on PostgreSQL."""

    _database: Database

    def put_environment(self, caller: Caller, environment: Environment) -> Environment:
        """Create or replace an environment by name (its id stays)."""
        if environment.tenant_id != caller.tenant_id:
            raise absent("tenant", environment.tenant_id)

        def store(database: Connection) -> Environment:
            tenant_row(database, caller.tenant_id, lock=True)
            mine = _environment.c.tenant_id == caller.tenant_id
            known = one_of(database, select(_environment.c.id).where(mine, _environment.c.name == environment.name))
            stored = environment if known is None else environment.model_copy(update={"id": known["id"]})
            _store(database, _environment, columns_of(_environment, stored), known is None, "environment")
            note_for(database, caller, "update" if known else "create", "Environment", stored.id, name=stored.name)
            return stored

        return self._database.in_tenant(caller.tenant_id, store, repeatable=True)

    def get_environment(self, caller: Caller, name_or_id: str) -> Environment:
        """Return an environment; raise NotFoundError with the nearest name."""

        def read(database: Connection) -> Environment:
            mine = _environment.c.tenant_id == caller.tenant_id
            named = or_(_environment.c.name == name_or_id, _environment.c.id == name_or_id)
            row = one_of(database, select(_environment).where(mine, named))
            if row is None:
                known = rows_of(database, select(_environment.c.name).where(mine))
                raise absent("environment", name_or_id, [item["name"] for item in known])
            return model_of(Environment, row)

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def list_environments(self, caller: Caller) -> tuple[Environment, ...]:
        """Return all environments by name."""
        statement = select(_environment).where(_environment.c.tenant_id == caller.tenant_id)
        statement = statement.order_by(_environment.c.name.collate("C"))
        rows = self._database.in_tenant(caller.tenant_id, lambda db: rows_of(db, statement), repeatable=True)
        return tuple(model_of(Environment, row) for row in rows)

    def put_db_profile(self, caller: Caller, profile: DbConnectionProfile) -> DbConnectionProfile:
        """Create or replace a profile by id."""
        return self._put_profile(caller, tables.db_connection_profile, profile)

    def put_kafka_profile(self, caller: Caller, profile: KafkaClusterProfile) -> KafkaClusterProfile:
        """Create or replace a profile by id."""
        return self._put_profile(caller, tables.kafka_cluster_profile, profile)

    def put_queue_profile(self, caller: Caller, profile: QueueBrokerProfile) -> QueueBrokerProfile:
        """Create or replace a profile by id."""
        return self._put_profile(caller, tables.queue_broker_profile, profile)

    def _put_profile(self, caller: Caller, table: Table, profile: Profile) -> Profile:
        if profile.tenant_id != caller.tenant_id:
            raise absent("tenant", profile.tenant_id)

        def store(database: Connection) -> Profile:
            tenant_row(database, caller.tenant_id)
            made = put(database, table, columns_of(table, profile))
            kind = type(profile).__name__
            note_for(database, caller, "create" if made else "update", kind, profile.id, alias=profile.alias)
            return profile

        return self._database.in_tenant(caller.tenant_id, store, repeatable=True)

    def get_profiles(
        self, caller: Caller, environment: Environment
    ) -> tuple[dict[str, DbConnectionProfile], dict[str, KafkaClusterProfile], dict[str, QueueBrokerProfile]]:
        """Return the profiles an environment names, by alias; raise NotFoundError for one that is not there."""

        def read(
            database: Connection,
        ) -> tuple[dict[str, DbConnectionProfile], dict[str, KafkaClusterProfile], dict[str, QueueBrokerProfile]]:
            db = _named(database, caller, DbConnectionProfile, environment.db_profiles, "database profile")
            kafka = _named(database, caller, KafkaClusterProfile, environment.kafka_profiles, "Kafka profile")
            queue = _named(database, caller, QueueBrokerProfile, environment.queue_profiles, "queue profile")
            return db, kafka, queue

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def put_data_set(self, caller: Caller, data_set: TestDataSet) -> TestDataSet:
        """Create or replace a data set by name within its scope."""
        if data_set.tenant_id != caller.tenant_id:
            raise absent("tenant", data_set.tenant_id)

        def store(database: Connection) -> TestDataSet:
            tenant_row(database, caller.tenant_id, lock=True)
            _check_scope(database, caller, data_set)
            c = _data_set.c
            same = (
                c.tenant_id == caller.tenant_id,
                c.scope == data_set.scope.value,
                func.coalesce(c.suite_id, "") == (data_set.suite_id or ""),
                func.coalesce(c.scenario_id, "") == (data_set.scenario_id or ""),
                c.name == data_set.name,
            )
            known = one_of(database, select(c.id).where(*same))
            stored = data_set if known is None else data_set.model_copy(update={"id": known["id"]})
            _store(database, _data_set, columns_of(_data_set, stored), known is None, "data set")
            note_for(database, caller, "update" if known else "create", "TestDataSet", stored.id, name=stored.name)
            return stored

        return self._database.in_tenant(caller.tenant_id, store, repeatable=True)

    def get_data_set(self, caller: Caller, name_or_id: str) -> TestDataSet:
        """Return a data set; raise NotFoundError with the nearest name, DefinitionError when the name is in two scopes."""

        def read(database: Connection) -> TestDataSet:
            mine = _data_set.c.tenant_id == caller.tenant_id
            named = or_(_data_set.c.name == name_or_id, _data_set.c.id == name_or_id)
            found = rows_of(database, select(_data_set).where(mine, named))
            if not found:
                known = rows_of(database, select(_data_set.c.name).where(mine))
                raise absent("data set", name_or_id, [item["name"] for item in known])
            if len(found) > 1:
                raise ambiguous("data set", name_or_id, [item["id"] for item in found])
            return model_of(TestDataSet, found[0])

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def list_data_sets(self, caller: Caller, *, tag: str | None = None) -> tuple[TestDataSet, ...]:
        """Return data sets by name."""
        statement = select(_data_set).where(_data_set.c.tenant_id == caller.tenant_id)
        statement = statement.order_by(_data_set.c.name.collate("C"), _data_set.c.id)
        rows = self._database.in_tenant(caller.tenant_id, lambda db: rows_of(db, statement), repeatable=True)
        return tuple(model_of(TestDataSet, row) for row in rows if tag is None or tag in row["tags"])


def _store(database: Connection, table: Table, values: Mapping[str, object], new: bool, what: str) -> None:
    try:
        if new:
            add(database, table, values)
        else:
            put(database, table, values)
    except psycopg.errors.UniqueViolation as error:
        raise ConflictError(f"{what} id '{values['id']}' is taken by another name.") from error


def _check_scope(database: Connection, caller: Caller, data_set: TestDataSet) -> None:
    suite, scenario = tables.scenario_suite.c, tables.test_scenario.c
    if data_set.suite_id is not None:
        statement = select(suite.id).where(suite.tenant_id == caller.tenant_id, suite.id == data_set.suite_id)
        if one_of(database, statement) is None:
            raise absent("suite", data_set.suite_id)
    if data_set.scenario_id is not None:
        mine = (scenario.tenant_id == caller.tenant_id, scenario.id == data_set.scenario_id)
        if one_of(database, select(scenario.id).where(*mine).limit(1)) is None:
            raise absent("scenario", data_set.scenario_id)


_PROFILE_TABLES = {
    DbConnectionProfile: tables.db_connection_profile,
    KafkaClusterProfile: tables.kafka_cluster_profile,
    QueueBrokerProfile: tables.queue_broker_profile,
}


def _named(
    database: Connection, caller: Caller, kind: type[Profile], wanted: Mapping[str, str], what: str
) -> dict[str, Profile]:
    if not wanted:
        return {}
    table = _PROFILE_TABLES[kind]
    ids = sorted(set(wanted.values()))
    statement = select(table).where(table.c.tenant_id == caller.tenant_id, table.c.id.in_(ids))
    found = {row["id"]: model_of(kind, row) for row in rows_of(database, statement)}
    for profile_id in ids:
        if profile_id not in found:
            raise absent(what, profile_id)
    return {alias: found[profile_id] for alias, profile_id in wanted.items()}
