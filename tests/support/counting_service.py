"""A system under test in a process of its own. It writes every effect it is asked for into a journal, and behaves as told.

As a program it serves until its standard input closes; `start_service()` starts it and returns the tests' side of it.
Rules are kept by `alias` or `alias@row`: {"hold": true} waits for `release`, {"drip": true} never ends its answer,
{"status": 500, "times": 2} refuses the first two attempts (no `times`: all), {"delay": seconds} waits,
{"cut": true} closes without an answer.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Desk:
    """What the service knows."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.journal: list[dict[str, Any]] = []
        self.rules: dict[str, dict[str, Any]] = {}

    def enter(self, alias: str, headers: Any, body: Any) -> tuple[str, dict[str, Any]]:
        entry = {
            "run": headers["X-Correlation-Id"],
            "key": headers["Idempotency-Key"],
            "alias": alias,
            "row": body.get("row"),
            "body": body,
            "at": time.time(),
        }
        with self.changed:
            self.journal.append(entry)
            name = f"{alias}@{entry['row']}"
            return (name, self.rules[name]) if name in self.rules else (alias, self.rules.get(alias, {}))

    def wait_while_held(self, name: str) -> None:
        with self.changed:
            self.changed.wait_for(lambda: not self.rules.get(name, {}).get("hold"), timeout=300)

    def told(self, what: str, said: dict[str, Any]) -> Any:
        with self.changed:
            if what == "journal":
                return self.journal[said.get("since", 0) :]
            if what == "rules":
                self.rules.update(said)
            elif what == "release":
                for name in said["names"] or self.rules:
                    self.rules.get(name, {}).pop("hold", None)
            self.changed.notify_all()
        return None


class _Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    desk: _Desk
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        if len(content) < length:
            self.close_connection = True  # the caller died while it was sending: nothing was asked for
            return
        body = json.loads(content)
        _, kind, name = self.path.split("/", 2)
        if kind == "control":
            self._answer(200, self.desk.told(name, body))
            return
        rule_name, rule = self.desk.enter(name, self.headers, body)
        if rule.get("hold"):
            self.desk.wait_while_held(rule_name)
        if rule.get("delay"):
            time.sleep(rule["delay"])
        if rule.get("drip"):
            self._drip()
        elif rule.get("cut"):
            self.close_connection = True
        elif "status" in rule and _attempt(self.headers) <= rule.get("times", 1_000_000):
            self._answer(rule["status"], {"error": "not now"})
        else:
            self._answer(200, {"step": name, "row": body.get("row"), "token": f"{name}-{body.get('row')}"})

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        with contextlib.suppress(OSError):  # the caller may be gone: that is what these tests are about
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        pass


def _attempt(headers: Any) -> int:
    return int(headers["Idempotency-Key"].rsplit(".", 1)[1])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        pass  # a caller that was killed


@dataclass(frozen=True)
class Effect:
    """One request the service was sent. `at` is the time of day in seconds."""

    run: str
    key: str
    alias: str
    row: Any
    body: Any
    at: float


class Service:
    """The tests' side."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port

    def journal(self) -> list[Effect]:
        """Everything that was asked of it, in order."""
        return [Effect(**entry) for entry in self._tell("journal", {})]

    def by_key(self) -> dict[str, list[Effect]]:
        found = defaultdict(list)
        for effect in self.journal():
            found[effect.key].append(effect)
        return dict(found)

    def arrivals(self, alias: str, row: Any = None) -> int:
        return sum(item.alias == alias and (row is None or item.row == row) for item in self.journal())

    def rule(self, name: str, **rule: Any) -> None:
        self._tell("rules", {name: rule})

    def release(self, *names: str) -> None:
        """Let what is held by the named rules go on, by all of them when none is named."""
        self._tell("release", {"names": names})

    def _tell(self, what: str, said: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/control/{what}", json.dumps(said).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextlib.contextmanager
def start_service() -> Iterator[Service]:
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Service(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()


def serve() -> None:
    _Front.desk = _Desk()
    server = _Server(("127.0.0.1", 0), _Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve()
