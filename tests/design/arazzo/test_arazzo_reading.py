"""Documents as others write them: what makes sense is read, and every defect is named with its place and line."""

from __future__ import annotations

import json

import pytest
from arazzo_schema import breaches

from orchestra_kit.design.arazzo.inspection import inspect_scenarios
from orchestra_kit.design.arazzo.reading import read_arazzo
from orchestra_kit.errors import DefinitionError, LimitError

GOOD = """\
arazzo: 1.0.1
info: {title: T, version: "1"}
sourceDescriptions:
- {name: shop, url: ./shop.yaml, type: openapi}
workflows:
- workflowId: flow
  steps:
  - stepId: a
    operationId: op
    successCriteria:
    - condition: $statusCode == 200
"""


@pytest.fixture
def inspected(tmp_path):
    """Inspect a text, or data as JSON."""

    def inspect(content, name="flow.arazzo.yaml"):
        path = tmp_path / name
        data = (
            content
            if isinstance(content, bytes)
            else (content if isinstance(content, str) else json.dumps(content)).encode()
        )
        path.write_bytes(data)
        return inspect_scenarios(path)

    return inspect


def found(result):
    return {(item["code"], item["where"], item.get("line")) for item in result["warnings"]}


def test_a_good_document_has_no_finding(inspected):
    result = inspected(GOOD)
    assert {name: result[name] for name in ("ok", "format", "version", "warnings")} == {
        "ok": True, "format": "arazzo", "version": "1.0.1", "warnings": [],
    }  # fmt: skip
    assert result["workflows"] == [{"workflowId": "flow", "steps": 1, "dependsOn": [], "stepIds": ["a"]}]


def test_the_documents_here_are_valid(written):
    assert breaches(read_arazzo(written, source="x").raw) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("arazzo: 1.0.1", "arazzo: 1.0", ("WRONG_TYPE", "/arazzo", 1)),
        ("arazzo: 1.0.1", "arazzo: 3.0.0", ("VERSION_UNKNOWN", "/arazzo", 1)),
        ("arazzo: 1.0.1", "workflowsSpec: 1.0.0-prerelease", ("VERSION_MISSING", "", 1)),
        ("title: T, ", "", ("FIELD_MISSING", "/info", 2)),
        ('info: {title: T, version: "1"}', "infos: {}", ("UNKNOWN_FIELD", "/infos", 2)),
        ("type: openapi", "type: OpenAPI", ("UNKNOWN_VALUE", "/sourceDescriptions/0/type", 4)),
        ("name: shop, ", "", ("FIELD_MISSING", "/sourceDescriptions/0", 4)),
        ("- workflowId: flow\n  steps", "- steps", ("FIELD_MISSING", "/workflows/0", 6)),
        ("- workflowId: flow", "- workflowId: 7", ("WRONG_TYPE", "/workflows/0/workflowId", 6)),
        ("operationId: op", "operationID: op", ("UNKNOWN_FIELD", "/workflows/0/steps/0/operationID", 9)),
        ("operationId: op", "operationID: op", ("NO_TARGET", "/workflows/0/steps/0", 8)),
        ("operationId: op", "{a: 1}: x", None),
        ("    operationId: op", "    operationId: op\n    workflowId: flow", ("SEVERAL_TARGETS", "/workflows/0/steps/0", 8)),
        ("    operationId: op", "    operationId: op\n    operationId: op2",
         ("NAME_DOUBLED", "/workflows/0/steps/0/operationId", 10)),
        ("    operationId: op", "    operationId: op\n    parameters: [{in: query, value: 1}]",
         ("FIELD_MISSING", "/workflows/0/steps/0/parameters/0", 10)),
        ("    operationId: op", "    operationId: op\n    parameters: [{name: a, value: 1}]",
         ("PARAMETER_WITHOUT_IN", "/workflows/0/steps/0/parameters/0", 10)),
        ("    operationId: op", "    operationId: op\n    parameters: [{name: a, in: body, value: 1}]",
         ("UNKNOWN_VALUE", "/workflows/0/steps/0/parameters/0/in", 10)),
        ("    operationId: op", "    operationId: op\n    parameters: [{reference: $components.parameters.pag}]",
         ("UNKNOWN_COMPONENT", "/workflows/0/steps/0/parameters/0", 10)),
        ("    operationId: op", "    operationId: op\n    timeout: soon", ("WRONG_TYPE", "/workflows/0/steps/0/timeout", 10)),
        ("    operationId: op", "    operationId: op\n    onFailure: [{name: a, type: stop}]",
         ("UNKNOWN_VALUE", "/workflows/0/steps/0/onFailure/0/type", 10)),
        ("    operationId: op", "    operationId: op\n    requestBody: {a: 1}",
         ("FIELD_MISSING", "/workflows/0/steps/0/requestBody", 10)),
        ("condition: $statusCode == 200", "context: $statusCode", ("FIELD_MISSING", "/workflows/0/steps/0/successCriteria/0", 11)),
        ("condition: $statusCode == 200", "{condition: a, type: regexp, context: $statusCode}",
         ("UNKNOWN_VALUE", "/workflows/0/steps/0/successCriteria/0/type", 11)),
        ("    - condition: $statusCode == 200", "    - $statusCode == 200",
         ("WRONG_TYPE", "/workflows/0/steps/0/successCriteria/0", 11)),
        ("  - stepId: a", "  - stepId: a\n    operationId: op\n  - stepId: a",
         ("STEP_DOUBLED", "/workflows/0/steps/1/stepId", 10)),
        ("- workflowId: flow", "- workflowId: flow\n  dependsOn: [flo]", ("UNKNOWN_WORKFLOW", "/workflows/0/dependsOn/0", 7)),
        ("- workflowId: flow", "- workflowId: flow\n  inputs: {$ref: '#/components/inputs/x'}",
         ("UNKNOWN_REFERENCE", "/workflows/0/inputs", 7)),
        ("arazzo: 1.0.1", "arazzo: !version 1.0.1", ("TAG", "/arazzo", 1)),
        ("info: {", "more: &a {x-b: 1}\ninfo: {<<: {x-a: 1}, ", ("UNKNOWN_FIELD", "/more", 2)),
    ],
)  # fmt: skip
def test_a_defect_is_named_and_the_rest_is_read(inspected, old, new, expected):
    assert old in GOOD
    result = inspected(GOOD.replace(old, new, 1))
    if expected is None:
        assert [item["code"] for item in result["warnings"]] == ["DOCUMENT_INVALID"]
        return
    assert result["ok"]
    assert expected in found(result)


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ("    operationId: op", "    description: x", "NO_TARGET", "/workflows/0/steps/0"),
        ("    operationId: op", "    operationId: op\n    parameters: [{name: a, in: body, value: 1}]",
         "UNKNOWN_VALUE", "/workflows/0/steps/0/parameters/0/in"),
        ("condition: $statusCode == 200", "{condition: a, type: regex}",
         "FIELD_MISSING", "/workflows/0/steps/0/successCriteria/0"),
    ],
)  # fmt: skip
def test_one_defect_is_one_warning(inspected, old, new, code, where):
    assert old in GOOD
    result = inspected(GOOD.replace(old, new, 1))
    assert [(item["code"], item["where"]) for item in result["warnings"]] == [(code, where)]


@pytest.mark.parametrize("field", ["onFailure", "onSuccess"])
def test_actions_to_what_is_missing_are_named(inspected, field):
    actions = (
        "[{name: a, type: goto, stepId: missing}, {name: b, type: goto, workflowId: flwo}, "
        "{name: c, type: goto, workflowId: $sourceDescriptions.other.flow}, {name: d, type: goto, stepId: a}]"
    )
    result = inspected(GOOD.replace("    operationId: op", f"    operationId: op\n    {field}: {actions}", 1))
    path = f"/workflows/0/steps/0/{field}"
    missing = [item for item in result["warnings"] if item["code"].startswith("UNKNOWN_")]
    assert [(item["code"], item["where"], item["line"]) for item in missing] == [
        ("UNKNOWN_STEP", f"{path}/0/stepId", 10),
        ("UNKNOWN_WORKFLOW", f"{path}/1/workflowId", 10),
    ]
    assert "'missing', which is not there" in missing[0]["message"]
    assert "Did you mean 'flow'?" in missing[1]["message"]


def test_a_workflow_that_depends_on_itself_is_told_so(inspected):
    result = inspected(GOOD.replace("- workflowId: flow", "- workflowId: flow\n  dependsOn: [flow]", 1))
    assert [(item["code"], item["where"], item["message"]) for item in result["warnings"]] == [
        ("DEPENDENCY_CYCLE", "/workflows/0/dependsOn/0", "the workflow depends on itself.")
    ]


def test_workflows_that_wait_for_each_other_are_named_once(inspected):
    waits = {"a": "b, $workflows.c", "b": "c", "c": "a", "d": "a", "e": "d"}
    flows = "".join(
        f"- workflowId: {name}\n  dependsOn: [{others}]\n  steps: [{{stepId: s, operationId: op}}]\n"
        for name, others in waits.items()
    )
    result = inspected(GOOD[: GOOD.index("- workflowId")] + flows)
    assert sorted((item["code"], item["where"], item["message"]) for item in result["warnings"]) == [
        ("DEPENDENCY_CYCLE", "/workflows/0/dependsOn", "workflows wait for each other: a -> b -> c -> a."),
        ("DEPENDENCY_CYCLE", "/workflows/0/dependsOn", "workflows wait for each other: a -> c -> a."),
    ]


def test_a_dependency_on_a_workflow_without_steps_is_told_so(inspected):
    text = GOOD.replace(
        "- workflowId: flow", "- workflowId: none\n  steps: []\n- workflowId: flow\n  dependsOn: [none]"
    )
    messages = [item["message"] for item in inspected(text)["warnings"]]
    assert messages == ["the workflow has no step.", "it depends on the workflow 'none', which has no step."]


def test_what_follows_the_first_document_is_left_out(inspected):
    result = inspected(GOOD + "---\narazzo: 1.0.1\n")
    assert result["ok"]
    assert {code for code, _, _ in found(result)} == {"SEVERAL_DOCUMENTS"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_an_encoding_does_not_stop_it(inspected, encoding):
    result = inspected(GOOD.replace("title: T", "title: Grüße").encode(encoding))
    assert result["ok"]
    assert {code for code, _, _ in found(result)} == ({"ENCODING"} if encoding == "cp1252" else set())


def test_json_is_read_with_its_lines(inspected):
    document = json.loads(json.dumps(read_arazzo(GOOD.encode(), source="x").raw))
    document["workflows"][0]["steps"][0]["operationID"] = "x"
    result = inspected(json.dumps(document, indent=1).replace("  ", "\t"), "flow.arazzo.json")
    assert result["ok"]
    [(code, where, line)] = found(result)
    assert (code, where) == ("UNKNOWN_FIELD", "/workflows/0/steps/0/operationID")
    assert line > 10


@pytest.mark.parametrize(
    ("content", "code", "part"),
    [
        ("", "NOT_A_SCENARIO", "neither"),
        ("- 1", "NOT_A_SCENARIO", "neither"),
        ("openapi: 3.0.0", "NOT_A_SCENARIO", "neither"),
        ("a: [", "DOCUMENT_INVALID", "not valid YAML"),
        ("arazzo: 1.0.1\nx: *nowhere", "DOCUMENT_INVALID", "anchor"),
        ("arazzo: 1.0.1", "FIELD_MISSING", "'workflows' is missing"),
        (GOOD.replace("steps:", "step:"), "NO_STEPS", "no step"),
        ("a: &a [x]\nb: &b [" + "*a," * 50 + "]\n" + "c: [" + "[" * 100, "DOCUMENT_INVALID", "nested"),
        (b"\xff\xfe\x00", "ENCODING", "not UTF-8"),
    ],
)
def test_a_file_of_no_use_has_a_named_reason(inspected, content, code, part):
    result = inspected(content)
    assert not result["ok"]
    assert any(item["code"] == code and part in item["message"] for item in result["warnings"])


def test_a_file_that_is_not_there_has_a_named_reason(tmp_path):
    result = inspect_scenarios(tmp_path / "none.yaml")
    assert (result["ok"], result["warnings"][0]["code"]) == (False, "DOCUMENT_INVALID")


def test_a_scenario_file_of_ours_is_inspected_too(inspected):
    content = {"key": "k", "dependsOn": [{"scenarioKey": "j"}], "steps": [{"alias": "a", "kind": "ACTION"}]}
    result = inspected(content)
    assert (result["ok"], result["format"]) == (True, "orchestra")
    assert result["workflows"] == [{"workflowId": "k", "steps": 1, "dependsOn": ["j"], "stepIds": ["a"]}]


def test_an_alias_bomb_is_refused():
    lines = ["arazzo: 1.0.1", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DefinitionError, match="too many values"):
        read_arazzo("\n".join(lines).encode(), source="x")


def test_a_huge_file_is_refused():
    with pytest.raises(LimitError, match="at most"):
        read_arazzo(b" " * 10_000_001, source="x")


def test_findings_end_somewhere(doc, flow, reading):
    steps = [{"stepId": f"s{number}", "odd": 1, "odder": 2} for number in range(400)]
    document = reading(doc(flow(*steps)))
    assert document.findings[-1].code == "MORE_FINDINGS"
    assert len(document.findings) <= 301


@pytest.mark.parametrize(("name", "text"), [("openapi", "openapi"), ("list", "not an object")])
def test_what_is_no_arazzo_says_what_it_is(name, text):
    content = {"openapi": b"openapi: 3.1.0", "list": b"[1]"}[name]
    with pytest.raises(DefinitionError, match=text):
        read_arazzo(content, source="x")


@pytest.mark.parametrize(
    ("written", "read_as", "told"),
    [
        ("caf\\u00e9 \\ud83d\\ude00", "café 😀", False),
        ("cut \\ud83d", "cut \ufffd", True),
        ("\\ude00 cut", "\ufffd cut", True),
        ("nul \\u0000", "nul \ufffd", True),
        ("back\\\\ud83d slash", "back\\ud83d slash", False),
        ("bell \x07", "bell ", True),
    ],
)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_halves_of_characters_do_not_stop_it(inspected, tmp_path, form, written, read_as, told):
    title = f'"{written}"'
    text = GOOD.replace("title: T", f"title: {title}")
    if form == "json":
        text = json.dumps(read_arazzo(GOOD.encode(), source="x").raw, indent=1).replace('"T"', title)
    assert read_arazzo(text.encode(), source="x").raw["info"]["title"] == read_as
    assert {code for code, _, _ in found(inspected(text))} == ({"ENCODING"} if told else set())


@pytest.mark.parametrize(("form", "read_as"), [("json", "it\x80\x99s"), ("yaml", "its")])
def test_text_in_a_wrong_encoding_does_not_stop_it(form, read_as):
    text = GOOD.replace("title: T", "title: it\x80\x99s")
    if form == "json":
        text = json.dumps(read_arazzo(GOOD.encode(), source="x").raw).replace('"T"', '"it\x80\x99s"')
    assert read_arazzo(text.encode(), source="x").raw["info"]["title"] == read_as
