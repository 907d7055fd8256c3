"""Interface descriptions: OpenAPI, AsyncAPI, protobuf and their operations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestra_kit.model.base import Value
from orchestra_kit.model.enums import ChannelType
from orchestra_kit.model.ids import ProtocolId, TenantId


class SpecWarning(Value):
    """Something in a document that is not as its standard asks; `where` is a JSON pointer."""

    code: str
    where: str
    message: str


class ParameterSummary(Value):
    """A parameter of an operation; `location` is path, query, header or cookie."""

    name: str
    location: str
    required: bool = False
    json_schema: dict[str, Any] = {}
    style: str | None = None
    explode: bool | None = None
    """How lists and objects are written; absent means the default of the location (`simple` or `form`)."""


class OperationSummary(Value):
    """One callable operation. `endpointName` is its operationId, or `METHOD path` where it has none.

    Schemas are JSON Schema with `$ref`s that point into the document's own `components` (kept in InterfaceSummary).
    `responses` maps a status (`200`, `4XX`, `default`) to {media type: schema}; an empty map means no declared body.
    `responseHeaders` maps a status to {header name: {required, schema}}. `sensitiveResponsePointers` are JSON pointers
    into the response body in which `*` stands for every item of a list and every value of an open object.
    """

    endpoint_name: str
    method: str
    path: str
    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    parameters: tuple[ParameterSummary, ...] = ()
    request_body: dict[str, Any] = {}
    request_body_required: bool = False
    responses: dict[str, dict[str, Any]] = {}
    response_headers: dict[str, dict[str, Any]] = {}
    sensitive_response_pointers: tuple[str, ...] = ()
    deprecated: bool = False


class InterfaceSummary(Value):
    """What a document offers: operations, the shared schemas their `$ref`s point to, servers and warnings."""

    title: str = ""
    api_version: str = ""
    dialect: str = ""
    servers: tuple[str, ...] = ()
    operations: tuple[OperationSummary, ...] = ()
    components: dict[str, Any] = {}
    warnings: tuple[SpecWarning, ...] = ()


class ProtocolSpec(Value):
    """A stored, immutable version of an interface description; `rawText` is the bundled document as JSON or YAML text."""

    protocol_id: ProtocolId
    tenant_id: TenantId
    channel_type: ChannelType = ChannelType.HTTP_REST
    service_name: str
    version: int
    raw_spec_uri: str
    raw_text: str = ""
    parsed_summary: InterfaceSummary
    created_at: datetime
    created_by: str
