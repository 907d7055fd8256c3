"""Duties around definitions: processes, specs, suites, scenarios, data sets, environments, profiles, tenants.

Every change takes a `Caller` and writes its audit row in the same transaction. Every read is within the caller's tenant:
a foreign id is as absent as an unknown one (NotFoundError).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestra_kit.model import (
    AuditEntry,
    ControlFlowGraph,
    DbConnectionProfile,
    Environment,
    InterfaceSummary,
    KafkaClusterProfile,
    Process,
    ProcessVersion,
    ProtocolSpec,
    QueueBrokerProfile,
    Role,
    ScenarioStatus,
    ScenarioSuite,
    Tenant,
    TenantSettings,
    TestDataSet,
    TestScenario,
    User,
    UserTenantRole,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: tenant and the name that goes into audit rows and createdBy."""

    tenant_id: str
    actor: str = "local"


class TenantStore(Protocol):
    """Tenants, users, roles."""

    def ensure_tenant(self, tenant_id: str, *, name: str, actor: str) -> Tenant:
        """Return the tenant, made with default settings when it is not there."""

    def get_tenant(self, tenant_id: str) -> Tenant:
        """Return the tenant; raise NotFoundError."""

    def set_settings(self, caller: Caller, settings: TenantSettings) -> Tenant:
        """Replace the tenant's settings."""

    def put_user(self, caller: Caller, user: User, roles: Sequence[Role]) -> User:
        """Create or replace a user and the roles it has in the caller's tenant."""

    def list_roles(self, caller: Caller, user_id: str) -> tuple[UserTenantRole, ...]:
        """Return the roles of a user."""

    def list_audit(
        self, caller: Caller, *, entity_type: str | None = None, entity_id: str | None = None, limit: int = 100
    ) -> tuple[AuditEntry, ...]:
        """Return audit entries, newest first."""


class ProcessStore(Protocol):
    """Processes and interface descriptions, each version frozen."""

    def add_process_version(
        self, caller: Caller, *, key: str, name: str, graph: ControlFlowGraph, source_uri: str, source_text: str | None
    ) -> ProcessVersion:
        """Store a new version of the process `key` (made when absent). The same text again gives the version there is."""

    def get_process(self, caller: Caller, key: str) -> Process:
        """Return the process; raise NotFoundError."""

    def get_process_version(self, caller: Caller, process_id: str, version: int | None = None) -> ProcessVersion:
        """Return one version, the newest by default; raise NotFoundError."""

    def list_processes(self, caller: Caller) -> tuple[Process, ...]:
        """Return all processes by key."""

    def add_spec(
        self, caller: Caller, *, service_name: str, summary: InterfaceSummary, source_uri: str, raw_text: str
    ) -> ProtocolSpec:
        """Store a new version of a service's description. The same text again gives the version there is."""

    def get_spec(self, tenant_id: str, protocol_id: str, version: int) -> ProtocolSpec:
        """Return one version; raise NotFoundError."""

    def find_spec(self, caller: Caller, service_name: str, version: int | None = None) -> ProtocolSpec:
        """Return a service's description, the newest by default; raise NotFoundError."""

    def list_specs(self, caller: Caller) -> tuple[ProtocolSpec, ...]:
        """Return the newest version of each service's description."""


class ScenarioStore(Protocol):
    """Suites and scenarios, copy on write."""

    def put_suite(self, caller: Caller, suite: ScenarioSuite) -> ScenarioSuite:
        """Create or replace a suite by its key."""

    def get_suite(self, caller: Caller, key_or_id: str) -> ScenarioSuite:
        """Return a suite; raise NotFoundError."""

    def list_suites(self, caller: Caller) -> tuple[ScenarioSuite, ...]:
        """Return all suites by key."""

    def create_scenario(self, caller: Caller, scenario: TestScenario) -> TestScenario:
        """Store version 1; raise ConflictError when the key is taken, LimitError beyond maxScenariosPerTenant."""

    def update_scenario(self, caller: Caller, scenario: TestScenario, *, expected_version: int) -> TestScenario:
        """Store the next version; raise ConflictError naming who changed it when `expected_version` is not the newest."""

    def set_scenario_status(
        self, caller: Caller, scenario_id: str, version: int, status: ScenarioStatus
    ) -> TestScenario:
        """Move DRAFT to PUBLISHED or PUBLISHED to DEPRECATED (and back to PUBLISHED); raise ConflictError for another
        move or for a scenario that still has gaps."""

    def get_scenario(self, caller: Caller, key_or_id: str, version: int | None = None) -> TestScenario:
        """Return a scenario version by `suite-key/scenario-key`, scenario key where unique, or id; newest by default."""

    def list_scenarios(
        self,
        caller: Caller,
        *,
        suite_id: str | None = None,
        tag: str | None = None,
        status: ScenarioStatus | None = None,
    ) -> tuple[TestScenario, ...]:
        """Return the newest version of each scenario."""

    def scenario_history(self, caller: Caller, scenario_id: str) -> tuple[TestScenario, ...]:
        """Return all versions, oldest first."""


class EnvironmentStore(Protocol):
    """Environments, connection profiles and data sets, replaced by name."""

    def put_environment(self, caller: Caller, environment: Environment) -> Environment:
        """Create or replace an environment by name (its id stays)."""

    def get_environment(self, caller: Caller, name_or_id: str) -> Environment:
        """Return an environment; raise NotFoundError with the nearest name."""

    def list_environments(self, caller: Caller) -> tuple[Environment, ...]:
        """Return all environments by name."""

    def put_db_profile(self, caller: Caller, profile: DbConnectionProfile) -> DbConnectionProfile:
        """Create or replace a profile by id."""

    def put_kafka_profile(self, caller: Caller, profile: KafkaClusterProfile) -> KafkaClusterProfile:
        """Create or replace a profile by id."""

    def put_queue_profile(self, caller: Caller, profile: QueueBrokerProfile) -> QueueBrokerProfile:
        """Create or replace a profile by id."""

    def get_profiles(
        self, caller: Caller, environment: Environment
    ) -> tuple[dict[str, DbConnectionProfile], dict[str, KafkaClusterProfile], dict[str, QueueBrokerProfile]]:
        """Return the profiles an environment names, by alias; raise NotFoundError for one that is not there."""

    def put_data_set(self, caller: Caller, data_set: TestDataSet) -> TestDataSet:
        """Create or replace a data set by name within its scope."""

    def get_data_set(self, caller: Caller, name_or_id: str) -> TestDataSet:
        """Return a data set; raise NotFoundError with the nearest name."""

    def list_data_sets(self, caller: Caller, *, tag: str | None = None) -> tuple[TestDataSet, ...]:
        """Return data sets by name."""
