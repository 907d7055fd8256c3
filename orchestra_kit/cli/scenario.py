"""`orchestra scenario`: inspect, import, export, publish, deprecate, history, diff."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from orchestra_kit.cli.inspecting import inspect_files
from orchestra_kit.cli.output import json_option, print_json, print_table, say


@click.group(name="scenario")
def command() -> None:
    """Inspect, import, export, publish and compare scenarios."""


@command.command(name="list")
@click.argument("suite", required=False)
@click.option("--tag", help="Only scenarios with this tag.")
@json_option
def list_(suite: str | None, tag: str | None, as_json: bool) -> None:
    """List scenarios at their newest version."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        found = workspace.scenarios.list(suite, tag=tag)
        if as_json:
            print_json([item.to_json() for item in found])
        else:
            rows = [
                (item.key, item.version, item.status.value, len(item.steps), len(item.gaps), item.name)
                for item in found
            ]
            print_table(rows, header=("scenario", "version", "status", "steps", "gaps", "name"))


@command.command()
@click.argument("files", nargs=-1, required=True)
@json_option
def inspect(files: tuple[str, ...], as_json: bool) -> None:
    """List the workflows of Arazzo documents, with a named warning for all that is not as it should be."""
    from orchestra_kit.app.inspection import inspect_scenario_file

    inspect_files(files, inspect_scenario_file, as_json=as_json, summary=_summary, details=_details)


def _summary(found: dict[str, Any]) -> str:
    kind = " ".join(filter(None, (found["format"], found["version"]))) or "not readable"
    return f"{kind}, {len(found['workflows'])} workflows"


def _details(found: dict[str, Any]) -> Iterator[str]:
    for item in found["workflows"]:
        after = f", after {', '.join(item['dependsOn'])}" if item["dependsOn"] else ""
        yield f"{item['workflowId']}: {item['steps']} steps{after}"
    for item in found["warnings"]:
        line = f"line {item['line']}, " if item.get("line") else ""
        yield f"warning {item['code']} at {line}{item['where'] or '#'}: {item['message']}"


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--suite", help="The suite it belongs to; for an Arazzo document the file's name is the default.")
@click.option("--expect-version", type=click.IntRange(min=1), help="Fail unless this is the newest stored version.")
@click.option("--workflow", "workflows", multiple=True, help="Only this workflow of an Arazzo document; repeatable.")
@click.option("--with-specs", is_flag=True, help="Store the OpenAPI documents an Arazzo document names beside it, too.")
@json_option
def import_(
    file: Path,
    suite: str | None,
    expect_version: int | None,
    workflows: tuple[str, ...],
    with_specs: bool,
    as_json: bool,
) -> None:
    """Store a scenario file (a new scenario, or the next version of the one with its key), or the workflows of an Arazzo
    document as scenarios."""
    from orchestra_kit.app.arazzo import holds_arazzo
    from orchestra_kit.app.workspace import open_workspace

    if holds_arazzo(file):
        if expect_version is not None:
            raise click.UsageError("--expect-version is for a single scenario, not for an Arazzo document.")
        _import_arazzo(file, suite, workflows, with_specs, as_json)
        return
    if suite is None:
        raise click.UsageError("Missing option '--suite'.")
    if workflows or with_specs:
        raise click.UsageError("--workflow and --with-specs are for Arazzo documents; this file is none.")
    with open_workspace() as workspace:
        stored = workspace.scenarios.import_file(file, suite=suite, expected_version=expect_version)
        if as_json:
            print_json(stored.to_json())
        else:
            click.echo(f"stored {suite}/{stored.key} as version {stored.version} ({stored.status.value})")


def _import_arazzo(file: Path, suite: str | None, workflows: tuple[str, ...], with_specs: bool, as_json: bool) -> None:
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        made = workspace.arazzo.import_file(file, suite=suite, workflows=workflows, with_specs=with_specs)
    if as_json:
        print_json(made.to_json())
        return
    for item in made.warnings:
        line = f":{item['line']}" if item.get("line") else ""
        say(f"{file}{line}: {item['code']} at {item['where'] or '#'}: {item['message']}")
    for service in made.specs:
        click.echo(f"stored the description of service {service}")
    for scenario in made.scenarios:
        gaps = f", {len(scenario.gaps)} gaps" if scenario.gaps else ""
        click.echo(
            f"stored {made.suite.key}/{scenario.key} as version {scenario.version} "
            f"({scenario.status.value}, {len(scenario.steps)} steps{gaps})"
        )


def _named_sources(sources: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in sources:
        service, sign, path = text.partition("=")
        if not sign or not service or not path:
            raise click.UsageError(f"'{text}' is not of the form SERVICE=FILE.")
        found[service] = Path(path)
    return found


@command.command()
@click.argument("scenario")
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["orchestra", "arazzo"]),
    default="orchestra",
    help="A definition file of one scenario, or an Arazzo document of one or (for SUITE) all.",
)
@click.option(
    "--source", "sources", multiple=True, metavar="SERVICE=FILE", help="Where a service's OpenAPI document lies."
)
@json_option
def export(scenario: str, out: Path | None, form: str, sources: tuple[str, ...], as_json: bool) -> None:
    """Write SUITE/SCENARIO[@VERSION] as a definition file (YAML, or JSON with --json), or with --format arazzo SUITE or
    SUITE/SCENARIO[@VERSION] as an Arazzo document."""
    from orchestra_kit.app.reports import check_targets
    from orchestra_kit.app.workspace import open_workspace
    from orchestra_kit.reporting.files import write_whole

    named = _named_sources(sources)
    if named and form != "arazzo":
        raise click.UsageError("--source is for --format arazzo.")
    check_targets(out)
    with open_workspace() as workspace:
        if form == "arazzo":
            text = workspace.arazzo.export(scenario, as_json=as_json, out=out, sources=named)
        else:
            text = workspace.scenarios.export(scenario, as_json=as_json)
    if out is None:
        click.echo(text, nl=False)
        return
    write_whole(out, text)
    if as_json:
        print_json({"written": str(out)})
    else:
        click.echo(f"wrote {out}")


@command.command()
@click.argument("reference")
@json_option
def publish(reference: str, as_json: bool) -> None:
    """Publish SUITE/SCENARIO, or all drafts of SUITE that have no gaps."""
    _move(reference, "PUBLISHED", as_json)


@command.command()
@click.argument("reference")
@json_option
def deprecate(reference: str, as_json: bool) -> None:
    """Deprecate SUITE/SCENARIO, or all published scenarios of SUITE."""
    _move(reference, "DEPRECATED", as_json)


@command.command()
@click.argument("scenario")
@json_option
def history(scenario: str, as_json: bool) -> None:
    """Show all versions of SUITE/SCENARIO."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        versions = workspace.scenarios.history(scenario)
        if as_json:
            print_json([item.to_json() for item in versions])
        else:
            rows = [
                (
                    item.version,
                    item.status.value,
                    item.updated_at.isoformat(timespec="seconds"),
                    item.updated_by,
                    len(item.steps),
                )
                for item in versions
            ]
            print_table(rows, header=("version", "status", "at", "by", "steps"))


@command.command()
@click.argument("scenario")
@click.argument("old", type=click.IntRange(min=1))
@click.argument("new", type=click.IntRange(min=1))
@json_option
def diff(scenario: str, old: int, new: int, as_json: bool) -> None:
    """Show what changed in SUITE/SCENARIO between two versions, field by field."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        changes = workspace.scenarios.diff(scenario, old, new)
        if as_json:
            print_json([change.to_json() for change in changes])
            return
        if not changes:
            click.echo("no difference")
        for change in changes:
            click.echo(f"{change.kind:8} {change.where}")
            if change.kind != "added":
                click.echo(f"    - {change.old!r}")
            if change.kind != "removed":
                click.echo(f"    + {change.new!r}")


def _move(reference: str, status: str, as_json: bool) -> None:
    from orchestra_kit.app.workspace import open_workspace
    from orchestra_kit.model import ScenarioStatus

    with open_workspace() as workspace:
        moved = workspace.scenarios.move(reference, ScenarioStatus(status))
        if as_json:
            print_json([item.to_json() for item in moved])
        else:
            for item in moved:
                click.echo(f"{item.status.value} {item.key} version {item.version}")
