"""Every scenario, of the cover and on top of it, is a run for a token player that shares no code with the planner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest
from token_player import judge_composed, judge_container, model_of_graph

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import compose, plan_suite
from orchestra_kit.model.process import ControlFlowGraph

CRITERIA = ("flow", "node", "decision")


def against(kind: str, said: str | None) -> str | None:
    """What is wrong with a run: nothing may be, but that one of a deadlock ends with tokens before joins."""
    if kind != "deadlock":
        return said
    stuck = said is not None and said.startswith("after the last flow") and "stays before" in said
    return None if stuck else said or "it comes to an end"


def play(graph: ControlFlowGraph, criterion: str) -> tuple[Counter[str], list[str]]:
    """How many scenarios of each kind there are, and what the player says against any."""
    model = model_of_graph(graph)
    for node in model.nodes.values():
        node.link = " ".join(node.link.split())  # some tools break the names of links into lines
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for plan in plan_suite(graph, criterion=criterion).containers:
        groups = [("cover", plan.scenarios), *((item.kind, item.scenarios) for item in plan.additions)]
        for kind, scenario in ((kind, item) for kind, items in groups for item in items):
            counts[kind] += 1
            said = against(kind, judge_container(model, plan.container, scenario.path, scenario.provokes))
            wrong += [f"{plan.container} {kind} {scenario.key}: {said}"] if said else []
    for process in graph.processes:
        for run in compose(graph, process.id, criterion=criterion).scenarios:
            counts[f"composed {run.kind}"] += 1
            said = against(run.kind, judge_composed(model, process.id, run.path, run.provokes))
            wrong += [f"{process.id} composed {run.kind} {run.key}: {said}"] if said else []
    return counts, wrong


def play_files(files: Iterable[Path], criterion: str) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for path in files:
        graph = read_bpmn(path.read_bytes(), source=path.name).graph
        if len({node.id for node in graph.nodes}) == len(graph.nodes):
            found = play(graph, criterion)
            counts += found[0]
            wrong += [f"{path.name} {item}" for item in found[1]]
    return counts, wrong


@pytest.mark.parametrize("criterion", CRITERIA)
def test_vendored_scenarios_are_runs(vendored: list[Path], criterion: str) -> None:
    counts, wrong = play_files(vendored, criterion)
    assert wrong == []
    assert counts["cover"] > 15


@pytest.mark.parametrize("criterion", CRITERIA)
def test_corpus_scenarios_are_runs(corpus: list[Path], criterion: str) -> None:
    counts, wrong = play_files(corpus, criterion)
    assert wrong == []
    assert {"cover", "boundary", "loop", "rows", "instances", "composed cover", "composed eventSubProcess"} <= set(
        counts
    )


def test_scenarios_of_random_processes_are_runs(shapes: ModuleType, make_random: Callable[..., bytes]) -> None:
    counts: Counter[str] = Counter()
    for seed in range(300):
        for data in (
            shapes.tiny(seed),
            shapes.blocks(seed, 4 + seed % 25),
            make_random(seed, nodes=4, edges=7, depth=2),
        ):
            found, wrong = play(read_bpmn(data, source="x").graph, CRITERIA[seed % 3])
            assert wrong == [], seed
            counts += found
    assert counts["rows"] > 100
