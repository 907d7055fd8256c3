"""Coverage comes from recorded results alone and is always a share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.model import ControlFlowGraph, RunStatus, StepKind, StepStatus, Violation, ViolationType
from orchestra_kit.reporting.assembly import build_report
from orchestra_kit.reporting.coverage import covered_elements, measure, planned_elements, taken_flows
from orchestra_kit.reporting.report import RunFacts
from orchestra_kit.reporting.statuses import ElementStatus, heat_of_runs, statuses_of_run, statuses_of_runs


def test_a_passed_run_covers_its_path_up_to_the_end(happy_facts: RunFacts, order_graph: ControlFlowGraph) -> None:
    assert taken_flows(happy_facts) == ("f1", "f2", "f3", "f5")
    assert covered_elements(happy_facts, order_graph) == {
        "start",
        "reserve",
        "gw",
        "pay",
        "done",
        "f1",
        "f2",
        "f3",
        "f5",
    }


def test_an_answered_action_is_covered_even_when_the_answer_is_wrong(
    failing_facts: RunFacts, order_graph: ControlFlowGraph
) -> None:
    covered = covered_elements(failing_facts, order_graph)
    assert {"pay", "f2", "f3"} <= covered
    assert "f5" not in covered
    assert "done" not in covered


def test_a_failed_assertion_proves_nothing(make: SimpleNamespace, order_graph: ControlFlowGraph) -> None:
    steps = [
        make.step(0, "reserve", "reserve", ("f1",)),
        make.step(1, "mail", "reject", ("f2", "f4"), kind=StepKind.ASSERTION),
    ]
    results = [make.result("reserve", 0), make.result("mail", 1, StepStatus.FAILED, violations=(make.breach,))]
    facts = make.facts(steps, results, RunStatus.FAILED)
    assert covered_elements(facts, order_graph) == {"start", "reserve", "f1"}


@pytest.mark.parametrize("kind", [ViolationType.EXECUTION_ERROR, ViolationType.VALIDATION_ERROR])
def test_an_action_that_was_not_answered_covers_nothing(
    make: SimpleNamespace, order_graph: ControlFlowGraph, kind: ViolationType
) -> None:
    trouble = Violation(type=kind, code="x", message="x")
    facts = make.facts(
        make.steps, [make.result("reserve", 0, StepStatus.FAILED, violations=(trouble,))], RunStatus.FAILED
    )
    assert covered_elements(facts, order_graph) == frozenset()


def test_only_the_last_attempt_counts(flaky_facts: RunFacts, order_graph: ControlFlowGraph) -> None:
    assert "done" in covered_elements(flaky_facts, order_graph)


def test_the_flows_after_the_last_step_count_only_when_it_passed(
    make: SimpleNamespace, order_graph: ControlFlowGraph
) -> None:
    results = [make.result("reserve", 0), make.result("pay", 1), make.result("ledger", 2, StepStatus.FAILED)]
    facts = make.facts(make.steps, results, RunStatus.FAILED, scenario={"end_flow_ids": ("f5",)})
    assert "f5" not in taken_flows(facts)


def test_ids_that_are_not_in_the_graph_do_not_count(make: SimpleNamespace, order_graph: ControlFlowGraph) -> None:
    steps = [make.step(0, "reserve", "ghost", ("f1", "gone", "gone"))]
    facts = make.facts(steps, [make.result("reserve", 0)])
    assert covered_elements(facts, order_graph) == {"start", "reserve", "f1"}


def test_an_element_inside_a_sub_process_covers_the_sub_process_and_a_boundary_event_its_host(
    make: SimpleNamespace,
) -> None:
    graph = make.graph(
        [
            make.node("sub", "subProcess"),
            make.node("deep", "subProcess", container="sub"),
            make.node("work", "task", container="deep"),
            make.node("late", "boundaryEvent", attached_to="sub"),
            make.node("sorry", "task"),
        ],
        [make.flow("f", "late", "sorry")],
    )
    inside = make.facts([make.step(0, "work", "work", ())], [make.result("work", 0)])
    assert covered_elements(inside, graph) == {"work", "deep", "sub"}
    outside = make.facts([make.step(0, "sorry", "sorry", ("f",))], [make.result("sorry", 0)])
    assert covered_elements(outside, graph) == {"f", "late", "sorry", "sub"}


def test_processes_no_scenario_leads_through_do_not_lower_the_total(
    make: SimpleNamespace, order_graph: ControlFlowGraph, happy_facts: RunFacts
) -> None:
    other = [make.node("x", "task", container="other", process_id="other")]
    graph = order_graph.model_copy(update={"nodes": (*order_graph.nodes, *other)})
    report = build_report([happy_facts], graph=graph, generated_at=make.noon)
    assert report.coverage is not None
    assert report.coverage.nodes.total == 7
    assert {item.process_id: item.planned for item in report.coverage.processes} == {"order": True, "other": False}


IDS = st.sampled_from(["start", "reserve", "gw", "pay", "f1", "f2", "f3", "f4", "f5", "f6", "ghost", ""])


@settings(max_examples=150, deadline=None)
@given(
    plan=st.lists(st.tuples(IDS, st.lists(IDS, max_size=5)), min_size=1, max_size=5),
    recorded=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(list(StepStatus)), st.integers(1, 3), st.integers(0, 3))
    ),
    ends=st.lists(IDS, max_size=4),
)
def test_coverage_is_a_share_whatever_is_recorded(
    make: SimpleNamespace,
    plan: list[tuple[str, list[str]]],
    recorded: list[tuple[int, StepStatus, int, int]],
    ends: list[str],
) -> None:
    graph = make.graph(
        [make.node(name, "task") for name in ("start", "reserve", "gw", "pay")],
        [make.flow("f1", "start", "reserve"), make.flow("f2", "reserve", "gw"), make.flow("f3", "gw", "nowhere")],
    )
    steps = [make.step(index, f"s{index}", element, tuple(flows)) for index, (element, flows) in enumerate(plan)]
    results = [
        make.result(f"s{index}", index, status, attempt=attempt, iteration=iteration)
        for index, status, attempt, iteration in recorded
    ]
    facts = make.facts(steps, results, RunStatus.FAILED, scenario={"end_flow_ids": tuple(ends)})
    coverage = measure(graph, covered_elements(facts, graph), planned_elements(facts))
    for count in (coverage.nodes, coverage.flows, *(item.nodes for item in coverage.processes)):
        assert 0 <= count.covered <= count.total
        assert 0 <= count.ratio <= 1
    report = build_report([facts, facts], graph=graph, generated_at=make.noon)
    assert report.coverage == coverage


def test_more_runs_never_cover_less(
    every_facts: list[RunFacts], order_graph: ControlFlowGraph, make: SimpleNamespace
) -> None:
    sizes = []
    for number in range(1, len(every_facts) + 1):
        report = build_report(every_facts[:number], graph=order_graph, generated_at=make.noon)
        assert report.coverage is not None
        sizes.append(report.coverage.flows.covered)
    assert sizes == sorted(sizes)


def test_statuses_of_a_run_tell_covered_failed_unreached_and_elsewhere(
    failing_facts: RunFacts, order_graph: ControlFlowGraph, make: SimpleNamespace
) -> None:
    planned = failing_facts.plan.scenario.model_copy(update={"end_flow_ids": ("f5",)})
    facts = RunFacts(
        run=failing_facts.run,
        plan=failing_facts.plan.model_copy(update={"scenario": planned}),
        results=failing_facts.results,
    )
    (run,) = build_report([facts], graph=order_graph, generated_at=make.noon).runs
    statuses = statuses_of_run(run, order_graph)
    assert statuses["reserve"] is ElementStatus.PASSED
    assert statuses["pay"] is ElementStatus.FAILED
    assert statuses["done"] is ElementStatus.SKIPPED
    assert statuses["reject"] is ElementStatus.NOT_COVERED


def test_statuses_of_several_runs_show_the_worst(
    every_facts: list[RunFacts], order_graph: ControlFlowGraph, make: SimpleNamespace
) -> None:
    runs = build_report(every_facts, graph=order_graph, generated_at=make.noon).runs
    statuses = statuses_of_runs(runs, order_graph)
    assert statuses["pay"] is ElementStatus.FAILED
    assert statuses["reserve"] is ElementStatus.UNJUDGED
    assert statuses["f5"] is ElementStatus.PASSED
    assert statuses["refused"] is ElementStatus.NOT_COVERED
    heat, counts = heat_of_runs(runs)
    assert counts["f1"] == "3×"
    assert heat["f1"] == 1.0
    assert heat["f5"] == pytest.approx(2 / 3)


def test_a_sub_process_shows_the_failure_inside_it(make: SimpleNamespace) -> None:
    graph = make.graph([make.node("sub", "subProcess"), make.node("work", "task", container="sub")], [])
    results = [make.result("work", 0, StepStatus.FAILED, violations=(make.breach,))]
    facts = make.facts([make.step(0, "work", "work", ())], results, RunStatus.FAILED)
    (run,) = build_report([facts], graph=graph, generated_at=make.noon).runs
    assert statuses_of_run(run, graph)["sub"] is ElementStatus.FAILED
