"""The contract of a protocol plugin: what it is asked and what it answers.

A plugin is a `ProtocolPlugin` record found under the entry-point group `orchestra_kit.protocols`. Parser and matcher are
pure. The executor acts and reports facts (`Observation`), and judges nothing. The validator judges facts and returns
violations without raising. The engine alone owns deadlines, retries, back-off and settling time: no plugin sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from orchestra_kit.model import (
    ChannelType,
    DbConnectionProfile,
    Environment,
    Expectations,
    InterfaceSummary,
    KafkaClusterProfile,
    OperationSummary,
    ProtocolSpec,
    QueueBrokerProfile,
    ScenarioStep,
    Violation,
)


class SecretResolver(Protocol):
    """Turns `secret:<name>` into its value within one tenant's namespace."""

    def resolve(self, reference: str) -> str:
        """Return the secret's value; raise SecretError, which never quotes a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """What every outgoing call of a step carries so that its effects can be told apart."""

    run_id: str
    correlation_id: str
    idempotency_key: str
    step_alias: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything outside the step that a plugin may use: where the systems are and how to log in."""

    environment: Environment
    secrets: SecretResolver
    db_profiles: Mapping[str, DbConnectionProfile] = field(default_factory=dict)
    kafka_profiles: Mapping[str, KafkaClusterProfile] = field(default_factory=dict)
    queue_profiles: Mapping[str, QueueBrokerProfile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One resolved thing to do or to ask: no template is left in `input` or `meta`.

    `meta` is StepMeta as JSON with its templates resolved. `spec` is the interface description of the endpoint, when
    there is one. `timeout_seconds` bounds one `act` or one `poll`.
    """

    step: ScenarioStep
    input: Any
    meta: Mapping[str, Any]
    correlation: Correlation
    surroundings: Surroundings
    timeout_seconds: float
    spec: ProtocolSpec | None = None
    operation: OperationSummary | None = None
    position: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The facts of one call: never a judgement.

    `error` is set when there was no answer: `kind` is one of `timeout`, `refused`, `connection`, `egress`, `secret`,
    `definition` or `other`. `view` is what expressions see as `response`, e.g. {"status", "headers", "body"} for HTTP
    and {"rows", "count"} for DB. `request` is what was sent, for the report, with secrets already left out.
    `retryable` says that the same call may succeed later (refused, broken or timed out).
    """

    view: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    status_code: int | None = None
    headers: Mapping[str, str] | None = None
    body: Any = None
    raw_body: bytes | None = None
    media_type: str | None = None
    rows: Sequence[Mapping[str, Any]] | None = None
    truncated: bool = False
    duration_ms: float = 0.0
    error: ObservationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationError:
    """Why there was no answer, in a sentence for people."""

    kind: str
    message: str
    retryable: bool = False


class Watch(Protocol):
    """An eventual assertion in progress. It holds no connection between polls."""

    def poll(self) -> Observation:
        """Look once and return what is there now."""

    def close(self) -> None:
        """Let go of whatever the watch holds."""


class StepExecutor(Protocol):
    """Acts on a system under test and reports facts."""

    def prepare(self, steps: Sequence[ScenarioStep], surroundings: Surroundings) -> Any:
        """Return an opaque JSON position taken before the first step (None when this protocol needs none)."""

    def act(self, command: Command) -> Observation:
        """Do it once and report what came back."""

    def watch(self, command: Command) -> Watch:
        """Begin to look for an eventual effect."""

    def close(self) -> None:
        """Close pools and clients."""


class ContractValidator(Protocol):
    """Judges an observation against expectations and the interface description."""

    def check_request(self, command: Command) -> list[Violation]:
        """Return what is wrong with a request before it is sent (VALIDATION_ERROR)."""

    def check_response(self, command: Command, observation: Observation, expectations: Expectations) -> list[Violation]:
        """Return status and contract violations of an answer. Business rules are judged by the engine."""


class SpecParser(Protocol):
    """Reads interface descriptions."""

    def parse(self, text: str, *, source: str, files: Callable[[str], str] | None = None) -> InterfaceSummary:
        """Return what a document offers, with named warnings; raise DefinitionError when nothing usable can be read.

        `files` reads another file of the document's own bundle by relative path; without it any reference to a file is
        refused. A reference to the network is always refused, with a warning naming it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointMatch:
    """One candidate operation for a task, with a score in [0, 1]."""

    operation: OperationSummary
    service_name: str
    score: float
    reasons: tuple[str, ...] = ()


class EndpointMatcher(Protocol):
    """Finds the operation a task of the process stands for. Deterministic."""

    def match(
        self, label: str, interfaces: Mapping[str, InterfaceSummary], *, most: int = 3, about: str = ""
    ) -> list[EndpointMatch]:
        """Return the best candidates, best first. The caller decides below which score nothing is known.

        `about` is what the model says of the task beyond its label; it may be empty.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolPlugin:
    """A protocol Orchestra speaks. `make_executor` builds one executor for a worker process."""

    channel_type: ChannelType
    make_executor: Callable[[], StepExecutor]
    contract_validator: ContractValidator
    spec_parser: SpecParser | None = None
    endpoint_matcher: EndpointMatcher | None = None
    config_schema: Mapping[str, Any] = field(default_factory=dict)
    needs_position: bool = False
