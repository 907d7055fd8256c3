"""`orchestra worker --processes N`: real processes that work, drain, are started again and never outlive their supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from command_line import CommandLine, Write
from order_shop import OrderShop

Found = TypeVar("Found")
SECONDS = 60.0


def until(look: Callable[[], Found], *, what: str) -> Found:
    """Return what `look` answers as soon as it is true."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited too long for {what}")


def is_alive(pid: int) -> bool:
    """True unless the process is gone, or dead and only waiting to be counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    """The worker processes of a supervisor."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(entry.parent.name))
    return sorted(found)


@contextmanager
def workers(orchestra: CommandLine, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `orchestra worker`; killed at the end if it is still there."""
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "orchestra_kit.cli", "worker", *arguments],
        env=orchestra.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    family: list[int] = []
    try:
        family = until(lambda: children_of(supervisor.pid), what="the first worker process")
        yield supervisor
    finally:
        family += children_of(supervisor.pid)
        supervisor.kill()
        supervisor.communicate()
        until(lambda: not any(is_alive(pid) for pid in family), what="the end of all workers")


@pytest.fixture
def slow(ready: CommandLine, write: Write) -> Callable[[int], Any]:
    """Submit runs whose one call takes a second."""
    key = next(item["key"] for item in ready.json("scenario", "list", "orders") if len(item["steps"]) == 2)

    def submit(count: int) -> Any:
        rows = [{"key": f"r{number}", "item": "slow", "quantity": 1} for number in range(count)]
        ready.done("data", "import", write("slow.json", {"name": "slow", "rows": rows}))
        said = ready.json(
            "suite", "run", f"orders/{key}", "--env", "test", "--executor", "inline", "--data", "slow", "--no-wait"
        )  # fmt: skip
        return said["suiteRuns"][0]

    return submit


def test_workers_elsewhere_do_what_is_submitted(ready: CommandLine) -> None:
    with workers(ready, "--processes", "2") as supervisor:
        until(lambda: len(children_of(supervisor.pid)) == 2, what="both worker processes")
        said = ready.json("suite", "run", "orders", "--env", "test", "--executor", "inline", "--no-worker")
        assert said["verdict"] == "PASSED"
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(SECONDS) == 0
    run = ready.json("run", "show", said["runs"][0]["id"])
    assert run["leaseEpoch"] == 1


def test_sigterm_lets_the_step_in_flight_end_once(
    ready: CommandLine, shop: OrderShop, slow: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T14."""
    monkeypatch.setattr(shop, "slowness", 2.0)
    shop.calls.clear()
    with workers(ready, "--processes", "1") as supervisor:
        (run,) = slow(1)["runs"]
        until(lambda: shop.running, what="the step's call")
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(SECONDS) == 0
    shown = ready.json("run", "show", run["id"])
    placed = [step for step in shown["steps"] if step["stepAlias"] == "place"]
    assert [(step["attempt"], step["status"]) for step in placed] == [(1, "PASSED")]
    assert (shown["leaseEpoch"], shown["recoveries"]) == (1, 0)
    assert [call for call in shop.calls if call[0] == "POST"] == [("POST", f"{run['id']}.place.0.1")]
    if shown["status"] != "PASSED":
        assert shown["status"] == "QUEUED", "what is left is given back, not lost"
        with workers(ready):
            until(lambda: ready.json("run", "show", run["id"])["status"] == "PASSED", what="the run's end")
    assert len([call for call in shop.calls if call[0] == "POST"]) == 1


def test_a_killed_worker_is_started_again_and_its_run_goes_on(
    ready: CommandLine, shop: OrderShop, slow: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "slowness", 1.0)
    with workers(ready, "--processes", "1", "--lease", "2") as supervisor:
        (run,) = slow(1)["runs"]
        until(lambda: shop.running, what="the step's call")
        (first,) = children_of(supervisor.pid)
        os.kill(first, signal.SIGKILL)
        until(lambda: children_of(supervisor.pid) not in ([], [first]), what="another worker process")
        shown = until(
            lambda: (found := ready.json("run", "show", run["id"]))["status"] == "PASSED" and found,
            what="the run's end",
        )
    assert (shown["leaseEpoch"], shown["recoveries"]) == (2, 1)
    steps = [(step["stepAlias"], step["attempt"]) for step in shown["steps"]]
    assert steps == [("place", 1), ("order_row", 1)]


def test_workers_end_when_their_supervisor_is_killed(ready: CommandLine) -> None:
    with workers(ready, "--processes", "2") as supervisor:
        family = until(lambda: (found := children_of(supervisor.pid))[1:] and found, what="both worker processes")
        supervisor.kill()
        supervisor.wait(SECONDS)
        until(lambda: not any(is_alive(pid) for pid in family), what="the end of all workers")
