"""Why an element is in no run."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from orchestra_kit.design.coverage.containers import Container
from orchestra_kit.design.coverage.deadlocks import stuck_moments
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
        return self._waiting(self._moments_of.get(self._net.number[node.id], ()))

    def of_flow(self, identifier: str) -> str:
        """Return why no run takes a flow between two nodes that runs do enter."""
        flow = self._flow_number.get(identifier)
        if flow is None:
            return "an end event lets no token out"
        return self._waiting(self._moments_after.get(identifier, ()))

    def _waiting(self, moments: Iterable[int]) -> str:
        """Return which join every run from these moments, or before them, hangs at."""
        runs = self._runs
        start = list(moments)
        hanging = [self._hangs_in[number] for number in start or runs.graph.starts if number in self._hangs_in]
        if hanging:
            join, mask = runs.waiting.entries(runs.moments[min(hanging)][2])[0]
            missing = [self._net.flow_ids[flow] for flow in self._net.entering[join] if not self._net.bit[flow] & mask]
            name, flows = self._net.content[join].id, ", ".join(f"'{item}'" for item in missing if item)
            before = "a token" if start else "the way there: a token"
            return f"{before} would wait for ever at the join '{name}' for one on {flows or 'another flow'}"
        if not runs.complete:
            return f"no run through it was found among {len(runs.moments)} moments of runs"
        return "no run in which every token comes to an end goes by it"

    @cached_property
    def _hangs_in(self) -> dict[int, int]:
        """For each moment that can come to one where all tokens wait for ever, the first such moment."""
        entering: dict[int, list[int]] = {}
        for edge in self._runs.graph.edges:
            entering.setdefault(edge.target, []).append(edge.source)
        found: dict[int, int] = {}
        for stuck in sorted(stuck_moments(self._runs)):
            queue = [stuck] if stuck not in found else []
            found.setdefault(stuck, stuck)
            while queue:
                for number in entering.get(queue.pop(), ()):
                    if number not in found:
                        found[number] = stuck
                        queue.append(number)
        return found

    @cached_property
    def _moments_of(self) -> dict[int, list[int]]:
        """The moments in which each node is entered."""
        found: dict[int, list[int]] = {}
        for number, moment in enumerate(self._runs.moments):
            found.setdefault(moment[0], []).append(number)
        return found

    @cached_property
    def _moments_after(self) -> dict[str, set[int]]:
        """The moments that each flow leads to."""
        found: dict[str, set[int]] = {}
        for edge in self._runs.graph.edges:
            found.setdefault(edge.id, set()).add(edge.target)
        return found


def _after(net: TokenNet, node: int) -> list[int]:
    return [net.targets[flow] for flow in net.leaving[node]] + net.boundaries.get(node, [])


def _before(net: TokenNet, node: int) -> list[int]:
    attached = net.content[node].attached_to
    found = [net.sources[flow] for flow in net.entering[node]]
    return [*found, net.number[attached]] if attached in net.number else found
