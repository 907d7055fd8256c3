"""`orchestra run`: list, show, resume, cancel, and go on from a step."""

from __future__ import annotations

import click

from orchestra_kit.cli.output import Failed, json_option, print_json, print_table, say, sign_of


@click.group(name="run")
def command() -> None:
    """List, show, resume, cancel and debug runs."""


@command.command(name="list")
@click.option("--status", help="Only runs with this status.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def list_(status: str | None, limit: int, as_json: bool) -> None:
    """List runs, newest first."""
    from orchestra_kit.app.workspace import open_workspace
    from orchestra_kit.errors import UnknownNameError
    from orchestra_kit.model import RunStatus
    from orchestra_kit.spi.runs import RunFilter

    if status is not None and status not in RunStatus.__members__:
        raise UnknownNameError("status", status, RunStatus.__members__)
    with open_workspace() as workspace:
        query = RunFilter(status=RunStatus(status) if status else None, limit=limit)
        runs = workspace.stores.runs.list_runs(workspace.caller, query)
        if as_json:
            print_json([item.to_json() for item in runs])
            return
        rows = [
            (
                item.id,
                sign_of(item.status.value),
                item.scenario_key,
                item.data_row_key,
                item.created_at.isoformat(timespec="seconds"),
            )
            for item in runs
        ]
        print_table(rows, header=("run", "status", "scenario", "row", "submitted"))


@command.command()
@click.argument("run_id")
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show a run and its steps."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        run = workspace.stores.runs.get_run(workspace.caller, run_id)
        results = workspace.stores.runs.get_results(workspace.caller, run_id)
        if as_json:
            print_json({**run.to_json(), "steps": [item.to_json() for item in results]})
            return
        reason = f": {run.status_reason}" if run.status_reason else ""
        click.echo(f"{sign_of(run.status.value)} {run.scenario_key} version {run.scenario_version}{reason}")
        rows = [
            (
                item.order_index + 1,
                item.step_alias,
                item.attempt,
                sign_of(item.status.value),
                f"{item.duration_ms} ms",
                item.violations[0].message if item.violations else "",
            )
            for item in results
        ]
        print_table(rows, header=("#", "step", "attempt", "status", "took", "violation"))


@command.command()
@click.argument("run_id")
@json_option
def cancel(run_id: str, as_json: bool) -> None:
    """Cancel a run (or a suite run)."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        status = workspace.runner.cancel(run_id)
        if as_json:
            print_json({"id": run_id, "status": status})
        else:
            click.echo(f"{run_id}: {status}")


@command.command()
@click.argument("run_id")
@click.option("--from-step", help="Start a new run at this step, with the results of the steps before it.")
@click.option("--single-step", help="Run only this step again, as a new run.")
@click.option("--executor", type=click.Choice(["notebook", "inline"]), default="inline", show_default=True)
@click.option("--no-worker", is_flag=True, help="Only submit; workers elsewhere do the work.")
@json_option
def resume(
    run_id: str, from_step: str | None, single_step: str | None, executor: str, no_worker: bool, as_json: bool
) -> None:
    """Go on with a run that got stuck; or begin again at a step of any earlier run."""
    from orchestra_kit.app.workspace import open_workspace
    from orchestra_kit.model import Executor

    with open_workspace() as workspace:
        submitted = workspace.runner.resume(
            run_id, from_step=from_step, single_step=single_step, executor=Executor(executor)
        )
        if no_worker:
            if as_json:
                print_json(submitted.to_json())
            else:
                click.echo(submitted.id)
            return
        say(f"run {submitted.id}")
        run, code = workspace.runner.finish_one(submitted.id)
        if as_json:
            print_json(run.to_json())
        else:
            reason = f": {run.status_reason}" if run.status_reason else ""
            click.echo(f"{sign_of(run.status.value)} {run.scenario_key}{reason}")
    raise Failed(code)
