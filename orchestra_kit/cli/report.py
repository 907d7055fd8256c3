"""`orchestra report`."""

from __future__ import annotations

from pathlib import Path

import click

from orchestra_kit.cli.output import json_option, print_json


@click.command(name="report")
@click.argument("run_id")
@click.option(
    "--html", type=click.Path(path_type=Path), help="Write the HTML report here (default: report-<run>.html)."
)
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML here.")
@click.option("--report-json", type=click.Path(path_type=Path), help="Write the JSON report here.")
@json_option
def command(run_id: str, html: Path | None, junit: Path | None, report_json: Path | None, as_json: bool) -> None:
    """Write the report of a run or of a suite run."""
    from orchestra_kit.app.reports import check_targets
    from orchestra_kit.app.workspace import open_workspace

    check_targets(html, junit, report_json)
    with open_workspace() as workspace:
        outcome = workspace.runner.outcome_of(run_id)
        if as_json:
            print_json(workspace.reports.as_json(outcome))
            if html is None and junit is None and report_json is None:
                return
        elif html is None and junit is None and report_json is None:
            html = Path(f"report-{run_id}.html")
        written = workspace.reports.write(outcome, junit=junit, html=html, json_file=report_json)
        for path in written:
            click.echo(f"wrote {path}", err=as_json)
