"""An Arazzo 1.0 or 1.1 document as values: every reusable object resolved, every value as it was written, with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.design.documents import Document, FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as the specification asks, or that scenarios cannot say; `where` is a JSON pointer."""

    code: str
    where: str
    message: str
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the answer of `scenario inspect` shows it."""
        shown: dict[str, Any] = {"code": self.code, "where": self.where, "message": self.message}
        return {**shown, "line": self.line} if self.line is not None else shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDescription:
    """A description the workflows call operations of; `kind` is openapi, asyncapi or arazzo."""

    name: str
    url: str
    kind: str
    path: FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A condition; `kind` is simple, regex, jsonpath or xpath."""

    condition: str
    kind: str
    version: str | None
    context: str | None
    path: FieldPath
    extension: Any = None
    """What stands under `x-orchestra-rule`."""

    def __str__(self) -> str:
        of = f" of {self.context}" if self.context else ""
        return f"{self.kind} `{self.condition}`{of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a step; `location` is path, query, querystring, header or cookie, None where nothing is said."""

    name: str
    location: str | None
    value: Any
    path: FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What follows a success or failure: `kind` is end, goto or retry."""

    name: str
    kind: str
    workflow_id: str | None
    step_id: str | None
    retry_after: float | None
    retry_limit: int | None
    criteria: tuple[Criterion, ...]
    path: FieldPath

    def __str__(self) -> str:
        target = self.step_id or self.workflow_id
        when = " when " + " and ".join(map(str, self.criteria)) if self.criteria else ""
        return f"'{self.name}' ({self.kind}{f' {target}' if target else ''}{when})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A value put into a payload; `selector` is jsonpointer, jsonpath, xpath or None where it follows from the payload."""

    target: str
    value: Any
    selector: str | None
    path: FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBody:
    """What a step sends."""

    content_type: str | None
    payload: Any
    replacements: tuple[Replacement, ...]
    path: FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; exactly one of the four targets is set in a document without findings."""

    step_id: str
    description: str
    operation_id: str | None
    operation_path: str | None
    channel_path: str | None
    workflow_id: str | None
    parameters: tuple[Parameter, ...]
    request_body: RequestBody | None
    criteria: tuple[Criterion, ...]
    on_success: tuple[Action, ...]
    on_failure: tuple[Action, ...]
    outputs: Mapping[str, Any]
    depends_on: tuple[str, ...]
    timeout: int | None
    correlation_id: Any
    action: str | None
    path: FieldPath
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One workflow; `inputs` is its JSON Schema with references into the components followed."""

    workflow_id: str
    summary: str
    description: str
    inputs: Mapping[str, Any]
    depends_on: tuple[str, ...]
    steps: tuple[Step, ...]
    parameters: tuple[Parameter, ...]
    success_actions: tuple[Action, ...]
    failure_actions: tuple[Action, ...]
    outputs: Mapping[str, Any]
    path: FieldPath
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArazzoDocument:
    """A whole document; `raw` is its plain data, `findings` what is not as it should be."""

    source: str
    version: str
    sources: tuple[SourceDescription, ...]
    workflows: tuple[Workflow, ...]
    raw: Mapping[str, Any]
    document: Document
    findings: tuple[Finding, ...] = field(default=())

    @property
    def usable(self) -> bool:
        """True when there is a workflow with a step."""
        return any(item.steps for item in self.workflows)

    def source_named(self, name: str) -> SourceDescription | None:
        """Return the source description of a name."""
        return next((item for item in self.sources if item.name == name), None)

    def workflow(self, workflow_id: str) -> Workflow | None:
        """Return the workflow of an id."""
        return next((item for item in self.workflows if item.workflow_id == workflow_id), None)


def pointer_of(path: FieldPath) -> str:
    """Return a field path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
