"""Strongly connected components and the edges that close loops, without recursion."""

from __future__ import annotations

from orchestra_kit.design.coverage.walk_graph import Edge, WalkGraph


def components(graph: WalkGraph) -> list[list[int]]:
    """Return the strongly connected components in topological order (Tarjan 1972)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    found: list[list[int]] = []
    for root in sorted(graph.alive):
        if root in order:
            continue
        work: list[tuple[int, int]] = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                order[node] = low[node] = len(order)
                stack.append(node)
                on_stack.add(node)
            edges = graph.leaving[node]
            if position > 0:
                low[node] = min(low[node], low[edges[position - 1].target])
            while position < len(edges):
                target = edges[position].target
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
