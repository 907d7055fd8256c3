"""Importing definitions and generating suites: each call stores everything or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestra_kit.app.files import EnvironmentFile, build_data_set, build_profiles, read_data_file
from orchestra_kit.app.project_conditions import judge_project, sentence
from orchestra_kit.app.projects import Project, compose_project, generate, load_project
from orchestra_kit.app.stores import Stores
from orchestra_kit.design.documents import read_bytes, read_document, read_value
from orchestra_kit.design.matching import BindingNote
from orchestra_kit.design.reading import read_process
from orchestra_kit.errors import DefinitionError, LimitError, NotFoundError
from orchestra_kit.model import (
    ChannelType,
    Environment,
    ProcessVersion,
    ProtocolSpec,
    ScenarioStatus,
    ScenarioSuite,
    Severity,
    TestDataSet,
    TestScenario,
    Value,
    new_id,
)
from orchestra_kit.model.ids import EnvironmentId, SuiteId, TenantId
from orchestra_kit.protocols.http.bundle import files_beside
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.protocol import ProtocolPlugin


class GeneratedSuite(Value):
    """What `suite generate` stored and how it came about."""

    suite: ScenarioSuite
    size: int
    """How many scenarios the criterion alone takes; those beyond it are counted in `additions`."""
    lower_bound: int
    gap: int
    additions: dict[str, int] = {}
    scenarios: tuple[TestScenario, ...]
    notes: tuple[BindingNote, ...]
    unobservable: dict[str, str] = {}
    unopened_calls: dict[str, str] = {}
    """Call activities that stay single steps, with the reason."""
    uncovered: dict[str, str] = {}
    """Flows that no scenario can take, with the reason: of them nothing is claimed."""
    conditions: dict[str, Any] = {}
    """What the conditions on the paths told: sizes, variables, infeasible scenarios with the conflict."""
    conditions_sentence: str = ""
    data_sets: tuple[str, ...] = ()
    """The data sets stored for scenarios: values found for their conditions, and around their limits."""

    def gap_messages(self) -> list[str]:
        """Return each different gap once, with the scenarios it keeps a draft."""
        found: dict[str, list[str]] = {}
        for scenario in self.scenarios:
            for gap in scenario.gaps:
                found.setdefault(gap.message, []).append(scenario.key)
        return [f"{message} ({len(keys)} scenario{'s' * (len(keys) > 1)})" for message, keys in found.items()]


class Definitions:
    """Stores processes, specs, environments, data sets and generated suites for one caller."""

    def __init__(self, stores: Stores, caller: Caller, plugins: Mapping[ChannelType, ProtocolPlugin]) -> None:
        self._stores, self._caller, self._plugins = stores, caller, plugins

    def import_process(self, path: Path, *, key: str | None = None) -> ProcessVersion:
        """Store a process file as a new version of a process; raise DefinitionError when nothing usable can be read."""
        data = read_bytes(path)
        document = read_process(data, source=str(path))
        if not document.ok:
            worst = next((item for item in document.diagnostics if item.severity is Severity.ERROR), None)
            raise DefinitionError(f"'{path}' cannot be imported: {worst.message if worst else 'nothing usable in it'}")
        process = next((item for item in document.graph.processes if item.nodes), document.graph.processes[0])
        return self._stores.processes.add_process_version(
            self._caller,
            key=key or process.id,
            name=process.name,
            graph=document.graph,
            source_uri=path.name,
            source_text=data.decode("utf-8", errors="replace"),
        )

    def import_spec(self, path: Path, *, service: str) -> ProtocolSpec:
        """Store an interface description as a new version for a service; raise DefinitionError."""
        parser = self._plugins[ChannelType.HTTP_REST].spec_parser
        if parser is None:
            raise DefinitionError("no plugin is installed that reads interface descriptions.")
        text = read_bytes(path).decode("utf-8-sig", errors="replace")
        summary = parser.parse(text, source=str(path), files=files_beside(path))
        return self._stores.processes.add_spec(
            self._caller, service_name=service, summary=summary, source_uri=path.name, raw_text=text
        )

    def import_environment(self, path: Path) -> Environment:
        """Store an environment file and its profiles; raise DefinitionError."""
        return self.put_environment(read_value(read_document(path), EnvironmentFile))

    def put_environment(self, written: EnvironmentFile) -> Environment:
        """Store an environment and its profiles, replacing those of the same name."""
        databases, clusters, brokers = build_profiles(written, self._caller.tenant_id)
        store = self._stores.environments
        for database in databases:
            store.put_db_profile(self._caller, database)
        for cluster in clusters:
            store.put_kafka_profile(self._caller, cluster)
        for broker in brokers:
            store.put_queue_profile(self._caller, broker)
        environment = Environment(
            id=EnvironmentId(new_id()),
            tenant_id=TenantId(self._caller.tenant_id),
            name=written.name,
            db_profiles={item.alias: item.id for item in databases},
            kafka_profiles={item.alias: item.id for item in clusters},
            queue_profiles={item.alias: item.id for item in brokers},
            http_services=written.http_services,
            grpc_services=written.grpc_services,
            variables=written.variables,
            egress=written.egress,
        )
        return store.put_environment(self._caller, environment)

    def import_data(self, path: Path) -> TestDataSet:
        """Store a data set file; raise DefinitionError, or NotFoundError for a suite or scenario it names."""
        written, _document = read_data_file(path)
        suite = self._stores.scenarios.get_suite(self._caller, written.suite) if written.suite else None
        scenario = None
        if written.scenario is not None:
            if suite is None:
                raise DefinitionError("a data set of a scenario names its suite, too.")
            scenario = self._stores.scenarios.get_scenario(self._caller, f"{suite.key}/{written.scenario}")
        data_set = build_data_set(
            written,
            tenant_id=self._caller.tenant_id,
            suite_id=suite.id if suite else None,
            scenario_id=scenario.id if scenario else None,
        )
        return self._stores.environments.put_data_set(self._caller, data_set)

    def generate_suite(self, path: Path, *, publish: bool = False) -> GeneratedSuite:
        """Plan, bind and store the suite of a project; what is wrong with it is raised before anything is stored."""
        project = load_project(path, self._plugins)
        planned = compose_project(project)
        judged = judge_project(project, planned)
        composed = judged.composed(planned)
        suite_id = self._suite_id(project.binding.suite)
        made = generate(
            project,
            self._plugins,
            tenant_id=self._caller.tenant_id,
            suite_id=suite_id,
            actor=self._caller.actor,
            composed=composed,
        )
        known = self._known(suite_id)
        self._check_room(made.scenarios, known)
        version = self.import_process(project.process_path, key=project.process_id)
        for spec in project.specs.values():
            self._stores.processes.add_spec(
                self._caller,
                service_name=spec.service_name,
                summary=spec.summary,
                source_uri=spec.path.name,
                raw_text=spec.text,
            )
        suite = self._stores.scenarios.put_suite(self._caller, self._suite(project, suite_id, version))
        stored = tuple(
            self._store(judged.filled(item), known.get(item.key), version.version, publish=publish)
            for item in made.scenarios
        )
        self._retire(known, {item.key for item in stored})
        data_sets = judged.data_sets(stored, suite.key)
        for data_set in data_sets:
            self._stores.environments.put_data_set(self._caller, data_set)
        return GeneratedSuite(
            suite=suite,
            size=composed.size,
            lower_bound=composed.lower_bound,
            gap=composed.gap,
            additions=dict(Counter(item.kind for item in composed.scenarios[composed.size :])),
            scenarios=stored,
            notes=made.notes,
            unobservable=dict(made.unobservable),
            unopened_calls={item.element_id: item.why for item in project.opened.unresolved},
            uncovered=dict(composed.uncovered),
            conditions=judged.to_json(),
            conditions_sentence=sentence(judged),
            data_sets=tuple(item.name for item in data_sets),
        )

    def _suite_id(self, key: str) -> str:
        try:
            return self._stores.scenarios.get_suite(self._caller, key).id
        except NotFoundError:
            return new_id()

    def _suite(self, project: Project, suite_id: str, version: ProcessVersion) -> ScenarioSuite:
        return ScenarioSuite(
            id=SuiteId(suite_id),
            tenant_id=TenantId(self._caller.tenant_id),
            key=project.binding.suite,
            process_id=version.process_id,
            process_version=version.version,
            name=project.binding.name or project.binding.suite,
            tags=project.binding.tags,
            created_at=version.created_at,
            created_by=self._caller.actor,
        )

    def _known(self, suite_id: str) -> dict[str, TestScenario]:
        return {item.key: item for item in self._stores.scenarios.list_scenarios(self._caller, suite_id=suite_id)}

    def _check_room(self, made: tuple[TestScenario, ...], known: Mapping[str, TestScenario]) -> None:
        """Raise LimitError before anything is stored when not all new scenarios would find room."""
        new = [item.key for item in made if item.key not in known]
        limit = self._stores.tenants.get_tenant(self._caller.tenant_id).settings.max_scenarios_per_tenant
        there = len(self._stores.scenarios.list_scenarios(self._caller)) if new else 0
        if there + len(new) > limit:
            raise LimitError(
                f"{len(new)} new scenarios do not fit: the tenant has {there} and may have {limit} "
                "(maxScenariosPerTenant). Nothing was stored."
            )

    def _store(
        self, scenario: TestScenario, known: TestScenario | None, process_version: int, *, publish: bool
    ) -> TestScenario:
        """Store a generated scenario: new, unchanged, or as the next version of the one there is."""
        scenarios = self._stores.scenarios
        fresh = scenario.model_copy(update={"process_version": process_version})
        if known is None:
            stored = scenarios.create_scenario(self._caller, fresh)
        elif content_of(known) == content_of(fresh) and known.active:
            stored = known
        else:
            following = fresh.model_copy(update={"id": known.id, "status": ScenarioStatus.DRAFT})
            stored = scenarios.update_scenario(self._caller, following, expected_version=known.version)
        if publish and not stored.gaps and stored.status is ScenarioStatus.DRAFT:
            stored = scenarios.set_scenario_status(self._caller, stored.id, stored.version, ScenarioStatus.PUBLISHED)
        return stored

    def _retire(self, known: Mapping[str, TestScenario], keys: set[str]) -> None:
        """Set scenarios inactive whose path the process no longer has; they stay to be read."""
        for scenario in known.values():
            if scenario.key not in keys and scenario.path and scenario.active:
                inactive = scenario.model_copy(update={"active": False})
                self._stores.scenarios.update_scenario(self._caller, inactive, expected_version=scenario.version)


def content_of(scenario: TestScenario) -> dict[str, Any]:
    """Return what makes two versions of a scenario different: everything but ids, version, status and who and when."""
    content = scenario.to_json()
    for name in ("id", "version", "status", "createdAt", "createdBy", "updatedAt", "updatedBy", "active"):
        content.pop(name)
    for step in content["steps"]:
        step.pop("id")
    return content
