"""What a step sends: the URL, headers and body of one call, made from its input, its operation and its environment."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from orchestra_kit.errors import DefinitionError, UnknownNameError
from orchestra_kit.model import AuthRef, HttpService, ParameterSummary
from orchestra_kit.protocols.secrets import BLOTTED, SecretBinder
from orchestra_kit.spi.protocol import Command

INPUT_NAMES = ("path", "query", "headers", "cookies", "body", "contentType")
_METHOD_AND_PATH = re.compile(r"(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH|TRACE|QUERY)\s+(/\S*)\Z", re.IGNORECASE)
_TEMPLATE_NAME = re.compile(r"\{([^{}]*)\}")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_SECRET_HEADERS = re.compile(r"authorization|cookie|token|secret|password|api-?key|signature|credential", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class HttpCall:
    """A call ready to be sent. `shown` is what reports may show of it."""

    service: HttpService
    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    shown: dict[str, Any] = field(default_factory=dict)


def build_call(command: Command, secrets: SecretBinder) -> HttpCall:
    """Return the call of a step; raise DefinitionError for what cannot be sent, SecretError for a secret that is absent."""
    service = service_of(command)
    method, path = method_and_path(command)
    given = _input_of(command)
    bound = secrets.bind(given, command.step.action.input_template)
    url = _base_of(service) + fill_path(path, bound.get("path"), _parameters(command, "path"))
    shown_url = _base_of(service) + fill_path(path, given.get("path"), _parameters(command, "path"))
    query = list(query_pairs(bound.get("query"), _parameters(command, "query")))
    shown_query = list(query_pairs(given.get("query"), _parameters(command, "query")))
    headers = _headers(command, service, bound, secrets)
    content, media_type = encode_body(command, bound)
    if media_type and "content-type" not in _lower(headers):
        headers["Content-Type"] = media_type
    shown = {
        "method": method,
        "url": shown_url + (f"?{urlencode(shown_query)}" if shown_query else ""),
        "headers": {name: BLOTTED if _SECRET_HEADERS.search(name) else value for name, value in headers.items()},
    }
    if given.get("body") is not None:
        shown["body"] = given["body"]
    if service.auth_ref is not None:
        _authenticate(service.auth_ref, headers, query, secrets)
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query, quote_via=quote)
    return HttpCall(service=service, method=method, url=url, headers=headers, content=content, shown=shown)


def service_of(command: Command) -> HttpService:
    """Return where the step's service is; raise UnknownNameError with the nearest name."""
    reference = command.step.endpoint_ref
    if reference is None:
        raise DefinitionError(f"step '{command.step.alias}' names no service.", hint="Give it an endpointRef.")
    services = command.surroundings.environment.http_services
    if reference.service_name not in services:
        raise UnknownNameError("HTTP service", reference.service_name, services)
    return services[reference.service_name]


def method_and_path(command: Command) -> tuple[str, str]:
    """Return the method and path template of the step's operation, or those its endpointName spells out."""
    if command.operation is not None:
        return command.operation.method.upper(), command.operation.path
    name = command.step.endpoint_ref.endpoint_name if command.step.endpoint_ref else ""
    match = _METHOD_AND_PATH.match(name.strip())
    if match is None:
        known = [one.endpoint_name for one in command.spec.parsed_summary.operations] if command.spec else []
        if known:
            raise UnknownNameError("operation", name, known)
        raise DefinitionError(
            f"operation '{name}' is not known and is not of the form 'METHOD /path'.",
            hint="Import the service's OpenAPI document or write for example 'GET /orders/{id}'.",
        )
    return match[1].upper(), match[2]


def fill_path(path: str, values: Any, parameters: Mapping[str, ParameterSummary]) -> str:
    """Return the path with its parameters in place, percent-encoded so that none can change the path."""
    if values is None:
        values = {}
    if not isinstance(values, Mapping):
        raise DefinitionError("input.path must be an object of path parameters.")

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        value = values.get(name)
        if value is None or value == "" or value == []:
            raise DefinitionError(
                f"path parameter '{name}' of '{path}' has no value.", hint=f"Set input.path.{name} in the step."
            )
        parameter = parameters.get(name)
        return _path_text(value, explode=bool(parameter and parameter.explode))

    return _TEMPLATE_NAME.sub(value_of, path)


def _path_text(value: Any, *, explode: bool) -> str:
    """Write a value in style `simple`."""
    if isinstance(value, Mapping):
        sign = "=" if explode else ","
        return ",".join(f"{_quoted(name)}{sign}{_quoted(plain_text(part))}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ",".join(_quoted(plain_text(part)) for part in value)
    text = _quoted(plain_text(value))
    # A dot segment would climb in the path even though dots need no encoding.
    return text.replace(".", "%2E") if text in (".", "..") else text


def query_pairs(values: Any, parameters: Mapping[str, ParameterSummary]) -> Iterator[tuple[str, str]]:
    """Yield query names and values in style `form`, `spaceDelimited`, `pipeDelimited` or `deepObject`; None is left out."""
    if values is None:
        return
    if not isinstance(values, Mapping):
        raise DefinitionError("input.query must be an object of query parameters.")
    for name, value in values.items():
        if value is None:
            continue
        parameter = parameters.get(name)
        style = (parameter.style if parameter else None) or "form"
        explode = parameter.explode if parameter and parameter.explode is not None else style in ("form", "deepObject")
        if isinstance(value, Mapping):
            yield from _object_pairs(name, value, style, explode=explode)
        elif isinstance(value, list | tuple):
            texts = [plain_text(part) for part in value if part is not None]
            if explode:
                yield from ((name, text) for text in texts)
            elif texts:
                yield name, {"spaceDelimited": " ", "pipeDelimited": "|"}.get(style, ",").join(texts)
        else:
            yield name, plain_text(value)


def _object_pairs(name: str, value: Mapping[str, Any], style: str, *, explode: bool) -> Iterator[tuple[str, str]]:
    parts = [(key, plain_text(part)) for key, part in value.items() if part is not None]
    if style == "deepObject":
        yield from ((f"{name}[{key}]", text) for key, text in parts)
    elif explode:
        yield from parts
    elif parts:
        yield name, ",".join(text for pair in parts for text in pair)


def plain_text(value: Any) -> str:
    """Return a value as it stands in a URL, header or form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value is not None else ""


def encode_body(command: Command, given: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    """Return the body as bytes and its media type; None when the step sends none."""
    body = given.get("body")
    if body is None:
        return None, None
    media_type = request_media_type(command, given)
    bare = media_type.partition(";")[0].strip().lower()
    if bare == "application/json" or bare.endswith("+json"):
        try:
            return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(), media_type
        except (ValueError, TypeError) as exc:
            raise DefinitionError(f"the body cannot be written as JSON: {exc}.") from exc
    if bare == "application/x-www-form-urlencoded":
        return urlencode(list(query_pairs(_fields(body, bare), {}))).encode(), media_type
    if bare == "multipart/form-data":
        return _multipart(_fields(body, bare), command.correlation.idempotency_key)
    return (body if isinstance(body, str) else plain_text(body)).encode(), media_type


def request_media_type(command: Command, given: Mapping[str, Any]) -> str:
    """Return the media type to send: the step's own, else the first JSON one declared, else the first declared."""
    own = given.get("contentType") or _lower(given.get("headers") or {}).get("content-type")
    if own:
        return str(own)
    declared = list(command.operation.request_body) if command.operation else []
    json_types = [name for name in declared if name.partition(";")[0].endswith("json")]
    chosen = (json_types or [name for name in declared if "*" not in name] or ["application/json"])[0]
    return chosen if "*" not in chosen else "application/json"


def _fields(body: Any, media_type: str) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise DefinitionError(f"a body of type {media_type} must be an object of fields.")
    return body


def _multipart(fields: Mapping[str, Any], seed: str) -> tuple[bytes, str]:
    # The boundary follows from the attempt, so that a repetition of it sends the very same bytes.
    boundary = "orchestra" + hashlib.sha256(seed.encode()).hexdigest()[:24]
    parts: list[bytes] = []
    for name, text in query_pairs(fields, {}):
        shown = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{shown}"\r\n\r\n{text}\r\n'.encode())
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _headers(command: Command, service: HttpService, given: Mapping[str, Any], secrets: SecretBinder) -> dict[str, str]:
    """Return correlation, service, meta and input headers; a later one of the same name wins."""
    correlation = command.correlation
    merged: dict[str, tuple[str, str]] = {}
    sources: list[Mapping[str, Any]] = [
        {
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "orchestra-kit",
            "X-Correlation-Id": correlation.correlation_id,
            "Idempotency-Key": correlation.idempotency_key,
            "traceparent": trace_parent(correlation.correlation_id, correlation.idempotency_key),
            "baggage": f"orchestra.correlationId={quote(correlation.correlation_id, safe='')}",
        },
        secrets.bind(service.headers, service.headers),
        secrets.bind(command.meta.get("headers") or {}, command.step.action.meta.headers),
        given.get("headers") or {},
    ]
    for source in sources:
        if not isinstance(source, Mapping):
            raise DefinitionError("headers must be an object of names and values.")
        for name, value in source.items():
            if value is None:
                merged.pop(str(name).lower(), None)
                continue
            merged[str(name).lower()] = (str(name), _header_text(str(name), value))
    cookies = given.get("cookies")
    if isinstance(cookies, Mapping) and cookies:
        text = "; ".join(f"{name}={plain_text(value)}" for name, value in cookies.items())
        merged["cookie"] = ("Cookie", _header_text("Cookie", text))
    return dict(merged.values())


def _header_text(name: str, value: Any) -> str:
    text = ",".join(map(plain_text, value)) if isinstance(value, list | tuple) else plain_text(value)
    if not _TOKEN.match(name):
        raise DefinitionError(f"'{name}' is not a header name.")
    if any(sign in text for sign in "\r\n\0"):
        raise DefinitionError(f"header '{name}' holds a line break.")
    return text.strip()


def trace_parent(correlation_id: str, idempotency_key: str) -> str:
    """Return the W3C trace context of an attempt: one trace for the run, one span for the attempt."""
    try:
        trace = uuid.UUID(correlation_id).hex
    except ValueError:
        trace = hashlib.sha256(correlation_id.encode()).hexdigest()[:32]
    return f"00-{trace}-{hashlib.sha256(idempotency_key.encode()).hexdigest()[:16]}-01"


def _authenticate(auth: AuthRef, headers: dict[str, str], query: list[tuple[str, str]], secrets: SecretBinder) -> None:
    """Add the service's login, unless the step itself already carries one in the same place."""
    name = auth.name or ("Authorization" if auth.type != "apiKey" else "X-API-Key")
    if auth.location == "header" and name.lower() in _lower(headers):
        return
    value = secrets.resolve(auth.secret)
    if auth.type == "basic":
        user = secrets.resolve(auth.username_ref) if auth.username_ref else ""
        value = base64.b64encode(f"{user}:{value}".encode()).decode()
        secrets.remember(value)
        value = f"Basic {value}"
    elif auth.type == "bearer":
        value = f"{auth.scheme or 'Bearer'} {value}"
    elif auth.scheme:
        value = f"{auth.scheme} {value}"
    if auth.location == "query":
        if name not in dict(query):
            query.append((name, value))
    elif auth.location == "cookie":
        cookie = next((key for key in headers if key.lower() == "cookie"), "Cookie")
        headers[cookie] = "; ".join(part for part in (headers.get(cookie), f"{name}={value}") if part)
    else:
        headers[name] = _header_text(name, value)


def _base_of(service: HttpService) -> str:
    try:
        parts = urlsplit(service.base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise DefinitionError(f"baseUrl '{service.base_url}' is not an http(s) address without query.")
    if "@" in parts.netloc:
        raise DefinitionError("a baseUrl must not hold a login.", hint="Use authRef with a secret reference.")
    return service.base_url.rstrip("/")


def _input_of(command: Command) -> Mapping[str, Any]:
    given = command.input if command.input is not None else {}
    if not isinstance(given, Mapping):
        raise DefinitionError("the input of an HTTP step must be an object.", hint=f"Known: {', '.join(INPUT_NAMES)}.")
    for name in given:
        if name not in INPUT_NAMES:
            raise UnknownNameError("HTTP input", str(name), INPUT_NAMES)
    return given


def _parameters(command: Command, location: str) -> dict[str, ParameterSummary]:
    declared = command.operation.parameters if command.operation else ()
    return {one.name: one for one in declared if one.location == location}


def _lower(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in headers.items()}


def _quoted(text: str) -> str:
    return quote(text, safe="~")
