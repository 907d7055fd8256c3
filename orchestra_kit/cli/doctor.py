"""`orchestra doctor`."""

from __future__ import annotations

import click

from orchestra_kit.cli.output import Failed, json_option, print_json
from orchestra_kit.errors import EXIT_CANNOT_JUDGE

_MARKS = {"ok": "✓", "missing": "–", "broken": "✗"}


@click.command(name="doctor")
@json_option
def command(as_json: bool) -> None:
    """Say what is installed, reachable or missing, and how to fix it. Exit code 3 when something needed is broken."""
    from orchestra_kit.app.doctor import examine

    found = examine()
    if as_json:
        print_json(found.to_json())
    else:
        for check in found.checks:
            advice = f"  → {check.fix}" if check.fix and check.state != "ok" else ""
            click.echo(f"{_MARKS[check.state]} {check.state:7} {check.name}: {check.detail}{advice}")
    if not found.ok:
        raise Failed(EXIT_CANNOT_JUDGE)
