"""What a report says follows from what is recorded."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestra_kit.model import (
    BusinessRule,
    ControlFlowGraph,
    Expectations,
    HttpService,
    RowExpectation,
    RunStatus,
    StepStatus,
    Violation,
    ViolationType,
)
from orchestra_kit.reporting.advice import advise, circumstances_of, expected_of, pointer_of
from orchestra_kit.reporting.assembly import build_report, build_run_report, joint_verdict
from orchestra_kit.reporting.report import RunFacts, SuiteReport, Verdict


def test_verdicts_and_exit_code_of_one_run_of_each_kind(report: SuiteReport) -> None:
    assert [run.verdict for run in report.runs] == [
        Verdict.PASSED,
        Verdict.VIOLATIONS,
        Verdict.PASSED,
        Verdict.COULD_NOT_JUDGE,
        Verdict.NOT_RUN,
    ]
    assert report.verdict is Verdict.VIOLATIONS
    assert report.exit_code == 1
    counts = report.counts
    assert (counts.total, counts.passed, counts.violations, counts.could_not_judge, counts.not_run, counts.flaky) == (
        5, 2, 1, 1, 1, 1
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "exit_code"),
    [
        ([Verdict.PASSED, Verdict.PASSED], 0),
        ([Verdict.PASSED, Verdict.COULD_NOT_JUDGE], 3),
        ([Verdict.COULD_NOT_JUDGE, Verdict.VIOLATIONS, Verdict.NOT_RUN], 1),
        ([Verdict.PASSED, Verdict.NOT_RUN], 3),
        ([], 3),
    ],
)
def test_a_violation_found_outweighs_what_could_not_be_judged(verdicts: list[Verdict], exit_code: int) -> None:
    assert joint_verdict(verdicts).exit_code == exit_code


@pytest.mark.parametrize(
    "status", [RunStatus.CANCELLED, RunStatus.FAILED_STUCK, RunStatus.IN_PROGRESS, RunStatus.PENDING]
)
def test_a_run_that_did_not_end_by_itself_was_not_judged(happy_facts: RunFacts, status: RunStatus) -> None:
    facts = RunFacts(run=happy_facts.run.model_copy(update={"status": status}), plan=happy_facts.plan, results=())
    assert build_run_report(facts).verdict is Verdict.COULD_NOT_JUDGE


def test_a_failed_run_without_any_violation_was_not_judged(make: SimpleNamespace) -> None:
    assert build_run_report(make.facts(make.steps, [], RunStatus.FAILED)).verdict is Verdict.COULD_NOT_JUDGE


def test_the_failing_place_is_the_first_failed_step_with_its_element(report: SuiteReport) -> None:
    place = report.runs[1].failing
    assert place is not None and place.violation is not None
    assert (place.element_id, place.element_name, place.step_alias, place.order_index) == ("pay", "Pay", "pay", 1)
    assert place.violation.message == "required property 'status' is missing"
    assert place.violation.pointer == "/lines/0"
    assert place.violation.expected == {"id": "p-1", "status": "PAID"}


def test_the_first_violation_that_says_something_about_the_system_is_named(make: SimpleNamespace) -> None:
    unclear = Violation(type=ViolationType.EXECUTION_ERROR, code="x", message="unclear")
    failed = make.result("reserve", 0, StepStatus.FAILED, violations=(unclear, make.breach))
    run = build_run_report(make.facts(make.steps, [failed], RunStatus.FAILED))
    assert run.failing is not None and run.failing.violation is not None
    assert run.failing.violation.type is ViolationType.CONTRACT_VIOLATION
    assert run.verdict is Verdict.VIOLATIONS


def test_attempts_are_kept_in_order_and_the_last_one_counts(report: SuiteReport) -> None:
    step = report.runs[2].steps[0]
    assert [item.attempt for item in step.attempts] == [1, 2]
    assert step.status is StepStatus.FLAKY
    assert step.violations == ()
    assert step.duration_ms == 100
    assert report.runs[2].flaky


def test_the_timeline_starts_with_the_run(report: SuiteReport) -> None:
    assert [step.start_offset_ms for step in report.runs[0].steps] == [0, 100, 200]
    assert [step.duration_ms for step in report.runs[0].steps] == [40, 40, 40]
    assert report.runs[0].duration_ms == 1000


def test_settling_time_limit_and_looks_are_told(report: SuiteReport) -> None:
    step = report.runs[0].steps[2]
    assert (step.settling_time_ms, step.timeout_ms, step.polls) == (300, 2000, 4)


def test_a_step_without_result_tells_why(report: SuiteReport) -> None:
    skipped = report.runs[1].steps[2]
    assert skipped.status is StepStatus.SKIPPED
    assert skipped.reason == "The run ended before."
    assert [step.reason for step in report.runs[4].steps] == ["scenario happy did not pass"] * 3


def test_a_step_still_to_come_is_pending(make: SimpleNamespace) -> None:
    run = build_run_report(make.facts(make.steps, [make.result("reserve", 0)], RunStatus.IN_PROGRESS))
    assert [step.status for step in run.steps] == [StepStatus.PASSED, StepStatus.PENDING, StepStatus.PENDING]


def test_a_step_the_plan_does_not_know_is_shown_all_the_same(make: SimpleNamespace) -> None:
    run = build_run_report(make.facts([], [make.result("typed_by_hand", 7)]))
    assert [(step.alias, step.order_index, step.label) for step in run.steps] == [("typed_by_hand", 7, "typed_by_hand")]


def test_rounds_of_a_repeated_step_are_apart(make: SimpleNamespace) -> None:
    results = [make.result("reserve", 0), make.result("reserve", 0, iteration=1)]
    run = build_run_report(make.facts(make.steps[:1], results))
    assert [step.label for step in run.steps] == ["Reserve", "Reserve (round 2)"]


def test_reused_results_name_the_run_they_come_from(make: SimpleNamespace) -> None:
    run = build_run_report(make.facts(make.steps, [make.result("reserve", 0, origin_run_id="older")]))
    assert run.steps[0].reused_from_run == "older"
    assert run.steps[0].start_offset_ms == 0


def test_expectations_are_told_in_words(make: SimpleNamespace) -> None:
    expectations = Expectations(
        expected_status_code=(200, 201),
        business_rules=(BusinessRule(expr="response.body.total > 0", name="total"),),
        schema_refs=("#/x",),
        rows=RowExpectation(count=1, rows=({"state": "PAID"},), hold_ms=50),
        max_duration_ms=900,
    )
    run = build_run_report(make.facts([make.step(0, "pay", "pay", (), expectations=expectations)], []))
    assert [(item.kind, item.text) for item in run.steps[0].expected] == [
        ("status", "200 or 201"),
        ("contract", "the answer fits its interface description"),
        ("schema", "#/x"),
        ("rule", "total: response.body.total > 0"),
        ("rows", "exactly 1"),
        ("row (subset)", "state = 'PAID'"),
        ("rows", "still so after 50 ms"),
        ("duration", "at most 900 ms"),
    ]


def test_a_login_inside_a_service_address_is_not_shown(make: SimpleNamespace) -> None:
    service = HttpService(base_url="https://bob:hunter2@pay.test:8443/v1?token=hunter2")
    run = build_run_report(make.facts(make.steps, [], environment={"http_services": {"payments": service}}))
    assert run.environment.services == {"payments": "https://pay.test:8443/v1"}


def test_coverage_is_given_by_run_scenario_and_suite(report: SuiteReport) -> None:
    assert report.coverage is not None
    assert {item.scenario_key: item.runs for item in report.scenarios} == {
        "happy": 2,
        "retry": 1,
        "down": 1,
        "later": 1,
    }
    assert report.coverage.flows.covered == 4
    assert report.coverage.processes[0].missed_flows == ("f4", "f6")
    happy = report.scenarios[0].coverage
    assert happy.flows.covered == 4
    assert report.runs[4].coverage is not None and report.runs[4].coverage.flows.ratio == 0.0


def test_without_a_graph_there_is_no_coverage(happy_facts: RunFacts, make: SimpleNamespace) -> None:
    report = build_report([happy_facts], generated_at=make.noon)
    assert report.coverage is None
    assert report.title == "happy[one]"
    assert report.process_key


@pytest.mark.parametrize("kind", list(ViolationType))
def test_every_kind_of_violation_has_an_advice_that_names_its_place(make: SimpleNamespace, kind: ViolationType) -> None:
    around = circumstances_of(make.steps[0], "reserve", {"method": "post", "url": "http://h/reserve?x=1"}, "corr-9")
    sentence = advise(Violation(type=kind, code="c", message="m"), around)
    assert sentence.endswith(".")
    assert any(word in sentence for word in ("POST /reserve", "service payments", "step reserve"))


@pytest.mark.parametrize(
    ("actual", "words"),
    [(500, "correlation id corr-9"), (401, "login"), (404, "exists"), (409, "expectedStatusCode"), (None, "otherwise")],
)
def test_a_wrong_status_is_advised_by_its_class(make: SimpleNamespace, actual: int | None, words: str) -> None:
    around = circumstances_of(make.steps[0], "reserve", None, "corr-9")
    violation = Violation(type=ViolationType.HTTP_ERROR, code="status", message="m", details={"actual": actual})
    assert words in advise(violation, around)


def test_a_missing_property_is_named_with_its_place_in_the_document(make: SimpleNamespace) -> None:
    around = circumstances_of(make.steps[0], "reserve", {"method": "POST", "url": "http://h/payments"}, "corr-9")
    details = {"pointer": "", "keyword": "required", "expected": "status", "got": {}, "schemaPointer": "#/required"}
    violation = Violation(type=ViolationType.CONTRACT_VIOLATION, code="RESPONSE_SCHEMA", message="m", details=details)
    assert advise(violation, around) == (
        "Response of POST /payments lacks `status`: compare service payments with its interface description (#/required), "
        "and correct what is wrong."
    )
    assert expected_of(violation) == {"required": "status"}


def test_one_expected_status_is_shown_as_itself() -> None:
    violation = Violation(type=ViolationType.HTTP_ERROR, code="s", message="m", details={"expected": [201], "got": 500})
    assert expected_of(violation) == 201


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("INPUT_NOT_RESOLVED", "Correct the definition"),
        ("TARGET_UNREACHABLE", "Start"),
        ("ROWS_TRUNCATED", "Narrow"),
        ("secret", "Store the secret"),
        ("egress", "egress list"),
        ("refused", "Start service payments"),
        ("odd", "run again"),
    ],
)
def test_what_could_not_be_judged_is_advised_by_its_cause(make: SimpleNamespace, code: str, words: str) -> None:
    around = circumstances_of(make.steps[0], "reserve", None, "corr-9")
    assert words in advise(Violation(type=ViolationType.EXECUTION_ERROR, code=code, message="m"), around)


@pytest.mark.parametrize(
    ("details", "pointer"),
    [
        ({"pointer": "/a/0"}, "/a/0"),
        ({"path": ["a/b", 0, "c~"]}, "/a~1b/0/c~0"),
        ({"instancePath": ""}, ""),
        ({"path": "$.a"}, None),
        ({}, None),
    ],
)
def test_the_place_in_the_body_is_read_from_the_details(details: dict[str, object], pointer: str | None) -> None:
    violation = Violation(type=ViolationType.CONTRACT_VIOLATION, code="c", message="m", details=details)
    assert pointer_of(violation) == pointer


def test_the_order_of_runs_is_kept(
    every_facts: list[RunFacts], order_graph: ControlFlowGraph, make: SimpleNamespace
) -> None:
    report = build_report(every_facts, graph=order_graph, generated_at=make.noon)
    assert [run.run_id for run in report.runs] == ["run-1", "run-2", "run-3", "run-4", "run-5"]
