"""The runs of one flow container as a graph to walk on: where runs start and end, and the steps between.

A node of the graph is a moment of a run: the element entered, with the branches that wait and the tokens at joins.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orchestra_kit.model.process import FlowNode, NodeType, SequenceFlow


class EdgeKind(StrEnum):
    """What an edge stands for."""

    FLOW = "flow"
    LINK = "link"
    BOUNDARY = "boundary"
    DONE = "done"  # a sub-process came to its normal end
    ESCAPE = "escape"  # an error left a sub-process and the container with it
    TURN = "turn"  # the next token's turn: a branch has come to its end or to a join, another goes on
    DETOUR = "detour"  # another way through one part, put in place of the steps it stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One step of a walk. `id` is the sequence flow's, for a boundary edge the boundary event's.

    `fires` names the flows that get a token in this step: all of a parallel split's with its first branch, none when a
    later branch is taken up.
    """

    index: int
    kind: EdgeKind
    id: str
    source: int
    target: int
    fires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A concrete run: where it starts, and its edges in order."""

    start: int
    edges: tuple[Edge, ...] = ()

    @property
    def end(self) -> int:
        """The node where it stops."""
        return self.edges[-1].target if self.edges else self.start


@dataclass(slots=True)
class WalkGraph:
    """Nodes by number, edges, starts and ends. `restrict` keeps what lies on a walk from a start to an end.

    `node_ids` names the element that a node enters, '' where it enters none; `decided` the flows that are one way of
    several out of their source. `cut_short`: there are more runs than were looked at, so nothing is proven of all.
    """

    node_ids: list[str]
    edges: list[Edge] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    alive: set[int] = field(default_factory=set)
    leaving: dict[int, list[Edge]] = field(default_factory=dict)
    entering: dict[int, list[Edge]] = field(default_factory=dict)
    reached: set[int] = field(default_factory=set)
    decided: frozenset[str] = frozenset()
    cut_short: bool = False

    def restrict(self, allowed: Callable[[Edge], bool]) -> WalkGraph:
        """Return the part that lies on walks over allowed edges only."""
        leaving: dict[int, list[Edge]] = defaultdict(list)
        entering: dict[int, list[Edge]] = defaultdict(list)
        usable = [edge for edge in self.edges if allowed(edge)]
        for edge in usable:
            leaving[edge.source].append(edge)
            entering[edge.target].append(edge)
        reached = closure(self.starts, lambda node: (edge.target for edge in leaving[node]))
        ending = closure(self.ends, lambda node: (edge.source for edge in entering[node]))
        alive = reached & ending
        edges = [edge for edge in usable if edge.source in alive and edge.target in alive]
        part = WalkGraph(
            node_ids=self.node_ids,
            edges=edges,
            starts=[node for node in self.starts if node in alive],
            ends=[node for node in self.ends if node in alive],
            alive=alive,
            reached=reached,
            decided=self.decided,
            cut_short=self.cut_short,
        )
        part.leaving = {node: [] for node in alive}
        part.entering = {node: [] for node in alive}
        for edge in edges:
            part.leaving[edge.source].append(edge)
            part.entering[edge.target].append(edge)
        return part

    def shortest(
        self, sources: Iterable[int], goal: Callable[[int], bool], *, without: Collection[int] = ()
    ) -> Walk | None:
        """Return a shortest walk from one of the sources to a node that is a goal; None where there is none.

        `without` names edges, by index, that it must not take.
        """
        came: dict[int, Edge | None] = dict.fromkeys(sources)
        queue = deque(came)
        while queue:
            node = queue.popleft()
            if goal(node):
                return _trace(came, node)
            for edge in self.leaving.get(node, ()):
                if edge.target not in came and edge.index not in without:
                    came[edge.target] = edge
                    queue.append(edge.target)
        return None


def _trace(came: Mapping[int, Edge | None], node: int) -> Walk:
    edges: list[Edge] = []
    edge = came[node]
    while edge is not None:
        edges.append(edge)
        node = edge.source
        edge = came[node]
    return Walk(start=node, edges=tuple(reversed(edges)))


def closure(starts: Iterable[int], following: Callable[[int], Iterable[int]]) -> set[int]:
    """Return all that can be come to from somewhere."""
    found = set(starts)
    queue = deque(found)
    while queue:
        for node in following(queue.popleft()):
            if node not in found:
                found.add(node)
                queue.append(node)
    return found


def is_alternative_exit(node: FlowNode) -> bool:
    """True for a boundary event a run can leave its activity by; compensation is no such way."""
    return node.type is NodeType.BOUNDARY_EVENT and node.event_definitions != ("compensate",)


def link_pairs(content: Sequence[FlowNode]) -> list[tuple[str, str]]:
    """Return the throwing and catching link events of equal name."""
    catches: dict[str, list[str]] = defaultdict(list)
    throws: list[tuple[str, str]] = []
    for node in content:
        if "link" in node.event_definitions:
            if node.type is NodeType.INTERMEDIATE_CATCH_EVENT:
                catches[_link_name(node)].append(node.id)
            elif node.type is NodeType.INTERMEDIATE_THROW_EVENT:
                throws.append((node.id, _link_name(node)))
    return [(source, target) for source, name in throws for target in catches[name]]


def _link_name(node: FlowNode) -> str:
    for details in node.extensions.get("eventDefinitions", ()):
        if details.get("type") == "link" and details.get("name"):
            return " ".join(str(details["name"]).split())
    return " ".join(node.name.split())


def starting_nodes(content: Sequence[FlowNode], flows: Sequence[SequenceFlow]) -> list[FlowNode]:
    """Return where runs start: start events and instantiating elements; where there are none, all that no flow enters."""
    entered = {flow.target for flow in flows}
    explicit = [
        node
        for node in content
        if node.type is NodeType.START_EVENT
        or (node.extensions.get("instantiate") in ("true", "1") and node.id not in entered)
    ]
    return explicit or [node for node in content if node.id not in entered and may_start(node)]


def may_start(node: FlowNode) -> bool:
    """True for a node that runs by itself when no flow enters it."""
    caught_link = node.type is NodeType.INTERMEDIATE_CATCH_EVENT and "link" in node.event_definitions
    compensates = node.extensions.get("isForCompensation") is True
    return not (node.type is NodeType.BOUNDARY_EVENT or node.triggered_by_event or compensates or caught_link)
