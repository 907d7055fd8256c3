"""What all workflows of one document share while they become scenarios."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from orchestra_kit.design.arazzo.document import ArazzoDocument, Step
from orchestra_kit.design.arazzo.reading import Findings
from orchestra_kit.design.generation import Author


@dataclass(slots=True, kw_only=True)
class Context:
    """The document, what is known around it, and the names its workflows and their outputs have with us."""

    document: ArazzoDocument
    author: Author
    others: Mapping[str, ArazzoDocument]
    operations: Mapping[str, Collection[str]]
    keys: Mapping[str, str]
    exports: Mapping[tuple[str, str], str]
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A step of the document and the aliases of the steps it became."""

    step: Step
    aliases: tuple[str, ...]
