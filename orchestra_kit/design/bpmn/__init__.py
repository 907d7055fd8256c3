"""BPMN 2.0 files to control-flow graphs, with every defect named."""

from orchestra_kit.design.bpmn.document import BpmnDocument, read_bpmn
from orchestra_kit.design.bpmn.inspection import describe, inspect_process
from orchestra_kit.design.bpmn.sniffing import SourceKind, sniff

__all__ = ["BpmnDocument", "SourceKind", "describe", "inspect_process", "read_bpmn", "sniff"]
