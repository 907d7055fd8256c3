"""A world for the engine: the memory store, a scripted system under test behind a plugin, a clock that tests own."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra_kit.engine.equipment import Equipment
from orchestra_kit.engine.executor import Executor, InlineDriver
from orchestra_kit.engine.heartbeat import LeaseKeeper
from orchestra_kit.engine.settings import EngineSettings
from orchestra_kit.errors import SecretError
from orchestra_kit.model import (
    ChannelType,
    Environment,
    Expectations,
    RunMode,
    ScenarioStep,
    ScenarioSuite,
    StepResult,
    TenantSettings,
    TestRun,
    TestScenario,
    Violation,
    ViolationType,
    new_id,
)
from orchestra_kit.model import Executor as ExecutorName
from orchestra_kit.spi.definitions import Caller
from orchestra_kit.spi.plan import RunPlan, SpecReader, SpecRef
from orchestra_kit.spi.protocol import Command, Observation, ObservationError, ProtocolPlugin
from orchestra_kit.spi.runs import RunSubmission
from orchestra_kit.spi.work import RunRef, StepIntent
from orchestra_kit.store.memory import MemoryStore

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CALLER = Caller(tenant_id="local", actor="tester")


class FakeClock:
    """Time that passes only when somebody sleeps or a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000.0)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds


class PlainSealer:
    """Sealing one can recognise in a test; no text of the value is left in it."""

    def seal(self, value: Any) -> str:
        return "sealed:" + base64.b64encode(json.dumps(value).encode()).decode()[::-1]

    def unseal(self, sealed: str) -> Any:
        return json.loads(base64.b64decode(sealed.removeprefix("sealed:")[::-1]))


class KnownSecrets:
    """Secrets of one tenant."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def resolve(self, reference: str) -> str:
        name = reference.removeprefix("secret:")
        if name not in self.values:
            raise SecretError(f"there is no secret '{name}'.")
        return self.values[name]


Answer = Observation | Callable[[Command], Observation] | Exception


def http(status: int = 200, body: Any = None, headers: dict[str, str] | None = None, **more: Any) -> Observation:
    """Return an HTTP answer."""
    return Observation(
        view={"status": status, "headers": headers or {}, "body": body},
        status_code=status,
        headers=headers or {},
        body=body,
        **more,
    )


def rows(*found: dict[str, Any]) -> Observation:
    """Return an answer of a database."""
    return Observation(view={"rows": list(found), "count": len(found)}, rows=list(found))


def no_answer(kind: str, message: str = "'shop' did not answer in time", *, retryable: bool = True) -> Observation:
    """Return why there was no answer."""
    return Observation(error=ObservationError(kind=kind, message=message, retryable=retryable))


class FakeSystem:
    """A system under test. Answers are scripted for each step; the last one is repeated. Every effect is remembered."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.commands: list[Command] = []
        self.acts: Counter[tuple[str, str]] = Counter()
        self.keys: dict[str, list[str]] = defaultdict(list)
        self.prepared: list[Sequence[ScenarioStep]] = []
        self.position: Any = {"offset": 7}
        self.request_problems: dict[str, list[Violation]] = {}
        self.closed_watches = 0
        self._lock = threading.Lock()

    def script(self, alias: str, *answers: Answer) -> None:
        self.answers[alias] = list(answers)

    def inputs(self, alias: str) -> list[Any]:
        return [command.input for command in self.commands if command.step.alias == alias]

    # StepExecutor
    def prepare(self, steps: Sequence[ScenarioStep], surroundings: Any) -> Any:
        self.prepared.append(steps)
        if isinstance(self.position, Exception):
            raise self.position
        return self.position

    def act(self, command: Command) -> Observation:
        alias = command.step.alias
        with self._lock:
            self.commands.append(command)
            self.acts[(command.correlation.run_id, alias)] += 1
            self.keys[alias].append(command.correlation.idempotency_key)
            scripted = self.answers.get(alias) or [http(body={"step": alias})]
            answer = scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(command) if callable(answer) else answer

    def watch(self, command: Command) -> FakeWatch:
        return FakeWatch(self, command)

    def close(self) -> None:
        pass

    # ContractValidator
    def check_request(self, command: Command) -> list[Violation]:
        return self.request_problems.get(command.step.alias, [])

    def check_response(self, command: Command, observation: Observation, expectations: Expectations) -> list[Violation]:
        found = []
        status = expectations.expected_status_code
        if status is not None and observation.status_code != status:
            message = f"expected status {status}, got {observation.status_code}"
            found.append(Violation(type=ViolationType.HTTP_ERROR, code="STATUS", message=message))
        wanted = expectations.rows
        if wanted is not None and wanted.count is not None and observation.view.get("count") != wanted.count:
            message = f"expected {wanted.count} rows, got {observation.view.get('count')}"
            found.append(Violation(type=ViolationType.DB_ASSERTION_FAILED, code="ROW_COUNT", message=message))
        return found


class FakeWatch:
    def __init__(self, system: FakeSystem, command: Command) -> None:
        self._system, self._command = system, command

    def poll(self) -> Observation:
        return self._system.act(self._command)

    def close(self) -> None:
        self._system.closed_watches += 1


def step(alias: str, index: int = 0, **changes: Any) -> ScenarioStep:
    """Return an ACTION over HTTP, changed as told (camelCase JSON)."""
    base: dict[str, Any] = {
        "id": f"id-{alias}", "orderIndex": index, "alias": alias, "kind": "ACTION", "channelType": "HTTP_REST",
        "endpointRef": {"serviceName": "shop", "endpointName": alias},
    }  # fmt: skip
    return ScenarioStep.model_validate({**base, **changes})


def action(alias: str, template: Any = None, *, expect: Any = None, mode: str = "SYNC", **meta: Any) -> dict[str, Any]:
    """Return the JSON of an ACTION."""
    return {
        "alias": alias,
        "action": {"inputTemplate": template, "meta": meta, "mode": mode},
        "expectations": expect or {},
    }


def assertion(alias: str, *, expect: Any = None, channel: str = "DB", **meta: Any) -> dict[str, Any]:
    """Return the JSON of an ASSERTION on a database."""
    meta.setdefault("correlation", "DATA")
    return {
        "alias": alias,
        "kind": "ASSERTION",
        "channelType": channel,
        "endpointRef": None,
        "action": {"meta": meta},
        "expectations": expect or {},
    }


@dataclass
class World:
    """Store, engine and system under test together."""

    clock: FakeClock = field(default_factory=FakeClock)
    system: FakeSystem = field(default_factory=FakeSystem)
    settings: EngineSettings = field(default_factory=lambda: EngineSettings(overrun_seconds=5.0))
    secrets: dict[str, str] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)
    specs: dict[tuple[str, str, int], Any] = field(default_factory=dict)
    needs_position: bool = False

    caller = CALLER
    action = staticmethod(action)
    assertion = staticmethod(assertion)
    http = staticmethod(http)
    rows = staticmethod(rows)
    no_answer = staticmethod(no_answer)

    def __post_init__(self) -> None:
        self.store: Any = MemoryStore(self.clock)
        self.store.ensure_tenant("local", name="Local", actor="tester")
        self.store.put_suite(
            CALLER,
            ScenarioSuite(
                id="suite", tenant_id="local", key="suite", name="Suite", created_at=START, created_by="tester"
            ),
        )
        self.work: Any = self.store
        self.equipments: list[Equipment] = []
        self.environment = Environment(id="env", tenant_id="local", name="test", variables={"region": "eu"})
        self.store.put_environment(CALLER, self.environment)

    def plugins(self) -> dict[ChannelType, ProtocolPlugin]:
        return {
            channel: ProtocolPlugin(
                channel_type=channel,
                make_executor=lambda: self.system,
                contract_validator=self.system,
                needs_position=self.needs_position and channel is ChannelType.KAFKA,
            )
            for channel in (ChannelType.HTTP_REST, ChannelType.DB, ChannelType.KAFKA)
        }

    def equipment(self, **changes: Any) -> Equipment:
        given: dict[str, Any] = {
            "store": self.work, "plugins": self.plugins(), "sealer": PlainSealer(), "clock": self.clock,
            "secrets": lambda _: KnownSecrets(self.secrets), "settings": self.settings,
            "specs": SpecReader(lambda *key: self.specs[key]), "sinks": (self.events.append,), "chance": lambda: 0.5,
        }  # fmt: skip
        made = Equipment(**{**given, **changes})
        self.equipments.append(made)
        return made

    def executor(self, worker_id: str = "w1", *, driver: Any = None, **changes: Any) -> Executor:
        keeper = LeaseKeeper(self.work, lease_seconds=self.settings.lease_seconds)
        drivers = {ExecutorName.INLINE: driver or InlineDriver()}
        return Executor(self.equipment(**changes), drivers, keeper, worker_id=worker_id)

    def submit(
        self,
        steps: Iterable[dict[str, Any]],
        *,
        key: str | None = None,
        mode: RunMode = RunMode.STOP_ON_FIRST_FAILURE,
        data: dict[str, Any] | None = None,
        plan: dict[str, Any] | None = None,
        specs: dict[str, SpecRef] | None = None,
        run: dict[str, Any] | None = None,
        reuse_from: str | None = None,
        promote: bool = True,
        run_id: str | None = None,
    ) -> str:
        """Store a scenario and a run of it; return the run's id."""
        key = key or f"s{len(self.store.list_scenarios(CALLER))}"
        made = tuple(step(**{"index": index, **item}) for index, item in enumerate(steps))
        scenario = TestScenario(
            id=f"id-{key}", tenant_id="local", suite_id="suite", key=key, steps=made,
            created_at=START, created_by="t", updated_at=START, updated_by="t",
        )  # fmt: skip
        if not any(item.id == scenario.id for item in self.store.list_scenarios(CALLER)):
            self.store.create_scenario(CALLER, scenario)
        changes = plan or {}
        made_plan = RunPlan(
            scenario=scenario, environment=self.environment, data=data or {}, mode=mode, specs=specs or {}, **changes
        )
        run_id = run_id or new_id()
        start = made_plan.start_step_index
        given = {"correlation_id": run_id, **(run or {})}
        first = made[start] if len(made) > start else None
        submission = RunSubmission(
            run=TestRun(
                id=run_id, tenant_id="local", scenario_id=scenario.id, scenario_key=key, scenario_version=1,
                environment_id="env", mode=mode, created_at=self.clock.now(), created_by="t", **given,
            ),
            plan=made_plan,
            first_intent=None
            if first is None
            else StepIntent(step_id=first.id, step_alias=first.alias, order_index=first.order_index),
            needs_position=self.needs_position,
            reuse_from=reuse_from,
        )  # fmt: skip
        self.store.submit(CALLER, (submission,))
        if promote:
            self.store.promote_due()
        return run_id

    def run(self, run_id: str) -> TestRun:
        found: TestRun = self.store.get_run(CALLER, run_id)
        return found

    def results(self, run_id: str) -> tuple[StepResult, ...]:
        found: tuple[StepResult, ...] = self.store.get_results(CALLER, run_id)
        return found

    def result(self, run_id: str, alias: str) -> StepResult:
        return [item for item in self.results(run_id) if item.step_alias == alias][-1]

    def execute(self, steps: Iterable[dict[str, Any]], **options: Any) -> str:
        """Submit and execute; return the run's id."""
        run_id = self.submit(steps, **options)
        self.executor().execute(ref(run_id))
        return run_id

    def limit_runs(self, most: int) -> None:
        self.store.set_settings(CALLER, TenantSettings(max_parallel_runs=most))

    def ref(self, run_id: str) -> RunRef:
        return ref(run_id)

    def statuses(self, run_id: str) -> list[tuple[str, str]]:
        """Return alias and status of every attempt."""
        return [(item.step_alias, item.status.value) for item in self.results(run_id)]

    def codes(self, run_id: str, alias: str) -> list[str]:
        """Return the codes of the violations of a step's last attempt."""
        return [item.code for item in self.result(run_id, alias).violations]

    def close(self) -> None:
        for equipment in self.equipments:
            equipment.close()


def ref(run_id: str) -> RunRef:
    return RunRef(tenant_id="local", run_id=run_id)


@pytest.fixture
def world() -> Iterable[World]:
    made = World()
    yield made
    made.close()
