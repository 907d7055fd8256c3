"""The least number of runs, by trying every order of moves of every run of a tiny container."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain, combinations

from orchestra_kit.model.process import ControlFlowGraph, FlowNode

Marking = tuple[tuple[str, int], ...]
MOST_TOKENS = 7


class TokenGame:
    """A flat container with start and end events, tasks and gateways, as tokens on flows (and one on the start)."""

    def __init__(self, graph: ControlFlowGraph) -> None:
        self.nodes = {node.id: node for node in graph.nodes}
        self.leaving = {node.id: [flow.id for flow in graph.flows if flow.source == node.id] for node in graph.nodes}
        self.entering = {node.id: [flow.id for flow in graph.flows if flow.target == node.id] for node in graph.nodes}
        self.target = {flow.id: flow.target for flow in graph.flows} | {node.id: node.id for node in graph.nodes}
        self.bit = {item: 1 << place for place, item in enumerate([*self.nodes, *(flow.id for flow in graph.flows)])}

    def moves(self, marking: dict[str, int]) -> Iterator[tuple[str, list[str]]]:
        """Every node that may fire, with the flows whose tokens it takes."""
        for name, node in self.nodes.items():
            if marking.get(name):
                yield name, [name]
            held = [flow for flow in self.entering[name] if marking.get(flow)]
            joins = len(self.entering[name]) > 1
            if node.type == "parallelGateway" and joins:
                if len(held) == len(self.entering[name]):
                    yield name, held
            elif node.type == "inclusiveGateway" and joins:
                if held and not any(self.holds_up(place, name, held) for place in marking if place not in held):
                    yield name, held
            else:
                yield from ((name, [flow]) for flow in held)

    def holds_up(self, place: str, join: str, held: list[str]) -> bool:
        seen, stack, reached = {place}, [place], set()
        while stack:
            here = stack.pop()
            if self.target[here] == join:
                reached.add(here)
                continue
            for flow in self.leaving[self.target[here]]:
                if flow not in seen:
                    seen.add(flow)
                    stack.append(flow)
        return bool(reached - set(held))

    def puts(self, node: FlowNode) -> list[tuple[str, ...]]:
        """Every set of flows one firing may put tokens on."""
        flows = self.leaving[node.id] if node.type != "endEvent" else []
        if node.type in ("exclusiveGateway", "eventBasedGateway") and flows:
            return [(flow,) for flow in flows]
        if node.type == "inclusiveGateway" and flows:
            free = [flow for flow in flows if flow != node.default_flow]
            sets = chain.from_iterable(combinations(free, size) for size in range(1, len(free) + 1))
            return [*sets, *((flow,) for flow in flows if flow == node.default_flow)]
        return [tuple(flows)]

    def coverable(self) -> set[int]:
        """What each complete run covers, as sets of bits of nodes and flows."""
        start: Marking = (("s", 1),)
        seen = {(start, 0)}
        queue, found = deque(seen), set()
        while queue:
            marking, mask = queue.popleft()
            if not marking:
                found.add(mask)
            for name, taken in self.moves(dict(marking)):
                node = self.nodes[name]
                for puts in self.puts(node):
                    after = dict(marking)
                    for flow in taken:
                        after[flow] -= 1
                    for flow in puts:
                        after[flow] = after.get(flow, 0) + 1
                    if node.type == "endEvent" and "terminate" in node.event_definitions:
                        after = {}
                    if sum(after.values()) > MOST_TOKENS or any(count > 2 for count in after.values()):
                        continue
                    kept = tuple(sorted((place, count) for place, count in after.items() if count))
                    state = (kept, mask | self.bit[name] | sum(self.bit[flow] for flow in puts))
                    if state not in seen:
                        seen.add(state)
                        queue.append(state)
        return found


def fewest_runs(graph: ControlFlowGraph, criterion: str) -> tuple[int, set[str]]:
    """The least number of runs that cover what a criterion asks, and all elements that runs can cover."""
    game = TokenGame(graph)
    masks = game.coverable()
    flows = {flow.id for flow in graph.flows}
    wanted = set(game.nodes) if criterion == "node" else flows
    if criterion == "decision":
        wanted = {
            flow for flow in flows for name in game.nodes if flow in game.leaving[name] and len(game.leaving[name]) > 1
        }
    goal = sum(game.bit[item] for item in wanted)
    every = 0
    for mask in masks:
        every |= mask
    reachable = {item for item, bit in game.bit.items() if every & bit}
    masks = largest({mask & goal for mask in masks})
    if not every:
        return 0, reachable
    reached, count = {0}, 0
    while not any(mask == every & goal for mask in reached) or not count:
        count += 1
        reached = largest({mask | other for mask in reached for other in masks})
    return count, reachable


def largest(masks: set[int]) -> set[int]:
    kept: list[int] = []
    for mask in sorted(masks, key=int.bit_count, reverse=True):
        if all(mask & ~other for other in kept):
            kept.append(mask)
    return set(kept)
