"""References and inputs of written scenarios, looked at before any run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from small_projects import fields, interface, operation

from orchestra_kit.design.checking import check_scenario, check_steps, find_gaps
from orchestra_kit.design.operations import OperationCatalog
from orchestra_kit.model import ScenarioStep, TestScenario

RESPONSES = {
    "200": {"description": "d", "content": {"application/json": {"schema": fields(id="string", count="integer")}}},
    "404": {"description": "d", "content": {"application/json": {"schema": fields(problem="string")}}},
}
CATALOG = OperationCatalog({"s": interface(operation("op", body=fields(a="string"), responses=RESPONSES))})


def step(alias: str, *, status: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "alias": alias,
        "kind": "ACTION",
        "channelType": "HTTP_REST",
        "endpointRef": {"serviceName": "s", "endpointName": "op"},
        "expectations": {"expectedStatusCode": status, "businessRules": more.pop("rules", [])},
        "action": {"inputTemplate": {"body": {"a": "x", **more.pop("body", {})}}, "meta": more.pop("meta", {})},
        **more,
    }


def scenario(*steps: dict[str, Any], **more: Any) -> TestScenario:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    numbered = [
        ScenarioStep.model_validate({"id": item["alias"], "orderIndex": position, **item})
        for position, item in enumerate(steps)
    ]
    return TestScenario(
        id="i", tenant_id="t", suite_id="s", key="k", steps=tuple(numbered), created_at=now, created_by="a",
        updated_at=now, updated_by="a", **more,
    )  # fmt: skip


def problems(*steps: dict[str, Any], data: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str]]:
    found = check_steps(scenario(*steps).steps, CATALOG, data or {}, **more)
    assert all(gap.code == "WRONG_REFERENCE" for gap in found)
    return [(str(gap.step_alias), str(gap.field)) for gap in found]


@pytest.mark.parametrize(
    "expression",
    ["steps.one.response.body.id", "step.one.response.body.count + 1", "steps.one.response.status", "run.token",
     "suite.anything", "env.anything", "data.known", "steps.one.response.headers['x-y']"],
)  # fmt: skip
def test_right_references_are_no_problem(expression: str) -> None:
    two = step("two", body={"b": f"{{{{ {expression} }}}}"})
    assert problems(step("one"), two, data={"known": 1}) == []


@pytest.mark.parametrize(
    "expression",
    ["steps.one.response.body.idd", "steps.on.response.body.id", "steps.two.response.body.id", "data.unknown",
     "run.tokn", "nothing.at.all", "steps.one.response.body.id.more", "steps.one.response.body.count * 'x'"],
)  # fmt: skip
def test_wrong_references_are(expression: str) -> None:
    two = step("two", body={"b": [f"{{{{ {expression} }}}}"]})
    assert problems(step("one"), two, data={"known": 1}) == [("two", "inputTemplate.body.b[0]")]


def test_rules_see_their_own_answer_of_the_expected_status() -> None:
    rules = ["response.body.count > 1"]
    assert problems(step("one", rules=rules)) == []
    assert problems(step("one", status=200, rules=rules)) == []
    assert problems(step("one", status=404, rules=["response.body.problem != ''"])) == []
    assert problems(step("one", status=404, rules=["response.body.problm != ''"])) == [("one", "businessRules[0]")]
    assert problems(step("one", rules=["response.body.count == 'one'"])) == [("one", "businessRules[0]")]


def test_every_place_of_a_step_is_looked_at() -> None:
    meta = {
        "headers": {"h": "{{ data.x }}"}, "parameters": {"p": "{{ data.x }}"}, "valueTemplate": "{{ data.x }}",
        "exportAs": {"e": "response.body.x.y"}, "stopWhen": "response.body.idd == ''",
    }  # fmt: skip
    found = problems(step("one", meta=meta))
    assert {field for _, field in found} >= {
        "meta.headers.h",
        "meta.parameters.p",
        "meta.valueTemplate",
        "meta.stopWhen",
    }


def test_the_environments_variables_are_known_at_submission_only() -> None:
    one = step("one", body={"b": "{{ env.region }}"})
    assert problems(one) == []
    assert problems(one, variables={"region": "eu"}) == []
    assert problems(one, variables={"regions": "eu"}) == [("one", "inputTemplate.body.b")]
    assert check_scenario(scenario(one), CATALOG, {}, {}) != []


def test_a_written_scenario_may_get_more_data_but_needs_its_inputs() -> None:
    assert find_gaps(scenario(step("one", body={"b": "{{ data.later }}"})), CATALOG) == []
    bare = step("one")
    bare["action"]["inputTemplate"] = {"body": {}}
    (gap,) = find_gaps(scenario(bare), CATALOG)
    assert (gap.code, gap.step_alias, gap.field) == ("MISSING_INPUT", "one", "body.a")
    bare["action"]["inputTemplate"] = "{{ data.whole }}"
    assert find_gaps(scenario(bare), CATALOG) == []


def test_a_service_without_description_is_not_judged() -> None:
    other = step("one", rules=["response.body.whatever"], endpointRef={"serviceName": "x", "endpointName": "y"})
    assert problems(other) == []
