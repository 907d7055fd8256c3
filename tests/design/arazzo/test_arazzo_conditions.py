"""Conditions of Arazzo mean in CEL what the specification says, seen by evaluating them over answers."""

from __future__ import annotations

import pytest

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions import parse_expression

BODY = {
    "status": "Open",
    "total": 12,
    "count": "7",
    "ok": True,
    "none": None,
    "items": [{"id": 1, "tag": "a", "price": 5}, {"id": 2, "price": 9.5, "names": ["x"]}],
    "empty": [],
    "a/b": {"c~d": [1]},
    "deep": {"er": {"x": "y z"}},
}
ANSWER = {"status": 200, "headers": {"content-type": "application/json", "x-n": "5"}, "body": BODY}
SCOPE = {"response": ANSWER, "data": {"min": 6, "tag": "a", "word": "OPEN"}, "steps": {}}


def judged(scenario):
    """Return whether all rules of the first step hold over ANSWER; None when one cannot be evaluated."""
    expectations = scenario.steps[0].expectations
    status = expectations.expected_status_code
    allowed = {None: range(200, 300)}.get(status, (status,) if isinstance(status, int) else status)
    if ANSWER["status"] not in allowed:
        return False
    try:
        return all(parse_expression(rule.expr).evaluate(SCOPE) is True for rule in expectations.business_rules)
    except ExpressionError:
        return None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("$statusCode == 200", True),
        ("$statusCode == 404", False),
        ("200 == $statusCode", True),
        ("$statusCode == '200'", True),
        ("$statusCode != 200", False),
        ("$statusCode >= 200 && $statusCode < 300", True),
        ("$statusCode > 299", False),
        ("$statusCode == 404 || $response.body#/ok == true", True),
        ("$response.body#/status == 'open'", True),  # texts are compared without regard to case
        ("$response.body#/status == 'OPEN' && $response.body#/total > 10", True),
        ("$response.body#/status != 'open'", False),
        ("$response.body#/total <= 12", True),
        ("12 <= $response.body#/total", True),
        ("13 <= $response.body#/total", False),
        ("$response.body#/total >= '12'", True),
        ("$response.body#/none == null", True),
        ("$response.body#/missing == null", True),  # what is not there is null
        ("$response.body#/missing/too == null", True),
        ("$response.body#/items/7 == null", True),
        ("$response.body#/items/0 == null", False),
        ("$response.body#/items/0/id == 1", True),
        ("$response.body#/a~1b/c~0d/0 == 1", True),
        ("$response.body#/total != null", True),
        ("$response.body#/none != null", False),
        ("!($response.body#/ok == true)", False),
        ("!($response.body#/total > 100 || $response.body#/ok == false)", True),
        ("$response.body#/ok", True),
        ("$response.body.deep.er.x == 'y z'", True),
        ("$response.body.items[1].price > 9", True),
        ("$response.header.X-N == '5'", True),
        ("$response.header.Content-Type == 'APPLICATION/JSON'", True),
        ("$inputs.min < $response.body#/total", True),
        ("($response.body#/ok == true)", True),
        ("$response.body#/ok==true&&$response.body#/total==12", True),
        ("$response.body#/status == 'it''s'", False),
        ("true", True),
        ("false", False),
    ],
)
def test_a_simple_condition(one, condition, expected):
    inputs = {"properties": {"min": {"default": 6}}}
    scenario = one({"successCriteria": [{"condition": condition}]}, inputs=inputs)
    assert scenario.gaps == ()
    assert judged(scenario) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('$response.body#/status == "open"', True),
        ("$statusCode === 200", True),
        ("$statusCode == 200 and $response.body#/ok == true", True),
        ("$response.body#/items.length > 1", True),
        ("$response.body.empty.length > 0", False),
        ("$statusCode in [200, 201]", True),
        ("{$statusCode} == 200", True),
        ("$response.body#/status contains 'pe'", True),
    ],
)
def test_spellings_that_many_use_are_read_as_what_they_look_like(one, condition, expected):
    scenario = one({"successCriteria": [{"condition": condition}]})
    assert scenario.gaps == ()
    assert judged(scenario) is expected


@pytest.mark.parametrize(
    "condition",
    [
        "$statusCode is good",
        "the order is there",
        "$statusCode ==",
        "($statusCode == 200",
        "$nothing.x == 1",
        "a.b() > 2",
    ],
)
def test_what_cannot_be_read_is_a_gap_that_keeps_the_text(one, condition):
    scenario = one({"successCriteria": [{"condition": "$statusCode == 200"}, {"condition": condition}]})
    assert scenario.steps[0].expectations.expected_status_code == 200
    [gap] = scenario.gaps
    assert condition in gap.message
    assert (gap.step_alias, gap.field) == ("s0", "steps[0].successCriteria[1]")


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ({"context": "$statusCode", "condition": r"^2\d{2}$"}, True),
        ({"context": "$statusCode", "condition": "^(404|409)$"}, False),
        ({"context": "$response.body#/status", "condition": "^O.en$"}, True),
        ({"context": "$response.body#/total", "condition": r"^\d+$"}, True),
        ({"context": "$response.header.content-type", "condition": "^application/(json|xml)"}, True),
        ({"context": "$response.body#/status", "condition": "^{$inputs.word}$"}, False),
        ({"context": "$response.body#/status", "condition": "(?i)^{$inputs.word}$"}, True),
    ],
)
def test_a_pattern(one, criterion, expected):
    inputs = {"properties": {"word": {"default": "OPEN"}}}
    scenario = one({"successCriteria": [{**criterion, "type": "regex"}]}, inputs=inputs)
    assert scenario.gaps == ()
    assert judged(scenario) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.items[*]", True),
        ("$.empty[*]", False),
        ("$.missing[*]", False),
        ("$.items[0].id", True),
        ("$.items[5].id", False),
        ("$['a/b']['c~d'][0]", True),
        ("$.items[?(@.price > 9)]", True),
        ("$.items[?@.price > 10]", False),
        ("$.items[?(@.tag == 'a' && @.id == 1)].price", True),
        ("$.items[?(@.tag == 'A')]", False),  # unlike simple conditions, JSONPath minds the case
        ("$.items[?(@.tag)]", True),
        ("$.items[?(!@.tag)]", True),
        ("$.items[?(@.nothing)]", False),
        ("$.items[?(@.names[*])]", True),
        ("$.items[?(@.tag == 'b' || @.price == 9.5)]", True),
        ("$.items[?length(@.names) > 0]", True),
        ("$.items[?count(@.names) > 0]", True),
        ("$.items[?(@.price > {$inputs.min})]", True),
        ("$.items[?(@.tag == '{$inputs.tag}')]", True),
        ("$.status == 'Open'", True),
        ("$.items.length > 1", True),
        ("$.items.length() >= 2", True),
        ("length($.items) == 2", True),
        ("$.none != null", False),
    ],
)
def test_a_jsonpath(one, path, expected):
    inputs = {"properties": {"min": {"default": 6}, "tag": {"default": "a"}}}
    criterion = {"context": "$response.body", "condition": path, "type": "jsonpath"}
    scenario = one({"successCriteria": [criterion]}, inputs=inputs)
    assert scenario.gaps == ()
    assert judged(scenario) is expected


@pytest.mark.parametrize("path", ["$..id", "$.items[1:2]", "$.items[0,1]", "$[?(@.a =~ /x/)]", "not a path", "$.a["])
def test_a_jsonpath_beyond_ours_is_a_gap(one, path):
    criterion = {"context": "$response.body", "condition": path, "type": "jsonpath"}
    [gap] = one({"successCriteria": [criterion]}).gaps
    assert gap.code == "JSONPATH"
    assert path in gap.message


@pytest.mark.parametrize("version", ["xpath-10", "xpath-20", "xpath-30", None])
def test_an_xpath_is_a_gap(one, version):
    typed = {"type": "xpath", "version": version} if version else "xpath"
    [gap] = one({"successCriteria": [{"context": "$response.body", "condition": "//a", "type": typed}]}).gaps
    assert (gap.code, "//a" in gap.message) == ("XPATH", True)


@pytest.mark.parametrize(
    ("conditions", "statuses"),
    [
        (["$statusCode == 201"], 201),
        (["$statusCode == 200 || $statusCode == 204"], (200, 204)),
        (["$statusCode >= 200 && $statusCode <= 299"], None),
        (["$statusCode >= 200 && $statusCode < 203"], (200, 201, 202)),
        (["$statusCode in [409, 404]"], (404, 409)),
        (["$statusCode != 500", "$statusCode == 404"], 404),
        (["$response.body#/a == 1"], None),
    ],
)
def test_conditions_about_the_status_alone_become_expected_statuses(one, conditions, statuses):
    scenario = one({"successCriteria": [{"condition": text} for text in conditions]})
    assert scenario.steps[0].expectations.expected_status_code == statuses


def test_a_status_that_no_answer_has_is_a_gap(one):
    [gap] = one({"successCriteria": [{"condition": "$statusCode == 200 && $statusCode == 201"}]}).gaps
    assert "no status makes" in gap.message


def test_a_pattern_that_looks_around_is_a_gap(one):
    [gap] = one({"successCriteria": [{"context": "$response.body#/a", "condition": "a(?=b)", "type": "regex"}]}).gaps
    assert gap.code == "REGEX"
