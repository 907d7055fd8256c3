"""ScenarioStore on PostgreSQL: suites, and scenarios copied on write."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import and_, func, or_, select, update

from orchestra_kit.errors import ConflictError
from orchestra_kit.model import ScenarioStatus, ScenarioStep, ScenarioSuite, TestScenario
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.postgres import tables
from orchestra_kit.store.postgres.audit import note_for
from orchestra_kit.store.postgres.database import Database
from orchestra_kit.store.postgres.session import add, columns_of, model_of, one_of, put, rows_of
from orchestra_kit.store.postgres.tenants import tenant_row
from orchestra_kit.store.postgres.trips import Connection
from orchestra_kit.store.transitions import (
    absent,
    ambiguous,
    moved_scenario,
    scenario_limit,
    scenario_move,
    stale_version,
    taken_key,
)

_suite, _scenario, _step = tables.scenario_suite, tables.test_scenario, tables.scenario_step


class PostgresScenarios:
    """ScenarioStore on PostgreSQL."""

    _database: Database

    def put_suite(self, caller: Caller, suite: ScenarioSuite) -> ScenarioSuite:
        """Create or replace a suite by its key."""
        if suite.tenant_id != caller.tenant_id:
            raise absent("tenant", suite.tenant_id)

        def store(database: Connection) -> ScenarioSuite:
            tenant_row(database, caller.tenant_id, lock=True)
            known = one_of(database, _suites(caller).where(_suite.c.key == suite.key))
            made: dict[str, Any] = {"created_at": _now(database), "created_by": caller.actor}
            if known is not None:
                made = {name: known[name] for name in ("id", "created_at", "created_by")}
            stored = suite.model_copy(update=made)
            values = columns_of(_suite, stored)
            try:
                if known is None:
                    add(database, _suite, values)
                else:
                    put(database, _suite, values)
            except psycopg.errors.ForeignKeyViolation as error:
                raise absent("process version", f"{suite.process_id}@{suite.process_version}") from error
            except psycopg.errors.UniqueViolation as error:
                raise ConflictError(f"suite id '{suite.id}' is taken by another suite.") from error
            note_for(database, caller, "update" if known else "create", "ScenarioSuite", stored.id, key=stored.key)
            return stored

        return self._database.in_tenant(caller.tenant_id, store, repeatable=True)

    def get_suite(self, caller: Caller, key_or_id: str) -> ScenarioSuite:
        """Return a suite; raise NotFoundError."""

        def read(database: Connection) -> ScenarioSuite:
            named = or_(_suite.c.key == key_or_id, _suite.c.id == key_or_id)
            row = one_of(database, _suites(caller).where(named))
            if row is None:
                raise absent("suite", key_or_id, [item["key"] for item in rows_of(database, _suites(caller))])
            return model_of(ScenarioSuite, row)

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def list_suites(self, caller: Caller) -> tuple[ScenarioSuite, ...]:
        """Return all suites by key."""
        statement = _suites(caller).order_by(_suite.c.key.collate("C"))
        rows = self._database.in_tenant(caller.tenant_id, lambda db: rows_of(db, statement), repeatable=True)
        return tuple(model_of(ScenarioSuite, row) for row in rows)

    def create_scenario(self, caller: Caller, scenario: TestScenario) -> TestScenario:
        """Store version 1 as a DRAFT; raise ConflictError when the key is taken, LimitError beyond maxScenariosPerTenant."""
        if scenario.tenant_id != caller.tenant_id:
            raise absent("tenant", scenario.tenant_id)

        def store(database: Connection) -> TestScenario:
            tenant = tenant_row(database, caller.tenant_id, lock=True)
            if one_of(database, _suites(caller).where(_suite.c.id == scenario.suite_id)) is None:
                raise absent("suite", scenario.suite_id)
            mine = _scenario.c.tenant_id == caller.tenant_id
            same_key = and_(_scenario.c.suite_id == scenario.suite_id, _scenario.c.key == scenario.key)
            taken = select(_scenario.c.id).where(mine, or_(_scenario.c.id == scenario.id, same_key)).limit(1)
            if one_of(database, taken) is not None:
                raise taken_key(scenario.key)
            counted = one_of(database, select(func.count(_scenario.c.id.distinct()).label("n")).where(mine))
            limit = tenant.settings.max_scenarios_per_tenant
            if counted is not None and counted["n"] >= limit:
                raise scenario_limit(limit)
            now = _now(database)
            made = {"created_at": now, "created_by": caller.actor, "updated_at": now, "updated_by": caller.actor}
            stored = scenario.model_copy(update={**made, "version": 1, "status": ScenarioStatus.DRAFT})
            _add_version(database, stored)
            note_for(database, caller, "create", "TestScenario", stored.id, key=stored.key, version=1)
            return stored

        return self._database.in_tenant(caller.tenant_id, store)

    def update_scenario(self, caller: Caller, scenario: TestScenario, *, expected_version: int) -> TestScenario:
        """Store the next version as a DRAFT; raise ConflictError naming who changed it when `expected_version` is old."""

        def store(database: Connection) -> TestScenario:
            statement = _versions(caller, scenario.id).order_by(_scenario.c.version.desc()).limit(1)
            known = one_of(database, statement.with_for_update(key_share=True))
            if known is None:
                raise absent("scenario", scenario.id)
            known = one_of(database, statement)  # the lock may have waited for a newer version
            assert known is not None
            _check_newest(known, scenario, expected_version)
            kept = {name: known[name] for name in ("tenant_id", "created_at", "created_by")}
            changed = {"updated_at": _now(database), "updated_by": caller.actor, "status": ScenarioStatus.DRAFT}
            stored = scenario.model_copy(update={**kept, **changed, "version": known["version"] + 1})
            _add_version(database, stored)
            note_for(database, caller, "update", "TestScenario", stored.id, key=stored.key, version=stored.version)
            return stored

        return self._database.in_tenant(caller.tenant_id, store)

    def set_scenario_status(
        self, caller: Caller, scenario_id: str, version: int, status: ScenarioStatus
    ) -> TestScenario:
        """Publish or deprecate a version; raise ConflictError for another move or for a scenario that still has gaps."""

        def change(database: Connection) -> TestScenario:
            statement = _versions(caller, scenario_id).where(_scenario.c.version == version)
            rows = rows_of(database, statement.with_for_update(key_share=True))
            if not rows:
                raise absent("scenario", f"{scenario_id}@{version}")
            known = _with_steps(database, caller, rows)[0]
            move = scenario_move(known, status)
            changed = {"status": status, "updated_at": _now(database), "updated_by": caller.actor}
            where = (_scenario.c.tenant_id == caller.tenant_id, _scenario.c.id == scenario_id)
            values = {**changed, "status": status.value}
            rows_of(database, update(_scenario).where(*where, _scenario.c.version == version).values(values))
            details = {"version": version, "from": known.status.value, "to": status.value}
            note_for(database, caller, move, "TestScenario", scenario_id, **details)
            return known.model_copy(update=changed)

        return self._database.in_tenant(caller.tenant_id, change)

    def get_scenario(self, caller: Caller, key_or_id: str, version: int | None = None) -> TestScenario:
        """Return a scenario version by `suite-key/scenario-key`, scenario key where unique, or id; newest by default."""

        def read(database: Connection) -> TestScenario:
            scenario_id = _scenario_named(database, caller, key_or_id)
            statement = _versions(caller, scenario_id)
            if version is not None:
                statement = statement.where(_scenario.c.version == version)
            rows = rows_of(database, statement.order_by(_scenario.c.version.desc()).limit(1))
            if not rows:
                raise absent("scenario", f"{key_or_id}@{version}")
            return _with_steps(database, caller, rows)[0]

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def list_scenarios(
        self,
        caller: Caller,
        *,
        suite_id: str | None = None,
        tag: str | None = None,
        status: ScenarioStatus | None = None,
    ) -> tuple[TestScenario, ...]:
        """Return the newest version of each scenario, with `status` the newest that has it, by suite and key."""

        def read(database: Connection) -> tuple[TestScenario, ...]:
            newest = select(_scenario.c.id, func.max(_scenario.c.version).label("version"))
            newest = newest.where(_scenario.c.tenant_id == caller.tenant_id)
            if suite_id is not None:
                newest = newest.where(_scenario.c.suite_id == suite_id)
            if status is not None:
                newest = newest.where(_scenario.c.status == status.value)
            last = newest.group_by(_scenario.c.id).subquery()
            same = and_(_scenario.c.id == last.c.id, _scenario.c.version == last.c.version)
            statement = select(_scenario).join(last, same).where(_scenario.c.tenant_id == caller.tenant_id)
            rows = rows_of(database, statement)
            suites = {row["id"]: row["key"] for row in rows_of(database, _suites(caller))}
            rows = [row for row in rows if tag is None or tag in row["tags"]]
            rows.sort(key=lambda row: (suites[row["suite_id"]], row["key"]))
            return _with_steps(database, caller, rows)

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)

    def scenario_history(self, caller: Caller, scenario_id: str) -> tuple[TestScenario, ...]:
        """Return all versions, oldest first."""

        def read(database: Connection) -> tuple[TestScenario, ...]:
            rows = rows_of(database, _versions(caller, scenario_id).order_by(_scenario.c.version))
            if not rows:
                raise absent("scenario", scenario_id)
            return _with_steps(database, caller, rows)

        return self._database.in_tenant(caller.tenant_id, read, repeatable=True)


def _suites(caller: Caller):  # type: ignore[no-untyped-def]  # SQLAlchemy's Select of many columns
    return select(_suite).where(_suite.c.tenant_id == caller.tenant_id)


def _versions(caller: Caller, scenario_id: str):  # type: ignore[no-untyped-def]
    return select(_scenario).where(_scenario.c.tenant_id == caller.tenant_id, _scenario.c.id == scenario_id)


def _now(database: Connection) -> datetime:
    row = database.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None
    now: datetime = row["now"]
    return now


def _check_newest(known: dict[str, Any], scenario: TestScenario, expected_version: int) -> None:
    if known["version"] != expected_version:
        who = {"newest": known["version"], "by": known["updated_by"], "at": known["updated_at"]}
        raise stale_version(known["key"], **who, expected=expected_version)
    if (scenario.key, scenario.suite_id) != (known["key"], known["suite_id"]):
        raise moved_scenario(known["key"])


def _add_version(database: Connection, scenario: TestScenario) -> None:
    try:
        add(database, _scenario, columns_of(_scenario, scenario))
    except psycopg.errors.UniqueViolation as error:
        raise taken_key(scenario.key) from error
    for step in scenario.steps:
        owner = {
            "tenant_id": scenario.tenant_id,
            "scenario_id": scenario.id,
            "scenario_version": scenario.version,
        }
        add(database, _step, columns_of(_step, step, **owner))


def _with_steps(database: Connection, caller: Caller, rows: Iterable[dict[str, Any]]) -> tuple[TestScenario, ...]:
    wanted = list(rows)
    ids = sorted({row["id"] for row in wanted})
    statement = select(_step).where(_step.c.tenant_id == caller.tenant_id, _step.c.scenario_id.in_(ids))
    steps: dict[tuple[str, int], list[ScenarioStep]] = {}
    for row in rows_of(database, statement.order_by(_step.c.order_index)) if ids else ():
        key = (row["scenario_id"], row["scenario_version"])
        steps.setdefault(key, []).append(model_of(ScenarioStep, row))
    return tuple(model_of(TestScenario, row, steps=tuple(steps.get((row["id"], row["version"]), ()))) for row in wanted)


def _scenario_named(database: Connection, caller: Caller, key_or_id: str) -> str:
    joined = and_(_suite.c.tenant_id == _scenario.c.tenant_id, _suite.c.id == _scenario.c.suite_id)
    path = _suite.c.key + "/" + _scenario.c.key
    names = select(_scenario.c.id, _scenario.c.key, path.label("path")).join(_suite, joined).distinct()
    names = names.where(_scenario.c.tenant_id == caller.tenant_id)
    named = or_(path == key_or_id, _scenario.c.key == key_or_id, _scenario.c.id == key_or_id)
    found = rows_of(database, names.where(named))
    if len(found) > 1:
        raise ambiguous("scenario key", key_or_id, [row["path"] for row in found])
    if not found:
        known = rows_of(database, names)
        raise absent("scenario", key_or_id, [name for row in known for name in (row["path"], row["key"])])
    return str(found[0]["id"])
