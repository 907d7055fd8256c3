"""Every real file gives a graph or a named diagnostic, with exactly the file's nodes and flows."""

from __future__ import annotations

import json
import statistics
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

from orchestra_kit.design.bpmn import inspect_process, read_bpmn
from orchestra_kit.design.bpmn.findings import SEVERITIES

Count = Callable[[bytes], tuple[int, int]]


def check_exact(files: list[Path], count: Count) -> list[Path]:
    """Compare every well-formed file with the independent count; return the ill-formed ones."""
    ill_formed = []
    for path in files:
        data = path.read_bytes()
        graph = read_bpmn(data, source=path.name).graph
        try:
            expected = count(data)
        except (ElementTree.ParseError, ValueError):
            ill_formed.append(path)
            continue
        assert (len(graph.nodes), len(graph.flows)) == expected, path.name
        assert sum(item.nodes for item in graph.processes) <= len(graph.nodes)
    return ill_formed


def test_vendored_files_are_read_exactly(vendored: list[Path], count_independently: Count) -> None:
    assert check_exact(vendored, count_independently) == []


def test_every_well_formed_corpus_file_is_read_exactly(corpus: list[Path], count_independently: Count) -> None:
    assert len(check_exact(corpus, count_independently)) == 5


def test_every_ill_formed_corpus_file_has_a_diagnostic_with_a_line(
    corpus: list[Path], count_independently: Count
) -> None:
    for path in check_exact(corpus, count_independently):
        document = read_bpmn(path.read_bytes(), source=path.name)
        assert any(item.severity.value == "error" and item.line for item in document.diagnostics), path.name
        assert document.ok, f"{path.name}: its flows can be recovered"
        assert document.graph.flows


def test_inspection_of_every_file_is_the_published_json(corpus: list[Path]) -> None:
    for path in corpus:
        found = json.loads(json.dumps(inspect_process(path)))
        assert list(found) == ["file", "ok", "sourceType", "nodes", "flows", "processes", "diagnostics"]
        assert all(set(item) == {"id", "name", "nodes", "flows"} for item in found["processes"])
        for item in found["diagnostics"]:
            assert set(item) == {"severity", "code", "elementId", "line", "message"}
            assert item["code"] in SEVERITIES
        assert found["ok"] or found["diagnostics"], path.name


def test_bpmnspector_labels_are_met_without_false_alarm(corpus: list[Path]) -> None:
    """Files whose broken constraint the reader knows are flagged with its id; `success` files give no warning."""
    chosen = {"032", "036", "062", "064", "069", "089", "090", "095", "146"}
    flagged = 0
    for path in (item for item in corpus if item.parent.name == "BPMNspector"):
        diagnostics = read_bpmn(path.read_bytes(), source=path.name).diagnostics
        if "success" in path.name:
            assert [item for item in diagnostics if item.severity.value != "info"] == [], path.name
        elif path.name[:3] in chosen:
            assert any(f"EXT.{path.name[:3]}" in item.message for item in diagnostics), path.name
            flagged += 1
    assert flagged >= 14


def test_diagnostic_codes_are_each_documented_by_a_severity() -> None:
    assert all(code == code.upper() for code in SEVERITIES)


def test_reading_costs_a_small_multiple_of_parsing(corpus: list[Path]) -> None:
    """The median file is read in the time of a few bare lxml parses, whatever the machine."""
    from lxml import etree

    ratios = []
    for path in corpus:
        data = path.read_bytes()
        try:
            bare = min(_timed(lambda data=data: list(etree.fromstring(data).iter())) for _ in range(3))
        except etree.XMLSyntaxError:
            continue
        own = min(_timed(lambda data=data: read_bpmn(data, source="x")) for _ in range(3))
        ratios.append(own / bare)
    assert statistics.median(ratios) < 20


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
