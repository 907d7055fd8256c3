"""Every container of every real file: the size is the bound, and the bound is proven."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from xml.etree.ElementTree import ParseError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import plan_suite

CRITERIA = ("flow", "node", "decision")


def prove(files: Iterable[Path], criterion: str, checker: ModuleType) -> tuple[int, int, int]:
    planned = proven = gaps = 0
    for path in files:
        data = path.read_bytes()
        document = read_bpmn(data, source=path.name)
        plan = plan_suite(document.graph, criterion=criterion)
        gaps += plan.gap - sum(item.gap for item in plan.whole.collaborations)  # these say what fits nobody
        for container in plan.containers:
            planned += 1
            assert container.size == container.lower_bound == len(container.certificate), (
                path.name,
                container.container,
            )
        written = json.loads(json.dumps(plan.to_json(path.name)))
        assert set(written) == {"file", "containers", "suite"}
        if any(item.code == "MISSING_ID" for item in document.diagnostics):
            continue  # the checker knows elements by their ids alone
        try:
            checker.check(written, data)
        except ParseError:
            continue
        proven += len(plan.containers)
    return planned, proven, gaps


@pytest.mark.parametrize("criterion", CRITERIA)
def test_vendored_files_are_planned_and_proven(vendored: list[Path], checker: ModuleType, criterion: str) -> None:
    planned, proven, gaps = prove(vendored, criterion, checker)
    assert planned == proven > 15
    assert gaps == 0


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_corpus_container_is_planned_and_proven(corpus: list[Path], checker: ModuleType, criterion: str) -> None:
    planned, proven, gaps = prove(corpus, criterion, checker)
    assert planned > 350
    assert proven > 0.95 * planned
    assert gaps <= 1


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_broken_file_is_planned_as_far_as_it_was_read(vendored: list[Path], data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(vendored)).read_bytes()
    start, length = data.draw(st.integers(0, len(source))), data.draw(st.integers(0, 400))
    graph = read_bpmn(source[:start] + source[start + length :], source="broken").graph
    plan = plan_suite(graph)
    assert all(item.size == item.lower_bound for item in plan.containers)
