"""Process files of every kind that is read: BPMN 2.0, and sequence diagrams in Mermaid and PlantUML."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from orchestra_kit.design.bpmn import BpmnDocument, describe, read_bpmn
from orchestra_kit.design.sequence import SequenceDocument, may_hold_diagrams, read_sequence
from orchestra_kit.model.enums import Severity, SourceType
from orchestra_kit.model.process import ControlFlowGraph, Diagnostic

ProcessDocument: TypeAlias = BpmnDocument | SequenceDocument
"""A process file as read: `source`, `graph`, `diagnostics`, `ok`."""


def read_process(data: bytes, *, source: str) -> ProcessDocument:
    """Return the graph and the diagnostics of a process file, whatever its kind; never raises on what the bytes hold.

    What it is, is told by its content; a name that ends in .puml, .mmd or .md only decides where the content does not.
    """
    if may_hold_diagrams(data, source):
        return read_sequence(data, source=source)
    return read_bpmn(data, source=source)


def inspect_process(path: str | Path) -> dict[str, Any]:
    """Return the answer of `orchestra process inspect` for one file; one that cannot be read is an answer, too."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        unread = Diagnostic(
            severity=Severity.ERROR,
            code="CANNOT_READ_FILE",
            message=f"the file cannot be read: {error.strerror or error}.",
        )
        empty = ControlFlowGraph(source_type=SourceType.BPMN)
        return describe(BpmnDocument(source=str(path), graph=empty, diagnostics=(unread,), ok=False))
    return describe_process(read_process(data, source=str(path)))


def describe_process(document: ProcessDocument) -> dict[str, Any]:
    """Return the JSON of `orchestra process inspect` for a file that was read."""
    if isinstance(document, BpmnDocument):
        return describe(document)
    graph = document.graph
    return {
        "file": document.source,
        "ok": document.ok,
        "sourceType": graph.source_type.value,
        "nodes": len(graph.nodes),
        "flows": len(graph.flows),
        "messages": document.messages,
        "fragments": document.fragments,
        "fragmentKinds": document.fragment_kinds,
        "processes": [
            {
                "id": item.id,
                "name": item.name,
                "nodes": item.nodes,
                "flows": item.flows,
                "messages": item.messages,
                "fragments": item.fragments,
            }
            for item in graph.processes
        ],
        "participants": [
            {"id": item.id, "name": item.name, "kind": item.kind, "role": "driven" if item.driven else "observed"}
            for item in graph.participants
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
