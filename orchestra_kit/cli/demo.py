"""`orchestra demo`."""

from __future__ import annotations

from pathlib import Path

import click

from orchestra_kit.cli.output import Failed, json_option, print_json, say, sign_of


@click.command(name="demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("orchestra-report"),
    show_default=True,
    help="Where the reports go.",
)
@click.option("--fault", help="Make the shop faulty in this way; `list` names all faults.")
@click.option("--executor", type=click.Choice(["notebook", "inline"]), default="notebook", show_default=True)
@click.option("--processes", type=click.IntRange(1, 8), default=2, show_default=True, help="Worker processes.")
@json_option
def command(out: Path, fault: str | None, executor: str, processes: int, as_json: bool) -> None:
    """Run the main job on embedded parts: a small shop of three services is started, its order process planned, its
    scenarios generated, run durably and reported. No network is used."""
    from orchestra_kit.demo.tour import list_faults, run_demo

    if fault == "list":
        faults = list_faults()
        if as_json:
            print_json([item.to_json() for item in faults])
        else:
            for item in faults:
                click.echo(f"{item.name:20} {item.step:22} {item.violation:26} {item.status:7} {item.description}")
        return
    outcome = run_demo(
        out,
        fault=fault,
        executor=executor,
        processes=processes,
        say=say,
        tell=lambda line, status: say(f"{sign_of(status):14} {line}"),
    )
    if as_json:
        print_json(outcome.to_json())
    else:
        click.echo(outcome.sentence())
        for path in outcome.written:
            click.echo(f"report: {path}")
    raise Failed(outcome.exit_code)
