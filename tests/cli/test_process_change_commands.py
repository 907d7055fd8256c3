"""`process diff` and `suite check` from the outside: what they print, their JSON, their exit codes."""

from __future__ import annotations

import shutil
from pathlib import Path

from command_line import CommandLine
from order_shop import PROJECT

PROCESS = PROJECT.parent / "orders.bpmn"


def changed(tmp_path: Path, *replacements: tuple[str, str]) -> Path:
    text = PROCESS.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "changed.bpmn"
    path.write_text(text, encoding="utf-8")
    return path


WITHOUT_APPROVAL = (
    ('<sequenceFlow id="Flow_Large" name="large" sourceRef="Gate_Large" targetRef="Task_Approve"/>', ""),
    ('<serviceTask id="Task_Approve" name="Approve order"/>', ""),
    ('<sequenceFlow id="Flow_Approved" sourceRef="Task_Approve" targetRef="End_Done"/>', ""),
)


def test_process_diff(orchestra: CommandLine, tmp_path: Path) -> None:
    assert orchestra.done("process", "diff", PROCESS, PROCESS).out == "no difference\n"
    new = changed(tmp_path, ("Approve order", "Release order"))
    found = orchestra.json("process", "diff", PROCESS, new)
    assert found["counts"] == {"renamed": 1}
    assert found["changes"][0] | {"line": 0} == {
        "kind": "renamed", "element": "Task_Approve", "type": "serviceTask", "name": "Release order",
        "old": "Approve order", "new": "Release order", "line": 0,
    }  # fmt: skip
    assert "renamed: serviceTask 'Release order'" in orchestra.done("process", "diff", PROCESS, new).out


def test_process_diff_of_a_file_that_cannot_be_read(orchestra: CommandLine, tmp_path: Path) -> None:
    empty = tmp_path / "empty.bpmn"
    empty.write_bytes(b"")
    assert "cannot be compared" in orchestra.done("process", "diff", PROCESS, empty, code=2).err
    assert "there is no file" in orchestra.done("process", "diff", PROCESS, tmp_path / "none.bpmn", code=2).err


def test_suite_check(ready: CommandLine, tmp_path: Path) -> None:
    same = ready.json("suite", "check", PROJECT)
    assert same["counts"] == {"valid": 2, "moved": 0, "broken": 0}
    assert same["changes"] == [] and same["restoration"]["size"] == 0
    new = changed(tmp_path, *WITHOUT_APPROVAL)
    found = ready.json("suite", "check", "orders", "--model", new, code=1)
    assert found["counts"] == {"valid": 1, "moved": 0, "broken": 1}
    (broken,) = [item for item in found["scenarios"] if item["verdict"] == "broken"]
    assert broken["troubles"][0]["element"] == "Task_Approve"
    said = ready.done("suite", "check", "orders", "--model", new, code=1)
    assert "plays, is gone" in said.out and "not every scenario still runs" in said.err


def test_suite_check_proposes_what_restores_coverage(ready: CommandLine, tmp_path: Path) -> None:
    way = (
        '<endEvent id="Refused"/><sequenceFlow id="Flow_Refused" sourceRef="Gate_Large" targetRef="Refused"/></process>'
    )
    new = changed(tmp_path, ("</process>", way))
    found = ready.json("suite", "check", "orders", "--model", new)
    assert found["counts"] == {"valid": 2, "moved": 0, "broken": 0}
    restoration = found["restoration"]
    assert (restoration["size"], restoration["lowerBound"], restoration["gap"]) == (1, 1, 0)
    assert restoration["scenarios"][0]["path"][-1] == "Flow_Refused"
    assert "1 new scenario" in ready.done("suite", "check", "orders", "--model", new).out


def test_suite_check_of_a_project_whose_process_was_edited(ready: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(PROJECT.parent, folder)
    (folder / "orders.bpmn").write_bytes(changed(tmp_path, *WITHOUT_APPROVAL).read_bytes())
    assert ready.json("suite", "check", folder / "orchestra.yaml", code=1)["counts"]["broken"] == 1
    assert ready.json("suite", "check", folder, code=1)["counts"]["broken"] == 1


def test_suite_check_of_an_unknown_suite(ready: CommandLine) -> None:
    assert "no suite" in ready.done("suite", "check", "nothing", code=2).err.lower()
