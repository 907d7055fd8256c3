"""From selected scenarios to runs: data resolved, references checked, everything frozen in a plan."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestra_kit.app.data import DataChoice, merge_data, resolve_data
from orchestra_kit.app.selection import Selection
from orchestra_kit.design.checking import check_scenario
from orchestra_kit.design.operations import OperationCatalog
from orchestra_kit.engine.checks import check_plan
from orchestra_kit.engine.suites import check_dependencies
from orchestra_kit.errors import ConflictError, DefinitionError, NotFoundError, UnknownNameError, nearest_hint
from orchestra_kit.model import (
    ChannelType,
    DataRow,
    Environment,
    Executor,
    Gap,
    ProtocolSpec,
    RunMode,
    RunStatus,
    StepStatus,
    SuiteRun,
    SuiteRunStatus,
    TestDataSet,
    TestRun,
    TestScenario,
    new_id,
)
from orchestra_kit.model.ids import RunId, SuiteRunId, TenantId
from orchestra_kit.spi.definitions import Caller, EnvironmentStore, ProcessStore
from orchestra_kit.spi.plan import RunPlan, SpecRef, run_token
from orchestra_kit.spi.protocol import ProtocolPlugin
from orchestra_kit.spi.runs import RunStore, RunSubmission
from orchestra_kit.spi.work import StepIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How runs are to be made. `data` names a data set, `data_tag` all sets with that tag."""

    environment: str
    data: str | None = None
    data_tag: str | None = None
    mode: RunMode = RunMode.STOP_ON_FIRST_FAILURE
    start_step: str | None = None
    source_run_id: str | None = None
    executor: Executor = Executor.NOTEBOOK
    priority: int = 0
    triggered_by: str = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A suite run and its runs, checked, not stored yet."""

    suite_run: SuiteRun
    submissions: tuple[RunSubmission, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The suite run and its runs, as stored."""

    suite_run: SuiteRun
    runs: tuple[TestRun, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the suite run with the ids of its runs."""
        runs = [{"id": run.id, "scenarioKey": run.scenario_key, "dataRowKey": run.data_row_key} for run in self.runs]
        return {**self.suite_run.to_json(), "runs": runs}


class Submitter:
    """Makes runs of scenarios."""

    def __init__(
        self,
        processes: ProcessStore,
        environments: EnvironmentStore,
        runs: RunStore,
        plugins: Mapping[ChannelType, ProtocolPlugin],
    ) -> None:
        self._processes, self._environments, self._runs, self._plugins = processes, environments, runs, plugins

    def prepare(self, caller: Caller, selection: Selection, options: RunOptions) -> Prepared:
        """Return a suite run with a run for each scenario and data row, ready to be stored.

        Raises DefinitionError naming scenario, step and field for anything that can be known to be wrong before a run.
        """
        _check_mode(selection, options)
        check_dependencies(selection.scenarios)
        environment = self._environments.get_environment(caller, options.environment)
        profiles = self._environments.get_profiles(caller, environment)
        specs = self._specs(caller, selection.scenarios)
        now = datetime.now(UTC)
        suite_run = SuiteRun(
            id=SuiteRunId(new_id()),
            tenant_id=TenantId(caller.tenant_id),
            suite_id=selection.suite.id,
            status=SuiteRunStatus.PENDING,
            created_at=now,
            created_by=caller.actor,
        )
        maker = _RunMaker(caller, environment, profiles, specs, options, self._plugins)
        choice = DataChoice(self._environments, caller, data=options.data, tag=options.data_tag)
        rows = choice.rows_of(selection.scenarios)
        submissions = tuple(
            maker.make(scenario, data_set, row, suite_run, selection)
            for scenario in selection.scenarios
            for data_set, row in rows[scenario.id]
        )
        return Prepared(suite_run=suite_run, submissions=submissions)

    def store(self, caller: Caller, prepared: Prepared) -> Submitted:
        """Store what was prepared, all or none."""
        stored = self._runs.submit(caller, prepared.submissions, suite_run=prepared.suite_run)
        return Submitted(suite_run=prepared.suite_run, runs=stored)

    def submit_from_step(self, caller: Caller, source_run_id: str, alias: str, options: RunOptions) -> TestRun:
        """Store a run that goes on from a step of an earlier one, with that run's results, data and correlation id."""
        source = self._runs.get_run(caller, source_run_id)
        plan = self._runs.get_plan(caller, source_run_id)
        position = step_position(plan.scenario, alias)
        if not source.status.terminal:
            raise ConflictError(
                f"the run '{source_run_id}' is still {source.status.value}.", hint="Wait for its end, or cancel it."
            )
        single = options.mode is RunMode.SINGLE_STEP
        done = {
            item.step_alias
            for item in self._runs.get_results(caller, source_run_id)
            if item.status in (StepStatus.PASSED, StepStatus.FLAKY)
        }
        reused = tuple(step.alias for step in plan.scenario.steps[:position] if step.alias in done)
        again = plan.model_copy(update={"mode": options.mode, "start_step_index": position, "reused": reused})
        run = source.model_copy(
            update={
                "id": RunId(new_id()),
                "suite_run_id": None,
                "mode": RunMode.SINGLE_STEP if single else RunMode.FROM_STEP,
                "start_step_index": position,
                "status": RunStatus.PENDING,
                "status_reason": None,
                "source_run_id": RunId(source_run_id),
                "executor": options.executor,
                "priority": options.priority,
                "created_at": datetime.now(UTC),
                "started_at": None,
                "finished_at": None,
                "locked_by": None,
                "lock_until": None,
                "heartbeat_at": None,
                "lease_epoch": 0,
                "recoveries": 0,
                "cancel_requested": False,
                "blocked": False,
                "execution_context": {},
                "created_by": caller.actor,
                "triggered_by": options.triggered_by,
            }
        )
        intent = _intent(plan.scenario, position)
        submission = RunSubmission(run=run, plan=again, first_intent=intent, reuse_from=source_run_id)
        return self._runs.submit(caller, (submission,))[0]

    def _specs(self, caller: Caller, scenarios: Sequence[TestScenario]) -> dict[str, ProtocolSpec]:
        services = {
            step.endpoint_ref.service_name for scenario in scenarios for step in scenario.steps if step.endpoint_ref
        }
        found: dict[str, ProtocolSpec] = {}
        for service in sorted(services):
            try:
                found[service] = self._processes.find_spec(caller, service)
            except NotFoundError:
                continue  # a step may call a service that has no description: its contract is then not checked
        return found


def step_position(scenario: TestScenario, alias: str) -> int:
    """Return where a step stands; raise UnknownNameError."""
    for step in scenario.steps:
        if step.alias == alias:
            return step.order_index
    raise UnknownNameError(f"step of '{scenario.key}'", alias, [step.alias for step in scenario.steps])


def _intent(scenario: TestScenario, position: int) -> StepIntent:
    step = scenario.steps[position]
    return StepIntent(step_id=step.id, step_alias=step.alias, order_index=step.order_index)


class _RunMaker:
    """Makes one submission."""

    def __init__(
        self,
        caller: Caller,
        environment: Environment,
        profiles: Any,
        specs: Mapping[str, ProtocolSpec],
        options: RunOptions,
        plugins: Mapping[ChannelType, ProtocolPlugin],
    ) -> None:
        self._caller, self._environment, self._profiles = caller, environment, profiles
        self._specs, self._options, self._plugins = specs, options, plugins

    def make(
        self,
        scenario: TestScenario,
        data_set: TestDataSet | None,
        row: DataRow | None,
        suite_run: SuiteRun,
        selection: Selection,
    ) -> RunSubmission:
        run_id = new_id()
        position = step_position(scenario, self._options.start_step) if self._options.start_step else 0
        plan = self._plan(scenario, data_set, row, run_id, position)
        self._check(plan, selection)
        blocked = bool(scenario.depends_on)
        run = TestRun(
            id=RunId(run_id),
            tenant_id=TenantId(self._caller.tenant_id),
            scenario_id=scenario.id,
            scenario_key=scenario.key,
            scenario_version=scenario.version,
            suite_run_id=suite_run.id,
            data_set_id=data_set.id if data_set else None,
            data_row_key=row.key if row else None,
            environment_id=self._environment.id,
            mode=self._options.mode,
            start_step_index=position if self._options.start_step else None,
            priority=self._options.priority,
            executor=self._options.executor,
            created_at=suite_run.created_at,
            correlation_id=run_id,
            blocked=blocked,
            created_by=self._caller.actor,
            triggered_by=self._options.triggered_by,
        )
        needs_position = any(
            step.channel_type in self._plugins and self._plugins[step.channel_type].needs_position
            for step in scenario.steps
            if step.channel_type is not None
        )
        return RunSubmission(
            run=run,
            plan=plan,
            first_intent=_intent(scenario, position) if scenario.steps else None,
            needs_position=needs_position,
            depends_on=tuple((item.scenario_key, item.required_status) for item in scenario.depends_on),
        )

    def _plan(
        self, scenario: TestScenario, data_set: TestDataSet | None, row: DataRow | None, run_id: str, position: int
    ) -> RunPlan:
        scope = {
            "run": {"id": run_id, "correlationId": run_id, "token": run_token(run_id)},
            "env": dict(self._environment.variables),
        }
        data = resolve_data(merge_data(scenario, data_set, row), scope, source=f"scenario {scenario.key}")
        db_profiles, kafka_profiles, queue_profiles = self._profiles
        specs = {
            step.alias: SpecRef(protocol_id=spec.protocol_id, version=spec.version)
            for step in scenario.steps
            if step.endpoint_ref and (spec := self._specs.get(step.endpoint_ref.service_name))
        }
        return RunPlan(
            scenario=scenario.model_copy(update={"source": {}}),  # a run has no use for it
            environment=self._environment,
            db_profiles=db_profiles,
            kafka_profiles=kafka_profiles,
            queue_profiles=queue_profiles,
            data=data,
            specs=specs,
            mode=self._options.mode,
            start_step_index=position,
        )

    def _check(self, plan: RunPlan, selection: Selection) -> None:
        catalog = OperationCatalog({name: spec.parsed_summary for name, spec in self._specs.items()})
        found = [
            *check_plan(plan),
            *_check_reach(plan, self._plugins),
            *check_scenario(plan.scenario, catalog, plan.data, plan.environment.variables),
        ]
        problems = list({(item.step_alias, item.field): item for item in reversed(found)}.values())[::-1]
        if problems:
            first = problems[0]
            where = f" in step '{first.step_alias}'" if first.step_alias else ""
            more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
            spot = f", {first.field}" if first.field else ""
            raise DefinitionError(
                f"the scenario '{selection.suite.key}/{plan.scenario.key}' cannot run{where}{spot}: {first.message}{more}"
            )


def _check_mode(selection: Selection, options: RunOptions) -> None:
    """Raise DefinitionError for a mode that does not fit what is to be run."""
    if options.mode is RunMode.FROM_STEP:
        raise DefinitionError(
            "FROM_STEP goes on from an earlier run.", hint="Use: orchestra run resume RUN --from-step STEP."
        )
    single = options.mode is RunMode.SINGLE_STEP
    if single and (options.start_step is None or len(selection.scenarios) != 1):
        raise DefinitionError("SINGLE_STEP runs one step of one scenario: name SUITE/SCENARIO and --step.")
    if options.start_step is not None and not single:
        raise DefinitionError("--step is for --mode SINGLE_STEP.")


def _check_reach(plan: RunPlan, plugins: Mapping[ChannelType, ProtocolPlugin]) -> list[Gap]:
    """Return the steps whose channel no plugin speaks, or whose service or database the environment does not have."""
    found: list[Gap] = []
    services = plan.environment.http_services
    for step in plan.scenario.steps:
        if step.channel_type is not None and step.channel_type not in plugins:
            message = f"no plugin is installed for {step.channel_type.value}."
            found.append(Gap(code="NO_PLUGIN", message=message, step_alias=step.alias, field="channelType"))
        reference = step.endpoint_ref
        if step.channel_type is ChannelType.HTTP_REST and reference is None:
            message = "an HTTP_REST step names the operation it calls (endpointRef)."
            found.append(Gap(code="NO_ENDPOINT", message=message, step_alias=step.alias, field="endpointRef"))
        elif step.channel_type is ChannelType.HTTP_REST and reference and reference.service_name not in services:
            hint = nearest_hint(reference.service_name, services) or "It has no services."
            message = f"the environment '{plan.environment.name}' has no service '{reference.service_name}'. {hint}"
            found.append(Gap(code="UNKNOWN_SERVICE", message=message, step_alias=step.alias, field="endpointRef"))
        source = step.action.meta.data_source
        if step.channel_type is ChannelType.DB and source not in plan.db_profiles:
            hint = nearest_hint(source or "", plan.db_profiles) or "It has no databases."
            message = f"the environment '{plan.environment.name}' has no database '{source}'. {hint}"
            found.append(
                Gap(code="UNKNOWN_DATA_SOURCE", message=message, step_alias=step.alias, field="meta.dataSource")
            )
    return found


def new_worker_id() -> str:
    """Return a worker id that tells host and process to people."""
    return f"{os.uname().nodename}-{os.getpid()}-{new_id()[-6:]}"
