"""Why an element is in no run."""

from __future__ import annotations

from collections.abc import Iterable

from orchestra_kit.design.coverage.containers import Container
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import TokenRuns
from orchestra_kit.design.coverage.walk_graph import WalkGraph, closure
from orchestra_kit.model.process import NodeType


def unreachable(container: Container, runs: TokenRuns, further: WalkGraph) -> list[tuple[str, str]]:
    """Return the nodes and flows of a container that no run covers, each with the reason."""
    visited = {further.node_ids[number] for number in further.alive}
    taken = {flow for edge in further.edges for flow in edge.fires}
    reasons = _Reasons(runs)
    lost = {
        node.id: reasons.of_node(number)
        for number, node in enumerate(container.nodes)
        if node.id not in visited and not node.triggered_by_event
    }
    found = dict(container.broken)
    for flow in container.flows:
        if flow.id not in taken:
            end, place = (flow.source, "source") if flow.source in lost else (flow.target, "target")
            if end in lost:
                found[flow.id] = f"its {place} '{end}': {lost[end]}"
            else:
                found[flow.id] = reasons.of_flow(flow.id)
    return [*lost.items(), *found.items()]


class _Reasons:
    """Looks first at paths, then at tokens that wait for ever."""

    def __init__(self, runs: TokenRuns) -> None:
        self._runs, self._net = runs, runs.net
        net = runs.net
        self._reached = closure(net.starts, lambda node: _after(net, node))
        ends = {number for number, flows in enumerate(net.leaving) if not flows}
        self._ending = closure(ends, lambda node: _before(net, node))
        self._flow_number = {name: index for index, name in enumerate(net.flow_ids) if name}

    def of_node(self, number: int) -> str:
        """Return why no run enters a node."""
        node = self._net.content[number]
        if node.extensions.get("isForCompensation") is True:
            return "runs only when an activity is compensated"
        if node.type is NodeType.BOUNDARY_EVENT and number not in self._reached:
            if node.event_definitions == ("compensate",):
                return "triggers only when its activity is compensated"
            return "its activity is never reached" if node.attached_to else "it is attached to no activity"
        if number in self._reached and number not in self._ending:
            return "no end can be reached from it"
        if number not in self._reached:
            return "no start leads to it" if self._net.starts else "the container has no start"
        return self._waiting({number for number, item in enumerate(self._runs.moments) if item[0] == self._at(node.id)})

    def of_flow(self, identifier: str) -> str:
        """Return why no run takes a flow between two nodes that runs do enter."""
        flow = self._flow_number.get(identifier)
        if flow is None:
            return "an end event lets no token out"
        taken = {edge.target for edge in self._runs.graph.edges if edge.id == identifier}
        return self._waiting(taken)

    def _at(self, identifier: str) -> int:
        return self._net.number[identifier]

    def _waiting(self, moments: Iterable[int]) -> str:
        """Return which join every run from these moments, or before them, hangs at."""
        graph, runs = self._runs.graph, self._runs
        leaving: dict[int, list[int]] = {}
        for edge in graph.edges:
            leaving.setdefault(edge.source, []).append(edge.target)
        start = list(moments)
        for number in sorted(closure(start or graph.starts, lambda node: leaving.get(node, ()))):
            element, pending, waiting = runs.moments[number]
            if element < 0 and not pending and waiting and number not in leaving:
                join, mask = runs.waiting.entries(waiting)[0]
                if join < 0:
                    continue
                missing = [
                    self._net.flow_ids[flow] for flow in self._net.entering[join] if not self._net.bit[flow] & mask
                ]
                name, flows = self._net.content[join].id, ", ".join(f"'{item}'" for item in missing if item)
                before = "a token" if start else "the way there: a token"
                return f"{before} would wait for ever at the join '{name}' for one on {flows or 'another flow'}"
        if not runs.complete:
            return f"no run through it was found among {len(runs.moments)} moments of runs"
        return "no run in which every token comes to an end goes by it"


def _after(net: TokenNet, node: int) -> list[int]:
    return [net.targets[flow] for flow in net.leaving[node]] + net.boundaries.get(node, [])


def _before(net: TokenNet, node: int) -> list[int]:
    attached = net.content[node].attached_to
    found = [net.sources[flow] for flow in net.entering[node]]
    return [*found, net.number[attached]] if attached in net.number else found
