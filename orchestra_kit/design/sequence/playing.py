"""Who plays whom in a sequence diagram, and what that makes of each message.

A message from someone Orchestra plays (driven) to the system (observed) is sent: an ACTION. The system's answer to it is
what is expected of that ACTION. A message the system sends is seen, never sent: an ASSERTION, or stated unobservable.
Between two who are both played, nothing has to happen at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.design.binding import ElementRole
from orchestra_kit.design.sequence.graph import MESSAGE, REFERENCE
from orchestra_kit.model.process import ControlFlowGraph, FlowNode


class Cast:
    """Answers who sends and who receives a message, by the roles of the project, else by those of the diagram."""

    def __init__(self, graph: ControlFlowGraph, roles: Mapping[str, ElementRole]) -> None:
        self._driven: dict[str, bool] = {}
        self._names: dict[str, str] = {}
        for item in graph.participants:
            written = roles.get(item.id, roles.get(item.name))
            self._driven[item.id] = bool(item.driven) if written is None else written is ElementRole.DRIVEN
            self._names[item.id] = item.name or item.id

    def role_of(self, node: FlowNode) -> ElementRole | None:
        """Return the role of a message; None for one that needs no step of its own."""
        if REFERENCE in node.extensions:
            return ElementRole.OBSERVED
        from_us, to_us, message = self._sides(node)
        if from_us and to_us:
            return None
        if message.get("kind") == "return":
            if "answers" in message and not from_us:
                return None
            return ElementRole.OBSERVED
        return ElementRole.DRIVEN if from_us else ElementRole.OBSERVED

    def why_unobservable(self, node: FlowNode) -> str | None:
        """Return why nothing shows that an observed message was sent, where the diagram itself says so."""
        if MESSAGE not in node.extensions:
            return None
        from_us, _to_us, message = self._sides(node)
        sender = self._names.get(message["sender"], message["sender"])
        if message["sender"] == message["receiver"] and not from_us:
            return f"{sender} does this within itself"
        if message.get("kind") == "return" and from_us:
            return f"{sender} is called here and would have to answer; Orchestra makes calls and takes none"
        return None

    def owners(self, node: FlowNode) -> list[str]:
        """Return who has to do with a message, ids and names: who sends it first, then who receives it."""
        if REFERENCE in node.extensions:
            ids = list(node.extensions[REFERENCE]["over"])
        else:
            ids = [node.extensions[MESSAGE]["sender"], node.extensions[MESSAGE]["receiver"]]
        return [name for item in ids for name in (item, self._names.get(item, item))]

    def _sides(self, node: FlowNode) -> tuple[bool, bool, Mapping[str, Any]]:
        message = node.extensions[MESSAGE]
        return self._driven.get(message["sender"], False), self._driven.get(message["receiver"], False), message


def is_message(node: FlowNode) -> bool:
    """Return whether a node is a message or a reference of a sequence diagram."""
    return MESSAGE in node.extensions or REFERENCE in node.extensions


def answered_call(node: FlowNode) -> str | None:
    """Return the id of the message a node answers."""
    message = node.extensions.get(MESSAGE)
    return message.get("answers") if isinstance(message, dict) else None


def hinted_status(node: FlowNode) -> int | None:
    """Return the status code the text of a message names."""
    hints = node.extensions.get("hints")
    status = hints.get("status") if isinstance(hints, dict) else None
    return status if isinstance(status, int) else None
