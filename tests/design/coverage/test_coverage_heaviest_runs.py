"""Large processes with elements in many contexts: few runs cover them, and the bound is close."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from token_player import judge_container, model_of_graph

from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.design.coverage.set_cover import largest_conflict, together_in
from orchestra_kit.model.process import ControlFlowGraph

Read = Callable[[str], ControlFlowGraph]


def blocks_with_ends_inside(count: int) -> str:
    """Inclusive blocks in a row; one branch of each chooses of three ways, and a second may end inside the block."""
    parts, before = ['<startEvent id="s"/><endEvent id="e"/>'], "s"
    pairs: list[tuple[str, str]] = []
    for block in range(count):
        parts.append(
            f'<inclusiveGateway id="o{block}"/><inclusiveGateway id="j{block}"/><endEvent id="i{block}"/>'
            f'<exclusiveGateway id="x{block}"/><exclusiveGateway id="y{block}"/><exclusiveGateway id="m{block}"/>'
        )
        pairs += [(before, f"o{block}"), (f"o{block}", f"x{block}"), (f"o{block}", f"y{block}")]
        pairs += [(f"x{block}", f"m{block}")] * 3
        pairs += [(f"m{block}", f"j{block}"), (f"y{block}", f"j{block}"), (f"y{block}", f"i{block}")]
        before = f"j{block}"
    pairs.append((before, "e"))
    return "".join(
        [*parts] + [f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(pairs)]
    )


class Nest:
    """Inclusive and exclusive blocks in one another, some inclusive branches of which end inside."""

    def __init__(self, seed: int, flows: int) -> None:
        self._chance, self._parts, self._pairs = random.Random(seed), [], list[tuple[str, str]]()
        before = self._add("startEvent")
        while len(self._pairs) < flows:
            first, last = self._block(4)
            self._pairs.append((before, first))
            before = last
        self._pairs.append((before, self._add("endEvent")))

    def _add(self, kind: str) -> str:
        name = f"n{len(self._parts)}"
        self._parts.append(f'<{kind} id="{name}"/>')
        return name

    def _block(self, depth: int) -> tuple[str, str]:
        kind = self._chance.choice(["task", "exclusiveGateway", "inclusiveGateway", "inclusiveGateway"])
        if kind == "task" or not depth:
            task = self._add("task")
            return task, task
        split, join = self._add(kind), self._add(kind)
        for branch in range(3):
            first, last = self._block(depth - 1)
            self._pairs.append((split, first))
            self._pairs.append((last, self._add("endEvent") if branch and self._chance.random() < 0.2 else join))
        return split, join

    def text(self) -> str:
        flows = (f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(self._pairs))
        return "".join([*self._parts, *flows])


@pytest.mark.parametrize("seed", range(6))
def test_gap_is_small_where_inclusive_branches_end_inside(bpmn: Read, seed: int) -> None:
    graph = bpmn(Nest(seed, 350).text())
    box = plan_suite(graph, max_loop=0).containers[0]
    assert box.lower_bound <= box.size <= 1 + box.lower_bound * 4 // 3
    model = model_of_graph(graph)
    assert [said for run in box.scenarios if (said := judge_container(model, box.container, run.path))] == []


@pytest.mark.parametrize("blocks", [3, 30, 90])
def test_three_runs_are_enough_however_many_blocks_follow_each_other(bpmn: Read, blocks: int) -> None:
    graph = bpmn(blocks_with_ends_inside(blocks))
    box = plan_suite(graph, max_loop=0).containers[0]
    assert (box.size, box.lower_bound, box.unreachable) == (3, 3, ())
    model = model_of_graph(graph)
    assert [said for run in box.scenarios if (said := judge_container(model, box.container, run.path))] == []


def test_conflict_is_found_among_sets_that_overlap() -> None:
    assert largest_conflict(together_in([0b0011, 0b0110, 0b1000], 4), 3) == [0, 2, 3]
