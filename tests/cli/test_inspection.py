"""Commands without a database: inspect and plan, with exactly the JSON they promise."""

from __future__ import annotations

import json

from command_line import CommandLine
from order_shop import PROJECT

PROCESS = PROJECT.parent / "orders.bpmn"


def test_process_inspect(orchestra: CommandLine) -> None:
    (found,) = [json.loads(line) for line in orchestra.done("process", "inspect", PROCESS, "--json").out.splitlines()]
    assert {name: found[name] for name in ("file", "ok", "sourceType", "nodes", "flows", "processes")} == {
        "file": str(PROCESS), "ok": True, "sourceType": "BPMN", "nodes": 5, "flows": 5,
        "processes": [{"id": "Process_Orders", "name": "Orders", "nodes": 5, "flows": 5}],
    }  # fmt: skip
    for item in found["diagnostics"]:
        assert set(item) == {"severity", "code", "elementId", "line", "message"}
    assert "Process_Orders" in orchestra.done("process", "inspect", PROCESS).out


def test_spec_inspect(orchestra: CommandLine) -> None:
    path = PROJECT.parent / "openapi.yaml"
    found = json.loads(orchestra.done("spec", "inspect", path, "--json").out)
    assert (found["file"], found["ok"], found["protocol"]) == (str(path), True, "HTTP_REST")
    assert found["operations"][0] == {
        "endpointName": "placeOrder", "method": "POST", "path": "/orders", "summary": "Place an order"
    }  # fmt: skip
    assert "placeOrder" in orchestra.done("spec", "inspect", path).out


def test_suite_plan(orchestra: CommandLine) -> None:
    found = orchestra.json("suite", "plan", PROCESS)
    assert set(found) >= {"file", "containers", "suite"}
    (container,) = found["containers"]
    assert set(container) >= {
        "process", "container", "criterion", "size", "lowerBound", "certificate", "scenarios", "additions", "unreachable"
    }  # fmt: skip
    assert found["suite"] == {"size": 2, "lowerBound": 2, "gap": 0}
    assert sorted(item["path"][-1] for item in container["scenarios"]) == ["Flow_Approved", "Flow_Small"]
    assert orchestra.json("suite", "plan", PROCESS, "--criterion", "node")["suite"]["size"] == 1
    assert "lower bound 2" in orchestra.done("suite", "plan", PROCESS).out
    assert "'Process_Orders'" in orchestra.done("suite", "plan", PROCESS, "--process", "Process_Order", code=2).err


def test_no_database_is_touched(orchestra: CommandLine) -> None:
    away = {"ORCHESTRA_DATABASE_URL": "postgresql://x@127.0.0.1:9/x", "ORCHESTRA_HOME": "/dev/null/none"}
    for arguments in (("process", "inspect", PROCESS), ("suite", "plan", PROCESS), ("schema", "Violation")):
        assert orchestra(*arguments, **away).code == 0
