"""Where not every run was looked at, no bound is claimed that a run not looked at could break."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestra_kit.design.coverage.demands import Demands
from orchestra_kit.design.coverage.spreading import cover_anywhere
from orchestra_kit.design.coverage.walk_graph import Edge, EdgeKind, WalkGraph


@pytest.mark.parametrize(("cut_short", "bound"), [(False, 2), (True, 1)])
def test_bound_is_one_where_runs_were_left_out(cut_short: bool, bound: int) -> None:
    edges = [
        Edge(index=index, kind=EdgeKind.FLOW, id=name, source=0, target=1, fires=(name,))
        for index, name in enumerate(("left", "right"))
    ]
    whole = WalkGraph(node_ids=["s", "e"], edges=edges, starts=[0], ends=[1])
    graph = replace(whole, cut_short=cut_short).restrict(lambda _: True)
    found = cover_anywhere(graph, Demands(edges={0: 1, 1: 1}, nodes={}))
    assert (len(found.walks), found.lower_bound, len(found.certificate)) == (2, bound, bound)
