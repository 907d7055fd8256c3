"""Each construct of a workflow becomes what a scenario says with it; what it cannot say is listed, never guessed."""

from __future__ import annotations

import pytest

from orchestra_kit.expressions import parse_expression, render
from orchestra_kit.model import ChannelType, Correlation, RetryPolicy, StepKind

SCOPE = {
    "data": {"sku": "A-1", "n": 3, "who": {"first name": "Ann"}, "x-y": 1},
    "steps": {"s0": {"response": {"status": 201, "headers": {"x-id": "h"}, "body": {"id": 7, "l": [{"v": True}]}}}},
    "suite": {"token": "T"},
}
OUTPUTS = {
    "id": "$response.body#/id",
    "whole": "$response.body",
    "head": "$response.header.X-Id",
    "status": "$statusCode",
}
INPUTS = {"properties": {"sku": {}, "n": {}, "who": {}, "x-y": {}}}


def value_of(one, value, **more):
    """What the second step sends as the query parameter `q`, rendered."""
    step = {"parameters": [{"name": "q", "in": "query", "value": value}], **more}
    scenario = one({"outputs": OUTPUTS}, step, inputs=INPUTS)
    assert scenario.gaps == ()
    return render(scenario.steps[1].action.input_template, SCOPE)["query"]["q"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$inputs.sku", "A-1"),
        ("$inputs.n", 3),
        ("{$inputs.n}", 3),
        ("$inputs.who#/first name", "Ann"),
        ("$inputs.x-y", 1),
        ("sku {$inputs.sku}, {$inputs.n} times", "sku A-1, 3 times"),
        ("{$inputs.sku}{$inputs.n}", "A-13"),
        ("{{$inputs.sku}}", "{A-1}"),
        ("$steps.s0.outputs.id", 7),
        ("$steps.s0.outputs.whole#/l/0/v", True),
        ("$steps.s0.outputs.whole", {"id": 7, "l": [{"v": True}]}),
        ("$steps.s0.outputs.head", "h"),
        ("$steps.s0.outputs.status", 201),
        ("id={$steps.s0.outputs.whole#/id}", "id=7"),
        ("$sourceDescriptions.shop.url", "./shop.yaml"),
        ("$100 is no expression", "$100 is no expression"),
        ("a {{ template }} of others", "a {{ template }} of others"),
        ("$inputs and then text", "$inputs and then text"),
        (5, 5),
        (None, None),
        ([1, "$inputs.sku", {"a": "{$inputs.n}!"}], [1, "A-1", {"a": "3!"}]),
    ],
)
def test_a_value_is_rendered_as_arazzo_has_it(one, value, expected):
    assert value_of(one, value) == expected


def test_parameters_go_to_their_places_and_those_of_the_workflow_are_overridden(one):
    step = {
        "parameters": [
            {"name": "id", "in": "path", "value": 1},
            {"name": "q", "in": "query", "value": "own"},
            {"name": "X-A", "in": "header", "value": "h"},
            {"name": "c", "in": "cookie", "value": "v"},
            {"name": "all", "in": "querystring", "value": "a=1&b=two%20words&a=2&c={$inputs.n}"},
        ]
    }
    shared = [{"name": "q", "in": "query", "value": "shared"}, {"name": "q", "in": "header", "value": "other place"}]
    [made] = one(step, parameters=shared, inputs=INPUTS).steps
    assert made.action.input_template == {
        "path": {"id": 1},
        "query": {"q": "own", "a": ["1", "2"], "b": "two words", "c": "{{ data.n }}"},
        "headers": {"q": "other place", "X-A": "h"},
        "cookies": {"c": "v"},
    }


def test_a_reusable_parameter_takes_another_value(imported, doc, flow):
    components = {"parameters": {"page": {"name": "page", "in": "query", "value": 1}}}
    steps = [
        {"parameters": [{"reference": "$components.parameters.page"}]},
        {"parameters": [{"reference": "$components.parameters.page", "value": 9}]},
    ]
    [scenario] = imported(doc(flow(*steps), components=components)).scenarios
    assert [step.action.input_template for step in scenario.steps] == [{"query": {"page": 1}}, {"query": {"page": 9}}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"payload": {"a": "$inputs.sku", "b": [1, None]}}, {"body": {"a": "{{ data.sku }}", "b": [1, None]}}),
        ({"payload": "$inputs.who"}, {"body": "{{ data.who }}"}),
        (
            {
                "contentType": "application/json",
                "payload": '{"n": {$inputs.n}, "s": "x{$inputs.sku}", "l": [{$inputs.n}]}',
            },
            {
                "contentType": "application/json",
                "body": {"n": "{{ data.n }}", "s": "x{{ data.sku }}", "l": ["{{ data.n }}"]},
            },
        ),
        (
            {"contentType": "application/xml", "payload": "<a>{$inputs.n}</a>"},
            {"contentType": "application/xml", "body": "<a>{{ data.n }}</a>"},
        ),
        (
            {"contentType": "application/x-www-form-urlencoded", "payload": "a={$inputs.sku}&b=c%26d"},
            {"contentType": "application/x-www-form-urlencoded", "body": {"a": "{{ data.sku }}", "b": "c&d"}},
        ),
        (
            {
                "payload": {"lines": [{"n": 1}], "keep": True},
                "replacements": [
                    {"target": "/lines/0/n", "value": "$inputs.n"},
                    {"target": "/new/x~1y", "value": 1},
                    {"target": "/lines/-", "value": "last"},
                ],
            },
            {"body": {"lines": [{"n": "{{ data.n }}"}, "last"], "keep": True, "new": {"x/y": 1}}},
        ),
        ({"replacements": [{"target": "/a", "value": 1}]}, {"body": {"a": 1}}),
        ({"payload": {"{{ key }}": "{{ text }}"}}, {"body": {"\\{{ key }}": "\\{{ text }}"}}),
    ],
)
def test_a_body(one, body, expected):
    [step] = one({"requestBody": body}, inputs=INPUTS).steps
    assert step.action.input_template == expected


def test_an_expression_without_quotes_in_yaml_is_still_one(imported, doc, flow):
    found = imported(doc(flow({"requestBody": {"payload": {"$inputs.sku": None}}}, inputs=INPUTS)))
    assert found.scenarios[0].steps[0].action.input_template == {"body": "{{ data.sku }}"}
    assert [item.code for item in found.findings if item.code != "INPUT_WITHOUT_VALUE"] == ["YAML_BRACES"]


def test_an_output_without_quotes_in_yaml_is_still_one(imported, doc, flow):
    use = {"parameters": [{"name": "q", "in": "query", "value": "$steps.s0.outputs.o"}]}
    found = imported(doc(flow({"outputs": {"o": {"$response.body#/id": None}}}, use)))
    assert found.scenarios[0].steps[1].action.input_template == {"query": {"q": "{{ steps.s0.response.body.id }}"}}
    assert [item.code for item in found.findings] == ["YAML_BRACES"]


def test_a_place_in_xml_is_a_gap(one):
    body = {"contentType": "text/xml", "payload": "<a/>", "replacements": [{"target": "/a/b", "value": 1}]}
    [gap] = one({"requestBody": body}).gaps
    assert (gap.code, gap.field) == ("XPATH", "steps[0].requestBody.replacements[0]")


def test_inputs_become_test_data_where_they_have_a_value(one):
    schema = {
        "type": "object",
        "properties": {
            "a": {"default": 1},
            "b": {"examples": ["x", "y"]},
            "c": {"const": None},
            "d": {"type": "string"},
            "e": {"type": "object", "properties": {"f": {"default": "{{ g }}"}, "h": {"default": [1]}}},
            "i": {"type": "object", "properties": {"j": {}}},
        },
    }
    assert one({}, inputs=schema).data == {
        "a": 1, "b": "x", "c": None, "e": {"f": "\\{{ g }}", "h": [1]},
    }  # fmt: skip


def test_inputs_follow_references_into_the_components(imported, doc, flow):
    components = {"inputs": {"paging": {"type": "object", "properties": {"page": {"default": 3}}}}}
    inputs = {"allOf": [{"$ref": "#/components/inputs/paging"}], "properties": {"own": {"default": 1}}}
    [scenario] = imported(doc(flow({}, inputs=inputs), components=components)).scenarios
    assert scenario.data == {"page": 3, "own": 1}


def test_the_longest_declared_input_is_meant(one):
    inputs = {"properties": {"a": {}, "a.b": {}}}
    step = {
        "parameters": [
            {"name": "x", "in": "query", "value": "$inputs.a.b.c"},
            {"name": "y", "in": "query", "value": "$inputs.a.d"},
        ]
    }
    assert one(step, inputs=inputs).steps[0].action.input_template["query"] == {
        "x": '{{ data["a.b"].c }}',
        "y": "{{ data.a.d }}",
    }


@pytest.mark.parametrize(
    ("target", "service", "name"),
    [
        ({"operationId": "op"}, "shop", "op"),
        ({"operationId": "$sourceDescriptions.shop.get.order"}, "shop", "get.order"),
        ({"operationPath": "{$sourceDescriptions.shop.url}#/paths/~1a~1{id}/get"}, "shop", "GET /a/{id}"),
        ({"operationPath": "$sourceDescriptions.shop.url#/paths/~1a/post"}, "shop", "POST /a"),
        ({"operationPath": "{$sourceDescriptions.shop.url}#/paths/~1a~1%7Bid%7D/put"}, "shop", "PUT /a/{id}"),
        ({"operationPath": "{$sourceDescriptions.shop.url}#/paths//a/b/get"}, "shop", "GET /a/b"),
        ({"operationPath": "{$sourceDescriptions.shop}#/paths/~1a/get"}, "shop", "GET /a"),
        ({"operationPath": "GET /a/{id}"}, "shop", "GET /a/{id}"),
        ({"operationPath": "#/paths/~1a~0b/delete"}, "shop", "DELETE /a~b"),
        ({"operationPath": "$sourceDescriptions.shop.doIt"}, "shop", "doIt"),
        (
            {"operationId": None, "x-operation": {"url": "https://a.example:8443/b/c", "method": "GET"}},
            "a.example:8443",
            "GET /b/c",
        ),
    ],
)
def test_an_operation_is_found_however_it_is_named(one, target, service, name):
    scenario = one(target)
    assert scenario.gaps == ()
    reference = scenario.steps[0].endpoint_ref
    assert (reference.service_name, reference.endpoint_name) == (service, name)
    assert scenario.steps[0].channel_type is ChannelType.HTTP_REST


def test_the_source_that_has_an_operation_is_taken(imported, doc, flow):
    sources = [{"name": name, "url": f"./{name}.yaml", "type": "openapi"} for name in ("a", "b")]
    document = doc(flow({"operationId": "pay"}), sourceDescriptions=sources)
    unknown = imported(document)
    assert "AMBIGUOUS_SOURCE" in {item.code for item in unknown.findings}
    known = imported(document, operations={"a": ["other"], "b": ["pay"]})
    assert known.scenarios[0].steps[0].endpoint_ref.service_name == "b"
    assert known.findings == ()


def test_an_unknown_operation_is_told_with_the_nearest(imported, doc, flow):
    document = doc(flow({"operationId": "$sourceDescriptions.shop.createOder"}))
    [finding] = imported(document, operations={"shop": ["createOrder", "readOrder"]}).findings
    assert (finding.code, finding.where) == ("UNKNOWN_OPERATION", "/workflows/0/steps/0/operationId")
    assert "Did you mean 'createOrder'" in finding.message


@pytest.mark.parametrize(
    ("value", "code", "hint"),
    [
        ("$steps.S0.outputs.id", "UNKNOWN_STEP", "'s0'"),
        ("$steps.s0.outputs.idd", "UNKNOWN_OUTPUT", "'id'"),
        ("$steps.s2.outputs.id", "FORWARD_REFERENCE", "comes later"),
        ("$workflows.other.outputs.x", "UNKNOWN_WORKFLOW", "Known: flow"),
        ("$sourceDescriptions.shob.url", "UNKNOWN_SOURCE", "'shop'"),
        ("$url", "NOT_SAID", "$url"),
        ("$response.boddy#/x", "UNKNOWN_EXPRESSION", "$response.boddy"),
        ("$request.query.zz", "NOT_SAID", "no such query"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_gap_with_place_and_nearest_name(one, value, code, hint):
    step = {"parameters": [{"name": "q", "in": "query", "value": value}, {"name": "r", "in": "query", "value": 1}]}
    scenario = one({"outputs": OUTPUTS}, step, {}, inputs=INPUTS)
    [gap] = scenario.gaps
    assert (gap.code, gap.step_alias, gap.field) == (code, "s1", "steps[1].parameters[0].value")
    assert hint in gap.message
    assert scenario.steps[1].action.input_template == {"query": {"r": 1}}


def test_an_undeclared_input_is_test_data_and_told(imported, doc, flow):
    step = {"parameters": [{"name": "q", "in": "query", "value": "$inputs.skuu"}]}
    found = imported(doc(flow(step, inputs=INPUTS)))
    assert found.scenarios[0].steps[0].action.input_template == {"query": {"q": "{{ data.skuu }}"}}
    messages = [item.message for item in found.findings if item.code == "UNKNOWN_INPUT"]
    assert messages == ["the input 'skuu' is not declared. Did you mean 'sku'?"]


def test_what_only_looks_like_an_expression_is_text_and_told(imported, doc, flow):
    step = {
        "parameters": [
            {"name": "q", "in": "query", "value": "$faker.name"},
            {"name": "p", "in": "query", "value": "$.a"},
        ]
    }
    found = imported(doc(flow(step)))
    assert found.scenarios[0].steps[0].action.input_template == {"query": {"q": "$faker.name", "p": "$.a"}}
    assert [(item.code, "'$faker'" in item.message) for item in found.findings] == [("UNKNOWN_EXPRESSION", True)]


def test_a_position_in_brackets_inside_a_pointer_is_told(imported, doc, flow):
    found = imported(doc(flow({"outputs": {"o": "$response.body#/items[0].id"}}, {"parameters": [
        {"name": "q", "in": "query", "value": "$steps.s0.outputs.o"}
    ]})))  # fmt: skip
    assert [item.code for item in found.findings] == ["POINTER"]
    assert found.scenarios[0].steps[1].action.input_template == {
        "query": {"q": '{{ steps.s0.response.body["items[0].id"] }}'}
    }


@pytest.mark.parametrize(
    ("output", "cel"),
    [
        ("$response.body#access_token", "steps.s0.response.body.access_token"),
        ("$response.body#/items/0/a~1b", 'steps.s0.response.body.items[0]["a/b"]'),
        ("$response.body.tracks.items[2].id", "steps.s0.response.body.tracks.items[2].id"),
        ("$response.body", "steps.s0.response.body"),
        ("$response.header.X-RateLimit", 'steps.s0.response.headers["x-ratelimit"]'),
        ("$statusCode", "steps.s0.response.status"),
        ("$request.query.q", "data.sku"),
        ("$request.body#/a/0", "data.n"),
        ("$inputs.sku", "data.sku"),
        ("constant", '"constant"'),
        (2, "2"),
        ("{$response.body#/a}-{$inputs.n}", 'string(steps.s0.response.body.a) + "-" + string(data.n)'),
        ({"context": "$response.body", "selector": "$.a[0]", "type": "jsonpath"}, "steps.s0.response.body.a[0]"),
        ({"context": "$response.body", "selector": "/a/0", "type": "jsonpointer"}, "steps.s0.response.body.a[0]"),
    ],
)
def test_an_output_is_what_later_steps_read(one, output, cel):
    first = {
        "parameters": [{"name": "q", "in": "query", "value": "$inputs.sku"}],
        "requestBody": {"payload": {"a": ["$inputs.n"]}},
        "outputs": {"o": output},
    }
    second = {"parameters": [{"name": "q", "in": "query", "value": "$steps.s0.outputs.o"}]}
    scenario = one(first, second, inputs=INPUTS)
    assert scenario.gaps == ()
    assert scenario.steps[1].action.input_template["query"]["q"] == "{{ " + cel + " }}"


def test_workflow_outputs_are_exported_by_the_step_that_observes_them(one):
    outputs = {"id": "$steps.s0.outputs.id", "both": "{$steps.s0.outputs.id}/{$inputs.n}"}
    scenario = one({"outputs": OUTPUTS}, {}, inputs=INPUTS, outputs=outputs)
    assert scenario.steps[0].action.meta.export_as == {"id": "response.body.id"}
    assert scenario.steps[1].action.meta.export_as == {
        "both": 'string(steps.s0.response.body.id) + "/" + string(data.n)'
    }


def test_a_workflow_reads_the_outputs_of_one_it_depends_on(imported, doc, flow):
    first = flow({"outputs": OUTPUTS}, identifier="log in", outputs={"token": "$steps.s0.outputs.id"})
    use = {"parameters": [{"name": "q", "in": "header", "value": "Bearer {$workflows.log in.outputs.token#/a}"}]}
    second = flow(use, identifier="buy", dependsOn=["log in"])
    made = imported(doc(first, second)).scenarios
    assert [item.key for item in made] == ["log-in", "buy"]
    assert [item.scenario_key for item in made[1].depends_on] == ["log-in"]
    assert made[1].steps[0].action.input_template == {"headers": {"q": "Bearer {{ suite.token.a }}"}}
    assert made[0].steps[0].action.meta.export_as == {"token": "response.body.id"}


def test_outputs_of_the_same_name_that_are_used_are_told_apart(imported, doc, flow):
    flows = [flow({"outputs": OUTPUTS}, identifier=name, outputs={"id": "$steps.s0.outputs.id"}) for name in ("a", "b")]
    use = {
        "parameters": [{"name": name, "in": "query", "value": f"$workflows.{name}.outputs.id"} for name in ("a", "b")]
    }
    made = imported(doc(*flows, flow(use, identifier="c", dependsOn=["a", "b"]))).scenarios
    assert [list(item.steps[0].action.meta.export_as) for item in made[:2]] == [["a_id"], ["b_id"]]
    assert made[2].steps[0].action.input_template == {"query": {"a": "{{ suite.a_id }}", "b": "{{ suite.b_id }}"}}


@pytest.mark.parametrize(
    ("identifiers", "aliases"),
    [
        (["a", "b_2"], ["a", "b_2"]),
        (["get-order", "Get Order"], ["get_order", "get_order_2"]),
        (["get-order", "get_order"], ["get_order_2", "get_order"]),  # whoever has the name by right keeps it
        (["1st", "日本"], ["step_1st", "step"]),
        (["x" * 200, "x" * 201], ["x" * 60, "x" * 60 + "_2"]),
    ],
)
def test_a_step_id_that_is_no_alias_becomes_one(one, identifiers, aliases):
    scenario = one(*({"stepId": name} for name in identifiers))
    assert [step.alias for step in scenario.steps] == aliases
    assert [item["stepId"] for item in scenario.source["steps"]] == identifiers


def test_a_called_workflow_is_written_out_in_place(imported, doc, flow):
    inner = flow(
        {"stepId": "token", "parameters": [{"name": "u", "in": "query", "value": "$inputs.user"}], "outputs": OUTPUTS},
        {"stepId": "check", "parameters": [{"name": "r", "in": "query", "value": "$inputs.role"}]},
        identifier="login",
        inputs={"properties": {"user": {}, "role": {"default": "guest"}, "left": {}}},
        outputs={"token": "$steps.token.outputs.whole#/t", "user": "$inputs.user"},
    )
    call = {
        "stepId": "in",
        "workflowId": "login",
        "parameters": [{"name": "user", "value": "{$inputs.first}.{$inputs.last}"}],
        "outputs": {"own": "$outputs.token"},
    }
    use = {
        "parameters": [
            {"name": name, "in": "query", "value": f"$steps.in.outputs.{name}"} for name in ("token", "user", "own")
        ]
    }
    inputs = {"properties": {"first": {"default": "a"}, "last": {"default": "b"}}}
    scenario = imported(doc(inner, flow(call, use, identifier="main", inputs=inputs))).scenarios[1]
    assert [step.alias for step in scenario.steps] == ["in_token", "in_check", "s1"]
    assert scenario.gaps == ()
    sent = [render(step.action.input_template, {**SCOPE, "data": scenario.data, "steps": {
        "in_token": {"response": {"body": {"t": "T"}}}
    }})["query"] for step in scenario.steps]  # fmt: skip
    assert sent == [{"u": "a.b"}, {"r": "guest"}, {"token": "T", "user": "a.b", "own": "T"}]


def test_a_call_into_another_document_is_written_out_when_that_is_known(imported, doc, flow, reading):
    other = reading(doc(flow({"stepId": "mail"}, identifier="notify")))
    sources = [
        {"name": "shop", "url": "./shop.yaml", "type": "openapi"},
        {"name": "common", "url": "./common.arazzo.yaml", "type": "arazzo"},
    ]
    document = doc(flow({"workflowId": "$sourceDescriptions.common.notify"}, {}), sourceDescriptions=sources)
    [alone] = imported(document).scenarios
    assert [gap.code for gap in alone.gaps] == ["EXTERNAL_WORKFLOW"]
    assert alone.steps[0].channel_type is None
    [known] = imported(document, others={"common": other}).scenarios
    assert [step.alias for step in known.steps] == ["s0_mail", "s1"]
    assert known.gaps == ()


def test_calls_in_a_circle_end_and_are_told(imported, doc, flow):
    made = imported(
        doc(flow({"workflowId": "b"}, identifier="a"), flow({"workflowId": "a"}, {}, identifier="b"))
    ).scenarios
    assert {gap.code for item in made for gap in item.gaps} == {"RECURSIVE_CALL"}
    assert all(len(item.steps) <= 3 for item in made)


def test_calls_that_multiply_stop_at_a_limit(imported, doc, flow):
    levels = [flow(*[{"workflowId": f"w{level + 1}"}] * 10, identifier=f"w{level}") for level in range(6)] + [
        flow({}, identifier="w6")
    ]
    found = imported(doc(*levels))
    assert max(len(item.steps) for item in found.scenarios) <= 2_000
    assert "TOO_MANY_STEPS" in {gap.code for gap in found.scenarios[0].gaps}


RETRY = {"name": "r", "type": "retry", "retryAfter": 1.5, "retryLimit": 4}


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([{**RETRY, "criteria": [{"condition": "$statusCode == 503"}]}], (4, 1.5, (503,), False)),
        ([{**RETRY, "criteria": [{"context": "$statusCode", "condition": "^50[23]$", "type": "regex"}]}], (4, 1.5, (502, 503), False)),
        ([{"name": "r", "type": "retry", "criteria": [{"condition": "$statusCode == 429"}]}], (1, 0.5, (429,), False)),
        (
            [{"name": "e", "type": "end", "criteria": [{"condition": "$statusCode == 404"}]},
             {**RETRY, "criteria": [{"condition": "$statusCode == 404 || $statusCode == 503"}]}],
            (4, 1.5, (503,), False),
        ),
    ],
)  # fmt: skip
def test_a_retry_becomes_a_retry_policy(one, actions, expected):
    scenario = one({"onFailure": actions})
    assert scenario.gaps == ()
    policy = scenario.steps[0].action.meta.retry
    assert (policy.retry_limit, policy.retry_after, policy.on_status, policy.on_error) == expected
    assert policy.back_off == 1.0


def test_a_retry_without_criteria_is_for_every_failure(one):
    scenario = one({"onFailure": [RETRY]})
    policy = scenario.steps[0].action.meta.retry
    assert isinstance(policy, RetryPolicy)
    assert policy.on_error
    assert {400, 404, 429, 500, 503} <= set(policy.on_status)


@pytest.mark.parametrize(
    ("step", "code", "part"),
    [
        ({"onFailure": [{"name": "g", "type": "goto", "stepId": "s1"}]}, "CONTROL_FLOW", "'g' (goto s1)"),
        ({"onSuccess": [{"name": "g", "type": "goto", "stepId": "s2"}]}, "CONTROL_FLOW", "'g' (goto s2)"),
        ({"onSuccess": [{"name": "e", "type": "end", "criteria": [{"condition": "$statusCode == 204"}]}]}, "CONTROL_FLOW",
         "`$statusCode == 204`"),
        ({"onFailure": [{**RETRY, "workflowId": "flow"}]}, "RETRY", "retry flow"),
        ({"onFailure": [{**RETRY, "retryLimit": 99}]}, "RETRY", "at most 20"),
        ({"onFailure": [{**RETRY, "criteria": [{"condition": "$response.body#/a == 1"}]}]}, "RETRY", "status alone"),
        ({"onFailure": [RETRY], "successCriteria": [{"condition": "$response.body#/done == true"}]}, "RETRY", "broken rule"),
    ],
)  # fmt: skip
def test_an_action_beyond_a_straight_scenario_is_a_gap(one, step, code, part):
    [gap] = one(step, {}, {}).gaps
    assert gap.code == code
    assert part in gap.message


@pytest.mark.parametrize(
    "step",
    [
        {"onSuccess": [{"name": "g", "type": "goto", "stepId": "s1"}]},
        {"onFailure": [{"name": "e", "type": "end"}]},
        {"onFailure": [{"name": "e", "type": "end", "criteria": [{"condition": "$statusCode == 404"}]}]},
    ],
)
def test_an_action_that_says_what_a_scenario_does_anyway_is_none(one, step):
    assert one(step, {}).gaps == ()


def test_actions_of_the_workflow_hold_for_steps_that_do_not_override_them(one):
    shared = [{**RETRY, "criteria": [{"condition": "$statusCode == 503"}]}]
    own = [{"name": "r", "type": "end"}]
    first, second = one({}, {"onFailure": own}, failureActions=shared).steps
    assert first.action.meta.retry is not None
    assert second.action.meta.retry is None


def test_messages_are_sent_and_awaited(imported, doc, flow):
    sources = [{"name": "events", "url": "./events.yaml", "type": "asyncapi"}]
    send = {"operationId": "$sourceDescriptions.events.place", "action": "send", "requestBody": {"payload": {"a": 1}}}
    wait = {
        "channelPath": "{$sourceDescriptions.events.url}#/channels/orders~1done",
        "action": "receive",
        "correlationId": "$inputs.c",
        "timeout": 6000,
        "successCriteria": [{"condition": "$message.payload#/state == 'done'"}],
        "outputs": {"id": "$message.payload.id", "kind": "$message.header.kind"},
    }
    use = {"operationId": "x", "parameters": [{"name": "q", "in": "query", "value": "$steps.s1.outputs.id"}]}
    inputs = {"properties": {"c": {"default": 1}}}
    document = doc(flow(send, wait, use, inputs=inputs), sourceDescriptions=sources, arazzo="1.1.0")
    [scenario] = imported(document).scenarios
    first, second, third = scenario.steps
    assert (first.kind, first.channel_type) == (StepKind.ACTION, ChannelType.KAFKA)
    assert (second.kind, second.channel_type) == (StepKind.ASSERTION, ChannelType.KAFKA)
    meta = second.action.meta
    assert (meta.topic, meta.timeout_ms, meta.correlation_id_expr) == ("orders/done", 6000, "data.c")
    assert meta.correlation is Correlation.EXPRESSION
    assert second.expectations.business_rules[0].expr == 'response.body.state.lowerAscii() == "done"'
    assert third.action.input_template == {"query": {"q": "{{ steps.s1.response.body.id }}"}}


def test_a_step_after_a_later_one_is_a_gap(one):
    assert one({"dependsOn": ["s1"]}, {"dependsOn": ["s0"]}).gaps[0].code == "FORWARD_REFERENCE"
    assert one({}, {"dependsOn": ["s0"]}).gaps == ()


def test_every_rule_and_template_that_is_made_parses(written, author):
    from orchestra_kit.design.arazzo.importing import import_scenarios
    from orchestra_kit.design.arazzo.reading import read_arazzo
    from orchestra_kit.expressions import references

    for scenario in import_scenarios(read_arazzo(written, source="x"), author).scenarios:
        for step in scenario.steps:
            references(step.action.input_template)
            for rule in step.expectations.business_rules:
                parse_expression(rule.expr)
