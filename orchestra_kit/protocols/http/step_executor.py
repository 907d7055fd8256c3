"""Acts on HTTP services and reports what came back. Judges nothing, follows no redirect, keeps no cookie."""

from __future__ import annotations

import base64
import json
import json.scanner
import math
import re
import ssl
import threading
import time
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from orchestra_kit.errors import DefinitionError, EgressError, OrchestraError, SecretError
from orchestra_kit.model import Egress, ScenarioStep, TlsSettings
from orchestra_kit.protocols.egress import ResolutionError, guard_for
from orchestra_kit.protocols.failing import elapsed_ms, failed
from orchestra_kit.protocols.http.request import HttpCall, build_call
from orchestra_kit.protocols.http.transport import PooledTransport, call_deadline
from orchestra_kit.protocols.secrets import SecretBinder
from orchestra_kit.spi.protocol import Command, Observation, ObservationError, Surroundings

MAX_BODY_BYTES = 10 * 1024 * 1024
SHOWN_WHEN_TRUNCATED = 64 * 1024
_MAX_POOLS = 64
_JSON_SPACE = " \t\r\n\ufeff"


class HttpStepExecutor:
    """Sends calls through one pool of connections for each egress policy and trust setting. Safe for many threads."""

    def __init__(self, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._transports: dict[tuple[Egress, TlsSettings], PooledTransport] = {}
        self._lock = threading.Lock()

    def prepare(self, steps: Sequence[ScenarioStep], surroundings: Surroundings) -> Any:
        """HTTP needs no position."""
        return None

    def act(self, command: Command) -> Observation:
        """Send the step's call once and report the answer, or why there was none."""
        started = time.perf_counter()
        secrets = SecretBinder(command.surroundings.secrets)
        shown: dict[str, Any] = {}
        try:
            call = build_call(command, secrets)
            shown = call.shown
            with call_deadline(_deadline(command, call)):
                return self._send(command, call, secrets, started)
        except (OrchestraError, ResolutionError, httpcore.TimeoutException, httpcore.NetworkError) as exc:
            error = _why(exc, command)
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpx.InvalidURL, httpx.DecodingError) as exc:
            error = _why(exc, command)
        except (OSError, ValueError, zlib.error) as exc:
            error = ObservationError(kind="other", message=f"the call failed: {exc}")
        return failed(error, shown=shown, started=started, secrets=secrets)

    def watch(self, command: Command) -> HttpWatch:
        """Ask the same thing again with every poll."""
        return HttpWatch(self, command)

    def close(self) -> None:
        """Close all pools."""
        with self._lock:
            transports, self._transports = self._transports, {}
        for transport in transports.values():
            transport.close()

    def _send(self, command: Command, call: HttpCall, secrets: SecretBinder, started: float) -> Observation:
        transport = self._transport(command.surroundings.environment.egress, call.service.tls)
        request = httpx.Request(call.method, call.url, headers=call.headers, content=call.content)
        response = transport.handle_request(request)
        try:
            content, truncated = self._read(response)
        finally:
            response.close()
        duration = elapsed_ms(started)
        content = secrets.blot_bytes(content)
        headers = {name: secrets.blot(value) for name, value in response.headers.items()}
        media_type = response.headers.get("content-type")
        body = decode_body(content[:SHOWN_WHEN_TRUNCATED] if truncated else content, media_type, whole=not truncated)
        return Observation(
            view={"status": response.status_code, "headers": headers, "body": body},
            request=call.shown,
            status_code=response.status_code,
            headers=headers,
            body=body,
            raw_body=content,
            media_type=media_type,
            truncated=truncated,
            duration_ms=duration,
        )

    def _read(self, response: httpx.Response) -> tuple[bytes, bool]:
        """Return the decoded body, cut where it passes the limit."""
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > self._max_body_bytes:
                return b"".join(parts)[: self._max_body_bytes], True
        return b"".join(parts), False

    def _transport(self, egress: Egress, tls: TlsSettings) -> PooledTransport:
        key = (egress, tls)
        transport = self._transports.get(key)
        if transport is not None:
            return transport
        with self._lock:
            if key not in self._transports:
                guard = guard_for(egress)
                if len(self._transports) >= _MAX_POOLS:
                    # The oldest one goes; calls under way on it keep their connection until they end.
                    self._transports.pop(next(iter(self._transports)))
                self._transports[key] = PooledTransport(guard, _ssl_context(tls))
            return self._transports[key]


class HttpWatch:
    """An eventual assertion over HTTP: every poll is one call."""

    def __init__(self, executor: HttpStepExecutor, command: Command) -> None:
        self._executor = executor
        self._command = command

    def poll(self) -> Observation:
        """Send the call once more."""
        return self._executor.act(self._command)

    def close(self) -> None:
        """Nothing is held."""


def decode_body(content: bytes, media_type: str | None, *, whole: bool = True) -> Any:
    """Return JSON as a value, text as text, anything else as base64 text; None when there is no body."""
    if not content:
        return None
    is_json, is_text, charset = _reading_of(media_type or "")
    if whole and is_json:
        try:
            return parse_json(content)
        except ValueError:
            pass  # the validator says so; people still see the text
    for encoding in ([charset] if charset else []) + ["utf-8"]:
        try:
            return content.decode(encoding, errors="strict" if whole else "replace")
        except (LookupError, UnicodeError):
            continue
    if is_text:
        return content.decode("latin-1")
    return base64.b64encode(content).decode()


@lru_cache(maxsize=512)
def _reading_of(media_type: str) -> tuple[bool, bool, str | None]:
    """Return whether a media type is JSON, whether it is text, and its charset."""
    bare = media_type.partition(";")[0].strip().lower()
    charset = re.search(r"charset=[\"']?([\w.:-]+)", media_type, re.IGNORECASE)
    is_json = bare == "application/json" or bare.endswith("+json")
    return is_json, bare.startswith("text/"), charset[1] if charset else None


def parse_json(content: bytes) -> Any:
    """Return strict JSON as a value; raise ValueError for anything else (NaN, numbers beyond all size, too deep)."""
    text = content.decode("utf-8").strip(_JSON_SPACE)
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:
        raise ValueError("no JSON value") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond the range of numbers")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


# A callback for each float costs a tenth of what scanning the text for huge exponents does.
_SCAN = json.scanner.make_scanner(json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant))  # type: ignore[arg-type] # the stub names its own class


def _deadline(command: Command, call: HttpCall) -> float:
    own = command.meta.get("timeoutMs")
    limit = own if isinstance(own, int | float) and own > 0 else call.service.timeout_ms
    return min(command.timeout_seconds, limit / 1000)


def _ssl_context(tls: TlsSettings) -> ssl.SSLContext:
    if not tls.verify:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if tls.ca_file:
        try:
            return ssl.create_default_context(cafile=tls.ca_file)
        except (OSError, ssl.SSLError) as exc:
            raise DefinitionError(f"caFile '{tls.ca_file}' cannot be read as certificates.") from exc
    return httpx.create_ssl_context(trust_env=False)


def _why(exc: Exception, command: Command) -> ObservationError:
    """Name the reason why there was no answer."""
    place = command.step.endpoint_ref.service_name if command.step.endpoint_ref else command.step.alias
    if isinstance(exc, EgressError):
        return ObservationError(kind="egress", message=str(exc))
    if isinstance(exc, SecretError):
        return ObservationError(kind="secret", message=str(exc))
    if isinstance(exc, OrchestraError | httpx.InvalidURL | httpcore.LocalProtocolError | httpcore.UnsupportedProtocol):
        return ObservationError(kind="definition", message=str(exc))
    if isinstance(exc, ResolutionError):
        return ObservationError(kind="connection", message=f"'{place}' cannot be reached: {exc}", retryable=True)
    if isinstance(exc, httpcore.TimeoutException):
        what = "connect" if isinstance(exc, httpcore.ConnectTimeout) else "answer"
        return ObservationError(kind="timeout", message=f"'{place}' did not {what} in time", retryable=True)
    causes = _causes(exc)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ObservationError(kind="refused", message=f"'{place}' refused the connection", retryable=True)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return ObservationError(kind="connection", message=f"no secure connection to '{place}': {exc}")
    if isinstance(exc, httpx.DecodingError):
        return ObservationError(kind="other", message=f"the answer of '{place}' cannot be decompressed: {exc}")
    detail = str(exc) or type(exc).__name__
    return ObservationError(kind="connection", message=f"the connection to '{place}' broke: {detail}", retryable=True)


def _causes(exc: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while exc is not None and len(found) < 10:
        found.append(exc)
        exc = exc.__cause__ or exc.__context__
    return found
