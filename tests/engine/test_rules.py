"""Business rules: what a false one says, and whose fault it is when one cannot be evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_kit.engine.judging import judge_rules
from orchestra_kit.engine.programs import read_formula
from orchestra_kit.model import BusinessRule, Violation, ViolationType

BODY = {"total": 12, "state": "OPEN", "items": [{"qty": 1}, {"qty": 0}], "customer": None, "name": "Ann"}


def judge(rule: Any, body: Any = None, found: list[Violation] | None = None, **scope: Any) -> list[Violation]:
    made = BusinessRule.model_validate(rule)
    view = {"status": 200, "headers": {}, "body": BODY if body is None else body}
    return judge_rules(((made, read_formula(made.expr)),), {"response": view, **scope}, found or [])


def test_a_rule_that_holds_says_nothing() -> None:
    assert judge("response.body.total == 12 && response.status < 300") == []


@pytest.mark.parametrize(
    ("rule", "of", "operator", "expected", "got"),
    [
        ("response.body.total == 10", "response.body.total", "==", 10, 12),
        ("10 == response.body.total", "response.body.total", "==", 10, 12),
        ("response.body.total < 5", "response.body.total", "<", 5, 12),
        ("5 > response.body.total", "response.body.total", "<", 5, 12),
        ("response.body.state != 'OPEN'", "response.body.state", "!=", "OPEN", "OPEN"),
        ("response.status == 200 && response.body.total == data.sum", "response.body.total", "==", 11, 12),
        ("size(response.body.items) >= 3", "size(response.body.items)", ">=", 3, 2),
    ],
)
def test_a_false_comparison_tells_expected_and_got(rule: str, of: str, operator: str, expected: Any, got: Any) -> None:
    found = judge(rule, data={"sum": 11})
    assert [(item.type.value, item.code) for item in found] == [("BUSINESS_RULE_VIOLATION", "RULE_FALSE")]
    details = found[0].details
    assert (details["of"], details["operator"]) == (of, operator)
    assert (details["expected"], details["got"]) == (expected, got)
    assert details["rule"] == rule
    assert of in found[0].message


def test_a_false_rule_shows_the_values_it_refers_to() -> None:
    found = judge("response.body.items.exists(i, i.qty > data.most)", data={"most": 5})
    assert found[0].details["values"] == {"response.body.items": BODY["items"], "data.most": 5}
    assert "data.most is 5" in found[0].message


def test_name_and_message_of_a_rule_lead_its_violation() -> None:
    found = judge({"expr": "response.body.total == 1", "name": "total", "message": "the total is wrong"})
    assert found[0].message == "the total is wrong: response.body.total is 12, expected 1."
    assert found[0].details["name"] == "total"


def test_a_missing_field_is_the_answers_fault_and_names_the_nearest() -> None:
    found = judge("response.body.totl == 12")
    assert [(item.type.value, item.code) for item in found] == [("BUSINESS_RULE_VIOLATION", "RULE_NOT_EVALUABLE")]
    assert found[0].details["missing"] == "response.body.totl"
    assert "'total'" in found[0].details["hint"]


@pytest.mark.parametrize(
    "rule",
    [
        "response.body.items[5].qty == 1",
        "response.body.customer.name == 'Ann'",
        "response.body.customer > 3",
        "response.body.items.all(i, i.price > 0)",
        "response.body.total.amount == 1",
    ],
)
def test_an_answer_that_lacks_what_a_rule_looks_at_breaks_the_rule(rule: str) -> None:
    found = judge(rule)
    assert [(item.type.value, item.code) for item in found] == [("BUSINESS_RULE_VIOLATION", "RULE_NOT_EVALUABLE")]


@pytest.mark.parametrize(
    "rule",
    [
        "response.body.total ==",
        "nonsense(response.body.total)",
        "response.body.total",
        "response.body.name > 3",
        "steps.pay.response.body.id == 1",
        "1 / 0 == 1",
    ],
)
def test_an_error_of_the_rule_itself_means_we_could_not_judge(rule: str) -> None:
    found = judge(rule, steps={})
    assert [(item.type.value, item.code) for item in found] == [("EXECUTION_ERROR", "RULE_ERROR")]


def test_a_wrong_type_is_the_answers_fault_when_it_broke_its_contract() -> None:
    breach = Violation(type=ViolationType.CONTRACT_VIOLATION, code="TYPE", message="name is no number")
    found = judge("response.body.name > 3", found=[breach])
    assert found[0].type is ViolationType.BUSINESS_RULE_VIOLATION


def test_after_a_wrong_status_rules_that_cannot_be_evaluated_add_no_noise() -> None:
    status = Violation(type=ViolationType.HTTP_ERROR, code="STATUS", message="expected 200, got 500")
    assert judge("response.body.gone == 1", found=[status]) == []
    assert [item.code for item in judge("response.body.total == 1", found=[status])] == ["RULE_FALSE"]


def test_long_values_are_cut_in_details_and_sentence() -> None:
    found = judge("response.body.text == 'x'", body={"text": "y" * 100_000})
    assert len(found[0].message) < 500
    assert len(found[0].details["got"]) < 2_100
    assert "100000 characters" in found[0].details["got"]


def test_rules_status_and_duration_are_judged_together(world: Any) -> None:
    world.system.script("pay", world.http(500, {"total": 3}, duration_ms=250.0))
    expect = {"expectedStatusCode": 200, "businessRules": ["response.body.total == 2"], "maxDurationMs": 100}
    run_id = world.execute([world.action("pay", expect=expect)])
    assert world.codes(run_id, "pay") == ["STATUS", "RULE_FALSE", "TOO_SLOW"]
    slow = world.result(run_id, "pay").violations[2]
    assert (slow.type, slow.details) == (ViolationType.TIMEOUT, {"expected": 100, "got": 250})


def test_rules_see_the_scope_of_their_step(world: Any) -> None:
    world.system.script("order", world.http(201, {"id": 5}))
    world.system.script("get", world.http(200, {"id": 5, "sku": "A", "region": "eu"}))
    rules = ["response.body.id == steps.order.response.body.id", "response.body.sku == data.sku && env.region == 'eu'"]
    run_id = world.execute(
        [world.action("order"), world.action("get", expect={"businessRules": rules})], data={"sku": "A"}
    )
    assert world.run(run_id).status.value == "PASSED"
