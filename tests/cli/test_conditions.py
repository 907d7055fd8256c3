"""Path conditions through the command: plans with data and conflicts, suites generated with what was found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("z3", reason="the extra `solver` is not installed")

from branching_service import PROCESSES
from command_line import CommandLine, Write

_OPENAPI: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "loans", "version": "1"},
    "paths": {
        "/loans": {
            "post": {
                "operationId": "askLoan",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "properties": {"amount": {"type": "integer"}}}
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "properties": {"score": {"type": "integer"}}}
                            }
                        },
                    }
                },
            }
        }
    },
}
_BPMN = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t"><process id="Loans" isExecutable="true">
<startEvent id="s"/><sequenceFlow id="in" sourceRef="s" targetRef="ask"/>
<serviceTask id="ask" name="Ask loan"/><sequenceFlow id="asked" sourceRef="ask" targetRef="x1"/>
<exclusiveGateway id="x1" default="low"/>
<sequenceFlow id="high" sourceRef="x1" targetRef="x2"><conditionExpression xsi:type="tFormalExpression">= amount > 1000 and score >= 600</conditionExpression></sequenceFlow>
<sequenceFlow id="low" sourceRef="x1" targetRef="x2"/>
<exclusiveGateway id="x2" default="rest"/>
<sequenceFlow id="tiny" sourceRef="x2" targetRef="e1"><conditionExpression xsi:type="tFormalExpression">= amount &lt; 10</conditionExpression></sequenceFlow>
<sequenceFlow id="rest" sourceRef="x2" targetRef="e2"/>
<endEvent id="e1"/><endEvent id="e2"/></process></definitions>"""


def _project(write: Write, **further: Any) -> Path:
    write("loans.bpmn", _BPMN)
    write("loans.json", _OPENAPI)
    project = {
        "version": 1,
        "suite": "loans",
        "process": "loans.bpmn",
        "specs": {"loans": "loans.json"},
        "elements": {"ask": {"operation": "loans.askLoan", "input": {"body": {"amount": "{{ data.amount }}"}}}},
        **further,
    }
    return write("orchestra.yaml", project)


def test_a_plan_with_conditions_tells_both_sizes_and_the_conflict(orchestra: CommandLine) -> None:
    found = orchestra.json("suite", "plan", PROCESSES / "juel-gross.bpmn", "--conditions")
    (process,) = found["conditions"]
    assert (process["structuralSize"], process["feasibleSize"]) == (2, 2)
    assert found["suite"]["feasibleSize"] == 2
    conflict = process["infeasible"][0]["conflict"]
    assert {item["flow"] for item in conflict} == {"high", "net_high"}
    assert all(item["line"] for item in conflict)
    assert process["infeasible"][0]["computed"] == ["gross = ${net * 2}"]
    assert {item["name"]: item["class"] for item in process["variables"]} == {"gross": "unbound", "net": "unbound"}
    statuses = {item["key"]: item["feasibility"] for item in found["containers"][0]["scenarios"]}
    assert "infeasible" in statuses.values()


def test_a_plan_in_words_names_data_conflicts_and_assumptions(orchestra: CommandLine) -> None:
    said = orchestra("suite", "plan", PROCESSES / "feel-shadowed.bpmn", "--conditions").out
    assert "3 scenarios by structure, 2 that data can drive" in said
    assert "no data can drive it" in said and "many (line" in said
    assert "the first in the document wins" in said
    said = orchestra("suite", "plan", PROCESSES / "feel-stock.bpmn", "--conditions").out
    assert "the system has to answer stock = 10 at t1" in said and "stock: observed" in said


def test_a_condition_that_is_not_read_is_left_to_the_user(orchestra: CommandLine, write: Write) -> None:
    file = write("code.bpmn", _BPMN.replace("= amount &lt; 10", "${service.isTiny(amount)}"))
    found = orchestra.json("suite", "plan", file, "--conditions")["conditions"][0]
    (unread,) = found["unreadable"]
    assert (unread["flow"], unread["line"] is not None) == ("tiny", True) and "isTiny" in unread["reason"]
    assert all("tiny" in item["unread"] for item in found["scenarios"])
    assert "left to you: tiny" in orchestra("suite", "plan", file, "--conditions").out


def test_without_a_solver_the_command_says_what_to_install() -> None:
    program = f"import sys; sys.modules['z3'] = None\nfrom orchestra_kit.cli import main\nmain(['suite', 'plan', {str(PROCESSES / 'feel-dead.bpmn')!r}, '--conditions'])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert run.returncode == 3 and "pip install 'orchestra_kit[solver]'" in run.stderr and "Traceback" not in run.stderr


def test_generated_scenarios_get_the_data_their_paths_need(orchestra: CommandLine, write: Write) -> None:
    made = orchestra.json("suite", "generate", _project(write))
    told = made["conditions"]
    classes = {item["name"]: item["class"] for item in told["variables"]}
    assert classes == {"amount": "controlled", "score": "observed"}
    assert told["structuralSize"] == 2 and told["feasibleSize"] == len(made["scenarios"])
    data = {tuple(item["path"][2:]): item["data"] for item in made["scenarios"]}
    assert data["high", "rest"]["amount"] > 1000
    assert data["low", "tiny"]["amount"] < 10
    assert all("score" not in values for values in data.values())
    (high,) = told["expects"]  # where the amount is small, the score does not matter
    assert told["expects"][high][0]["at"] == "ask" and told["expects"][high][0]["provoke"]


def test_data_around_the_limits_is_stored_for_each_scenario(orchestra: CommandLine, write: Write) -> None:
    made = orchestra.json("suite", "generate", _project(write))
    assert made["dataSets"]
    stored = {item["name"]: item for item in orchestra.json("data", "list")}
    assert set(made["dataSets"]) <= set(stored)
    for name in made["dataSets"]:
        rows = stored[name]["data"]["rows"]
        assert rows[0]["key"] == "base" and stored[name]["scope"] == "SCENARIO"
    again = orchestra.json("suite", "generate", _project(write))
    assert again["dataSets"] == made["dataSets"]
    assert [item["version"] for item in again["scenarios"]] == [1] * len(again["scenarios"])


def test_what_the_project_says_is_never_overwritten(orchestra: CommandLine, write: Write) -> None:
    project = _project(write, data={"amount": 5000}, flows={"tiny": {"data": {"amount": 3}}})
    made = orchestra.json("suite", "generate", project)
    data = {item["path"][-1]: item["data"]["amount"] for item in made["scenarios"]}
    assert data["tiny"] == 3 and data["rest"] == 5000


def test_a_path_no_data_can_drive_is_replaced_and_told(orchestra: CommandLine, write: Write) -> None:
    write("loans.bpmn", _BPMN)
    project = _project(write)
    changed = _BPMN.replace("= amount &lt; 10", "= amount > 1000 and amount &lt; 10")
    write("loans.bpmn", changed)
    made = orchestra.json("suite", "generate", project)
    assert all("tiny" not in item["path"] for item in made["scenarios"])
    assert "tiny" in made["uncovered"]
    assert made["conditions"]["infeasible"]
    said = orchestra("suite", "generate", project).out
    assert "no data can drive" in said and "uncovered: tiny" in said


def test_without_a_solver_a_suite_is_generated_all_the_same(
    orchestra: CommandLine, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    monkeypatch.delitem(sys.modules, "orchestra_kit.solver.z3_solver", raising=False)
    made = orchestra.json("suite", "generate", _project(write))
    assert len(made["scenarios"]) == 2 and made["dataSets"] == []
    assert "pip install 'orchestra_kit[solver]'" in made["conditions"]["note"]
    assert "pip install 'orchestra_kit[solver]'" in orchestra("suite", "generate", _project(write)).out


def test_the_doctor_names_the_solver(orchestra: CommandLine) -> None:
    checks = {item["name"]: item for item in orchestra.json("doctor")["checks"]}
    assert checks["solver (z3)"]["state"] == "ok"
