"""What is not imported: why `orchestra --help`, `import orchestra_kit` and `%load_ext orchestra_kit` answer at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "pydantic", "sqlalchemy", "psycopg", "psycopg_pool", "papermill", "openapi_core", "jsonschema", "jsonschema_rs", "lxml",
    "httpx", "huey", "pandas", "nbclient", "nbformat", "ipykernel", "jupyter_client", "alembic", "yaml", "cel", "structlog",
    "networkx", "starlette", "uvicorn", "cryptography", "numpy",
}  # fmt: skip
HELP = """
import contextlib, io
from orchestra_kit.cli import main
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main({arguments})
assert "Usage" in out.getvalue() or "version" in out.getvalue() or "," in out.getvalue(), out.getvalue()
"""


def modules_after(code: str) -> set[str]:
    """The modules a fresh interpreter has loaded after some code, beyond those it has by itself."""
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nimport json\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import orchestra_kit",
        "import orchestra_kit.errors",
        HELP.format(arguments=["--help"]),
        HELP.format(arguments=["--version"]),
        HELP.format(arguments=["suite", "--help"]),
        HELP.format(arguments=["suite", "run", "--help"]),
        HELP.format(arguments=["worker", "--help"]),
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    assert {name.partition(".")[0] for name in modules_after(code)} & HEAVY == set()


def test_the_package_alone_imports_none_of_its_parts() -> None:
    own = {name for name in modules_after("import orchestra_kit") if name.startswith("orchestra_kit")}
    assert own == {"orchestra_kit"}


def test_loading_the_extension_imports_nothing_heavy_beyond_ipython() -> None:
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "orchestra_kit")
assert "orchestra" in shell.magics_manager.magics["line"]
"""
    found = modules_after(code)
    assert {name.partition(".")[0] for name in found} & HEAVY == set()
    own = {name for name in found if name.startswith("orchestra_kit")}
    assert own == {"orchestra_kit", "orchestra_kit.magics", "orchestra_kit.magics.command"}
