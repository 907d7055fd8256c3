"""Reports as files: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestra_kit.errors import DefinitionError, Place
from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.reporting.html import render_html
from orchestra_kit.reporting.json_report import render_json
from orchestra_kit.reporting.junit import render_junit
from orchestra_kit.reporting.plan import render_plan
from orchestra_kit.reporting.report import SuiteReport


def write_html(report: SuiteReport, path: str | Path) -> Path:
    """Write the HTML report and return its path."""
    return write_whole(path, render_html(report))


def write_junit(report: SuiteReport, path: str | Path) -> Path:
    """Write the JUnit report and return its path."""
    return write_whole(path, render_junit(report))


def write_json(report: SuiteReport, path: str | Path) -> Path:
    """Write the JSON report and return its path."""
    return write_whole(path, render_json(report))


def write_plan(plan: Mapping[str, Any], graph: ControlFlowGraph, path: str | Path) -> Path:
    """Write the HTML page of a plan and return its path."""
    return write_whole(path, render_plan(plan, graph))


def write_whole(path: str | Path, text: str) -> Path:
    """Put text at a path in one step, making parent folders; raise DefinitionError when that cannot be."""
    target = Path(path)
    try:
        data = text.encode("utf-8", errors="replace")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(21, "it is a folder", str(target))
        _replace(target, data)
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise DefinitionError(
            f"cannot write the report: {reason.lower()}.",
            place=Place(file=str(path)),
            hint="Name a file in a folder you may write to.",
        ) from error
    return target


def _replace(target: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.chmod(_mode_of_new_files())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _mode_of_new_files() -> int:
    """A temporary file is for its owner alone; the finished one is as readable as any other new file."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
