"""Calls between processes: found in the same file and in others, opened in place, bounded, and named where they cannot be."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import compose
from orchestra_kit.design.process_set import MAX_NODES, open_calls
from orchestra_kit.model import NodeType
from orchestra_kit.model.process import ControlFlowGraph

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def read(body: str) -> ControlFlowGraph:
    text = f'<definitions xmlns="{MODEL}" xmlns:z="http://camunda.org/schema/zeebe/1.0">{body}</definitions>'
    return read_bpmn(text.encode(), source="x").graph


def caller(name: str, *called: str) -> str:
    """A process that calls others one after the other."""
    steps = [f"{name}_s", *(f"{name}_c{number}" for number in range(len(called))), f"{name}_e"]
    calls = "".join(
        f'<callActivity id="{name}_c{number}" calledElement="{item}"/>' for number, item in enumerate(called)
    )
    flows = "".join(
        f'<sequenceFlow id="{name}_f{number}" sourceRef="{source}" targetRef="{target}"/>'
        for number, (source, target) in enumerate(pairwise(steps))
    )
    return f'<process id="{name}"><startEvent id="{steps[0]}"/>{calls}<endEvent id="{steps[-1]}"/>{flows}</process>'


CHOICE = (
    '<process id="pay"><startEvent id="in"/><exclusiveGateway id="by"/><task id="card"/><task id="bill"/><endEvent id="out"/>'
    '<sequenceFlow id="p1" sourceRef="in" targetRef="by"/><sequenceFlow id="p2" sourceRef="by" targetRef="card"/>'
    '<sequenceFlow id="p3" sourceRef="by" targetRef="bill"/><sequenceFlow id="p4" sourceRef="card" targetRef="out"/>'
    '<sequenceFlow id="p5" sourceRef="bill" targetRef="out"/></process>'
)


def test_a_called_process_of_the_same_file_is_walked_in_place_under_its_own_ids() -> None:
    found = open_calls(read(caller("shop", "pay") + CHOICE))
    assert [(item.called, item.why) for item in found.calls] == [("pay", "")]
    assert found.riders == ("pay",)
    assert [item.id for item in found.graph.processes] == ["shop"]
    opened = {node.id: node for node in found.graph.nodes}
    assert opened["shop_c0"].type is NodeType.SUB_PROCESS
    assert (opened["card"].container, opened["card"].process_id) == ("shop_c0", "shop")
    suite = compose(found.graph, "shop")
    assert (suite.size, suite.lower_bound) == (2, 2)
    assert {"shop_f0", "p1", "p2", "p4", "shop_f1"} == set(suite.scenarios[0].path) or {"p3"} <= set(
        suite.scenarios[0].path
    )


def test_a_process_called_twice_is_told_apart_by_the_way_of_calls() -> None:
    found = open_calls(read(caller("shop", "pay", "pay") + CHOICE))
    ids = [node.id for node in found.graph.nodes]
    assert len(ids) == len(set(ids))
    assert {"shop_c0/card", "shop_c1/card"} <= set(ids)
    assert found.origins["shop_c1/p3"] == "p3"
    suite = compose(found.graph, "shop")
    assert suite.size == suite.lower_bound == 2, "both calls take both branches in two runs"
    assert open_calls(read(caller("shop", "pay", "pay") + CHOICE)) == found, "the same ids every time"


def test_calls_across_files_and_ids_that_clash() -> None:
    main = read(caller("shop", "o:pay", "ship"))
    ship = read('<process id="ship"><startEvent id="in"/><endEvent id="shop_e"/>'
                '<sequenceFlow id="x" sourceRef="in" targetRef="shop_e"/></process>')  # fmt: skip
    found = open_calls(main, {"pay.bpmn": read(CHOICE), "ship.bpmn": ship})
    assert [(item.called, item.file) for item in found.calls] == [("pay", "pay.bpmn"), ("ship", "ship.bpmn")]
    ids = {node.id for node in found.graph.nodes}
    assert {"card", "shop_e", "shop_c1/shop_e", "shop_c0/in", "shop_c1/in"} <= ids
    assert compose(found.graph, "shop").size == 2


def test_zeebe_calls_are_found_by_process_id() -> None:
    graph = read('<process id="a"><callActivity id="c"><extensionElements><z:calledElement processId="pay"/>'
                 f"</extensionElements></callActivity></process>{CHOICE}")  # fmt: skip
    assert [(item.called, item.why) for item in open_calls(graph).calls] == [("pay", "")]


def test_recursion_is_walked_once_and_named() -> None:
    found = open_calls(read(caller("a", "b") + caller("b", "a")))
    assert [item.id for item in found.graph.processes] == ["a"]
    assert [(item.element_id, item.why) for item in found.unresolved] == [
        ("a_c0/b_c0", "it calls itself again (a → b → a); walked as one step")
    ]
    own = open_calls(read(caller("a", "a")))
    assert own.unresolved[0].why.startswith("it calls itself again (a → a)")
    assert compose(own.graph, "a").size == 1


def test_what_cannot_be_opened_is_named_and_stays_one_step() -> None:
    body = caller("a", "gone", "${later}", "g", "empty") + '<globalTask id="g"/><process id="empty"/>'
    found = open_calls(read(body))
    assert {item.called: item.why for item in found.calls} == {
        "gone": "the process 'gone' is in no file given",
        "${later}": "what it calls is told only at run time (${later})",
        "g": "",
        "empty": "the process 'empty' is empty",
    }
    assert all(node.type is not NodeType.SUB_PROCESS for node in found.graph.nodes)


def test_calls_that_multiply_are_bounded() -> None:
    """Each of twelve processes calls the next one twelve times: all of it would be more steps than anyone can walk."""
    body = "".join(caller(f"l{number}", *([f"l{number + 1}"] * 12)) for number in range(12))
    found = open_calls(read(body))
    assert len(found.graph.nodes) <= MAX_NODES + 100
    assert any("would have to be walked" in item.why for item in found.unresolved)


def test_one_process_alone_is_kept_with_what_it_calls() -> None:
    found = open_calls(read(caller("shop", "pay") + CHOICE + caller("other", "pay")), process_id="other")
    assert {node.process_id for node in found.graph.nodes} == {"other"}
    assert "card" in {node.id for node in found.graph.nodes}


def test_every_real_file_is_opened_without_losing_an_element(
    corpus_graphs: list[tuple[Path, ControlFlowGraph]],
) -> None:
    opened = 0
    for path, graph in corpus_graphs:
        found = open_calls(graph)
        own = {item.id for item in (*graph.nodes, *graph.flows)}
        kept = {found.origins.get(item.id, item.id) for item in (*found.graph.nodes, *found.graph.flows)}
        assert kept == own, path.name
        if not found.calls:
            assert len(found.graph.nodes) == len(graph.nodes), path.name
        opened += len(found.calls) - len(found.unresolved)
    assert opened >= 25
