"""Test data: values merged in their order, templates in them resolved, circles told."""

from __future__ import annotations

import pytest

from orchestra_kit.app.data import resolve_data
from orchestra_kit.errors import DefinitionError, ExpressionError

SCOPE = {"run": {"token": "abc"}, "env": {"region": "eu"}}


def test_values_may_speak_of_each_other_in_any_order() -> None:
    data = {"total": "{{ data.price * data.count }}", "name": "x-{{ data.id }}", "id": "{{ run.token }}", "price": 2,
            "count": "{{ data.price + 1 }}"}  # fmt: skip
    assert resolve_data(data, SCOPE) == {"total": 6, "name": "x-abc", "id": "abc", "price": 2, "count": 3}


@pytest.mark.parametrize("data", [{"a": "{{ data.a }}"}, {"a": "{{ data.b }}", "b": ["{{ data.a }}"], "c": 1}])
def test_a_circle_is_named(data: dict[str, object]) -> None:
    with pytest.raises(DefinitionError, match=r"circle: data\.a"):
        resolve_data(data, SCOPE)


@pytest.mark.parametrize(
    "text", ["{{ data.nothing }}", "{{ nothing }}", "{{ ( }}", "{{ env.reigon }}", "{{ 1 + 'a' }}"]
)
def test_a_wrong_template_names_its_value(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        resolve_data({"fine": 1, "wrong": {"deep": text}}, SCOPE, source="scenario k")
    assert caught.value.place is not None
    assert caught.value.place.file == "scenario k"
    assert str(caught.value.place.field).startswith("data.wrong")
