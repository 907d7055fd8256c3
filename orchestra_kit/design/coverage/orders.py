"""Orders of parallel branches: only where branches work on the same thing does it matter which one goes first."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import factorial

from orchestra_kit.design.coverage.added import Added, AddedRun, StepBudget, Ways
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import TokenRuns
from orchestra_kit.design.coverage.walk_graph import closure
from orchestra_kit.model.process import ControlFlowGraph, FlowNode

Resources = Mapping[str, frozenset[str]]
MOST_SPLITS = 2000


def resources_of(graph: ControlFlowGraph) -> dict[str, frozenset[str]]:
    """Return what each element works on, as far as the model says: data, topics, job types, service operations."""
    nodes = {node.id for node in graph.nodes}
    names = {item.id: item.text or item.id for item in graph.artifacts if item.type.startswith("data")}
    found: dict[str, set[str]] = {node.id: _hinted(node) for node in graph.nodes}
    for association in graph.associations:
        for node, thing in ((association.source, association.target), (association.target, association.source)):
            if node in nodes and thing in names:
                found[node].add(f"data '{names[thing]}'")
    return {node: frozenset(things) for node, things in found.items() if things}


def _hinted(node: FlowNode) -> set[str]:
    found = {f"operation '{node.operation_ref}'"} if node.operation_ref else set()
    topic = node.extensions.get("camunda:topic")
    task = node.extensions.get("zeebe:taskDefinition")
    if isinstance(topic, str):
        found.add(f"topic '{topic}'")
    if isinstance(task, dict) and task.get("type"):
        found.add(f"job '{task['type']}'")
    return found


def order_runs(runs: TokenRuns, ways: Ways, resources: Resources, budget: StepBudget) -> list[Added]:
    """Return for each parallel split whose branches share something a run that takes its branches the other way round."""
    net = runs.net
    if sum(1 for node in net.content if node.id in resources) < 2:
        return []
    found: list[Added] = []
    seen: set[int] = set()
    for moment in sorted(ways.graph.alive):
        node = runs.moments[moment][0]
        if not 0 <= node < len(net.content) or node in seen or len(found) >= MOST_SPLITS:
            continue
        seen.add(node)
        choice = runs.choices(node)[0] if net.leaving[node] else ()
        shared = _shared(net, node, choice, resources) if len(choice) > 1 else {}
        if shared:
            found.append(_reversed(runs, ways, moment, choice, shared, budget))
    return found


def _reversed(
    runs: TokenRuns,
    ways: Ways,
    moment: int,
    choice: tuple[int, ...],
    shared: Mapping[tuple[int, int], frozenset[str]],
    budget: StepBudget,
) -> Added:
    name = runs.net.content[runs.moments[moment][0]].id
    things = ", ".join(sorted(set().union(*shared.values())))
    pairs = (
        f"{len(shared)} pair{'s' if len(shared) > 1 else ''} of branches share{'' if len(shared) > 1 else 's'} {things}"
    )
    way = runs.detour(moment, choice[::-1], ways.graph.alive)
    walk = ways.through(way) if way else None
    if walk is None or not budget.allows(walk):
        why = "the other order cannot come to an end" if walk is None else "left out, the suite would be too long"
        return Added(kind="permutation", of=name, runs=(), lower_bound=0, note=f"{pairs}; {why}")
    left = factorial(len(choice)) - 2
    note = f"{pairs}; the order drawn and its reverse show each pair both ways"
    note += (
        f"; {left} other orders of {len(choice)} branches left out, and steps of two branches in turn" if left else ""
    )
    return Added(kind="permutation", of=name, runs=(AddedRun(walk=walk),), lower_bound=1, note=note)


def _shared(
    net: TokenNet, node: int, choice: tuple[int, ...], resources: Resources
) -> dict[tuple[int, int], frozenset[str]]:
    """Return the pairs of branches that work on the same things, with these."""
    reached = [
        closure(
            [net.targets[flow]] if net.targets[flow] != node else [],
            lambda here: (net.targets[flow] for flow in net.leaving[here] if net.targets[flow] != node),
        )
        for flow in choice
    ]
    things: list[set[str]] = []
    for place, nodes in enumerate(reached):
        others = set().union(*(other for index, other in enumerate(reached) if index != place))
        own = nodes - others  # what all branches come to is behind their join
        things.append({thing for item in own for thing in resources.get(net.content[item].id, ())})
    pairs = combinations(range(len(choice)), 2)
    return {(a, b): frozenset(things[a] & things[b]) for a, b in pairs if things[a] & things[b]}
