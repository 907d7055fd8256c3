"""Variants of elements that look alike but mean something else, files with several diagrams, and the whole corpus."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree

from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.model import (
    Artifact,
    Association,
    Bounds,
    Diagram,
    DiagramEdge,
    DiagramPlane,
    DiagramShape,
    Lane,
    Participant,
)
from orchestra_kit.reporting.diagram import draw_process
from orchestra_kit.reporting.diagram.interchange import scene_from_interchange

SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> Any:
    return etree.fromstring(svg.encode(), etree.XMLParser(resolve_entities=False))


def drawn(root: Any, element_id: str) -> str:
    (found,) = [item for item in root.iter(f"{SVG}g") if item.get("data-id") == element_id]
    return re.sub(r'data-id="[^"]*"|<title>.*?</title>', "", etree.tostring(found).decode())


def alone(make: SimpleNamespace, kind: str, **more: Any) -> str:
    return drawn(parse(draw_process(make.graph([make.node("n", kind, **more)], []))), "n")


def test_a_choreography_task_names_who_takes_part_and_shades_who_answers(make: SimpleNamespace) -> None:
    people = [{"id": "p1", "name": "Buyer", "initiating": True}, {"id": "p2", "name": "Seller", "initiating": False}]
    text = alone(make, "choreographyTask", name="Agree", extensions={"participants": people})
    assert all(name in text for name in ("Buyer", "Seller", "Agree"))
    assert text.count('class="band"') == 1
    bare = alone(make, "choreographyTask", name="Agree")
    assert "Agree" in bare


def test_choreography_participants_are_read_from_the_file() -> None:
    text = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x"><choreography id="c">
      <participant id="a" name="Buyer"/><participant id="b" name="Seller"/>
      <choreographyTask id="t" name="Agree" initiatingParticipantRef="b"><participantRef>a</participantRef>
      <participantRef>b</participantRef></choreographyTask></choreography></definitions>"""
    (node,) = read_bpmn(text.encode(), source="c.bpmn").graph.nodes
    assert node.extensions["participants"] == [
        {"id": "a", "name": "Buyer", "initiating": False},
        {"id": "b", "name": "Seller", "initiating": True},
    ]


def test_three_kinds_of_event_based_gateway_differ(make: SimpleNamespace) -> None:
    plain = alone(make, "eventBasedGateway")
    starting = alone(make, "eventBasedGateway", extensions={"instantiate": "true"})
    both = alone(make, "eventBasedGateway", extensions={"instantiate": "true", "eventGatewayType": "Parallel"})
    assert len({plain, starting, both}) == 3
    assert plain.count("<circle") == 2
    assert starting.count("<circle") == both.count("<circle") == 1


def test_all_five_gateways_differ(make: SimpleNamespace) -> None:
    kinds = ("exclusive", "inclusive", "parallel", "complex", "eventBased")
    assert len({alone(make, f"{kind}Gateway") for kind in kinds}) == 5


def test_several_triggers_of_which_all_are_needed_show_a_cross(make: SimpleNamespace) -> None:
    some = alone(make, "startEvent", event_definitions=("message", "signal"))
    every = alone(make, "startEvent", event_definitions=("message", "signal"), extensions={"parallelMultiple": "true"})
    assert some != every


@pytest.mark.parametrize("kind", ["startEvent", "boundaryEvent"])
def test_what_does_not_interrupt_is_dashed(make: SimpleNamespace, kind: str) -> None:
    assert "dash" in alone(make, kind, event_definitions=("timer",), cancel_activity=False)
    assert "dash" not in alone(make, kind, event_definitions=("timer",))


def test_task_kinds_all_have_icons_of_their_own(make: SimpleNamespace) -> None:
    kinds = (
        "task",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "userTask",
        "manualTask",
        "businessRuleTask",
        "scriptTask",
    )
    assert len({alone(make, kind) for kind in kinds}) == len(kinds)


def test_data_kinds_and_collections_differ(make: SimpleNamespace) -> None:
    kinds = ("dataObjectReference", "dataInput", "dataOutput", "dataStoreReference", "textAnnotation")
    looks = set()
    for kind in kinds:
        for many in (False, True):
            artifact = Artifact(id="a", type=kind, text="A", is_collection=many)
            looks.add(drawn(parse(draw_process(make.graph([make.node("n", "task")], [], artifacts=(artifact,)))), "a"))
    assert len(looks) == 8  # stores and annotations have no collections


def test_an_association_shows_its_direction(make: SimpleNamespace) -> None:
    counts = []
    for direction in ("None", "One", "Both"):
        graph = make.graph(
            [make.node("n", "task")],
            [],
            artifacts=(Artifact(id="note", type="textAnnotation", text="N"),),
            associations=(Association(id="a", source="note", target="n", direction=direction),),
        )
        counts.append(drawn(parse(draw_process(graph)), "a").count("<path"))
    assert counts == [1, 2, 3]


def test_names_too_long_for_a_task_become_smaller_and_keep_off_the_icon(make: SimpleNamespace) -> None:
    text = alone(make, "serviceTask", name="A service task whose name takes up four whole lines", loop=None)
    assert "small" in text
    assert "small" not in alone(make, "serviceTask", name="Short")
    first = min(float(y) for y in re.findall(r'<tspan [^>]*y="([-\d.]+)"', text))
    top = float(re.findall(r'<rect [^>]*?y="([-\d.]+)"', text)[0])
    assert first - top >= 22


@pytest.mark.parametrize("size", [0.01, 3, 20, 60, 1e6])
@pytest.mark.parametrize("name", ["", " ", "Name", "A name of many words that hardly fits anywhere at all"])
def test_boxes_of_any_size_are_drawn(make: SimpleNamespace, size: float, name: str) -> None:
    kinds = ("serviceTask", "adHocSubProcess", "exclusiveGateway", "endEvent")
    for kind in kinds:
        shape = DiagramShape(element_id="n", bounds=Bounds(x=0, y=0, width=size, height=size))
        graph = make.graph([make.node("n", kind, name)], [], diagram=Diagram(shapes=(shape,)))
        assert parse(draw_process(graph)).get("role") == "img"


def two_planes(make: SimpleNamespace, element: str) -> Any:
    shapes = (
        DiagramShape(element_id="sub", bounds=Bounds(x=0, y=0, width=100, height=80), is_expanded=False),
        DiagramShape(element_id="in", bounds=Bounds(x=0, y=0, width=100, height=80), plane=1),
    )
    planes = (DiagramPlane(name="Top", element_id="order"), DiagramPlane(name="Below", element_id=element))
    nodes = [make.node("sub", "subProcess", "Sub"), make.node("in", "task", "In", container="sub")]
    return make.graph(nodes, [], diagram=Diagram(shapes=shapes, planes=planes))


def test_diagrams_of_one_file_stand_below_each_other(make: SimpleNamespace) -> None:
    scene = scene_from_interchange(two_planes(make, "sub"))
    assert scene is not None
    assert scene.boxes["in"].y > scene.boxes["sub"].bottom
    assert "sub" not in scene.expanded
    ((title, frame),) = scene.frames
    assert title == "Sub"
    assert frame.holds(scene.boxes["in"])


def test_what_a_diagram_of_its_own_does_not_open_stays_hidden(make: SimpleNamespace) -> None:
    scene = scene_from_interchange(two_planes(make, "other"))
    assert scene is not None
    assert "in" not in scene.boxes


def test_an_element_shown_twice_is_drawn_once(make: SimpleNamespace) -> None:
    shape = DiagramShape(element_id="a", bounds=Bounds(x=0, y=0, width=100, height=80))
    again = shape.model_copy(update={"plane": 1})
    graph = make.graph([make.node("a", "task")], [], diagram=Diagram(shapes=(shape, again)))
    root = parse(draw_process(graph))
    assert len([item for item in root.iter(f"{SVG}g") if item.get("data-id") == "a"]) == 1


def test_shapes_of_unknown_elements_do_not_widen_the_picture(make: SimpleNamespace) -> None:
    shapes = (
        DiagramShape(element_id="a", bounds=Bounds(x=0, y=0, width=100, height=80)),
        DiagramShape(element_id="vendor", bounds=Bounds(x=0, y=9000, width=100, height=80)),
    )
    root = parse(draw_process(make.graph([make.node("a", "task")], [], diagram=Diagram(shapes=shapes))))
    assert float(root.get("height")) < 200


def test_labels_written_far_away_or_on_their_shape_are_put_beside_it(make: SimpleNamespace) -> None:
    def placed(x: float, y: float, width: float = 60) -> bool:
        label = Bounds(x=x, y=y, width=width, height=12)
        shape = DiagramShape(element_id="e", bounds=Bounds(x=500, y=500, width=36, height=36), label=label)
        scene = scene_from_interchange(
            make.graph([make.node("e", "endEvent", "E")], [], diagram=Diagram(shapes=(shape,)))
        )
        assert scene is not None
        return "e" in scene.labels

    assert placed(490, 540)
    assert not placed(0, 0)
    assert not placed(490, 510)
    assert not placed(490, 540, width=400)


def test_a_flow_label_at_the_origin_is_put_at_its_line(make: SimpleNamespace) -> None:
    shapes = [
        DiagramShape(element_id=key, bounds=Bounds(x=x, y=500, width=100, height=80))
        for key, x in (("a", 500), ("b", 900))
    ]
    label = Bounds(x=0, y=0, width=20, height=10)
    edge = DiagramEdge(element_id="f", waypoints=((600, 540), (900, 540)), label=label)
    graph = make.graph(
        [make.node("a", "task"), make.node("b", "task")],
        [make.flow("f", "a", "b", "yes")],
        diagram=Diagram(shapes=tuple(shapes), edges=(edge,)),
    )
    root = parse(draw_process(graph))
    (text,) = [item for item in root.iter(f"{SVG}text") if item.text == "yes"]
    assert 600 < float(text.get("x")) < 900


def test_the_name_of_a_pool_keeps_left_of_its_lanes(make: SimpleNamespace) -> None:
    shapes = (
        DiagramShape(element_id="pool", bounds=Bounds(x=0, y=0, width=400, height=200), is_horizontal=True),
        DiagramShape(element_id="lane", bounds=Bounds(x=18, y=0, width=382, height=200), is_horizontal=True),
        DiagramShape(element_id="a", bounds=Bounds(x=100, y=50, width=100, height=80)),
    )
    graph = make.graph(
        [make.node("a", "task", lane_id="lane")],
        [],
        participants=(Participant(id="pool", name="P", process_id="order"),),
        lanes=(Lane(id="lane", name="L", process_id="order", node_ids=("a",)),),
        diagram=Diagram(shapes=shapes),
    )
    assert 'class="band" x="0" y="0" width="18"' in drawn(parse(draw_process(graph)), "pool")


def test_nodes_without_any_flow_stand_in_rows(make: SimpleNamespace) -> None:
    root = parse(draw_process(make.graph([make.node(f"n{index}", "task") for index in range(40)], [])))
    width, height = float(root.get("width")), float(root.get("height"))
    assert 0.4 < width / height < 2.5


def test_every_file_of_the_corpus_is_drawn_well_formed_with_all_it_shows(corpus: Path) -> None:
    files = [path for path in sorted(corpus.rglob("*")) if path.suffix in (".bpmn", ".bpmn2", ".xml")]
    assert len(files) > 100
    for path in files:
        document = read_bpmn(path.read_bytes(), source=path.name)
        root = parse(draw_process(document.graph, title=path.stem))
        scene = scene_from_interchange(document.graph)
        shown = {item.get("data-id") for item in root.iter(f"{SVG}g")}
        for node in document.graph.nodes:
            assert (scene is not None and node.id not in scene.boxes) or node.id in shown, (path.name, node.id)
        values = [float(value) for value in root.get("viewBox").split()]
        assert all(value == value and abs(value) < 1e7 for value in values)
