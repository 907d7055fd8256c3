"""The real process files, read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.model.process import ControlFlowGraph

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def corpus_graphs() -> list[tuple[Path, ControlFlowGraph]]:
    folder = Path(os.environ.get("ORCHESTRA_CORPUS", REPOSITORY.parent / "shared" / "data")) / "bpmn"
    files = [item for item in sorted(folder.rglob("*")) if item.is_file() and item.suffix not in (".md", ".tsv")]
    if not files:
        pytest.skip("the BPMN corpus is absent (ORCHESTRA_CORPUS)")
    return [(path, read_bpmn(path.read_bytes(), source=path.name).graph) for path in files]
