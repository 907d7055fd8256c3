"""Scenarios leave as valid Arazzo documents and come back as the same scenarios; documents come back as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from arazzo_schema import breaches

from orchestra_kit.design.arazzo.exporting import export_scenarios
from orchestra_kit.design.arazzo.importing import import_scenarios
from orchestra_kit.design.arazzo.overlay import scenario_difference, step_json
from orchestra_kit.design.arazzo.reading import read_arazzo
from orchestra_kit.design.yaml_writing import write_yaml
from orchestra_kit.errors import DefinitionError
from orchestra_kit.model import TestScenario

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def scenario_of(*steps, **fields):
    """Return a scenario; each step is an HTTP call of shop.op unless it says otherwise."""
    usual = {"kind": "ACTION", "channelType": "HTTP_REST", "endpointRef": {"serviceName": "shop", "endpointName": "op"}}
    written = [
        {"id": f"i{number}", "orderIndex": number, "alias": f"s{number}", **usual, **step}
        for number, step in enumerate(steps)
    ]
    content = {
        "id": "x", "tenantId": "t", "suiteId": "s", "key": "flow", "createdAt": NOW, "createdBy": "a",
        "updatedAt": NOW, "updatedBy": "a", "steps": written, **fields,
    }  # fmt: skip
    return TestScenario.model_validate(content)


def sent(template, **more):
    return {"action": {"inputTemplate": template}, **more}


def ruled(*rules, status=200, template=None):
    expectations = {"expectedStatusCode": status, "businessRules": list(rules)}
    return {"expectations": expectations, "action": {"inputTemplate": template}}


def assert_comes_back(author, *scenarios):
    """Assert that scenarios are the same after the way through a valid document, and return the document."""
    document = export_scenarios(scenarios, title="T")
    assert breaches(document) == []
    for text in (write_yaml(document), json.dumps(document)):
        found = {item.key: item for item in import_scenarios(read_arazzo(text.encode(), source="x"), author).scenarios}
        assert set(found) == {item.key for item in scenarios}
        for scenario in scenarios:
            again = found[scenario.key]
            assert [step_json(step) for step in again.steps] == [step_json(step) for step in scenario.steps]
            assert scenario_difference(again, scenario) == {}
        assert export_scenarios([found[item.key] for item in scenarios], title="T") == document
    return document


def test_what_arazzo_can_say_is_said_in_its_own_words(author):
    login = sent({"body": {"user": "{{ data.user }}"}}, name="Log in", expectations={"expectedStatusCode": 200})
    login["action"]["meta"] = {"exportAs": {"token": "response.body.token"}}
    use = {
        "endpointRef": {"serviceName": "shop", "endpointName": "GET /a/{id}"},
        "action": {
            "inputTemplate": {
                "path": {"id": "{{ steps.s0.response.body.list[0].id }}"},
                "query": {"n": 1, "m": ["a", "{{ data.n }}"]},
                "headers": {"Authorization": "Bearer {{ steps.s0.response.body.token }}"},
                "cookies": {"c": '{{ steps.s0.response.headers["x-c"] }}'},
            }
        },
        "expectations": {
            "expectedStatusCode": [200, 404],
            "businessRules": [
                "response.body.a.b > data.n && (response.body.c == null || response.status != 404)",
                'string(response.body.id).matches("^[0-9]+$")',
                "response.body.id == steps.s0.response.body.id",
            ],
        },
    }
    document = assert_comes_back(
        author, scenario_of(login, use, name="Buy", data={"user": "ann", "n": 2, "l": [1.5, None]})
    )
    assert document == {
        "arazzo": "1.0.1",
        "info": {"title": "T", "version": "1.0.0"},
        "sourceDescriptions": [{"name": "shop", "url": "./shop.openapi.yaml", "type": "openapi"}],
        "workflows": [
            {
                "workflowId": "flow",
                "summary": "Buy",
                "inputs": {
                    "type": "object",
                    "properties": {
                        "user": {"type": "string", "default": "ann"},
                        "n": {"type": "integer", "default": 2},
                        "l": {"type": "array", "default": [1.5, None]},
                    },
                },
                "steps": [
                    {
                        "stepId": "s0",
                        "description": "Log in",
                        "operationId": "$sourceDescriptions.shop.op",
                        "requestBody": {"payload": {"user": "$inputs.user"}},
                        "successCriteria": [{"condition": "$statusCode == 200"}],
                        "outputs": {
                            "id": "$response.body#/list/0/id",
                            "token": "$response.body#/token",
                            "x-c": "$response.header.x-c",
                            "id_2": "$response.body#/id",
                        },
                    },
                    {
                        "stepId": "s1",
                        "operationPath": "{$sourceDescriptions.shop.url}#/paths/~1a~1{id}/get",
                        "parameters": [
                            {"name": "id", "in": "path", "value": "$steps.s0.outputs.id"},
                            {"name": "n", "in": "query", "value": 1},
                            {"name": "m", "in": "query", "value": ["a", "$inputs.n"]},
                            {"name": "Authorization", "in": "header", "value": "Bearer {$steps.s0.outputs.token}"},
                            {"name": "c", "in": "cookie", "value": "$steps.s0.outputs.x-c"},
                        ],
                        "successCriteria": [
                            {"condition": "$statusCode == 200 || $statusCode == 404"},
                            {
                                "condition": "$response.body#/a/b > $inputs.n"
                                " && ($response.body#/c == null || $statusCode != 404)",
                                "x-orchestra-rule": "response.body.a.b > data.n"
                                " && (response.body.c == null || response.status != 404)",
                            },
                            {"context": "$response.body#/id", "condition": "^[0-9]+$", "type": "regex"},
                            {"condition": "$response.body#/id == $steps.s0.outputs.id_2"},
                        ],
                    },
                ],
                "outputs": {"token": "$steps.s0.outputs.token"},
            }
        ],
    }


def test_what_arazzo_has_no_expression_for_is_an_input_that_says_what_it_stands_for(author):
    template = {
        "query": {"a": "{{ run.token }}", "b": "{{ data.n + 1 }}", "c": "x{{ env.host }}y", "d": "{{ run.token }}"}
    }
    document = assert_comes_back(author, scenario_of(sent(template), data={"n": 1, "when": "at {{ run.id }}"}))
    [workflow] = document["workflows"]
    assert workflow["inputs"]["properties"] == {
        "n": {"type": "integer", "default": 1},
        "when": {"x-orchestra-data": "at {{ run.id }}"},
        "run_token": {"x-orchestra-expression": "run.token"},
        "expression": {"x-orchestra-expression": "data.n + 1"},
        "env_host": {"x-orchestra-expression": "env.host"},
    }
    assert [item["value"] for item in workflow["steps"][0]["parameters"]] == [
        "$inputs.run_token", "$inputs.expression", "x{$inputs.env_host}y", "$inputs.run_token",
    ]  # fmt: skip


def test_what_arazzo_cannot_say_at_all_stands_beside_it(author):
    database = {
        "alias": "row", "kind": "ASSERTION", "channelType": "DB", "endpointRef": None,
        "action": {"meta": {"dataSource": "shop", "sql": "select 1", "correlation": "DATA", "observes": "s0", "timeoutMs": 900}},
        "expectations": {"rows": {"rows": [{"n": None, "t": "{{ data.t }}"}], "match": "EXACT", "holdMs": 600}},
    }  # fmt: skip
    barrier = {
        "alias": "wait", "kind": "BARRIER", "channelType": None, "endpointRef": None,
        "action": {"meta": {"trackedSteps": ["s0"], "onFailure": "CONTINUE"}},
    }  # fmt: skip
    polled = {
        "kind": "ASSERTION",
        "action": {
            "inputTemplate": {"query": {"a": 1}},
            "meta": {"correlation": "DATA", "pollIntervalMs": 20, "sensitive": ["/a"]},
        },
        "expectations": {"maxDurationMs": 50, "checkContract": False, "businessRules": ["size(response.body.l) == 2"]},
    }
    fields = {
        "tags": ["a"], "path": ["F1", "F2"], "endFlowIds": ["F3"], "active": False, "processVersion": 3,
        "dependsOn": [{"scenarioKey": "elsewhere", "requiredStatus": "FAILED"}],
        "gaps": [{"code": "MISSING_INPUT", "message": "m", "field": "body.a"}],
    }  # fmt: skip
    first = {"action": {"mode": "FIRE_AND_FORGET"}, "elementId": "Task_1", "flowIds": ["F1"]}
    document = assert_comes_back(
        author, scenario_of(database, first, barrier, polled, database | {"alias": "end"}, **fields)
    )
    [workflow] = document["workflows"]
    assert [step["stepId"] for step in workflow["steps"]] == ["s1", "s3"]
    assert [(item["position"], item["step"]["alias"]) for item in workflow["x-orchestra-steps"]] == [
        (0, "row"), (2, "wait"), (4, "end"),
    ]  # fmt: skip
    assert set(workflow["x-orchestra"]) == {
        "tags", "active", "dependsOn", "processVersion", "path", "endFlowIds", "gaps",
    }  # fmt: skip
    assert workflow["steps"][0]["x-orchestra"] == {
        "action": {"mode": "FIRE_AND_FORGET"}, "elementId": "Task_1", "flowIds": ["F1"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "template",
    [
        None,
        {},
        {"body": None},
        {"body": {"a": None, "b": [None]}},
        {"body": "a text", "contentType": "text/plain"},
        {"body": '{"a": {{ data.n }}}', "contentType": "text/plain"},
        {"body": '{"a": 1}'},
        {"body": "[1, 2]", "contentType": "application/json"},
        {"body": {"\\{{ k }}": "\\{{ v }}", "{{ data.k }}": 1}},
        {"body": {"$inputs.a": None}},
        {"body": {"context": "$response.body", "selector": "$.a", "type": "jsonpath"}},
        {"query": {"a": "$inputs.n", "b": "{$inputs.n}", "c": "$statusCode", "d": " {{ data.n }} ", "e": "{{data.n}}"}},
        {"query": {"a": "{{ data.n }}{{ data.m }}", "b": "{{ '{' }}{{ data.n }}", "c": "\\{{{{ data.n }}"}},
        {"query": {"a": "{{ steps.s0.response.body[\"a b\"].c }}", "b": '{{ steps.s0.response.body["0"] }}'}},
        {"query": {"a": "{{ steps.s0.response }}", "b": "{{ step.s0.response.status }}"}},
        {"query": {"a": "{{ data[\"a b\"] }}", "b": "{{ data['x{y'] }}", "c": "{{ data.a.b[2] }}"}},
        {"query": {"a": None, "b": True, "c": 1.0, "d": 1, "e": {"f": [1]}}},
        {"query": [1]},
        {"other": 1},
        "{{ data.whole }}",
    ],
)  # fmt: skip
def test_any_input_template_comes_back(author, template):
    step = sent(template)
    assert_comes_back(author, scenario_of({}, step, data={"n": 1, "a.b": 2, "run_token": 3}))


@pytest.mark.parametrize(
    "rule",
    [
        "response.body.a == 1",
        "1 < response.body.a",
        'response.body.status == "OPEN"',
        "response.body.text == 'it''s'.lowerAscii() || true",
        "!has(response.body.a)",
        "has(response.body.a.b)",
        "!(response.body.a == 1)",
        "response.body.a in [1, 2]",
        'response.body.a in ["x", "y"] && response.status == 200',
        'response.body["a b"].c[0] == data["x y"]',
        "response.body.l.exists(i, i.a == 1)",
        "size(response.body.l) > 0",
        "response.body.total == data.n * data.price",
        'response.headers["x-a"] == run.correlationId',
        'response.headers["X-A"] == "a"',
        "response.body == steps.s0.response.body",
        "response.body.a == -1.5",
        "response.body.a == null",
        "response.body",
        'response.body.a.matches("a{$x}")',
        {"expr": "response.body.a == 1", "name": "one", "message": "is one"},
    ],
)
def test_any_rule_comes_back(author, rule):
    assert_comes_back(author, scenario_of({}, ruled(rule), data={"n": 1, "price": 2}))


@pytest.mark.parametrize(
    "rules", [["response.body.a == 1"] * 2, ["response.body.a == 1", "size(response.body.l) == 1", "true"]]
)
def test_rules_come_back_in_their_number_and_order(author, rules):
    assert_comes_back(author, scenario_of(ruled(*rules)))


@pytest.mark.parametrize("status", [None, 201, [200], [200, 404], []])
def test_any_status_comes_back(author, status):
    assert_comes_back(author, scenario_of(ruled(status=status)))


@pytest.mark.parametrize(
    "retry",
    [
        {"retryLimit": 3},
        {"retryLimit": 3, "retryAfter": 2, "backOff": 1, "onStatus": [503], "onError": False},
        {"retryLimit": 0},
        {"retryLimit": 1, "onStatus": []},
    ],
)
def test_any_retry_policy_comes_back(author, retry):
    assert_comes_back(author, scenario_of({"action": {"meta": {"retry": retry}}}))


@pytest.mark.parametrize("name", ["", "One line", "Two\nlines", "x" * 300, " padded "])
def test_any_name_comes_back(author, name):
    assert_comes_back(author, scenario_of({"name": name}, name=name))


@pytest.mark.parametrize("service", ["shop", "the shop", "shop.v2", "Büro"])
@pytest.mark.parametrize("endpoint", ["op", "get.order", "GET /a/{id}/b~c", "an op with blanks", "PUT /x y"])
def test_any_endpoint_comes_back(author, service, endpoint):
    assert_comes_back(author, scenario_of({"endpointRef": {"serviceName": service, "endpointName": endpoint}}))


def test_messages_make_it_a_document_of_the_next_version(author):
    place = {"serviceName": "events", "endpointName": "placed"}
    steps = [
        {"channelType": "KAFKA", "endpointRef": place, "action": {"inputTemplate": {"body": {"a": 1}}}},
        {"kind": "ASSERTION", "channelType": "QUEUE", "endpointRef": place, "action": {"meta": {"timeoutMs": 500, "correlation": "KEY"}}},
        {"kind": "ASSERTION", "channelType": "KAFKA", "endpointRef": None, "action": {"meta": {"topic": "t"}}},
    ]  # fmt: skip
    document = assert_comes_back(author, scenario_of(*steps))
    assert document["arazzo"] == "1.1.0"
    assert [step["action"] for step in document["workflows"][0]["steps"]] == ["send", "receive"]
    assert document["sourceDescriptions"][0]["type"] == "asyncapi"


def test_several_scenarios_depend_on_each_other_by_workflow_id(author):
    first = scenario_of({"action": {"meta": {"exportAs": {"id": "response.body.id"}}}}, key="first")
    second = scenario_of(
        sent({"query": {"a": "{{ suite.id }}"}}), key="second", id="y", dependsOn=[{"scenarioKey": "first"}]
    )
    document = assert_comes_back(author, first, second)
    assert document["workflows"][1]["dependsOn"] == ["first"]


def test_a_scenario_without_a_call_is_kept_beside_the_workflows(author):
    waits = scenario_of({"kind": "BARRIER", "channelType": None, "endpointRef": None}, key="waits", id="y")
    document = assert_comes_back(author, scenario_of({}), waits)
    assert [item["key"] for item in document["x-orchestra-scenarios"]] == ["waits"]
    with pytest.raises(DefinitionError, match="nothing Arazzo can say"):
        export_scenarios([waits], title="T")


def test_a_document_comes_back_as_it_was(written, author):
    document = read_arazzo(written, source="x")
    exported = export_scenarios(import_scenarios(document, author).scenarios, title="other")
    assert exported == document.raw
    assert write_yaml(exported) == write_yaml(document.raw)  # in its own order, too


def test_the_scenarios_of_a_document_come_back_without_it(written, author):
    """What a document means for us does not lean on what is kept of it."""
    made = import_scenarios(read_arazzo(written, source="x"), author).scenarios
    bare = [item.model_copy(update={"source": {}}) for item in made]
    document = export_scenarios(bare, title="T")
    again = {
        item.key: item
        for item in import_scenarios(read_arazzo(json.dumps(document).encode(), source="x"), author).scenarios
    }
    for scenario in bare:
        found = again[scenario.key]
        assert [step_json(step) for step in found.steps] == [step_json(step) for step in scenario.steps]
        assert scenario_difference(found, scenario) == {}


def edited(scenario, alias, **changes):
    steps = [step.model_copy(update=changes) if step.alias == alias else step for step in scenario.steps]
    return scenario.model_copy(update={"steps": tuple(steps)})


@pytest.fixture
def order(author):
    from pathlib import Path

    data = (Path(__file__).parent / "documents" / "everything-1.0.arazzo.yaml").read_bytes()
    return import_scenarios(read_arazzo(data, source="x"), author).scenarios


def test_an_edited_step_keeps_what_was_not_edited(order, author):
    step = next(item for item in order[1].steps if item.alias == "create_order")
    template = {**step.action.input_template, "query": {"dryRun": True}}
    changed = edited(order[1], "create_order", action=step.action.model_copy(update={"input_template": template}))
    document = export_scenarios([order[0], changed, order[2]], title="T")
    assert breaches(document) == []
    before, after = order[1].source["steps"][1]["written"], document["workflows"][1]["steps"][1]
    assert {"name": "dryRun", "in": "query", "value": True} in after["parameters"]
    for name in ("stepId", "x-note", "operationPath", "successCriteria", "onSuccess", "onFailure", "outputs"):
        assert after[name] == before[name], name
    others = [item for number, item in enumerate(document["workflows"][1]["steps"]) if number != 1]
    assert others == [item["written"] for number, item in enumerate(order[1].source["steps"]) if number != 1]
    again = import_scenarios(read_arazzo(json.dumps(document).encode(), source="x"), author).scenarios[1]
    assert [step_json(item) for item in again.steps] == [step_json(item) for item in changed.steps]


def test_edited_steps_of_a_called_workflow_are_written_out(order, author):
    changed = edited(order[1], "login_token", name="Other")
    document = export_scenarios([order[0], changed, order[2]], title="T")
    assert document["workflows"][1]["steps"][0]["stepId"] == "login_token"
    again = import_scenarios(read_arazzo(json.dumps(document).encode(), source="x"), author).scenarios[1]
    assert [step_json(item) for item in again.steps] == [step_json(item) for item in changed.steps]


def test_one_scenario_alone_writes_out_the_workflow_it_calls(order, author):
    document = export_scenarios([order[1]], title="T")
    assert [item["workflowId"] for item in document["workflows"]] == ["place order"]
    assert all(step.get("workflowId", "$").startswith("$") for step in document["workflows"][0]["steps"])
    [again] = import_scenarios(read_arazzo(json.dumps(document).encode(), source="x"), author).scenarios
    assert [step_json(item) for item in again.steps] == [step_json(item) for item in order[1].steps]
    assert again.depends_on == order[1].depends_on


def test_edited_data_and_a_new_step_come_back(order, author):
    extra = scenario_of(sent({"query": {"a": "{{ steps.pay.response.body.n }}", "b": "{{ data.new }}"}})).steps[0]
    scenario = order[1].model_copy(update={"data": {**order[1].data, "new": [1]}, "name": "Renamed"})
    steps = [*scenario.steps, extra]
    scenario = scenario.model_copy(
        update={"steps": tuple(step.model_copy(update={"order_index": n}) for n, step in enumerate(steps))}
    )
    document = export_scenarios([order[0], scenario, order[2]], title="T")
    pay = next(step for step in document["workflows"][1]["steps"] if step["stepId"] == "pay")
    assert pay["outputs"] == {"receipt": "$response.body#/receipt~1no", "n": "$response.body#/n"}
    again = import_scenarios(read_arazzo(json.dumps(document).encode(), source="x"), author).scenarios[1]
    assert [step_json(item) for item in again.steps] == [step_json(item) for item in scenario.steps]
    assert scenario_difference(again, scenario) == {}


@pytest.mark.parametrize(
    "source",
    [
        {"format": "arazzo"},
        {"format": "arazzo", "steps": [{}, 1, {"aliases": ["s0"]}], "workflow": 5, "fields": 3, "digests": []},
        {"format": "arazzo", "document": {"sourceDescriptions": 1, "components": []}, "unread": {"steps": [1]}},
        {"format": "other", "steps": 1},
    ],
)
def test_a_source_that_was_edited_by_hand_does_no_harm(source):
    document = export_scenarios([scenario_of({}, source=source)], title="T")
    assert [step["stepId"] for step in document["workflows"][0]["steps"]] == ["s0"]


def test_workflows_and_components_of_two_documents_share_one(author, reading, doc, flow):
    def made(name):
        components = {"parameters": {name: {"name": name, "in": "query", "value": 1}}}
        step = {
            "parameters": [{"reference": f"$components.parameters.{name}"}],
            "operationId": f"$sourceDescriptions.{name}.op",
        }
        sources = [{"name": name, "url": f"./{name}.yaml", "type": "openapi"}]
        document = doc(flow(step, identifier=f"flow-{name}"), components=components, sourceDescriptions=sources)
        return import_scenarios(reading(document), author).scenarios[0]

    document = export_scenarios([made("a"), made("b")], title="T")
    assert breaches(document) == []
    assert [item["name"] for item in document["sourceDescriptions"]] == ["a", "b"]
    assert set(document["components"]["parameters"]) == {"a", "b"}
