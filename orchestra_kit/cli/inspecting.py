"""The frame of the `inspect` commands: one answer a file, exit code 2 when one of them cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from orchestra_kit.cli.output import Failed, print_json, say
from orchestra_kit.errors import EXIT_WRONG_USE


def inspect_files(
    files: Iterable[str],
    inspect: Callable[[Path], dict[str, Any]],
    *,
    as_json: bool,
    summary: Callable[[dict[str, Any]], str],
    details: Callable[[dict[str, Any]], Iterator[str]],
) -> None:
    """Print the answer for each file: a JSON line, or a line with its details below; raise Failed after the last."""
    usable = True
    for file in files:
        found = inspect(Path(file))
        usable = usable and bool(found["ok"])
        if as_json:
            print_json(found, line=True)
            continue
        click.echo(f"{'✓' if found['ok'] else '✗'} {file}: {summary(found)}")
        for line in details(found):
            click.echo(f"    {line}")
    if not usable:
        say("orchestra: not every file can be used.")
        raise Failed(EXIT_WRONG_USE)
