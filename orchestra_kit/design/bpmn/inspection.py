"""`orchestra process inspect`: one file, its counts and its defects, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestra_kit.design.bpmn.document import BpmnDocument, read_bpmn
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph


def inspect_process(path: str | Path) -> dict[str, Any]:
    """Return what is in a process file; a file that cannot be read gives a diagnostic too."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        findings = Findings()
        findings.add("CANNOT_READ_FILE", f"the file cannot be read: {error.strerror or error}.")
        empty = ControlFlowGraph(source_type=SourceType.BPMN)
        return describe(BpmnDocument(source=str(path), graph=empty, diagnostics=findings.all(), ok=False))
    return describe(read_bpmn(data, source=str(path)))


def describe(document: BpmnDocument) -> dict[str, Any]:
    """Return the JSON of `orchestra process inspect` for a document."""
    graph = document.graph
    return {
        "file": document.source,
        "ok": document.ok,
        "sourceType": graph.source_type.value,
        "nodes": len(graph.nodes),
        "flows": len(graph.flows),
        "processes": [
            {"id": item.id, "name": item.name, "nodes": item.nodes, "flows": item.flows} for item in graph.processes
        ],
        "diagnostics": [
            {
                "severity": item.severity.value,
                "code": item.code,
                "elementId": item.element_id,
                "line": item.line,
                "message": item.message,
            }
            for item in document.diagnostics
        ],
    }
