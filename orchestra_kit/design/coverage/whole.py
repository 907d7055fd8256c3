"""The suite of a whole file: processes that call each other walked in place, pools that send each other messages together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.coverage.collaboration import CollaborationSuite, collaborations_of, compose_collaboration
from orchestra_kit.design.coverage.composition import compose
from orchestra_kit.design.process_set import Call, ProcessSet, open_calls
from orchestra_kit.model.process import ControlFlowGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeSuite:
    """How many scenarios the processes of a file take together, and how many any suite of them must have."""

    size: int
    lower_bound: int
    collaborations: tuple[CollaborationSuite, ...] = ()
    calls: tuple[Call, ...] = ()

    @property
    def gap(self) -> int:
        """How many scenarios more than proven necessary the suite has."""
        return self.size - self.lower_bound

    def to_json(self) -> dict[str, Any]:
        """Return the `suite` of `orchestra suite plan`."""
        result: dict[str, Any] = {"size": self.size, "lowerBound": self.lower_bound, "gap": self.gap}
        if self.collaborations:
            result["collaborations"] = [item.to_json() for item in self.collaborations]
        if self.calls:
            result["calls"] = [_call_json(item) for item in self.calls]
        return result


def whole_suite(
    graph: ControlFlowGraph,
    own: Mapping[str, tuple[int, int]],
    *,
    process_id: str | None = None,
    criterion: str = "flow",
    max_loop: int = 2,
    siblings: Mapping[str, ControlFlowGraph] | None = None,
) -> WholeSuite:
    """Return the suite of all processes of a graph, or of one.

    `own` gives size and bound of the processes that need no composing: those of a single container. A called process is
    counted where it is called, a process that others send messages to together with them.
    """
    opened = open_calls(graph, siblings, process_id=process_id)
    holders = {node.process_id for node in opened.graph.nodes} | {flow.process_id for flow in opened.graph.flows}
    groups = collaborations_of(opened.graph) if process_id is None else ()
    together = tuple(
        compose_collaboration(opened.graph, group, criterion=criterion, max_loop=max_loop) for group in groups
    )
    size, bound = sum(item.size for item in together), sum(item.lower_bound for item in together)
    grouped = {name for group in groups for name in group}
    changed = _callers(opened)
    for process in dict.fromkeys((*(item.id for item in opened.graph.processes), *sorted(holders))):
        if process not in holders or process in grouped or (process_id is not None and process != process_id):
            continue
        if process in own and process not in changed:
            size, bound = size + own[process][0], bound + own[process][1]
        else:
            suite = compose(opened.graph, process, criterion=criterion, max_loop=max_loop)
            size, bound = size + suite.size, bound + suite.lower_bound
    return WholeSuite(size=size, lower_bound=bound, collaborations=together, calls=opened.calls)


def _callers(opened: ProcessSet) -> set[str]:
    """Return the processes in which a call was opened."""
    return {node.process_id for node in opened.graph.nodes if "calledProcess" in node.extensions}


def _call_json(call: Call) -> dict[str, Any]:
    result: dict[str, Any] = {"elementId": call.element_id, "calls": call.called}
    extras = {"file": call.file, "why": call.why}
    return result | {name: value for name, value in extras.items() if value}
