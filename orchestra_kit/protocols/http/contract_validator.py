"""Judges HTTP requests and answers by the expectations of a step and the description of its operation.

The rules are those of openapi-core (a test proves that both agree); the schemas are compiled once by jsonschema-rs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestra_kit.errors import OrchestraError, UnknownNameError
from orchestra_kit.model import Expectations, OperationSummary, Violation, ViolationType
from orchestra_kit.protocols.http.breaches import show
from orchestra_kit.protocols.http.bundle import escape_pointer
from orchestra_kit.protocols.http.request import (
    INPUT_NAMES,
    fill_path,
    method_and_path,
    request_media_type,
    service_of,
)
from orchestra_kit.protocols.http.schema_judge import MAX_COMPILED, SchemaJudge
from orchestra_kit.protocols.http.schemas import SCHEMA_PREFIX
from orchestra_kit.protocols.http.sensitive import blot_pointers
from orchestra_kit.protocols.secrets import SECRET_REFERENCE
from orchestra_kit.spi.protocol import Command, Observation


class HttpContractValidator:
    """Judges by status, headers, media type and schema. Safe for many threads."""

    def __init__(self) -> None:
        self._schemas = SchemaJudge()
        self._proven: dict[tuple[Any, ...], Any] = {}

    def check_request(self, command: Command) -> list[Violation]:
        """Return what is wrong with the step's input. A step that expects to be refused (4xx) may break the contract."""
        try:
            return list(self._request_faults(command))
        except OrchestraError as exc:
            return [_invalid("REQUEST_INVALID", str(exc))]

    def check_response(self, command: Command, observation: Observation, expectations: Expectations) -> list[Violation]:
        """Return status and contract violations of an answer; nothing when there was no answer (`error` says why)."""
        if observation.error is not None or observation.status_code is None:
            return []
        if self._is_proven_good(command, observation, expectations):
            return []
        found = _status_violations(command.operation, observation, expectations)
        if observation.truncated:
            message = (
                f"the answer is longer than {len(observation.raw_body or b''):,} bytes and was not read to its end"
            )
            return [*found, _violation(ViolationType.EXECUTION_ERROR, "BODY_TOO_LONG", message)]
        if command.operation is not None and expectations.check_contract:
            found += self._contract_violations(command, command.operation, observation, expectations)
        for pointer in expectations.schema_refs:
            found += self._schema_ref_violations(command, pointer, observation)
        if not found:
            self._remember(command, observation)
        return found

    def _is_proven_good(self, command: Command, observation: Observation, expectations: Expectations) -> bool:
        """True when an answer of this status and media type was good before, and only its body can differ, and is good.

        The hot path: anything else goes the long way, which also finds the words.
        """
        spec, operation, status = command.spec, command.operation, observation.status_code
        if spec is None or operation is None or observation.truncated or expectations.schema_refs:
            return False
        expected = expectations.expected_status_code
        if expected != status and (expected is not None or not 200 <= (status or 0) < 300):
            return False
        key = (spec.protocol_id, spec.version, operation.endpoint_name, status, observation.media_type, spec.tenant_id)
        validator = self._proven.get(key)
        body = observation.body
        return validator is not None and isinstance(body, dict | list) and bool(validator.is_valid(body))

    def _remember(self, command: Command, observation: Observation) -> None:
        """Keep the validator of a good answer whose status declares a JSON body and no headers."""
        spec, operation, status = command.spec, command.operation, observation.status_code
        declared = declared_status(operation, status) if operation and status else None
        if spec is None or operation is None or declared is None or operation.response_headers.get(declared):
            return
        media_type = find_media_type(operation.responses[declared], observation.media_type)
        if media_type is None or not _is_json(_bare(observation.media_type or "")):
            return
        validator = self._schemas.compiled(command, ("response", declared, media_type), "response")
        if validator is not None:
            if len(self._proven) >= MAX_COMPILED:
                self._proven.clear()
            name, status_code = operation.endpoint_name, observation.status_code
            key = (spec.protocol_id, spec.version, name, status_code, observation.media_type, spec.tenant_id)
            self._proven[key] = validator

    # -- answers -----------------------------------------------------------------------------------------------------

    def _contract_violations(
        self, command: Command, operation: OperationSummary, observation: Observation, expectations: Expectations
    ) -> list[Violation]:
        status = observation.status_code or 0
        declared = declared_status(operation, status)
        if declared is None:
            expected = _expected_statuses(expectations)
            wrong_anyway = status not in expected if expected else not 200 <= status < 300
            if wrong_anyway or not operation.responses:
                return []
            return [
                _violation(
                    ViolationType.CONTRACT_VIOLATION,
                    "STATUS_UNDECLARED",
                    f"status {status} is not declared for {operation.endpoint_name}",
                    expected=sorted(operation.responses),
                    got=status,
                )
            ]
        found = self._header_violations(command, operation, observation, declared)
        content = operation.responses[declared]
        if content:
            found += self._body_violations(command, operation, observation, declared, content)
        return found

    def _body_violations(
        self,
        command: Command,
        operation: OperationSummary,
        observation: Observation,
        declared: str,
        content: Mapping[str, Any],
    ) -> list[Violation]:
        if not observation.raw_body and observation.body is None:
            if operation.method.upper() == "HEAD":
                return []
            message = f"the answer has no body; {operation.endpoint_name} declares one for status {declared}"
            return [_breach("BODY_MISSING", message, expected=list(content), got=None)]
        media_type = find_media_type(content, observation.media_type)
        if media_type is None:
            shown = observation.media_type or "none"
            message = f"media type {shown} is not declared for status {declared}"
            return [_breach("MEDIA_TYPE_UNDECLARED", message, expected=list(content), got=observation.media_type)]
        bare = _bare(observation.media_type or media_type)
        if _is_json(bare) and isinstance(observation.body, str) and not _is_json_text(observation.raw_body):
            return [
                _breach("BODY_NOT_JSON", f"the body is not valid {bare}", expected=bare, got=show(observation.body))
            ]
        if not content[media_type] or not (_is_json(bare) or bare.startswith("text/")):
            return []  # no schema, or a format whose values are not read (XML, binary)
        key = ("response", declared, media_type)
        return self._schemas.judge(command, key, content[media_type], observation.body, "response", "response body")

    def _header_violations(
        self, command: Command, operation: OperationSummary, observation: Observation, declared: str
    ) -> list[Violation]:
        found: list[Violation] = []
        headers = {name.lower(): value for name, value in (observation.headers or {}).items()}
        for name, header in operation.response_headers.get(declared, {}).items():
            text = headers.get(name.lower())
            if text is None:
                if header.get("required"):
                    message = f"required response header '{name}' is missing"
                    found.append(_breach("HEADER_MISSING", message, expected=name, got=None))
            elif header.get("schema"):
                value = _from_text(text, header["schema"])
                key = ("header", declared, name)
                found += self._schemas.judge(
                    command, key, header["schema"], value, "response", f"response header '{name}'"
                )
        return found

    def _schema_ref_violations(self, command: Command, pointer: str, observation: Observation) -> list[Violation]:
        components = command.spec.parsed_summary.components.get("schemas", {}) if command.spec else {}
        name = pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
        if name not in components:
            error = UnknownNameError("schema", pointer, [SCHEMA_PREFIX + known for known in components])
            return [_invalid("SCHEMA_REF_UNKNOWN", str(error))]
        schema = {"$ref": SCHEMA_PREFIX + escape_pointer(name)}
        return self._schemas.judge(
            command, ("schemaRef", pointer), schema, observation.body, "response", "response body"
        )

    # -- requests ----------------------------------------------------------------------------------------------------

    def _request_faults(self, command: Command) -> Iterator[Violation]:
        service_of(command)
        _, path = method_and_path(command)
        given = command.input if command.input is not None else {}
        if not isinstance(given, Mapping):
            yield _invalid("REQUEST_INVALID", "the input of an HTTP step must be an object")
            return
        for name in given:
            if name not in INPUT_NAMES:
                raise UnknownNameError("HTTP input", str(name), INPUT_NAMES)
        fill_path(path, given.get("path"), {})
        expected = _expected_statuses(command.step.expectations)
        wrong_on_purpose = bool(expected) and all(status >= 400 for status in expected)
        if command.operation is None or wrong_on_purpose or not command.step.expectations.check_contract:
            return
        yield from self._parameter_faults(command, command.operation, given)
        yield from self._body_faults(command, command.operation, given)

    def _parameter_faults(
        self, command: Command, operation: OperationSummary, given: Mapping[str, Any]
    ) -> Iterator[Violation]:
        places = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies"}
        meta_headers = command.meta.get("headers") or {}
        for parameter in operation.parameters:
            values = dict(given.get(places[parameter.location]) or {})
            if parameter.location == "header":
                values = {str(name).lower(): value for name, value in {**meta_headers, **values}.items()}
                if parameter.name.lower() in _OWN_HEADERS or self._is_sent_anyway(command, parameter.name):
                    continue
            name = parameter.name.lower() if parameter.location == "header" else parameter.name
            value = values.get(name)
            if value is None:
                if parameter.required:
                    message = f"required {parameter.location} parameter '{parameter.name}' is missing"
                    yield _invalid("PARAMETER_MISSING", message, field=f"{places[parameter.location]}.{parameter.name}")
                continue
            if not parameter.json_schema or (isinstance(value, str) and SECRET_REFERENCE.match(value)):
                continue
            value = _from_text(value, parameter.json_schema) if isinstance(value, str) else value
            key = ("parameter", parameter.location, parameter.name)
            what = f"{parameter.location} parameter '{parameter.name}'"
            yield from self._schemas.judge(command, key, parameter.json_schema, value, "request", what)

    def _is_sent_anyway(self, command: Command, header: str) -> bool:
        """True for a header that the service's settings add."""
        service = service_of(command)
        own = {name.lower() for name in service.headers}
        if service.auth_ref is not None and service.auth_ref.location == "header":
            own.add((service.auth_ref.name or "Authorization").lower())
        return header.lower() in own

    def _body_faults(
        self, command: Command, operation: OperationSummary, given: Mapping[str, Any]
    ) -> Iterator[Violation]:
        body = given.get("body")
        if body is None:
            if operation.request_body_required:
                message = f"{operation.endpoint_name} needs a body and the step sends none"
                yield _invalid("BODY_MISSING", message, field="body")
            return
        if not operation.request_body:
            return
        sent = request_media_type(command, given)
        media_type = find_media_type(operation.request_body, sent)
        if media_type is None:
            message = f"media type {sent} is not declared for the body of {operation.endpoint_name}"
            yield _invalid("MEDIA_TYPE_UNDECLARED", message, expected=list(operation.request_body), got=sent)
        elif operation.request_body[media_type] and _is_json(_bare(sent)):
            key = ("request", media_type)
            yield from self._schemas.judge(
                command, key, operation.request_body[media_type], body, "request", "request body"
            )


_OWN_HEADERS = frozenset({"x-correlation-id", "idempotency-key", "traceparent", "baggage", "accept", "content-type"})


def declared_status(operation: OperationSummary, status: int) -> str | None:
    """Return the declaration that governs `status`: the code itself, its range, or `default`."""
    for name in (str(status), f"{str(status)[0]}XX", "default"):
        if name in operation.responses:
            return name
    return None


def find_media_type(content: Mapping[str, Any], media_type: str | None) -> str | None:
    """Return the declared media type that covers an actual one: literally, without parameters, or by wildcard."""
    if not media_type:
        return None
    actual, bare = media_type.strip().lower(), _bare(media_type)
    if actual in content:
        return actual
    for declared in content:
        if _bare(declared) == bare:
            return declared
    kind = bare.partition("/")[0]
    for declared in content:
        wanted = _bare(declared)
        if wanted in ("*/*", "*", f"{kind}/*") or ("*" in wanted and _matches(wanted, bare)):
            return declared
    return None


def _matches(pattern: str, text: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(text, pattern)


def _status_violations(
    operation: OperationSummary | None, observation: Observation, expectations: Expectations
) -> list[Violation]:
    got = observation.status_code or 0
    expected = _expected_statuses(expectations)
    if expected:
        if got in expected:
            return []
        wanted = " or ".join(map(str, expected))
    else:
        if 200 <= got < 300:
            return []
        declared = sorted(code for code in operation.responses if code.startswith("2")) if operation else []
        wanted = " or ".join(declared) or "2XX"
    pointers = operation.sensitive_response_pointers if operation else ()
    problem = show(blot_pointers(observation.body, pointers))
    return [
        _violation(
            ViolationType.HTTP_ERROR,
            "STATUS_UNEXPECTED",
            f"expected status {wanted}, got {got}{_reason(observation.body)}",
            expected=list(expected) or [wanted],
            got=got,
            **({"body": problem} if problem is not None else {}),
        )
    ]


def _reason(body: Any) -> str:
    """Return what a problem document (RFC 9457 or alike) says, as the end of a sentence."""
    if isinstance(body, Mapping):
        for name in ("detail", "message", "title", "error", "error_description"):
            if isinstance(body.get(name), str) and body[name]:
                return f": {body[name][:200]}"
    return ""


def _expected_statuses(expectations: Expectations) -> tuple[int, ...]:
    expected = expectations.expected_status_code
    if expected is None:
        return ()
    return (expected,) if isinstance(expected, int) else expected


def _from_text(text: Any, schema: Mapping[str, Any]) -> Any:
    """Read a header or parameter text as the kind its schema asks for; as text when it is no such thing."""
    if not isinstance(text, str):
        return text
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    for kind in kinds:
        try:
            if kind == "integer":
                return int(text)
            if kind == "number":
                return float(text)
        except ValueError:
            continue
        if kind == "boolean" and text in ("true", "false"):
            return text == "true"
        if kind == "array":
            items = schema.get("items")
            return [_from_text(part.strip(), items if isinstance(items, Mapping) else {}) for part in text.split(",")]
    return text


def _is_json(bare: str) -> bool:
    return bare == "application/json" or bare.endswith("+json")


def _is_json_text(raw: bytes | None) -> bool:
    """True when the raw body is a JSON string, so that the value read is text rightly."""
    return raw is not None and raw.strip().startswith(b'"') and raw.strip().endswith(b'"')


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _breach(code: str, message: str, **details: Any) -> Violation:
    return _violation(ViolationType.CONTRACT_VIOLATION, code, message, **details)


def _invalid(code: str, message: str, **details: Any) -> Violation:
    return _violation(ViolationType.VALIDATION_ERROR, code, message, **details)


def _violation(kind: ViolationType, code: str, message: str, **details: Any) -> Violation:
    return Violation(type=kind, code=code, message=message, details=details)
