"""One worker process: `python -m orchestra_kit.workers`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from types import FrameType

from orchestra_kit.errors import OrchestraError


def main() -> int:
    """Work until SIGTERM, or until whoever started this process is gone; then drain."""
    parser = argparse.ArgumentParser(prog="orchestra-worker")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--lease", type=float, default=30.0)
    parser.add_argument("--drain", type=float, default=30.0)
    parser.add_argument("--stdin-lifeline", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    if options.stdin_lifeline:
        threading.Thread(target=_end_with_parent, args=(stop,), name="lifeline", daemon=True).start()
    try:
        from orchestra_kit.app.workspace import open_workspace

        with (
            open_workspace() as workspace,
            workspace.worker(threads=options.threads, lease_seconds=options.lease, drain_seconds=options.drain),
        ):
            stop.wait()
    except OrchestraError as error:
        print(f"orchestra worker: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _end_with_parent(stop: threading.Event) -> None:
    """Ask to stop when standard input closes: the supervisor is gone, however it ended."""
    while os.read(0, 1024):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
