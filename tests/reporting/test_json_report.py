"""The JSON report follows its published schema."""

from __future__ import annotations

import json
from types import SimpleNamespace

import jsonschema_rs

from orchestra_kit.reporting.assembly import build_report
from orchestra_kit.reporting.json_report import render_json, report_schema
from orchestra_kit.reporting.report import RunFacts, SuiteReport


def test_the_report_is_valid_by_its_schema(report: SuiteReport) -> None:
    validator = jsonschema_rs.validator_for(report_schema())
    assert [error.message for error in validator.iter_errors(json.loads(render_json(report)))] == []


def test_the_schema_refuses_something_else(report: SuiteReport) -> None:
    validator = jsonschema_rs.validator_for(report_schema())
    document = json.loads(render_json(report))
    document["coverage"]["flows"]["ratio"] = 1.5
    assert not validator.is_valid(document)


def test_names_are_camel_case_and_facts_are_there(report: SuiteReport) -> None:
    document = json.loads(render_json(report))
    assert document["format"] == "orchestra-report/1"
    assert document["exitCode"] == 1
    assert document["counts"]["couldNotJudge"] == 1
    failing = document["runs"][1]["failing"]
    assert failing["elementId"] == "pay"
    assert failing["violation"]["whatToDo"].startswith("Response of POST /pay breaks")
    assert document["runs"][0]["steps"][2]["settlingTimeMs"] == 300
    assert "graph" not in document


def test_the_report_reads_back_as_the_same_value(report: SuiteReport) -> None:
    again = SuiteReport.model_validate_json(render_json(report))
    assert again == report.model_copy(update={"graph": None})


def test_half_a_character_from_a_broken_answer_does_not_break_the_report(make: SimpleNamespace) -> None:
    results = [make.result("reserve", 0, response_body={"odd\ud800": ["\udfff"]}, response_headers={"x": "\ud800"})]
    report = build_report([make.facts(make.steps, results)], generated_at=make.noon)
    render_json(report).encode()


def test_text_json_cannot_encode_does_not_break_the_report(happy_facts: RunFacts, make: SimpleNamespace) -> None:
    results = [make.result("reserve", 0, response_body={"odd": "\x00\x1b é 漢 \u2028"})]
    report = build_report([make.facts(make.steps, results)], generated_at=make.noon)
    document = json.loads(render_json(report))
    assert document["runs"][0]["steps"][0]["attempts"][0]["observed"]["body"] == {"odd": "\x00\x1b é 漢 \u2028"}
