"""`orchestra data`: import and list test data sets."""

from __future__ import annotations

from pathlib import Path

import click

from orchestra_kit.cli.output import json_option, print_json, print_table


@click.group(name="data")
def command() -> None:
    """Store test data sets."""


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def import_(file: Path, as_json: bool) -> None:
    """Store a data set file (YAML, JSON or CSV: one row a run), replacing the one of that name."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        stored = workspace.definitions.import_data(file)
        if as_json:
            print_json(stored.to_json())
        else:
            click.echo(f"stored data set {stored.name}: {len(stored.data.rows)} rows")


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List stored data sets."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        found = workspace.stores.environments.list_data_sets(workspace.caller)
        if as_json:
            print_json([item.to_json() for item in found])
        else:
            rows = [(item.name, item.scope.value, len(item.data.rows), ", ".join(item.tags)) for item in found]
            print_table(rows, header=("data set", "scope", "rows", "tags"))
