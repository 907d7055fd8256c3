"""HTTP calls against a running service."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time

import pytest

from orchestra_kit.model import AuthRef, Egress
from orchestra_kit.protocols.http.step_executor import HttpStepExecutor, parse_json


@pytest.fixture
def executor():
    made = HttpStepExecutor()
    yield made
    made.close()


@pytest.fixture
def act(executor, http_command):
    return lambda *args, **settings: executor.act(http_command(*args, **settings))


def test_the_answer_is_reported_as_status_headers_and_body(act, wire):
    seen = act("POST /echo", {"body": {"a": 1}})
    assert seen.error is None and seen.status_code == 200 and seen.media_type == "application/json"
    assert seen.view["status"] == 200 and seen.view["headers"]["content-type"] == "application/json"
    assert json.loads(seen.view["body"]["body"]) == {"a": 1}
    assert wire.requests[0]["headers"]["content-type"] == "application/json"
    assert seen.duration_ms > 0


def test_every_call_carries_correlation_trace_and_idempotency(act, wire):
    act("GET /echo")
    act("GET /echo")
    first, second = (one["headers"] for one in wire.requests)
    assert first["x-correlation-id"] == "0198c0de-0000-7000-8000-000000000001"
    assert first["idempotency-key"] == "run-1.call.0.1"
    assert first["baggage"] == "orchestra.correlationId=0198c0de-0000-7000-8000-000000000001"
    version, trace, span, flags = first["traceparent"].split("-")
    assert (version, trace, flags) == ("00", "0198c0de000070008000000000000001", "01") and len(span) == 16
    assert second["traceparent"] == first["traceparent"]  # a repetition of the same attempt


def test_path_parameters_cannot_change_the_path(act, wire):
    act("GET /echo/{a}/x/{b}", {"path": {"a": "../../etc", "b": ".."}})
    act("GET /echo/{a}", {"path": {"a": "ü /?#%&"}})
    act("GET /echo/{a}", {"path": {"a": [1, "b,c"]}})
    assert [one["path"] for one in wire.requests] == [
        "/echo/..%2F..%2Fetc/x/%2E%2E",
        "/echo/%C3%BC%20%2F%3F%23%25%26",
        "/echo/1,b%2Cc",
    ]


def test_query_values_are_written_in_style_form(act, wire):
    act("GET /echo", {"query": {"list": [1, "two"], "flag": True, "none": None, "text": "a&b=c", "number": 1.5}})
    assert wire.requests[0]["query"] == [
        ["list", "1"],
        ["list", "two"],
        ["flag", "true"],
        ["text", "a&b=c"],
        ["number", "1.5"],
    ]


@pytest.mark.parametrize(
    ("media_type", "body", "sent"),
    [
        ("application/json", {"ü": None}, '{"ü":null}'),
        ("application/merge-patch+json", {"a": 1}, '{"a":1}'),
        ("application/x-www-form-urlencoded", {"a": "x y", "b": [1, 2]}, "a=x+y&b=1&b=2"),
        ("text/plain", "just text", "just text"),
        ("application/xml", "<a/>", "<a/>"),
    ],
)
def test_a_body_is_written_as_its_media_type_asks(act, wire, media_type, body, sent):
    act("POST /echo", {"body": body, "contentType": media_type})
    assert wire.requests[0]["body"] == sent
    assert wire.requests[0]["headers"]["content-type"] == media_type


def test_a_multipart_body_is_the_same_for_the_same_attempt(act, wire):
    for _ in range(2):
        act("POST /echo", {"body": {"a": "1", 'b"': "2"}, "contentType": "multipart/form-data"})
    first, second = wire.requests
    assert first["body"] == second["body"]
    assert 'name="a"\r\n\r\n1\r\n' in first["body"] and 'name="b%22"' in first["body"]


def test_headers_of_the_step_win_over_meta_and_those_over_the_service(act, wire):
    act(
        "GET /echo",
        {"headers": {"x-one": "step"}},
        meta={"headers": {"X-One": "meta", "X-Two": "meta"}},
        headers={"X-One": "service", "X-Two": "service", "X-Three": "service", "Accept": "application/json"},
    )
    headers = wire.requests[0]["headers"]
    assert [headers[name] for name in ("x-one", "x-two", "x-three")] == ["step", "meta", "service"]
    assert headers["accept"] == "application/json"


def test_a_line_break_in_a_header_is_refused(act, wire):
    seen = act("GET /echo", {"headers": {"X-A": "a\r\nX-Injected: b"}})
    assert seen.error.kind == "definition" and not wire.requests


# -- secrets -----------------------------------------------------------------------------------------------------------

TOKEN, PASSWORD = "s3cr3t-token-value", 'pa"ss wörd'
AUTHS = {
    "bearer": (AuthRef(type="bearer", secret="secret:token"), "authorization", f"Bearer {TOKEN}"),
    "own word": (AuthRef(type="bearer", secret="secret:token", scheme="token"), "authorization", f"token {TOKEN}"),
    "key in a header": (AuthRef(type="apiKey", secret="secret:token", name="X-Key"), "x-key", TOKEN),
    "key in a cookie": (
        AuthRef(type="apiKey", secret="secret:token", name="sid", location="cookie"),
        "cookie",
        f"sid={TOKEN}",
    ),
}


def whole(observation):
    """Return everything of an observation as one text."""
    return repr(observation) + json.dumps(dict(observation.view)) + json.dumps(dict(observation.request))


@pytest.mark.parametrize(("auth", "header", "value"), AUTHS.values(), ids=AUTHS.keys())
def test_a23_a_login_reaches_the_service_and_nothing_else(act, wire, auth, header, value):
    """A23: sent, but absent from the observation even though the service echoes it."""
    seen = act("GET /echo", auth=auth)
    assert wire.requests[0]["headers"][header] == value
    assert TOKEN not in whole(seen)
    assert "***" in seen.view["body"]["headers"][header]


def test_a23_basic_login_is_blotted_in_its_encoded_form_too(act, wire):
    import base64

    auth = AuthRef(type="basic", secret="secret:password", username_ref="secret:user")
    seen = act("GET /echo", auth=auth)
    encoded = base64.b64encode(f"al:{PASSWORD}".encode()).decode()
    assert wire.requests[0]["headers"]["authorization"] == f"Basic {encoded}"
    assert encoded not in whole(seen) and PASSWORD not in whole(seen)


def test_a23_a_key_in_the_query_is_not_in_the_shown_url(act, wire):
    seen = act(
        "GET /echo",
        {"query": {"a": 1}},
        auth=AuthRef(type="apiKey", secret="secret:token", name="key", location="query"),
    )
    assert ["key", TOKEN] in wire.requests[0]["query"]
    assert seen.request["url"].endswith("/echo?a=1") and TOKEN not in whole(seen)


def test_a23_nothing_secret_is_logged(act, caplog):
    with caplog.at_level(logging.DEBUG):
        act("GET /echo", auth=AuthRef(type="apiKey", secret="secret:token", name="key", location="query"))
        act("GET /echo", auth=AuthRef(type="bearer", secret="secret:token"))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("orchestra", "httpx"))]
    assert TOKEN not in "\n".join(ours)


def test_a_secret_named_in_the_body_of_the_step_is_bound_when_sent(act, wire):
    seen = act("POST /echo", {"body": {"user": "al", "password": "secret:password"}})
    assert json.loads(wire.requests[0]["body"]) == {"user": "al", "password": PASSWORD}
    assert seen.request["body"]["password"] == "secret:password"
    assert json.dumps(PASSWORD)[1:-1] not in whole(seen)


def test_a23_a_reference_that_came_out_of_data_is_sent_as_text(act, wire):
    """Only the author of a step decides which secret is sent: not data, and not an answer of the tested system."""
    act("POST /echo", {"body": {"x": "secret:token"}}, template={"body": {"x": "{{ steps.a.response.body.x }}"}})
    assert json.loads(wire.requests[0]["body"]) == {"x": "secret:token"}


def test_a_login_in_the_step_itself_wins_and_is_not_shown(act, wire):
    seen = act("GET /echo", {"headers": {"authorization": "Bearer other"}}, auth=AUTHS["bearer"][0])
    assert wire.requests[0]["headers"]["authorization"] == "Bearer other"
    assert seen.request["headers"]["authorization"] == "***"


def test_an_absent_secret_is_a_secret_fact_and_nothing_is_sent(act, wire):
    seen = act("GET /echo", auth=AuthRef(type="bearer", secret="secret:absent"))
    assert seen.error.kind == "secret" and not wire.requests


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_slow_answer_ends_at_the_deadline(act):
    seen = act("GET /slow", {"query": {"seconds": 20}}, timeout=0.3)
    assert seen.error.kind == "timeout" and seen.error.retryable and seen.duration_ms < 10_000


def test_a_body_that_drips_in_ends_at_the_deadline_too(act):
    seen = act("GET /drip", timeout=0.6)
    assert seen.error.kind == "timeout" and seen.duration_ms < 8_000


def test_headers_that_drip_in_end_at_the_deadline_too(act):
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve():
        client, _ = listener.accept()
        with client:
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            for count in range(200):
                if stop.wait(0.05):
                    return
                try:
                    client.sendall(f"X-{count}: a\r\n".encode())
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    seen = act("GET /x", base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.5)
    stop.set()
    thread.join(5)
    listener.close()
    assert seen.error.kind == "timeout" and seen.duration_ms < 8_000


def test_the_step_may_shorten_the_time_of_the_service(act):
    assert act("GET /slow", {"query": {"seconds": 20}}, meta={"timeoutMs": 200}).error.kind == "timeout"
    assert act("GET /slow", {"query": {"seconds": 20}}, timeout_ms=200).error.kind == "timeout"


def test_a_body_beyond_the_limit_is_cut_and_said_so(http_command):
    executor = HttpStepExecutor(max_body_bytes=100_000)
    seen = executor.act(http_command("GET /large", {"query": {"size": 100_001}}))
    assert seen.truncated and len(seen.raw_body) == 100_000 and len(seen.body) <= 64 * 1024
    assert not executor.act(http_command("GET /large", {"query": {"size": 100_000}})).truncated
    executor.close()


def test_a_compressed_bomb_is_cut_by_its_real_size(http_command):
    executor = HttpStepExecutor(max_body_bytes=1_000_000)
    seen = executor.act(http_command("GET /bomb"))
    assert seen.truncated and len(seen.raw_body) == 1_000_000
    executor.close()


# -- what may come back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "media_type", "body"),
    [
        (b'{"a": [1, null]}', "application/json", {"a": [1, None]}),
        (b'{"a": 1}', "application/problem+json; charset=utf-8", {"a": 1}),
        (b'{"a": ', "application/json", '{"a": '),
        (b'{"a": NaN}', "application/json", '{"a": NaN}'),
        (b'{"a": 1e999}', "application/json", '{"a": 1e999}'),
        (b"[" * 5000, "application/json", "[" * 5000),
        (b"9" * 5000, "application/json", "9" * 5000),
        ("grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", "grüße"),
        (b"\xff\xfe", "text/plain", "ÿþ"),
        (b"\x89PNG\xff", "image/png", "iVBOR/8="),
        (b"x", "text/plain; charset=nonsense", "x"),
        (b"x", None, "x"),
        (b"", "application/json", None),
    ],
)
def test_any_body_becomes_a_json_value(act, content, media_type, body):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kind = f"Content-Type: {media_type}\r\n" if media_type else ""

        def serve():
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(f"HTTP/1.1 200 OK\r\n{kind}Content-Length: {len(content)}\r\n\r\n".encode() + content)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        seen = act("GET /x", base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(5)
    assert seen.error is None and seen.body == body and seen.raw_body == content
    json.dumps(dict(seen.view), allow_nan=False)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    ],
)
def test_a_broken_answer_is_a_fact_and_never_raises(act, answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                try:
                    client.sendall(answer)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        seen = act("GET /x", base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=5)
        thread.join(5)
    assert seen.error is not None and seen.error.kind in ("connection", "other")


def test_a_redirect_is_reported_and_not_followed(act):
    seen = act("GET /redirect")
    assert seen.status_code == 307 and seen.view["headers"]["location"].startswith("http://169.254.169.254")


def test_a_cookie_of_one_call_is_not_sent_with_the_next(act):
    assert "session=abc" in act("GET /cookie").headers["set-cookie"]
    assert act("GET /cookie").body == {"cookie": None}


def test_a_proxy_in_the_environment_is_not_used(act, monkeypatch):
    """A20: it would connect for us, unchecked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    executor = HttpStepExecutor()
    assert act("GET /status/200").status_code == 200
    executor.close()


# -- what cannot be sent -----------------------------------------------------------------------------------------------


def test_a_refused_connection_says_so(act):
    seen = act("GET /x", base_url="http://127.0.0.1:1")
    assert seen.error.kind == "refused" and seen.error.retryable and "'shop'" in seen.error.message


def test_a_name_without_address_is_a_connection_fact(act):
    seen = act("GET /x", base_url="http://no-such-host.invalid")
    assert seen.error.kind == "connection" and seen.error.retryable


def test_tls_to_a_plain_port_is_a_connection_fact(act, service):
    seen = act("GET /x", base_url=service.replace("http:", "https:"))
    assert seen.error.kind == "connection"


@pytest.mark.parametrize(
    ("endpoint", "given", "settings", "said"),
    [
        ("GET /echo/{id}", {}, {}, "path parameter 'id'"),
        ("getOrder", {}, {}, "METHOD /path"),
        ("GET /echo", {"boddy": 1}, {}, "Did you mean 'body'?"),
        ("GET /echo", [], {}, "must be an object"),
        ("GET /echo", {"query": []}, {}, "input.query"),
        ("GET /echo", {"path": "x"}, {}, "input.path"),
        ("GET /echo", {}, {"service_name": "shopp"}, "Did you mean 'shop'?"),
        ("GET /echo", {}, {"base_url": "ftp://x"}, "baseUrl"),
        ("GET /echo", {}, {"base_url": "http://user:pw@x"}, "login"),
        ("GET /echo", {}, {"base_url": "http://[::1"}, "baseUrl"),
        ("GET /echo", {"headers": {"a b": 1}}, {}, "header name"),
        ("POST /echo", {"body": 1, "contentType": "multipart/form-data"}, {}, "object of fields"),
        ("POST /echo", {"body": float("nan")}, {}, "JSON"),
    ],
)
def test_a_wrong_definition_is_a_fact_with_its_reason(act, endpoint, given, settings, said):
    seen = act(endpoint, given, **settings)
    assert seen.error.kind == "definition" and said in seen.error.message and not seen.error.retryable
    assert "pw" not in seen.error.message.replace("http", "")


# -- egress ------------------------------------------------------------------------------------------------------------


def test_a20_an_address_that_is_not_listed_is_never_connected_to(act, wire):
    """A20: the check is in the transport, so a redirecting base URL or name cannot go round it."""
    seen = act("GET /echo", egress=Egress())
    assert seen.error.kind == "egress" and not seen.error.retryable and not wire.requests


def test_a20_a_second_answer_of_the_name_server_changes_nothing(executor, http_command, service, monkeypatch):
    """A20: DNS rebinding. The name is asked once per connection and the checked address is the one connected to."""
    port = int(service.rsplit(":", 1)[1])
    answers = iter(["8.8.8.8", "127.0.0.1"])
    connected: list[str] = []

    def getaddrinfo(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def create_connection(address, *_, **__):
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    seen = executor.act(http_command("GET /echo", base_url=f"http://rebind.example:{port}", egress=Egress()))
    assert connected == ["8.8.8.8"] and seen.error.kind == "refused"


def test_a20_a_connection_of_one_policy_does_not_serve_another(act, wire):
    assert act("GET /echo").error is None
    assert act("GET /echo", egress=Egress(allow=("10.0.0.0/8",))).error.kind == "egress"


def test_an_allow_list_that_cannot_be_read_is_a_definition_fact(act):
    assert act("GET /echo", egress=Egress(allow=("http://x",))).error.kind == "definition"


# -- pooling -----------------------------------------------------------------------------------------------------------


def test_calls_share_a_connection(act, wire):
    for _ in range(5):
        act("GET /echo")
    assert len(wire.connections) == 1


def test_many_threads_may_act_at_once_and_keep_their_answers_apart(executor, http_command, wire):
    results: dict[int, object] = {}

    def call(number):
        for _ in range(5):
            seen = executor.act(http_command("GET /echo/{n}", {"path": {"n": number}}))
            results[number] = seen.body["path"]

    threads = [threading.Thread(target=call, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"/echo/{number}" for number in range(16)}
    assert len(wire.connections) <= 16


def test_the_deadline_of_one_call_does_not_reach_the_next(act):
    assert act("GET /slow", {"query": {"seconds": 20}}, timeout=0.1).error.kind == "timeout"
    time.sleep(0.05)
    assert act("GET /slow", {"query": {"seconds": 0.2}}).status_code == 200


def test_a_watch_asks_anew_with_every_poll(executor, http_command, wire):
    watch = executor.watch(http_command("GET /echo"))
    watch.poll()
    watch.poll()
    watch.close()
    assert len(wire.requests) == 2


def test_strict_json_only():
    for text in (b"NaN", b"Infinity", b"1e400", b"{'a': 1}", b"[1,]", b"\xff"):
        with pytest.raises(ValueError):
            parse_json(text)
    assert parse_json(b"1e5") == 100000.0


class Impolite:
    """A service that answers the first request of a connection and ends it, without a word, when the next one comes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            for number in range(2):
                if not connection.recv(65536):
                    break
                self.requests += 1
                if number == 0:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            connection.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def impolite():
    made = Impolite()
    yield made
    made.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_an_idempotent_call_on_a_kept_connection_that_ends_is_sent_once_more(act, impolite, method):
    assert act(f"{method} /x", base_url=impolite.url).status_code == 200
    assert act(f"{method} /x", base_url=impolite.url).status_code == 200
    assert impolite.requests == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_call_that_may_have_been_applied_is_not_repeated(act, impolite, method):
    assert act(f"{method} /x", base_url=impolite.url).status_code == 200
    seen = act(f"{method} /x", base_url=impolite.url)
    assert seen.error.kind == "connection" and seen.error.retryable and impolite.requests == 2
