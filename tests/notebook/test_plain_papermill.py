"""The engine without a worker, and what importing costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

from orchestra_kit.notebook.generate import generate_notebook

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_worker_a_step_says_how_to_get_one(plan_of, run_of, tmp_path, text_of, engine):
    import papermill

    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(generate_notebook(plan_of(), run_of()), source)
    with pytest.raises(papermill.PapermillExecutionError, match="NotConnected"):
        papermill.execute_notebook(str(source), str(target), engine_name="orchestra", progress_bar=False)
    notebook = nbformat.read(target, as_version=4)
    assert "--executor notebook" in text_of(notebook, "connect")
    assert "No worker is connected" in text_of(notebook, "step-check_stock")


def test_the_papermill_command_finds_the_engine_by_its_entry_point(plan_of, run_of, tmp_path, text_of):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["papermill.engine"]
    metadata = tmp_path / "site" / "orchestra_kit_checkout-0.dist-info"
    metadata.mkdir(parents=True)
    lines = ["[papermill.engine]", *(f"{name} = {target}" for name, target in declared.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(generate_notebook(plan_of(), run_of()), source)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{metadata.parent}"}
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--engine",
        "orchestra",
        "--no-progress-bar",
        str(source),
        str(target),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert "NotConnected: No worker is connected to this notebook" in done.stderr
    assert "No worker is connected" in text_of(nbformat.read(target, as_version=4), "step-check_stock")


def test_other_notebooks_run_under_the_engine_as_under_papermills(tmp_path, engine, monkeypatch):
    import papermill

    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    cells = [
        nbformat.v4.new_code_cell("x: int = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("x * 2"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), source)
    saves = []
    monkeypatch.setattr(engine, "write_notebook", lambda notebook, path: saves.append(path))
    papermill.execute_notebook(str(source), str(target), {"x": 21}, engine_name="orchestra", progress_bar=False)
    notebook = nbformat.read(target, as_version=4)
    assert notebook.cells[-1].outputs[0].data["text/plain"] == "42"
    assert notebook.cells[-1].metadata.papermill.status == "completed"
    assert saves == [str(target)]


def test_a_kernel_and_a_worker_start_without_what_they_do_not_need():
    code = """
import sys
import tomllib
import orchestra_kit.notebook.kernel_client, orchestra_kit.notebook.kernel_display
heavy = {"pydantic", "orchestra_kit.model", "orchestra_kit.errors", "IPython", "asyncio", "zmq"}
print(sorted(heavy & set(sys.modules)))
import orchestra_kit.notebook.driver
heavy = {"papermill", "nbclient", "nbformat", "IPython", "jsonschema", "zmq", "jupyter_client"}
print(sorted(heavy & set(sys.modules)))
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
