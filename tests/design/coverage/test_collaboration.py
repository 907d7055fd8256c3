"""Scenarios across pools: a message is sent before it is awaited, the suite is small, and what fits nobody is named."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage.collaboration import (
    CollaborationScenario,
    CollaborationSuite,
    collaborations_of,
    compose_collaboration,
)
from orchestra_kit.design.coverage.message_order import Messages, Sources, interleave, run_of
from orchestra_kit.model.process import ControlFlowGraph

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def read(processes: str, *messages: tuple[str, str, str]) -> ControlFlowGraph:
    flows = "".join(
        f'<messageFlow id="{name}" sourceRef="{source}" targetRef="{target}"/>' for name, source, target in messages
    )
    text = f'<definitions xmlns="{MODEL}"><collaboration id="k">{flows}</collaboration>{processes}</definitions>'
    return read_bpmn(text.encode(), source="x").graph


def chain(process: str, *nodes: str) -> str:
    """A process of nodes in a row: `start`, `end`, `send:x`, `get:x` or `do:x`; ids begin with the process's name."""
    ids, body = [], ""
    for place, node in enumerate(nodes):
        kind, _, name = node.partition(":")
        tag = {"start": "startEvent", "end": "endEvent", "send": "sendTask", "get": "receiveTask", "do": "serviceTask"}[
            kind
        ]
        ids.append(f"{process}_{name or kind}{'' if name else place}")
        body += f'<{tag} id="{ids[-1]}"/>'
    body += "".join(
        f'<sequenceFlow id="{process}_{place}" sourceRef="{ids[place]}" targetRef="{ids[place + 1]}"/>'
        for place in range(len(ids) - 1)
    )
    return f'<process id="{process}">{body}</process>'


def choice(process: str, kind: str) -> str:
    """A process that sends (or gets) either `yes` or `no`, in two branches."""
    return (
        f'<process id="{process}"><startEvent id="{process}_s"/><exclusiveGateway id="{process}_g"/>'
        f'<{kind} id="{process}_yes"/><{kind} id="{process}_no"/><endEvent id="{process}_e"/>'
        f'<sequenceFlow id="{process}_1" sourceRef="{process}_s" targetRef="{process}_g"/>'
        f'<sequenceFlow id="{process}_2" sourceRef="{process}_g" targetRef="{process}_yes"/>'
        f'<sequenceFlow id="{process}_3" sourceRef="{process}_g" targetRef="{process}_no"/>'
        f'<sequenceFlow id="{process}_4" sourceRef="{process}_yes" targetRef="{process}_e"/>'
        f'<sequenceFlow id="{process}_5" sourceRef="{process}_no" targetRef="{process}_e"/></process>'
    )


def suite_of(graph: ControlFlowGraph) -> CollaborationSuite:
    [group] = collaborations_of(graph)
    return compose_collaboration(graph, group)


def check_order(graph: ControlFlowGraph, scenario: CollaborationScenario) -> None:
    """Walk the order once, on its own: every awaited message must be in the box, or be told to come from outside.

    What is never left (no flow of it fires any more) waits in vain, and may. A task that sends and waits does the first when it begins; receivers wait before they go on. Within one run an order of
    plain sequence must be kept: a node stands after the node whose only way leads to it.
    """
    owner = {node.id: node.process_id for node in graph.nodes}
    kinds = {node.id: node.type.value for node in graph.nodes}
    strict = {"startEvent", "intermediateCatchEvent", "boundaryEvent", "receiveTask"}
    inner = [item for item in graph.message_flows if item.source in owner and item.target in owner]
    inner = [item for item in inner if owner[item.source] != owner[item.target]]
    outside = Counter(scenario.outside)
    leaving = {flow.source for flow in graph.flows}
    source_of = {flow.id: flow.source for flow in graph.flows}
    fired = Counter(source_of[name] for run in scenario.runs.values() for name in run.path)
    entered: Counter[str] = Counter()
    box: Counter[str] = Counter()
    owed: Counter[str] = Counter()
    for process, node in scenario.order:
        assert owner[node] == process
        awaited = [item.id for item in inner if item.target == node]
        entered[node] += 1
        waits_for_ever = node in leaving and entered[node] > fired[node]  # a terminate end takes its token
        if awaited and kinds[node] in strict and not waits_for_ever:
            found = next((name for name in awaited if box[name]), None) or next(
                (name for name in awaited if outside[name]), None
            )
            assert found is not None, (scenario.key, node)
            (box if box[found] else outside)[found] -= 1
        box.update(item.id for item in inner if item.source == node)
        if awaited and kinds[node] not in strict:
            owed[node] += 1
    for node, times in owed.items():  # a task that asks may be answered later: in the end the answers are there
        awaited = [item.id for item in inner if item.target == node]
        assert sum(box[name] + outside[name] for name in awaited) >= times, (scenario.key, node)
    for process, run in scenario.runs.items():
        assert Counter(name for owner_, name in scenario.order if owner_ == process) == Counter(run.visits)


def test_a_request_and_its_answer_are_one_scenario() -> None:
    graph = read(
        chain("a", "start", "send:ask", "get:answer", "end") + chain("b", "get:question", "do:think", "send:reply"),
        ("m1", "a_ask", "b_question"), ("m2", "b_reply", "a_answer"),
    )  # fmt: skip
    suite = suite_of(graph)
    assert (suite.size, suite.lower_bound, suite.alone) == (1, 1, ())
    [scenario] = suite.scenarios
    assert scenario.messages == ("m1", "m2")
    steps = [node for _, node in scenario.order]
    assert steps.index("a_ask") < steps.index("b_question") < steps.index("b_reply") < steps.index("a_answer")
    check_order(graph, scenario)


def test_branches_that_answer_each_other_are_paired() -> None:
    graph = read(choice("a", "sendTask") + choice("b", "receiveTask"), ("m1", "a_yes", "b_yes"), ("m2", "a_no", "b_no"))
    suite = suite_of(graph)
    assert (suite.size, suite.lower_bound) == (2, 2)
    for scenario in suite.scenarios:
        taken = {run.visits[2].rpartition("_")[2] for run in scenario.runs.values()}
        assert len(taken) == 1, "yes goes with yes"
        check_order(graph, scenario)


def test_a_circular_wait_fits_nobody_and_is_named() -> None:
    graph = read(
        chain("a", "start", "get:x", "send:y", "end") + chain("b", "start", "get:y", "send:x", "end"),
        ("m1", "a_y", "b_y"), ("m2", "b_x", "a_x"),
    )  # fmt: skip
    suite = suite_of(graph)
    assert [(process, why.split("'")[1]) for process, _, why in suite.alone] == [("a", "m2"), ("b", "m1")]
    assert suite.size == 2
    assert {scenario.outside for scenario in suite.scenarios} == {("m2",), ("m1",)}


def test_parallel_branches_may_wait_in_any_order() -> None:
    """The plan walks the waiting branch first; the message it waits for comes from the other branch's partner."""
    waits = (
        '<process id="a"><startEvent id="s"/><parallelGateway id="p"/><receiveTask id="r"/><sendTask id="t"/>'
        '<parallelGateway id="j"/><endEvent id="e"/><sequenceFlow id="1" sourceRef="s" targetRef="p"/>'
        '<sequenceFlow id="2" sourceRef="p" targetRef="r"/><sequenceFlow id="3" sourceRef="p" targetRef="t"/>'
        '<sequenceFlow id="4" sourceRef="r" targetRef="j"/><sequenceFlow id="5" sourceRef="t" targetRef="j"/>'
        '<sequenceFlow id="6" sourceRef="j" targetRef="e"/></process>'
    )
    graph = read(waits + chain("b", "get:q", "send:a", "end"), ("m1", "t", "b_q"), ("m2", "b_a", "r"))
    suite = suite_of(graph)
    assert (suite.size, suite.alone) == (1, ())
    steps = [node for _, node in suite.scenarios[0].order]
    assert steps.index("t") < steps.index("b_q") < steps.index("b_a") < steps.index("r") < steps.index("j")


def test_a_wait_that_is_never_left_needs_no_message() -> None:
    """A terminate end takes the token of a branch that waits once more: nobody has to send for it."""
    body = "".join(
        f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}"/>'
        for name, source, target in (("1", "s", "w"), ("2", "w", "w2"), ("3", "w2", "e"))
    )
    graph = read(
        f'<process id="a"><startEvent id="s"/><receiveTask id="w"/><receiveTask id="w2"/><endEvent id="e"/>{body}</process>'
        + chain("b", "start", "send:x", "end"),
        ("m1", "b_x", "w"), ("m2", "b_x", "w2"),
    )  # fmt: skip
    nodes = {node.id: node for node in graph.nodes}
    run = run_of("a", 0, ("s", "w", "w2"), nodes, Sources.of(graph))
    assert run.idle == {2}
    found = interleave([run], Messages.of(graph), nodes, ["b"])
    assert found.is_complete
    assert found.messages == ("m1",)


def test_messages_to_and_from_black_boxes_are_left_to_the_test() -> None:
    graph = read(chain("a", "start", "get:x", "end"), ("m", "pool", "a_x"))
    assert collaborations_of(graph) == ()


def test_processes_without_messages_are_no_collaboration() -> None:
    assert collaborations_of(read(chain("a", "start", "end") + chain("b", "start", "end"))) == ()


def test_a_merged_scenario_is_one_path_through_both_pools() -> None:
    graph = read(
        chain("a", "start", "send:ask", "get:answer", "end") + chain("b", "get:question", "send:reply"),
        ("m1", "a_ask", "b_question"), ("m2", "b_reply", "a_answer"),
    )  # fmt: skip
    suite = suite_of(graph)
    merged = suite.as_composed(graph, "a").scenarios[0]
    assert merged.visits == ("a_start0", "a_ask", "b_question", "b_reply", "a_answer", "a_end3")
    assert merged.path == ("a_0", "b_0", "a_1", "a_2") or set(merged.path) == {"a_0", "a_1", "a_2", "b_0"}


@pytest.mark.parametrize("criterion", ["flow", "decision"])
def test_every_real_collaboration_is_composed_and_its_messages_are_in_order(
    corpus_graphs: list[tuple[Path, ControlFlowGraph]], criterion: str
) -> None:
    seen = together = 0
    for path, graph in corpus_graphs:
        for group in collaborations_of(graph):
            suite = compose_collaboration(graph, group, criterion=criterion)
            seen += 1
            assert suite.lower_bound <= suite.size <= sum(item.size for item in suite.suites.values()), path.name
            covered: dict[str, set[str]] = defaultdict(set)
            for scenario in suite.scenarios[: suite.size]:
                for process, run in scenario.runs.items():
                    covered[process].add(run.key)
            for name, own in suite.suites.items():
                assert {item.key for item in own.scenarios[: own.size]} <= covered[name], path.name
            for scenario in suite.scenarios:
                check_order(graph, scenario)
                together += len(scenario.runs) > 1
    assert seen >= 30
    assert together >= 60
