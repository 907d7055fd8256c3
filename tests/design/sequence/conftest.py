"""Diagrams written in a test, read; and the corpus of real ones."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestra_kit.design.sequence import SequenceDocument, read_sequence

Read = Callable[[str], SequenceDocument]


@pytest.fixture(scope="session")
def mermaid() -> Read:
    """Return a function that reads the lines of a Mermaid diagram."""
    return lambda body: read_sequence(("sequenceDiagram\n" + textwrap.dedent(body)).encode(), source="d.mmd")


@pytest.fixture(scope="session")
def plantuml() -> Read:
    """Return a function that reads the lines of a PlantUML diagram."""
    return lambda body: read_sequence(f"@startuml\n{textwrap.dedent(body)}\n@enduml".encode(), source="d.puml")


@pytest.fixture(scope="session")
def corpus() -> list[Path]:
    """Return the real diagrams; skip where they are not there."""
    root = Path(os.environ.get("ORCHESTRA_CORPUS", Path(__file__).parents[4] / "shared" / "data")) / "sequence"
    files = sorted(file for file in root.glob("*/*") if file.suffix in (".puml", ".mmd"))
    if not files:
        pytest.skip("no corpus of sequence diagrams (ORCHESTRA_CORPUS)")
    return files
