"""Coverage bugs that users of other tools reported, each by its number there: the behaviour they asked for holds here.

`pcov` is camunda-community-hub/camunda-process-test-coverage, `camunda` is camunda/camunda.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from lxml import html

from orchestra_kit.model import ControlFlowGraph, Loop, Participant, ProcessSummary, StepKind
from orchestra_kit.reporting.assembly import build_report
from orchestra_kit.reporting.html import render_html
from orchestra_kit.reporting.report import Coverage, ProcessCoverage, RunFacts, SuiteReport
from orchestra_kit.reporting.statuses import ElementStatus, statuses_of_runs

Make = SimpleNamespace


def report_of(make: Make, *facts: RunFacts, **more: Any) -> SuiteReport:
    return build_report(list(facts), generated_at=make.noon, **more)


def coverage_of(report: SuiteReport) -> Coverage:
    assert report.coverage is not None
    shares = [report.coverage, *(item.coverage for item in report.scenarios), *(run.coverage for run in report.runs)]
    for share in shares:
        assert share is not None
        for count in (share.nodes, share.flows, *(part.nodes for part in share.processes)):
            assert 0 <= count.covered <= count.total
            assert 0 <= count.ratio <= 1
    return report.coverage


def process(report: SuiteReport, process_id: str, model: str = "") -> ProcessCoverage:
    found = [item for item in coverage_of(report).processes if (item.process_id, item.model) == (process_id, model)]
    assert len(found) == 1
    return found[0]


def walk(make: Make, *elements: tuple[str, tuple[str, ...]], end: tuple[str, ...] = (), **more: Any) -> RunFacts:
    """A passed run whose steps play these elements after these flows."""
    steps = [make.step(index, f"s{index}", element, flows) for index, (element, flows) in enumerate(elements)]
    results = [make.result(f"s{index}", index) for index in range(len(steps))]
    scenario = {"end_flow_ids": end, **more.pop("scenario", {})}
    return make.facts(steps, results, scenario=scenario, **more)


def two_processes(make: Make, **second: Any) -> ControlFlowGraph:
    """Process `order` start > work > end, and process `other` with a choice of two ways."""
    there = {"container": "other", "process_id": "other"}
    nodes = [
        make.node("start", "startEvent"), make.node("work", "task"), make.node("end", "endEvent"),
        make.node("begin", "startEvent", **there), make.node("choice", "exclusiveGateway", **there),
        make.node("left", "task", **there), make.node("right", "task", **there),
    ]  # fmt: skip
    flows = [
        make.flow("f1", "start", "work"), make.flow("f2", "work", "end"),
        make.flow("g1", "begin", "choice", **there), make.flow("g2", "choice", "left", **there),
        make.flow("g3", "choice", "right", **there),
    ]  # fmt: skip
    processes = (
        ProcessSummary(id="order", name="Order", is_executable=True),
        ProcessSummary(id="other", name="Other", **{"is_executable": True, **second}),
    )
    return make.graph(nodes, flows, processes=processes)


def test_pcov_17_multi_instance_bodies_do_not_lift_the_ratio_above_one(make: Make) -> None:
    graph = make.graph(
        [
            make.node("start", "startEvent"),
            make.node("each", "subProcess", loop=Loop(kind="parallel")),
            make.node("in", "startEvent", container="each"),
            make.node("work", "task", container="each", loop=Loop(kind="sequential")),
            make.node("end", "endEvent"),
        ],
        [
            make.flow("f1", "start", "each"),
            make.flow("i1", "in", "work", container="each"),
            make.flow("f2", "each", "end"),
        ],
    )
    steps = [make.step(0, "work", "work", ("f1", "i1", "i1", "i1"))]
    results = [make.result("work", 0, iteration=number) for number in range(5)]
    report = report_of(make, make.facts(steps, results, scenario={"end_flow_ids": ("f2",)}), graph=graph)
    covered = process(report, "order")
    assert (covered.nodes.covered, covered.nodes.total) == (5, 5)
    assert (covered.flows.covered, covered.flows.total) == (3, 3)
    assert report.runs[0].walks["i1"] == 3  # walked three times, covered once


def test_pcov_338_many_tests_and_stubs_of_called_processes_do_not_lift_the_ratio_above_one(make: Make) -> None:
    graph = make.graph(
        [make.node("start", "startEvent"), make.node("call", "callActivity", called_element="child")],
        [make.flow("f1", "start", "call")],
    )
    runs = [
        walk(make, ("call", ("f1",)), (f"stub-{number}", (f"stub-flow-{number}",)), key=f"case-{number}")
        for number in range(12)
    ]
    report = report_of(make, *runs, graph=graph)
    covered = process(report, "order")
    assert covered.nodes.ratio == covered.flows.ratio == 1.0
    assert (covered.nodes.covered, covered.flows.covered) == (2, 1)
    assert len(report.scenarios) == 12


def test_pcov_182_link_throw_events_count_and_are_shown(make: Make) -> None:
    link = {"event_definitions": ("link",)}
    graph = make.graph(
        [
            make.node("start", "startEvent"),
            make.node("out", "intermediateThrowEvent", "On", **link),
            make.node("in", "intermediateCatchEvent", "On", **link),
            make.node("work", "task"),
        ],
        [make.flow("f1", "start", "out"), make.flow("f2", "in", "work")],
    )
    report = report_of(make, walk(make, ("work", ("f1", "f2"))), graph=graph)
    assert process(report, "order").nodes.ratio == 1.0
    statuses = statuses_of_runs(report.runs, graph)
    assert {statuses["out"], statuses["in"]} == {ElementStatus.PASSED}


def test_pcov_22_parts_that_are_not_executable_do_not_lower_the_ratio_and_are_named(make: Make) -> None:
    graph = two_processes(make, is_executable=False)
    report = report_of(make, walk(make, ("work", ("f1",)), end=("f2",)), graph=graph)
    total = coverage_of(report)
    assert total.flows.ratio == total.nodes.ratio == 1.0
    other = process(report, "other")
    assert not other.counted
    assert other.reason == "it is not executable, and no scenario leads through it"
    page = html.fromstring(render_html(report))
    (row,) = page.xpath("//tr[td='Other']")
    assert "no: it is not executable" in row.text_content()


def test_pcov_22_elements_no_run_can_take_do_not_lower_the_ratio_and_are_named(make: Make) -> None:
    nodes = [make.node(name, kind) for name, kind in (("start", "startEvent"), ("work", "task"))]
    nodes += [make.node("island", "task", "Island"), make.node("hut", "task")]
    nodes += [make.node("den", "subProcess"), make.node("deep", "task", container="den")]
    flows = [
        make.flow("f1", "start", "work"), make.flow("lost", "work", "nowhere"), make.flow("r1", "island", "hut"),
        make.flow("r2", "hut", "island"), make.flow("r3", "hut", "den"), make.flow("r4", "den", "hut"),
    ]  # fmt: skip
    graph = make.graph(nodes, flows)
    report = report_of(make, walk(make, ("work", ("f1",))), graph=graph)
    found = process(report, "order")
    assert (found.nodes.total, found.flows.total) == (2, 1)
    assert {item.id: item.why for item in found.left_out} == {
        "island": "no start leads to it",
        "hut": "no start leads to it",
        "den": "no start leads to it",
        "deep": "it is inside 'den', to which no start leads",
        "lost": "its target 'nowhere' is no element of the process",
        "r1": "its source 'island' cannot be reached",
        "r2": "its source 'hut' cannot be reached",
        "r3": "its source 'hut' cannot be reached",
        "r4": "its source 'den' cannot be reached",
    }
    assert "Island: no start leads to it" in html.fromstring(render_html(report)).text_content()


def test_what_was_walked_counts_even_if_no_start_seems_to_lead_there(make: Make) -> None:
    graph = make.graph(
        [make.node("a", "task"), make.node("b", "task")], [make.flow("f1", "a", "b"), make.flow("f2", "b", "a")]
    )
    found = process(report_of(make, walk(make, ("b", ("f1",))), graph=graph), "order")
    assert (found.nodes.covered, found.nodes.total) == (2, 2)
    assert [item.id for item in found.left_out] == ["f2"]


@pytest.mark.parametrize("kind", ["boundaryEvent", "compensation", "eventSubProcess", "adHoc", "link"])
def test_what_has_to_be_provoked_is_not_left_out(make: Make, kind: str) -> None:
    nodes = [make.node("start", "startEvent"), make.node("work", "task")]
    if kind == "boundaryEvent":
        nodes.append(make.node("x", "boundaryEvent", attached_to="work", event_definitions=("timer",)))
    elif kind == "compensation":
        nodes.append(make.node("x", "task", extensions={"isForCompensation": True}))
    elif kind == "eventSubProcess":
        nodes += [
            make.node("sub", "subProcess", triggered_by_event=True),
            make.node("x", "startEvent", container="sub"),
        ]
    elif kind == "adHoc":
        nodes += [make.node("sub", "adHocSubProcess"), make.node("x", "task", container="sub")]
    else:
        nodes.append(make.node("x", "intermediateCatchEvent", event_definitions=("link",)))
    graph = make.graph(
        [*nodes, make.node("y", "endEvent")], [make.flow("f1", "start", "work"), make.flow("f2", "x", "y")]
    )
    if kind in ("eventSubProcess", "adHoc"):
        graph = graph.model_copy(update={"flows": graph.flows[:1]})
    found = process(report_of(make, walk(make, ("work", ("f1",))), graph=graph), "order")
    assert found.left_out == ()
    assert "x" in found.missed_nodes


def test_pcov_80_each_process_of_a_file_has_its_own_numbers_and_shows_what_passed(make: Make) -> None:
    graph = two_processes(make)
    first = walk(make, ("work", ("f1",)), end=("f2",), key="first")
    second = walk(make, ("left", ("g1", "g2")), key="second")
    report = report_of(make, first, second, graph=graph)
    assert process(report, "order").flows.ratio == 1.0
    assert process(report, "other").flows.covered == 2
    alone = {run.scenario_key: run.coverage for run in report.runs}
    assert alone["first"] is not None
    assert {item.process_id: item.flows.covered for item in alone["first"].processes} == {"order": 2, "other": 0}
    statuses = statuses_of_runs(report.runs, graph)
    assert statuses["work"] is statuses["left"] is ElementStatus.PASSED
    assert statuses["right"] is ElementStatus.NOT_COVERED
    page = html.fromstring(render_html(report))
    assert [row.xpath("string(td[1])") for row in page.xpath("//tr[td[4]='yes'][count(td)=4]")] == ["Order", "Other"]


def test_pcov_35_pools_count_each_by_itself_and_a_black_box_not_at_all(make: Make) -> None:
    pools = (
        Participant(id="p1", name="Shop", process_id="order"),
        Participant(id="p2", name="Bank", process_id="other"),
        Participant(id="p3", name="Customer"),
    )
    graph = two_processes(make).model_copy(update={"participants": pools, "processes": ()})
    both = walk(make, ("work", ("f1",)), ("right", ("g1", "g3")), end=("f2",))
    report = report_of(make, both, graph=graph)
    assert {item.name: (item.flows.covered, item.flows.total) for item in coverage_of(report).processes} == {
        "Shop": (2, 2),
        "Bank": (2, 3),
    }
    assert (report.coverage or coverage_of(report)).flows.ratio == pytest.approx(4 / 5)


def test_pcov_35_two_files_in_one_report_are_two_models(make: Make) -> None:
    shop = make.graph([make.node("a", "task"), make.node("b", "task")], [make.flow("f1", "a", "b")])
    bank = make.graph(
        [make.node("a", "task"), make.node("b", "task"), make.node("c", "task")],
        [make.flow("f1", "a", "b"), make.flow("f2", "b", "c")],
    )
    one = walk(make, ("b", ("f1",)), scenario={"suite_id": "shop"}, key="shop")
    two = walk(make, ("c", ("f2",)), scenario={"suite_id": "bank"}, key="bank")
    report = report_of(make, one, two, graphs={"shop": shop, "bank": bank})
    assert process(report, "order", "shop").flows.ratio == 1.0
    assert (process(report, "order", "bank").covered_flows, process(report, "order", "bank").flows.total) == (
        ("f2",),
        2,
    )
    assert coverage_of(report).flows.ratio == pytest.approx(2 / 3)
    page = html.fromstring(render_html(report))
    assert len(page.xpath("//div[@class='figure' and starts-with(@id,'picture')]")) == 2


def test_two_suites_of_one_model_count_together_once(make: Make) -> None:
    graph = two_processes(make)
    one = walk(make, ("left", ("g1", "g2")), scenario={"suite_id": "one"}, key="a")
    two = walk(make, ("right", ("g1", "g3")), scenario={"suite_id": "two"}, key="b")
    report = report_of(make, one, two, graphs={"one": graph, "two": graph.model_copy()})
    assert process(report, "other").flows.ratio == 1.0
    assert report.walks[""]["g1"] == 2


def test_pcov_291_branches_of_a_called_process_do_not_lower_the_ratio_of_the_caller(make: Make) -> None:
    graph = two_processes(make)
    calls = graph.nodes[1].model_copy(update={"type": "callActivity", "called_element": "other"})
    graph = graph.model_copy(update={"nodes": (graph.nodes[0], calls, *graph.nodes[2:])})
    first = walk(make, ("work", ("f1",)), ("left", ("g1", "g2")), end=("f2",), key="first")
    second = walk(make, ("work", ("f1",)), ("right", ("g1", "g3")), end=("f2",), key="second")
    report = report_of(make, first, second, graph=graph)
    for run in report.runs:
        assert run.coverage is not None
        caller = next(item for item in run.coverage.processes if item.process_id == "order")
        called = next(item for item in run.coverage.processes if item.process_id == "other")
        assert caller.flows.ratio == caller.nodes.ratio == 1.0
        assert called.flows.ratio == pytest.approx(2 / 3)
    assert coverage_of(report).flows.ratio == coverage_of(report).nodes.ratio == 1.0


def test_pcov_291_a_called_process_that_is_mocked_does_not_lower_the_total(make: Make) -> None:
    report = report_of(make, walk(make, ("work", ("f1",)), end=("f2",)), graph=two_processes(make))
    assert coverage_of(report).flows.ratio == 1.0
    assert process(report, "other").reason == "no scenario leads through it"


def test_camunda_61552_a_stub_of_the_same_process_id_never_mixes_with_the_real_model(make: Make) -> None:
    names = [f"n{number}" for number in range(152)]
    flows = [make.flow(f"f{number}", names[number], names[number + 1]) for number in range(151)]
    real = make.graph([make.node(name, "task") for name in names], flows)
    stub = make.graph(
        [make.node(name, kind) for name, kind in (("n0", "startEvent"), ("phantom", "task"), ("n1", "endEvent"))],
        [make.flow("f0", "n0", "phantom"), make.flow("s1", "phantom", "n1")],
    )
    whole = walk(make, (names[-1], tuple(flow.id for flow in flows)), scenario={"suite_id": "real"}, key="whole")
    mocked = walk(make, ("phantom", ("f0",)), end=("s1",), scenario={"suite_id": "stub"}, key="mocked")
    for order in ((whole, mocked), (mocked, whole)):
        report = report_of(make, *order, graphs={"real": real, "stub": stub})
        assert process(report, "order", "real").nodes.total == 152
        assert "phantom" not in process(report, "order", "real").covered_nodes
        assert process(report, "order", "stub").nodes.total == 3
        assert coverage_of(report).nodes.ratio == 1.0


def test_camunda_47653_elements_inside_an_ad_hoc_sub_process_count_and_are_shown(make: Make) -> None:
    graph = make.graph(
        [
            make.node("start", "startEvent"),
            make.node("free", "adHocSubProcess"),
            *(make.node(name, "task", container="free") for name in ("call", "mail", "visit")),
            make.node("end", "endEvent"),
        ],
        [make.flow("f1", "start", "free"), make.flow("f2", "free", "end")],
    )
    inner = "free#innerInstance"  # what an engine adds at run time is no element of the model
    facts = walk(make, ("call", ("f1",)), (inner, ()), ("mail", ()), end=("f2",))
    report = report_of(make, facts, graph=graph)
    found = process(report, "order")
    assert set(found.covered_nodes) == {"start", "free", "call", "mail", "end"}
    assert found.missed_nodes == ("visit",)
    assert found.nodes.ratio == pytest.approx(5 / 6)  # not all was done: not 100 %
    statuses = statuses_of_runs(report.runs, graph)
    assert statuses["call"] is statuses["mail"] is ElementStatus.PASSED
    assert statuses["visit"] is ElementStatus.NOT_COVERED


def test_walks_count_each_time_and_joins_fire_once_for_all_their_tokens(make: Make) -> None:
    graph = make.graph(
        [
            make.node("start", "startEvent"), make.node("split", "parallelGateway"), make.node("a", "task"),
            make.node("b", "task"), make.node("join", "parallelGateway"), make.node("merge", "exclusiveGateway"),
        ],
        [
            make.flow("f1", "start", "split"), make.flow("f2", "split", "a"), make.flow("f3", "split", "b"),
            make.flow("f4", "a", "join"), make.flow("f5", "b", "join"), make.flow("f6", "join", "merge"),
            make.flow("f7", "merge", "merge"),
        ],
    )  # fmt: skip
    path = ("f1", "f2", "f4", "f3", "f5", "f6", "f7", "f7")
    report = report_of(make, walk(make, ("merge", path)), walk(make, ("a", ("f1", "f2"))), graph=graph)
    walks = report.walks[""]
    assert (walks["f1"], walks["f7"], walks["f3"]) == (2, 2, 1)
    assert (walks["split"], walks["join"], walks["merge"], walks["a"]) == (2, 1, 3, 2)


def test_the_heat_map_writes_its_numbers_at_elements_and_flows(make: Make) -> None:
    graph = make.graph([make.node("a", "task"), make.node("b", "task")], [make.flow("f1", "a", "b", "go")])
    again = make.step(0, "s0", "b", ("f1", "f1"))
    facts = make.facts([again], [make.result("s0", 0)])
    page = html.fromstring(render_html(report_of(make, facts, walk(make, ("b", ("f1",))), graph=graph)))
    badges = [item.text_content() for item in page.xpath("//div[@id='picture']//*[starts-with(@class,'badge')]")]
    assert sorted(badges) == ["3×", "3×", "3×"]  # a, b and the flow between


def test_an_observation_covers_like_any_step_that_passed(make: Make) -> None:
    graph = make.graph([make.node("a", "task"), make.node("b", "task")], [make.flow("f1", "a", "b")])
    step = make.step(0, "look", "b", ("f1",), kind=StepKind.ASSERTION)
    report = report_of(make, make.facts([step], [make.result("look", 0)]), graph=graph)
    assert coverage_of(report).nodes.ratio == 1.0
