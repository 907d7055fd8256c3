"""Suites, scenarios and their steps."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic_core import CoreSchema

from orchestra_kit.model.base import Value
from orchestra_kit.model.enums import (
    ActionMode,
    BarrierReaction,
    ChannelType,
    Correlation,
    RunStatus,
    ScenarioStatus,
    StepKind,
    ValueMatcherMode,
)
from orchestra_kit.model.ids import DataSetId, ProcessId, ProtocolId, ScenarioId, StepId, SuiteId, TenantId

ALIAS_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
Alias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$", max_length=200)]
Milliseconds = Annotated[int, Field(ge=0, le=86_400_000)]
RowCount = Annotated[int, Field(ge=0)] | Annotated[str, StringConstraints(pattern=r"^\s*\{\{.*\}\}\s*$")]
"""A number of rows, or a template that gives one (the engine renders it before the assertion is judged)."""


class EndpointRef(Value):
    """The stable name of one operation or channel in an interface description."""

    protocol_id: ProtocolId | None = None
    service_name: str
    endpoint_name: str


class RetryPolicy(Value):
    """Deliberate repetition of a step that failed: at most `retryLimit` more attempts, `retryAfter` seconds apart, growing.

    Only failures named in `onStatus` (HTTP status codes) and, when `onError` is set, refused or broken connections
    and time-outs are repeated.
    """

    retry_limit: int = Field(default=0, ge=0, le=20)
    retry_after: float = Field(default=0.5, ge=0, le=3600)
    back_off: float = Field(default=2.0, ge=1, le=10)
    max_retry_after: float = Field(default=30.0, ge=0, le=3600)
    on_status: tuple[int, ...] = (502, 503, 504)
    on_error: bool = True


class StepMeta(Value):
    """Settings of a step beyond its input; which ones apply depends on the channel."""

    # HTTP
    timeout_ms: Milliseconds | None = None
    headers: dict[str, Any] = {}
    # DB
    data_source: str | None = None
    sql: str | None = None
    parameters: dict[str, Any] = {}
    poll_interval_ms: Milliseconds | None = None
    # Kafka
    cluster_alias: str | None = None
    topic: str | None = None
    key_expression: str | None = None
    value_matcher_mode: ValueMatcherMode | None = None
    value_template: Any = None
    # Queue
    broker_alias: str | None = None
    queue_name: str | None = None
    correlation_id_expr: str | None = None
    # Barrier
    tracked_steps: tuple[Alias, ...] = ()
    on_failure: BarrierReaction = BarrierReaction.ABORT_RUN
    # any
    export_as: dict[str, str] = {}
    retry: RetryPolicy | None = None
    observes: Alias | None = None
    correlation: Correlation | None = None
    sensitive: tuple[str, ...] = ()
    stop_when: str | None = None


class StepAction(Value):
    """What an ACTION sends, or an ASSERTION asks. `inputTemplate` is JSON with `{{ expr }}` templates in any string.

    For HTTP_REST: {path: {..}, query: {..}, headers: {..}, body: ..., contentType?: ...}.
    """

    input_template: Any = None
    meta: StepMeta = StepMeta()
    mode: ActionMode = ActionMode.SYNC


class BusinessRule(Value):
    """A CEL expression that must be true of this step's observation (`response`); plain text is accepted as `expr`."""

    expr: str
    name: str | None = None
    message: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"expr": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Publish both spellings."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}


class RowExpectation(Value):
    """What the rows of a DB assertion must be: `rows` compared by `match`, or only their number."""

    count: RowCount | None = None
    min_count: RowCount | None = None
    max_count: RowCount | None = None
    rows: tuple[dict[str, Any], ...] | None = None
    match: ValueMatcherMode = ValueMatcherMode.SUBSET
    hold_ms: Milliseconds = 0


class Expectations(Value):
    """What must be observed. `schemaRefs` names extra JSON Schema pointers the body must satisfy."""

    expected_status_code: int | tuple[int, ...] | None = None
    business_rules: tuple[BusinessRule, ...] = ()
    schema_refs: tuple[str, ...] = ()
    check_contract: bool = True
    rows: RowExpectation | None = None
    max_duration_ms: Milliseconds | None = None


class ScenarioStep(Value):
    """One step of a scenario. `elementId` and `flowIds` tie it to the process: the element it plays and the flows
    the token took since the step before, in firing order."""

    id: StepId
    order_index: int = Field(ge=0)
    alias: Alias
    name: str = ""
    kind: StepKind
    channel_type: ChannelType | None = None
    endpoint_ref: EndpointRef | None = None
    action: StepAction = StepAction()
    expectations: Expectations = Expectations()
    element_id: str | None = None
    flow_ids: tuple[str, ...] = ()


class ScenarioDependency(Value):
    """This scenario runs only after another one of its suite has ended as required."""

    scenario_key: Key
    required_status: RunStatus = RunStatus.PASSED


class Gap(Value):
    """Something a generated scenario still lacks; a scenario with gaps stays a DRAFT and cannot be published."""

    code: str
    message: str
    element_id: str | None = None
    step_alias: str | None = None
    field: str | None = None


class TestScenario(Value):
    """A test case at one version. A change makes a new version; the old one stays as it was."""

    __test__ = False  # not a pytest class

    id: ScenarioId
    tenant_id: TenantId
    suite_id: SuiteId
    key: Key
    name: str = ""
    version: int = Field(default=1, ge=1)
    status: ScenarioStatus = ScenarioStatus.DRAFT
    tags: tuple[str, ...] = ()
    active: bool = True
    steps: tuple[ScenarioStep, ...] = ()
    depends_on: tuple[ScenarioDependency, ...] = ()
    recommended_data_sets: tuple[DataSetId, ...] = ()
    process_version: int | None = None
    """The version of the suite's process this was generated from."""
    path: tuple[str, ...] = ()
    """The flows of the process in firing order, when the scenario was generated from one."""
    end_flow_ids: tuple[str, ...] = ()
    """The flows taken after the last step."""
    gaps: tuple[Gap, ...] = ()
    data: dict[str, Any] = {}
    """Values that drive the system down this path; a data row may override them."""
    source: dict[str, Any] = {}
    """What the document it was imported from says and no other field has a place for: {format, ...}; exports use it."""
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str

    @model_validator(mode="after")
    def _steps_are_ordered_and_named_once(self) -> TestScenario:
        seen: set[str] = set()
        for position, step in enumerate(self.steps):
            if step.order_index != position:
                raise ValueError(f"step '{step.alias}' has orderIndex {step.order_index}, expected {position}")
            if step.alias in seen:
                raise ValueError(f"alias '{step.alias}' is used twice")
            seen.add(step.alias)
        return self


class ScenarioSuite(Value):
    """The scenarios of one process version."""

    id: SuiteId
    tenant_id: TenantId
    key: Key
    process_id: ProcessId | None = None
    process_version: int | None = None
    name: str
    tags: tuple[str, ...] = ()
    created_at: datetime
    created_by: str
