"""The process model and the descriptions hold together."""

import pytest
import yaml
from lxml import etree
from openapi_spec_validator import validate

from orchestra_kit.demo.documents import OPENAPI_DOCUMENTS, ORDER_PROCESS
from orchestra_kit.demo.services import fulfilment, inventory, payments

NAMESPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
SERVICES = {"inventory": inventory, "payments": payments, "fulfilment": fulfilment}
NODE_TAGS = ["startEvent", "endEvent", "exclusiveGateway", "task", "serviceTask", "sendTask", "subProcess"]


@pytest.fixture(scope="module")
def process():
    return etree.parse(ORDER_PROCESS)


def find(process, path):
    return process.xpath(path, namespaces=NAMESPACES)


def flow_nodes(process):
    return [node for tag in NODE_TAGS for node in find(process, f"//bpmn:{tag}")]


@pytest.mark.parametrize("service", SERVICES)
def test_description_is_valid_and_complete(service):
    document = yaml.safe_load(OPENAPI_DOCUMENTS[service].read_text())
    validate(document)
    described = {
        (method.upper(), path)
        for path, entry in document["paths"].items()
        for method in entry
        if method in ("get", "put", "post")
    }
    assert described == {(operation.method, operation.path) for operation in SERVICES[service].OPERATIONS}


def test_every_node_has_a_shape_and_every_flow_an_edge(process):
    shapes = set(find(process, "//bpmndi:BPMNShape/@bpmnElement"))
    lanes_and_pools = set(find(process, "//bpmn:lane/@id | //bpmn:participant/@id"))
    assert shapes == {node.get("id") for node in flow_nodes(process)} | lanes_and_pools
    assert set(find(process, "//bpmndi:BPMNEdge/@bpmnElement")) == set(find(process, "//bpmn:sequenceFlow/@id"))


def test_edges_start_and_end_at_their_nodes(process):
    bounds = {
        shape.get("bpmnElement"): {key: float(value) for key, value in shape[0].attrib.items()}
        for shape in find(process, "//bpmndi:BPMNShape")
    }

    def touches(point, element):
        box, x, y = bounds[element], float(point.get("x")), float(point.get("y"))
        return box["x"] <= x <= box["x"] + box["width"] and box["y"] <= y <= box["y"] + box["height"]

    for flow in find(process, "//bpmn:sequenceFlow"):
        points = find(process, f"//bpmndi:BPMNEdge[@bpmnElement='{flow.get('id')}']/di:waypoint")
        assert touches(points[0], flow.get("sourceRef")), flow.get("id")
        assert touches(points[-1], flow.get("targetRef")), flow.get("id")


def test_every_top_level_node_is_in_one_lane(process):
    placed = [reference.text for reference in find(process, "//bpmn:flowNodeRef")]
    top = [node.get("id") for node in flow_nodes(process) if node.getparent().tag.endswith("}process")]
    assert sorted(placed) == sorted(top)


def test_flows_and_nodes_name_each_other(process):
    for node in flow_nodes(process):
        for tag, end in (("incoming", "targetRef"), ("outgoing", "sourceRef")):
            named = [child.text for child in node.findall(f"bpmn:{tag}", NAMESPACES)]
            assert sorted(named) == sorted(find(process, f"//bpmn:sequenceFlow[@{end}='{node.get('id')}']/@id"))


def test_branching_gateways_have_a_default_and_a_condition(process):
    for gateway in find(process, "//bpmn:exclusiveGateway[count(bpmn:outgoing) > 1]"):
        for outgoing in gateway.findall("bpmn:outgoing", NAMESPACES):
            [flow] = find(process, f"//bpmn:sequenceFlow[@id='{outgoing.text}']")
            is_default = flow.get("id") == gateway.get("default")
            assert bool(flow.findall("bpmn:conditionExpression", NAMESPACES)) is not is_default
            assert flow.get("name")
