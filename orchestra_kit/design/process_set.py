"""Processes that call each other, in one file or several: what each call activity calls, and the calls opened in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestra_kit.model.process import (
    ControlFlowGraph,
    FlowNode,
    GlobalTask,
    Lane,
    MessageFlow,
    NodeType,
    ProcessSummary,
    SequenceFlow,
)

CalledName: TypeAlias = Callable[[tuple[str, ...], str], str]

MAX_DEPTH = 16
MAX_NODES = 20_000
SEPARATOR = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call activity: the process it calls and where that stands, or why it cannot be walked.

    `file` is '' for the same file. `why` says why it is not opened; a call of a global task is one step by nature.
    """

    element_id: str
    called: str
    file: str = ""
    why: str = ""
    opened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSet:
    """A graph whose call activities are opened in place, as sub-processes.

    `origins` gives, for an element whose id had to be qualified by the way of calls (`call/id`), its own id. `riders` are
    the processes of the graph that are walked within others.
    """

    graph: ControlFlowGraph
    calls: tuple[Call, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    riders: tuple[str, ...] = ()

    @property
    def unresolved(self) -> tuple[Call, ...]:
        """The calls that are walked as single steps, each with the reason."""
        return tuple(item for item in self.calls if item.why)


@dataclass(frozen=True, slots=True)
class _Target:
    """A process that may be called, and the file it stands in."""

    process: ProcessSummary
    graph: ControlFlowGraph
    file: str


@dataclass(frozen=True, slots=True)
class _Opening:
    """One process walked at one place: the call activities on the way to it, and the container that now holds it."""

    target: _Target
    way: tuple[str, ...]
    root: str


def open_calls(
    graph: ControlFlowGraph, siblings: Mapping[str, ControlFlowGraph] | None = None, *, process_id: str | None = None
) -> ProcessSet:
    """Return the graph with its calls opened; `siblings` are the graphs of further files by name.

    With `process_id` only that process is kept, with all it calls; else those that no other one calls. A graph without call
    activities is returned as it is.
    """
    if not any(node.type is NodeType.CALL_ACTIVITY for node in graph.nodes):
        return ProcessSet(graph=graph)  # nothing to open: big graphs are not copied
    return _Opener(graph, siblings or {}).open(process_id)


class _Opener:
    """Opens calls from the roots downwards, then gives every element its id."""

    def __init__(self, graph: ControlFlowGraph, siblings: Mapping[str, ControlFlowGraph]) -> None:
        self._graph = graph
        self._targets: dict[str, _Target] = {}
        self._global_tasks: dict[str, GlobalTask] = {}
        for file, owner in (("", graph), *siblings.items()):
            for process in owner.processes:
                if process.nodes or process.flows:
                    self._targets.setdefault(process.id, _Target(process, owner, file))
            for task in owner.global_tasks:
                self._global_tasks.setdefault(task.id, task)
        self._content: dict[tuple[str, str], tuple[list[FlowNode], list[SequenceFlow]]] = {}
        for file, owner in (("", graph), *siblings.items()):
            for node in owner.nodes:
                self._content.setdefault((file, node.process_id), ([], []))[0].append(node)
            for flow in owner.flows:
                self._content.setdefault((file, flow.process_id), ([], []))[1].append(flow)
        self._calls: dict[str, Call] = {}
        self._size = 0

    def open(self, process_id: str | None) -> ProcessSet:
        own = list(dict.fromkeys(item.id for item in self._graph.processes))
        roots = [process_id] if process_id is not None else self._roots(own)
        openings: list[_Opening] = []
        for root in roots:
            if root in self._targets:
                openings += self._walk(_Opening(self._targets[root], (), root), ())
        return self._build(roots, openings)

    def _roots(self, own: list[str]) -> list[str]:
        """Return the processes nobody else calls; of those that call each other in a circle, the first of the file."""
        callees = {name: set(self._called_by(name)) - {name} for name in own}
        called = set().union(*callees.values()) if callees else set()
        roots = [name for name in own if name not in called]
        reached: set[str] = set()
        for name in [*roots, *own]:
            if name in reached:
                continue
            if name not in roots:
                roots.append(name)
            waiting = [name]
            while waiting:
                item = waiting.pop()
                if item not in reached:
                    reached.add(item)
                    waiting += callees.get(item, ())
        return [name for name in own if name in roots]

    def _called_by(self, process: str) -> Iterator[str]:
        nodes, _ = self._content.get(("", process), ([], []))
        for node in nodes:
            found = self._find(node) if node.type is NodeType.CALL_ACTIVITY else None
            if isinstance(found, _Target):
                yield found.process.id

    def _find(self, node: FlowNode) -> _Target | str:
        """Return what a call activity calls, or why that cannot be told ('' for a global task)."""
        name = (node.called_element or "").strip()
        if not name:
            return "it does not say what it calls"
        bare = name.rsplit(":", 1)[-1]
        for candidate in (name, bare):
            if candidate in self._targets:
                return self._targets[candidate]
            if candidate in self._global_tasks:
                return ""
        if name.startswith(("=", "${", "#{")):
            return f"what it calls is told only at run time ({name})"
        if any(process.id in (name, bare) for process in self._graph.processes):
            return f"the process '{name}' is empty"
        return f"the process '{name}' is in no file given"

    def _walk(self, opening: _Opening, above: tuple[str, ...]) -> Iterator[_Opening]:
        yield opening
        nodes, _ = self._content[opening.target.file, opening.target.process.id]
        self._size += len(nodes)
        chain = (*above, opening.target.process.id)
        for node in nodes:
            if node.type is not NodeType.CALL_ACTIVITY:
                continue
            name = SEPARATOR.join((*opening.way, node.id))
            found = self._find(node)
            called = (node.called_element or "").strip()
            if isinstance(found, str):
                self._calls[name] = Call(element_id=name, called=called, why=found)
                continue
            why = self._too_much(found, chain)
            self._calls[name] = Call(element_id=name, called=found.process.id, file=found.file, why=why, opened=not why)
            if not why:
                yield from self._walk(_Opening(found, (*opening.way, node.id), opening.root), chain)

    def _too_much(self, found: _Target, chain: tuple[str, ...]) -> str:
        if found.process.id in chain:
            return f"it calls itself again ({' → '.join((*chain, found.process.id))}); walked as one step"
        if len(chain) >= MAX_DEPTH:
            return f"calls are nested more than {MAX_DEPTH} deep; walked as one step"
        if self._size + found.process.nodes > MAX_NODES:
            return f"more than {MAX_NODES} elements would have to be walked; walked as one step"
        return ""

    # --- from openings to one graph ----------------------------------------------------------------------------------

    def _build(self, roots: list[str], openings: list[_Opening]) -> ProcessSet:
        times: Counter[str] = Counter()
        for opening in openings:
            for items in self._content[opening.target.file, opening.target.process.id]:
                times.update(item.id for item in items)
        origins: dict[str, str] = {}

        def called(way: tuple[str, ...], identifier: str) -> str:
            """Return an element's id in the whole: its own where that is the only one, else with the calls before it."""
            if not way or times[identifier] <= 1:
                return identifier
            qualified = SEPARATOR.join((*way, identifier))
            origins[qualified] = identifier
            return qualified

        # What stands in no process (a choreography, something misplaced) is nobody's to call and stays as it is.
        processes = {item.id for item in self._graph.processes}
        nodes: list[FlowNode] = [node for node in self._graph.nodes if node.process_id not in processes]
        flows: list[SequenceFlow] = [flow for flow in self._graph.flows if flow.process_id not in processes]
        lanes: list[Lane] = []
        for opening in openings:
            own_nodes, own_flows = self._content[opening.target.file, opening.target.process.id]
            holder = called(opening.way[:-1], opening.way[-1]) if opening.way else opening.root
            inside = {node.id for node in own_nodes}
            for node in own_nodes:
                nodes.append(self._placed(node, opening, holder, inside, called))
            for flow in own_flows:
                flows.append(
                    flow.model_copy(
                        update={
                            "id": called(opening.way, flow.id),
                            "source": called(opening.way, flow.source),
                            "target": called(opening.way, flow.target),
                            "container": called(opening.way, flow.container) if flow.container in inside else holder,
                            "process_id": opening.root,
                        }
                    )
                )
            lanes += (item for item in opening.target.graph.lanes if item.process_id == opening.target.process.id)
        kept = {node.id for node in nodes}
        riders = {item.target.process.id for item in openings if item.way and not item.target.file} - set(roots)
        return ProcessSet(
            graph=self._graph.model_copy(
                update={
                    "processes": tuple(item for item in self._graph.processes if item.id not in riders),
                    "nodes": tuple(nodes),
                    "flows": tuple(flows),
                    "lanes": tuple(lanes),
                    "message_flows": tuple(self._messages(kept)),
                }
            ),
            calls=tuple(self._calls.values()),
            origins=origins,
            riders=tuple(item.id for item in self._graph.processes if item.id in riders),
        )

    def _placed(self, node: FlowNode, opening: _Opening, holder: str, inside: set[str], called: CalledName) -> FlowNode:
        """Return a node of a called process as a node of the caller; a call that is opened becomes a sub-process."""
        way = opening.way
        update: dict[str, object] = {
            "id": called(way, node.id),
            "container": called(way, node.container) if node.container in inside else holder,
            "process_id": opening.root,
        }
        if node.attached_to:
            update["attached_to"] = called(way, node.attached_to)
        if node.default_flow:
            update["default_flow"] = called(way, node.default_flow)
        call = self._calls.get(SEPARATOR.join((*way, node.id))) if node.type is NodeType.CALL_ACTIVITY else None
        if call is not None and call.opened:
            update["type"] = NodeType.SUB_PROCESS
            update["extensions"] = {**node.extensions, "calledProcess": call.called, "calledFile": call.file}
        return node.model_copy(update=update)

    def _messages(self, kept: set[str]) -> Iterator[MessageFlow]:
        """Return the message flows whose nodes are still there under their own ids."""
        nodes = {node.id for node in self._graph.nodes}
        for flow in self._graph.message_flows:
            if all(end not in nodes or end in kept for end in (flow.source, flow.target)):
                yield flow
