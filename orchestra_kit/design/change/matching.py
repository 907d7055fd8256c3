"""Which element of a new process version is which of the old one, when ids were kept and when they were not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TypeAlias, TypeVar

from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, SequenceFlow

Item = TypeVar("Item", FlowNode, SequenceFlow)
_FlowKey: TypeAlias = Callable[[SequenceFlow], Hashable]


@dataclass(slots=True)
class Matching:
    """Old ids to new ids, of processes, flow nodes and sequence flows."""

    processes: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    flows: dict[str, str] = field(default_factory=dict)

    def container(self, identifier: str) -> str | None:
        """Return what an old process or sub-process is now."""
        return self.nodes.get(identifier) or self.processes.get(identifier)


def match_graphs(old: ControlFlowGraph, new: ControlFlowGraph) -> Matching:
    """Return the matching of two versions: by id first, then by name and type, then by type and neighbours."""
    matching = Matching(processes=_match_processes(old, new))
    # The ids of a sequence diagram are positions in its text: there the order of equal messages says what is what.
    by_id = SourceType.SEQUENCE not in (old.source_type, new.source_type)
    known = {node.id for node in new.nodes}
    matching.nodes = {node.id: node.id for node in old.nodes if node.id in known} if by_id else _aligned(old, new)
    _Nodes(old, new, matching).match()
    _match_flows(old, new, matching, by_id=by_id)
    return matching


def _aligned(old: ControlFlowGraph, new: ControlFlowGraph) -> dict[str, str]:
    """Return the longest common run of nodes of equal type and name, and what stands alone between its parts."""
    left, right = [(node.type, node.name) for node in old.nodes], [(node.type, node.name) for node in new.nodes]
    found: dict[str, str] = {}
    for what, i, to_i, j, to_j in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal" or (what == "replace" and to_i - i == to_j - j):
            for one, other in zip(old.nodes[i:to_i], new.nodes[j:to_j], strict=True):
                if one.type is other.type:
                    found[one.id] = other.id
    return found


def _match_processes(old: ControlFlowGraph, new: ControlFlowGraph) -> dict[str, str]:
    found = {item.id: item.id for item in old.processes if item.id in {other.id for other in new.processes}}
    for key in (lambda item: item.name, lambda item: bool(item.nodes)):
        left = [item for item in old.processes if item.id not in found and key(item)]
        right = [item for item in new.processes if item.id not in found.values() and key(item)]
        counts, others = Counter(map(key, left)), {key(item): item.id for item in right}
        twice = Counter(map(key, right))
        found |= {item.id: others[key(item)] for item in left if counts[key(item)] == 1 and twice[key(item)] == 1}
    return found


class _Nodes:
    """Matches nodes in rounds, each round using what the ones before found."""

    def __init__(self, old: ControlFlowGraph, new: ControlFlowGraph, matching: Matching) -> None:
        self._matching = matching
        self._old = {node.id: node for node in old.nodes}
        self._new = {node.id: node for node in new.nodes}
        self._old_ends, self._new_ends = _neighbours(old), _neighbours(new)
        self._beside: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, ends in self._new_ends.items():
            for end in ends:
                self._beside[end].append(name)

    def match(self) -> None:
        ids_were_kept = 2 * len(self._matching.nodes) >= len(self._old)
        self._unique(lambda node, own: node.name and (node.type, node.name, own(node)))
        self._unique(lambda node, _: node.name and (node.type, node.name))
        self._until_settled(self._by_neighbours)
        if not ids_were_kept:  # else what is left without a twin is new
            self._until_settled(self._twins_in_order)

    def _until_settled(self, match_some: Callable[[], None]) -> None:
        found = self._matching.nodes
        before = -1
        while len(found) != before:
            before = len(found)
            match_some()

    def _twins_in_order(self) -> None:
        """Match the first group of nodes that nothing tells apart by their order in the file, and go on from there."""
        left, right = self._left()
        one = _by_key(left, lambda node: (node.type, node.name, self._matching.container(node.container)))
        other = _by_key(right, lambda node: (node.type, node.name, node.container))
        for value, nodes in one.items():
            if len(nodes) == len(other.get(value, ())):
                self._matching.nodes.update({node.id: twin.id for node, twin in zip(nodes, other[value], strict=True)})
                self._until_settled(self._by_neighbours)
                return

    def _left(self) -> tuple[list[FlowNode], list[FlowNode]]:
        found = self._matching.nodes
        taken = set(found.values())
        return (
            [node for name, node in self._old.items() if name not in found],
            [node for name, node in self._new.items() if name not in taken],
        )

    def _unique(self, key: Callable[[FlowNode, Callable[[FlowNode], str | None]], Hashable]) -> None:
        """Match the nodes whose key is found once on either side."""
        left, right = self._left()
        one = _by_key(left, lambda node: key(node, lambda item: self._matching.container(item.container)))
        other = _by_key(right, lambda node: key(node, lambda item: item.container))
        for value, (node, *more) in one.items():
            twins = other.get(value, [])
            if value and not more and len(twins) == 1:
                self._matching.nodes[node.id] = twins[0].id

    def _by_neighbours(self) -> None:
        """Match the nodes of equal type that share the most matched neighbours, where there is only one such pair."""
        left, right = self._left()
        scores: list[tuple[tuple[int, int], str, str]] = []
        open_twins = {twin.id for twin in right}
        for node in left:
            for name in self._candidates(node, open_twins):
                twin = self._new[name]
                if node.type is twin.type:
                    shared = self._shared(node, twin)
                    if shared:
                        scores.append(((shared, int(node.name == twin.name)), node.id, twin.id))
        best: dict[str, tuple[int, int]] = {}
        for score, one, other in scores:
            best[one] = max(best.get(one, (0, 0)), score)
            best[other] = max(best.get(other, (0, 0)), score)
        top = [(one, other) for score, one, other in scores if score == best[one] == best[other]]
        ones, others = Counter(one for one, _ in top), Counter(other for _, other in top)
        self._matching.nodes.update({one: other for one, other in top if ones[one] == 1 and others[other] == 1})

    def _candidates(self, node: FlowNode, open_twins: set[str]) -> set[str]:
        """Return the new nodes that lie beside what a neighbour of the node became."""
        found: set[str] = set()
        for side, name in self._old_ends[node.id]:
            for there in self._beside.get((side, self._matching.nodes.get(name, "")), ()):
                if there in open_twins:
                    found.add(there)
        return found

    def _shared(self, node: FlowNode, twin: FlowNode) -> int:
        known = self._matching.nodes
        mapped = Counter((side, known[name]) for side, name in self._old_ends[node.id] if name in known)
        shared = sum((mapped & Counter(self._new_ends[twin.id])).values())
        # A lone neighbour tells little where the names say otherwise.
        different = bool(node.name and twin.name and node.name != twin.name)
        return shared if shared > 1 or not different else 0


def _neighbours(graph: ControlFlowGraph) -> Mapping[str, list[tuple[str, str]]]:
    ends: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for flow in graph.flows:
        ends[flow.source].append(("out", flow.target))
        ends[flow.target].append(("in", flow.source))
    for node in graph.nodes:
        if node.attached_to:
            ends[node.id].append(("host", node.attached_to))
    return ends


def _by_key(items: Iterable[Item], key: Callable[[Item], Hashable]) -> dict[Hashable, list[Item]]:
    found: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found


def _match_flows(old: ControlFlowGraph, new: ControlFlowGraph, matching: Matching, *, by_id: bool) -> None:
    """Match flows by id, then by both ends, then by one end and name, then by one end where one flow is left on each side."""
    known = {flow.id for flow in new.flows} if by_id else set()
    matching.flows.update({flow.id: flow.id for flow in old.flows if flow.id in known})
    at = matching.nodes.get

    rules: list[tuple[_FlowKey, _FlowKey, bool]] = [
        (
            lambda f: (at(f.source), at(f.target), f.name, _guard(f)),
            lambda f: (f.source, f.target, f.name, _guard(f)),
            True,
        ),
        (lambda f: (at(f.source), at(f.target)), lambda f: (f.source, f.target), True),
        (lambda f: f.name and (at(f.source), f.name), lambda f: f.name and (f.source, f.name), False),
        (lambda f: (at(f.source),), lambda f: (f.source,), False),
        (lambda f: (at(f.target),), lambda f: (f.target,), False),
    ]
    for one, other, in_order in rules:
        taken = set(matching.flows.values())
        left = _by_key((flow for flow in old.flows if flow.id not in matching.flows), one)
        right = _by_key((flow for flow in new.flows if flow.id not in taken), other)
        for value, flows in left.items():
            twins = right.get(value, [])
            if not value or (isinstance(value, tuple) and None in value) or len(flows) != len(twins):
                continue
            if len(flows) == 1 or in_order:  # flows with the same ends are told apart by their order alone
                matching.flows.update({flow.id: twin.id for flow, twin in zip(flows, twins, strict=True)})


def _guard(flow: SequenceFlow) -> str:
    return flow.condition.text if flow.condition else ""
