"""What is known of values before a run, and what is said of references to them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_kit.errors import Place
from orchestra_kit.expressions import ANY, ObjectShape, check_references, check_rule, shape_of_schema, shape_of_value
from orchestra_kit.expressions.nearness import is_typo

COMPONENTS: dict[str, Any] = {
    "schemas": {
        "Node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"}},
        },
        "Closed": {"type": "object", "additionalProperties": False, "properties": {"sku": {"type": "string"}}},
        "Twice": {"anyOf": [{"$ref": "#/components/schemas/Twice"}, {"$ref": "#/components/schemas/Closed"}]},
        "Text": {"type": ["string", "null"]},
    }
}


def problems(text: str, schema: dict[str, Any]) -> list[str]:
    return [
        str(item) for item in check_rule(text, {"response": ObjectShape({"body": shape_of_schema(schema, COMPONENTS)})})
    ]


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    "text, schema",
    [
        ("response.body.next.next.next.name == 'x'", ref("Node")),
        ("response.body.unknown.anything[3]", ref("Node")),
        ("response.body[0].sku == 'a'", {"type": "array", "items": ref("Closed")}),
        ("response.body.all(i, i.sku.startsWith('a'))", {"type": "array", "items": ref("Closed")}),
        ("response.body == null || response.body == 'x'", ref("Text")),
        ("response.body.x + 1", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("response.body['x-1']", {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": False}),
        ("has(response.body.error) && response.body.error.code == 1", ref("Closed")),
        (
            "response.body.a == 1 && response.body.b == 1",
            {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
        ),
        ("response.body.sku + response.body.name", {"oneOf": [ref("Closed"), ref("Node")]}),
        ("response.body.whatever", {}),
        ("response.body.count * 1.5 > 2", {"type": "object", "properties": {"count": {"type": "integer"}}}),
        ("type(response.body) == string", {"type": "string"}),
        ("timestamp(response.body) > timestamp('2024-01-01T00:00:00Z')", {"type": "string"}),
    ],
)
def test_sound_rule_has_no_problem(text: str, schema: dict[str, Any]) -> None:
    assert problems(text, schema) == []


@pytest.mark.parametrize(
    "text, schema, message",
    [
        ("response.body.skuu", ref("Closed"), "unknown field 'skuu' of response.body. Did you mean 'sku'?"),
        ("response.body.nmae", ref("Node"), "unknown field 'nmae' of response.body. Did you mean 'name'?"),
        ("response.body.next.next.nam", ref("Node"), "unknown field 'nam' of response.body.next.next."),
        ("response.body[0]", ref("Closed"), "response.body is no list; it has no [0]."),
        ("response.body.sku.length", ref("Closed"), "response.body.sku is string; it has no field 'length'."),
        ("response.body.exists(i, i.sk == 'a')", {"type": "array", "items": ref("Closed")}, "unknown field 'sk' of i."),
        ("response.body.filter(i, i.sku)[0].sku", {"type": "array", "items": ref("Closed")}, "needs boolean"),
        ("response.body.filter(i, true)[0].sk", {"type": "array", "items": ref("Closed")}, "unknown field 'sk'"),
        ("response.body.sku == 17", ref("Closed"), "string is compared with number by '=='."),
        ("response.body.sku - 1", ref("Closed"), "'-' needs number, but response.body.sku is string."),
        ("response.body.sku + 1", ref("Closed"), "'+' cannot join string and number."),
        ("!response.body.sku", ref("Closed"), "'!' needs boolean"),
        ("size(response.body)", {"type": "integer"}, "'size' needs array or object or string"),
        ("response.body.zzz", ref("Twice"), ""),
        ("respons.body", {}, "unknown name 'respons'. Did you mean 'response'?"),
        ("response.body ==", {}, "expected a value, found the end at column 17"),
        ("sizee(response.body)", {}, "unknown function 'sizee' at column 1"),
    ],
)
def test_wrong_rule_is_named_once_with_the_nearest_name(text: str, schema: dict[str, Any], message: str) -> None:
    found = problems(text, schema)
    if message:
        assert len(found) == 1
        assert message in found[0]
    else:
        assert found == []  # a schema that leads back to itself allows anything


def test_schema_that_doubles_at_every_level_is_read_at_once() -> None:
    schemas: dict[str, Any] = {
        f"S{level}": {"anyOf": [ref(f"S{level + 1}"), ref(f"S{level + 1}")]} for level in range(60)
    }
    schemas["S60"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    shape = shape_of_schema(ref("S0"), {"schemas": schemas})
    assert shape.child("anything") is not None


def test_problem_names_field_and_place() -> None:
    scope = {"steps": ObjectShape({"pay": ObjectShape({"response": ANY})}), "data": shape_of_value({"sku": "a"})}
    value = {
        "body": [{"x": "{{ steps.pya.response.body.id }}", "y": "{{ data.skv }}", "z": "{{ steps.pay.response.body }}"}]
    }
    found = check_references(value, scope, place=Place(file="orchestra.yaml"), field="inputTemplate")
    assert [str(item) for item in found] == [
        "inputTemplate.body[0].x: unknown step before this one 'pya' of steps. Did you mean 'pay'?",
        "inputTemplate.body[0].y: unknown field 'skv' of data. Did you mean 'sku'?",
    ]
    assert {item.place.file for item in found if item.place} == {"orchestra.yaml"}


@pytest.mark.parametrize(
    "name, declared, expected",
    [
        ("totl", "total", True),
        ("Total", "total", True),
        ("order_id", "orderId", True),
        ("toatl", "total", True),
        ("idd", "id", True),
        ("line2", "line1", False),
        ("es", "en", False),
        ("status", "total", False),
        ("x", "id", False),
    ],
)
def test_only_a_slip_counts_as_one(name: str, declared: str, expected: bool) -> None:
    assert is_typo(name, [declared]) is expected
