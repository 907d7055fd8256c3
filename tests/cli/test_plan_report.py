"""`orchestra suite plan --html`: the page is written whole, beside the usual answer."""

from __future__ import annotations

from pathlib import Path

from command_line import CommandLine
from order_shop import PROJECT

PROCESS = PROJECT.parent / "orders.bpmn"


def test_the_page_shows_the_plan_that_is_printed(orchestra: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "new" / "plan.html"
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
