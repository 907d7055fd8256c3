"""The rules of the payments service."""

import pytest


def outcome(answer):
    payment = answer.json()
    return payment["status"], payment.get("declineReason"), payment["attempt"], payment["attemptsLeft"]


def test_good_card_is_charged(caller):
    answer = caller.pay("tok_ok", 3998)
    assert answer.status_code == 201
    assert outcome(answer) == ("APPROVED", None, 1, 2)
    payment = answer.json()
    assert (payment["orderId"], payment["amountCents"], payment["currency"]) == (caller.order_id, 3998, "EUR")
    assert caller.send("payments", "GET", f"/payments/{payment['paymentId']}").json() == payment


def test_bad_card_is_declined_three_times_and_no_more(caller):
    outcomes = [outcome(caller.pay("tok_decline")) for _ in range(3)]
    assert outcomes == [("DECLINED", "CARD_DECLINED", attempt, 3 - attempt) for attempt in (1, 2, 3)]
    refused = caller.pay("tok_ok")
    assert refused.status_code == 409
    assert refused.json()["code"] == "ATTEMPTS_EXHAUSTED"
    assert len(caller.rows("payments")) == 3


@pytest.mark.parametrize("declines", [1, 2])
def test_card_recovers_after_its_declines(caller, declines):
    token = f"tok_decline_{declines}"
    statuses = [caller.pay(token).json()["status"] for _ in range(declines + 1)]
    assert statuses == ["DECLINED"] * declines + ["APPROVED"]


def test_attempts_count_for_each_order(new_caller):
    first, second = new_caller(), new_caller()
    first.pay("tok_decline")
    assert second.pay("tok_decline_1").json()["attempt"] == 1


@pytest.mark.parametrize(("amount", "status", "reason"), [
    (1, "APPROVED", None), (500_000, "APPROVED", None), (500_001, "DECLINED", "LIMIT_EXCEEDED"),
])  # fmt: skip
def test_limit_is_still_charged(caller, amount, status, reason):
    assert outcome(caller.pay("tok_ok", amount))[:2] == (status, reason)


def test_limit_is_looked_at_before_the_card(caller):
    assert outcome(caller.pay("tok_decline", 500_001))[1] == "LIMIT_EXCEEDED"


def test_order_is_charged_once(caller):
    payment_id = caller.pay().json()["paymentId"]
    assert caller.pay().json()["code"] == "ALREADY_PAID"
    caller.refund(payment_id)
    refused = caller.pay()
    assert refused.status_code == 409
    assert refused.json()["code"] == "ALREADY_PAID"
    assert len(caller.rows("payments")) == 1


def test_refund_pays_back_once(caller):
    payment = caller.pay().json()
    refunded = caller.refund(payment["paymentId"])
    assert refunded.status_code == 200
    assert refunded.json() == payment | {"status": "REFUNDED", "refundedAt": refunded.json()["refundedAt"]}
    again = caller.refund(payment["paymentId"])
    assert again.status_code == 409
    assert again.json()["code"] == "PAYMENT_NOT_REFUNDABLE"


def test_declined_payment_cannot_be_refunded(caller):
    payment_id = caller.pay("tok_decline").json()["paymentId"]
    assert caller.refund(payment_id).json()["code"] == "PAYMENT_NOT_REFUNDABLE"


def test_payments_of_an_order_are_listed_in_order(caller):
    made = [caller.pay("tok_decline_1").json() for _ in range(2)]
    listed = caller.send("payments", "GET", f"/payments?orderId={caller.order_id}").json()
    assert listed == {"orderId": caller.order_id, "payments": made}
    none = caller.send("payments", "GET", "/payments?orderId=order-unknown")
    assert none.json() == {"orderId": "order-unknown", "payments": []}


def test_list_needs_an_order(caller):
    refused = caller.send("payments", "GET", "/payments")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "orderId"


def test_unknown_payment_is_not_found(caller):
    for answer in (caller.send("payments", "GET", "/payments/none"), caller.refund("none")):
        assert answer.status_code == 404
        assert answer.json()["code"] == "PAYMENT_NOT_FOUND"


def test_card_is_kept_nowhere(caller, shop):
    caller.pay("tok_decline_7", key=f"key-{caller.order_id}")
    assert b"tok_decline_7" not in b"".join(path.read_bytes() for path in shop.database.parent.iterdir())
