"""Who does what an element of the process describes: Orchestra drives it, or it is observed.

Order of decision: the element's own `role`; the role of its innermost lane; of its participant; else the default of its
construct: tasks that people, services or Orchestra's own messages perform are driven; what the process engine does by
itself (script and business-rule tasks, catching events, receive tasks) is observed. Gateways and plain events have none.
The messages of a sequence diagram are judged by who sends and who receives them (design/sequence/playing.py).
"""

from __future__ import annotations

from orchestra_kit.design.binding import ElementRole, ProjectBinding
from orchestra_kit.design.documents import Document
from orchestra_kit.design.sequence.playing import Cast, is_message
from orchestra_kit.errors import DefinitionError, UnknownNameError
from orchestra_kit.model import ControlFlowGraph, FlowNode, Lane, NodeType

_OBSERVED_BY_DEFAULT = frozenset({NodeType.SCRIPT_TASK, NodeType.BUSINESS_RULE_TASK, NodeType.RECEIVE_TASK})
_TASKS = frozenset(
    {
        NodeType.TASK,
        NodeType.SERVICE_TASK,
        NodeType.SEND_TASK,
        NodeType.RECEIVE_TASK,
        NodeType.USER_TASK,
        NodeType.MANUAL_TASK,
        NodeType.BUSINESS_RULE_TASK,
        NodeType.SCRIPT_TASK,
        NodeType.CALL_ACTIVITY,
    }
)
_CATCHING = frozenset({NodeType.INTERMEDIATE_CATCH_EVENT, NodeType.BOUNDARY_EVENT, NodeType.START_EVENT})


class RoleTable:
    """Answers the role of each element of a graph."""

    def __init__(self, graph: ControlFlowGraph, binding: ProjectBinding, document: Document) -> None:
        self._binding, self._document = binding, document
        self._cast = Cast(graph, binding.roles)
        self._lane_of: dict[str, Lane] = {}
        lanes = {lane.id: lane for lane in graph.lanes}
        for lane in graph.lanes:
            for node_id in lane.node_ids:
                known = self._lane_of.get(node_id)
                if known is None or lane.parent_id == known.id:
                    self._lane_of[node_id] = lane
        self._lanes = lanes
        self._participants = {item.process_id: item for item in graph.participants if item.process_id}
        self._containers = {node.id: node for node in graph.nodes if node.type.is_container}
        names = {item.id for item in graph.lanes} | {item.name for item in graph.lanes}
        names |= {item.id for item in graph.participants} | {item.name for item in graph.participants}
        for field in ("roles", "unobservable"):
            for written in getattr(binding, field):
                if written not in names:
                    raise UnknownNameError(
                        "lane or participant", written, names - {""}, place=document.place((field, written))
                    )

    def role_of(self, node: FlowNode) -> ElementRole | None:
        """Return the role of an element; None for gateways, sub-processes and events that carry no message."""
        own = self._binding.elements.get(node.id)
        if is_message(node):
            return self._role_of_message(node, own.role if own else None)
        if own is not None and own.role is not None:
            return own.role
        if not needs_step(node):
            return None
        for name in self._owners(node):
            if name in self._binding.roles:
                role = self._binding.roles[name]
                return ElementRole.OBSERVED if role is ElementRole.DRIVEN and _only_observed(node) else role
        if node.type in _OBSERVED_BY_DEFAULT or node.type in _CATCHING:
            return ElementRole.OBSERVED
        return ElementRole.DRIVEN

    def why_unobservable(self, node: FlowNode) -> str | None:
        """Return why nothing shows that an observed element happened: the project's word for who does it, or the process's."""
        owners = self._cast.owners(node) if is_message(node) else self._owners(node)
        written = next(
            (self._binding.unobservable[name] for name in owners if name in self._binding.unobservable), None
        )
        return written or self._cast.why_unobservable(node)

    def _role_of_message(self, node: FlowNode, written: ElementRole | None) -> ElementRole | None:
        role = self._cast.role_of(node)
        if written is ElementRole.DRIVEN and role is not ElementRole.DRIVEN and node.type is not NodeType.CALL_ACTIVITY:
            raise DefinitionError(
                f"'{node.name or node.id}' is not sent by anybody Orchestra plays: it is never an action.",
                place=self._document.place(("elements", node.id, "role")),
                hint="Say under roles which participants are driven.",
            )
        return written or role

    def _owners(self, node: FlowNode) -> list[str]:
        names: list[str] = []
        lane = self._lane_of.get(node.id) or self._lane_of_container(node)
        while lane is not None:
            names += [lane.id, lane.name]
            lane = self._lanes.get(lane.parent_id or "")
        participant = self._participants.get(node.process_id)
        return names + ([participant.id, participant.name] if participant else [])

    def _lane_of_container(self, node: FlowNode) -> Lane | None:
        container = self._containers.get(node.container)
        while container is not None:
            if container.id in self._lane_of:
                return self._lane_of[container.id]
            container = self._containers.get(container.container)
        return None


def needs_step(node: FlowNode) -> bool:
    """Return True for tasks and for events that send or receive something: a tester has to say what stands for them."""
    if node.type in _TASKS:
        return True
    return node.type.is_event and bool({"message", "signal"} & set(node.event_definitions))


def _only_observed(node: FlowNode) -> bool:
    return node.type in (NodeType.RECEIVE_TASK, NodeType.SCRIPT_TASK, NodeType.BUSINESS_RULE_TASK)
