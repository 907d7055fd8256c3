"""Everything on top of the minimal cover of one container, each kind counted for itself."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra_kit.design.coverage.added import Added, AddedRun, StepBudget, Ways
from orchestra_kit.design.coverage.boundaries import attribute_walks
from orchestra_kit.design.coverage.components import loop_edges
from orchestra_kit.design.coverage.criteria import Criterion, further_demands
from orchestra_kit.design.coverage.deadlocks import deadlock_runs
from orchestra_kit.design.coverage.demands import Demands
from orchestra_kit.design.coverage.instances import instance_runs
from orchestra_kit.design.coverage.loops import loop_runs
from orchestra_kit.design.coverage.orders import Resources, order_runs
from orchestra_kit.design.coverage.rows import row_runs
from orchestra_kit.design.coverage.spreading import cover_anywhere
from orchestra_kit.design.coverage.token_runs import TokenRuns
from orchestra_kit.design.coverage.walk_graph import Walk, WalkGraph


def additions(
    runs: TokenRuns,
    base: WalkGraph,
    further: WalkGraph,
    walks: Sequence[Walk],
    *,
    criterion: Criterion,
    max_loop: int,
    resources: Resources,
) -> list[Added]:
    """Return what a cover leaves open: boundary events, deadlocks, loops, rows of inclusive splits, orders, instances.

    `base` is the part of the runs that no boundary event interrupts, `further` with those; `walks` is the cover.
    """
    budget = StepBudget(len(runs.graph.edges))
    shown = list(walks)
    found = _boundary_runs(runs, base, further, shown, criterion)
    shown += (run.walk for item in found for run in item.runs)
    found += deadlock_runs(runs, further, criterion, budget)
    loops = loop_runs(base, shown, max_loop, budget)
    known = {edge.id or base.node_ids[edge.target] or base.node_ids[edge.source] for edge in loop_edges(base)}
    loops += loop_runs(further, shown, max_loop, budget, known=known)
    found += loops
    if base.alive:
        ways = Ways(base)
        found += row_runs(runs, ways, shown, budget)
        found += order_runs(runs, ways, resources, budget)
        found += instance_runs(runs, ways, max_loop, budget)
    return found


def _boundary_runs(
    runs: TokenRuns, base: WalkGraph, further: WalkGraph, walks: Sequence[Walk], criterion: Criterion
) -> list[Added]:
    """Return runs for the boundary events, and what lies behind them, that the cover does not provoke."""
    demands = further_demands(criterion, further, base, runs.graph)
    walked = {edge.index for walk in walks for edge in walk.edges}
    visited = {edge.target for walk in walks for edge in walk.edges}
    left = Demands(
        edges={index: times for index, times in demands.edges.items() if index not in walked},
        nodes={node: times for node, times in demands.nodes.items() if node not in visited},
        loose=tuple(
            item for item in demands.loose if not walked.intersection(item.edges) | visited.intersection(item.nodes)
        ),
    )
    best = cover_anywhere(further, left)
    proven = best.lower_bound == len(best.walks)
    return [
        Added(
            kind="boundary",
            of=event,
            runs=tuple(AddedRun(walk=walk) for walk in group),
            lower_bound=len(group) if proven else 1,
        )
        for event, group in attribute_walks(best.walks).items()
    ]
