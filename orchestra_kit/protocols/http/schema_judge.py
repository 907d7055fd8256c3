"""Judging one value by one schema of an interface description, with validators that are compiled once."""

from __future__ import annotations

from typing import Any

from orchestra_kit.model import OperationSummary, Violation, ViolationType
from orchestra_kit.protocols.http.breaches import deepest_cause, describe_breach, expected_of, show
from orchestra_kit.protocols.http.bundle import escape_pointer
from orchestra_kit.protocols.http.contract_schemas import Direction, compile_schema
from orchestra_kit.protocols.secrets import BLOTTED
from orchestra_kit.spi.protocol import Command

MAX_BREACHES = 20
MAX_COMPILED = 20_000


class SchemaJudge:
    """Keeps compiled validators for each (tenant, protocol id, version, operation, place)."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[Any, ...], Any] = {}

    def judge(
        self,
        command: Command,
        key: tuple[Any, ...],
        schema: dict[str, Any],
        value: Any,
        direction: Direction,
        what: str,
    ) -> list[Violation]:
        """Return one violation for each breach of `schema`, at most MAX_BREACHES."""
        try:
            validator = self._validator(command, key, schema, direction)
            if validator.is_valid(value):
                return []
            errors = validator.iter_errors(value)
            found = [
                _schema_violation(command, error, direction, what)
                for _, error in zip(range(MAX_BREACHES), errors, strict=False)
            ]
            more = sum(1 for _ in errors)
        except ValueError as exc:
            message = f"the schema of the {what} cannot be used: {str(exc).splitlines()[0][:200]}"
            return [Violation(type=ViolationType.EXECUTION_ERROR, code="SCHEMA_UNUSABLE", message=message)]
        if more:
            last = found[-1]
            found[-1] = last.model_copy(update={"details": {**last.details, "moreBreaches": more}})
        return found

    def compiled(self, command: Command, key: tuple[Any, ...], direction: Direction) -> Any:
        """Return the validator of a place that was judged before, or None."""
        return self._compiled.get(_full_key(command, key, direction)) if command.spec else None

    def _validator(self, command: Command, key: tuple[Any, ...], schema: dict[str, Any], direction: Direction) -> Any:
        spec = command.spec
        if spec is None:
            return compile_schema(schema, {}, direction=direction, dialect="")
        full_key = _full_key(command, key, direction)
        validator = self._compiled.get(full_key)
        if validator is None:
            summary = spec.parsed_summary
            components = summary.components.get("schemas", {})
            validator = compile_schema(schema, components, direction=direction, dialect=summary.dialect)
            if len(self._compiled) >= MAX_COMPILED:
                self._compiled.clear()
            self._compiled[full_key] = validator
        return validator


def _full_key(command: Command, key: tuple[Any, ...], direction: Direction) -> tuple[Any, ...]:
    spec, operation = command.spec, command.operation
    assert spec is not None
    name = operation.endpoint_name if operation else ""
    return (spec.tenant_id, spec.protocol_id, spec.version, name, direction, *key)


def _schema_violation(command: Command, error: Any, direction: Direction, what: str) -> Violation:
    cause = deepest_cause(error)
    pointer = "".join(f"/{escape_pointer(str(part))}" for part in cause.instance_path)
    hidden = direction == "response" and _is_sensitive(command.operation, cause.instance_path)
    # Names of properties may be told even of an object that holds a secret; its values may not.
    told = not hidden or cause.kind.name in ("required", "additionalProperties", "unevaluatedProperties")
    message = describe_breach(cause) if told else "a value that must not be shown breaks its schema"
    details = {
        "pointer": pointer,
        "expected": expected_of(cause),
        "got": BLOTTED if hidden else show(cause.instance),
        "schemaPointer": "#" + "".join(f"/{escape_pointer(str(part))}" for part in cause.schema_path),
        "keyword": cause.kind.name,
    }
    text = f"{what} at {pointer or 'its root'}: {message}"
    if direction == "request":
        return Violation(type=ViolationType.VALIDATION_ERROR, code="REQUEST_SCHEMA", message=text, details=details)
    return Violation(type=ViolationType.CONTRACT_VIOLATION, code="RESPONSE_SCHEMA", message=text, details=details)


def _is_sensitive(operation: OperationSummary | None, path: list[str | int]) -> bool:
    """True when the place is one that must not be shown, lies inside one, or holds one."""
    if operation is None:
        return False
    for pointer in operation.sensitive_response_pointers:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        pairs = zip(parts, map(str, path), strict=False)
        if all(wanted in ("*", actual) for wanted, actual in pairs):
            return True
    return False
