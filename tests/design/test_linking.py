"""Required inputs are filled only where one source is possible; everything else is a listed gap."""

from __future__ import annotations

from typing import Any

import pytest
from small_projects import fields, interface, operation

from orchestra_kit.design.binding import InputBinding
from orchestra_kit.design.linking import Producer, complete_input, properties_of, required_of, response_schema
from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.expressions import render

ORDER = fields(orderId="string", total="integer", paid="boolean")


def endpoint(*, schemas: dict[str, Any] | None = None, **more: Any) -> Endpoint:
    return OperationCatalog({"s": interface(operation("op", **more), schemas=schemas)}).find("s.op")


def complete(
    target: Endpoint, given: InputBinding | None = None, data: dict[str, Any] | None = None, **producers: Any
) -> tuple[InputBinding, list[str]]:
    earlier = [Producer(alias=name, endpoint=endpoint(answer=schema)) for name, schema in producers.items()]
    filled, gaps = complete_input(given or InputBinding(), target, data or {}, earlier, alias="step")
    assert all(gap.code == "MISSING_INPUT" and gap.step_alias == "step" for gap in gaps)
    return filled, [str(gap.field) for gap in gaps]


def parameter(name: str, where: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": where, "required": True, "schema": {"type": kind}, **more}


def test_data_of_the_name_comes_first() -> None:
    filled, gaps = complete(endpoint(body=fields(orderId="string")), data={"orderId": "x"}, place=ORDER)
    assert filled.body == {"orderId": "{{ data.orderId }}"}
    assert gaps == []


def test_one_earlier_answer_that_offers_it_is_the_source() -> None:
    filled, gaps = complete(endpoint(body=fields(orderId="string", total="number")), place=ORDER)
    assert filled.body == {
        "orderId": "{{ steps.place.response.body.orderId }}", "total": "{{ steps.place.response.body.total }}"
    }  # fmt: skip
    assert gaps == []


def test_several_are_a_gap_that_names_them() -> None:
    earlier = [Producer(alias=name, endpoint=endpoint(answer=ORDER)) for name in ("place", "read")]
    filled, (gap,) = complete_input(InputBinding(), endpoint(body=fields(orderId="string")), {}, earlier, alias="a")
    assert filled.body == {}
    assert "steps.place, steps.read" in gap.message


def test_none_is_a_gap() -> None:
    assert complete(endpoint(body=fields(other="string")), place=ORDER) == (InputBinding(body={}), ["body.other"])


@pytest.mark.parametrize(
    ("wanted", "offered", "linked"),
    [
        ({"type": "string"}, {"type": "integer"}, False),
        ({"type": "integer"}, {"type": "number"}, False),
        ({"type": "number"}, {"type": "integer"}, True),
        ({"type": ["string", "null"]}, {"type": "string"}, True),
        ({"type": "string", "format": "uuid"}, {"type": "string", "format": "date"}, False),
        ({"type": "string", "format": "uuid"}, {"type": "string"}, True),
        ({}, {"type": "array", "items": {}}, True),
    ],
)
def test_types_and_formats_must_fit(wanted: dict[str, Any], offered: dict[str, Any], linked: bool) -> None:
    body = {"type": "object", "required": ["x"], "properties": {"x": wanted}}
    answer = {"type": "object", "properties": {"x": offered}}
    assert complete(endpoint(body=body), place=answer)[1] == ([] if linked else ["body.x"])


@pytest.mark.parametrize("where", ["path", "query", "header"])
def test_parameters_are_filled_in_their_place(where: str) -> None:
    target = endpoint(path="/x/{orderId}" if where == "path" else "/x", parameters=[parameter("orderId", where)])
    filled, gaps = complete(target, place=ORDER)
    place = {"path": filled.path, "query": filled.query, "header": filled.headers}[where]
    assert place == {"orderId": "{{ steps.place.response.body.orderId }}"}
    assert gaps == []
    assert complete(target)[1] == [f"{where}.orderId"]


def test_what_is_given_stays() -> None:
    target = endpoint(parameters=[parameter("X-Tenant", "header"), parameter("q", "query")], body=fields(a="string"))
    given = InputBinding(headers={"x-tenant": "t"}, query={"q": 1}, body={"a": "b"})
    assert complete(target, given, {"a": "other", "q": 2}) == (given, [])


def test_headers_every_call_carries_are_no_gap() -> None:
    assert complete(endpoint(parameters=[parameter("Idempotency-Key", "header")])) == (InputBinding(), [])


def test_a_required_cookie_is_a_gap_unless_a_cookie_header_is_given() -> None:
    target = endpoint(parameters=[parameter("session", "cookie")])
    assert complete(target)[1] == ["cookie.session"]
    assert complete(target, InputBinding(headers={"Cookie": "session=1"}))[1] == []


def test_optional_inputs_are_left_alone() -> None:
    target = endpoint(parameters=[{**parameter("q", "query"), "required": False}])
    assert complete(target, data={"q": 1}) == (InputBinding(), [])


def test_a_required_body_that_is_no_object_is_a_gap() -> None:
    target = endpoint(body={"type": "array", "items": {}})
    assert complete(target)[1] == ["body"]
    assert complete(target, InputBinding(body=[1])) == (InputBinding(body=[1]), [])


@pytest.mark.parametrize("value", ["EUR", 5, True, None, "{{ literal }}"])
def test_a_constant_of_the_schema_is_its_value(value: Any) -> None:
    for schema in ({"const": value}, {"enum": [value]}):
        body = {"type": "object", "required": ["c"], "properties": {"c": schema}}
        filled, gaps = complete(endpoint(body=body))
        assert gaps == []
        assert render(filled.body, {}) == {"c": value}


def test_names_that_are_no_identifiers_are_quoted() -> None:
    names = ["order-id", "in", 'a"b', "größe"]
    filled, _ = complete(endpoint(body=fields(**dict.fromkeys(names, "string"))), data=dict.fromkeys(names, "v"))
    assert render(filled.body, {"data": dict.fromkeys(names, "v")}) == dict.fromkeys(names, "v")


def test_all_of_is_followed_through_references_even_in_a_circle() -> None:
    components = {"schemas": {
        "Base": {"allOf": [{"$ref": "#/components/schemas/Order"}], "required": ["id"], "properties": {"id": {}}},
        "Order": {"allOf": [{"$ref": "#/components/schemas/Base"}] * 3, "required": ["x"], "properties": {"x": {}}},
    }}  # fmt: skip
    schema = {"$ref": "#/components/schemas/Order"}
    assert set(required_of(schema, components)) == {"x", "id"}
    assert set(properties_of(schema, components)) == {"x", "id"}


def test_a_schema_takes_precedence_over_what_it_takes_over() -> None:
    schema = {"allOf": [{"properties": {"x": {"type": "string"}}}], "properties": {"x": {"type": "integer"}}}
    assert properties_of(schema, {}) == {"x": {"type": "integer"}}


def test_the_answer_of_the_expected_status_is_looked_at() -> None:
    responses = {
        status: {"description": "d", "content": {"application/json": {"schema": fields(**{name: "string"})}}}
        for status, name in (("200", "ok"), ("404", "missing"), ("5XX", "broken"))
    }
    target = OperationCatalog({"s": interface(operation("op", responses=responses))}).find("s.op")
    found = {status: list(properties_of(response_schema(target, status), {})) for status in (None, 200, 404, 503, 418)}
    assert found == {None: ["ok"], 200: ["ok"], 404: ["missing"], 503: ["broken"], 418: []}
