"""Stopping the embedded server as a crash would."""

from __future__ import annotations

import subprocess
from pathlib import Path

from orchestra_kit.store.server_files import place_data, programs


def stop_at_once(directory: Path) -> None:
    """pg_ctl -m immediate: no checkpoint, no goodbye; the next start recovers from the log."""
    files = place_data(directory)
    account = files.account
    identity = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    command = [str(programs(account) / "pg_ctl"), "-w", "-m", "immediate", "-D", str(files.data), "stop"]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **identity)  # type: ignore[call-overload]
