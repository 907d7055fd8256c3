"""What the graph holds of each construct."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra_kit.design.bpmn import BpmnDocument, read_bpmn
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
MULTI = "multiInstanceLoopCharacteristics"
VENDORED = Path(__file__).parents[2] / "data" / "bpmn"


def read(content: str, *, outside: str = "", attributes: str = "") -> BpmnDocument:
    text = (
        f'<definitions xmlns="{MODEL}" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
        f'xmlns:z="http://camunda.org/schema/zeebe/1.0" xmlns:o="http://orchestra-kit.dev/bpmn" {attributes}>'
        f'<process id="p">{content}</process>{outside}</definitions>'
    )
    return read_bpmn(text.encode(), source="x.bpmn")


def node(graph: ControlFlowGraph, identifier: str) -> FlowNode:
    return next(item for item in graph.nodes if item.id == identifier)


def test_every_flow_node_type_is_read() -> None:
    content = "".join(f'<{kind.value} id="n{index}"/>' for index, kind in enumerate(NodeType))
    graph = read(content).graph
    assert [item.type for item in graph.nodes] == list(NodeType)


def test_nested_content_knows_its_container_and_process() -> None:
    graph = read('<subProcess id="a"><transaction id="b"><task id="c"/></transaction></subProcess>').graph
    assert [(item.id, item.container, item.process_id) for item in graph.nodes] == [
        ("a", "p", "p"), ("b", "a", "p"), ("c", "b", "p"),
    ]  # fmt: skip
    assert graph.processes[0].nodes == 3


def test_flow_before_its_nodes_default_and_condition() -> None:
    graph = read(
        '<sequenceFlow id="f" sourceRef="g" targetRef="t"/>'
        '<sequenceFlow id="h" sourceRef="g" targetRef="t"><conditionExpression language="JUEL"> ${x} '
        "</conditionExpression></sequenceFlow>"
        '<exclusiveGateway id="g" default="f"/><task id="t"/>',
        attributes='expressionLanguage="http://www.w3.org/1999/XPath"',
    ).graph
    first, second = graph.flows
    assert first.is_default and not second.is_default
    assert second.condition is not None
    assert (second.condition.text, second.condition.language) == ("${x}", "JUEL")


def test_boundary_event_and_event_sub_process() -> None:
    graph = read(
        '<task id="t"/><boundaryEvent id="b" attachedToRef="t" cancelActivity="false"><timerEventDefinition>'
        "<timeDuration>PT1S</timeDuration></timerEventDefinition></boundaryEvent>"
        '<subProcess id="e" triggeredByEvent="true"><startEvent id="s"><messageEventDefinition messageRef="m"/>'
        "</startEvent></subProcess>",
        outside='<message id="m" name="order placed"/>',
    ).graph
    boundary = node(graph, "b")
    assert (boundary.attached_to, boundary.cancel_activity, boundary.event_definitions) == ("t", False, ("timer",))
    assert boundary.extensions["eventDefinitions"] == [{"type": "timer", "timeDuration": "PT1S"}]
    assert node(graph, "e").triggered_by_event
    assert node(graph, "s").extensions["eventDefinitions"][0]["name"] == "order placed"


@pytest.mark.parametrize(
    "written,kind,times",
    [
        ("<standardLoopCharacteristics loopMaximum='3'/>", "standard", 3),
        (f"<{MULTI} isSequential='true'><loopCardinality>2</loopCardinality></{MULTI}>", "sequential", 2),
        (f"<{MULTI}><loopCardinality>${{n}}</loopCardinality></{MULTI}>", "parallel", None),
    ],
)  # fmt: skip
def test_loop_characteristics(written: str, kind: str, times: int | None) -> None:
    loop = node(read(f'<task id="t">{written}</task>').graph, "t").loop
    assert loop is not None
    assert (loop.kind, loop.max_loop_iterations) == (kind, times)


def test_extensions_have_one_name_whatever_the_prefix() -> None:
    graph = read(
        '<serviceTask id="t" o:operation="stock.reserve" camunda:topic="reserve" camunda:type="external">'
        '<extensionElements><z:taskDefinition type="pay" retries="3"/><z:taskHeaders><z:header key="a" value="1"/>'
        '<z:header key="b" value="2"/></z:taskHeaders><camunda:connector><camunda:connectorId>http</camunda:connectorId>'
        "</camunda:connector></extensionElements></serviceTask>"
    ).graph
    assert node(graph, "t").extensions == {
        "orchestra:operation": "stock.reserve",
        "camunda:topic": "reserve",
        "camunda:type": "external",
        "zeebe:taskDefinition": {"type": "pay", "retries": "3"},
        "zeebe:taskHeaders": {"a": "1", "b": "2"},
        "camunda:connector": {"connectorId": "http"},
    }


def test_lanes_participants_messages_and_artifacts() -> None:
    document = read(
        '<laneSet><lane id="l1" name="Shop"><flowNodeRef>t</flowNodeRef><childLaneSet><lane id="l2">'
        "<flowNodeRef>t</flowNodeRef></lane></childLaneSet></lane></laneSet>"
        '<task id="t"><dataInputAssociation id="da"><sourceRef>d</sourceRef></dataInputAssociation></task>'
        '<dataObjectReference id="d" dataObjectRef="do"/><dataObject id="do" name="Order"/>'
        '<textAnnotation id="n"><text>mind</text></textAnnotation><association id="as" sourceRef="n" targetRef="t"/>',
        outside='<collaboration id="c"><participant id="pa" name="Us" processRef="p"/><participant id="pb"/>'
        '<messageFlow id="m" name="order" sourceRef="pb" targetRef="t"/></collaboration>',
    )
    graph = document.graph
    assert document.diagnostics == ()
    assert [(lane.id, lane.parent_id, lane.node_ids) for lane in graph.lanes] == [
        ("l1", None, ("t",)),
        ("l2", "l1", ("t",)),
    ]
    assert node(graph, "t").lane_id == "l2"
    assert [(item.id, item.process_id) for item in graph.participants] == [("pa", "p"), ("pb", None)]
    assert graph.message_flows[0].target == "t"
    assert [(item.type, item.text) for item in graph.artifacts] == [
        ("dataObjectReference", "Order"),
        ("textAnnotation", "mind"),
    ]
    assert {(item.source, item.target) for item in graph.associations} == {("d", "t"), ("n", "t")}


def test_diagram_interchange_of_a_real_file() -> None:
    graph = read_bpmn((VENDORED / "order-handling.bpmn").read_bytes(), source="order-handling").graph
    ids = {item.id for item in (*graph.nodes, *graph.flows)}
    assert {shape.element_id for shape in graph.diagram.shapes} <= ids
    assert {edge.element_id for edge in graph.diagram.edges} <= ids
    assert all(len(edge.waypoints) >= 2 for edge in graph.diagram.edges)


def test_qualified_references_are_resolved() -> None:
    graph = read(
        '<task id="t"/>',
        outside='<collaboration id="c"><participant id="pa" processRef="tns:p"/></collaboration>',
        attributes='xmlns:tns="urn:t"',
    ).graph
    assert graph.participants[0].process_id == "p"


def test_missing_ids_are_made_up_once_each() -> None:
    document = read('<task/><task/><sequenceFlow sourceRef="a" targetRef="b"/>')
    assert len({item.id for item in document.graph.nodes}) == 2
    assert [item.code for item in document.diagnostics].count("MISSING_ID") == 3


def test_what_stands_in_extension_elements_is_named_and_does_not_count() -> None:
    document = read(
        '<extensionElements><task id="kept"/><x:y xmlns:x="urn:x">'
        '<sequenceFlow id="theirs" sourceRef="a" targetRef="kept"/></x:y></extensionElements><task id="a"/><task id="b"/>'
    )
    assert [node.id for node in document.graph.nodes] == ["a", "b"]
    assert (document.graph.flows, document.graph.processes[0].nodes) == ((), 2)
    misplaced = [item for item in document.diagnostics if item.code == "MISPLACED_ELEMENT"]
    assert [item.element_id for item in misplaced] == ["kept", "theirs"]
    assert all(item.message.endswith("it was left out.") for item in misplaced)


def test_misplaced_nodes_and_flows_count() -> None:
    document = read('<task id="a"><task id="b"/><sequenceFlow id="f" sourceRef="a" targetRef="b"/></task>',
                    outside='<task id="c"/>')  # fmt: skip
    assert (len(document.graph.nodes), len(document.graph.flows)) == (3, 1)
    assert [item.code for item in document.diagnostics].count("MISPLACED_ELEMENT") == 3
