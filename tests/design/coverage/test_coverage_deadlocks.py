"""Runs that never end are shown apart: what the process does up to the join that waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import token_player

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import Addition, ContainerPlan, compose, plan_suite
from orchestra_kit.model import ControlFlowGraph

Bpmn = Callable[[str], ControlFlowGraph]


def flow(name: str, source: str, target: str) -> str:
    return f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}"/>'


EXCLUSIVE_INTO_JOIN = (
    '<startEvent id="s"/><exclusiveGateway id="x"/><task id="a"/><task id="b"/><parallelGateway id="j"/><endEvent id="e"/>'
    + flow("in", "s", "x") + flow("xa", "x", "a") + flow("xb", "x", "b")
    + flow("aj", "a", "j") + flow("bj", "b", "j") + flow("out", "j", "e")
)  # fmt: skip


def deadlocks(plan: ContainerPlan) -> list[Addition]:
    return [item for item in plan.additions if item.kind == "deadlock"]


def test_a_process_that_never_ends_shows_what_it_does_until_then(bpmn: Bpmn) -> None:
    graph = bpmn(EXCLUSIVE_INTO_JOIN)
    (plan,) = plan_suite(graph).containers
    assert (plan.size, plan.lower_bound) == (0, 0)
    (found,) = deadlocks(plan)
    assert (found.of, found.lower_bound) == ("j", 2)
    assert sorted(item.path for item in found.scenarios) == [("in", "xa", "aj"), ("in", "xb", "bj")]
    assert "never end" in found.note and "out" in dict(plan.unreachable)
    composed = compose(graph, "p")
    assert (composed.size, [item.kind for item in composed.scenarios]) == (0, ["deadlock", "deadlock"])


def test_only_what_no_complete_run_shows_is_looked_for(bpmn: Bpmn) -> None:
    """With a way past the join, the flows into it are all that is left for runs that never end."""
    graph = bpmn(EXCLUSIVE_INTO_JOIN + flow("past", "x", "e"))
    (plan,) = plan_suite(graph).containers
    assert [item.path for item in plan.scenarios] == [("in", "past")]
    assert len(deadlocks(plan)[0].scenarios) == 2
    assert [item.kind for item in compose(graph, "p").scenarios] == ["cover", "deadlock", "deadlock"]


def test_a_process_that_ends_has_none(bpmn: Bpmn) -> None:
    (plan,) = plan_suite(bpmn(EXCLUSIVE_INTO_JOIN.replace("parallelGateway", "exclusiveGateway"))).containers
    assert deadlocks(plan) == [] and plan.size == 2


def test_a_sub_process_that_never_ends_adds_no_scenario_to_its_process(bpmn: Bpmn) -> None:
    inner = EXCLUSIVE_INTO_JOIN.replace('id="', 'id="i').replace('Ref="', 'Ref="i')
    content = f'<startEvent id="s"/><subProcess id="sub">{inner}</subProcess><endEvent id="e"/>'
    graph = bpmn(content + flow("in", "s", "sub") + flow("out", "sub", "e"))
    assert "deadlock" not in {item.kind for item in compose(graph, "p").scenarios}


@pytest.mark.parametrize("criterion", ["node", "flow", "decision"])
def test_corpus_deadlocks_are_firing_sequences_that_leave_tokens(corpus: list[Path], criterion: str) -> None:
    """The player has nothing against any of their flows, but for the tokens that are left."""
    seen = 0
    for path in corpus:
        graph = read_bpmn(path.read_bytes(), source=path.name).graph
        if len({node.id for node in graph.nodes}) != len(graph.nodes):
            continue
        model = token_player.model_of_graph(graph)
        for plan in plan_suite(graph, criterion=criterion).containers:
            for addition in deadlocks(plan):
                for item in addition.scenarios:
                    said = token_player.judge_container(model, plan.container, item.path, item.provokes)
                    assert said is not None and said.startswith("after the last flow"), (path.name, said)
                    assert "stays before" in said
                    seen += 1
    assert seen > 5
