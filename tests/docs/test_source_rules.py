"""Rules over the whole source that no single test would see broken."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "orchestra_kit").rglob("*.py"))
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
FLOORS = {"jupyterhub": "5.5.1", "jupyter_server": "2.20.0", "jupyterlab": "4.6.2", "jinja2": "3.1.6"}


def test_no_unsafe_loader_or_evaluation_in_the_code() -> None:
    """A18 and rule 8: no pickle, eval, exec, unsafe YAML loader or shell on anything a user may write."""
    found = [f"{path.relative_to(ROOT)}:{line} {what}" for path in SOURCES for line, what in offences(path)]
    assert found == []


def offences(path: Path) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            owner = (
                node.func.value.id
                if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
                else ""
            )
            if name in FORBIDDEN_CALLS:
                found.append((node.lineno, name))
            if (
                owner == "yaml"
                and attribute in {"load", "load_all", "unsafe_load", "full_load"}
                and not safe_loader(node)
            ):
                found.append((node.lineno, f"yaml.{attribute}"))
            if any(item.arg == "shell" and getattr(item.value, "value", False) is True for item in node.keywords):
                found.append((node.lineno, "shell=True"))
        names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [(node.lineno, name) for name in names if name.split(".")[0] in FORBIDDEN_IMPORTS]
    return found


def safe_loader(call: ast.Call) -> bool:
    """A loader named safe, or one of our own that derives from a safe one."""
    loaders = [*call.args[1:2], *(item.value for item in call.keywords if item.arg == "Loader")]
    return any("Safe" in ast.unparse(item) or ast.unparse(item).startswith("_") for item in loaders)


def test_known_bad_versions_are_not_pinned() -> None:
    """A28: the versions we build and test with are at or above the known floors."""
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE))
    normal = {name.lower().replace("-", "_"): Version(text) for name, text in pinned.items()}
    below = {
        name: str(normal[name]) for name, floor in FLOORS.items() if name in normal and normal[name] < Version(floor)
    }
    assert below == {}
    assert set(FLOORS) <= set(normal)


@pytest.mark.parametrize("pattern", [r"/work/", r"/root/", r"--(extra-)?index-url", r"^resolved \"http"])
def test_no_machine_path_or_registry_address_is_committed(pattern: str) -> None:
    files = [*SOURCES, *ROOT.glob("*.toml"), *ROOT.glob("*.txt"), ROOT / "Makefile", ROOT / ".ci" / "run"]
    found = [str(path) for path in files if re.search(pattern, path.read_text(encoding="utf-8"), flags=re.MULTILINE)]
    assert found == []
