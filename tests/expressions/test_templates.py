"""Templates: finding, typing, escaping, rendering deep, references, renaming."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions import (
    parse_expression,
    parse_template,
    references,
    rename_steps,
    rename_steps_in_rule,
    render,
)

SCOPE: dict[str, Any] = {
    "data": {"n": 3, "f": 2.5, "s": "text", "t": True, "z": None, "l": [1, "a"], "m": {"k": "v"}},
    "steps": {"reserve": {"response": {"status": 201, "headers": {"etag": "x"}, "body": {"total": 10, "id": "r-1"}}}},
}


@pytest.mark.parametrize("name", ["n", "f", "s", "t", "z", "l", "m"])
def test_template_that_is_one_expression_keeps_its_type(name: str) -> None:
    found = render(f"{{{{ data.{name} }}}}", SCOPE)
    assert found == SCOPE["data"][name]
    assert type(found) is type(SCOPE["data"][name])


@pytest.mark.parametrize(
    "text, expected",
    [
        ("n={{ data.n }}", "n=3"),
        ("{{ data.n }}{{ data.s }}", "3text"),
        ("{{data.t}}/{{data.z}}/{{data.f}}", "true/null/2.5"),
        (" {{ data.n }}", " 3"),
        ("{{ data.l }}!", '[1,"a"]!'),
        ("{{ data.m }}!", '{"k":"v"}!'),
        ('{{ {"a": "}}"} }}', {"a": "}}"}),
        ('{{ {"a": {"b": 1}}}}', {"a": {"b": 1}}),
        ("{{ '{{' + \"}}\" }}", "{{}}"),
        ("{{ '''a}}'b''' }}", "a}}'b"),
        (r"{{ r'\}}' }}", "\\}}"),
        (r"{{ 'it\'s }}' }}", "it's }}"),
        (r"\{{ data.n }}", "{{ data.n }}"),
        (r"\{{{{ data.n }}", "{{3"),
        (r"a\{{b}} {{ data.n }} \{{", "a{{b}} 3 {{"),
        (r"\{ {{ data.n }} \n", "\\{ 3 \\n"),
        ("}} {{ data.n }} }}", "}} 3 }}"),
        ("{ {data.n} }", "{ {data.n} }"),
        ("${data.n} %s {0}", "${data.n} %s {0}"),
        ("{{ data.n\n+ 1 }}", 4),
        ("", ""),
    ],
)
def test_template_is_rendered(text: str, expected: Any) -> None:
    assert render(text, SCOPE) == expected


@pytest.mark.parametrize(
    "text", ["{{", "{{ data.n", "{{ data.n }", "{{ }}", "{{ 'a }}", "{{ {'a': 1 }}", "{{ a }} {{ b"]
)
def test_template_without_end_or_expression_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_template(text)


@given(st.text(alphabet=st.sampled_from("{}\\ab\"' "), max_size=12))
@settings(max_examples=500, deadline=None)
def test_any_text_can_be_written_by_escaping_its_braces(text: str) -> None:
    if "\\{{" in text or "{{{" in text:
        return  # such are written with an expression: {{ "..." }}
    assert render(text.replace("{{", "\\{{"), {}) == text


@given(st.text(max_size=30).filter(lambda text: text.isprintable()))
@settings(max_examples=300, deadline=None)
def test_any_text_can_be_a_string_inside_of_a_template(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert render(f'{{{{ "{quoted}" }}}}', {}) == text


def test_render_goes_deep_and_leaves_the_rest_alone() -> None:
    value = {"a": [{"id": "{{ data.n }}"}, 1, None, True], "{{ data.s }}-{{ data.n }}": "x", "plain": "}}"}
    assert render(value, SCOPE) == {"a": [{"id": 3}, 1, None, True], "text-3": "x", "plain": "}}"}
    assert value["a"] == [{"id": "{{ data.n }}"}, 1, None, True]


def test_error_names_field_and_nearest_name() -> None:
    value = {"body": {"items": [{"sku": "{{ steps.reserve.response.body.totl }}"}]}}
    with pytest.raises(ExpressionError) as caught:
        render(value, SCOPE, place=Place(file="orchestra.yaml", field="inputTemplate"))
    assert str(caught.value) == (
        "orchestra.yaml (inputTemplate.body.items[0].sku): "
        "unknown field 'totl' of steps.reserve.response.body. Did you mean 'total'?"
    )


@pytest.mark.parametrize("key", ["{{ data.gone }}", "{{ data. }}"])
def test_error_in_a_key_is_named_too(key: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render({"body": {key: 1}}, SCOPE)
    assert caught.value.place is not None
    assert (caught.value.place.field or "").startswith("body")


def test_references_name_root_path_span_and_field() -> None:
    text = "id {{ steps.reserve.response.body.items[0].sku }} {{ data.m[data.s] }}"
    found = references({"body": [text]})
    assert [(item.root, item.path, item.complete) for item in found] == [
        ("steps", ("reserve", "response", "body", "items", 0, "sku"), True),
        ("data", ("s",), True),
        ("data", ("m",), False),
    ]
    assert {item.field for item in found} == {"body[0]"}
    assert [text[item.span.start : item.span.end] for item in found] == [
        "steps.reserve.response.body.items[0].sku",
        "data.s",
        "data.m[data.s]",
    ]


def test_references_leave_out_loop_variables_and_mark_what_is_only_asked_for() -> None:
    found = parse_expression("response.body.items.all(i, i.n > data.n) && has(data.x.y)").references
    assert [(str(item), item.tested) for item in found] == [
        ("response.body.items", False),
        ("data.n", False),
        ("data.x.y", True),
    ]


def test_steps_are_renamed_by_place_in_the_tree() -> None:
    value = {
        "a": "{{ steps.pay.response.body.id }} steps.pay {{ 'steps.pay' + step.pay.response.status }}",
        "{{ steps.pay.x }}": ['{{ steps["pay"].response.body.pay }}', "{{ steps.payment.x + data.steps.pay }}", 1],
        "b": r"\{{ steps.pay.x }}",
        "c": "{{ [1].map(steps, steps.pay) }}",
    }
    assert rename_steps(value, {"pay": "pay_2"}) == {
        "a": "{{ steps.pay_2.response.body.id }} steps.pay {{ 'steps.pay' + step.pay_2.response.status }}",
        "{{ steps.pay_2.x }}": ['{{ steps["pay_2"].response.body.pay }}', "{{ steps.payment.x + data.steps.pay }}", 1],
        "b": r"\{{ steps.pay.x }}",
        "c": "{{ [1].map(steps, steps.pay) }}",
    }


def test_steps_are_swapped_in_a_rule() -> None:
    rule = "steps.a.response.body.x == steps.b.response.body.x && 'steps.a' != steps . a . response.y"
    expected = "steps.b.response.body.x == steps.a.response.body.x && 'steps.a' != steps . b . response.y"
    assert rename_steps_in_rule(rule, {"a": "b", "b": "a"}) == expected


def test_plain_reference_agrees_with_cel() -> None:
    import cel

    for text in ("data.n", "data.l[1]", "data.m['k']", "data.m.k", "steps.reserve.response.body.total", "data.z"):
        assert parse_expression(text).evaluate(SCOPE) == cel.evaluate(text, SCOPE)
    for text in ("data.q", "data.l[2]", "data.l[-1]", "data.m[0]", "data.n.x", "gone", "data.l.x", "data.z.x"):
        with pytest.raises(Exception):
            cel.evaluate(text, SCOPE)
        with pytest.raises(ExpressionError):
            parse_expression(text).evaluate(SCOPE)


def test_reading_is_done_once() -> None:
    assert parse_template("{{ data.n }} once") is parse_template("{{ data.n }} once")
    assert parse_expression("data.n + 41") is parse_expression("data.n + 41")
