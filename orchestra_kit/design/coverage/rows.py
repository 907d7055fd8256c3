"""Which branches of an inclusive split run together: as few combinations as show every pair of conditions both ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from orchestra_kit.design.combinations import inclusive_rows
from orchestra_kit.design.coverage.added import Added, AddedRun, StepBudget, Ways
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import TokenRuns
from orchestra_kit.design.coverage.walk_graph import Walk, WalkGraph
from orchestra_kit.model.process import NodeType


def row_runs(runs: TokenRuns, ways: Ways, walks: Sequence[Walk], budget: StepBudget) -> list[Added]:
    """Return for each inclusive split a run for each of its rows; one that the cover shows already is marked so."""
    moments = _split_moments(runs, ways.graph)
    if not moments:
        return []
    shown: dict[int, dict[frozenset[str], Walk]] = defaultdict(dict)
    for walk in walks:
        for edge in walk.edges:
            node = runs.moments[edge.source][0]
            if node in moments and edge.fires:
                shown[node].setdefault(frozenset(edge.fires), walk)
    return [_of_split(runs, ways, node, moment, shown[node], budget) for node, moment in moments.items()]


def _split_moments(runs: TokenRuns, graph: WalkGraph) -> dict[int, int]:
    """Return the inclusive splits that runs come by, each with the first moment it fires in."""
    found: dict[int, int] = {}
    for moment in sorted(graph.alive):
        node = runs.moments[moment][0]
        if 0 <= node < len(runs.net.content) and node not in found and _has_rows(runs.net, node):
            found[node] = moment
    return found


def _has_rows(net: TokenNet, node: int) -> bool:
    always, free, default = _columns(net, node)
    return len(net.leaving[node]) > 1 and bool(free) and (len(free) > 1 or bool(always) or default is not None)


def _columns(net: TokenNet, node: int) -> tuple[list[int], list[int], int | None]:
    """Return the flows that always get a token, those with a condition of their own, and the default flow."""
    if net.content[node].type is NodeType.COMPLEX_GATEWAY:
        return [], [], None
    return net.columns(node)


def _of_split(
    runs: TokenRuns, ways: Ways, node: int, moment: int, shown: Mapping[frozenset[str], Walk], budget: StepBudget
) -> Added:
    net = runs.net
    always, free, default = _columns(net, node)
    rows = inclusive_rows(len(free), default=default is not None or bool(always))
    added: list[AddedRun] = []
    notes: list[str] = []
    impossible = left_out = 0
    for row in rows:
        chosen = [flow for flow, holds in zip(free, row, strict=True) if holds]
        if not chosen and default is not None:
            chosen = [default]
        flows = net.ordered([*always, *chosen], node)
        names = [net.flow_ids[flow] for flow in flows]
        if frozenset(names) in shown:
            added.append(AddedRun(walk=shown[frozenset(names)], in_cover=True))
            continue
        way = None if budget.spent else runs.detour(moment, flows, ways.graph.alive)
        walk = ways.through(way) if way else None
        if way is None and not budget.spent:
            impossible += 1
            notes.append(f"{' and '.join(names)} together cannot come to an end")
        elif walk is None or not budget.allows(walk):
            left_out += 1
        else:
            added.append(AddedRun(walk=walk))
    said = [f"{len(rows)} rows show every pair of conditions"]
    there = sum(run.in_cover for run in added)
    said += [f"{there} of them in the cover"] if there else []
    said += [*notes, *([f"{left_out} left out, the suite would be too long"] if left_out else [])]
    return Added(
        kind="rows",
        of=net.content[node].id,
        runs=tuple(added),
        lower_bound=len(rows) - impossible,
        note="; ".join(said),
    )
