"""`orchestra suite plan --html`: the page is written whole, beside the usual answer."""

from __future__ import annotations

from pathlib import Path

from command_line import CommandLine
from order_shop import PROJECT

PROCESS = PROJECT.parent / "orders.bpmn"


def test_the_page_shows_the_plan_that_is_printed(orchestra: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "plan.html"
    found = orchestra.json("suite", "plan", PROCESS, "--html", out)
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    for item in found["containers"][0]["scenarios"]:
        assert item["key"] in page
    assert "no single run can take two of them" in page
    assert len(page.encode()) < 1_000_000


def test_a_page_that_cannot_be_written_is_refused_before_planning(orchestra: CommandLine, tmp_path: Path) -> None:
    said = orchestra.done("suite", "plan", PROCESS, "--html", tmp_path, code=2).err
    assert "it is a folder" in said


def test_a_missing_folder_is_named_and_not_made(orchestra: CommandLine, tmp_path: Path) -> None:
    said = orchestra.done("suite", "plan", PROCESS, "--html", tmp_path / "missing" / "plan.html", code=2).err
    assert f"there is no folder '{tmp_path / 'missing'}'" in said
    assert list(tmp_path.iterdir()) == []


def test_additions_of_no_scenario_are_in_the_answer_and_not_in_the_text(orchestra: CommandLine, tmp_path: Path) -> None:
    process = tmp_path / "rows.bpmn"
    process.write_text(
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"><startEvent id="s"/>'
        '<inclusiveGateway id="split"/>'
        '<task id="a"><multiInstanceLoopCharacteristics><loopCardinality>1</loopCardinality>'
        '</multiInstanceLoopCharacteristics></task><task id="b"/><inclusiveGateway id="join"/><endEvent id="e"/>'
        + "".join(
            f'<sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}"/>'
            for number, (source, target) in enumerate(
                [("s", "split"), ("split", "a"), ("split", "b"), ("a", "join"), ("b", "join"), ("join", "e")]
            )
        )
        + "</process></definitions>",
        encoding="utf-8",
    )
    (container,) = orchestra.json("suite", "plan", process)["containers"]
    counts = {(item["kind"], item["of"]): item["count"] for item in container["additions"]}
    assert counts == {("instances", "a"): 0, ("rows", "split"): 3}
    printed = orchestra.done("suite", "plan", process).out
    assert "+ 2 for rows split" in printed and "for instances a" not in printed


def test_reasons_end_with_one_full_stop(orchestra: CommandLine, tmp_path: Path) -> None:
    text = tmp_path / "x.bpmn"
    text.write_text("{}", encoding="utf-8")
    for command in (("suite", "plan", text), ("process", "diff", text, text)):
        said = orchestra.done(*command, code=2).err
        assert "NOT_XML: the file is not XML" in said and ".." not in said.replace(str(text), "")
