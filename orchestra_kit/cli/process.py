"""`orchestra process`: inspect, import, list and compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from orchestra_kit.cli.inspecting import inspect_files
from orchestra_kit.cli.output import json_option, print_json, print_table


@click.group(name="process")
def command() -> None:
    """Look at and store process models (BPMN 2.0; Mermaid and PlantUML sequence diagrams)."""


@command.command()
@click.argument("files", nargs=-1, required=True)
@json_option
def inspect(files: tuple[str, ...], as_json: bool) -> None:
    """Say what is in process files: nodes, flows, processes, and every defect with its element and line."""
    from orchestra_kit.app.inspection import inspect_process_file

    inspect_files(
        files,
        inspect_process_file,
        as_json=as_json,
        summary=lambda found: f"{found['sourceType']}, {_counts(found)}",
        details=_details,
    )


def _details(found: dict[str, Any]) -> Iterator[str]:
    for process in found["processes"]:
        yield f"process {process['id']} '{process['name']}': {_counts(process)}"
    for item in found["diagnostics"]:
        where = f" {item['elementId']}" if item.get("elementId") else ""
        line = f" line {item['line']}" if item.get("line") else ""
        yield f"{item['severity']} {item['code']}{where}{line}: {item['message']}"


def _counts(found: dict[str, Any]) -> str:
    """Return the counts of a file or process in words; messages and fragments stand only at sequence diagrams."""
    return ", ".join(f"{found[name]} {name}" for name in ("nodes", "flows", "messages", "fragments") if name in found)


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", help="The key of the process (default: its id in the file).")
@json_option
def import_(file: Path, key: str | None, as_json: bool) -> None:
    """Store a process file as a new version."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        version = workspace.definitions.import_process(file, key=key)
        if as_json:
            print_json({**version.to_json(), "controlFlowGraph": None, "sourceText": None})
        else:
            click.echo(f"stored {file} as version {version.version} of process {version.process_id}")


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List stored processes."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        processes = workspace.stores.processes.list_processes(workspace.caller)
        if as_json:
            print_json([item.to_json() for item in processes])
        else:
            print_table([(item.key, item.name, item.created_by) for item in processes], header=("key", "name", "by"))


@command.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Say what changed between two versions of a process file; where things are drawn is no change. No database."""
    from orchestra_kit.app.changes import diff_answer, diff_process_files

    found = diff_process_files(old, new)
    if as_json:
        print_json(diff_answer(old, new, found))
        return
    for change in found.changes:
        line = f" (line {change.line})" if change.line else ""
        click.echo(change.sentence() + line)
    if not found.changes:
        click.echo("no difference")
