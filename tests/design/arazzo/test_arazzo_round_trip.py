"""Round trips and broken documents by the hundred: nothing is lost, and nothing but our own errors comes out."""

from __future__ import annotations

import copy
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra_kit.design.arazzo.exporting import export_scenarios
from orchestra_kit.design.arazzo.importing import import_scenarios
from orchestra_kit.design.arazzo.inspection import inspect_scenarios
from orchestra_kit.design.arazzo.overlay import scenario_difference, step_json
from orchestra_kit.design.arazzo.reading import read_arazzo
from orchestra_kit.design.generation import Author
from orchestra_kit.errors import OrchestraError
from orchestra_kit.model import TestScenario

NOW = datetime(2026, 1, 2, tzinfo=UTC)
AUTHOR = Author(tenant_id="t", suite_id="s", actor="a", now=NOW)
DOCUMENTS = [
    read_arazzo(path.read_bytes(), source="x").raw for path in sorted((Path(__file__).parent / "documents").iterdir())
]
CORPUS = Path(os.environ.get("ORCHESTRA_CORPUS") or Path(__file__).parents[4] / "shared" / "data") / "mapping"


def read(data):
    return import_scenarios(read_arazzo(json.dumps(data).encode(), source="x"), AUTHOR).scenarios


# Scenarios of ours -------------------------------------------------------------------------------------------------

names = st.sampled_from(["id", "sku", "a b", "x-y", "0", "true", "naïve", "a.b", "q'", 'say "x"', "b{c", "$inputs"])
constants = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from([1.0, 0.5, -2.25]),
    st.sampled_from(["", "text", "it's", '"', "$inputs.a", "{$inputs.a}", "\\{{ x }}", "$statusCode", "a\nb", "ü", "#", "\\"]),
)  # fmt: skip
chains = st.lists(st.one_of(names, st.integers(0, 3)), max_size=3)


def path(root, parts):
    return root + "".join(f"[{json.dumps(part, ensure_ascii=False)}]" for part in parts)


references = st.one_of(
    chains.map(lambda parts: path("data", ["sku", *parts])),
    names.map(lambda name: path("data", [name])),
    st.tuples(st.integers(0, 2), chains).map(lambda item: path(f"steps.s{item[0]}.response.body", item[1])),
    st.integers(0, 2).map(lambda number: f"steps.s{number}.response.status"),
    st.sampled_from(["run.token", "env.host", 'suite["a"]', "data.n + 1", "size(data.l) > 1", '{"a": 1}["a"]']),
)
texts = st.one_of(
    references.map(lambda text: "{{ " + text + " }}"),
    st.tuples(st.sampled_from(["", "a ", "{", "\\", "}", "'"]), references, st.sampled_from(["", " b", "}", "{"])).map(
        lambda item: f"{item[0]}{{{{ {item[1]} }}}}{item[2]}" if not item[0].endswith(("{", "\\")) else f"x{{{{ {item[1]} }}}}{item[2]}"
    ),
)  # fmt: skip
values = st.recursive(
    constants | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
operands = st.one_of(
    chains.map(lambda parts: path("response.body", parts)),
    st.sampled_from(["response.status", 'response.headers["x-a"]', "1", "-2.5", "'text'", '"it\'s"', "null", "true"]),
    references,
)
comparisons = st.tuples(operands, st.sampled_from(["==", "!=", "<", ">="]), operands).map(" ".join)
rules = st.recursive(
    st.one_of(
        comparisons,
        chains.filter(lambda parts: parts and isinstance(parts[-1], str)).map(
            lambda parts: f"!has({path('response.body', parts[:-1])}.id)"
        ),
        operands.map(lambda text: f"string({text}).matches('^a+$')"),
        st.sampled_from(["response.body.l.exists(i, i.a == 1)", "size(response.body) == 2"]),
    ),
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda item: f"({item[0]}) {item[1]} ({item[2]})")
    | inner.map(lambda text: f"!({text})"),
    max_leaves=3,
)  # fmt: skip
rule_values = rules | st.tuples(rules, st.sampled_from(["", "m", "ü {{ x }}"])).map(
    lambda item: {"expr": item[0], "message": item[1]}
)


@st.composite
def steps(draw):
    """A step: mostly a call, sometimes what Arazzo has no word for."""
    step = {
        "kind": draw(st.sampled_from(["ACTION", "ACTION", "ACTION", "ASSERTION"])),
        "channelType": draw(st.sampled_from(["HTTP_REST", "HTTP_REST", "HTTP_REST", "KAFKA", "DB"])),
        "name": draw(st.sampled_from(["", "A name", "two\nlines"])),
        "endpointRef": {
            "serviceName": draw(st.sampled_from(["shop", "pay api"])),
            "endpointName": draw(st.sampled_from(["op", "GET /a/{id}", "POST /x~y/b"])),
        },
        "expectations": {
            "expectedStatusCode": draw(st.sampled_from([None, 200, [200, 404]])),
            "businessRules": draw(st.lists(rule_values, max_size=3)),
        },
    }
    template = {
        name: draw(st.dictionaries(names, values, max_size=2))
        for name in draw(st.sets(st.sampled_from(["path", "query", "headers", "cookies"])))
    }
    if draw(st.booleans()):
        template["body"] = draw(values)
    meta = draw(st.fixed_dictionaries({}, optional={
        "timeoutMs": st.integers(0, 9), "retry": st.just({"retryLimit": 2, "onStatus": [503]}),
        "exportAs": st.dictionaries(st.sampled_from(["a", "b c"]), operands, max_size=2), "correlation": st.just("DATA"),
    }))  # fmt: skip
    return {**step, "action": {"inputTemplate": template or None, "meta": meta}}


@st.composite
def scenarios(draw):
    """A scenario of up to four steps."""
    written = [
        {**step, "id": f"i{number}", "orderIndex": number, "alias": f"s{number}"}
        for number, step in enumerate(draw(st.lists(steps(), min_size=1, max_size=4)))
    ]
    return TestScenario.model_validate({
        "id": "x", "tenantId": "t", "suiteId": "s", "key": "flow", "createdAt": NOW, "createdBy": "a", "updatedAt": NOW,
        "updatedBy": "a", "steps": written, "data": draw(st.dictionaries(names, values, max_size=3)),
        "name": draw(st.sampled_from(["", "Buy"])),
    })  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios())
def test_any_scenario_comes_back(scenario):
    try:
        document = export_scenarios([scenario], title="T")
    except OrchestraError:
        assert all(step.channel_type not in ("HTTP_REST", "KAFKA") for step in scenario.steps)
        return
    [again] = read(document)
    assert [step_json(step) for step in again.steps] == [step_json(step) for step in scenario.steps]
    assert scenario_difference(again, scenario) == {}
    assert export_scenarios([again], title="T") == document


# Documents of others -----------------------------------------------------------------------------------------------

ODD = [
    None, True, 0, -1, 1.5, 10**30, "", "$", "$inputs", "$inputs.", "$steps.x.outputs.y", "{$inputs.a", "{$inputs.a}{$b}",
    "{{ x", "\\{{", "$response.body#", "$response.body#/~2", "$..*", "$[?(@.a", "((((", "a && ", "! ! $statusCode",
    "$statusCode == '", "é" * 300, [], {}, [[]], {"a": None}, {"reference": "$components.parameters.page"}, {"reference": 5},
    {"$inputs.sku": None}, {"context": "$x", "selector": "$.a", "type": "jsonpath"}, "$response.body#/" + "a/" * 80,
    "$workflows.", "$sourceDescriptions.", "{$sourceDescriptions.shop.url}#/paths/", "(" * 3000, "$.a" + "[0]" * 700,
]  # fmt: skip
FIELDS = [
    "stepId", "workflowId", "operationId", "operationPath", "type", "value", "in", "name", "condition", "context",
    "criteria", "inputs", "outputs", "$ref", "default", "x-orchestra-rule", "x-orchestra-expression", "x-orchestra-data",
]  # fmt: skip


def places(node, trail=()):
    """Yield the way to every value in a document."""
    if trail:
        yield trail
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, item in items:
        yield from places(item, (*trail, name))


def at(node, trail):
    for name in trail:
        node = node[name]
    return node


@st.composite
def broken(draw):
    """One of the documents here with up to four things changed."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 4))):
        known = list(places(document))
        if not known:
            break
        trail = draw(st.sampled_from(known))
        owner, name = at(document, trail[:-1]), trail[-1]
        match draw(st.integers(0, 5)):
            case 0 | 1:
                owner[name] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case 2:
                del owner[name]
            case 3 if isinstance(owner, list):
                owner.insert(0, copy.deepcopy(owner[name]))
            case 3:
                owner[draw(st.sampled_from(FIELDS))] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case 4:
                owner[name] = copy.deepcopy(at(document, draw(st.sampled_from(known))))
            case 5 if isinstance(owner[name], str) and owner[name]:
                text, position = owner[name], draw(st.integers(0, len(owner[name]) - 1))
                sign = draw(st.sampled_from(["", "{", "}", "#", "/", ".", "$", "'", " ", "~", "[0]", '"']))
                owner[name] = text[:position] + sign + text[position + draw(st.integers(0, 2)) :]
    return document


def of_lists(document):
    """Return whether the lists of a document are lists: what is none is put right, and so does not come back as it was."""
    flows = document.get("workflows")
    return (
        isinstance(flows, list)
        and isinstance(document.get("sourceDescriptions", []), list)
        and all(isinstance(item.get("steps"), list) for item in flows if isinstance(item, dict) and "steps" in item)
    )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken())
def test_a_broken_document_gives_scenarios_or_our_error_and_comes_back_as_it_was(document):
    try:
        read_document = read_arazzo(json.dumps(document).encode(), source="x")
        made = import_scenarios(read_document, AUTHOR).scenarios
        exported = export_scenarios(made, title="T") if made else None
    except OrchestraError:
        return
    assert all(item.message for item in read_document.findings)
    if exported is not None and of_lists(read_document.raw):
        assert exported == read_document.raw


@settings(max_examples=150, deadline=None)
@given(
    data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)),
    cut=st.integers(0, 4000),
    number=st.integers(0, 1),
)
def test_any_bytes_have_an_answer(tmp_path_factory, data, cut, number):
    whole = json.dumps(DOCUMENTS[number]).encode()
    file = tmp_path_factory.getbasetemp() / "any.arazzo.yaml"
    file.write_bytes(whole[:cut] + data + whole[cut:])
    found = inspect_scenarios(file)
    assert found["ok"] or found["warnings"]


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"there is no corpus at {CORPUS}")
def test_workflows_made_of_what_people_and_machines_wrote_are_read_and_come_back():
    """Step ids, operations, outputs with their expressions, inputs and data flow of the public documents in the corpus."""
    flows = [json.loads(line) for line in (CORPUS / "workflows.jsonl").read_text().splitlines()]
    transfers = [json.loads(line) for line in (CORPUS / "transfer.jsonl").read_text().splitlines()]
    by_flow: dict[str, list] = {}
    for row in transfers:
        by_flow.setdefault(row["wf"], []).append(row)
    lost = 0
    for flow in flows:
        document = _rebuilt(flow, by_flow.get(flow["wf"], []))
        if document is None:
            continue
        [scenario] = read(document)
        assert len(scenario.steps) == len(document["workflows"][0]["steps"])
        assert export_scenarios([scenario], title="T") == document
        lost += any(gap.code in ("UNKNOWN_STEP", "UNKNOWN_OUTPUT", "UNKNOWN_EXPRESSION") for gap in scenario.gaps)
    assert lost <= len(flows) // 100


def _rebuilt(flow, rows):
    """Return a document with the steps, outputs and data flow of one workflow of the corpus."""
    written: dict[str, dict] = {}
    for output in flow["outputs"]:
        step = written.setdefault(output["step"], {"stepId": output["step"], "operationPath": _operation(output["op"])})
        step.setdefault("outputs", {})[output["output"]] = output["expression"]
    for row in rows:
        step = written.setdefault(row["step"], {"stepId": row["step"], "operationPath": _operation(row["op"])})
        dest, label = row["dest"], row["label"]
        value = f"$inputs.{row['label_input']}" if label is None else "$steps." + label.replace(".", ".outputs.", 1)
        if dest["kind"] == "parameter":
            parameters = step.setdefault("parameters", [])
            parameters.append({"name": dest["name"], "in": dest["where"] or "query", "value": value})
    if not written:
        return None
    order = {row["step"]: row["position"] for row in rows} | {
        item["step"]: item["position"] for item in flow["outputs"]
    }
    return {
        "arazzo": "1.0.1",
        "info": {"title": flow["workflow"], "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "./api.json", "type": "openapi"}],
        "workflows": [
            {
                "workflowId": flow["workflow"],
                "summary": flow["summary"] or "",
                "inputs": {"type": "object", "properties": {name: {"type": "string"} for name in flow["inputs"]}},
                "steps": sorted(written.values(), key=lambda step: order[step["stepId"]]),
            }
        ],
    }


def _operation(text):
    method, _, where = (text or "GET /unknown").partition(" ")
    return "{$sourceDescriptions.api.url}#/paths/" + where.replace("~", "~0").replace("/", "~1") + "/" + method.lower()
