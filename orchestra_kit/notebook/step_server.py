"""The worker's side of a run's notebook: does the steps a kernel asks for, in the order of the plan and no others."""

from __future__ import annotations

import contextlib
import contextvars
import hmac
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestra_kit.errors import CannotJudgeError, DefinitionError, LeaseLostError, OrchestraError, nearest_hint
from orchestra_kit.notebook.wire import (
    HELLO_LIMIT,
    REPLY_LIMIT,
    REQUEST_LIMIT,
    WireError,
    encode_message,
    receive_message,
    send_message,
)
from orchestra_kit.spi.driver import RunSession, StepOutcome

HELLO_SECONDS = 5.0
"""How long a connection may stay silent before it has shown its token."""
LONGEST_PATH = 100
"""Bytes a socket path may have (the systems allow 104 to 108)."""


class StepServer:
    """Serves one run for as long as its driver drives. Nothing a kernel sends is believed.

    `failure` is what `run_step` raised, if anything: the driver raises it again. `finished` is true once the plan was
    walked to its end or to its stop.
    """

    def __init__(self, session: RunSession, *, path: Path, token: str) -> None:
        if len(str(path).encode()) > LONGEST_PATH:
            raise CannotJudgeError(
                f"the folder for kernels is too long for a socket ({path}).", hint="Use a shorter one."
            )
        self.failure: Exception | None = None
        self._session = session
        self._token = token
        self._path = path
        self._aliases = session.step_aliases
        self._next = 0
        self._stopped = False
        self._busy = False
        self._idle_since: float | None = None
        self._closing = threading.Event()
        self._owner: Callable[[int], bool] = lambda _: False
        self._connection: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(4)
        # The session's log fields (tenant, run) live in context variables: the serving thread shall have them too.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._serve,), name=f"steps-{session.run.id}", daemon=True
        )

    @property
    def finished(self) -> bool:
        """True once no step is left to do."""
        return self._stopped or self._next == len(self._aliases)

    @property
    def expected(self) -> str | None:
        """The alias that comes next, None when no step is left."""
        return None if self.finished else self._aliases[self._next]

    def idle_seconds(self) -> float:
        """Return for how long no step has been asked for; 0 while one is under way or the kernel boots."""
        since = self._idle_since
        return 0.0 if self._busy or since is None else time.monotonic() - since

    def count_idle(self) -> None:
        """Count idle time from now on: the kernel answers."""
        self._idle_since = time.monotonic()

    def start(self, *, owner: Callable[[int], bool]) -> None:
        """Begin to serve the processes `owner` is true of."""
        self._owner = owner
        self._thread.start()

    def close(self) -> None:
        """Take no more requests, and wait for a step under way: the engine bounds how long that takes."""
        self._closing.set()
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._wake()
            self._thread.join()
        self._listener.close()

    def _wake(self) -> None:
        # Nothing else ends a blocked `accept` on every system: closing or shutting down the listener does not.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as poke, contextlib.suppress(OSError):
            poke.setblocking(False)
            poke.connect(str(self._path))

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                self._connection = connection
                if self._closing.is_set():
                    return
                with contextlib.suppress(OSError, WireError):
                    self._serve_connection(connection)
                self._connection = None

    def _serve_connection(self, connection: socket.socket) -> None:
        connection.settimeout(HELLO_SECONDS)
        hello = receive_message(connection, limit=HELLO_LIMIT)
        if hello is None or not self._knows(hello) or not self._is_ours(connection):
            send_message(connection, _refusal("this kernel may not ask for this run's steps."))
            return
        send_message(connection, {"aliases": list(self._aliases)})
        connection.settimeout(None)
        while not self._closing.is_set():
            try:
                request = receive_message(connection, limit=REQUEST_LIMIT)
            except WireError as problem:
                # What follows a bad message cannot be told from its rest, so the connection ends with the answer.
                send_message(connection, _refusal(f"{problem}."))
                return
            if request is None or self._closing.is_set():
                return
            send_message(connection, self._answer(request))

    def _knows(self, hello: Mapping[str, Any]) -> bool:
        run = self._session.run
        token = hello.get("token")
        return (
            isinstance(token, str)
            and hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())
            and hello.get("runId") == run.id
            and hello.get("leaseEpoch") == run.lease_epoch
            and type(hello["leaseEpoch"]) is int
        )

    def _is_ours(self, connection: socket.socket) -> bool:
        if not hasattr(socket, "SO_PEERCRED"):
            return True  # no way to ask on this system; the token and the folder's mode stand alone
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        process_id, _, _ = struct.unpack("3i", raw)
        return self._owner(process_id)

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        alias = request.get("execute")
        if self.failure is not None:
            return _stop("nothing more is done here.")
        if not isinstance(alias, str) or alias not in self._aliases:
            hint = nearest_hint(str(alias)[:200], self._aliases) or ""
            return _refusal(f"this run has no step '{str(alias)[:200]}'. {hint}".strip())
        index = self._aliases.index(alias)
        if index >= self._next and self._stopped:
            return _stop(f"the run has stopped before step '{alias}'.")
        if index > self._next:
            return _refusal(f"step '{alias}' comes later: '{self._aliases[self._next]}' is next.")
        return self._run(alias, index, request.get("overrides"))

    def _run(self, alias: str, index: int, overrides: Any) -> dict[str, Any]:
        self._busy = True
        try:
            outcome = self._session.run_step(alias, overrides=overrides)
        except LeaseLostError as lost:
            self.failure = lost
            return _stop("another worker owns this run now; nothing more is done here.")
        except Exception as problem:  # noqa: BLE001 - the edge to the kernel: the driver raises it again in the worker
            self.failure = problem
            return _stop(_public_text(problem))
        finally:
            self._busy, self._idle_since = False, time.monotonic()
        if index == self._next:
            self._next += 1
            self._stopped = not outcome.go_on
        return _reply(outcome, last=index == len(self._aliases) - 1)


def _reply(outcome: StepOutcome, *, last: bool) -> dict[str, Any]:
    result = outcome.result.model_dump(mode="json", by_alias=True, exclude={"sealed"})
    reply = {"result": result, "replayed": outcome.replayed, "goOn": outcome.go_on, "last": last}
    size = len(encode_message(reply))
    if size > REPLY_LIMIT:
        note = f"{size} bytes are too many for a notebook; the run's results hold them"
        result["request"] = result["responseHeaders"] = None
        result["violations"] = [{**item, "details": {}} for item in result["violations"][:100]]
        for name in ("dbResult", "kafkaMessage", "queueMessage"):
            result[name] = {"leftOut": note} if result[name] is not None else None
        result["responseBody"] = note
    return reply


def _public_text(problem: Exception) -> str:
    """Return what a kernel may know: a definition is its user's own, the rest may name what only workers see."""
    if isinstance(problem, DefinitionError):
        return str(problem)
    if isinstance(problem, OrchestraError):
        reason = (type(problem).__doc__ or "").partition(".")[0].partition("\n")[0]
        return f"the worker cannot go on ({reason})."
    return "the worker met an unexpected error and cannot go on."


def _refusal(message: str) -> dict[str, Any]:
    return {"error": {"kind": "refused", "message": message}}


def _stop(message: str) -> dict[str, Any]:
    return {"error": {"kind": "stopped", "message": message}}
