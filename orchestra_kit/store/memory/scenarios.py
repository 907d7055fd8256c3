"""ScenarioStore in memory: suites, and scenarios copied on write."""

from __future__ import annotations

from orchestra_kit.errors import ConflictError
from orchestra_kit.model import ScenarioStatus, ScenarioSuite, TestScenario
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.memory.tables import Tables, of_tenant
from orchestra_kit.store.transitions import (
    absent,
    ambiguous,
    check_tenant,
    moved_scenario,
    scenario_limit,
    scenario_move,
    stale_version,
    taken_key,
)


class MemoryScenarios:
    """ScenarioStore in memory."""

    _tables: Tables

    def put_suite(self, caller: Caller, suite: ScenarioSuite) -> ScenarioSuite:
        """Create or replace a suite by its key."""
        with self._tables.lock:
            tenant = self._tables.tenant(caller.tenant_id)
            if suite.tenant_id != tenant.id:
                raise absent("tenant", suite.tenant_id)
            if suite.process_id is not None:
                versions = self._tables.process_versions.get((tenant.id, suite.process_id), [])
                if not any(suite.process_version in (None, item.version) for item in versions):
                    raise absent("process version", f"{suite.process_id}@{suite.process_version}")
            suites = of_tenant(self._tables.suites, tenant.id)
            known = next((item for item in suites if item.key == suite.key), None)
            if known is None and (tenant.id, suite.id) in self._tables.suites:
                raise ConflictError(f"suite id '{suite.id}' is taken by another suite.")
            made = {"created_at": self._tables.now(), "created_by": caller.actor}
            if known is not None:
                made = {"id": known.id, "created_at": known.created_at, "created_by": known.created_by}
            stored = suite.model_copy(update=made)
            self._tables.suites[(tenant.id, stored.id)] = stored
            self._tables.note_for(caller, "update" if known else "create", "ScenarioSuite", stored.id, key=stored.key)
            return stored

    def get_suite(self, caller: Caller, key_or_id: str) -> ScenarioSuite:
        """Return a suite; raise NotFoundError."""
        with self._tables.lock:
            suites = of_tenant(self._tables.suites, caller.tenant_id)
            for suite in suites:
                if key_or_id in (suite.key, suite.id):
                    return suite
            raise absent("suite", key_or_id, [suite.key for suite in suites])

    def list_suites(self, caller: Caller) -> tuple[ScenarioSuite, ...]:
        """Return all suites by key."""
        with self._tables.lock:
            return tuple(sorted(of_tenant(self._tables.suites, caller.tenant_id), key=lambda suite: suite.key))

    def create_scenario(self, caller: Caller, scenario: TestScenario) -> TestScenario:
        """Store version 1 as a DRAFT; raise ConflictError when the key is taken, LimitError beyond maxScenariosPerTenant."""
        with self._tables.lock:
            tenant = self._tables.tenant(caller.tenant_id)
            if scenario.tenant_id != tenant.id:
                raise absent("tenant", scenario.tenant_id)
            if (tenant.id, scenario.suite_id) not in self._tables.suites:
                raise absent("suite", scenario.suite_id)
            others = of_tenant(self._tables.scenarios, tenant.id)
            for versions in others:
                other = versions[-1]
                if other.id == scenario.id or (other.suite_id, other.key) == (scenario.suite_id, scenario.key):
                    raise taken_key(scenario.key)
            if len(others) >= tenant.settings.max_scenarios_per_tenant:
                raise scenario_limit(tenant.settings.max_scenarios_per_tenant)
            now = self._tables.now()
            made = {"created_at": now, "created_by": caller.actor, "updated_at": now, "updated_by": caller.actor}
            stored = scenario.model_copy(update={**made, "version": 1, "status": ScenarioStatus.DRAFT})
            self._tables.scenarios[(tenant.id, stored.id)] = [stored]
            self._tables.note_for(caller, "create", "TestScenario", stored.id, key=stored.key, version=1)
            return stored

    def update_scenario(self, caller: Caller, scenario: TestScenario, *, expected_version: int) -> TestScenario:
        """Store the next version as a DRAFT; raise ConflictError naming who changed it when `expected_version` is old."""
        with self._tables.lock:
            versions = self._versions(caller, scenario.id)
            newest = versions[-1]
            if newest.version != expected_version:
                raise stale_version(
                    newest.key,
                    newest=newest.version,
                    by=newest.updated_by,
                    at=newest.updated_at,
                    expected=expected_version,
                )
            if (scenario.key, scenario.suite_id) != (newest.key, newest.suite_id):
                raise moved_scenario(newest.key)
            stored = scenario.model_copy(
                update={
                    "version": newest.version + 1,
                    "status": ScenarioStatus.DRAFT,
                    "tenant_id": newest.tenant_id,
                    "created_at": newest.created_at,
                    "created_by": newest.created_by,
                    "updated_at": self._tables.now(),
                    "updated_by": caller.actor,
                }
            )
            versions.append(stored)
            self._tables.note_for(caller, "update", "TestScenario", stored.id, key=stored.key, version=stored.version)
            return stored

    def set_scenario_status(
        self, caller: Caller, scenario_id: str, version: int, status: ScenarioStatus
    ) -> TestScenario:
        """Publish or deprecate a version; raise ConflictError for another move or for a scenario that still has gaps."""
        with self._tables.lock:
            versions = self._versions(caller, scenario_id)
            known = next((item for item in versions if item.version == version), None)
            if known is None:
                raise absent("scenario", f"{scenario_id}@{version}")
            move = scenario_move(known, status)
            stored = known.model_copy(
                update={"status": status, "updated_at": self._tables.now(), "updated_by": caller.actor}
            )
            versions[versions.index(known)] = stored
            details = {"version": version, "from": known.status.value, "to": status.value}
            self._tables.note_for(caller, move, "TestScenario", scenario_id, **details)
            return stored

    def _versions(self, caller: Caller, scenario_id: str) -> list[TestScenario]:
        check_tenant(caller.tenant_id)
        versions = self._tables.scenarios.get((caller.tenant_id, scenario_id))
        if not versions:
            raise absent("scenario", scenario_id)
        return versions

    def get_scenario(self, caller: Caller, key_or_id: str, version: int | None = None) -> TestScenario:
        """Return a scenario version by `suite-key/scenario-key`, scenario key where unique, or id; newest by default."""
        with self._tables.lock:
            check_tenant(caller.tenant_id)
            named: dict[str, list[TestScenario]] = {}
            for versions in of_tenant(self._tables.scenarios, caller.tenant_id):
                suite = self._tables.suites[(caller.tenant_id, versions[-1].suite_id)]
                named[f"{suite.key}/{versions[-1].key}"] = versions
            found = {
                path: versions
                for path, versions in named.items()
                if key_or_id in (path, versions[-1].key, versions[-1].id)
            }
            if len(found) > 1:
                raise ambiguous("scenario key", key_or_id, found)
            if not found:
                raise absent("scenario", key_or_id, [*named, *(versions[-1].key for versions in named.values())])
            for item in reversed(next(iter(found.values()))):
                if version in (None, item.version):
                    return item
            raise absent("scenario", f"{key_or_id}@{version}")

    def list_scenarios(
        self,
        caller: Caller,
        *,
        suite_id: str | None = None,
        tag: str | None = None,
        status: ScenarioStatus | None = None,
    ) -> tuple[TestScenario, ...]:
        """Return the newest version of each scenario, with `status` the newest that has it, by suite and key."""
        with self._tables.lock:
            found = []
            for versions in of_tenant(self._tables.scenarios, caller.tenant_id):
                fitting = [item for item in versions if status in (None, item.status)]
                if fitting and suite_id in (None, fitting[-1].suite_id) and (tag is None or tag in fitting[-1].tags):
                    found.append(fitting[-1])
            suites = self._tables.suites
            found.sort(key=lambda item: (suites[(item.tenant_id, item.suite_id)].key, item.key))
            return tuple(found)

    def scenario_history(self, caller: Caller, scenario_id: str) -> tuple[TestScenario, ...]:
        """Return all versions, oldest first."""
        with self._tables.lock:
            return tuple(self._versions(caller, scenario_id))
