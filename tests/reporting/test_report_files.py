"""Report files are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestra_kit.errors import DefinitionError
from orchestra_kit.reporting import write_html, write_json, write_junit
from orchestra_kit.reporting.files import write_whole
from orchestra_kit.reporting.report import SuiteReport

WRITERS = [write_html, write_junit, write_json]


@pytest.mark.parametrize("write", WRITERS)
def test_parent_folders_are_made_and_no_part_is_left(
    report: SuiteReport, tmp_path: Path, write: Callable[[SuiteReport, Path], Path]
) -> None:
    target = tmp_path / "new" / "folder" / "report.out"
    assert write(report, target) == target
    assert target.stat().st_size > 1000
    assert [item.name for item in target.parent.iterdir()] == ["report.out"]


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    write_whole(target, "new ✓")
    assert target.read_text(encoding="utf-8") == "new ✓"


def test_a_new_report_is_as_readable_as_any_new_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("")
    assert write_whole(tmp_path / "report", "x").stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("write", WRITERS)
def test_a_place_that_cannot_be_written_is_named_in_one_sentence(
    report: SuiteReport, tmp_path: Path, write: Callable[[SuiteReport, Path], Path]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DefinitionError, match="cannot write the report") as caught:
        write(report, tmp_path / "file" / "report.html")
    assert caught.value.place is not None and str(caught.value.place.file).endswith("report.html")
    assert caught.value.exit_code == 2


def test_a_folder_is_no_report_file(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="it is a folder"):
        write_whole(tmp_path, "x")


def test_a_null_character_in_a_path_is_an_error_for_people() -> None:
    with pytest.raises(DefinitionError, match="cannot write the report"):
        write_whole("a\x00b", "x")


def test_a_write_that_breaks_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(DefinitionError, match="no space left"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]
