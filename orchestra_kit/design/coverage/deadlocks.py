"""Runs that never end: tokens wait at a join for others that cannot come. They show what no complete run can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestra_kit.design.coverage.added import Added, AddedRun, StepBudget
from orchestra_kit.design.coverage.criteria import Criterion, lost_demands
from orchestra_kit.design.coverage.spreading import cover_anywhere
from orchestra_kit.design.coverage.token_runs import TokenRuns
from orchestra_kit.design.coverage.walk_graph import Walk, WalkGraph


def deadlock_runs(runs: TokenRuns, complete: WalkGraph, criterion: Criterion, budget: StepBudget) -> list[Added]:
    """Return for each join where tokens wait for ever the runs by what is in no complete run.

    A scenario can show what the process does up to there, and that it goes no further.
    """
    stuck = stuck_moments(runs)
    if not stuck:
        return []
    graph = replace(runs.graph, ends=list(stuck)).restrict(lambda _: True)
    best = cover_anywhere(graph, lost_demands(criterion, graph, complete, runs.graph))
    grouped: dict[int, list[Walk]] = {}
    for walk in best.walks:
        grouped.setdefault(stuck[walk.end], []).append(walk)
    proven = len(best.walks) == best.lower_bound
    return [_at_join(runs, join, walks, budget, proven=proven) for join, walks in grouped.items()]


def stuck_moments(runs: TokenRuns) -> dict[int, int]:
    """Return the moments in which every token waits at a join, each with the first of these joins."""
    goes_on = {edge.source for edge in runs.graph.edges}
    found: dict[int, int] = {}
    for number, (element, pending, waiting) in enumerate(runs.moments):
        if element < 0 and not pending and waiting and number not in goes_on:
            join = runs.waiting.entries(waiting)[0][0]
            if join >= 0:
                found[number] = join
    return found


def _at_join(runs: TokenRuns, join: int, walks: Sequence[Walk], budget: StepBudget, *, proven: bool) -> Added:
    allowed = tuple(AddedRun(walk=walk) for walk in walks if budget.allows(walk))
    name = runs.net.content[join].id
    note = f"these runs never end: at the join '{name}' a token waits for one that cannot come"
    note += "; the rest left out, the suite would be too long" if len(allowed) < len(walks) else ""
    return Added(kind="deadlock", of=name, runs=allowed, lower_bound=len(walks) if proven else 1, note=note)
