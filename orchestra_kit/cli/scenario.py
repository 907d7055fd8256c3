"""`orchestra scenario`: inspect, import, export, publish, deprecate, history, diff."""

from __future__ import annotations

from pathlib import Path

import click

from orchestra_kit.cli.output import Failed, json_option, print_json, print_table, say
from orchestra_kit.errors import EXIT_WRONG_USE


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

    usable = True
    for file in files:
        found = inspect_scenario_file(Path(file))
        usable = usable and bool(found["ok"])
        if as_json:
            print_json(found, line=True)
            continue
        mark = "✓" if found["ok"] else "✗"
        kind = " ".join(filter(None, (found["format"], found["version"]))) or "not readable"
        click.echo(f"{mark} {file}: {kind}, {len(found['workflows'])} workflows")
        for item in found["workflows"]:
            after = f", after {', '.join(item['dependsOn'])}" if item["dependsOn"] else ""
            click.echo(f"    {item['workflowId']}: {item['steps']} steps{after}")
        for item in found["warnings"]:
            line = f"line {item['line']}, " if item.get("line") else ""
            click.echo(f"    warning {item['code']} at {line}{item['where'] or '#'}: {item['message']}")
    if not usable:
        say("orchestra: not every file can be used.")
        raise Failed(EXIT_WRONG_USE)


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--suite", required=True, help="The suite it belongs to.")
@click.option("--expect-version", type=click.IntRange(min=1), help="Fail unless this is the newest stored version.")
@json_option
def import_(file: Path, suite: str, expect_version: int | None, as_json: bool) -> None:
    """Store a scenario file: a new scenario, or the next version of the one with its key."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        stored = workspace.scenarios.import_file(file, suite=suite, expected_version=expect_version)
        if as_json:
            print_json(stored.to_json())
        else:
            click.echo(f"stored {suite}/{stored.key} as version {stored.version} ({stored.status.value})")


@command.command()
@click.argument("scenario")
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@json_option
def export(scenario: str, out: Path | None, as_json: bool) -> None:
    """Write SUITE/SCENARIO[@VERSION] as a definition file (YAML, or JSON with --json)."""
    from orchestra_kit.app.reports import check_targets
    from orchestra_kit.app.workspace import open_workspace
    from orchestra_kit.reporting.files import write_whole

    check_targets(out)
    with open_workspace() as workspace:
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
