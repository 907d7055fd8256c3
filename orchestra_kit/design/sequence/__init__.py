"""Sequence diagrams in Mermaid and PlantUML, whole files or out of Markdown, to control-flow graphs."""

from orchestra_kit.design.sequence.document import SequenceDocument, read_sequence
from orchestra_kit.design.sequence.graph import MESSAGE
from orchestra_kit.design.sequence.source import may_hold_diagrams

__all__ = ["MESSAGE", "SequenceDocument", "may_hold_diagrams", "read_sequence"]
