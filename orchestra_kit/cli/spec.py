"""`orchestra spec`: inspect and import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from orchestra_kit.cli.inspecting import inspect_files
from orchestra_kit.cli.output import json_option, print_json, print_table


@click.group(name="spec")
def command() -> None:
    """Look at and store interface descriptions (OpenAPI 3.0 and 3.1)."""


@command.command()
@click.argument("files", nargs=-1, required=True)
@json_option
def inspect(files: tuple[str, ...], as_json: bool) -> None:
    """List the operations of interface descriptions, with a named warning for all that is not as it should be."""
    from orchestra_kit.app.inspection import inspect_spec_file

    inspect_files(
        files,
        inspect_spec_file,
        as_json=as_json,
        summary=lambda found: f"{found['protocol']}, {len(found['operations'])} operations",
        details=_details,
    )


def _details(found: dict[str, Any]) -> Iterator[str]:
    for item in found["operations"]:
        yield f"{item['method'].upper():7} {item['path']}  {item['endpointName']}"
    for item in found["warnings"]:
        yield f"warning {item['code']} at {item['where'] or '#'}: {item['message']}"


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--service", required=True, help="The name of the service the document describes.")
@json_option
def import_(file: Path, service: str, as_json: bool) -> None:
    """Store an interface description as a new version for a service."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        spec = workspace.definitions.import_spec(file, service=service)
        if as_json:
            print_json({**spec.to_json(), "rawText": None})
        else:
            count = len(spec.parsed_summary.operations)
            click.echo(f"stored {file} as version {spec.version} of service {service}: {count} operations")


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List stored interface descriptions."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        specs = workspace.stores.processes.list_specs(workspace.caller)
        if as_json:
            print_json([{**item.to_json(), "rawText": None, "parsedSummary": None} for item in specs])
        else:
            rows = [(item.service_name, item.version, len(item.parsed_summary.operations)) for item in specs]
            print_table(rows, header=("service", "version", "operations"))
