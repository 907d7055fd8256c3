"""Filling required inputs from test data and earlier answers, only where one source is possible; else a gap is listed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.binding import InputBinding
from orchestra_kit.design.operations import Endpoint
from orchestra_kit.model import Gap, ParameterSummary

_MAX_DEPTH = 12
_MOST_PARTS = 200
_CARRIED_HEADERS = frozenset({"idempotency-key", "x-correlation-id"})
"""Headers every call has without being told."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CEL_WORDS = frozenset({"false", "in", "null", "true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """An earlier ACTION whose answer may feed a later input."""

    alias: str
    endpoint: Endpoint
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The only possible source of a value: a template, or a constant of the schema."""

    value: Any


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


def properties_of(schema: Any, components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties an object schema declares, those of `allOf` parts included."""
    found: dict[str, Any] = {}
    for part in reversed(_parts_of(schema, components)):
        declared = part.get("properties")
        found.update(declared if isinstance(declared, Mapping) else {})
    return found


def required_of(schema: Any, components: Mapping[str, Any]) -> list[str]:
    """Return the properties an object schema requires, those of `allOf` parts included."""
    names = [name for part in _parts_of(schema, components) for name in part.get("required") or () if name]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _parts_of(schema: Any, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a schema and all it takes over by `allOf`, each named one once: schemas may name each other in a circle."""
    parts: list[dict[str, Any]] = []
    seen: set[str] = set()
    waiting = [schema]
    while waiting and len(parts) < _MOST_PARTS:
        item = waiting.pop(0)
        reference = item.get("$ref") if isinstance(item, Mapping) else None
        if isinstance(reference, str):
            if reference in seen:
                continue
            seen.add(reference)
        part = resolve_ref(item, components)
        parts.append(part)
        inherited = part.get("allOf")
        waiting += inherited if isinstance(inherited, list) else []
    return parts


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
        if not (parameter.required or parameter.location == "path") or _is_given(parameter, path, query, headers):
            continue
        source = _source(parameter.name, parameter.json_schema, endpoint, data, producers)
        if isinstance(source, Found) and parameter.location in places:
            places[parameter.location][parameter.name] = source.value
        else:
            candidates = source if isinstance(source, list) else []
            gaps.append(_gap(alias, f"{parameter.location}.{parameter.name}", endpoint, candidates))
    body, body_gaps = _complete_body(given.body, endpoint, data, producers, alias)
    filled = given.model_copy(update={"path": path, "query": query, "headers": headers, "body": body})
    return filled, gaps + body_gaps


def _is_given(
    parameter: ParameterSummary, path: Mapping[str, Any], query: Mapping[str, Any], headers: Mapping[str, Any]
) -> bool:
    """Return whether the input, or every call, has a parameter; a cookie is given by a Cookie header."""
    written = {name.lower() for name in headers}
    if parameter.location == "header":
        return parameter.name.lower() in written | _CARRIED_HEADERS
    if parameter.location == "cookie":
        return "cookie" in written
    return parameter.name in (path if parameter.location == "path" else query)


def _complete_body(
    body: Any, endpoint: Endpoint, data: Mapping[str, Any], producers: Sequence[Producer], alias: str
) -> tuple[Any, list[Gap]]:
    schema = request_body_schema(endpoint)
    needed = endpoint.operation.request_body_required
    if not (body is None or isinstance(body, dict)) or (body is None and not needed):
        return body, []
    components = endpoint.interface.components
    properties = properties_of(schema, components)
    required = required_of(schema, components)
    if body is None and not required:
        return body, [_gap(alias, "body", endpoint, [])]
    filled: dict[str, Any] = dict(body or {})
    gaps: list[Gap] = []
    for name in required:
        if name in filled:
            continue
        source = _source(name, properties.get(name, {}), endpoint, data, producers)
        if isinstance(source, Found):
            filled[name] = source.value
        else:
            gaps.append(_gap(alias, f"body.{name}", endpoint, source))
    return filled, gaps


def _source(
    name: str, schema: Any, endpoint: Endpoint, data: Mapping[str, Any], producers: Sequence[Producer]
) -> Found | list[str]:
    """Return the only possible source, or the list of candidates (empty: none)."""
    if name in data:
        return Found(f"{{{{ data{_member(name)} }}}}")
    wanted = resolve_ref(schema, endpoint.interface.components)
    choices = [wanted["const"]] if "const" in wanted else wanted.get("enum") or []
    if len(choices) == 1:
        return Found(_as_literal(choices[0]))
    found: list[str] = []
    for producer in producers:
        components = producer.endpoint.interface.components
        offered = properties_of(response_schema(producer.endpoint, producer.status), components)
        if name in offered and _compatible(wanted, resolve_ref(offered[name], components)):
            found.append(producer.alias)
    if len(found) == 1:
        return Found(f"{{{{ steps.{found[0]}.response.body{_member(name)} }}}}")
    return found


def _member(name: str) -> str:
    """Return a field access in CEL: `.name`, or `["na-me"]` where that is no plain name."""
    if _PLAIN_NAME.match(name) and name not in _CEL_WORDS:
        return f".{name}"
    return f"[{json.dumps(name)}]"


def _as_literal(value: Any) -> Any:
    """Return a constant of a schema as a template that gives it."""
    return value.replace("{{", "\\{{") if isinstance(value, str) else value


def _compatible(wanted: Mapping[str, Any], offered: Mapping[str, Any]) -> bool:
    first, second = _types(wanted), _types(offered)
    if first and second and not first & second and not (first == {"number"} and second == {"integer"}):
        return False
    formats = wanted.get("format"), offered.get("format")
    return not (all(formats) and formats[0] != formats[1])


def _types(schema: Mapping[str, Any]) -> set[str]:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared] if isinstance(declared, str) else []
    return {name for name in names if isinstance(name, str) and name != "null"}


def _gap(alias: str, field: str, endpoint: Endpoint, candidates: list[str]) -> Gap:
    if candidates:
        choices = ", ".join(f"steps.{item}" for item in candidates)
        why = f"several earlier answers offer it ({choices}); say which"
    else:
        why = "neither test data nor an earlier answer offers it"
    message = f"{endpoint.name} requires {field}: {why}."
    return Gap(code="MISSING_INPUT", message=message, step_alias=alias, field=field)
