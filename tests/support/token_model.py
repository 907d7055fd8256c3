"""What the token player knows of a process: read from the XML by itself, or copied field by field from a graph.

Nothing here comes from orchestra_kit, so that a mistake of the reader or the planner cannot hide itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lxml import etree

NODES = frozenset(
    {
        "startEvent",
        "endEvent",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
        "boundaryEvent",
        "implicitThrowEvent",
    }
    | {"task", "serviceTask", "sendTask", "receiveTask", "userTask", "manualTask", "businessRuleTask", "scriptTask"}
    | {
        "callActivity",
        "subProcess",
        "transaction",
        "adHocSubProcess",
        "subChoreography",
        "choreographyTask",
        "callChoreography",
    }
    | {"exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "complexGateway"}
)
HOLDERS = frozenset({"subProcess", "transaction", "adHocSubProcess", "subChoreography"})
ROOTS = frozenset({"process", "choreography"})


@dataclass
class Node:
    """A flow node; `ref` is the error or escalation an event names, `link` the name of a link event."""

    id: str
    type: str
    container: str
    attached_to: str = ""
    interrupting: bool = True
    triggers: tuple[str, ...] = ()
    default: str = ""
    by_event: bool = False
    for_compensation: bool = False
    instantiates: bool = False
    repeats: str = ""
    may_be_skipped: bool = False
    called: str = ""
    link: str = ""
    ref: str = ""


@dataclass
class Flow:
    """A sequence flow between two nodes of one container."""

    id: str
    source: str
    target: str
    conditional: bool = False


@dataclass
class Model:
    """Nodes and flows by id; flows that join nothing, or cross the border of a container, are left out."""

    nodes: dict[str, Node] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    processes: list[str] = field(default_factory=list)

    def finish(self, flows: Iterable[Flow]) -> Model:
        """Take in the flows, once all nodes are known."""
        for flow in flows:
            source, target = self.nodes.get(flow.source), self.nodes.get(flow.target)
            if source and target and source.container == target.container and flow.id not in self.flows:
                self.flows[flow.id] = flow
        return self

    @cached_property
    def outgoing(self) -> dict[str, list[str]]:
        """Flows that leave a node."""
        return self._by(lambda flow: flow.source)

    @cached_property
    def incoming(self) -> dict[str, list[str]]:
        """Flows that enter a node."""
        return self._by(lambda flow: flow.target)

    def _by(self, end: Any) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {node: [] for node in self.nodes}
        for flow in self.flows.values():
            found[end(flow)].append(flow.id)
        return found

    @cached_property
    def members(self) -> dict[str, list[Node]]:
        """Nodes of a container."""
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes.values():
            found[node.container].append(node)
        return found

    @cached_property
    def boundaries(self) -> dict[str, list[Node]]:
        """Boundary events of an activity, but those for compensation, which have handlers instead of flows."""
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes.values():
            if node.type == "boundaryEvent" and node.attached_to and "compensate" not in node.triggers:
                found[node.attached_to].append(node)
        return found

    @cached_property
    def catches(self) -> dict[tuple[str, str], list[str]]:
        """Link catch events by container and name."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for node in self.nodes.values():
            if node.type == "intermediateCatchEvent" and "link" in node.triggers:
                found[node.container, node.link].append(node.id)
        return found

    def starts(self, container: str) -> list[str]:
        """Nodes of which one begins a run: start events, and instantiating gateways and tasks."""
        return [
            node.id
            for node in self.members[container]
            if node.type == "startEvent" or (node.instantiates and not self.incoming[node.id])
        ]

    def orphans(self, container: str) -> list[str]:
        """Nodes that no flow enters and that nothing else enters either: all begin where there is no start."""
        return [
            node.id
            for node in self.members[container]
            if not self.incoming[node.id]
            and node.type != "boundaryEvent"
            and not node.by_event
            and not node.for_compensation
            and not (node.type == "intermediateCatchEvent" and "link" in node.triggers)
        ]

    def inner(self, node: Node) -> str:
        """The container a node stands for, or ''."""
        if node.type in HOLDERS:
            return node.id
        return node.called if node.called in self.processes else ""

    @cached_property
    def holds(self) -> dict[str, frozenset[str]]:
        """All containers inside a container, itself too, over any number of levels."""
        inner = {
            container: {self.inner(node) for node in nodes} - {""} for container, nodes in list(self.members.items())
        }
        found = {
            container: {container} for container in {*inner, *(item for items in inner.values() for item in items)}
        }
        changed = True
        while changed:
            changed = False
            for container, items in found.items():
                more = set().union(*(found[item] for item in inner.get(container, ()))) - items
                if more:
                    items |= more
                    changed = True
        return {container: frozenset(items) for container, items in found.items()}


def read_bpmn(*documents: bytes) -> Model:
    """Return the model of one or more BPMN documents."""
    model, flows = Model(), []
    for data in documents:
        flows += _Reading(data, model).flows
    return model.finish(flows)


class _Reading:
    """Reads one document into the model; every element is judged by its local name in the namespace of its process."""

    def __init__(self, data: bytes, model: Model) -> None:
        parser = etree.XMLParser(
            recover=True, resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
        )
        self.root = etree.fromstring(data, parser)
        self.model, self.flows, self._made = model, [], defaultdict(int)
        elements = [item for item in self.root.iter() if isinstance(item.tag, str)]
        first = next((item for item in elements if _name(item) in ROOTS), None)
        space = _space(first) if first is not None else _space(self.root)
        self.elements = [item for item in elements if _space(item) == space]
        self.by_id: dict[str, Any] = {}
        for item in self.elements:
            if item.get("id"):
                self.by_id.setdefault(item.get("id"), item)
        self._read()

    def _read(self) -> None:
        nodes = [item for item in self.elements if _name(item) in NODES]
        names: dict[Any, str] = {}
        for element in self.elements:
            if _name(element) in ROOTS:
                names[element] = self._id(element)
                self.model.processes.append(names[element])
            elif _name(element) in NODES:
                names[element] = self._id(element)
        for element in nodes:
            home = next((item for item in element.iterancestors() if _name(item) in HOLDERS | ROOTS), None)
            node = self._node(element, names[element], names.get(home, ""))
            self.model.nodes.setdefault(node.id, node)
        for element in self.elements:
            if _name(element) == "sequenceFlow":
                self.flows.append(
                    Flow(
                        self._id(element),
                        self._refer(element.get("sourceRef")),
                        self._refer(element.get("targetRef")),
                        any(_name(item) == "conditionExpression" for item in element),
                    )
                )

    def _id(self, element: Any) -> str:
        if element.get("id"):
            return element.get("id")
        made = f"{_name(element)}-line-{element.sourceline}"
        self._made[made] += 1
        return made if self._made[made] == 1 else f"{made}-{self._made[made]}"

    def _refer(self, text: str | None) -> str:
        text = (text or "").strip()
        bare = text.rsplit(":", 1)[-1]
        return bare if text not in self.by_id and bare in self.by_id else text

    def _node(self, element: Any, identifier: str, container: str) -> Node:
        triggers, refs, link = [], [], ""
        definitions = [item for item in element if _name(item).endswith("EventDefinition")]
        definitions += [
            self.by_id[self._refer(item.text)]
            for item in element
            if _name(item) == "eventDefinitionRef" and self._refer(item.text) in self.by_id
        ]
        for item in definitions:
            triggers.append(_name(item).removesuffix("EventDefinition"))
            refs += [item.get(key) for key in ("errorRef", "escalationRef") if item.get(key)]
            link = link or item.get("name") or ""
        loop = next((item for item in element if _name(item).endswith("LoopCharacteristics")), None)
        interrupting = element.get("cancelActivity" if _name(element) == "boundaryEvent" else "isInterrupting", "true")
        return Node(
            id=identifier,
            type=_name(element),
            container=container,
            attached_to=self._refer(element.get("attachedToRef")),
            interrupting=interrupting.strip() in ("true", "1"),
            triggers=tuple(triggers),
            default=self._refer(element.get("default")),
            by_event=_true(element.get("triggeredByEvent")),
            for_compensation=_true(element.get("isForCompensation")),
            instantiates=_true(element.get("instantiate")),
            repeats="" if loop is None else _name(loop),
            may_be_skipped=loop is not None and (_name(loop).startswith("multi") or _true(loop.get("testBefore"))),
            called=self._refer(element.get("calledElement")),
            link=" ".join((link or element.get("name") or "").split()),  # names of links are equal up to white space
            ref=refs[0] if refs else "",
        )


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _space(element: Any) -> str:
    return element.tag.rpartition("}")[0]


def _true(text: str | None) -> bool:
    return (text or "").strip() in ("true", "1")


def model_of_graph(graph: Any) -> Model:
    """Return the model of anything with the fields of a control-flow graph: generated graphs and sequence diagrams have no XML."""
    model = Model(processes=[item.id for item in graph.processes])
    for node in graph.nodes:
        loop = node.loop
        model.nodes.setdefault(
            node.id,
            Node(
                id=node.id,
                type=str(node.type),
                container=node.container,
                attached_to=node.attached_to or "",
                interrupting=node.cancel_activity,
                triggers=node.event_definitions,
                default=node.default_flow or "",
                by_event=node.triggered_by_event,
                repeats="" if loop is None else loop.kind,
                may_be_skipped=loop is not None and (loop.kind != "standard" or loop.test_before),
                called=node.called_element or "",
                link=_link_name(node),
            ),
        )
        if node.process_id not in model.processes:
            model.processes.append(node.process_id)
    return model.finish(Flow(flow.id, flow.source, flow.target, flow.condition is not None) for flow in graph.flows)


def _link_name(node: Any) -> str:
    for item in _mappings(node.extensions.get("eventDefinitions")):
        if item.get("name"):
            return " ".join(str(item["name"]).split())
    return " ".join(node.name.split())


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _mappings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _mappings(item)
