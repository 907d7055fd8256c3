"""`orchestra suite`: plan, generate and run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from orchestra_kit.cli.change import check
from orchestra_kit.cli.output import Failed, json_option, print_json, print_table, say, sign_of

_EXECUTORS = click.Choice(["notebook", "inline"])
_MODES = click.Choice(["RUN_ALL_STEPS", "STOP_ON_FIRST_FAILURE", "SINGLE_STEP", "FROM_STEP"])


@click.group(name="suite")
def command() -> None:
    """Plan, generate and run suites of scenarios."""


command.add_command(check)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--process", "process_id", help="Only this process of the file.")
@click.option("--criterion", type=click.Choice(["node", "flow", "decision"]), default="flow", show_default=True)
@click.option(
    "--max-loop", type=click.IntRange(0, 20), default=2, show_default=True, help="How often a loop is taken at most."
)
@click.option(
    "--with",
    "siblings",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A further file, with processes that call activities call. May be repeated.",
)
@click.option("--conditions", is_flag=True, help="Find data for each scenario, or the conditions that conflict on it.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the plan with its pictures as an HTML page here.")
@click.option("--fragment", is_flag=True, hidden=True, help="With --html: only what a notebook shows.")
@json_option
def plan(
    file: Path,
    process_id: str | None,
    criterion: str,
    max_loop: int,
    siblings: tuple[Path, ...],
    conditions: bool,
    html: Path | None,
    fragment: bool,
    as_json: bool,
) -> None:
    """Plan the smallest suite that covers a process, with the proof that it is the smallest. No database."""
    if html is None:
        from orchestra_kit.app.inspection import plan_process_file

        found = plan_process_file(
            file,
            process_id=process_id,
            criterion=criterion,
            max_loop=max_loop,
            conditions=conditions,
            siblings=siblings,
        )
    else:
        from orchestra_kit.app.plan_reports import write_plan_report

        found = write_plan_report(
            file,
            html,
            process_id=process_id,
            criterion=criterion,
            max_loop=max_loop,
            fragment=fragment,
            conditions=conditions,
            siblings=siblings,
        )
    if as_json:
        print_json(found)
        return
    for item in found["containers"]:
        click.echo(
            f"{item['process']} / {item['container']}: {item['size']} scenarios for {item['criterion']} coverage, "
            f"lower bound {item['lowerBound']}"
        )
        click.echo(f"    proof: {item['proof']}")
        for scenario in item["scenarios"]:
            click.echo(f"    {scenario['key']}: {' '.join(scenario['path'])}")
        for addition in item["additions"]:
            if new := addition["count"] - addition.get("inCover", 0):
                click.echo(f"    + {new} for {addition['kind']} {addition['of']}")
        for lost in item["unreachable"]:
            click.echo(f"    unreachable {lost['id']}: {lost['why']}")
    suite = found["suite"]
    for together in suite.get("collaborations", ()):
        click.echo(
            f"{' + '.join(together['processes'])}: {together['size']} scenarios across their messages, "
            f"lower bound {together['lowerBound']}"
        )
        for scenario in together["scenarios"]:
            click.echo(f"    {scenario['key']}: {', '.join(scenario['runs'])}; messages {len(scenario['messages'])}")
        for lonely in together["alone"]:
            click.echo(f"    alone {lonely['process']} {lonely['key']}: {lonely['why']}")
    for call in suite.get("calls", ()):
        if call.get("why"):
            click.echo(f"call {call['elementId']}: {call['why']}")
    click.echo(f"suite: {suite['size']} scenarios, lower bound {suite['lowerBound']}, gap {suite['gap']}")
    if conditions:
        from orchestra_kit.app.path_conditions import condition_lines

        for line in condition_lines(found):
            click.echo(line)
    if html is not None:
        say(f"written: {html}")


@command.command()
@click.argument("project", type=click.Path(path_type=Path), default=Path("orchestra.yaml"))
@click.option("--publish", is_flag=True, help="Publish the scenarios that have no gaps.")
@json_option
def generate(project: Path, publish: bool, as_json: bool) -> None:
    """Generate the scenarios of a project (its orchestra.yaml) and store them as a suite."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        made = workspace.definitions.generate_suite(project, publish=publish)
        if as_json:
            print_json(made.to_json())
            return
        click.echo(
            f"suite {made.suite.key}: {len(made.scenarios)} scenarios of process version {made.suite.process_version}; "
            f"the criterion takes {made.size}, lower bound {made.lower_bound}"
            + "".join(f", {count} more for {kind}" for kind, count in made.additions.items())
        )
        rows = [
            (item.key, item.version, item.status.value, len(item.steps), len(item.gaps), item.name)
            for item in made.scenarios
        ]
        print_table(rows, header=("scenario", "version", "status", "steps", "gaps", "name"))
        click.echo()
        bound = [
            (
                note.element_id,
                note.role,
                note.how,
                note.operation or "",
                "" if note.score is None else f"{note.score:.2f}",
                ", ".join(f"{item.operation} {item.score:.2f}" for item in note.candidates),
            )
            for note in made.notes
        ]
        print_table(bound, header=("element", "role", "how", "operation", "score", "nearest"))
        for element_id, reason in made.unopened_calls.items():
            click.echo(f"call {element_id}: {reason}")
        for flow_id, reason in made.uncovered.items():
            click.echo(f"uncovered: {flow_id}: {reason}")
        if made.conditions_sentence:
            click.echo(made.conditions_sentence)
        for item in made.conditions.get("infeasible", ()):
            conflict = " and ".join(f"{part['flow']} ({part['text']})" for part in item["conflict"])
            click.echo(f"no data can drive {item['key']}: {conflict} conflict")
        for name in made.data_sets:
            click.echo(f"data set: {name}")
        for message in made.gap_messages():
            click.echo(f"gap: {message}")


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List stored suites."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        suites = workspace.stores.scenarios.list_suites(workspace.caller)
        if as_json:
            print_json([item.to_json() for item in suites])
        else:
            rows = [(item.key, item.process_version, ", ".join(item.tags), item.name) for item in suites]
            print_table(rows, header=("suite", "process version", "tags", "name"))


@command.command()
@click.argument("suite", required=False)
@click.option("--tag", help="Run all published scenarios with this tag instead of one suite.")
@click.option("--env", "environment", required=True, help="The environment to run in.")
@click.option("--data", help="The data set to run with; one run a row.")
@click.option("--data-tag", help="All data sets with this tag.")
@click.option("--priority", type=click.IntRange(-1000, 1000), default=0, show_default=True)
@click.option("--mode", type=_MODES, default="STOP_ON_FIRST_FAILURE", show_default=True)
@click.option("--step", help="With --mode SINGLE_STEP: the step of the one scenario named.")
@click.option("--executor", type=_EXECUTORS, default="notebook", show_default=True)
@click.option("--junit", type=click.Path(path_type=Path), help="Write a JUnit XML report here.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the HTML report here.")
@click.option("--report-json", type=click.Path(path_type=Path), help="Write the JSON report here.")
@click.option("--no-worker", is_flag=True, help="Only submit and wait; workers elsewhere do the work.")
@click.option("--no-wait", is_flag=True, help="Only submit.")
@click.option("--timeout", type=click.IntRange(min=1), help="Give up waiting after so many seconds (exit code 3).")
@json_option
def run(
    suite: str | None,
    tag: str | None,
    environment: str,
    data: str | None,
    data_tag: str | None,
    priority: int,
    mode: str,
    step: str | None,
    executor: str,
    junit: Path | None,
    html: Path | None,
    report_json: Path | None,
    no_worker: bool,
    no_wait: bool,
    timeout: int | None,
    as_json: bool,
) -> None:
    """Run SUITE, SUITE@PROCESS_VERSION or SUITE/SCENARIO[@VERSION] in an environment.

    Exit code 0: passed. 1: violations found. 2: wrong use. 3: could not judge.
    """
    from orchestra_kit.app.reports import check_targets
    from orchestra_kit.app.submission import RunOptions
    from orchestra_kit.app.workspace import open_workspace
    from orchestra_kit.errors import DefinitionError
    from orchestra_kit.model import Executor, RunMode

    if (suite is None) == (tag is None):
        raise DefinitionError("name a suite, or give --tag.")
    options = RunOptions(
        environment=environment,
        data=data,
        data_tag=data_tag,
        mode=RunMode(mode),
        start_step=step,
        executor=Executor(executor),
        priority=priority,
    )
    check_targets(junit, html, report_json)
    with open_workspace() as workspace:
        submitted = workspace.runner.submit(suite, tag, options)
        if no_wait:
            if as_json:
                print_json({"suiteRuns": [item.to_json() for item in submitted]})
            for item in submitted if not as_json else ():
                click.echo(item.suite_run.id)
            return
        outcome = workspace.runner.wait(
            submitted, work_here=not no_worker, tell=_tell_finished, timeout_seconds=timeout
        )
        written = workspace.reports.write(outcome, junit=junit, html=html, json_file=report_json)
        outcome = replace(outcome, written=written)
    if as_json:
        print_json(outcome.to_json())
    else:
        click.echo(outcome.sentence())
    raise Failed(outcome.exit_code)


def _tell_finished(line: str, status: str) -> None:
    say(f"{sign_of(status):14} {line}")
