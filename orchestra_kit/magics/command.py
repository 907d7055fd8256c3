"""`%orchestra`: every command of the shell, in a notebook, with its result as a value."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys


def orchestra(line: str) -> None:
    """Run an `orchestra` command and show what it prints.

    Example: `%orchestra suite run order-fulfilment --env demo`. `%orchestra --help` lists all commands.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        print(f"orchestra: cannot read the line: {str(error).lower()}.")
        return
    # A process of its own: a kernel runs an event loop and keeps no database connection of ours.
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "orchestra_kit.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            for text in process.stdout or ():
                print(text, end="", flush=True)
        except KeyboardInterrupt:
            process.terminate()
            print("interrupted")
