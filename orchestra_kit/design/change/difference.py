"""What is different between two versions of a process, in the words of the process: where things are drawn does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from orchestra_kit.design.change.matching import Matching, match_graphs
from orchestra_kit.model import Value
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, SequenceFlow

_NOT_BEHAVIOUR = frozenset({"documentation", "color", "bioc", "modeler"})


class ChangeKind(StrEnum):
    """What happened to an element."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    NEW_ID = "newId"
    MOVED = "moved"
    TYPE = "typeChanged"
    ROUTE = "rerouted"
    CONDITION = "conditionChanged"
    EVENT = "eventChanged"
    LOOP = "loopChanged"
    DETAILS = "detailsChanged"


class ProcessChange(Value):
    """One difference. `element` is the new id, of something removed the old one; `old` and `new` say what differs."""

    kind: ChangeKind
    element: str
    type: str
    name: str = ""
    old: str | None = None
    new: str | None = None
    line: int | None = None

    def sentence(self) -> str:
        """Return the change in words."""
        title = f"{self.type} '{self.name or self.element}'" + (f" ({self.element})" if self.name else "")
        if self.kind in (ChangeKind.ADDED, ChangeKind.REMOVED):
            return f"{self.kind.value}: {title}" + (f" {self.new or self.old}" if self.new or self.old else "")
        return f"{self.kind.value}: {title}: {self.old or 'nothing'} -> {self.new or 'nothing'}"


class ProcessDiff(Value):
    """All differences of two versions; equal processes, however they are drawn, have none."""

    changes: tuple[ProcessChange, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many changes there are of each kind."""
        found: dict[str, int] = {}
        for change in self.changes:
            found[change.kind.value] = found.get(change.kind.value, 0) + 1
        return found


def diff_graphs(old: ControlFlowGraph, new: ControlFlowGraph, matching: Matching | None = None) -> ProcessDiff:
    """Return what changed between two versions of a process file."""
    matching = matching or match_graphs(old, new)
    changes = [*_whole_elements(old, new, matching)]
    news = {node.id: node for node in new.nodes}
    lanes = _lanes(old), _lanes(new)
    for node in old.nodes:
        if node.id in matching.nodes:
            changes += _node_changes(node, news[matching.nodes[node.id]], matching, *lanes)
    flows = {flow.id: flow for flow in new.flows}
    for flow in old.flows:
        if flow.id in matching.flows:
            changes += _flow_changes(flow, flows[matching.flows[flow.id]], matching)
    if SourceType.SEQUENCE in (old.source_type, new.source_type):
        changes = [change for change in changes if not _is_position(change)]
    return ProcessDiff(changes=tuple(changes))


def _is_position(change: ProcessChange) -> bool:
    """Return whether a change only says where a message stands in the text of a sequence diagram: ids there are positions."""
    told_twice = change.kind is ChangeKind.DETAILS and change.new == "message"
    return change.kind is ChangeKind.NEW_ID or change.type == "messageFlow" or told_twice


def _lanes(graph: ControlFlowGraph) -> dict[str, str]:
    return {lane.id: lane.name or lane.id for lane in graph.lanes}


def _whole_elements(old: ControlFlowGraph, new: ControlFlowGraph, matching: Matching) -> Iterator[ProcessChange]:
    for nodes, taken, kind in (
        (old.nodes, set(matching.nodes), ChangeKind.REMOVED),
        (new.nodes, set(matching.nodes.values()), ChangeKind.ADDED),
    ):
        for node in nodes:
            if node.id not in taken:
                yield ProcessChange(kind=kind, element=node.id, type=node.type.value, name=node.name, line=node.line)
    for flows, taken, kind in (
        (old.flows, set(matching.flows), ChangeKind.REMOVED),
        (new.flows, set(matching.flows.values()), ChangeKind.ADDED),
    ):
        for flow in flows:
            if flow.id not in taken:
                ends = f"from '{flow.source}' to '{flow.target}'"
                side = {"old": ends} if kind is ChangeKind.REMOVED else {"new": ends}
                yield ProcessChange(
                    kind=kind, element=flow.id, type="sequenceFlow", name=flow.name, line=flow.line, **side
                )
    for kind, items, others in (
        (ChangeKind.REMOVED, old.message_flows, new.message_flows),
        (ChangeKind.ADDED, new.message_flows, old.message_flows),
    ):
        known = {item.id for item in others}
        for item in items:
            if item.id not in known:
                yield ProcessChange(kind=kind, element=item.id, type="messageFlow", name=item.name)


def _node_changes(
    old: FlowNode, new: FlowNode, matching: Matching, old_lanes: dict[str, str], new_lanes: dict[str, str]
) -> Iterator[ProcessChange]:
    def change(kind: ChangeKind, before: object, after: object) -> ProcessChange:
        return _change(kind, new.id, new.type.value, new.name, before, after, new.line)

    if old.id != new.id:
        yield change(ChangeKind.NEW_ID, old.id, new.id)
    if old.name != new.name:
        yield change(ChangeKind.RENAMED, old.name, new.name)
    if old.type is not new.type:
        yield change(ChangeKind.TYPE, old.type.value, new.type.value)
    if matching.container(old.container) != new.container:
        yield change(ChangeKind.MOVED, old.container, new.container)
    before, after = old_lanes.get(old.lane_id or ""), new_lanes.get(new.lane_id or "")
    if before != after and old.lane_id != new.lane_id:
        yield change(ChangeKind.MOVED, before and f"lane '{before}'", after and f"lane '{after}'")
    if _trigger(old, matching) != _trigger(new, None):
        yield change(ChangeKind.EVENT, _event_words(old), _event_words(new))
    if old.loop != new.loop:
        yield change(ChangeKind.LOOP, old.loop and old.loop.kind, new.loop and new.loop.kind)
    if _details(old) != _details(new):
        names = sorted(
            name for name in {*_details(old), *_details(new)} if _details(old).get(name) != _details(new).get(name)
        )
        yield change(ChangeKind.DETAILS, None, ", ".join(names))


def _flow_changes(old: SequenceFlow, new: SequenceFlow, matching: Matching) -> Iterator[ProcessChange]:
    def change(kind: ChangeKind, before: object, after: object) -> ProcessChange:
        return _change(kind, new.id, "sequenceFlow", new.name, before, after, new.line)

    if old.id != new.id:
        yield change(ChangeKind.NEW_ID, old.id, new.id)
    if old.name != new.name:
        yield change(ChangeKind.RENAMED, old.name, new.name)
    # An end that names nothing is the same where the file still names it.
    now = (matching.nodes.get(old.source, old.source), matching.nodes.get(old.target, old.target))
    if now != (new.source, new.target):
        yield change(ChangeKind.ROUTE, f"'{old.source}' to '{old.target}'", f"'{new.source}' to '{new.target}'")
    if _guard(old) != _guard(new):
        yield change(ChangeKind.CONDITION, _guard(old), _guard(new))


def _guard(flow: SequenceFlow) -> str:
    text = " ".join(flow.condition.text.split()) if flow.condition else ""
    return " ".join(filter(None, (text, "(default)" if flow.is_default else "")))


def _trigger(node: FlowNode, matching: Matching | None) -> tuple[Any, ...]:
    """Return what makes an event happen and what it does then, with hosts in the ids of the new version."""
    host = node.attached_to or ""
    if matching is not None:
        host = matching.nodes.get(host, host)
    details = [
        {name: value for name, value in item.items() if not name.endswith("Ref")}
        for item in node.extensions.get("eventDefinitions", ())
    ]
    return node.event_definitions, host, node.cancel_activity, node.triggered_by_event, details


def _event_words(node: FlowNode) -> str:
    words = [*node.event_definitions] or ["none"]
    for item in node.extensions.get("eventDefinitions", ()):
        words += [f"{name}={value}" for name, value in item.items() if name != "type" and not name.endswith("Ref")]
    if node.attached_to:
        words.append(f"at '{node.attached_to}', {'interrupting' if node.cancel_activity else 'non-interrupting'}")
    return " ".join(words)


def _details(node: FlowNode) -> dict[str, Any]:
    """Return what an element says beyond its place in the flow: what it calls, topics, scripts, forms."""
    found = {
        name: value
        for name, value in node.extensions.items()
        if name != "eventDefinitions" and name.partition(":")[0] not in _NOT_BEHAVIOUR
    }
    return found | {"calledElement": node.called_element, "operation": node.operation_ref}


def _change(
    kind: ChangeKind, element: str, of: str, name: str, before: object, after: object, line: int | None
) -> ProcessChange:
    return ProcessChange(
        kind=kind,
        element=element,
        type=of,
        name=name,
        old=str(before) if before else None,
        new=str(after) if after else None,
        line=line,
    )
