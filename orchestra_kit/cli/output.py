"""What commands print: text for people, or with `--json` one JSON document and nothing else on standard output."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from orchestra_kit.errors import EXIT_CANNOT_JUDGE, OrchestraError

Function = TypeVar("Function", bound=Callable[..., Any])

SIGNS = {
    "PASSED": "✓",
    "FAILED": "✗",
    "FAILED_STUCK": "✗",
    "FLAKY": "~",
    "SKIPPED": "–",
    "CANCELLED": "⊘",
}


class Failed(Exception):
    """The command has said all there is to say and leaves with this exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def json_option(function: Function) -> Function:
    """Add `--json` to a command."""
    option = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else on standard output.")
    decorated: Function = option(function)
    return decorated


def speak_always() -> None:
    """Let no character stop an answer: what the terminal's encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: Any, *, line: bool = False) -> None:
    """Print one JSON document, in one line when it is one of many."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(value, ensure_ascii=encoding != "utf8", indent=None if line else 2, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, as in a file name that is not UTF-8
        text = json.dumps(value, indent=None if line else 2, default=str)
    click.echo(text)


def say(text: str = "") -> None:
    """Tell a person how it goes, on standard error."""
    click.echo(text, err=True)


def print_table(rows: Iterable[Sequence[object]], *, header: Sequence[str]) -> None:
    """Print rows as aligned columns."""
    cells = [list(header), *([_cell(item) for item in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for number, row in enumerate(cells):
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            click.echo("  ".join("-" * width for width in widths))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return " ".join(str(value).split())


def sign_of(status: str) -> str:
    """Return a sign and the word for a status: never colour alone."""
    return f"{SIGNS.get(status, '·')} {status}"


def report_error(error: OrchestraError, *, as_json: bool, exit_code: int | None = None) -> int:
    """Print an error in one line (and as JSON when asked), and return the exit code."""
    code = error.exit_code if exit_code is None else exit_code
    if as_json:
        place = error.place
        detail = {
            "type": type(error).__name__,
            "message": " ".join(error.message.split()),
            "hint": error.hint,
            "file": place.file if place else None,
            "line": place.line if place else None,
            "field": place.field if place else None,
        }
        print_json({"ok": False, "error": {key: value for key, value in detail.items() if value is not None}})
    click.echo(f"orchestra: {' '.join(str(error).split())}", err=True)
    return code


def report_crash(error: BaseException, *, as_json: bool) -> int:
    """Write the traceback of a defect of ours to a file and tell its name."""
    handle, path = tempfile.mkstemp(prefix="orchestra-crash-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"orchestra {' '.join(sys.argv[1:])}\n\n")
        traceback.print_exception(error, file=file)
    summary = " ".join(str(error).split())[:200]
    known = OrchestraError(
        f"this is a defect of Orchestra ({type(error).__name__}: {summary}).", hint=f"Please send us {path}."
    )
    return report_error(known, as_json=as_json, exit_code=EXIT_CANNOT_JUDGE)
