"""The `orchestra` command. Nothing heavy is imported before a command needs it: `--help` has to answer at once."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from orchestra_kit.cli.output import Failed, report_crash, report_error, speak_always
from orchestra_kit.errors import EXIT_WRONG_USE, CannotJudgeError, OrchestraError

_GROUPS = {
    "process": ("orchestra_kit.cli.process", "Look at and store process models (BPMN 2.0)."),
    "spec": ("orchestra_kit.cli.spec", "Look at and store interface descriptions (OpenAPI)."),
    "suite": ("orchestra_kit.cli.suite", "Plan, generate and run suites of scenarios."),
    "scenario": ("orchestra_kit.cli.scenario", "Import, export, publish and compare scenarios."),
    "data": ("orchestra_kit.cli.data", "Store test data sets."),
    "env": ("orchestra_kit.cli.env", "Store test environments."),
    "run": ("orchestra_kit.cli.run", "List, show, resume, cancel and debug runs."),
    "report": ("orchestra_kit.cli.report", "Write the report of a run or suite run."),
    "worker": ("orchestra_kit.cli.worker", "Run workers: scheduler, reaper and executors."),
    "schema": ("orchestra_kit.cli.schema", "Print the JSON Schema of a definition file or entity."),
    "tenant": ("orchestra_kit.cli.tenant", "Show and set the limits of a tenant."),
    "demo": ("orchestra_kit.cli.demo", "Run the main job on a small shop and write its report."),
    "doctor": ("orchestra_kit.cli.doctor", "Say what is installed, reachable or missing, and how to fix it."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(_GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None."""
        if cmd_name not in _GROUPS:
            return None
        command: click.Command = importlib.import_module(_GROUPS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _GROUPS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command; an unknown one is an error that names the nearest."""
        if args and args[0] not in _GROUPS and not args[0].startswith("-"):
            from orchestra_kit.errors import UnknownNameError

            raise UnknownNameError("command", args[0], _GROUPS)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="orchestra_kit", prog_name="orchestra")
def command() -> None:
    """Test multi-step business processes over microservices.

    Exit codes: 0 passed, 1 violations found, 2 wrong use, 3 could not judge.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code; no traceback ever reaches the user."""
    argv = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in argv
    speak_always()
    try:
        command.main(args=argv, prog_name="orchestra", standalone_mode=False)
        code = 0
    except Failed as failed:
        code = failed.exit_code
    except OrchestraError as error:
        code = report_error(error, as_json=as_json)
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = EXIT_WRONG_USE
    except click.ClickException as error:
        code = report_error(OrchestraError(error.format_message()), as_json=as_json, exit_code=EXIT_WRONG_USE)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = 130
    except BrokenPipeError:
        code = 0
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        code = report_error(CannotJudgeError(f"{what}{error.strerror or error}."), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the edge: what nobody foresaw is written to a file, not at the user
        code = report_crash(error, as_json=as_json)
    sys.exit(code)
