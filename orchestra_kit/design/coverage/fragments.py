"""Pieces of scenarios: a run through one container with everything inside its sub-processes in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestra_kit.model.process import FlowNode, NodeType, SequenceFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An error, escalation or cancellation that leaves a sub-process instead of its normal end."""

    kind: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """Where branches that ran beside each other have all come to their end: before the visit `at`, and which visits
    (from `since` on) were theirs. `join` is the gateway that waits for them, '' where they end apart.
    """

    join: str
    at: int
    since: int

    def moved(self, places: int) -> Barrier:
        """Return the barrier for visits that stand so many places later."""
        return Barrier(join=self.join, at=self.at + places, since=self.since + places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A run through one container, in firing order. `raises` tells how it leaves when not normally."""

    path: tuple[str, ...]
    visits: tuple[str, ...]
    provokes: tuple[str, ...] = ()
    raises: Signal | None = None
    barriers: tuple[Barrier, ...] = ()
    instances: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A fragment beyond the minimal cover, and what it is for."""

    kind: str
    of: str
    fragment: Fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """All that must be run in one container, and how often its parent must enter it for that at least.

    `endless` says that it has content which never comes to an end.
    """

    fragments: tuple[Fragment, ...] = ()
    extras: tuple[Extra, ...] = ()
    lower_bound: int = 0
    endless: bool = False


@dataclass(slots=True)
class Queue:
    """Fragments of one sub-process with one way out, given one after the other; then the first again."""

    waiting: list[Fragment]
    extras: list[Extra] = field(default_factory=list)
    first: Fragment | None = None

    def __bool__(self) -> bool:
        return bool(self.waiting or self.extras or self.first)

    def take(self) -> Fragment | None:
        """Return the next fragment not run yet, else one that was."""
        if self.waiting:
            found = self.waiting.pop(0)
        elif self.extras:
            found = self.take_extra().fragment
        else:
            return self.first
        self.first = self.first or found
        return found

    def take_extra(self) -> Extra:
        """Return the next extra one; there must be one."""
        extra = self.extras.pop(0)
        self.first = self.first or extra.fragment
        return extra


@dataclass(slots=True)
class Ways:
    """The fragments of one sub-process by the way they leave it; `interrupted` is a run cut short in its midst."""

    normal: Queue
    interrupted: Fragment
    caught: dict[str, Queue] = field(default_factory=dict)
    uncaught: dict[Signal, Queue] = field(default_factory=dict)

    def sort(self, fragment: Fragment, boundaries: Sequence[FlowNode]) -> Queue:
        """Return the queue a fragment belongs to."""
        if fragment.raises is None:
            return self.normal
        catcher = catcher_of(fragment.raises, boundaries)
        if catcher is not None and catcher.cancel_activity:
            return self.caught.setdefault(catcher.id, Queue(waiting=[]))
        if fragment.raises.kind == "escalation":
            return self.normal  # nobody is interrupted: the sub-process goes on to its end
        return self.uncaught.setdefault(fragment.raises, Queue(waiting=[]))


def raised_signal(node: FlowNode) -> Signal | None:
    """Return what an end event raises out of its container; None for those that end normally."""
    if node.type is not NodeType.END_EVENT:
        return None
    for kind in ("error", "cancel", "escalation"):
        if kind in node.event_definitions:
            return Signal(kind=kind, code=signal_code(node, kind))
    return None


def catcher_of(signal: Signal, boundaries: Sequence[FlowNode]) -> FlowNode | None:
    """Return the boundary event that catches a signal: the one for its code before one for any code."""
    fitting = [node for node in boundaries if signal.kind in node.event_definitions]
    exact = [node for node in fitting if signal.code and signal_code(node, signal.kind) == signal.code]
    general = [node for node in fitting if not signal_code(node, signal.kind)]
    return next(iter(exact or general), None)


def signal_code(node: FlowNode, kind: str) -> str:
    """Return the error or escalation code an event names, else the definition it refers to."""
    for details in node.extensions.get("eventDefinitions", ()):
        if details.get("type") == kind:
            for name in (f"{kind}Code", f"{kind}Ref", "name"):
                if details.get(name):
                    return str(details[name])
    return ""


def cut_short(fragment: Fragment, nodes: Mapping[str, FlowNode], flows: Mapping[str, SequenceFlow]) -> Fragment:
    """Return a run up to the first activity it enters: a sub-process interrupted in its midst."""
    position = 0
    for count, visit in enumerate(fragment.visits, start=1):
        if position < len(fragment.path) and flows[fragment.path[position]].target == visit:
            position += 1
        if nodes[visit].type.is_activity:
            return Fragment(path=fragment.path[:position], visits=fragment.visits[:count])
    return Fragment(path=(), visits=fragment.visits[:1])
