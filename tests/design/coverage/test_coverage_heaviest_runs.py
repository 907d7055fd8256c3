"""Large processes with elements in many contexts: few runs cover them, and the bound is close."""

from __future__ import annotations

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


@pytest.mark.parametrize("blocks", [3, 30, 90])
def test_three_runs_are_enough_however_many_blocks_follow_each_other(bpmn: Read, blocks: int) -> None:
    graph = bpmn(blocks_with_ends_inside(blocks))
    box = plan_suite(graph, max_loop=0).containers[0]
    assert (box.size, box.lower_bound, box.unreachable) == (3, 3, ())
    model = model_of_graph(graph)
    assert [said for run in box.scenarios if (said := judge_container(model, box.container, run.path))] == []


def test_conflict_is_found_among_sets_that_overlap() -> None:
    assert largest_conflict(together_in([0b0011, 0b0110, 0b1000], 4), 3) == [0, 2, 3]
