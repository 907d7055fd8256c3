"""Sequence diagrams are drawn as such: lifelines, arrows by kind, fragments around the right messages, notes, marks."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from orchestra_kit.design.reading import read_process
from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.reporting import build_report, draw_process, render_html, render_plan
from orchestra_kit.reporting.diagram.draw import draw_scene
from orchestra_kit.reporting.diagram.fragments import Frame, find_frames
from orchestra_kit.reporting.palette import ElementStatus

SVG = "{http://www.w3.org/2000/svg}"

SHOP = """sequenceDiagram
    actor C as Customer
    participant S as Shop
    participant B as Bank
    C->>+S: order
    Note over S: stock is checked
    alt in stock
        S->>B: charge
        B-->>S: paid
        loop every line
            S->>S: pack
        end
    else sold out
        S--)C: sorry
    end
    opt wants news
        S->>C: newsletter
    end
    S-->>-C: done
"""


def graph_of(text: str, name: str = "shop.mmd") -> ControlFlowGraph:
    document = read_process(text.encode(), source=name)
    assert document.ok
    return document.graph


@pytest.fixture(scope="module")
def shop() -> ControlFlowGraph:
    return graph_of(SHOP)


def parse(svg: str) -> Any:
    return etree.fromstring(svg.encode(), etree.XMLParser(resolve_entities=False))


def element(root: Any, element_id: str) -> Any:
    (found,) = [item for item in root.iter(f"{SVG}g") if item.get("data-id") == element_id]
    return found


def words(item: Any) -> str:
    return " ".join("".join(text.itertext()) for text in item.iter(f"{SVG}text"))


def frames_of(graph: ControlFlowGraph) -> list[tuple[Frame, list[str]]]:
    nodes = list(graph.nodes)
    return [
        (frame, [node.name for node in nodes[frame.first : frame.last + 1] if node.id.startswith("m")])
        for frame in find_frames(nodes, graph.flows)
    ]


def test_every_participant_and_message_is_drawn_in_order_from_top_to_bottom(shop: ControlFlowGraph) -> None:
    root = parse(draw_process(shop))
    for participant in shop.participants:
        assert participant.name in words(element(root, participant.id))
    boxes = draw_scene(shop).scene.boxes
    messages = [node.id for node in shop.nodes if node.id.startswith("m")]
    tops = [boxes[item].y for item in messages]
    assert len(messages) == 7
    assert tops == sorted(tops)
    assert boxes["C"].x < boxes["S"].x < boxes["B"].x


def test_a_message_runs_from_its_sender_to_its_receiver(shop: ControlFlowGraph) -> None:
    boxes = draw_scene(shop).scene.boxes
    first = next(node.id for node in shop.nodes if node.name == "order")
    assert boxes[first].x == pytest.approx(boxes["C"].center[0])
    assert boxes[first].right == pytest.approx(boxes["S"].center[0])


def test_answers_are_dashed_and_nobody_waits_for_open_heads(shop: ControlFlowGraph) -> None:
    root = parse(draw_process(shop))
    by_name = {node.name: etree.tostring(element(root, node.id)).decode() for node in shop.nodes if node.name}
    assert "line dash" in by_name["paid"]
    assert "line dash" not in by_name["charge"]
    assert 'class="head"' in by_name["charge"]
    assert 'class="head"' not in by_name["sorry"]


def test_titles_tell_who_sends_what_to_whom(shop: ControlFlowGraph) -> None:
    root = parse(draw_process(shop))
    node = next(node for node in shop.nodes if node.name == "charge")
    assert element(root, node.id).findtext(f"{SVG}title") == "Shop to Bank: charge (sync)"


def test_fragments_hold_the_messages_of_the_file(shop: ControlFlowGraph) -> None:
    found = {frame.kind: (frame.guard, inside) for frame, inside in frames_of(shop)}
    assert found == {
        "alt": ("in stock", ["charge", "paid", "pack", "sorry"]),
        "loop": ("every line", ["pack"]),
        "opt": ("wants news", ["newsletter"]),
    }
    (alt,) = [frame for frame, _ in frames_of(shop) if frame.kind == "alt"]
    assert [guard for _, guard in alt.sections] == ["sold out"]


def test_guards_and_notes_are_written(shop: ControlFlowGraph) -> None:
    said = words(parse(draw_process(shop)))
    for part in ("[in stock]", "[sold out]", "[every line]", "[wants news]", "stock is checked"):
        assert part in said


@pytest.mark.parametrize(
    ("text", "kind", "inside"),
    [
        ("par one\nA->>B: x\nand two\nA->>B: y\nend\nA->>B: z", "par", ["x", "y"]),
        ("critical go\nA->>B: x\noption slow\nA->>B: y\nend\nA->>B: z", "option", ["y"]),
        ("loop twice\nA->>B: x\nbreak broken\nA->>B: y\nend\nend\nA->>B: z", "break", ["y"]),
        ("loop twice\nA->>B: x\nbreak broken\nA->>B: y\nend\nend\nA->>B: z", "loop", ["x", "y"]),
        ("alt a\nbreak broken\nA->>B: x\nend\nelse b\nA->>B: y\nend", "break", ["x"]),
        ("loop 3 times\nA->>B: x\nend\nA->>B: y", "loop", ["x"]),
    ],
)
def test_each_kind_of_fragment_ends_where_it_ends_in_the_file(text: str, kind: str, inside: list[str]) -> None:
    found = {frame.kind: names for frame, names in frames_of(graph_of(f"sequenceDiagram\n{text}\n"))}
    assert found[kind] == inside


def test_an_inner_fragment_stands_within_the_outer_one(shop: ControlFlowGraph) -> None:
    labels = draw_scene(shop).scene.labels
    outer, inner = labels["\0alt1"], labels["\0loop1"]
    assert outer.holds(inner)
    assert outer.width > inner.width


def test_statuses_and_counts_mark_messages(shop: ControlFlowGraph) -> None:
    node = next(node for node in shop.nodes if node.name == "charge")
    root = parse(draw_process(shop, statuses={node.id: ElementStatus.FAILED}, badges={node.id: "4×"}))
    assert "failed" in element(root, node.id).get("class")
    assert len([item for item in root.iter(f"{SVG}g") if item.get("class") == "sign"]) == 1
    assert "4×" in words(root)


def test_several_diagrams_of_one_file_stand_below_each_other() -> None:
    fence = "```mermaid\nsequenceDiagram\nA->>B: {}\n```\n"
    graph = graph_of(f"# Doc\n{fence.format('one')}\n{fence.format('two')}", "doc.md")
    boxes = draw_scene(graph).scene.boxes
    one, two = (next(boxes[node.id] for node in graph.nodes if node.name == name) for name in ("one", "two"))
    assert two.y > one.bottom


def test_plantuml_references_and_sections_are_drawn() -> None:
    graph = graph_of(
        "@startuml\n== Part one ==\nA -> B : x\nref over A, B : other diagram\nB ->x A : y\n@enduml\n", "x.puml"
    )
    said = words(parse(draw_process(graph)))
    assert "Part one" in said
    assert "ref" in said
    assert "other diagram" in said


def test_a_plan_of_messages_numbers_messages_and_names_guards(shop: ControlFlowGraph) -> None:
    ids = {node.name: node.id for node in shop.nodes}
    visits = ["start", ids["order"], "alt1", ids["sorry"], "alt1_end", ids["done"], "end"]
    flows = {(flow.source, flow.target): flow.id for flow in shop.flows}
    plan = {
        "file": "shop.mmd",
        "containers": [
            {
                "process": shop.processes[0].id, "container": shop.processes[0].id, "size": 1, "lowerBound": 1,
                "certificate": [flows["alt1", ids["charge"]], flows["opt1", "opt1_end"]],
                "scenarios": [{"key": "x", "path": list(flows.values())[:6], "visits": visits}],
            }
        ],
    }  # fmt: skip
    page = html.fromstring(render_plan(plan, shop))
    numbers = ["".join(item.itertext()) for item in page.xpath("//*[@class='n']/text")]
    assert numbers == ["1", "2", "3"]
    steps = ["".join(item.itertext()) for item in page.xpath("//ol[@class='steps']/li")]
    assert steps == ["Customer → Shop: order", "Shop → Customer: sorry", "Shop → Customer: done"]
    proof = ["".join(item.itertext()) for item in page.xpath("//ol[@class='proof-list']/li")]
    assert proof == ["A [in stock]: Shop → Bank: charge", "B [not wants news]"]
    assert len(page.xpath("//*[@class='c']")) == 2  # also the way past a fragment has its mark


@settings(max_examples=40, deadline=None)
@given(text=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r;#%"), min_size=1, max_size=30))
def test_hostile_texts_stay_text(text: str) -> None:
    document = read_process(f"sequenceDiagram\nA->>B: {text}\nNote over A: {text}\n".encode(), source="x.mmd")
    root = parse(draw_process(document.graph))
    assert {etree.QName(item).localname for item in root.iter()} <= {
        "svg", "title", "style", "defs", "g", "rect", "path", "circle", "text", "tspan", "use"
    }  # fmt: skip


def test_every_sequence_file_of_the_corpus_shows_all_its_messages() -> None:
    default = Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(os.environ.get("ORCHESTRA_CORPUS", default)) / "sequence"
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}; set ORCHESTRA_CORPUS")
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".mmd", ".puml")]
    assert len(files) >= 28
    for file in files:
        graph = read_process(file.read_bytes(), source=file.name).graph
        root = parse(draw_process(graph, title=file.stem))
        shown = {item.get("data-id") for item in root.iter(f"{SVG}g")}
        assert {node.id for node in graph.nodes if "message" in node.extensions} <= shown, file.name
        assert {item.id for item in graph.artifacts} <= shown, file.name
        view = [float(value) for value in root.get("viewBox").split()]
        assert view[2] > 50
        assert view[3] > 50


def test_the_report_of_a_run_shows_the_messages_it_passed(shop: ControlFlowGraph, make: SimpleNamespace) -> None:
    order = next(node.id for node in shop.nodes if node.name == "order")
    flow = next(item.id for item in shop.flows if item.target == order)
    facts = make.facts([make.step(0, "order", order, (flow,))], [make.result("order", 0)])
    page = html.fromstring(render_html(build_report([facts], graph=shop, generated_at=make.noon)))
    (drawn,) = page.xpath(f"//div[@id='picture']//*[@data-id='{order}']")
    assert "passed" in drawn.get("class")
