"""The rules of the fulfilment service."""

import pytest

COSTS = [
    ("DE", 490, 1490), ("AT", 790, 1790), ("NL", 790, 1790), ("FR", 940, 1940), ("CH", 1390, 2390),
]  # fmt: skip


@pytest.mark.parametrize(("country", "standard", "express"), COSTS)
def test_served_country_is_quoted_with_two_services(caller, country, standard, express):
    answer = caller.quote(country)
    assert answer.status_code == 200
    assert answer.json() == {
        "orderId": caller.order_id,
        "country": country,
        "served": True,
        "options": [
            {"service": "STANDARD", "carrier": "PostNet", "costCents": standard, "deliveryDays": 3},
            {"service": "EXPRESS", "carrier": "SwiftAir", "costCents": express, "deliveryDays": 1},
        ],
    }


def test_country_not_served_is_quoted_without_services(caller):
    quote = caller.quote("US").json()
    assert quote == {"orderId": caller.order_id, "country": "US", "served": False, "options": []}


@pytest.mark.parametrize(("service", "carrier", "prefix", "cost", "days"), [
    ("STANDARD", "PostNet", "PN", 790, 3), ("EXPRESS", "SwiftAir", "SA", 1790, 1),
])  # fmt: skip
def test_shipment_follows_its_service(caller, service, carrier, prefix, cost, days):
    reservation_id, payment_id = caller.reserve_and_pay()
    answer = caller.ship(reservation_id, payment_id, service)
    assert answer.status_code == 201
    shipment = answer.json()
    assert shipment["trackingNumber"] == prefix + shipment["shipmentId"].replace("-", "")[:10].upper()
    assert (shipment["carrier"], shipment["costCents"], shipment["deliveryDays"]) == (carrier, cost, days)
    assert (shipment["orderId"], shipment["status"]) == (caller.order_id, "CREATED")
    assert (shipment["reservationId"], shipment["paymentId"]) == (reservation_id, payment_id)
    assert shipment["address"]["postalCode"] == "1010"
    assert caller.order().json()["status"] in ("FULFILLING", "CONFIRMED")


def test_shipment_to_a_country_not_served_is_refused(caller):
    reservation_id, payment_id = caller.reserve_and_pay()
    refused = caller.ship(reservation_id, payment_id, country="US")
    assert refused.status_code == 422
    assert refused.json()["code"] == "COUNTRY_NOT_SERVED"
    assert caller.rows("shipments") == []
    assert caller.order().status_code == 404


def test_order_ships_once(caller):
    reservation_id, payment_id = caller.reserve_and_pay()
    caller.ship(reservation_id, payment_id)
    refused = caller.ship(reservation_id, payment_id)
    assert refused.status_code == 409
    assert refused.json()["code"] == "ORDER_ALREADY_CLOSED"
    assert len(caller.rows("shipments")) == 1


def test_shipment_needs_stock_held_for_its_own_order(caller, new_caller):
    reservation_id, payment_id = caller.reserve_and_pay()
    other_reservation, other_payment = new_caller().reserve_and_pay()
    assert caller.ship(other_reservation, payment_id).json()["code"] == "RESERVATION_NOT_ACTIVE"
    assert caller.ship(reservation_id, other_payment).json()["code"] == "PAYMENT_NOT_APPROVED"
    caller.release(reservation_id)
    refused = caller.ship(reservation_id, payment_id)
    assert refused.status_code == 409
    assert refused.json()["code"] == "RESERVATION_NOT_ACTIVE"


def test_shipment_needs_an_approved_payment(caller):
    caller.stock()
    reservation_id = caller.reserve().json()["reservationId"]
    declined = caller.pay("tok_decline").json()["paymentId"]
    assert caller.ship(reservation_id, declined).json()["code"] == "PAYMENT_NOT_APPROVED"
    paid = caller.pay("tok_ok").json()["paymentId"]
    caller.refund(paid)
    assert caller.ship(reservation_id, paid).json()["code"] == "PAYMENT_NOT_APPROVED"


@pytest.mark.parametrize("reason", ["OUT_OF_STOCK", "PAYMENT_DECLINED", "COUNTRY_NOT_SERVED"])
def test_order_is_rejected_once(caller, reason):
    answer = caller.reject(reason)
    assert answer.status_code == 201
    order = answer.json()
    assert order == {
        "orderId": caller.order_id,
        "status": "REJECTED",
        "rejectReason": reason,
        "recipient": "jo@example.org",
        "updatedAt": order["updatedAt"],
    }
    assert caller.order().json() == order
    refused = caller.reject(reason)
    assert refused.status_code == 409
    assert refused.json()["code"] == "ORDER_ALREADY_CLOSED"


def test_shipped_order_cannot_be_rejected(caller):
    caller.ship(*caller.reserve_and_pay())
    assert caller.reject("OUT_OF_STOCK").json()["code"] == "ORDER_ALREADY_CLOSED"


def test_rejected_order_cannot_be_shipped(caller):
    reservation_id, payment_id = caller.reserve_and_pay()
    caller.reject("COUNTRY_NOT_SERVED")
    assert caller.ship(reservation_id, payment_id).json()["code"] == "ORDER_ALREADY_CLOSED"


def test_unknown_ids_are_not_found(caller):
    shipment = caller.send("fulfilment", "GET", "/shipments/none")
    assert (shipment.status_code, shipment.json()["code"]) == (404, "SHIPMENT_NOT_FOUND")
    assert (caller.order().status_code, caller.order().json()["code"]) == (404, "ORDER_NOT_FOUND")
    assert caller.notifications() == []
