"""The picture of a process shows every element, its status by more than colour, and survives hostile names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from orchestra_kit.model import (
    Artifact,
    Association,
    Bounds,
    Condition,
    ControlFlowGraph,
    Diagram,
    DiagramShape,
    Lane,
    Loop,
    MessageFlow,
    NodeType,
    Participant,
)
from orchestra_kit.reporting.diagram import draw_process
from orchestra_kit.reporting.palette import TONES, ElementStatus

SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> etree._Element:
    return etree.fromstring(svg.encode(), etree.XMLParser(resolve_entities=False))


def element(root: etree._Element, element_id: str) -> etree._Element:
    (found,) = [item for item in root.iter(f"{SVG}g") if item.get("data-id") == element_id]
    return found


def classes(root: etree._Element, element_id: str) -> set[str]:
    return {name for item in element(root, element_id).iter() for name in (item.get("class") or "").split()}


def shown_text(root: etree._Element) -> str:
    return " ".join("".join(item.itertext()) for item in root.iter(f"{SVG}text"))


@pytest.fixture(params=["drawn", "laid out"])
def graph(request: pytest.FixtureRequest, drawn_graph: ControlFlowGraph) -> ControlFlowGraph:
    return drawn_graph if request.param == "drawn" else drawn_graph.model_copy(update={"diagram": Diagram()})


def test_every_node_and_flow_is_there_with_its_id_and_a_title(graph: ControlFlowGraph) -> None:
    root = parse(draw_process(graph, title="Order"))
    for item in [node.id for node in graph.nodes] + [flow.id for flow in graph.flows]:
        assert element(root, item).find(f"{SVG}title") is not None


def test_the_picture_is_an_image_with_a_name_that_tells_what_failed(graph: ControlFlowGraph) -> None:
    statuses = {"pay": ElementStatus.FAILED, "reserve": ElementStatus.PASSED}
    root = parse(draw_process(graph, statuses=statuses, title="Order"))
    assert root.get("role") == "img"
    label = root.get("aria-label") or ""
    assert label.startswith("Order. 7 elements, 6 sequence flows")
    assert "failed: Pay" in label
    assert root.findtext(f"{SVG}title") == "Order"


@pytest.mark.parametrize("status", [item for item in ElementStatus if item is not ElementStatus.NOT_COVERED])
def test_a_status_shows_as_class_drawn_sign_and_word(graph: ControlFlowGraph, status: ElementStatus) -> None:
    root = parse(draw_process(graph, statuses={"pay": status}, title="Order"))
    assert status.value in classes(root, "pay")
    assert TONES[status].word in (element(root, "pay").findtext(f"{SVG}title") or "")
    signs = [item for item in root.iter(f"{SVG}g") if item.get("class") == "sign"]
    assert len(signs) == 1
    assert (signs[0].getparent() is not None) and status.value in (signs[0].getparent().get("class") or "")


def test_signs_of_different_statuses_have_different_shapes(graph: ControlFlowGraph) -> None:
    marks = set()
    for status in (ElementStatus.PASSED, ElementStatus.FAILED, ElementStatus.UNJUDGED, ElementStatus.SKIPPED):
        root = parse(draw_process(graph, statuses={"pay": status}, title="Order"))
        marks |= {item.get("d") for item in root.iter(f"{SVG}path") if item.get("class") == "mark"}
    assert len(marks) == 4


def test_badges_and_heat_are_shown(graph: ControlFlowGraph) -> None:
    root = parse(
        draw_process(
            graph, statuses={"pay": ElementStatus.PASSED}, badges={"pay": "3×"}, heat={"pay": 1.0}, title="Order"
        )
    )
    assert "3×" in shown_text(root)
    assert "heat4" in classes(root, "pay")


def test_names_gateways_and_flow_labels_are_readable(graph: ControlFlowGraph) -> None:
    text = shown_text(parse(draw_process(graph, title="Order")))
    for word in ("Order placed", "In stock?", "yes", "no", "Reserve stock"):
        assert word in text.replace("  ", " ")


def test_a_default_flow_has_a_slash_and_a_condition_off_a_task_a_diamond(make: SimpleNamespace) -> None:
    nodes = [make.node(name, "task", name) for name in "abc"]
    flows = [
        make.flow("plain", "a", "b", condition=Condition(text="x > 1")),
        make.flow("other", "a", "c", is_default=True),
    ]
    root = parse(draw_process(make.graph(nodes, flows), title="Order"))
    assert "dflt" in classes(root, "other")
    assert "hollow" in classes(root, "plain")
    assert "dflt" not in classes(root, "plain")


def test_sub_process_kinds_differ_in_their_frames(make: SimpleNamespace) -> None:
    nodes = [
        make.node("plain", "subProcess", "Plain"),
        make.node("inner", "task", "Inside", container="plain"),
        make.node("event", "subProcess", "Event", triggered_by_event=True),
        make.node("money", "transaction", "Money"),
        make.node("call", "callActivity", "Call"),
    ]
    root = parse(draw_process(make.graph(nodes, []), title="Order"))
    assert "dots" in classes(root, "event")
    assert "dots" not in classes(root, "plain")
    assert len(list(element(root, "money").iter(f"{SVG}rect"))) == 2
    assert "bold" in classes(root, "call")
    assert element(root, "inner") is not None


@pytest.mark.parametrize("kind", [kind for kind in NodeType if kind.is_event])
@pytest.mark.parametrize(
    "trigger",
    [
        "",
        "message",
        "timer",
        "error",
        "signal",
        "escalation",
        "terminate",
        "compensate",
        "conditional",
        "link",
        "cancel",
    ],
)
def test_every_event_and_trigger_is_drawn_with_its_ring(make: SimpleNamespace, kind: NodeType, trigger: str) -> None:
    event = make.node("e", kind.value, "E", event_definitions=(trigger,) if trigger else ())
    root = parse(draw_process(make.graph([event], []), title="Order"))
    rings = [item for item in element(root, "e") if "box" in (item.get("class") or "")]
    double = kind not in (NodeType.START_EVENT, NodeType.END_EVENT)
    assert len(rings) == (2 if double else 1)
    assert ("bold" in (rings[0].get("class") or "")) == (kind is NodeType.END_EVENT)
    assert (len(element(root, "e")) > len(rings) + 1) == bool(trigger)


def test_several_triggers_show_as_multiple_and_non_interrupting_is_dashed(make: SimpleNamespace) -> None:
    nodes = [
        make.node("host", "task", "Host"),
        make.node(
            "edge", "boundaryEvent", "E", attached_to="host", cancel_activity=False, event_definitions=("timer",)
        ),
        make.node("many", "startEvent", "M", event_definitions=("message", "signal")),
    ]
    root = parse(draw_process(make.graph(nodes, []), title="Order"))
    assert "dash" in classes(root, "edge")
    assert "multiple" in (element(root, "many").findtext(f"{SVG}title") or "")


@pytest.mark.parametrize("kind", [kind for kind in NodeType if kind.is_gateway or kind.is_activity])
def test_every_other_node_type_is_drawn(make: SimpleNamespace, kind: NodeType) -> None:
    loops = [None, Loop(kind="standard"), Loop(kind="parallel"), Loop(kind="sequential")]
    sizes = set()
    for loop in loops:
        root = parse(draw_process(make.graph([make.node("n", kind.value, "N", loop=loop)], []), title="Order"))
        sizes.add(etree.tostring(element(root, "n")))
    assert len(sizes) == (1 if kind.is_gateway else 4)


def test_pools_lanes_messages_data_and_notes_are_drawn_without_interchange(make: SimpleNamespace) -> None:
    nodes = [
        make.node("ask", "sendTask", "Ask", lane_id="front"),
        make.node("pack", "task", "Pack", lane_id="back"),
        make.node("answer", "receiveTask", "Answer", container="shop", process_id="shop"),
    ]
    graph = make.graph(
        nodes,
        [make.flow("f", "ask", "pack")],
        participants=(
            Participant(id="us", name="Customer", process_id="order"),
            Participant(id="them", name="Shop", process_id="shop"),
            Participant(id="bank", name="Bank"),
        ),
        lanes=(Lane(id="front", name="Front", process_id="order"), Lane(id="back", name="Back", process_id="order")),
        message_flows=(MessageFlow(id="m", name="question", source="ask", target="answer"),),
        artifacts=(
            Artifact(id="note", type="textAnnotation", text="be kind"),
            Artifact(id="d", type="dataObject", text="Bill"),
        ),
        associations=(Association(id="a", source="note", target="ask"), Association(id="b", source="pack", target="d")),
    )
    root = parse(draw_process(graph, title="Order"))
    for item in ("us", "them", "bank", "front", "back", "m", "note", "d", "a", "b"):
        assert element(root, item) is not None
    assert "dash" in classes(root, "m")
    assert "dots" in classes(root, "a")
    assert "rotate(-90)" in etree.tostring(element(root, "us")).decode()


def test_one_process_of_several_is_drawn_alone(make: SimpleNamespace) -> None:
    nodes = [make.node("mine", "task"), make.node("theirs", "task", container="shop", process_id="shop")]
    root = parse(draw_process(make.graph(nodes, []), process_id="shop", title="Shop"))
    assert [item.get("data-id") for item in root.iter(f"{SVG}g") if item.get("data-id")] == ["theirs"]


def test_what_a_collapsed_sub_process_holds_is_not_drawn_over_it(make: SimpleNamespace) -> None:
    shapes = (
        DiagramShape(element_id="sub", bounds=Bounds(x=0, y=0, width=100, height=80), is_expanded=False),
        DiagramShape(element_id="inner", bounds=Bounds(x=900, y=900, width=100, height=80)),
    )
    nodes = [make.node("sub", "subProcess", "Sub"), make.node("inner", "task", "Inner", container="sub")]
    root = parse(draw_process(make.graph(nodes, [], diagram=Diagram(shapes=shapes)), title="Order"))
    assert [item.get("data-id") for item in root.iter(f"{SVG}g") if item.get("data-id")] == ["sub"]


def test_a_node_the_interchange_forgot_is_drawn_all_the_same(drawn_graph: ControlFlowGraph) -> None:
    shapes = tuple(shape for shape in drawn_graph.diagram.shapes if shape.element_id != "done")
    edges = tuple(edge for edge in drawn_graph.diagram.edges if edge.element_id != "f5")
    graph = drawn_graph.model_copy(update={"diagram": Diagram(shapes=shapes, edges=edges)})
    root = parse(draw_process(graph, title="Order"))
    assert element(root, "done") is not None
    assert element(root, "f5") is not None


def test_an_empty_graph_gives_an_empty_picture(make: SimpleNamespace) -> None:
    assert parse(draw_process(make.graph([], []), title="Nothing")).get("role") == "img"


ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=40)


@settings(max_examples=40, deadline=None)
@given(name=ANY_TEXT, identifier=ANY_TEXT.filter(bool), title=ANY_TEXT, badge=ANY_TEXT)
def test_hostile_names_ids_titles_and_badges_stay_text(
    make: SimpleNamespace, name: str, identifier: str, title: str, badge: str
) -> None:
    nodes = [make.node(identifier, "task", name), make.node("other", "exclusiveGateway", name)]
    graph = make.graph(
        nodes,
        [make.flow("f", identifier, "other", name)],
        artifacts=(Artifact(id="note", type="textAnnotation", text=name),),
        participants=(Participant(id="p", name=name, process_id="order"),),
    )
    root = parse(draw_process(graph, badges={identifier: badge}, title=title))
    assert {etree.QName(item).localname for item in root.iter()} <= {
        "svg", "title", "style", "defs", "g", "rect", "path", "circle", "text", "tspan", "use"
    }  # fmt: skip
    allowed = {"class", "data-id", "id", "role", "aria-label", "viewBox", "width", "height", "x", "y", "d", "cx", "cy",
               "r", "rx", "transform", "href"}  # fmt: skip
    assert {key for item in root.iter() for key in item.attrib} <= allowed
