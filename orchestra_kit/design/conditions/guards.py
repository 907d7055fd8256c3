"""Every condition of a graph, read once; those that cannot be read are kept with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.ast import Name
from orchestra_kit.expressions.conditions import Guard, read_guard
from orchestra_kit.expressions.references import references_of
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import ControlFlowGraph, SequenceFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadGuard:
    """A condition that is left to the user."""

    flow_id: str
    text: str
    language: str | None
    line: int | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return it as in `orchestra suite plan --conditions`."""
        return {
            "flow": self.flow_id,
            "text": self.text,
            "language": self.language,
            "line": self.line,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTable:
    """Guards by flow id, and what could not be read, by flow id too."""

    guards: Mapping[str, Guard] = field(default_factory=dict)
    unread: Mapping[str, UnreadGuard] = field(default_factory=dict)

    def has_condition(self, flow_id: str) -> bool:
        """Return True for a flow with a condition, read or not."""
        return flow_id in self.guards or flow_id in self.unread


def read_guards(graph: ControlFlowGraph, *, file: str | None = None, process_id: str | None = None) -> GuardTable:
    """Return the conditions of a graph, or of one of its processes."""
    guards: dict[str, Guard] = {}
    unread: dict[str, UnreadGuard] = {}
    for flow in graph.flows:
        if flow.condition is None or process_id not in (None, flow.process_id) or flow.is_default:
            continue
        found = _read(flow, file, words_are_prose=graph.source_type is SourceType.SEQUENCE)
        if isinstance(found, Guard):
            guards[flow.id] = found
        else:
            unread[flow.id] = found
    return GuardTable(guards=guards, unread=unread)


def _read(flow: SequenceFlow, file: str | None, *, words_are_prose: bool) -> Guard | UnreadGuard:
    """Return a condition, or why it is none; a bare word over a fragment of a sequence diagram names no variable."""
    assert flow.condition is not None
    place = Place(file=file, line=flow.line, field=flow.id)
    try:
        guard = read_guard(flow.condition.text, flow.condition.language, place=place)
        if words_are_prose and isinstance(guard.tree, Name):
            raise ExpressionError(f"`{guard.text.strip()}` is a word, not a condition.", place=place)
        return guard
    except ExpressionError as error:
        return UnreadGuard(
            flow_id=flow.id,
            text=flow.condition.text,
            language=flow.condition.language,
            line=flow.line,
            reason=error.message + (f" {error.hint}" if error.hint else ""),
        )


def roots_of(guard: Guard) -> tuple[str, ...]:
    """Return the variables a guard asks for, in the order written."""
    return tuple(dict.fromkeys(reference.root for reference in references_of(guard.tree)))
