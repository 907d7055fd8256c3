"""Filling required inputs from test data and earlier answers, only where one source is possible; else a gap is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.binding import InputBinding
from orchestra_kit.design.operations import Endpoint
from orchestra_kit.model import Gap

JSON_MEDIA = ("application/json", "application/problem+json")
_MAX_DEPTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """An earlier ACTION whose answer may feed a later input."""

    alias: str
    endpoint: Endpoint
    status: int | None = None


def resolve_ref(schema: Any, components: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with its own top-level local `$ref`s followed; {} when one leads nowhere."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return dict(schema)
        schema = _follow(reference, components)
    return {}


def _follow(reference: str, components: Mapping[str, Any]) -> Any:
    parts = reference.removeprefix("#/").split("/")
    current: Any = components
    if parts and parts[0] == "components":
        parts = parts[1:]
    for part in parts:
        name = part.replace("~1", "/").replace("~0", "~")
        current = current.get(name) if isinstance(current, Mapping) else None
    return current


def properties_of(schema: Any, components: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return the properties an object schema declares, those of `allOf` parts included."""
    resolved = resolve_ref(schema, components)
    found: dict[str, Any] = {}
    if depth < _MAX_DEPTH:
        for part in resolved.get("allOf", []):
            found.update(properties_of(part, components, depth + 1))
    found.update(resolved.get("properties") or {})
    return found


def required_of(schema: Any, components: Mapping[str, Any], depth: int = 0) -> list[str]:
    """Return the names an object schema requires, those of `allOf` parts included, in order."""
    resolved = resolve_ref(schema, components)
    names: list[str] = []
    if depth < _MAX_DEPTH:
        for part in resolved.get("allOf", []):
            names += required_of(part, components, depth + 1)
    names += [name for name in resolved.get("required") or [] if isinstance(name, str)]
    return list(dict.fromkeys(names))


def response_schema(endpoint: Endpoint, status: int | None) -> Any:
    """Return the JSON body schema of the answer expected (of the first declared 2xx when no status is)."""
    responses = endpoint.operation.responses
    keys = [str(status), f"{str(status)[0]}XX"] if status else []
    keys += sorted(key for key in responses if key.startswith("2")) if status is None else []
    for key in [*keys, "default"]:
        media = responses.get(key)
        if media:
            return next((media[name] for name in media if "json" in name), None)
    return None


def request_body_schema(endpoint: Endpoint) -> Any:
    """Return the JSON schema of the request body, or None."""
    body = endpoint.operation.request_body
    return next((body[name] for name in body if "json" in name), None)


def complete_input(
    given: InputBinding, endpoint: Endpoint, data: Mapping[str, Any], producers: Sequence[Producer], *, alias: str
) -> tuple[InputBinding, list[Gap]]:
    """Return the input with every required value that has exactly one possible source filled in, and the gaps left."""
    gaps: list[Gap] = []
    path, query, headers = dict(given.path), dict(given.query), dict(given.headers)
    places = {"path": path, "query": query, "header": headers}
    for parameter in endpoint.operation.parameters:
        target = places.get(parameter.location)
        if target is None or parameter.name in target or not (parameter.required or parameter.location == "path"):
            continue
        if parameter.location == "header" and parameter.name.lower() in {name.lower() for name in headers}:
            continue
        if parameter.location == "header" and parameter.name.lower() in ("idempotency-key", "x-correlation-id"):
            continue  # every call carries these
        source = _source(parameter.name, parameter.json_schema, endpoint, data, producers)
        if isinstance(source, str):
            target[parameter.name] = source
        else:
            gaps.append(_gap(alias, f"{parameter.location}.{parameter.name}", endpoint, source))
    body, body_gaps = _complete_body(given.body, endpoint, data, producers, alias)
    filled = given.model_copy(update={"path": path, "query": query, "headers": headers, "body": body})
    return filled, gaps + body_gaps


def _complete_body(
    body: Any, endpoint: Endpoint, data: Mapping[str, Any], producers: Sequence[Producer], alias: str
) -> tuple[Any, list[Gap]]:
    schema = request_body_schema(endpoint)
    if schema is None or not (body is None or isinstance(body, dict)):
        return body, []
    components = endpoint.interface.components
    properties = properties_of(schema, components)
    required = required_of(schema, components)
    if body is None and not (required and endpoint.operation.request_body_required):
        return body, []
    filled: dict[str, Any] = dict(body or {})
    gaps: list[Gap] = []
    for name in required:
        if name in filled:
            continue
        source = _source(name, properties.get(name, {}), endpoint, data, producers)
        if isinstance(source, str):
            filled[name] = source
        else:
            gaps.append(_gap(alias, f"body.{name}", endpoint, source))
    return filled, gaps


def _source(
    name: str, schema: Any, endpoint: Endpoint, data: Mapping[str, Any], producers: Sequence[Producer]
) -> str | list[str]:
    """Return the template of the only possible source, or the list of candidates (empty: none)."""
    if name in data:
        return f"{{{{ data.{name} }}}}" if name.isidentifier() else f'{{{{ data["{name}"] }}}}'
    wanted = resolve_ref(schema, endpoint.interface.components)
    const = wanted.get("const", wanted["enum"][0] if len(wanted.get("enum") or []) == 1 else None)
    if isinstance(const, str):
        return const
    found: list[str] = []
    for producer in producers:
        components = producer.endpoint.interface.components
        offered = properties_of(response_schema(producer.endpoint, producer.status), components)
        if name in offered and _compatible(wanted, resolve_ref(offered[name], components)):
            found.append(producer.alias)
    if len(found) == 1 and name.isidentifier():
        return f"{{{{ steps.{found[0]}.response.body.{name} }}}}"
    return found


def _compatible(wanted: Mapping[str, Any], offered: Mapping[str, Any]) -> bool:
    first, second = _types(wanted), _types(offered)
    if first and second and not first & second and not (first == {"number"} and second == {"integer"}):
        return False
    formats = wanted.get("format"), offered.get("format")
    return not (all(formats) and formats[0] != formats[1])


def _types(schema: Mapping[str, Any]) -> set[str]:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared] if declared else []
    return {name for name in names if name != "null"}


def _gap(alias: str, field: str, endpoint: Endpoint, candidates: list[str]) -> Gap:
    if candidates:
        choices = ", ".join(f"steps.{item}" for item in candidates)
        why = f"several earlier answers offer it ({choices}); say which"
    else:
        why = "neither test data nor an earlier answer offers it"
    message = f"{endpoint.name} requires {field}: {why}."
    return Gap(code="MISSING_INPUT", message=message, step_alias=alias, field=field)
