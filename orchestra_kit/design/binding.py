"""`orchestra.yaml`: where a tester binds a process once. Its JSON Schema is published by `orchestra schema`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, model_validator

from orchestra_kit.model import BusinessRule, Correlation, RetryPolicy, RowExpectation, Value
from orchestra_kit.model.scenario import Alias, Key, Milliseconds


class ElementRole(StrEnum):
    """Who does what an element describes: Orchestra (its messages become ACTIONs) or the system (ASSERTIONs)."""

    DRIVEN = "driven"
    OBSERVED = "observed"


class InputBinding(Value):
    """What an ACTION sends; any text in it may hold `{{ expr }}` templates."""

    path: dict[str, Any] = {}
    query: dict[str, Any] = {}
    headers: dict[str, Any] = {}
    body: Any = None
    content_type: str | None = None


class ExpectationBinding(Value):
    """What must be observed."""

    status: int | tuple[int, ...] | None = None
    rules: tuple[BusinessRule, ...] = ()
    contract: bool = True
    max_duration_ms: Milliseconds | None = None
    schema_refs: tuple[str, ...] = ()


class ActionBinding(Value):
    """A call Orchestra makes: `operation` is `service.operationId` or `service METHOD /path`."""

    alias: Alias | None = None
    name: str | None = None
    operation: str | None = None
    input: InputBinding = InputBinding()
    expect: ExpectationBinding = ExpectationBinding()
    export: dict[str, str] = {}
    retry: RetryPolicy | None = None
    timeout_ms: Milliseconds | None = None
    sensitive: tuple[str, ...] = ()
    when: str | None = None


class AssertionBinding(Value):
    """Something to look for until it is there: rows of a database (`db` + `sql`) or an answer (`operation`)."""

    alias: Alias
    name: str | None = None
    db: str | None = None
    sql: str | None = None
    parameters: dict[str, Any] = {}
    rows: RowExpectation | None = None
    operation: str | None = None
    input: InputBinding = InputBinding()
    expect: ExpectationBinding = ExpectationBinding()
    timeout_ms: Milliseconds = 5_000
    poll_interval_ms: Milliseconds | None = None
    stop_when: str | None = None
    correlation: Correlation = Correlation.DATA
    observes: Alias | None = None
    when: str | None = None

    @model_validator(mode="after")
    def _one_channel(self) -> AssertionBinding:
        if (self.operation is None) == (self.db is None and self.sql is None):
            raise ValueError(f"assertion '{self.alias}' needs either db and sql, or an operation")
        if self.operation is None and (self.db is None or self.sql is None):
            raise ValueError(f"assertion '{self.alias}' needs both db and sql")
        if self.operation is None and self.rows is None and not self.expect.rules:
            raise ValueError(f"assertion '{self.alias}' expects nothing: give rows or expect.rules")
        return self


class ElementBinding(ActionBinding):
    """What stands for one element of the process: a call, checks that follow it (`then`), or, for an observed element,
    the checks that show the system did it (`assert`)."""

    role: ElementRole | None = None
    after: tuple[ActionBinding, ...] = ()
    """Further calls made right after the element's own, such as a repetition that has to be harmless."""
    then: tuple[AssertionBinding, ...] = ()
    asserts: tuple[AssertionBinding, ...] = Field(default=(), alias="assert")
    unobservable: str | None = None


class FlowExpectation(ExpectationBinding):
    """Expectations of a step that hold only when the flow is taken; `of` is its alias, by default the last ACTION."""

    of: Alias | None = None


def _one_or_many(schema: dict[str, Any]) -> None:
    """Publish that a single item may stand without its list."""
    items = schema.pop("items")
    schema["anyOf"] = [items, {"type": schema.pop("type"), "items": items}]


class FlowBinding(Value):
    """What makes the system take a flow (`data`), and how its answer shows that it is right to take it (`expect`).

    Texts in `data` may hold templates over `taken` (how often this flow is on the path) and `flows` (id -> count).
    """

    data: dict[str, Any] = {}
    expect: tuple[FlowExpectation, ...] = Field(default=(), json_schema_extra=_one_or_many)

    @model_validator(mode="before")
    @classmethod
    def _one_expectation(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("expect"), dict):
            return {**value, "expect": [value["expect"]]}
        return value


class ScenarioBinding(Value):
    """What one generated scenario has of its own."""

    name: str | None = None
    tags: tuple[str, ...] = ()
    data: dict[str, Any] = {}
    depends_on: tuple[Key, ...] = ()


class ProjectBinding(Value):
    """The whole of `orchestra.yaml`."""

    version: Literal[1] = 1
    suite: Key
    name: str | None = None
    process: str
    process_id: str | None = None
    includes: tuple[str, ...] = ()
    """Further process files: those with the processes that call activities call."""
    collaboration: bool = False
    """Compose the process together with all that it exchanges messages with: one run of each in a scenario."""
    specs: dict[str, str] = {}
    criterion: Literal["node", "flow", "decision"] = "flow"
    max_loop: int = Field(default=2, ge=0, le=20)
    tags: tuple[str, ...] = ()
    roles: dict[str, ElementRole] = {}
    unobservable: dict[str, str] = {}
    """Lanes and participants (ids or names) whose observed elements nothing shows, each with the reason."""
    data: dict[str, Any] = {}
    setup: tuple[ActionBinding, ...] = ()
    elements: dict[str, ElementBinding] = {}
    flows: dict[str, FlowBinding] = {}
    teardown: tuple[ActionBinding, ...] = ()
    scenarios: dict[str, ScenarioBinding] = {}
