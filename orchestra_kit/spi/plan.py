"""The frozen snapshot a run follows: nothing edited later changes a run in flight."""

from __future__ import annotations

from typing import Any

from orchestra_kit.model import (
    DbConnectionProfile,
    Environment,
    KafkaClusterProfile,
    ProtocolSpec,
    QueueBrokerProfile,
    RunMode,
    TestScenario,
)
from orchestra_kit.model.base import Value


class SpecRef(Value):
    """An immutable version of an interface description, by id (the text is read once per worker)."""

    protocol_id: str
    version: int


class RunPlan(Value):
    """Scenario, environment, data and interface versions of one run, frozen at submission.

    `steps` of the scenario are walked in order from `startStepIndex`; for SINGLE_STEP only that one runs.
    `specs` maps a step alias to the interface version its endpoint belongs to. `data` is common values, row values and
    the scenario's own data merged. `aliases` of reused steps (FROM_STEP) are in `reused`.
    """

    scenario: TestScenario
    environment: Environment
    db_profiles: dict[str, DbConnectionProfile] = {}
    kafka_profiles: dict[str, KafkaClusterProfile] = {}
    queue_profiles: dict[str, QueueBrokerProfile] = {}
    data: dict[str, Any] = {}
    specs: dict[str, SpecRef] = {}
    mode: RunMode = RunMode.STOP_ON_FIRST_FAILURE
    start_step_index: int = 0
    reused: tuple[str, ...] = ()


class SpecReader:
    """Reads interface versions for a worker; a Protocol would add nothing, so stores hand in a function."""

    def __init__(self, load: Any) -> None:
        self._load = load
        self._kept: dict[tuple[str, str, int], ProtocolSpec] = {}

    def get(self, tenant_id: str, reference: SpecRef) -> ProtocolSpec:
        """Return the interface version, from memory after the first time (versions never change)."""
        key = (tenant_id, reference.protocol_id, reference.version)
        if key not in self._kept:
            self._kept[key] = self._load(*key)
        return self._kept[key]


def run_token(run_id: str) -> str:
    """Return a short lower-case text unique to a run, for test data that must not collide (`run.token`)."""
    return run_id.replace("-", "")[-10:]
