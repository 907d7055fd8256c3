"""Judging HTTP requests and answers."""

from __future__ import annotations

import dataclasses
import json

import pytest

from orchestra_kit.model import AuthRef, Expectations, ViolationType
from orchestra_kit.protocols.http.contract_validator import HttpContractValidator, find_media_type
from orchestra_kit.protocols.http.spec_parser import OpenApiParser
from orchestra_kit.protocols.http.step_executor import decode_body
from orchestra_kit.spi.protocol import Observation, ObservationError

SHOP = """
openapi: 3.0.3
info: {title: Shop, version: '1'}
paths:
  /orders/{id}:
    get:
      operationId: getOrder
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
        - {name: fields, in: query, schema: {type: array, items: {type: string, enum: [a, b]}}}
        - {name: X-Shop, in: header, required: true, schema: {type: string}}
        - {name: Authorization, in: header, required: true, schema: {type: string}}
      responses:
        200:
          description: ok
          headers: {ETag: {required: true, schema: {type: string}}, X-Left: {schema: {type: integer}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
        404: {description: none, content: {application/problem+json: {schema: {type: object, required: [title]}}}}
  /orders:
    post:
      operationId: place
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
      responses: {201: {description: made}}
  /free:
    get: {operationId: free, responses: {default: {description: any}}}
components:
  schemas:
    Order:
      type: object
      required: [id, status, secret]
      additionalProperties: false
      properties:
        id: {type: integer, readOnly: true}
        status: {type: string, enum: [NEW, PAID]}
        total: {type: number}
        secret: {type: string, format: password, writeOnly: true}
        token: {type: string, format: password, minLength: 10}
        lines: {type: array, items: {type: object, required: [sku], properties: {sku: {type: string}}}}
        pay: {oneOf: [{type: object, required: [iban], properties: {iban: {type: string, minLength: 5}}}, {type: integer}]}
"""
SUMMARY = OpenApiParser().parse(SHOP, source="shop.yaml")


@pytest.fixture
def judge(http_command):
    validator = HttpContractValidator()

    def check(body=None, *, status=200, media_type="application/json", headers=None, operation="getOrder", raw=None,
              truncated=False, expect=None, **expected):  # fmt: skip
        content = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        seen = Observation(
            status_code=status, headers={"etag": '"1"', "content-type": media_type, **(headers or {})},
            body=decode_body(content, media_type), raw_body=content, media_type=media_type, truncated=truncated,
        )  # fmt: skip
        expectations = Expectations(expected_status_code=expect, **expected)
        return validator.check_response(http_command(operation, summary=SUMMARY), seen, expectations)

    return check


GOOD = {"id": 1, "status": "NEW"}


def test_an_answer_as_described_is_no_violation(judge):
    assert judge(GOOD) == []
    assert judge(GOOD, media_type="application/json; charset=utf-8") == []
    assert judge({"title": "x"}, status=404, media_type="application/problem+json", expect=404) == []


def test_a_wrong_status_is_an_http_error_with_what_the_service_said(judge):
    [violation] = judge({"title": "gone", "detail": "no order 7"}, status=404, media_type="application/problem+json")
    assert violation.type is ViolationType.HTTP_ERROR and violation.code == "STATUS_UNEXPECTED"
    assert violation.message == "expected status 200, got 404: no order 7"
    assert violation.details["expected"] == ["200"] and violation.details["got"] == 404
    assert violation.details["body"]["title"] == "gone"


@pytest.mark.parametrize(("expect", "got", "fine"), [(200, 200, True), ((200, 404), 404, True), (200, 404, False)])
def test_expected_status_may_be_one_or_several(judge, expect, got, fine):
    body = GOOD if got == 200 else {"title": "x"}
    media_type = "application/json" if got == 200 else "application/problem+json"
    assert (judge(body, status=got, media_type=media_type, expect=expect) == []) == fine


def test_a_success_that_is_not_declared_is_a_contract_violation(judge):
    [violation] = judge(status=204)
    assert (violation.type, violation.code) == (ViolationType.CONTRACT_VIOLATION, "STATUS_UNDECLARED")
    assert violation.details == {"expected": ["200", "404"], "got": 204}


def test_an_undeclared_error_is_one_violation_and_not_two(judge):
    [violation] = judge(status=500, raw=b"oops", media_type="text/plain")
    assert violation.type is ViolationType.HTTP_ERROR


def test_an_undeclared_status_that_was_expected_is_a_contract_violation(judge):
    [violation] = judge(status=500, expect=500)
    assert violation.code == "STATUS_UNDECLARED"


def test_a_default_declares_every_status(judge):
    assert judge(status=418, operation="free", expect=418) == []


def test_every_breach_is_told_with_its_place_and_both_pointers(judge):
    body = {"id": "one", "status": "OLD", "extra": 1, "lines": [{"sku": "a"}, {}]}
    found = {one.details["pointer"]: one for one in judge(body)}
    assert set(found) == {"/id", "/status", "", "/lines/1"}
    assert all(one.type is ViolationType.CONTRACT_VIOLATION and one.code == "RESPONSE_SCHEMA" for one in found.values())
    assert found["/id"].details["got"] == "one" and found["/id"].details["expected"] == ["integer"]
    assert found["/status"].details["expected"] == ["NEW", "PAID"]
    assert "unexpected property 'extra'" in found[""].message
    assert "required property 'sku' is missing" in found["/lines/1"].message
    assert found["/status"].details["schemaPointer"].endswith("/properties/status/enum")


def test_the_nearest_alternative_of_a_one_of_gives_the_reason(judge):
    [violation] = judge({**GOOD, "pay": {"iban": "x"}})
    assert violation.details["pointer"] == "/pay/iban" and violation.details["keyword"] == "minLength"


def test_no_more_than_twenty_breaches_are_listed_and_the_rest_counted(judge):
    found = judge({**GOOD, "lines": [{}] * 50})
    assert len(found) == 20 and found[-1].details["moreBreaches"] == 30


def test_a23_a_sensitive_value_is_not_quoted(judge):
    """A23."""
    found = judge({**GOOD, "token": "hunter2"})
    assert found and "hunter2" not in repr(found) and found[0].details["got"] == "***"


def test_a23_a_sensitive_value_in_an_answer_of_the_wrong_status_is_not_quoted(judge):
    """A23."""
    [violation] = judge({**GOOD, "token": "hunter2-hunter2", "lines": []}, expect=404)
    assert violation.details["body"]["token"] == "***" and "hunter2" not in repr(violation)


def test_a_write_only_value_in_an_answer_is_a_breach_and_its_absence_is_none(judge):
    [violation] = judge({**GOOD, "secret": "hunter2"})
    assert violation.details["pointer"] == "/secret" and "hunter2" not in repr(violation)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"raw": b""}, "BODY_MISSING"),
        ({"raw": b"{", "media_type": "application/json"}, "BODY_NOT_JSON"),
        ({"raw": b"x", "media_type": "text/html"}, "MEDIA_TYPE_UNDECLARED"),
        ({"raw": b"x", "media_type": ""}, "MEDIA_TYPE_UNDECLARED"),
        ({"body": GOOD, "headers": {"x-left": "many"}}, "RESPONSE_SCHEMA"),
    ],
)
def test_each_way_to_break_a_contract_has_its_code(judge, settings, code):
    [violation] = judge(**settings)
    assert (violation.type, violation.code) == (ViolationType.CONTRACT_VIOLATION, code)


def test_a_required_header_that_is_missing_is_named(judge, http_command):
    seen = Observation(status_code=200, headers={}, body=GOOD, raw_body=b"{}", media_type="application/json")
    [violation] = HttpContractValidator().check_response(
        http_command("getOrder", summary=SUMMARY), seen, Expectations()
    )
    assert violation.code == "HEADER_MISSING" and "'ETag'" in violation.message


def test_the_contract_is_left_alone_when_the_step_says_so(judge):
    assert judge({"nonsense": 1}, check_contract=False) == []


def test_extra_schemas_of_the_step_are_judged_too(judge):
    found = judge(GOOD, operation="free", schema_refs=("#/components/schemas/Order",))
    assert found == []
    found = judge({"id": 1}, operation="free", schema_refs=("#/components/schemas/Order",))
    assert [one.code for one in found] == ["RESPONSE_SCHEMA"]
    [violation] = judge(GOOD, operation="free", schema_refs=("#/components/schemas/Ordr",))
    assert (
        violation.type is ViolationType.VALIDATION_ERROR
        and "Did you mean '#/components/schemas/Order'?" in violation.message
    )


def test_a_cut_body_cannot_be_judged(judge):
    [violation] = judge(GOOD, truncated=True)
    assert violation.type is ViolationType.EXECUTION_ERROR and violation.code == "BODY_TOO_LONG"


def test_no_answer_is_not_judged(http_command):
    seen = Observation(error=ObservationError(kind="timeout", message="x"))
    assert HttpContractValidator().check_response(http_command("getOrder", summary=SUMMARY), seen, Expectations()) == []


def test_an_operation_without_description_is_judged_by_status_alone(http_command):
    validator = HttpContractValidator()
    good = Observation(status_code=202, body="x", raw_body=b"x", headers={})
    assert validator.check_response(http_command("GET /x"), good, Expectations()) == []
    [violation] = validator.check_response(
        http_command("GET /x"), dataclasses.replace(good, status_code=302), Expectations()
    )
    assert violation.type is ViolationType.HTTP_ERROR and violation.details["expected"] == ["2XX"]


def test_an_endless_pattern_is_cut_off(http_command):
    """A21: a pattern that backtracks for ever."""
    text = json.dumps(
        {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": {"operationId": "a",
         "responses": {"200": {"description": "d", "content": {"application/json": {"schema": {
             "type": "string", "pattern": "^(?=(a+)+$)(a|aa)+\\1b$"}}}}}}}}}
    )  # fmt: skip
    summary = OpenApiParser().parse(text, source="x")
    value = "a" * 5000 + "!"
    seen = Observation(
        status_code=200, headers={}, body=value, raw_body=json.dumps(value).encode(), media_type="application/json"
    )
    found = HttpContractValidator().check_response(http_command("a", summary=summary), seen, Expectations())
    assert found  # the test's own time limit is the assertion on time


def test_validators_are_compiled_once_per_version(judge, monkeypatch):
    from orchestra_kit.protocols.http import schema_judge

    compiled: list[int] = []
    true_compile = schema_judge.compile_schema

    def counting(*args, **settings):
        compiled.append(1)
        return true_compile(*args, **settings)

    monkeypatch.setattr(schema_judge, "compile_schema", counting)
    for _ in range(5):
        judge(GOOD)
    assert len(compiled) == 2  # the body and the ETag header


# -- requests ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def request_faults(http_command):
    validator = HttpContractValidator()
    auth = AuthRef(type="bearer", secret="secret:token")
    return lambda operation, given, **settings: validator.check_request(
        http_command(operation, given, summary=SUMMARY, **{"auth": auth, **settings})
    )


def test_a_request_as_described_passes(request_faults):
    assert request_faults("getOrder", {"path": {"id": 1}, "query": {"fields": ["a"]}, "headers": {"x-shop": "1"}}) == []
    assert request_faults("getOrder", {"path": {"id": "7"}, "headers": {"X-Shop": "1"}}) == []
    assert request_faults("place", {"body": {"status": "NEW", "secret": "secret:token"}}) == []


@pytest.mark.parametrize(
    ("operation", "given", "code", "said"),
    [
        ("getOrder", {"headers": {"X-Shop": "1"}}, "REQUEST_INVALID", "path parameter 'id'"),
        ("getOrder", {"path": {"id": 1}}, "PARAMETER_MISSING", "'X-Shop'"),
        ("getOrder", {"path": {"id": 0}, "headers": {"X-Shop": "1"}}, "REQUEST_SCHEMA", "path parameter 'id'"),
        (
            "getOrder",
            {"path": {"id": 1}, "headers": {"X-Shop": "1"}, "query": {"fields": ["z"]}},
            "REQUEST_SCHEMA",
            "/0",
        ),
        ("getOrder", {"pth": {"id": 1}}, "REQUEST_INVALID", "Did you mean 'path'?"),
        ("place", {}, "BODY_MISSING", "needs a body"),
        ("place", {"body": {"status": "X", "secret": "s"}}, "REQUEST_SCHEMA", "/status"),
        ("place", {"body": {"status": "NEW"}}, "REQUEST_SCHEMA", "'secret'"),
        ("place", {"body": {"status": "NEW", "secret": "s", "id": 1}}, "REQUEST_SCHEMA", "/id"),
        ("place", {"body": "x", "contentType": "text/plain"}, "MEDIA_TYPE_UNDECLARED", "text/plain"),
    ],
)
def test_a_wrong_request_is_told_before_it_is_sent(request_faults, operation, given, code, said):
    found = request_faults(operation, given)
    assert [one.code for one in found] == [code] and said in found[0].message
    assert found[0].type is ViolationType.VALIDATION_ERROR


def test_a_step_that_expects_to_be_refused_may_send_anything(request_faults):
    given = {"body": {"status": "X"}}
    assert request_faults("place", given, expectations=Expectations(expected_status_code=422)) == []
    assert request_faults("place", given, expectations=Expectations(expected_status_code=(201, 422))) != []


def test_media_types_are_found_literally_then_bare_then_by_wildcard():
    content = {"application/json": 1, "text/*": 2, "*/*": 3}
    assert find_media_type(content, "Application/JSON; charset=utf-8") == "application/json"
    assert find_media_type(content, "text/csv") == "text/*"
    assert find_media_type(content, "image/png") == "*/*"
    assert find_media_type({"application/json": 1}, "image/png") is None
    assert find_media_type(content, None) is None
