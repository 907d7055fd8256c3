"""`orchestra env`: import and list test environments."""

from __future__ import annotations

from pathlib import Path

import click

from orchestra_kit.cli.output import json_option, print_json, print_table


@click.group(name="env")
def command() -> None:
    """Store test environments."""


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def import_(file: Path, as_json: bool) -> None:
    """Store an environment file with its connection profiles, replacing the one of that name."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        stored = workspace.definitions.import_environment(file)
        if as_json:
            print_json(stored.to_json())
        else:
            click.echo(
                f"stored environment {stored.name}: services {', '.join(sorted(stored.http_services)) or 'none'}"
            )


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List stored environments."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        found = workspace.stores.environments.list_environments(workspace.caller)
        if as_json:
            print_json([item.to_json() for item in found])
        else:
            rows = [
                (item.name, ", ".join(sorted(item.http_services)), ", ".join(sorted(item.db_profiles)))
                for item in found
            ]
            print_table(rows, header=("environment", "services", "databases"))
