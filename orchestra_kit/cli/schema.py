"""`orchestra schema`."""

from __future__ import annotations

import click

from orchestra_kit.cli.output import print_json


@click.command(name="schema")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """Print the JSON Schema of a definition file or entity; without a name, list them."""
    from orchestra_kit.app.schemas import SCHEMAS, schema_of

    if name is None:
        for known, model in SCHEMAS.items():
            summary = (model.__doc__ or "").strip().splitlines()[0]
            click.echo(f"{known:22} {summary}")
        return
    print_json(schema_of(name))
