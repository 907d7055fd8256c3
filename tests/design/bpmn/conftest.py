"""Where the BPMN files are, and a count that shares nothing with the reader."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
VENDORED = REPOSITORY / "tests" / "data" / "bpmn"
MODEL = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_NAMES = """
startEvent endEvent intermediateCatchEvent intermediateThrowEvent boundaryEvent implicitThrowEvent task serviceTask sendTask
receiveTask userTask manualTask businessRuleTask scriptTask callActivity subProcess transaction adHocSubProcess
subChoreography choreographyTask callChoreography exclusiveGateway inclusiveGateway parallelGateway eventBasedGateway
complexGateway
"""
FLOW_NODES = {MODEL + name for name in _NAMES.split()}


def corpus_files() -> Iterator[Path]:
    """The big corpus where it is, the vendored files always."""
    yield from sorted(VENDORED.glob("*.bpmn"))
    corpus = Path(os.environ.get("ORCHESTRA_CORPUS", REPOSITORY.parent / "shared" / "data")) / "bpmn"
    for path in sorted(corpus.rglob("*")):
        if path.is_file() and path.name not in ("README.md", "MANIFEST.tsv"):
            yield path


def _count(data: bytes) -> tuple[int, int]:
    """Flow nodes and sequence flows by ElementTree; raises ParseError for what is ill-formed."""
    root = ElementTree.fromstring(data)
    names = [element.tag for element in root.iter()]
    return sum(name in FLOW_NODES for name in names), names.count(MODEL + "sequenceFlow")


@pytest.fixture(scope="session")
def corpus() -> list[Path]:
    files = list(corpus_files())
    if len(files) < 100:
        pytest.skip(f"the BPMN corpus is absent (ORCHESTRA_CORPUS); {len(files)} vendored files are read elsewhere")
    return files


@pytest.fixture(scope="session")
def vendored() -> list[Path]:
    files = sorted(VENDORED.glob("*.bpmn"))
    assert len(files) >= 9
    return files


@pytest.fixture(scope="session")
def count_independently() -> Callable[[bytes], tuple[int, int]]:
    return _count
