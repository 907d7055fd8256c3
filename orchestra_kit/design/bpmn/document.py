"""`read_bpmn`: bytes to a graph and every defect by name."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_kit.design.bpmn.activity_checks import check_activities
from orchestra_kit.design.bpmn.data_checks import check_data
from orchestra_kit.design.bpmn.definition_checks import check_definitions
from orchestra_kit.design.bpmn.elements import local_name
from orchestra_kit.design.bpmn.event_checks import check_events
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.flow_checks import check_control_flow
from orchestra_kit.design.bpmn.parsing import Element, parse_tree
from orchestra_kit.design.bpmn.reading import GraphReader
from orchestra_kit.design.bpmn.reference_checks import check_references
from orchestra_kit.design.bpmn.repetition_checks import check_repetitions
from orchestra_kit.design.bpmn.service_checks import check_services
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.design.bpmn.vocabulary import COLLABORATIONS, MODEL
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph, Diagnostic

_TELLING = COLLABORATIONS | {"process"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BpmnDocument:
    """A BPMN file as read: its graph, its defects, and whether anything usable was in it."""

    source: str
    graph: ControlFlowGraph
    diagnostics: tuple[Diagnostic, ...]
    ok: bool


def read_bpmn(data: bytes, *, source: str) -> BpmnDocument:
    """Return the graph and the diagnostics of a BPMN file; never raises on what the bytes hold."""
    findings = Findings()
    graph = _read(data, findings)
    ok = bool(graph.nodes or graph.flows or graph.processes or graph.participants)
    return BpmnDocument(source=source, graph=graph, diagnostics=findings.all(), ok=ok)


def _read(data: bytes, findings: Findings) -> ControlFlowGraph:
    nothing = ControlFlowGraph(source_type=SourceType.BPMN)
    root = parse_tree(data, findings)
    if root is None:
        return nothing
    namespace = _namespace(root, findings)
    if namespace is None:
        findings.add(
            "NOT_BPMN",
            f"the document is a '{local_name(root)}', not BPMN 2.0: it holds no definitions, process or collaboration.",
            line=root.sourceline,
        )
        return nothing
    readings = GraphReader(root, namespace, findings).read()
    graph = readings.graph
    if not graph.processes:
        findings.add("NO_PROCESS", "the file holds no process.", line=root.sourceline)
    structure = Structure(readings)
    for process in graph.processes:
        if not process.nodes:
            findings.add(
                "EMPTY_PROCESS", f"the process '{process.id}' is empty.", element_id=process.id, line=process.line
            )
    check_references(structure, findings)
    check_events(structure, findings)
    check_activities(structure, findings)
    check_repetitions(structure, findings)
    check_services(structure, findings)
    check_data(structure, findings)
    check_definitions(structure, findings)
    check_control_flow(structure, findings)
    return graph


def _namespace(root: Element, findings: Findings) -> str | None:
    """Return the namespace the document uses for BPMN, None when it is no BPMN at all."""
    if root.tag == f"{{{MODEL}}}definitions":
        if next(root.iterchildren(*(f"{{{MODEL}}}{name}" for name in sorted(_TELLING))), None) is not None:
            return MODEL
        return _other_namespace(root, findings) or MODEL
    found = next(root.iter(*(f"{{{MODEL}}}{name}" for name in sorted(_TELLING | {"definitions"}))), None)
    if found is not None:
        findings.add(
            "NO_DEFINITIONS",
            f"the document begins with '{local_name(root)}', not with 'definitions'.",
            line=root.sourceline,
        )
        return MODEL
    return _other_namespace(root, findings)


def _other_namespace(root: Element, findings: Findings) -> str | None:
    """Return the namespace of a document that has the words of BPMN under another name."""
    definitions = local_name(root) == "definitions"
    for element in root.iter():
        name = local_name(element)
        if name == "sequenceFlow" or (definitions and name in _TELLING and element.getparent() is root):
            namespace = element.tag[1:].split("}")[0] if element.tag[0] == "{" else ""
            if namespace == MODEL:
                return MODEL
            findings.add(
                "WRONG_NAMESPACE",
                f"the BPMN elements are in the namespace '{namespace}', not in '{MODEL}'; read all the same.",
                line=element.sourceline,
            )
            return str(namespace)
    return None
