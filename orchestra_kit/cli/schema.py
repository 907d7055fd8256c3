"""`orchestra schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from orchestra_kit.cli.output import print_json


@click.command(name="schema")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write all schemas into this folder.")
def command(name: str | None, out: Path | None) -> None:
    """Print the JSON Schema of a definition file or entity; without a name, list them."""
    from orchestra_kit.app.schemas import SCHEMAS, schema_of

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for known in SCHEMAS:
            text = json.dumps(schema_of(known), indent=2, ensure_ascii=False, sort_keys=True)
            (out / f"{known}.schema.json").write_text(text + "\n", encoding="utf-8")
        return
    if name is None:
        for known, model in SCHEMAS.items():
            summary = " ".join((model.__doc__ or "").split()).split(". ")[0]
            click.echo(f"{known:22} {summary}")
        return
    print_json(schema_of(name))
