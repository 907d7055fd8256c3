"""Runs of several processes side by side: who waits for whose message, and an order in which all of them come to their end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType

_RECEIVERS = frozenset(
    {NodeType.START_EVENT, NodeType.INTERMEDIATE_CATCH_EVENT, NodeType.BOUNDARY_EVENT, NodeType.RECEIVE_TASK}
)


@dataclass(frozen=True, slots=True)
class Messages:
    """The message flows between nodes of different processes: by the node that sends, and by the one that waits."""

    sent_by: Mapping[str, tuple[str, ...]]
    awaited_by: Mapping[str, tuple[str, ...]]
    sender_process: Mapping[str, str]
    names: Mapping[str, str]

    @classmethod
    def of(cls, graph: ControlFlowGraph) -> Messages:
        """Return the messages of a graph; what comes from or goes to a pool as a whole is outside."""
        owner = {node.id: node.process_id for node in graph.nodes}
        sent: dict[str, list[str]] = defaultdict(list)
        awaited: dict[str, list[str]] = defaultdict(list)
        names: dict[str, str] = {}
        senders: dict[str, str] = {}
        for flow in graph.message_flows:
            if flow.source in owner and flow.target in owner and owner[flow.source] != owner[flow.target]:
                sent[flow.source].append(flow.id)
                awaited[flow.target].append(flow.id)
                names[flow.id] = flow.message or flow.name or flow.id
                senders[flow.id] = owner[flow.source]
        return cls(
            sent_by={node: tuple(flows) for node, flows in sent.items()},
            awaited_by={node: tuple(flows) for node, flows in awaited.items()},
            sender_process=senders,
            names=names,
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one process: its nodes in the order of the plan, and for each step the steps that must be over before.

    `idle` are the steps that wait to the end of the run for a message that need not come: a terminate end takes their token.
    """

    process_id: str
    number: int
    visits: tuple[str, ...]
    after: tuple[tuple[int, ...], ...]
    idle: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Interleaving:
    """An order of all steps as (process, node), and the messages in the order they are received; or what blocks it."""

    steps: tuple[tuple[str, int], ...]
    messages: tuple[str, ...]
    blocked: tuple[tuple[str, str], ...] = ()

    @property
    def is_complete(self) -> bool:
        """True where every run came to its end."""
        return not self.blocked


def run_of(process_id: str, number: int, visits: Sequence[str], nodes: Mapping[str, FlowNode], graph: Sources) -> Run:
    """Return a run with what each of its steps waits for inside its own process.

    A plan walks parallel branches one after the other; here only cause counts, so that branches may pass each other.
    """
    last: dict[str, int] = {}
    inside: dict[str, list[int]] = defaultdict(list)
    after: list[tuple[int, ...]] = []
    for index, visit in enumerate(visits):
        node = nodes.get(visit)
        causes = _causes(node, visit, last, inside, graph)
        if not causes and index and (node is None or not _may_begin(node, index, visits, nodes)):
            causes = {index - 1}
        after.append(tuple(sorted(causes)))
        last[visit] = index
        holder = node.container if node is not None else ""
        while holder in nodes:
            inside[holder].append(index)
            holder = nodes[holder].container
    followed = {cause for causes in after for cause in causes}
    idle = frozenset(
        index
        for index, visit in enumerate(visits)
        if index not in followed and visit in graph.leaving and visit in nodes
    )
    return Run(process_id, number, tuple(visits), tuple(after), idle)


@dataclass(frozen=True, slots=True)
class Sources:
    """For each node the nodes whose sequence flows lead to it."""

    incoming: Mapping[str, tuple[str, ...]]
    leaving: frozenset[str]

    @classmethod
    def of(cls, graph: ControlFlowGraph) -> Sources:
        """Return the sources of every node of a graph."""
        found: dict[str, list[str]] = defaultdict(list)
        for flow in graph.flows:
            found[flow.target].append(flow.source)
        return cls(
            {node: tuple(items) for node, items in found.items()}, frozenset(flow.source for flow in graph.flows)
        )


def _causes(
    node: FlowNode | None,
    visit: str,
    last: Mapping[str, int],
    inside: Mapping[str, list[int]],
    graph: Sources,
) -> set[int]:
    sources = [source for source in graph.incoming.get(visit, ()) if source in last]
    host = node.attached_to if node is not None and node.type is NodeType.BOUNDARY_EVENT else None
    if host is not None and host in last:
        return {last[host]}
    if node is not None and node.type in (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY):
        chosen = sources
    else:
        chosen = sorted(sources, key=lambda item: last[item])[-1:]
    causes = {last[item] for item in chosen}
    for source in chosen:
        causes |= {index for index in inside.get(source, ()) if index > last[source]}
    if not causes and node is not None and node.container in last:
        causes = {last[node.container]}
    return causes


def _may_begin(node: FlowNode, index: int, visits: Sequence[str], nodes: Mapping[str, FlowNode]) -> bool:
    """True for a further start of a process that begins with several."""
    return node.type is NodeType.START_EVENT and all(
        nodes[item].type is NodeType.START_EVENT for item in visits[:index] if item in nodes
    )


def interleave(
    runs: Sequence[Run], messages: Messages, nodes: Mapping[str, FlowNode], open_processes: Iterable[str] = ()
) -> Interleaving:
    """Return an order in which each message is sent before it is received; what blocks where there is none.

    `open_processes` are not chosen yet: whatever they might send counts as sent. Each run goes as far as it can before the
    next one does; since a message waits for one node alone, nothing is lost by that.
    """
    free = set(open_processes)
    sent: Counter[str] = Counter()
    done: list[set[int]] = [set() for _ in runs]
    begun: list[set[int]] = [set() for _ in runs]
    steps: list[tuple[str, int]] = []
    received: list[str] = []
    moving = True
    while moving:
        moving = False
        for number, run in enumerate(runs):
            for index, visit in enumerate(run.visits):
                if index in done[number] or any(item not in done[number] for item in run.after[index]):
                    continue
                strict = visit in nodes and nodes[visit].type in _RECEIVERS
                if not strict and index not in begun[number]:
                    begun[number].add(index)
                    steps.append((run.process_id, index))
                    sent.update(messages.sent_by.get(visit, ()))
                    moving = True
                flow = "" if index in run.idle and strict else _available(visit, messages, sent, free)
                if flow is None:
                    continue
                if flow:
                    received.append(flow)
                    sent[flow] -= messages.sender_process[flow] not in free
                done[number].add(index)
                if strict:
                    steps.append((run.process_id, index))
                    sent.update(messages.sent_by.get(visit, ()))
                moving = True
    blocked = tuple(
        (run.process_id, visit)
        for number, run in enumerate(runs)
        for index, visit in enumerate(run.visits)
        if index not in done[number] and all(item in done[number] for item in run.after[index])
    )
    return Interleaving(tuple(steps), tuple(received), blocked)


def _available(visit: str, messages: Messages, sent: Counter[str], free: set[str]) -> str | None:
    """Return the message flow a node can receive from now, '' where it waits for none, None where it has to wait."""
    awaited = messages.awaited_by.get(visit, ())
    if not awaited:
        return ""
    found = next((flow for flow in awaited if sent[flow] > 0), None)
    return found or next((flow for flow in awaited if messages.sender_process[flow] in free), None)
