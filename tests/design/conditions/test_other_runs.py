"""The search for other runs: what it finds are runs by the independent token player, and it finds what there is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from branching_service import KEYS, PROCESSES, every_run
from judged_processes import graph_of
from token_player import judge_composed, model_of_graph, read_bpmn

from orchestra_kit.design.bpmn import read_bpmn as read_graph
from orchestra_kit.design.conditions.runs import Run
from orchestra_kit.design.conditions.walking import RunFinder

CORPUS = Path(os.environ.get("ORCHESTRA_CORPUS", Path(__file__).parents[3] / "../shared/data")) / "bpmn"


def _anything(run: Run) -> bool:
    return True


@pytest.mark.parametrize("key", KEYS)
def test_every_flow_of_a_sound_process_has_a_run_that_the_token_player_accepts(key: str) -> None:
    graph = graph_of(key)
    finder = RunFinder(graph, graph.processes[0].id, max_loop=2)
    model = read_bpmn((PROCESSES / f"{key}.bpmn").read_bytes())
    for flow in graph.flows:
        run = finder.find(flow.id, feasible=_anything, limit=200).run
        assert run is not None and flow.id in run.path
        assert judge_composed(model, graph.processes[0].id, run.path, run.provokes) is None


@pytest.mark.parametrize("key", KEYS)
def test_the_search_keeps_to_runs_that_are_accepted_and_proves_when_there_are_none(key: str) -> None:
    graph = graph_of(key)
    finder = RunFinder(graph, graph.processes[0].id, max_loop=2)
    possible = set(every_run(key))
    prefixes = {path[:count] for path in possible for count in range(len(path) + 1)}
    for flow in graph.flows:
        search = finder.find(flow.id, feasible=lambda run: run.path in prefixes, limit=500)
        taken = [path for path in possible if flow.id in path]
        assert (search.run is not None) == bool(taken)
        assert search.run is None or search.run.path in possible
        if search.run is None:
            loops = any(path.count(item) > 1 for path in possible for item in path)
            assert search.exhausted or loops


def test_a_flow_can_be_asked_for_several_times() -> None:
    finder = RunFinder(graph_of("feel-poll"), "feel_poll", max_loop=2)
    run = finder.find("again", times=2, feasible=_anything, limit=100).run
    assert run is not None and run.path.count("again") == 2


def test_parallel_branches_are_followed_by_a_barrier_at_their_join() -> None:
    finder = RunFinder(graph_of("juel-parallel"), "juel_parallel", max_loop=2)
    run = finder.find("l_high", feasible=_anything, limit=100).run
    assert run is not None
    (barrier,) = run.barriers
    assert run.visits[barrier.at] == barrier.join == "p2"
    assert run.visits[barrier.since] == "x1"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of process files is not here (ORCHESTRA_CORPUS)")
def test_runs_found_in_the_corpus_are_accepted() -> None:
    refused: list[str] = []
    found = 0
    for path in sorted(CORPUS.rglob("*.bpmn")):
        graph = read_graph(path.read_bytes(), source=path.name).graph
        if len(graph.flows) > 60:
            continue
        model = model_of_graph(graph)
        for process in graph.processes:
            flows = [flow.id for flow in graph.flows if flow.process_id == process.id]
            finder = RunFinder(graph, process.id, max_loop=2) if flows else None
            for flow in flows[::3]:
                if finder is None or not finder.knows(flow):
                    continue
                run = finder.find(flow, feasible=_anything, limit=100).run
                if run is not None:
                    found += 1
                    wrong = judge_composed(model, process.id, run.path, run.provokes)
                    refused += [f"{path.name}: {flow}: {wrong}"] if wrong else []
    assert found >= 300
    assert len(refused) <= found // 200, refused
