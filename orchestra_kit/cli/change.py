"""`orchestra suite check`: what a new version of a process means for stored scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra_kit.cli.output import Failed, json_option, print_json, say
from orchestra_kit.errors import EXIT_VIOLATIONS

if TYPE_CHECKING:
    from orchestra_kit.design.change import ScenarioVerdict, SuiteCheck

_SIGNS = {"valid": "✓", "moved": "→", "broken": "✗", "unbound": "–"}


@click.command()
@click.argument("suite", default="orchestra.yaml")
@click.option("--model", type=click.Path(path_type=Path), help="The new version of the process file.")
@json_option
def check(suite: str, model: Path | None, as_json: bool) -> None:
    """Check stored scenarios against a new version of their process.

    SUITE is an orchestra.yaml, whose process file is the new version, or the key of a stored suite: then the new version
    is --model, or the newest stored one. Exit code 1: a scenario is broken.
    """
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        found, checked = workspace.changes.check_suite(suite, model=model)
    if as_json:
        print_json({"suite": found.key, "processVersion": found.process_version, **checked.to_answer()})
    else:
        _print(checked)
    if checked.is_broken:
        if not as_json:
            say("orchestra: not every scenario still runs.")
        raise Failed(EXIT_VIOLATIONS)


def _print(checked: SuiteCheck) -> None:
    for change in checked.diff.changes:
        click.echo(change.sentence())
    for item in checked.scenarios:
        _print_verdict(item)
    restoration = checked.restoration
    if not restoration.uncovered:
        click.echo("coverage is complete: no new scenario is needed")
        return
    count = len(restoration.scenarios)
    proof = f" (no run can take two of {', '.join(restoration.certificate)})" if restoration.lower_bound > 1 else ""
    click.echo(
        f"{count} new scenario{'s restore' if count != 1 else ' restores'} {restoration.criterion} coverage, "
        f"lower bound {restoration.lower_bound}{proof}"
    )
    for scenario in restoration.scenarios:
        click.echo(f"    + {scenario.key}: {' '.join(scenario.path)}")
    for element in restoration.beyond:
        click.echo(f"    no run was found for {element}")


def _print_verdict(item: ScenarioVerdict) -> None:
    click.echo(f"{_SIGNS[item.verdict.value]} {item.verdict.value:8} {item.key}")
    for trouble in item.troubles:
        click.echo(f"    {trouble.why}" + (f". {trouble.hint}" if trouble.hint else ""))
    if item.verdict.value == "moved":
        click.echo(f"    path now: {' '.join(item.new_path)}")
        for old, new in item.new_elements.items():
            click.echo(f"    {old} is now {new}")
    for note in item.notes:
        click.echo(f"    look at: {note}")
