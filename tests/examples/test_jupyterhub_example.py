"""The onboarding example runs against a real JupyterHub: delayed side effects that nobody here wrote."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "jupyterhub"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("configurable-http-proxy") is None, reason="configurable-http-proxy is missing"),
    pytest.mark.skipif(importlib.util.find_spec("jupyterhub") is None, reason="jupyterhub is not installed"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("hub")
    environment = {**os.environ, "ORCHESTRA_HOME": str(folder / "home"), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    command = [sys.executable, str(EXAMPLE / "run_example.py"), "--out", str(folder / "report"), "--executor", "inline"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    return done, folder


def test_onboarding_passes_against_a_real_hub(finished: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, _ = finished
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "passed: 2 runs, 2 PASSED" in done.stdout


def test_report_is_written_and_names_both_paths(finished: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = finished
    html = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert "Needs a team?" in html and "Server is ready" in html


def test_issued_token_is_in_no_report(finished: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """A23: the token the Hub issued, which a later step logs in with, is sealed and shown as stars."""
    done, folder = finished
    written = "".join(path.read_text(encoding="utf-8") for path in (folder / "report").iterdir())
    assert '"token": "***"' in written or "&quot;token&quot;: &quot;***&quot;" in written
    assert '"token": "' not in written.replace('"token": "***"', "")
    assert "HUB_TOKEN" not in written + done.stdout
