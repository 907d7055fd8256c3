"""Runs afterwards: list, show, report, resume from a step, cancel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, Write

INLINE = ("--env", "test", "--executor", "inline")


@pytest.fixture
def failed(ready: CommandLine, write: Write) -> dict[str, Any]:
    """A run of the long scenario that failed at its first step."""
    ready.done("data", "import", write("b.yaml", "name: broken\nrows: [{key: b, item: broken}]\n"))
    key = next(item["key"] for item in ready.json("scenario", "list", "orders") if len(item["steps"]) == 3)
    said = ready.json("suite", "run", f"orders/{key}", *INLINE, "--data", "broken", code=1)
    return dict(said["runs"][0])


@pytest.fixture
def passed(ready: CommandLine) -> dict[str, Any]:
    """A run of the long scenario that passed."""
    key = next(item["key"] for item in ready.json("scenario", "list", "orders") if len(item["steps"]) == 3)
    return dict(ready.json("suite", "run", f"orders/{key}", *INLINE)["runs"][0])


def test_list_and_show(ready: CommandLine, failed: dict[str, Any]) -> None:
    assert [item["id"] for item in ready.json("run", "list")] == [failed["id"]]
    assert ready.json("run", "list", "--status", "PASSED") == []
    assert "'FAILED'" in ready.done("run", "list", "--status", "failed", code=2).err
    shown = ready.json("run", "show", failed["id"])
    assert (shown["status"], shown["dataRowKey"], shown["executor"]) == ("FAILED", "b", "inline")
    assert [(step["stepAlias"], step["status"]) for step in shown["steps"]] == [
        ("place", "FAILED"), ("order_row", "SKIPPED"), ("approve", "SKIPPED")
    ]  # fmt: skip
    assert shown["steps"][0]["violations"][0]["type"] == "HTTP_ERROR"
    text = ready.done("run", "show", failed["id"]).out
    assert "✗ FAILED" in text
    assert failed["id"] in ready.done("run", "list").out


def test_a_report_of_a_run_and_of_its_suite_run(ready: CommandLine, failed: dict[str, Any], tmp_path: Path) -> None:
    shown = ready.json("run", "show", failed["id"])
    for identifier in (failed["id"], shown["suiteRunId"]):
        report = ready.json("report", identifier)
        assert report["exitCode"] == 1
        target = tmp_path / f"{identifier}.html"
        answer = ready.done("report", identifier, "--html", target, "--junit", tmp_path / "j.xml")
        assert str(target) in answer.out
        assert target.stat().st_size < 1_000_000
    ready.done("report", failed["id"], "--html", tmp_path, code=2)
    assert "no run 'nothing'" in ready.done("report", "nothing", code=2).err


def test_from_step_reuses_what_was_done_before(ready: CommandLine, passed: dict[str, Any]) -> None:
    again = ready.json("run", "resume", passed["id"], "--from-step", "approve")
    assert (again["status"], again["mode"], again["sourceRunId"]) == ("PASSED", "FROM_STEP", passed["id"])
    steps = {step["stepAlias"]: step for step in ready.json("run", "show", again["id"])["steps"]}
    assert {alias: step["originRunId"] == passed["id"] for alias, step in steps.items()} == {
        "place": True, "order_row": True, "approve": False
    }  # fmt: skip
    original = {step["stepAlias"]: step for step in ready.json("run", "show", passed["id"])["steps"]}
    assert steps["place"]["responseBody"] == original["place"]["responseBody"]


def test_a_single_step_runs_alone(ready: CommandLine, passed: dict[str, Any]) -> None:
    again = ready.json("run", "resume", passed["id"], "--single-step", "approve")
    assert (again["status"], again["mode"]) == ("PASSED", "SINGLE_STEP")
    own = [step for step in ready.json("run", "show", again["id"])["steps"] if step["originRunId"] == again["id"]]
    assert [step["stepAlias"] for step in own] == ["approve"]


def test_wrong_resumes_are_told(ready: CommandLine, passed: dict[str, Any]) -> None:
    run = passed["id"]
    assert "'approve'" in ready.done("run", "resume", run, "--from-step", "aprove", code=2).err
    assert "exclude" in ready.done("run", "resume", run, "--from-step", "place", "--single-step", "place", code=2).err
    assert "PASSED" in ready.done("run", "resume", run, code=2).err
    assert "nothing" in ready.done("run", "resume", "nothing", code=2).err
    assert len(ready.json("run", "list")) == 1


def test_a_run_under_way_cannot_be_gone_on_from(ready: CommandLine) -> None:
    said = ready.json("suite", "run", "orders", "--env", "test", "--no-wait")
    run = said["suiteRuns"][0]["runs"][0]["id"]
    assert "still PENDING" in ready.done("run", "resume", run, "--from-step", "place", code=2).err


def test_cancel(ready: CommandLine, passed: dict[str, Any]) -> None:
    said = ready.json("suite", "run", "orders", "--env", "test", "--no-wait")
    first, second = (run["id"] for run in said["suiteRuns"][0]["runs"])
    assert ready.json("run", "cancel", first) == {"id": first, "status": "CANCELLED"}
    assert ready.json("run", "cancel", first)["status"] == "CANCELLED"
    assert ready.json("run", "cancel", said["suiteRuns"][0]["id"])["status"] == "CANCELLED"
    assert ready.json("run", "show", second)["status"] == "CANCELLED"
    assert ready.json("run", "cancel", passed["id"])["status"] == "PASSED"
    assert "nothing" in ready.done("run", "cancel", "nothing", code=2).err


def test_resume_only_submits_without_a_worker(ready: CommandLine, passed: dict[str, Any]) -> None:
    submitted = ready.json("run", "resume", passed["id"], "--from-step", "place", "--no-worker")
    assert submitted["status"] == "PENDING"
    assert ready.done("run", "resume", passed["id"], "--from-step", "place", "--no-worker").out.strip() in json.dumps(
        ready.json("run", "list")
    )
