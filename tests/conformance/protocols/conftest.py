"""One harness per plugin: how to make it act, time out, meet nonsense and meet nobody."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestra_kit.errors import SecretError
from orchestra_kit.model import (
    AuthRef,
    ChannelType,
    DbConnectionProfile,
    Egress,
    EndpointRef,
    Environment,
    Expectations,
    HttpService,
    RowExpectation,
    ScenarioStep,
    StepAction,
    StepMeta,
)
from orchestra_kit.protocols.registry import load_plugins
from orchestra_kit.spi.protocol import Command, Correlation, ProtocolPlugin, Surroundings

SECRET = "conformance-s3cret-value"
CORRELATION = Correlation(
    run_id="run-1", correlation_id="corr-1", idempotency_key="run-1.step.0.1", step_alias="step", attempt=1
)


class Vault:
    """Knows one secret."""

    def resolve(self, reference: str) -> str:
        if reference != "secret:known":
            raise SecretError(f"secret '{reference}' is not there.")
        return SECRET


@dataclass
class Harness:
    """What the suite asks of every plugin, as commands ready to be given to it."""

    plugin: ProtocolPlugin
    works: Command
    never_ends: Command
    nobody_there: Command
    not_allowed: Command
    wrong_definition: Command
    unknown_place: Command
    absent_secret: Command | None
    nonsense: list[Command]
    unmet: Expectations
    met: Expectations
    secret: str = SECRET


def _answering(answers: list[bytes]) -> tuple[int, Callable[[], None]]:
    """Serve raw HTTP answers in turn (the last one for ever); the request is echoed in the first."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = list(answers)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                try:
                    asked = client.recv(65536)
                    answer = left.pop(0) if len(left) > 1 else left[0]
                    client.sendall(answer.replace(b"@ECHO@", asked.split(b"\r\n\r\n")[0].replace(b"\r\n", b" | ")))
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], listener.close


def _silent() -> tuple[int, Callable[[], None]]:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener.getsockname()[1], listener.close


_NONSENSE = [
    b"",
    b"\x00\x01\x02",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{{{",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + b"[" * 100_000,
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=zzz\r\nConnection: close\r\n\r\n\xff\xfe",
    b"HTTP/1.1 999 ?\r\nConnection: close\r\n\r\n",
]


def _http(plugin: ProtocolPlugin) -> Iterator[Harness]:
    echo = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nX-Echo: @ECHO@\r\n\r\n@ECHO@"
    echoing, stop_echo = _answering([echo])
    silent, stop_silent = _silent()
    talking = [_answering([answer]) for answer in _NONSENSE]

    def make(port: int = echoing, *, endpoint: str = "GET /x", service: str = "shop", allow: bool = True,
             secret: str = "secret:known", timeout: float = 5.0) -> Command:  # fmt: skip
        auth = AuthRef(type="bearer", secret=secret)
        environment = Environment(
            id="e", tenant_id="local", name="e",
            http_services={"shop": HttpService(base_url=f"http://127.0.0.1:{port}", auth_ref=auth)},
            egress=Egress(allow=("127.0.0.1",) if allow else ()),
        )  # fmt: skip
        step = ScenarioStep(
            id="s", order_index=0, alias="step", kind="ACTION", channel_type=ChannelType.HTTP_REST,
            endpoint_ref=EndpointRef(service_name=service, endpoint_name=endpoint), action=StepAction(input_template={}),
        )  # fmt: skip
        return Command(
            step=step, input={}, meta={}, correlation=CORRELATION, timeout_seconds=timeout,
            surroundings=Surroundings(environment=environment, secrets=Vault()),
        )  # fmt: skip

    yield Harness(
        plugin=plugin,
        works=make(),
        never_ends=make(silent, timeout=0.3),
        nobody_there=make(1),
        not_allowed=make(allow=False),
        wrong_definition=make(endpoint="no such operation"),
        unknown_place=make(service="shopp"),
        absent_secret=make(secret="secret:absent"),
        nonsense=[make(port) for port, _ in talking],
        unmet=Expectations(expected_status_code=201),
        met=Expectations(expected_status_code=200),
    )
    for stop in (stop_echo, stop_silent, *(close for _, close in talking)):
        stop()


def _db(plugin: ProtocolPlugin, folder: Path) -> Iterator[Harness]:
    connection = sqlite3.connect(folder / "shop.db")
    connection.execute("CREATE TABLE orders (id INTEGER, raw BLOB)")
    connection.execute("INSERT INTO orders VALUES (1, x'ff00')")
    connection.commit()
    connection.close()
    (folder / "noise.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    endless = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    def make(url: str = f"jdbc:sqlite:{folder}/shop.db", *, sql: str = "SELECT * FROM orders", source: str = "shop",
             allow: bool = True, secret: str | None = None, timeout: float = 5.0) -> Command:  # fmt: skip
        profile = DbConnectionProfile(
            id="p", tenant_id="local", alias="shop", jdbc_url=url, username_ref=secret, password_ref=secret
        )
        step = ScenarioStep(
            id="s", order_index=0, alias="step", kind="ASSERTION", channel_type=ChannelType.DB,
            action=StepAction(meta=StepMeta(data_source=source, sql=sql)),
        )  # fmt: skip
        egress = Egress(allow=("127.0.0.1",) if allow else ())
        return Command(
            step=step, input=None, meta={"dataSource": source, "sql": sql, "parameters": {}}, correlation=CORRELATION,
            surroundings=Surroundings(
                environment=Environment(id="e", tenant_id="local", name="e", egress=egress),
                secrets=Vault(), db_profiles={"shop": profile},
            ),
            timeout_seconds=timeout,
        )  # fmt: skip

    silent, stop_silent = _silent()
    talking = [_answering([answer]) for answer in _NONSENSE]
    ports = [silent, *(port for port, _ in talking)]
    nonsense = [make(f"jdbc:postgresql://127.0.0.1:{port}/x", secret="secret:known", timeout=0.5) for port in ports]
    yield Harness(
        plugin=plugin,
        works=make(),
        never_ends=make(sql=endless, timeout=0.3),
        nobody_there=make("jdbc:postgresql://127.0.0.1:1/x", secret="secret:known"),
        not_allowed=make("jdbc:postgresql://127.0.0.1:1/x", secret="secret:known", allow=False),
        wrong_definition=make(sql="DELETE FROM orders"),
        unknown_place=make(source="shpo"),
        absent_secret=make("jdbc:postgresql://127.0.0.1:1/x", secret="secret:absent"),
        nonsense=[make(f"jdbc:sqlite:{folder}/noise.db"), *nonsense],
        unmet=Expectations(rows=RowExpectation(count=2)),
        met=Expectations(rows=RowExpectation(count=1)),
    )
    for stop in (stop_silent, *(close for _, close in talking)):
        stop()


@pytest.fixture(params=[ChannelType.HTTP_REST, ChannelType.DB], ids=str)
def harness(request: Any, tmp_path: Path) -> Iterator[Harness]:
    """The harness of each plugin in turn."""
    plugin = load_plugins()[request.param]
    yield from _http(plugin) if request.param is ChannelType.HTTP_REST else _db(plugin, tmp_path)


@pytest.fixture
def executor(harness: Harness) -> Iterator[Any]:
    """An executor of the plugin, closed afterwards."""
    made = harness.plugin.make_executor()
    yield made
    made.close()
