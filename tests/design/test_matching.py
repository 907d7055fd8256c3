"""Which operation stands for an element: written, hinted in the model, matched with a score, or not known."""

from __future__ import annotations

import pytest
from small_projects import flows, generated, graph_of, interface, only, operation

from orchestra_kit.design.generation import Generated
from orchestra_kit.errors import UnknownNameError
from orchestra_kit.protocols.http.endpoint_matcher import KNOWN_SCORE

SHOP = interface(
    operation("createOrder", "/orders", summary="Create an order"),
    operation("cancelOrder", "/orders/{id}", "delete", parameters=[
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]),
    operation("listCustomers", "/customers", "get"),
    operation("listCustomerNotes", "/notes", "get"),
)  # fmt: skip


def made(label: str, text: str = "", attributes: str = "") -> Generated:
    body = f'<startEvent id="S"/><task id="T" name="{label}" {attributes}/><endEvent id="E"/>'
    return generated(graph_of(body + flows("f1 S T", "f2 T E")), text, shop=SHOP)


def test_a_written_operation_is_taken() -> None:
    result = made("Whatever", "elements: {T: {operation: shop.createOrder}}")
    (note,) = result.notes
    assert (note.how, note.operation, note.score) == ("written", "shop.createOrder", None)
    step = only(result).steps[0]
    assert step.endpoint_ref is not None
    assert (step.endpoint_ref.service_name, step.endpoint_ref.endpoint_name) == ("shop", "createOrder")


def test_a_written_operation_may_be_method_and_path() -> None:
    assert made("x", "elements: {T: {operation: shop  POST /orders}}").notes[0].operation == "shop.createOrder"


def test_an_attribute_of_the_model_is_taken() -> None:
    (note,) = made("Whatever", attributes='orchestra:operation="shop.createOrder"').notes
    assert (note.how, note.operation) == ("model", "shop.createOrder")


def test_a_name_that_says_enough_is_matched_and_shows_its_score() -> None:
    (note,) = made("Create order").notes
    assert (note.how, note.operation) == ("matched", "shop.createOrder")
    assert note.score is not None
    assert note.score >= KNOWN_SCORE
    assert note.candidates[0].operation == "shop.createOrder"


@pytest.mark.parametrize("label", ["Tidy the warehouse", "Handle it"])
def test_a_name_that_says_too_little_is_a_gap_with_its_best_candidates(label: str) -> None:
    result = made(label)
    (note,) = result.notes
    assert note.how == "unknown"
    assert note.operation is None
    assert len(note.candidates) <= 3
    scenario = only(result)
    assert [gap.code for gap in scenario.gaps] == ["NO_OPERATION"]
    assert "elements.T.operation" in scenario.gaps[0].message
    assert scenario.steps == ()
    for candidate in note.candidates:
        assert f"{candidate.operation} ({candidate.score:.2f})" in scenario.gaps[0].message


def test_two_that_fit_alike_are_not_known() -> None:
    twins = interface(operation("createOrder", "/orders"))
    body = '<startEvent id="S"/><task id="T" name="Create order"/><endEvent id="E"/>' + flows("f1 S T", "f2 T E")
    (note,) = generated(graph_of(body), "", one=twins, two=twins).notes
    assert note.how == "unknown"
    assert {item.operation for item in note.candidates} == {"one.createOrder", "two.createOrder"}


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("shop.createOrdr", "Did you mean 'shop.createOrder'"),
        ("shp.createOrder", "unknown service 'shp'. Did you mean 'shop'?"),
        ("shop GET /orders", "unknown operation 'shop GET /orders'"),
        ("createOrder", "unknown service 'createOrder'"),
    ],
)
def test_an_unknown_operation_is_told_with_line_and_nearest(written: str, part: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        made("x", f"elements:\n  T:\n    operation: {written}")
    assert part in str(caught.value)
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.field) == (5, "elements.T.operation")


def test_a_service_with_a_dot_in_its_name_is_found() -> None:
    body = '<startEvent id="S"/><task id="T" name="x"/><endEvent id="E"/>' + flows("f1 S T", "f2 T E")
    text = "elements: {T: {operation: shop.v2.createOrder}}"
    result = generated(graph_of(body), text, **{"shop.v2": SHOP, "shop": interface(operation("other"))})
    assert result.notes[0].operation == "shop.v2.createOrder"
