"""`orchestra worker`."""

from __future__ import annotations

import click

from orchestra_kit.cli.output import json_option, print_json


@click.command(name="worker")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="How many worker processes."
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Runs at once in each process."
)
@click.option(
    "--lease",
    "lease_seconds",
    type=click.FloatRange(min=1),
    default=30.0,
    show_default=True,
    help="Seconds a run stays with a silent worker.",
)
@click.option(
    "--drain",
    "drain_seconds",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds a step in flight may take after SIGTERM.",
)
@json_option
def command(processes: int, threads: int, lease_seconds: float, drain_seconds: float, as_json: bool) -> None:
    """Run workers until stopped: scheduler, reaper and executors. SIGTERM drains."""
    from orchestra_kit.workers import run_processes

    starts = run_processes(processes, threads=threads, lease_seconds=lease_seconds, drain_seconds=drain_seconds)
    if as_json:
        print_json({"processes": processes, "starts": starts})
