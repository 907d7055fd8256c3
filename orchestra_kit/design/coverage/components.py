"""Strongly connected components and the edges that close loops, without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestra_kit.design.coverage.walk_graph import Edge, WalkGraph


def components(graph: WalkGraph) -> list[list[int]]:
    """Return the strongly connected components of a restricted graph in topological order."""
    following = {node: [edge.target for edge in edges] for node, edges in graph.leaving.items()}
    return strong_components(sorted(graph.alive), following)


def strong_components(nodes: Iterable[int], following: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components in topological order (Tarjan 1972)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    found: list[list[int]] = []
    for root in nodes:
        if root in order:
            continue
        work: list[tuple[int, int]] = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                order[node] = low[node] = len(order)
                stack.append(node)
                on_stack.add(node)
            targets = following[node]
            if position > 0:
                low[node] = min(low[node], low[targets[position - 1]])
            while position < len(targets):
                target = targets[position]
                position += 1
                if target not in order:
                    work += [(node, position), (target, 0)]
                    break
                if target in on_stack:
                    low[node] = min(low[node], order[target])
            else:
                if low[node] == order[node]:
                    found.append(_pop_until(stack, on_stack, node))
    found.reverse()
    return found


def _pop_until(stack: list[int], on_stack: set[int], node: int) -> list[int]:
    component: list[int] = []
    while True:
        item = stack.pop()
        on_stack.discard(item)
        component.append(item)
        if item == node:
            return component


def loop_edges(graph: WalkGraph) -> list[Edge]:
    """Return the edges that lead back to a node the search is still under.

    For natural loops these are their back edges whatever the order of the search; a loop with several entries is cut
    where the search from the first start meets it. Without them the graph has no cycle.
    """
    state: dict[int, int] = {}
    found: list[Edge] = []
    for root in [*graph.starts, *sorted(graph.alive)]:
        if root in state:
            continue
        work: list[tuple[int, int]] = [(root, 0)]
        state[root] = 1
        while work:
            node, position = work.pop()
            edges = graph.leaving[node]
            if position == len(edges):
                state[node] = 2
                continue
            work.append((node, position + 1))
            target = edges[position].target
            if target not in state:
                state[target] = 1
                work.append((target, 0))
            elif state[target] == 1:
                found.append(edges[position])
    return found
