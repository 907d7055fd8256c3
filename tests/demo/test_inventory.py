"""The rules of the inventory service."""

from datetime import datetime, timedelta

import pytest


def test_new_item_is_created_and_then_replaced(caller):
    assert caller.stock(quantity=5, price=1999).status_code == 201
    replaced = caller.stock(quantity=7, price=2500)
    assert replaced.status_code == 200
    assert replaced.json() == {
        "sku": caller.sku, "quantity": 7, "reserved": 0, "available": 7, "unitPriceCents": 2500
    }  # fmt: skip
    assert caller.item() == replaced.json()


@pytest.mark.parametrize(("quantity", "in_stock"), [(1, True), (5, True), (6, False)])
def test_order_line_is_in_stock_up_to_the_last_piece(caller, quantity, in_stock):
    caller.stock(quantity=5)
    answer = caller.check_stock(quantity)
    assert answer.status_code == 200
    assert answer.json() == {
        "orderId": caller.order_id, "sku": caller.sku, "requested": quantity, "available": 5, "inStock": in_stock
    }  # fmt: skip


def test_stock_check_holds_nothing(caller):
    caller.stock()
    before = caller.item()
    caller.check_stock(2)
    assert caller.item() == before
    assert caller.rows("outbox") == []


def test_reservation_holds_stock_and_prices_it(caller):
    caller.stock(quantity=5, price=1999)
    answer = caller.reserve(3)
    assert answer.status_code == 201
    reservation = answer.json()
    assert reservation["orderId"] == caller.order_id
    assert reservation["sku"] == caller.sku
    assert reservation["quantity"] == 3
    assert reservation["status"] == "RESERVED"
    assert reservation["totalCents"] == 5997
    item = caller.item()
    assert (item["quantity"], item["reserved"], item["available"]) == (5, 3, 2)
    assert caller.check_stock(3).json()["inStock"] is False
    read = caller.send("inventory", "GET", f"/reservations/{reservation['reservationId']}")
    assert read.json() == reservation


def test_reservation_lapses_after_fifteen_minutes(caller):
    caller.stock()
    reservation = caller.reserve().json()
    reserved, expires = (datetime.fromisoformat(reservation[name]) for name in ("reservedAt", "expiresAt"))
    assert expires - reserved == timedelta(minutes=15)


def test_last_piece_can_be_reserved_but_no_more(caller):
    caller.stock(quantity=2)
    assert caller.reserve(2).status_code == 201
    refused = caller.reserve(1)
    assert refused.status_code == 409
    assert refused.json()["code"] == "OUT_OF_STOCK"
    assert caller.item()["reserved"] == 2
    assert len(caller.rows("reservations")) == 1


def test_release_gives_stock_back_once(caller):
    caller.stock(quantity=5)
    reservation = caller.reserve(2).json()
    released = caller.release(reservation["reservationId"])
    assert released.status_code == 200
    assert released.json() == reservation | {"status": "RELEASED", "releasedAt": released.json()["releasedAt"]}
    assert caller.item()["available"] == 5
    again = caller.release(reservation["reservationId"])
    assert again.status_code == 409
    assert again.json()["code"] == "RESERVATION_NOT_ACTIVE"
    assert caller.item()["available"] == 5


def test_replacing_an_item_keeps_what_is_reserved(caller):
    caller.stock(quantity=5)
    caller.reserve(3)
    refused = caller.stock(quantity=2)
    assert refused.status_code == 409
    assert refused.json()["code"] == "QUANTITY_BELOW_RESERVED"
    assert caller.stock(quantity=3).json()["available"] == 0


def test_unknown_ids_are_not_found(caller):
    for answer, code in (
        (caller.send("inventory", "GET", f"/items/{caller.sku}"), "ITEM_NOT_FOUND"),
        (caller.check_stock(1), "ITEM_NOT_FOUND"),
        (caller.reserve(1), "ITEM_NOT_FOUND"),
        (caller.send("inventory", "GET", "/reservations/none"), "RESERVATION_NOT_FOUND"),
        (caller.release("none"), "RESERVATION_NOT_FOUND"),
    ):
        assert answer.status_code == 404
        assert answer.json()["code"] == code


@pytest.mark.parametrize("quantity, price, status", [
    (0, 1, 201), (1_000_000, 100_000_000, 201), (-1, 1, 400), (1_000_001, 1, 400), (1, 0, 400), (1, 100_000_001, 400),
])  # fmt: skip
def test_item_keeps_within_its_bounds(caller, quantity, price, status):
    assert caller.stock(quantity, price).status_code == status
