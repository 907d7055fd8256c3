"""The plan is the smallest there is: against brute force, and by a proof that other code checks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import plan_suite

Make = Callable[..., bytes]
CRITERIA = ("flow", "node", "decision")


@pytest.mark.parametrize("criterion", CRITERIA)
def test_brute_force_over_token_runs_agrees_on_tiny_graphs(
    shapes: ModuleType, brute: ModuleType, checker: ModuleType, criterion: str
) -> None:
    sizes: dict[int, int] = {}
    uncertain = 0
    for seed in range(1000):
        data = shapes.tiny(seed)
        graph = read_bpmn(data, source="x").graph
        plan = plan_suite(graph, criterion=criterion, max_loop=0)
        size, coverable = brute.fewest_runs(graph, criterion)
        assert plan.containers[0].size == size, seed
        assert plan.size == plan.lower_bound == size, seed
        lost = {item for item, _ in plan.containers[0].unreachable}
        assert lost == {item.id for item in (*graph.nodes, *graph.flows)} - coverable, seed
        try:
            checker.check(plan.to_json("x"), data)
        except AssertionError:
            uncertain += 1  # one run passes the same choice several times, or dead joins hide what excludes what
        sizes[size] = sizes.get(size, 0) + 1
    assert uncertain < 20
    assert len(sizes) >= 4, "the graphs must be of some variety"


@pytest.mark.parametrize("criterion", CRITERIA)
def test_size_is_the_bound_on_graphs_of_blocks(shapes: ModuleType, checker: ModuleType, criterion: str) -> None:
    smaller = 0
    for seed in range(340):
        data = shapes.blocks(seed, 4 + seed % 40)
        plan = plan_suite(read_bpmn(data, source="x").graph, criterion=criterion, max_loop=1)
        checker.check(plan.to_json("x"), data)
        assert plan.gap == 0
        smaller += plan.containers[0].size < plan.containers[0].size_sequential
    assert smaller > 100, "branches that run together must make a difference"


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    nodes=st.integers(5, 40),
    density=st.floats(0.8, 2.5),
    criterion=st.sampled_from(CRITERIA),
)
def test_certificate_holds_on_graphs_of_any_shape(
    make_random: Make, checker: ModuleType, seed: int, nodes: int, density: float, criterion: str
) -> None:
    data = make_random(seed, nodes=nodes, edges=int(nodes * density))
    plan = plan_suite(read_bpmn(data, source="x").graph, criterion=criterion)
    checker.check(plan.to_json("x"), data)
    assert plan.gap == 0


def test_checker_refuses_what_is_not_proven(make_random: Make, checker: ModuleType) -> None:
    data = make_random(8, nodes=12, edges=24)
    good = plan_suite(read_bpmn(data, source="x").graph).to_json("x")
    box = good["containers"][0]
    assert box["size"] > 2
    fewer = {**box, "scenarios": box["scenarios"][1:], "size": box["size"] - 1}
    more = {**box, "scenarios": [*box["scenarios"], box["scenarios"][0]], "size": box["size"] + 1}
    comparable = {**box, "certificate": [*box["certificate"][1:], box["scenarios"][0]["path"][0]]}
    unproven = {**box, "certificate": box["certificate"][1:]}
    for wrong in (fewer, more, comparable, unproven):
        with pytest.raises((AssertionError, KeyError)):
            checker.check({"containers": [wrong]}, data)


def test_checker_is_short_and_independent() -> None:
    from pathlib import Path

    text = Path(__file__).with_name("certificate_checker.py").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) < 60
    assert "orchestra_kit" not in text
