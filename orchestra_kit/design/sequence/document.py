"""`read_sequence`: bytes to the graph of all sequence diagrams of a file, and every defect by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.sequence.answers import link_answers
from orchestra_kit.design.sequence.findings import sequence_findings
from orchestra_kit.design.sequence.graph import ProcessParts, write_process
from orchestra_kit.design.sequence.labels import plain, short, slug
from orchestra_kit.design.sequence.mermaid import read_mermaid
from orchestra_kit.design.sequence.plantuml import read_plantuml
from orchestra_kit.design.sequence.source import Block, decode, find_blocks, lines_of
from orchestra_kit.design.sequence.syntax_tree import Fragment, Item, Language, Message, SequenceDiagram
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph, Diagnostic, Participant, ProcessSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceDocument:
    """A file with sequence diagrams as read: its graph, its defects, and whether anything usable was in it.

    `messages` and `fragments` count what stands in the file; `fragment_kinds` tells the fragments apart.
    """

    source: str
    graph: ControlFlowGraph
    diagnostics: tuple[Diagnostic, ...]
    ok: bool
    messages: int = 0
    fragments: int = 0
    fragment_kinds: dict[str, int] = field(default_factory=dict)


def read_sequence(data: bytes, *, source: str) -> SequenceDocument:
    """Return the graph and the diagnostics of a file with sequence diagrams; never raises on what the bytes hold."""
    findings = sequence_findings()
    diagrams = _diagrams(data, source, findings)
    graph = _graph(diagrams, source)
    kinds: Counter[str] = Counter()
    for diagram in diagrams:
        kinds.update(diagram.fragments)
    return SequenceDocument(
        source=source,
        graph=graph,
        diagnostics=findings.all(),
        ok=bool(graph.processes),
        messages=sum(diagram.messages for diagram in diagrams),
        fragments=kinds.total(),
        fragment_kinds=dict(sorted(kinds.items())),
    )


def _diagrams(data: bytes, source: str, findings: Findings) -> list[SequenceDiagram]:
    text = decode(data, findings)
    if text is None:
        return []
    found: list[SequenceDiagram] = []
    for block in find_blocks(lines_of(text, findings), source, findings):
        diagram = _read(block, findings)
        if diagram is not None and (diagram.messages or diagram.actors or diagram.fragments):
            link_answers(diagram, findings)
            found.append(diagram)
    if not found and findings.count("NO_MESSAGES"):
        findings.add("NO_DIAGRAM", "nobody takes part in any diagram of the file.")
    return found


def _read(block: Block, findings: Findings) -> SequenceDiagram | None:
    """Return the diagram of a block. Of one that is of another kind nothing is said but that."""
    own = sequence_findings()
    read = read_mermaid if block.language is Language.MERMAID else read_plantuml
    diagram = read(block, own)
    for item in own.all():
        if diagram is not None or item.code == "NOT_A_SEQUENCE_DIAGRAM":
            findings.add(item.code, item.message, element_id=item.element_id, line=item.line)
    return diagram


def _graph(diagrams: Sequence[SequenceDiagram], source: str) -> ControlFlowGraph:
    names = _process_ids(diagrams, source)
    parts: list[ProcessParts] = []
    summaries: list[ProcessSummary] = []
    for number, (diagram, name) in enumerate(zip(diagrams, names, strict=True), start=1):
        written = write_process(diagram, name, "" if number == 1 else f"d{number}_")
        parts.append(written)
        summaries.append(
            ProcessSummary(
                id=name,
                name=short(plain(diagram.title or diagram.name)),
                nodes=len(written.nodes),
                flows=len(written.flows),
                line=diagram.line,
                messages=diagram.messages,
                fragments=sum(diagram.fragments.values()),
            )
        )
    return ControlFlowGraph(
        source_type=SourceType.SEQUENCE,
        processes=tuple(summaries),
        nodes=tuple(node for part in parts for node in part.nodes),
        flows=tuple(flow for part in parts for flow in part.flows),
        participants=_participants(diagrams),
        message_flows=tuple(flow for part in parts for flow in part.message_flows),
        artifacts=tuple(artifact for part in parts for artifact in part.artifacts),
        associations=tuple(line for part in parts for line in part.associations),
    )


def _process_ids(diagrams: Sequence[SequenceDiagram], source: str) -> list[str]:
    """Return an id for each process: its own name or title, else the name of the file; numbered where one comes again."""
    stem = slug(PurePath(source).stem) or "sequence"
    used: set[str] = set()
    found: list[str] = []
    for number, diagram in enumerate(diagrams, start=1):
        wanted = (
            slug(diagram.name) or slug(plain(diagram.title)) or (stem if len(diagrams) == 1 else f"{stem}-{number}")
        )
        identifier, times = wanted, 1
        while identifier in used:
            times += 1
            identifier = f"{wanted}-{times}"
        used.add(identifier)
        found.append(identifier)
    return found


def _participants(diagrams: Sequence[SequenceDiagram]) -> tuple[Participant, ...]:
    """Return everybody who takes part, once, in order; who the tests play by default is decided for each diagram."""
    found: dict[str, Participant] = {}
    for diagram in diagrams:
        driven = _driven(diagram)
        for actor in diagram.actors.values():
            known = found.get(actor.id)
            plays = actor.id in driven or (known is not None and bool(known.driven))
            kind = actor.kind if known is None or known.kind == "participant" else known.kind
            name = actor.name if known is None or known.name == known.id else known.name
            found[actor.id] = Participant(id=actor.id, name=name, kind=kind, driven=plays)
    return tuple(found.values())


def _driven(diagram: SequenceDiagram) -> set[str]:
    """Return who is played by the tests unless the project says otherwise: actors, who stands outside, who begins.

    Who begins counts only where no actor and nobody outside sends anything.
    """
    people = {actor.id for actor in diagram.actors.values() if actor.kind in ("actor", "outside")}
    first = ""
    for message in _messages(diagram.items):
        if message.to_self or message.answers is not None:
            continue
        if message.sender in people:
            return people
        first = first or message.sender
    return people | {first} if first else people


def _messages(items: Sequence[Item]) -> list[Message]:
    found: list[Message] = []
    for item in items:
        if isinstance(item, Message):
            found.append(item)
        elif isinstance(item, Fragment):
            for section in item.sections:
                found += _messages(section.items)
    return found
