"""Our own layout places everything, without overlaps and from left to right."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from orchestra_kit.model import ControlFlowGraph, Diagram, MessageFlow, Participant
from orchestra_kit.reporting.diagram import draw_process
from orchestra_kit.reporting.diagram.layout import lay_out
from orchestra_kit.reporting.diagram.metrics import text_width, wrap
from orchestra_kit.reporting.diagram.scene import Box


def overlap(one: Box, two: Box) -> bool:
    return one.x < two.right and two.x < one.right and one.y < two.bottom and two.y < one.bottom


@st.composite
def links(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    size = draw(st.integers(1, 14))
    ends = st.integers(0, size - 1)
    return size, draw(st.lists(st.tuples(ends, ends), max_size=24))


@settings(max_examples=120, deadline=None)
@given(links())
def test_any_graph_is_placed_without_overlap_and_every_flow_ends_at_its_nodes(
    make: SimpleNamespace, drawn: tuple[int, list[tuple[int, int]]]
) -> None:
    size, pairs = drawn
    kinds = ("task", "exclusiveGateway", "startEvent")
    nodes = [make.node(f"n{number}", kinds[number % 3], f"node {number}") for number in range(size)]
    flows = [make.flow(f"f{number}", f"n{a}", f"n{b}") for number, (a, b) in enumerate(pairs)]
    scene = lay_out(make.graph(nodes, flows))
    assert {node.id for node in nodes} <= scene.boxes.keys()
    for one, two in combinations(nodes, 2):
        assert not overlap(scene.boxes[one.id], scene.boxes[two.id])
    for flow in flows:
        points = scene.lines[flow.id].points
        source, target = scene.boxes[flow.source], scene.boxes[flow.target]
        assert source.x - 1 <= points[0][0] <= source.right + 1
        assert source.y - 1 <= points[0][1] <= source.bottom + 1
        assert points[-1][0] == pytest.approx(target.x)
        assert target.y <= points[-1][1] <= target.bottom
        assert all(abs(a[0] - b[0]) < 0.6 or abs(a[1] - b[1]) < 0.6 for a, b in pairwise(points))


def test_a_chain_runs_straight_from_left_to_right(make: SimpleNamespace) -> None:
    nodes = [make.node(f"n{number}", "task", f"n{number}") for number in range(5)]
    flows = [make.flow(f"f{number}", f"n{number}", f"n{number + 1}") for number in range(4)]
    scene = lay_out(make.graph(nodes, flows))
    lefts = [scene.boxes[node.id].x for node in nodes]
    assert lefts == sorted(lefts)
    assert all(len(line.points) == 2 for line in scene.lines.values())


def test_a_loop_goes_back_below(make: SimpleNamespace) -> None:
    nodes = [make.node(name, "task", name) for name in "abc"]
    flows = [make.flow("ab", "a", "b"), make.flow("bc", "b", "c"), make.flow("ca", "c", "a")]
    scene = lay_out(make.graph(nodes, flows))
    lowest = max(scene.boxes[name].bottom for name in "abc")
    assert max(y for _, y in scene.lines["ca"].points) > lowest


def test_children_stand_inside_their_sub_process_and_boundary_events_on_its_edge(make: SimpleNamespace) -> None:
    nodes = [
        make.node("sub", "subProcess", "Sub"),
        make.node("a", "task", container="sub"),
        make.node("b", "task", container="sub"),
        make.node("edge", "boundaryEvent", "Late", attached_to="sub"),
        make.node("next", "task", "Next"),
    ]
    flows = [make.flow("ab", "a", "b", container="sub"), make.flow("out", "edge", "next")]
    scene = lay_out(make.graph(nodes, flows))
    assert scene.boxes["sub"].holds(scene.boxes["a"])
    assert scene.boxes["sub"].holds(scene.boxes["b"])
    assert scene.boxes["edge"].center[1] == pytest.approx(scene.boxes["sub"].bottom)


def test_thousands_of_nodes_are_laid_out(make: SimpleNamespace) -> None:
    nodes = [make.node(f"n{number}", "task", str(number)) for number in range(1500)]
    flows = [make.flow(f"f{number}", f"n{number // 3}", f"n{number}") for number in range(1, 1500)]
    assert len(lay_out(make.graph(nodes, flows)).lines) == 1499


@given(st.text(max_size=200), st.floats(30, 300), st.integers(1, 5))
def test_wrapped_lines_fit_their_width_and_number(text: str, width: float, most: int) -> None:
    lines = wrap(text, width, most=most)
    assert len(lines) <= most
    assert all(text_width(line) <= width or len(line) == 1 or line.endswith("…") for line in lines)


def test_short_text_keeps_all_its_words() -> None:
    assert wrap("Approve the payment of the customer", 90) == ["Approve the", "payment of the", "customer"]


@pytest.fixture(scope="module")
def read_graph() -> Callable[[Path], ControlFlowGraph | None]:
    reader = pytest.importorskip("orchestra_kit.design.bpmn")

    def read(path: Path) -> ControlFlowGraph | None:
        from orchestra_kit.errors import OrchestraError

        try:
            graph: ControlFlowGraph = reader.read_bpmn(path.read_bytes(), source=path.name).graph
        except OrchestraError:
            return None
        return graph

    return read


def test_every_real_process_is_drawn_well_formed_with_and_without_interchange(
    corpus: Path, read_graph: Callable[[Path], ControlFlowGraph | None]
) -> None:
    files = sorted([*corpus.rglob("*.bpmn"), *corpus.rglob("*.bpmn20.xml")])
    drawn = 0
    for path in files:
        graph = read_graph(path)
        if graph is None:
            continue
        for version in (graph, graph.model_copy(update={"diagram": Diagram()})):
            root = etree.fromstring(draw_process(version, title=path.name).encode(), etree.XMLParser(huge_tree=False))
            ids = {item.get("data-id") for item in root.iter() if item.get("data-id")}
            if not version.diagram.shapes:
                printed = {node.id for node in graph.nodes}
                assert len(ids & printed) == len(printed), path.name
        drawn += 1
    assert drawn >= 150


def test_message_flows_have_tracks_and_ports_of_their_own(make: SimpleNamespace) -> None:
    there = {"container": "shop", "process_id": "shop"}
    nodes = [make.node("ask", "task"), make.node("wait", "task")]
    nodes += [make.node(name, "task", **there) for name in ("one", "two", "three")]
    graph = make.graph(
        nodes,
        [make.flow("f", "ask", "wait"), make.flow("g", "one", "two", **there), make.flow("h", "two", "three", **there)],
        participants=(Participant(id="us", process_id="order"), Participant(id="them", process_id="shop")),
        message_flows=tuple(MessageFlow(id=f"m{name}", source="ask", target=name) for name in ("two", "three")),
    )
    lines = [lay_out(graph).lines[f"m{name}"].points for name in ("two", "three")]
    assert len({points[0][0] for points in lines}) == 2  # they leave the same task beside each other
    assert len({points[1][1] for points in lines}) == 2  # and turn at different heights
