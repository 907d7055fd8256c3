"""`orchestra schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from orchestra_kit.cli.output import json_option, print_json


@click.command(name="schema")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write all schemas into this folder.")
@json_option
def command(name: str | None, out: Path | None, as_json: bool) -> None:
    """Print the JSON Schema of a definition file or entity; without a name, list them."""
    from orchestra_kit.app.schemas import SCHEMAS, schema_of
    from orchestra_kit.reporting.files import write_whole

    if out is not None:
        paths = [write_whole(out / f"{known}.schema.json", _text_of(schema_of(known))) for known in SCHEMAS]
        if as_json:
            print_json([str(path) for path in paths])
        return
    if name is None and as_json:
        print_json(list(SCHEMAS))
    elif name is None:
        for known, model in SCHEMAS.items():
            summary = " ".join((model.__doc__ or "").split()).split(". ")[0]
            click.echo(f"{known:22} {summary}")
    else:
        print_json(schema_of(name))


def _text_of(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
