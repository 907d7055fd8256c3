"""What ties a process of the shop to its starter: options, the ready file, and an end together."""

from __future__ import annotations

import argparse
import os
import select
import sys
import threading
from pathlib import Path

PARENT_CHECK_SECONDS = 0.5


def command_line(description: str) -> argparse.ArgumentParser:
    """The options every process of the shop has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--database", type=Path, required=True, help="the shop's SQLite file")
    parser.add_argument(
        "--ready-file", type=Path, required=True, help="written with the base URL once requests are served"
    )
    return parser


def report_ready(ready_file: Path, text: str) -> None:
    """Say where we are; the file appears with its whole content or not at all."""
    draft = ready_file.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(ready_file)


def end_with_parent() -> None:
    """Leave at once when the starter is gone: its end of our standard input closes, or we are given another parent."""
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True, name="parent-watch").start()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin.buffer], [], [], PARENT_CHECK_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 1024):
            break
    os._exit(0)
