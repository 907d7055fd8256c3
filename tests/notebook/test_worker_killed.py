"""The worker itself is killed while its notebook runs: the kernel goes too, and the next drive repeats nothing recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
WORKER = """
import importlib.util, json, os, pathlib, signal, sys
spec = importlib.util.spec_from_file_location("fixtures", sys.argv[1])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
folder, killed_in, moment = pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
launcher = fixtures.WatchedLauncher()
session = fixtures.MemorySession()
for line in (folder / "recorded.txt").read_text().split():
    session.recorded[line] = session._result(line)
def before(alias):
    (folder / "kernel.txt").write_text(str(launcher.kernels[0].process_id))
    if (alias, moment) == (killed_in, "before"):
        os.kill(os.getpid(), signal.SIGKILL)
def after(alias):
    with (folder / "acts.txt").open("a") as acts, (folder / "recorded.txt").open("a") as recorded:
        print(alias, file=acts)
        print(alias, file=recorded)
    if (alias, moment) == (killed_in, "after"):
        os.kill(os.getpid(), signal.SIGKILL)
session.before_act, session.after_record = before, after
settings = fixtures.NotebookSettings(folder=folder / "kept", launcher=launcher, scratch=folder / "s")
fixtures.NotebookDriver(settings).drive(session)
print("done")
"""


def work(folder, killed_in="", moment=""):
    command = [sys.executable, "-c", WORKER, str(HERE / "conftest.py"), str(folder), killed_in, moment]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


def lives(process_id):
    try:
        return "zombie" not in Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("killed_in, moment", [("check_stock", "before"), ("reserve", "after"), ("ship", "before")])
def test_a_killed_worker_takes_its_kernel_along_and_the_next_goes_on(short_folder, killed_in, moment):
    (short_folder / "recorded.txt").write_text("")
    assert work(short_folder, killed_in, moment).returncode == -signal.SIGKILL
    kernel = int((short_folder / "kernel.txt").read_text())
    second = work(short_folder)
    assert second.stdout.strip() == "done", second.stderr
    assert (short_folder / "acts.txt").read_text().split() == ["check_stock", "reserve", "pay", "ship"]
    notebook = json.loads((short_folder / "kept" / "0190-run.ipynb").read_text())
    assert "4 of 4 steps passed" in json.dumps(notebook["cells"][-1]["outputs"])
    deadline = time.monotonic() + 30
    while lives(kernel):
        assert time.monotonic() < deadline, "the kernel outlived its worker"
        time.sleep(0.1)
