"""The read graph seen as a graph: who is joined to whom. The checks ask here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.reading import Readings
from orchestra_kit.model.process import FlowNode, NodeType, SequenceFlow


class Structure:
    """Nodes by id, flows by end, content by container. A doubled id counts for its first bearer."""

    def __init__(self, readings: Readings) -> None:
        self.readings, self.graph = readings, readings.graph
        self.nodes: dict[str, FlowNode] = {}
        self.element_of: dict[str, Element] = {}
        self.content: dict[str, list[FlowNode]] = defaultdict(list)
        for node, element in zip(self.graph.nodes, readings.node_elements, strict=True):
            if node.id not in self.nodes:
                self.nodes[node.id] = node
                self.element_of[node.id] = element
                self.content[node.container].append(node)
        self.incoming: dict[str, list[SequenceFlow]] = defaultdict(list)
        self.outgoing: dict[str, list[SequenceFlow]] = defaultdict(list)
        for flow in self.graph.flows:
            self.outgoing[flow.source].append(flow)
            self.incoming[flow.target].append(flow)
        self.hosts = {node.attached_to for node in self.graph.nodes if node.attached_to}
        self.executable = {item.id for item in self.graph.processes if item.is_executable}

    def of_type(self, *kinds: NodeType) -> Iterator[FlowNode]:
        """Return the nodes of some types."""
        return (node for node in self.graph.nodes if node.type in kinds)

    def holder(self, node: FlowNode) -> FlowNode | None:
        """Return the sub-process that holds a node, None at the top level."""
        return self.nodes.get(node.container)

    def is_event_sub_process(self, container: str) -> bool:
        """True when a container is started by an event of its own."""
        node = self.nodes.get(container)
        return node is not None and node.triggered_by_event

    def in_ad_hoc(self, node: FlowNode) -> bool:
        """True for direct content of an ad-hoc sub-process, which is started freely."""
        holder = self.holder(node)
        return holder is not None and holder.type is NodeType.AD_HOC_SUB_PROCESS

    def needs_no_incoming(self, node: FlowNode) -> bool:
        """True for what starts without a sequence flow: starts, boundary events, event sub-processes, handlers, links."""
        return (
            node.type in (NodeType.START_EVENT, NodeType.BOUNDARY_EVENT)
            or node.triggered_by_event
            or node.extensions.get("isForCompensation") is True
            or node.extensions.get("instantiate") in ("true", "1")
            or (node.type is NodeType.INTERMEDIATE_CATCH_EVENT and "link" in node.event_definitions)
            or self.in_ad_hoc(node)
        )

    def link_name(self, node: FlowNode) -> str:
        """Return the name by which a link event finds its partner."""
        for details in node.extensions.get("eventDefinitions", ()):
            if details.get("type") == "link" and details.get("name"):
                return " ".join(str(details["name"]).split())
        return " ".join(node.name.split())

    def successors(self, content: Iterable[FlowNode]) -> dict[str, list[str]]:
        """Return the next nodes of each node of one container: by flows, links and boundary events."""
        inside = {node.id for node in content}
        result: dict[str, list[str]] = {
            node.id: [flow.target for flow in self.outgoing[node.id] if flow.target in inside] for node in content
        }
        catches: dict[str, list[str]] = defaultdict(list)
        for node in content:
            if node.type is NodeType.INTERMEDIATE_CATCH_EVENT and "link" in node.event_definitions:
                catches[self.link_name(node)].append(node.id)
        for node in content:
            if node.type is NodeType.BOUNDARY_EVENT and node.attached_to in inside:
                result[node.attached_to].append(node.id)
            elif node.type is NodeType.INTERMEDIATE_THROW_EVENT and "link" in node.event_definitions:
                name = self.link_name(node)
                result[node.id] += catches.get(name, [])
                # Two catches of one name are a defect, told elsewhere; one throw joined to all of them is enough then.
                catches[name] = catches[name][:1]
        return result
