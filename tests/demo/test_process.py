"""Each way through the order process, walked by hand."""

import pytest


@pytest.fixture
def end(caller):
    """How an order stands when everything has settled."""

    def look():
        caller.settle()
        item = caller.item()
        return {
            "order": caller.order().json()["status"],
            "available": item["available"],
            "movements": [row["quantity_delta"] for row in caller.rows("stock_movements")],
            "bookings": [row["kind"] for row in caller.rows("ledger_entries")],
            "mails": [mail["kind"] for mail in caller.notifications()],
        }

    return look


def test_out_of_stock(caller, end):
    caller.stock(quantity=1)
    assert caller.check_stock(2).json()["inStock"] is False
    caller.reject("OUT_OF_STOCK")
    assert end() == {
        "order": "REJECTED", "available": 1, "movements": [], "bookings": [], "mails": ["ORDER_REJECTED"]
    }  # fmt: skip


def test_finally_declined(caller, end):
    caller.stock(quantity=5)
    reservation = caller.reserve(2).json()
    left = [caller.pay("tok_decline", reservation["totalCents"]).json()["attemptsLeft"] for _ in range(3)]
    assert left == [2, 1, 0]
    caller.settle()
    caller.release(reservation["reservationId"])
    caller.reject("PAYMENT_DECLINED")
    assert end() == {
        "order": "REJECTED", "available": 5, "movements": [-2, 2], "bookings": [], "mails": ["PAYMENT_FAILED"]
    }  # fmt: skip


@pytest.mark.parametrize(("token", "attempts", "service"), [
    ("tok_ok", 1, "STANDARD"), ("tok_ok", 1, "EXPRESS"), ("tok_decline_2", 3, "STANDARD"),
])  # fmt: skip
def test_fulfilled(caller, end, token, attempts, service):
    caller.stock(quantity=5)
    reservation = caller.reserve(2).json()
    payments = [caller.pay(token, reservation["totalCents"]).json() for _ in range(attempts)]
    assert [payment["status"] for payment in payments] == ["DECLINED"] * (attempts - 1) + ["APPROVED"]
    quote = caller.quote("AT").json()
    assert quote["served"] is True
    shipment = caller.ship(reservation["reservationId"], payments[-1]["paymentId"], service).json()
    assert shipment["costCents"] in [option["costCents"] for option in quote["options"]]
    assert end() == {
        "order": "CONFIRMED",
        "available": 3,
        "movements": [-2],
        "bookings": ["PAYMENT", "PAYMENT"],
        "mails": ["ORDER_CONFIRMED"],
    }


def test_country_not_served(caller, end):
    caller.stock(quantity=5)
    reservation = caller.reserve(2).json()
    payment = caller.pay(amount=reservation["totalCents"]).json()
    caller.settle()
    assert caller.quote("US").json()["served"] is False
    caller.refund(payment["paymentId"])
    caller.settle()
    caller.release(reservation["reservationId"])
    caller.settle()
    caller.reject("COUNTRY_NOT_SERVED")
    assert end() == {
        "order": "REJECTED",
        "available": 5,
        "movements": [-2, 2],
        "bookings": ["PAYMENT", "PAYMENT", "REFUND", "REFUND"],
        "mails": ["ORDER_REJECTED"],
    }
