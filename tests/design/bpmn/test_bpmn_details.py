"""What the reader keeps beside nodes and flows: data, loops, messages, conditions, performers, vendors' words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.model.process import ControlFlowGraph, FlowNode

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPACES = (
    f'xmlns="{MODEL}" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:v="urn:vendor" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="urn:t"'
)


def read(content: str, outside: str = "") -> ControlFlowGraph:
    text = f'<definitions {SPACES}>{outside}<process id="p">{content}</process></definitions>'
    return read_bpmn(text.encode(), source="x").graph


def node(graph: ControlFlowGraph, identifier: str) -> FlowNode:
    return next(item for item in graph.nodes if item.id == identifier)


def test_data_of_a_task_is_told_by_name_and_joined_by_lines() -> None:
    graph = read(
        '<dataObject id="o" name="Order" isCollection="true" itemSubjectRef="i"/><dataObject id="alone" name="Alone"/>'
        '<dataStoreReference id="r" dataStoreRef="s"/><dataObjectReference id="d" dataObjectRef="alone">'
        '<dataState name="paid"/></dataObjectReference><serviceTask id="t"><ioSpecification>'
        '<dataInput id="di" name="Url"/><dataInput id="dj" name="order"/><dataOutput id="dp" name="answer"/>'
        "</ioSpecification><dataInputAssociation><targetRef>di</targetRef><assignment><from>http://shop/orders</from>"
        "<to>di</to></assignment></dataInputAssociation><dataInputAssociation><sourceRef>o</sourceRef><targetRef>dj"
        "</targetRef></dataInputAssociation><dataOutputAssociation id='w'><sourceRef>dp</sourceRef><targetRef>r"
        "</targetRef></dataOutputAssociation></serviceTask>",
        '<dataStore id="s" name="Stock"/><itemDefinition id="i" structureRef="OrderType"/>',
    )  # fmt: skip
    assert node(graph, "t").extensions["data"] == {
        "inputs": {"Url": "http://shop/orders", "order": "Order"},
        "outputs": {"answer": "r"},
    }
    assert {(item.kind, item.source, item.target) for item in graph.associations} == {
        ("dataInput", "o", "t"),
        ("dataOutput", "t", "r"),
    }
    artifacts = {item.id: item for item in graph.artifacts}
    assert set(artifacts) == {"o", "r", "d"}, "an object stands for itself only where no reference does"
    assert (artifacts["o"].is_collection, artifacts["o"].item) == (True, "OrderType")
    assert (artifacts["r"].text, artifacts["r"].refers_to) == ("Stock", "s")
    assert (artifacts["d"].text, artifacts["d"].state) == ("Alone", "paid")


def test_data_of_a_sub_process_is_joined_too() -> None:
    graph = read(
        '<dataObjectReference id="d" dataObjectRef="o"/><dataObject id="o"/><subProcess id="q"><dataInputAssociation id="a">'
        "<sourceRef>d</sourceRef><targetRef>x</targetRef></dataInputAssociation></subProcess>"
    )
    assert [(item.source, item.target) for item in graph.associations] == [("d", "q")]


def test_collections_of_every_vendor() -> None:
    multi = "multiInstanceLoopCharacteristics"
    graph = read(
        f'<task id="a"><{multi} camunda:collection="${{items}}" camunda:elementVariable="item"/></task>'
        f"<task id='b'><{multi}><extensionElements><zeebe:loopCharacteristics inputCollection='=items' "
        f"inputElement='item'/></extensionElements></{multi}></task>"
        f'<task id="c"><{multi}><loopDataInputRef>list</loopDataInputRef><inputDataItem id="x" name="one"/></{multi}></task>'
        f'<task id="d"><{multi}><loopCardinality>${{n + 1}}</loopCardinality></{multi}></task>'
        '<task id="e"><standardLoopCharacteristics testBefore="true"/></task>'
    )
    loops = {item.id: item.loop for item in graph.nodes if item.loop}
    assert (loops["a"].collection, loops["a"].element) == ("${items}", "item")
    assert (loops["b"].collection, loops["b"].element) == ("=items", "item")
    assert (loops["c"].collection, loops["c"].element) == ("list", "one")
    assert (loops["d"].cardinality, loops["d"].max_loop_iterations) == ("${n + 1}", None)
    assert loops["e"].test_before


def test_what_a_message_says_reaches_the_nodes_and_flows_that_name_it() -> None:
    graph = read(
        '<receiveTask id="r" messageRef="m"/><intermediateCatchEvent id="c"><messageEventDefinition messageRef="m"/>'
        '</intermediateCatchEvent><endEvent id="e"><messageEventDefinition messageRef="m" camunda:type="external" '
        'camunda:topic="tell"/></endEvent>',
        '<message id="m" name="paid"><extensionElements><zeebe:subscription correlationKey="=orderId"/></extensionElements>'
        '</message><collaboration id="k"><participant id="a"><participantMultiplicity minimum="2" maximum="3"/></participant>'
        '<messageFlow id="f" sourceRef="a" targetRef="r" messageRef="m" v:secure="yes"/></collaboration>',
    )
    task = node(graph, "r").extensions
    assert (task["messageName"], task["correlationKey"]) == ("paid", "=orderId")
    caught = node(graph, "c").extensions["eventDefinitions"][0]
    assert (caught["name"], caught["correlationKey"]) == ("paid", "=orderId")
    assert node(graph, "e").extensions["eventDefinitions"][0]["camunda:topic"] == "tell"
    assert graph.message_flows[0].message == "paid"
    assert graph.message_flows[0].extensions["v:secure"] == "yes"
    assert graph.participants[0].extensions["multiplicity"] == {"minimum": "2", "maximum": "3"}


def test_conditions_performers_and_interfaces() -> None:
    graph = read(
        '<complexGateway id="x"><activationCondition>n > 2</activationCondition></complexGateway>'
        '<adHocSubProcess id="y" ordering="Sequential" cancelRemainingInstances="false"><task id="i"/>'
        "<completionCondition>done</completionCondition></adHocSubProcess>"
        '<userTask id="u"><potentialOwner><resourceAssignmentExpression><formalExpression>clerk</formalExpression>'
        '</resourceAssignmentExpression></potentialOwner></userTask><serviceTask id="s" operationRef="op"/>'
        '<intermediateThrowEvent id="c"><compensateEventDefinition activityRef="s" waitForCompletion="false"/>'
        '</intermediateThrowEvent><intermediateCatchEvent id="l" name="to B"><linkEventDefinition name="B"><source>c</source>'
        "</linkEventDefinition></intermediateCatchEvent>",
        '<interface id="f" name="Stock" implementationRef="StockApi"><operation id="op" name="reserve" '
        'implementationRef="POST /reservations"/></interface>',
    )
    assert node(graph, "x").extensions["activationCondition"] == "n > 2"
    assert node(graph, "y").extensions["completionCondition"] == "done"
    assert (node(graph, "y").extensions["ordering"], node(graph, "y").extensions["cancelRemainingInstances"]) == (
        "Sequential",
        "false",
    )
    assert node(graph, "u").extensions["performers"] == [{"role": "potentialOwner", "expression": "clerk"}]
    assert node(graph, "s").extensions["interface"] == {
        "operation": "reserve",
        "operationImplementation": "POST /reservations",
        "interface": "Stock",
        "interfaceImplementation": "StockApi",
    }
    compensation = node(graph, "c").extensions["eventDefinitions"][0]
    assert (compensation["activityRef"], compensation["waitForCompletion"]) == ("s", False)
    assert node(graph, "l").extensions["eventDefinitions"][0]["name"] == "B"


def test_global_tasks_imports_and_the_target_namespace() -> None:
    graph = read('<callActivity id="c" calledElement="g"/>',
                 '<import importType="x" location="other.bpmn" namespace="urn:o"/><globalUserTask id="g" name="Ask"/>')  # fmt: skip
    assert [(item.id, item.name, item.type) for item in graph.global_tasks] == [("g", "Ask", "globalUserTask")]
    assert [(item.location, item.namespace) for item in graph.imports] == [("other.bpmn", "urn:o")]
    assert graph.target_namespace == "urn:t"


def test_unknown_vendor_words_survive_wherever_they_stand() -> None:
    own = '<extensionElements><v:mark level="3"><v:inner>deep</v:inner></v:mark></extensionElements>'
    graph = read(
        f'{own}<laneSet id="ls"><lane id="l">{own}</lane></laneSet><task id="a">{own}</task><task id="b"/>'
        f'<sequenceFlow id="f" sourceRef="a" targetRef="b">{own}</sequenceFlow><exclusiveGateway id="g" v:odd="1"/>',
        f'<collaboration id="k">{own}<participant id="pa">{own}</participant></collaboration>',
    )
    kept = {"v:mark": {"level": "3", "inner": "deep"}}
    assert [graph.processes[0].extensions, graph.lanes[0].extensions, node(graph, "a").extensions] == [kept] * 3
    assert [graph.flows[0].extensions, graph.participants[0].extensions] == [kept] * 2
    assert graph.extensions["collaborations"] == {"k": kept}
    assert node(graph, "g").extensions == {"v:odd": "1"}


def test_nothing_a_real_file_says_in_extensions_is_lost(
    corpus: list[Path], count_independently: Callable[[bytes], tuple[int, int]]
) -> None:
    """Every text and attribute below a node's or flow's `extensionElements` is found again in the graph."""
    for path in corpus:
        data = path.read_bytes()
        try:
            count_independently(data)
        except (ElementTree.ParseError, ValueError):
            continue
        graph = read_bpmn(data, source=path.name).graph
        if len({item.id for item in graph.nodes}) != len(graph.nodes):
            continue
        kept = {item.id: " ".join(_texts(item.extensions)) for item in (*graph.nodes, *graph.flows)}
        for element in ElementTree.fromstring(data).iter():
            holder = element.find(f"{{{MODEL}}}extensionElements")
            if holder is None or element.get("id") not in kept:
                continue
            said = [text.strip() for item in holder.iter() for text in (item.text or "", *item.attrib.values())]
            missing = [text for text in said if text and text not in kept[element.attrib["id"]]]
            assert missing == [], (path.name, element.get("id"))


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *_texts(item))]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [str(value)]
