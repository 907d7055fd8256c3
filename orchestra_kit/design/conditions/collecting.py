"""What must hold on one path: the conditions its flows ask for, with the version of each variable they see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from orchestra_kit.design.conditions.guards import GuardTable, roots_of
from orchestra_kit.design.conditions.hints import ConditionHints
from orchestra_kit.design.conditions.outcome import PathCondition
from orchestra_kit.design.conditions.variables import Ledger, Version
from orchestra_kit.design.conditions.writers import OPEN_TYPES, Write, WriteKind, writes_of
from orchestra_kit.expressions.conditions import Dialect, Guard
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType, SequenceFlow
from orchestra_kit.spi.solver import Context, Definition, Requirement, SolveRequest, Symbol

_ONE_WAY = frozenset({NodeType.EXCLUSIVE_GATEWAY, NodeType.EVENT_BASED_GATEWAY})
_CATCHES = frozenset({NodeType.INTERMEDIATE_CATCH_EVENT, NodeType.BOUNDARY_EVENT, NodeType.START_EVENT})
FIRST_WINS = (
    "of several true conditions of an exclusive gateway the first in the document wins, so those before it are false"
)
_POSSIBLY = "possibly"
RENEWED = "a variable nothing in the model writes may have another value in each round of a loop"


class Openness(Enum):
    """Who may write variables without declaring it.

    PEOPLE: human tasks, messages and called processes that declare no outputs, but only variables that other elements of
    the model write, too. ANY: every activity that declares none, any variable.
    """

    DECLARED = "declared"
    PEOPLE = "people"
    ANY = "any"


@dataclass(slots=True)
class Collected:
    """All that one path asks for."""

    conditions: list[PathCondition] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    versions: tuple[Version, ...] = ()
    reads: list[tuple[Version, str]] = field(default_factory=list)
    unread: dict[str, None] = field(default_factory=dict)
    open_choices: dict[str, None] = field(default_factory=dict)
    assumptions: dict[str, None] = field(default_factory=dict)


class PathReader:
    """Collects the conditions of paths of one process."""

    def __init__(self, graph: ControlFlowGraph, guards: GuardTable, hints: ConditionHints) -> None:
        self._guards, self._hints = guards, hints
        self._nodes = {node.id: node for node in graph.nodes}
        self._flows = {flow.id: flow for flow in graph.flows}
        self._leaving: dict[str, list[SequenceFlow]] = {}
        for flow in graph.flows:
            self._leaving.setdefault(flow.source, []).append(flow)
        self._writes = writes_of(graph, hints.responses)
        self._known = frozenset(
            write.variable
            for items in self._writes.values()
            for write in items
            if not (write.kind is WriteKind.RESPONSE and hints.sets(write.variable))
        )
        self._made = frozenset(
            item.variable for items in self._writes.values() for item in items if item.kind is not WriteKind.FORM
        )
        self._asked = {name for guard in guards.guards.values() for name in roots_of(guard)}
        written = {item.variable for items in self._writes.values() for item in items}
        self._shared = self._asked | written | set(hints.data) | set(hints.inputs)
        self._inside: dict[str, list[FlowNode]] = {}
        for node in graph.nodes:
            if node.id not in self._leaving and node.id in self._writes:
                self._inside.setdefault(node.container, []).append(node)
        self._context = tuple(Context(text=guard.text, dialect=guard.dialect) for guard in guards.guards.values())

    def collect(
        self, path: Sequence[str], visits: Sequence[str] = (), *, openness: Openness = Openness.DECLARED
    ) -> Collected:
        """Return what a path asks for, in firing order, when elements write as `openness` says."""
        walk = _Walk(Ledger(hints=self._hints), Collected(), openness)
        visited = frozenset(visits)
        for position, (source, taken) in enumerate(self.firings(path)):
            node = self._nodes.get(source)
            if node is not None:
                self._write(walk, node, visited, position)
                self._decide(walk, node, taken, position)
        walk.found.versions = walk.ledger.versions()
        return walk.found

    def request(self, found: Collected, *, values: bool, boundaries: bool, time_limit: float) -> SolveRequest:
        """Return what a solver is asked for a path."""
        symbols = tuple(
            Symbol(name=item.symbol, candidates=item.candidates, required=item.required)
            for item in found.versions
            if item.candidates or item.required
        )
        return SolveRequest(
            requirements=tuple(found.requirements),
            definitions=tuple(found.definitions),
            symbols=symbols,
            context=self._context,
            values=values,
            boundaries=boundaries,
            time_limit=time_limit,
        )

    def firings(self, path: Sequence[str]) -> Iterator[tuple[str, list[SequenceFlow]]]:
        """Yield the nodes that fire along a path with the flows they put tokens on."""
        group: list[SequenceFlow] = []
        for flow_id in path:
            flow = self._flows[flow_id]
            if group and not self._same_firing(group, flow):
                yield group[0].source, group
                group = []
            group.append(flow)
        if group:
            yield group[0].source, group

    def _same_firing(self, group: list[SequenceFlow], flow: SequenceFlow) -> bool:
        first = group[0]
        if flow.source != first.source or flow in group or group[-1].target == first.source:
            return False
        node = self._nodes.get(first.source)
        return node is not None and node.type not in _ONE_WAY

    # --- writing -----------------------------------------------------------------------------------------------------

    def _write(self, walk: _Walk, node: FlowNode, visited: frozenset[str], position: int) -> None:
        if node.type.is_activity or node.type in _CATCHES:
            walk.activities += 1
        writers = [node.id]
        if node.type.is_container:
            writers = [item.id for item in self._inside.get(node.id, ()) if item.id in visited] + writers
        for writer in writers:
            for write in self._writes.get(writer, ()):
                self._written(walk, write, position)
        for name in self._may_write(walk.openness, node):
            walk.ledger.write(Write(variable=name, node_id=node.id, kind=WriteKind.OPEN))

    def _may_write(self, openness: Openness, node: FlowNode) -> list[str]:
        """Return the variables an element may write without saying so."""
        if openness is Openness.DECLARED or node.id in self._writes:
            return []
        if openness is Openness.PEOPLE:
            return sorted(self._made) if node.type in OPEN_TYPES else []
        opaque = (node.type.is_activity and not node.type.is_container) or node.type in OPEN_TYPES
        return sorted(self._asked) if opaque else []

    def _written(self, walk: _Walk, write: Write, position: int) -> None:
        """Note a write; one whose expression has been read defines the new value by the old ones."""
        value = write.value
        if value is None or not self._is_of_process(write, roots_of(value)):
            walk.ledger.write(write)
            return
        sources = tuple(walk.ledger.read(name) for name in roots_of(value))
        made = walk.ledger.compute(write, sources)
        walk.found.definitions.append(
            Definition(
                id=f"{position}={write.node_id}:{write.variable}",
                symbol=made.symbol,
                root=write.variable,
                text=value.text,
                dialect=value.dialect,
                bind={source.variable: source.symbol for source in sources},
            )
        )

    def _is_of_process(self, write: Write, names: Sequence[str]) -> bool:
        """Return whether an expression is over process variables: a mapping may be over what a worker has answered, a script
        over names of its own."""
        local = write.kind is WriteKind.MAPPING or (write.value is not None and write.value.dialect is Dialect.SCRIPT)
        return not local or all(name in self._shared for name in names)

    # --- deciding ----------------------------------------------------------------------------------------------------

    def _decide(self, walk: _Walk, node: FlowNode, taken: list[SequenceFlow], position: int) -> None:
        leaving = self._leaving.get(node.id, [])
        if not any(self._guards.has_condition(flow.id) for flow in leaving):
            if node.type in (NodeType.EXCLUSIVE_GATEWAY, NodeType.INCLUSIVE_GATEWAY) and len(leaving) > 1:
                walk.found.open_choices[node.id] = None
            return
        if node.type in (NodeType.PARALLEL_GATEWAY, NodeType.EVENT_BASED_GATEWAY):
            return
        self._renew(walk, node, leaving)
        for flow, wanted in self._wanted(walk, node, leaving, taken):
            self._require(walk, node, flow, wanted, position)

    def _wanted(
        self, walk: _Walk, node: FlowNode, leaving: list[SequenceFlow], taken: list[SequenceFlow]
    ) -> Iterator[tuple[SequenceFlow, bool]]:
        """Yield the flows whose conditions must be true or false."""
        ids = {flow.id for flow in taken}
        guarded = [flow for flow in leaving if self._guards.has_condition(flow.id)]
        by_default = all(flow.is_default or node.default_flow == flow.id for flow in taken)
        if node.type is NodeType.EXCLUSIVE_GATEWAY and not by_default:
            first = taken[0]
            before = [flow for flow in leaving[: leaving.index(first)] if self._guards.has_condition(flow.id)]
            if before:
                walk.found.assumptions[FIRST_WINS] = None
            yield from ((flow, False) for flow in before)
            if self._guards.has_condition(first.id):
                yield first, True
            return
        for flow in guarded:
            yield flow, flow.id in ids

    def _require(self, walk: _Walk, node: FlowNode, flow: SequenceFlow, wanted: bool, position: int) -> None:
        guard = self._guards.guards.get(flow.id)
        if guard is None:
            walk.found.unread[flow.id] = None
            return
        versions = {name: walk.ledger.read(name) for name in roots_of(guard)}
        walk.found.reads += [(version, flow.id) for version in versions.values()]
        for version in versions.values():
            if version.origin.startswith(_POSSIBLY):
                said = f"'{version.node_id}' may write '{version.variable}': the model does not declare what it writes"
                walk.found.assumptions[said] = None
        bind = {name: version.symbol for name, version in versions.items()}
        key = f"{position}:{flow.id}"
        walk.found.requirements.append(
            Requirement(id=key, text=guard.text, dialect=guard.dialect, holds=wanted, bind=bind)
        )
        walk.found.conditions.append(_condition(key, node, flow, guard, wanted, bind))

    def _renew(self, walk: _Walk, node: FlowNode, leaving: list[SequenceFlow]) -> None:
        """Let variables without a known writer change from one round of a loop to the next."""
        names = {
            name
            for flow in leaving
            if flow.id in self._guards.guards
            for name in roots_of(self._guards.guards[flow.id])
        }
        before = walk.seen.get(node.id)
        if before is not None and before.activities < walk.activities:
            for name in sorted(names - self._known):
                if walk.ledger.stamp(name) == before.stamps.get(name):
                    walk.ledger.renew(name)
                    walk.found.assumptions[RENEWED] = None
        stamps = {name: walk.ledger.stamp(name) for name in names}
        walk.seen[node.id] = _Seen(activities=walk.activities, stamps=stamps)


@dataclass(frozen=True, slots=True)
class _Seen:
    """When a node last decided."""

    activities: int
    stamps: Mapping[str, int]


@dataclass(slots=True)
class _Walk:
    """What is known so far along one path."""

    ledger: Ledger
    found: Collected
    openness: Openness
    activities: int = 0
    seen: dict[str, _Seen] = field(default_factory=dict)


def _condition(
    key: str, node: FlowNode, flow: SequenceFlow, guard: Guard, wanted: bool, bind: Mapping[str, str]
) -> PathCondition:
    return PathCondition(
        key=key,
        flow_id=flow.id,
        node_id=node.id,
        text=guard.text.strip(),
        dialect=guard.dialect.value,
        holds=wanted,
        line=flow.line,
        bind=dict(bind),
    )
