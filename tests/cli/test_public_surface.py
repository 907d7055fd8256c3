"""The public list of names, and the commands DESIGN promises."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

import orchestra_kit
from orchestra_kit.cli import command

COMMANDS = {
    "process": {"inspect", "import", "list", "diff"},
    "spec": {"inspect", "import", "list"},
    "suite": {"plan", "generate", "run", "list", "check"},
    "scenario": {"list", "inspect", "import", "export", "publish", "deprecate", "history", "diff"},
    "data": {"import", "list"},
    "env": {"import", "list"},
    "run": {"list", "show", "resume", "cancel"},
    "tenant": {"show", "set"},
    "report": None, "worker": None, "schema": None, "demo": None, "doctor": None,
}  # fmt: skip


def found(name: str) -> click.Command:
    one = command.get_command(click.Context(command), name)
    assert one is not None
    return one


def test_the_public_list_is_all_there_is() -> None:
    public = {name for name in vars(orchestra_kit) if not name.startswith("_") and name != "import_module"}
    parts = {path.stem for path in Path(orchestra_kit.__path__[0]).iterdir()}
    assert public - parts == {name for name in orchestra_kit.__all__ if not name.startswith("_")}
    assert set(orchestra_kit.__all__) == {"__version__", "load_ipython_extension"}
    assert all(hasattr(orchestra_kit, name) for name in orchestra_kit.__all__)


def test_all_commands_are_there() -> None:
    names = command.list_commands(click.Context(command))
    assert set(names) == set(COMMANDS)
    for name, parts in COMMANDS.items():
        one = found(name)
        assert set(one.commands) == parts if isinstance(one, click.Group) else parts is None


def leaves() -> list[tuple[str, click.Command]]:
    return [
        (f"{name} {part}" if part else name, one.commands[part] if isinstance(one, click.Group) and part else one)
        for name, parts in COMMANDS.items()
        for one in [found(name)]
        for part in sorted(parts or {""})
    ]


@pytest.mark.parametrize(("name", "one"), leaves(), ids=lambda item: item if isinstance(item, str) else "")
def test_every_command_takes_json_and_explains_itself(name: str, one: click.Command) -> None:
    options = {option for parameter in one.params for option in parameter.opts}
    assert "--json" in options
    assert one.help
