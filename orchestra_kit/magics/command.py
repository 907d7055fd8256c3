"""`%orchestra`: every command of the shell, in a notebook, with its result as a value."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def orchestra(line: str) -> None:
    """Run an `orchestra` command and show what it prints.

    Example: `%orchestra suite run order-fulfilment --env demo`. `%orchestra plan FILE` shows the plan of a process
    with its pictures. `%orchestra --help` lists all commands.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        print(f"orchestra: cannot read the line: {str(error).lower()}.")
        return
    if words[:1] == ["plan"]:
        _show_plan(words[1:])
        return
    with _command(words) as process:
        try:
            for text in process.stdout or ():
                print(text, end="", flush=True)
        except KeyboardInterrupt:
            process.terminate()
            print("interrupted")


def _command(words: Sequence[str]) -> subprocess.Popen[str]:
    # A process of its own: a kernel runs an event loop and keeps no database connection of ours.
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "orchestra_kit.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
    )


def _show_plan(words: Sequence[str]) -> None:
    """Show the plan as static HTML, or what the command says when there is none."""
    with tempfile.TemporaryDirectory(prefix="orchestra-plan-") as folder:
        target = Path(folder) / "plan.html"
        with _command(["suite", "plan", *words, "--html", str(target), "--fragment"]) as process:
            try:
                printed, _ = process.communicate()
            except KeyboardInterrupt:
                process.terminate()
                print("interrupted")
                return
        if process.returncode or not target.exists():
            print(printed, end="")
            return
        content = target.read_text(encoding="utf-8")
    from IPython.display import HTML, display

    display(HTML(content))  # type: ignore[no-untyped-call]
