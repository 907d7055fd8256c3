"""What a notebook cell calls: `connect`, `step`, `summary`. Standard library only: it loads in every kernel's start.

A kernel does nothing to the systems under test. It asks its worker to do a step and gets the redacted result. It knows no
login, no secret and no address but the one socket of its own run.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestra_kit.notebook.wire import GRANT_NAME, REPLY_LIMIT, WireError, receive_message, send_message

HOW_TO_CONNECT = (
    "No worker is connected to this notebook, so its steps cannot run here. To run the scenario durably: "
    "orchestra suite run SUITE --env ENVIRONMENT --executor notebook. To work on it by hand: %load_ext orchestra_kit."
)


class NotebookStop(Exception):
    """Ends the walk of the cells with one clean line instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class NotConnected(NotebookStop):
    """No worker listens to this notebook."""


class StepFailed(NotebookStop):
    """A step failed and the run ends with it."""


class RunStopped(NotebookStop):
    """The run is over for this notebook: cancelled, taken over by another worker, or past its last step."""


class StepRefused(NotebookStop):
    """The worker does not do what was asked."""


class StepView:
    """What became of one step, to read in later cells. It draws itself as a table."""

    def __init__(self, outcome: Mapping[str, Any]) -> None:
        self.result: dict[str, Any] = outcome["result"]
        self.replayed: bool = outcome["replayed"]
        self.go_on: bool = outcome["goOn"]

    @property
    def alias(self) -> str:
        """The step's alias."""
        return str(self.result["stepAlias"])

    @property
    def status(self) -> str:
        """PASSED, FAILED, FLAKY or SKIPPED."""
        return str(self.result["status"])

    @property
    def passed(self) -> bool:
        """True for PASSED, and for FLAKY, which passed after a retry."""
        return self.status in ("PASSED", "FLAKY")

    @property
    def violations(self) -> list[dict[str, Any]]:
        """What was not as expected."""
        return list(self.result.get("violations") or ())

    @property
    def request(self) -> dict[str, Any]:
        """What was sent, redacted."""
        return dict(self.result.get("request") or {})

    @property
    def response(self) -> dict[str, Any]:
        """What came back, as expressions see it: {status, headers, body} of HTTP, {rows, count} of a database."""
        for name in ("dbResult", "kafkaMessage", "queueMessage"):
            if self.result.get(name) is not None:
                return dict(self.result[name])
        return {
            "status": self.result.get("actualStatusCode"),
            "headers": self.result.get("responseHeaders") or {},
            "body": self.result.get("responseBody"),
        }

    @property
    def settling_time_ms(self) -> int | None:
        """How long an eventual effect took to be seen."""
        return self.result.get("settlingTimeMs")

    def __repr__(self) -> str:
        from orchestra_kit.notebook.kernel_display import step_text

        return step_text(self)

    def _repr_html_(self) -> str:
        from orchestra_kit.notebook.kernel_display import step_html

        return step_html(self)


class Summary:
    """The steps this kernel has seen so far."""

    def __init__(self, views: list[StepView], aliases: list[str]) -> None:
        self.views, self.aliases = views, aliases

    def __repr__(self) -> str:
        from orchestra_kit.notebook.kernel_display import summary_text

        return summary_text(self)

    def _repr_html_(self) -> str:
        from orchestra_kit.notebook.kernel_display import summary_html

        return summary_html(self)


class WorkerLink:
    """The connection of this kernel to its worker, for one run under one lease."""

    def __init__(self, grant: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
        self.overrides = dict(overrides)
        self.seen: dict[str, StepView] = {}
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(grant["socket"])
        hello = {key: grant[key] for key in ("token", "runId", "leaseEpoch")}
        welcome = self._ask(hello)
        self.aliases: list[str] = welcome["aliases"]

    def step(self, alias: str, overrides: Any) -> StepView:
        """Have the worker do one step; raise StepFailed when the run ends with it."""
        if overrides is None:
            overrides = self.overrides.get(alias)
        outcome = self._ask({"execute": alias, "overrides": overrides})
        view = StepView(outcome)
        self.seen[alias] = view
        if view.go_on or (view.passed and outcome["last"]):
            return view
        _show(view)
        if view.passed:
            raise RunStopped("the run ends here: it was cancelled, or its mode runs no further step.")
        first = view.violations[0]["message"] if view.violations else "no violation was given"
        raise StepFailed(f"step '{alias}' failed and the run stops here: {first}")

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            send_message(self._connection, request)
            reply = receive_message(self._connection, limit=REPLY_LIMIT)
        except (OSError, WireError) as problem:
            raise RunStopped(f"the connection to the worker broke ({problem}).") from None
        if reply is None:
            raise RunStopped("the worker closed the connection; the run goes on from its last recorded step.")
        error = reply.get("error")
        if error is None:
            return reply
        raise (RunStopped if error["kind"] == "stopped" else StepRefused)(error["message"])


_link: WorkerLink | None = None


def connect(overrides: Mapping[str, Any] | None = None) -> None:
    """Connect this kernel to the worker that started it, once; without one, say what to do.

    `overrides` maps a step alias to input that replaces what the scenario gives.
    """
    global _link
    if _link is not None:
        _link.overrides = dict(overrides or {})
        return
    grant = _take_grant()
    if grant is None:
        print(HOW_TO_CONNECT)
        return
    _link = WorkerLink(grant, overrides or {})
    print(f"Connected: run {grant['runId']}, {len(_link.aliases)} steps.")


def step(alias: str, *, overrides: Any = None) -> StepView:
    """Run one step of the scenario, or replay what is recorded of it, and return what became of it.

    A step the run ends with is shown before StepFailed ends the notebook.
    """
    if _link is None:
        raise NotConnected(HOW_TO_CONNECT)
    return _link.step(alias, overrides)


def summary() -> Summary:
    """Return a table of the steps so far."""
    if _link is None:
        raise NotConnected(HOW_TO_CONNECT)
    return Summary(list(_link.seen.values()), _link.aliases)


def _take_grant() -> dict[str, Any] | None:
    path = Path.home() / GRANT_NAME
    try:
        text = path.read_text(encoding="utf-8")
        path.unlink()
    except OSError:
        return None
    grant: dict[str, Any] = json.loads(text)
    return grant


def _show(view: StepView) -> None:
    if "IPython" not in sys.modules:
        return
    import IPython.display as untyped

    show: Any = untyped.display
    if sys.modules["IPython"].get_ipython() is not None:
        show(view)
