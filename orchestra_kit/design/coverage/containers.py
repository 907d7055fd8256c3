"""The flow containers of a graph: processes and sub-processes, each with its own nodes and the flows between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestra_kit.errors import UnknownNameError
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, SequenceFlow


@dataclass(slots=True)
class Container:
    """One process or sub-process. `broken` holds the flows that join nothing here, with the reason."""

    id: str
    process_id: str
    holder: FlowNode | None = None
    nodes: list[FlowNode] = field(default_factory=list)
    flows: list[SequenceFlow] = field(default_factory=list)
    flow_ids: set[str] = field(default_factory=set)
    broken: list[tuple[str, str]] = field(default_factory=list)

    def children(self) -> Iterator[FlowNode]:
        """Return the sub-processes directly inside."""
        return (node for node in self.nodes if node.type.is_container)


def containers_of(graph: ControlFlowGraph, process_id: str | None = None) -> dict[str, Container]:
    """Return the containers with content, outer before inner; raise UnknownNameError for a process that is not there."""
    processes = [item.id for item in graph.processes]
    misplaced = {node.process_id for node in graph.nodes} | {flow.process_id for flow in graph.flows}
    if process_id is not None and process_id not in processes and process_id not in misplaced:
        raise UnknownNameError("process", process_id, processes)
    found: dict[str, Container] = {}
    holders = {node.id: node for node in graph.nodes if node.type.is_container}
    owners: dict[str, list[str]] = {}
    for node in graph.nodes:
        if process_id is not None and node.process_id != process_id:
            continue
        if node.container not in found:
            found[node.container] = Container(node.container, node.process_id, holders.get(node.container))
        if node.container not in owners.setdefault(node.id, []):
            owners[node.id].append(node.container)
            found[node.container].nodes.append(node)
    for flow in graph.flows:
        if process_id is None or flow.process_id == process_id:
            _place(flow, found, owners)
    return found


def _place(flow: SequenceFlow, found: dict[str, Container], owners: dict[str, list[str]]) -> None:
    sources, targets = owners.get(flow.source, []), owners.get(flow.target, [])
    common = [item for item in sources if item in targets]
    home = flow.container if flow.container in common or not common else common[0]
    container = found.setdefault(home, Container(home, flow.process_id))
    if not sources or not targets:
        lost = flow.target if sources else flow.source
        container.broken.append((flow.id, f"'{lost}' is no element of the process"))
    elif not common:
        container.broken.append((flow.id, "it crosses the border of a process or sub-process"))
    elif flow.id in container.flow_ids:
        container.broken.append((flow.id, "its id is that of another flow"))
    else:
        container.flows.append(flow)
        container.flow_ids.add(flow.id)
