"""A plan as HTML: numbers, certificate in words and on the picture, each scenario's way; one inert file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from orchestra_kit.model import Bounds, ControlFlowGraph, Diagram, DiagramShape, MessageFlow, Participant
from orchestra_kit.reporting import plan_fragment, render_plan, write_plan

HAPPY = {"key": "yes", "path": ["f1", "f2", "f3", "f5"], "visits": ["start", "reserve", "gw", "pay", "done"]}
SORRY = {"key": "no", "path": ["f1", "f2", "f4", "f6"], "visits": ["start", "reserve", "gw", "reject", "refused"]}


def plan_of(**container: Any) -> dict[str, Any]:
    whole = {
        "process": "order", "container": "order", "criterion": "flow", "size": 2, "lowerBound": 2,
        "certificate": ["f3", "f4"], "scenarios": [HAPPY, SORRY], "additions": [], "unreachable": [], "assumptions": [],
        **container,
    }  # fmt: skip
    size, bound = whole["size"], whole["lowerBound"]
    suite = {"size": size, "lowerBound": bound, "gap": size - bound}
    return {"file": "shop/order.bpmn", "containers": [whole], "suite": suite}


def parse(text: str) -> Any:
    return html.fromstring(text)


def words(text: str) -> str:
    page = parse(text)
    for style in page.xpath("//style|//script"):
        style.drop_tree()
    return " ".join(page.text_content().split())


def texts(page: Any, path: str) -> list[str]:
    return ["".join(item.itertext()) for item in page.xpath(path)]


def test_the_certificate_is_a_sentence_whose_flows_have_ends_labels_and_letters(drawn_graph: ControlFlowGraph) -> None:
    said = words(render_plan(plan_of(), drawn_graph))
    assert "These 2 flows: no single run can take two of them" in said
    assert "A In stock? → Pay (yes)" in said
    assert "B In stock? → Send rejection (no)" in said
    assert "fewer cannot do: that is proven" in said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"certificate": ["f1"], "size": 1, "lowerBound": 1, "scenarios": [HAPPY]}, "This flow has to be taken"),
        ({"certificate": ["pay", "reject"]}, "These 2 elements: no single run"),
        ({"certificate": [{"id": "f3"}, {"id": "f4"}]}, "These 2 flows: no single run"),
        ({"certificate": [], "size": 0, "lowerBound": 0, "scenarios": []}, "There is nothing to prove."),
        ({"certificate": ["f3"], "lowerBound": 1}, "at least 1 are needed"),
        ({"unreachable": [{"id": "f6", "why": "x"}]}, "2 scenarios take every sequence flow that can be reached"),
    ],
)
def test_what_is_proven_is_said_as_it_is(drawn_graph: ControlFlowGraph, change: Any, sentence: str) -> None:
    assert sentence in words(render_plan(plan_of(**change), drawn_graph))


def test_a_gap_of_the_suite_is_not_called_proven(drawn_graph: ControlFlowGraph) -> None:
    plan = plan_of() | {"suite": {"size": 5, "lowerBound": 3, "gap": 2}}
    said = words(render_plan(plan, drawn_graph))
    assert "at least 3 are needed, so 2 may be too many" in said
    assert "that is proven" not in said


def test_each_scenario_has_a_picture_with_its_flows_numbered_in_firing_order(drawn_graph: ControlFlowGraph) -> None:
    page = parse(render_plan(plan_of(), drawn_graph))
    first, second = page.xpath("//details[contains(@class,'scenario')]")
    for block, path in ((first, HAPPY), (second, SORRY)):
        assert texts(block, ".//*[@class='n']/text") == ["1", "2", "3", "4"]
        drawn = block.xpath(".//*[@class='way']/use/@href")
        assert len(drawn) == len(path["path"]) + len(path["visits"])
        assert len(texts(block, ".//ol/li")) == 4
    assert texts(first, ".//ol/li")[2] == "In stock? → Pay (yes)"


def test_a_flow_taken_several_times_shows_all_its_numbers_up_to_three(drawn_graph: ControlFlowGraph) -> None:
    loop = {"key": "round", "path": ["f1", "f2", "f1", "f2", "f1", "f2", "f1"], "visits": []}
    page = parse(render_plan(plan_of(scenarios=[loop]), drawn_graph))
    assert texts(page, "//*[@class='n']/text") == ["1,3,5,…", "2,4,6"]


def test_one_drawing_serves_all_pictures(drawn_graph: ControlFlowGraph) -> None:
    many = [{**HAPPY, "key": f"s{index}"} for index in range(60)]
    page = parse(render_plan(plan_of(scenarios=many), drawn_graph))
    assert len(page.xpath("//*[@data-id='pay']")) == 1
    assert len(page.xpath("//details[contains(@class,'scenario')]//svg")) == 60


def test_every_reference_has_a_target_and_no_anchor_is_twice(drawn_graph: ControlFlowGraph) -> None:
    page = parse(render_plan(plan_of(), drawn_graph))
    anchors = page.xpath("//@id")
    assert len(anchors) == len(set(anchors))
    assert {item.removeprefix("#") for item in page.xpath("//@href")} <= set(anchors)


def test_two_plans_in_one_notebook_do_not_share_anchors(drawn_graph: ControlFlowGraph) -> None:
    one, two = plan_fragment(plan_of(), drawn_graph), plan_fragment(plan_of(criterion="node"), drawn_graph)
    shared = set(parse(one).xpath("//@id")) & set(parse(two).xpath("//@id"))
    assert shared == {"orc-gear"}  # the same shape in both


def test_additions_are_counted_apart_with_bound_and_note(drawn_graph: ControlFlowGraph) -> None:
    addition = {
        "kind": "permutation", "of": "gw", "count": 4, "lowerBound": 3, "note": "2 orders left out", "scenarios": [HAPPY],
    }  # fmt: skip
    page = parse(render_plan(plan_of(additions=[addition], sizeSequential=3), drawn_graph))
    row = texts(page, "//tr[td='Other orders of parallel branches']/td")
    assert row == ["Other orders of parallel branches", "In stock?", "4", "3", "2 orders left out"]
    assert "With one branch at a time" in texts(page, "//th")
    assert "Beyond the criterion: 4 more" in texts(page, "//h3")


def test_an_addition_of_an_older_plan_needs_no_bound(drawn_graph: ControlFlowGraph) -> None:
    page = parse(render_plan(plan_of(additions=[{"kind": "loop", "of": "f2", "count": 1}]), drawn_graph))
    assert texts(page, "//tr[td='Loop taken 0, 1 and more times']/td")[1:] == ["Reserve stock → In stock?", "1"]


def test_unreachable_elements_are_named_with_the_reason_and_crossed_out(drawn_graph: ControlFlowGraph) -> None:
    plan = plan_of(unreachable=[{"id": "f6", "why": "no end can be reached"}], assumptions=["The clock is right."])
    page = parse(render_plan(plan, drawn_graph))
    assert texts(page, "//tr[td='Send rejection → Refused']/td")[1] == "no end can be reached"
    assert texts(page, "//*[@class='u']/text") == ["✗"]
    assert "The clock is right." in texts(page, "//li")


def test_events_somebody_has_to_cause_are_said(drawn_graph: ControlFlowGraph) -> None:
    said = words(render_plan(plan_of(scenarios=[{**HAPPY, "provokes": ["reserve"]}]), drawn_graph))
    assert "Has to be caused: Reserve stock." in said


def test_unnamed_ends_are_told_by_their_kind_while_that_is_clear(make: SimpleNamespace) -> None:
    nodes = [make.node(name, kind) for name, kind in (("g1", "parallelGateway"), ("t", "task"), ("u", "task"))]
    nodes[1] = make.node("t", "task", "Pay")
    graph = make.graph(nodes, [make.flow("a", "g1", "t"), make.flow("b", "g1", "u"), make.flow("c", "g1", "u")])
    page = parse(render_plan(plan_of(scenarios=[{"key": "x", "path": ["a", "b", "c"]}], certificate=[]), graph))
    assert texts(page, "//ol[@class='steps']/li") == [
        "parallel gateway → Pay", "parallel gateway g1 → task u", "parallel gateway g1 → task u"
    ]  # fmt: skip


def test_a_collapsed_sub_process_is_drawn_by_itself(make: SimpleNamespace) -> None:
    shape = DiagramShape(element_id="sub", bounds=Bounds(x=0, y=0, width=100, height=80), is_expanded=False)
    nodes = [make.node("sub", "subProcess", "Sub"), *(make.node(name, "task", name, container="sub") for name in "ab")]
    graph = make.graph(nodes, [make.flow("in", "a", "b", container="sub")], diagram=Diagram(shapes=(shape,)))
    plan = plan_of(container="sub", scenarios=[{"key": "x", "path": ["in"], "visits": ["a", "b"]}], certificate=["in"])
    page = parse(render_plan(plan, graph))
    assert texts(page, "//*[@class='n']/text") == ["1"]
    assert "Sub in Order" in texts(page, "//h2")


def test_many_scenarios_keep_the_page_below_a_megabyte(make: SimpleNamespace) -> None:
    nodes = [make.node(f"n{index}", "task", f"Task number {index}") for index in range(120)]
    flows = [make.flow(f"f{index}", f"n{index}", f"n{index + 1}") for index in range(119)]
    path = [flow.id for flow in flows]
    many = [{"key": f"s{index}", "path": path, "visits": [node.id for node in nodes]} for index in range(400)]
    text = render_plan(plan_of(scenarios=many, size=400), make.graph(nodes, flows))
    assert len(text.encode()) < 1_000_000
    assert "No picture: the page would become too large." in text


def test_data_conflicts_and_both_sizes_are_shown_when_conditions_were_looked_at(drawn_graph: ControlFlowGraph) -> None:
    clash = [{"flow": "f3", "text": "${n > 5}", "holds": True}, {"flow": "f4", "text": "${n > 3}", "holds": False}]
    judged = {
        "process": "order", "structuralSize": 3, "feasibleSize": 2,
        "scenarios": [
            {"key": "yes", "status": "feasible", "data": {"n": 6}, "variants": [{}],
             "expects": [{"variable": "paid", "value": True, "at": "pay"}]},
            {"key": "no", "status": "unknown", "reason": "too hard"},
        ],
        "infeasible": [{"key": "both", "conflict": clash, "computed": ["n is set twice"]}],
        "lost": [{"id": "f6", "reason": "every run through it is impossible", "proven": True}],
        "variables": [{"name": "n", "class": "controlled", "origins": ["a form field"]}],
        "unreadable": [{"flow": "f4", "text": "x ~ y", "reason": "not a language we read"}],
        "assumptions": ["the first true condition wins"],
    }  # fmt: skip
    page = parse(render_plan(plan_of() | {"conditions": [judged]}, drawn_graph))
    said = " ".join(page.text_content().split())
    assert "3 by the shape of the process, 2 that data can drive." in said
    assert texts(page, "//tr[td='✓ data found']/td")[2:5] == ["n = 6", "paid = true at pay", "1"]
    assert "In stock? → Pay (yes): ${n > 5} must be true" in said
    assert "In stock? → Send rejection (no): ${n > 3} must be false" in said
    assert "These conditions exclude each other." in said
    assert texts(page, "//tr[td='proven']/td")[0] == "Send rejection → Refused"
    for part in ("a form field", "not a language we read", "the first true condition wins", "with n is set twice"):
        assert part in said


def test_a_run_across_pools_numbers_its_elements_in_firing_order(make: SimpleNamespace) -> None:
    there = {"container": "shop", "process_id": "shop"}
    graph = make.graph(
        [make.node("ask", "task", "Ask"), make.node("wait", "task", "Wait"), make.node("answer", "task", "Answer", **there)],
        [make.flow("f1", "ask", "wait")],
        participants=(Participant(id="p", name="Us", process_id="order"), Participant(id="q", name="Shop", process_id="shop")),
        message_flows=(
            MessageFlow(id="m1", name="question", source="ask", target="answer"),
            MessageFlow(id="m2", source="answer", target="wait"),
            MessageFlow(id="m3", source="q", target="ask"),
        ),
    )  # fmt: skip
    scenario = {
        "key": "talk", "kind": "loop", "of": "f1", "messages": ["m1", "m2"], "outside": ["m3"],
        "runs": {"order": {"path": ["f1"]}, "shop": {"path": []}},
        "order": [["order", "ask"], ["shop", "answer"], ["order", "wait"]],
    }  # fmt: skip
    together = {
        "processes": ["order", "shop"], "size": 2, "lowerBound": 1, "gap": 1, "scenarios": [scenario],
        "alone": [{"process": "order", "key": "solo", "why": "nobody answers"}],
    }  # fmt: skip
    calls = [{"elementId": "wait", "calls": "rest", "why": "no file has it"}]
    plan = {"containers": [], "suite": {"size": 2, "lowerBound": 1, "collaborations": [together], "calls": calls}}
    page = parse(render_plan(plan, graph))
    (block,) = page.xpath("//details[contains(@class,'scenario')]")
    assert texts(block, ".//*[@class='n']/text") == ["1", "2", "3"]
    assert texts(block, ".//ol/li") == ["Order: Ask", "Shop: Answer", "Order: Wait"]
    assert len(block.xpath(".//*[@class='sent']/use")) == 2
    said = " ".join(page.text_content().split())
    for part in (
        "2 scenarios across these processes; at least 1 are needed.",
        "For Loop taken 0, 1 and more times: Ask → Wait.",
        "Messages between the processes: question (Ask → Answer); Answer → Wait.",
        "Messages the tests send or receive: Shop → Ask.",
        "nobody answers",
        "Wait calls rest: no file has it",
    ):
        assert part in said


def test_hostile_names_stay_text(make: SimpleNamespace, drawn_graph: ControlFlowGraph) -> None:
    bad = "</style><script>alert(1)</script>\"'<img src=x onerror=alert(1)>"
    nodes = tuple(node.model_copy(update={"name": bad}) for node in drawn_graph.nodes)
    graph = drawn_graph.model_copy(update={"nodes": nodes})
    plan = plan_of(scenarios=[{**HAPPY, "key": bad}], unreachable=[{"id": bad, "why": bad}], assumptions=[bad])
    plan["file"] = bad
    page = parse(render_plan(plan, graph))
    assert len(page.xpath("//script")) == 1
    assert not page.xpath("//img")
    assert not [name for item in page.iter(etree.Element) for name in item.attrib if name.startswith("on")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["f1", "pay", "", "ghost"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "why", "key", "path", "visits", "scenarios", "count", "of"]), inner)
    ),
    max_leaves=8,
)
FIELDS = ["process", "container", "certificate", "scenarios", "additions", "unreachable", "assumptions", "size"]


@settings(max_examples=60, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_plans_of_any_shape_are_shown(order_graph_once: ControlFlowGraph, changes: dict[str, Any]) -> None:
    container = plan_of()["containers"][0] | changes
    text = render_plan({"containers": [container, 3, None]}, order_graph_once)
    assert text.startswith("<!DOCTYPE html>")


@pytest.fixture(scope="module")
def order_graph_once(make: SimpleNamespace) -> ControlFlowGraph:
    nodes = [make.node("start", "startEvent"), make.node("pay", "task", "Pay")]
    return make.graph(nodes, [make.flow("f1", "start", "pay")])


def test_the_fragment_styles_only_itself_and_holds_no_script(drawn_graph: ControlFlowGraph) -> None:
    fragment = plan_fragment(plan_of(), drawn_graph)
    page = parse(f"<div>{fragment}</div>")
    assert not page.xpath("//script")
    css = re.sub(r"@media[^{]*\{", "", "".join(texts(page, "//style")))
    selectors = [one.strip() for rule in re.findall(r"([^{}]+)\{", css) for one in rule.split(",")]
    assert all(one.startswith((".orc", ".orc-plan")) for one in selectors)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_and_shows_the_way_in_its_colour(
    drawn_graph: ControlFlowGraph, tmp_path: Path, open_page: Callable[..., Any], scheme: str
) -> None:
    page = open_page(write_plan(plan_of(), drawn_graph, tmp_path / "plan.html").as_uri(), color_scheme=scheme)
    assert len(page.requested) == 1
    assert page.troubles == []
    stroke = "e => getComputedStyle(e).stroke"
    assert page.eval_on_selector(".way", stroke) == ("rgb(10, 93, 194)" if scheme == "light" else "rgb(108, 182, 255)")
    box = page.locator("details[open] .way use").first.bounding_box()
    assert box["width"] > 10
    page.get_by_text("Open all scenarios").click()
    assert page.locator("details.scenario[open]").count() == 2


def test_without_scripts_each_scenario_still_opens(
    drawn_graph: ControlFlowGraph, tmp_path: Path, open_page: Callable[..., Any]
) -> None:
    address = write_plan(plan_of(), drawn_graph, tmp_path / "plan.html").as_uri()
    page = open_page(address, java_script_enabled=False)
    page.locator("details.scenario summary").nth(1).click()
    assert page.get_by_text("In stock? → Send rejection (no)").nth(1).is_visible()
