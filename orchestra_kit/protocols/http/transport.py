"""A pooled HTTP transport that connects only where the egress policy lets it, within one deadline for the whole call."""

from __future__ import annotations

import ssl
import threading
import time
import typing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from orchestra_kit.protocols.egress import EgressGuard

MAX_CONNECTIONS = 128
# Servers close idle connections after 5 s (uvicorn) or more; ours go first, so that no request meets a closing one.
KEEPALIVE_SECONDS = 3.0

# RFC 9110, 9.2.2: these may be sent again; of any other method nobody knows whether the lost request was applied.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

_call = threading.local()


@contextmanager
def call_deadline(seconds: float) -> Iterator[None]:
    """Bound every read, write and connect of this thread by one moment: a body that drips in ends too."""
    before = getattr(_call, "ends_at", None)
    _call.ends_at = time.monotonic() + seconds
    try:
        yield
    finally:
        _call.ends_at = before


def _remaining(timeout: float | None) -> float | None:
    """Return the seconds left of the call in progress (0 when it is over)."""
    ends_at = getattr(_call, "ends_at", None)
    if ends_at is None:
        return timeout
    left: float = max(ends_at - time.monotonic(), 0.0)
    return left if timeout is None else min(left, timeout)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to addresses that were checked a moment before."""

    def __init__(self, guard: EgressGuard) -> None:
        self._guard = guard
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first allowed address of `host` that answers; raise EgressError when none is allowed."""
        addresses = self._guard.resolve(host, port, timeout=_remaining(timeout))
        failure: Exception | None = None
        for address in addresses:
            left = _remaining(timeout)
            if left == 0.0:
                raise httpcore.ConnectTimeout("timed out")
            _call.connected = True
            try:
                stream = self._backend.connect_tcp(address, port, left, local_address, socket_options)
                return GuardedStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure or httpcore.ConnectError("no address to connect to")

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """Never: no step reaches a socket file."""
        raise httpcore.ConnectError("Unix sockets are not supported")

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class GuardedStream(httpcore.NetworkStream):
    """A connection whose every operation ends with the call it serves."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come in."""
        left = _remaining(timeout)
        if left == 0.0:
            raise httpcore.ReadTimeout("timed out")
        received = self._stream.read(max_bytes, left)
        _call.answered = _call.answered or bool(received)
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        left = _remaining(timeout)
        if left == 0.0:
            raise httpcore.WriteTimeout("timed out")
        self._stream.write(buffer, left)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the same connection under TLS."""
        left = _remaining(timeout)
        if left == 0.0:
            raise httpcore.ConnectTimeout("timed out")
        return GuardedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore knows about the connection."""
        return self._stream.get_extra_info(info)


class PooledTransport(httpx.BaseTransport):
    """A keep-alive pool for one egress policy and one way to trust. No proxy, no environment, no redirect, no cookie."""

    def __init__(self, guard: EgressGuard, ssl_context: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=GuardedBackend(guard),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send; errors are those of httpcore, EgressError and ResolutionError.

        A kept connection that the server ends just as an idempotent request goes out says nothing about the service: the
        request is sent once more, on the next connection.
        """
        while True:
            _call.connected = _call.answered = False
            try:
                answer = self._pool.handle_request(self._request(request))
                break
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                if _call.connected or _call.answered or request.method not in _IDEMPOTENT:
                    raise
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_AnswerStream(typing.cast("Iterable[bytes]", answer.stream)),
            request=request,
        )

    def _request(self, request: httpx.Request) -> httpcore.Request:
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": {"pool": _remaining(None)}},
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _AnswerStream(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()
