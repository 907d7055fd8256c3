"""EnvironmentStore in memory: environments, connection profiles and data sets, replaced by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from orchestra_kit.errors import ConflictError
from orchestra_kit.model import DbConnectionProfile, Environment, KafkaClusterProfile, QueueBrokerProfile, TestDataSet
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.store.memory.tables import Key, Tables, of_tenant
from orchestra_kit.store.transitions import absent, ambiguous, check_tenant

Profile = TypeVar("Profile", DbConnectionProfile, KafkaClusterProfile, QueueBrokerProfile)


class MemoryEnvironments:
    """EnvironmentStore in memory."""

    _tables: Tables

    def put_environment(self, caller: Caller, environment: Environment) -> Environment:
        """Create or replace an environment by name (its id stays)."""
        with self._tables.lock:
            self._own(caller, environment.tenant_id)
            found = of_tenant(self._tables.environments, caller.tenant_id)
            known = next((item for item in found if item.name == environment.name), None)
            stored = environment if known is None else environment.model_copy(update={"id": known.id})
            if known is None and (caller.tenant_id, stored.id) in self._tables.environments:
                raise ConflictError(f"environment id '{stored.id}' is taken by another name.")
            self._tables.environments[(caller.tenant_id, stored.id)] = stored
            self._tables.note_for(caller, "update" if known else "create", "Environment", stored.id, name=stored.name)
            return stored

    def _own(self, caller: Caller, tenant_id: str) -> None:
        self._tables.tenant(caller.tenant_id)
        if tenant_id != caller.tenant_id:
            raise absent("tenant", tenant_id)

    def get_environment(self, caller: Caller, name_or_id: str) -> Environment:
        """Return an environment; raise NotFoundError with the nearest name."""
        with self._tables.lock:
            found = of_tenant(self._tables.environments, caller.tenant_id)
            for environment in found:
                if name_or_id in (environment.name, environment.id):
                    return environment
            raise absent("environment", name_or_id, [item.name for item in found])

    def list_environments(self, caller: Caller) -> tuple[Environment, ...]:
        """Return all environments by name."""
        with self._tables.lock:
            return tuple(sorted(of_tenant(self._tables.environments, caller.tenant_id), key=lambda item: item.name))

    def put_db_profile(self, caller: Caller, profile: DbConnectionProfile) -> DbConnectionProfile:
        """Create or replace a profile by id."""
        return self._put_profile(caller, self._tables.db_profiles, profile)

    def put_kafka_profile(self, caller: Caller, profile: KafkaClusterProfile) -> KafkaClusterProfile:
        """Create or replace a profile by id."""
        return self._put_profile(caller, self._tables.kafka_profiles, profile)

    def put_queue_profile(self, caller: Caller, profile: QueueBrokerProfile) -> QueueBrokerProfile:
        """Create or replace a profile by id."""
        return self._put_profile(caller, self._tables.queue_profiles, profile)

    def _put_profile(self, caller: Caller, rows: dict[Key, Profile], profile: Profile) -> Profile:
        with self._tables.lock:
            self._own(caller, profile.tenant_id)
            key = (caller.tenant_id, str(profile.id))
            action = "update" if key in rows else "create"
            rows[key] = profile
            self._tables.note_for(caller, action, type(profile).__name__, profile.id, alias=profile.alias)
            return profile

    def get_profiles(
        self, caller: Caller, environment: Environment
    ) -> tuple[dict[str, DbConnectionProfile], dict[str, KafkaClusterProfile], dict[str, QueueBrokerProfile]]:
        """Return the profiles an environment names, by alias; raise NotFoundError for one that is not there."""
        with self._tables.lock:
            return (
                self._named(caller, self._tables.db_profiles, environment.db_profiles, "database profile"),
                self._named(caller, self._tables.kafka_profiles, environment.kafka_profiles, "Kafka profile"),
                self._named(caller, self._tables.queue_profiles, environment.queue_profiles, "queue profile"),
            )

    def _named(
        self, caller: Caller, rows: dict[Key, Profile], wanted: Mapping[str, str], what: str
    ) -> dict[str, Profile]:
        check_tenant(caller.tenant_id)
        for profile_id in wanted.values():
            if (caller.tenant_id, profile_id) not in rows:
                raise absent(what, profile_id)
        return {alias: rows[(caller.tenant_id, profile_id)] for alias, profile_id in wanted.items()}

    def put_data_set(self, caller: Caller, data_set: TestDataSet) -> TestDataSet:
        """Create or replace a data set by name within its scope."""
        with self._tables.lock:
            self._own(caller, data_set.tenant_id)
            if data_set.suite_id is not None and (caller.tenant_id, data_set.suite_id) not in self._tables.suites:
                raise absent("suite", data_set.suite_id)
            if (
                data_set.scenario_id is not None
                and (caller.tenant_id, data_set.scenario_id) not in self._tables.scenarios
            ):
                raise absent("scenario", data_set.scenario_id)
            found = of_tenant(self._tables.data_sets, caller.tenant_id)
            known = next((item for item in found if _scope(item) == _scope(data_set)), None)
            stored = data_set if known is None else data_set.model_copy(update={"id": known.id})
            if known is None and (caller.tenant_id, stored.id) in self._tables.data_sets:
                raise ConflictError(f"data set id '{stored.id}' is taken by another name.")
            self._tables.data_sets[(caller.tenant_id, stored.id)] = stored
            self._tables.note_for(caller, "update" if known else "create", "TestDataSet", stored.id, name=stored.name)
            return stored

    def get_data_set(self, caller: Caller, name_or_id: str) -> TestDataSet:
        """Return a data set; raise NotFoundError with the nearest name, DefinitionError when the name is in two scopes."""
        with self._tables.lock:
            data_sets = of_tenant(self._tables.data_sets, caller.tenant_id)
            found = [item for item in data_sets if name_or_id in (item.name, item.id)]
            if not found:
                raise absent("data set", name_or_id, [item.name for item in data_sets])
            if len(found) > 1:
                raise ambiguous("data set", name_or_id, [item.id for item in found])
            return found[0]

    def list_data_sets(self, caller: Caller, *, tag: str | None = None) -> tuple[TestDataSet, ...]:
        """Return data sets by name."""
        with self._tables.lock:
            found = [item for item in of_tenant(self._tables.data_sets, caller.tenant_id) if tag in (None, *item.tags)]
            return tuple(sorted(found, key=lambda item: (item.name, item.id)))


def _scope(data_set: TestDataSet) -> tuple[str, str | None, str | None, str]:
    return (data_set.scope.value, data_set.suite_id, data_set.scenario_id, data_set.name)
