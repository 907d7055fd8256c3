"""What happens a little later: the right rows, once each, with the correlation id of their cause."""

from datetime import datetime

import pytest

SHORTEST = 0.02  # as the shop of these tests is started


def entries(caller):
    return [
        (row["kind"], row["account"], row["side"], row["amount_cents"], row["currency"], row["payment_id"])
        for row in caller.rows("ledger_entries")
    ]


def mails(caller):
    return [(mail["kind"], mail["recipient"], mail["body"]) for mail in caller.notifications()]


def test_reservation_and_release_write_one_movement_each(caller):
    caller.stock(quantity=5)
    reservation_id = caller.reserve(2, correlation_id="corr-reserve").json()["reservationId"]
    caller.settle()
    caller.release(reservation_id, correlation_id="corr-release")
    caller.settle()
    movements = [
        (row["kind"], row["sku"], row["quantity_delta"], row["balance_after"], row["correlation_id"])
        for row in caller.rows("stock_movements")
    ]
    assert movements == [
        ("RESERVATION", caller.sku, -2, 3, "corr-reserve"),
        ("RELEASE", caller.sku, 2, 5, "corr-release"),
    ]
    assert {row["reservation_id"] for row in caller.rows("stock_movements")} == {reservation_id}


def test_payment_and_refund_are_booked_double_entry(caller):
    payment_id = caller.pay(amount=1234).json()["paymentId"]
    caller.settle()
    charge = [
        ("PAYMENT", "CASH", "DEBIT", 1234, "EUR", payment_id),
        ("PAYMENT", "SALES", "CREDIT", 1234, "EUR", payment_id),
    ]
    assert entries(caller) == charge
    caller.refund(payment_id)
    caller.settle()
    assert entries(caller) == [
        *charge,
        ("REFUND", "SALES", "DEBIT", 1234, "EUR", payment_id),
        ("REFUND", "CASH", "CREDIT", 1234, "EUR", payment_id),
    ]


def test_declined_payment_is_not_booked(caller):
    caller.pay("tok_decline")
    assert caller.rows("outbox") == []
    assert entries(caller) == []


def test_booked_delivery_ends_in_label_confirmation_and_mail(caller):
    shipment = caller.ship(*caller.reserve_and_pay(), correlation_id="corr-ship").json()
    caller.settle()
    read = caller.send("fulfilment", "GET", f"/shipments/{shipment['shipmentId']}").json()
    assert read == shipment | {"status": "LABEL_PRINTED", "labelPrintedAt": read["labelPrintedAt"]}
    assert caller.order().json()["status"] == "CONFIRMED"
    text = f"Your order {caller.order_id} is on its way. Tracking number: {shipment['trackingNumber']}."
    assert mails(caller) == [("ORDER_CONFIRMED", "jo@example.org", text)]
    assert caller.rows("notifications")[0]["correlation_id"] == "corr-ship"


@pytest.mark.parametrize(("reason", "kind", "words"), [
    ("OUT_OF_STOCK", "ORDER_REJECTED", "the item is out of stock."),
    ("PAYMENT_DECLINED", "PAYMENT_FAILED", "the payment was declined. Nothing was charged."),
    ("COUNTRY_NOT_SERVED", "ORDER_REJECTED", "we do not deliver to your country. You are refunded."),
])  # fmt: skip
def test_rejection_is_mailed_with_its_reason(caller, reason, kind, words):
    caller.reject(reason)
    caller.settle()
    assert mails(caller) == [(kind, "jo@example.org", f"Your order {caller.order_id} was rejected: {words}")]


def test_effects_come_late_and_in_a_chain(caller):
    caller.ship(*caller.reserve_and_pay())
    caller.settle()
    tasks = caller.rows("outbox")
    assert [task["topic"] for task in tasks] == [
        "stock.moved", "money.moved", "shipment.created", "label.printed", "order.confirmed"
    ]  # fmt: skip
    for task in tasks:
        created, processed = (datetime.fromisoformat(task[name]) for name in ("created_at", "processed_at"))
        assert task["status"] == "DONE"
        assert (processed - created).total_seconds() >= SHORTEST - 0.001  # both are cut to milliseconds


def test_effects_come_exactly_once(caller):
    caller.ship(*caller.reserve_and_pay())
    caller.settle()
    for table, count in (("stock_movements", 1), ("ledger_entries", 2), ("notifications", 1)):
        assert len(caller.rows(table)) == count
