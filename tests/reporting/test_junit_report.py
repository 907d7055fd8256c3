"""JUnit XML that test servers read: checked against the grammar of Jenkins' junit-10.xsd and by a round trip."""

from __future__ import annotations

import re
from types import SimpleNamespace

import junitparser
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from orchestra_kit.model import RunStatus, StepStatus, Violation, ViolationType
from orchestra_kit.reporting.assembly import build_report
from orchestra_kit.reporting.junit import render_junit
from orchestra_kit.reporting.report import RunFacts, SuiteReport

# Element -> (children, attributes, required attributes), read off the schema.
_RERUN = ({"stackTrace", "system-out", "system-err"}, {"message", "type"}, {"type"})
_OUTCOME: tuple[set[str], set[str], set[str]] = (set(), {"type", "message"}, set())
_PLAIN: tuple[set[str], set[str], set[str]] = (set(), set(), set())
_RERUNS = {"rerunFailure", "rerunError", "flakyFailure", "flakyError"}
GRAMMAR: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}, set()),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, {"name", "value"}),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"} | _RERUNS,
        {"name", "time", "classname", "group"},
        {"name"},
    ),
    **dict.fromkeys(_RERUNS, _RERUN),
    **dict.fromkeys(("failure", "error", "skipped"), _OUTCOME),
    **dict.fromkeys(("stackTrace", "system-out", "system-err"), _PLAIN),
}


def parse(text: str) -> etree._Element:
    root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False))
    for item in root.iter():
        children, allowed, required = GRAMMAR[str(item.tag)]
        assert {str(child.tag) for child in item} <= children
        assert required <= set(item.attrib) <= allowed
        if item.tag in ("testsuite", "testsuites"):
            assert re.fullmatch(r"\d+(\.\d*)?", item.get("time") or "")
    return root


def test_a_case_for_each_scenario_and_data_row(report: SuiteReport) -> None:
    root = parse(render_junit(report))
    cases = root.findall(".//testcase")
    assert [case.get("name") for case in cases] == ["happy[one]", "happy[two]", "retry", "down", "later"]
    assert {case.get("classname") for case in cases} == {"order"}
    assert cases[0].get("time") == "1.000"


def test_counts_stand_in_the_suite(report: SuiteReport) -> None:
    suite = parse(render_junit(report)).find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]
    assert suite.get("name") == "order-suite"
    properties = {item.get("name"): item.get("value") for item in suite.iter("property")}
    assert properties["coverage.flows"] == "0.6667"
    assert properties["exitCode"] == "1"


def test_a_violation_is_a_failure_with_step_expected_and_got(report: SuiteReport) -> None:
    failure = parse(render_junit(report)).find(".//testcase[@name='happy[two]']/failure")
    assert failure is not None and failure.text is not None
    assert failure.get("type") == "CONTRACT_VIOLATION"
    assert failure.get("message") == "Pay: required property 'status' is missing"
    compared = ('Expected: {"id": "p-1", "status": "PAID"}', 'Got: {"id": "p-1"}')
    for words in ("Step 2: Pay (pay)", "At: /lines/0", *compared, "What to do:"):
        assert words in failure.text


def test_what_could_not_be_judged_is_an_error_and_what_did_not_run_is_skipped(report: SuiteReport) -> None:
    root = parse(render_junit(report))
    error = root.find(".//testcase[@name='down']/error")
    skipped = root.find(".//testcase[@name='later']/skipped")
    assert error is not None and error.get("type") == "EXECUTION_ERROR"
    assert skipped is not None and skipped.get("message") == "scenario happy did not pass"


def test_attempts_before_a_pass_are_flaky_and_before_a_failure_reruns(
    report: SuiteReport, make: SimpleNamespace
) -> None:
    flaky = parse(render_junit(report)).find(".//testcase[@name='retry']/flakyFailure")
    assert flaky is not None and flaky.get("message") == "Reserve, attempt 1: expected 201, got 500"
    results = [make.result("reserve", 0, StepStatus.FAILED, attempt=n, violations=(make.breach,)) for n in (1, 2, 3)]
    failed = build_report([make.facts(make.steps, results, RunStatus.FAILED)], generated_at=make.noon)
    case = parse(render_junit(failed)).find(".//testcase")
    assert case is not None
    assert len(case.findall("rerunFailure")) == 2
    assert len(case.findall("failure")) == 1


def test_every_attempt_and_the_ids_of_a_run_stand_in_its_output(report: SuiteReport) -> None:
    output = parse(render_junit(report)).findtext(".//testcase[@name='retry']/system-out") or ""
    assert "[[PROPERTY|correlationId=corr-1]]" in output
    assert "[[PROPERTY|runId=run-3]]" in output
    assert "1. Reserve, attempt 1: FAILED, 40 ms, status 500" in output
    assert "1. Reserve, attempt 2: FLAKY, 40 ms, status 201" in output
    assert "settled after 900 ms" in output


def test_the_same_case_twice_gets_a_number(happy_facts: RunFacts, make: SimpleNamespace) -> None:
    report = build_report([happy_facts, happy_facts], generated_at=make.noon)
    names = [case.get("name") for case in parse(render_junit(report)).iter("testcase")]
    assert names == ["happy[one] #1", "happy[one] #2"]


def test_junitparser_reads_back_what_was_written(report: SuiteReport) -> None:
    read = junitparser.JUnitXml.fromstring(render_junit(report).encode())
    (suite,) = list(read)
    cases = list(suite)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (5, 1, 1, 1)
    assert [case.is_passed for case in cases] == [True, False, True, False, False]
    assert [case.is_failure for case in cases] == [False, True, False, False, False]
    assert [case.is_error for case in cases] == [False, False, False, True, False]
    assert cases[4].is_skipped


ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=40)


@settings(max_examples=80, deadline=None)
@given(title=ANY_TEXT, process=ANY_TEXT, suite=ANY_TEXT, name=ANY_TEXT, message=ANY_TEXT, row=ANY_TEXT, key=ANY_TEXT)
def test_any_text_gives_a_well_formed_file_without_blank_names(
    make: SimpleNamespace, title: str, process: str, suite: str, name: str, message: str, row: str, key: str
) -> None:
    violation = Violation(
        type=ViolationType.TIMEOUT, code=name, message=message, details={"expected": message, "actual": [name]}
    )
    results = [make.result("reserve", 0, StepStatus.FAILED, attempt=n, violations=(violation,)) for n in (1, 2)]
    steps = [make.step(0, "reserve", "reserve", (), name=name)]
    facts = make.facts(
        steps, results, RunStatus.FAILED, run={"data_row_key": row, "scenario_key": key, "correlation_id": name}
    )
    report = build_report([facts], title=title, process_key=process, suite_name=suite, generated_at=make.noon)
    root = parse(render_junit(report))
    for item in root.iter("testsuites", "testsuite", "testcase"):
        assert (item.get("name") or "").strip()
    assert all((case.get("classname") or "").strip() for case in root.iter("testcase"))


def test_a_huge_text_is_shortened_with_a_note(make: SimpleNamespace) -> None:
    violation = make.breach.model_copy(update={"message": "x" * 200_000})
    results = [make.result("reserve", 0, StepStatus.FAILED, violations=(violation,))]
    report = build_report([make.facts(make.steps, results, RunStatus.FAILED)], generated_at=make.noon)
    failure = parse(render_junit(report)).find(".//failure")
    assert failure is not None and failure.text is not None
    assert len(failure.text) < 25_000
    assert "shortened" in failure.text
