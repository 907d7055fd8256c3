"""The public API is typed the way a user writes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orchestra_kit

HERE = Path(__file__).parent


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(orchestra_kit.__path__[0]) / "py.typed").is_file()


def test_a_users_code_type_checks_strictly() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(HERE / "api.py")],
        cwd=HERE.parents[1], capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
