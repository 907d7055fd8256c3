"""What all services do alike: repeated commands, correlation, and refusal of bad input."""

import json

import httpx
import pytest


def test_repeated_command_gives_the_first_answer_and_changes_nothing(caller):
    caller.stock()
    first = caller.reserve(2, key=f"key-{caller.order_id}")
    second = caller.reserve(2, key=f"key-{caller.order_id}")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert caller.item()["reserved"] == 2
    assert len(caller.rows("reservations")) == 1
    assert len(caller.rows("outbox")) == 1


def test_repeats_are_known_in_every_service(caller):
    reservation_id, payment_id = caller.reserve_and_pay()
    key = f"key-{caller.order_id}"
    for send in (
        lambda: caller.ship(reservation_id, payment_id, key=key),
        lambda: caller.refund(payment_id, key=key),
        lambda: caller.release(reservation_id, key=key),
    ):
        first, second = send(), send()
        assert first.is_success
        assert (second.status_code, second.content) == (first.status_code, first.content)


def test_refusal_is_repeated_too(caller):
    caller.stock(quantity=1)
    first = caller.reserve(2, key=f"key-{caller.order_id}")
    caller.stock(quantity=9)
    second = caller.reserve(2, key=f"key-{caller.order_id}")
    assert first.status_code == second.status_code == 409
    assert second.headers["content-type"] == "application/problem+json"
    assert second.content == first.content


def test_key_cannot_serve_two_requests(caller):
    caller.stock()
    caller.reserve(1, key=f"key-{caller.order_id}")
    refused = caller.reserve(2, key=f"key-{caller.order_id}")
    assert refused.status_code == 422
    assert refused.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert caller.item()["reserved"] == 1


def test_spacing_and_order_of_a_body_do_not_count(caller, shop):
    caller.stock()
    line = {"orderId": caller.order_id, "sku": caller.sku, "quantity": 1}
    bodies = [json.dumps(line), json.dumps(dict(reversed(line.items())), indent=2)]
    url, headers = f"{shop.inventory_url}/reservations", {"Idempotency-Key": f"key-{caller.order_id}"}
    first, second = (httpx.post(url, content=body, headers=headers) for body in bodies)
    assert second.json() == first.json()


def test_correlation_id_is_echoed_and_written(caller):
    caller.stock()
    answer = caller.reserve(1, correlation_id="corr-1")
    assert answer.headers["x-correlation-id"] == "corr-1"
    caller.pay(correlation_id="corr-2")
    caller.reject("OUT_OF_STOCK", correlation_id="corr-3")
    caller.settle()
    written = {table: {row["correlation_id"] for row in caller.rows(table)} for table in (
        "reservations", "stock_movements", "payments", "ledger_entries", "orders", "notifications"
    )}  # fmt: skip
    assert written == {
        "reservations": {"corr-1"},
        "stock_movements": {"corr-1"},
        "payments": {"corr-2"},
        "ledger_entries": {"corr-2"},
        "orders": {"corr-3"},
        "notifications": {"corr-3"},
    }


def test_refusal_carries_the_correlation_id_too(caller):
    assert caller.reserve(1, correlation_id="corr-4").headers["x-correlation-id"] == "corr-4"


def test_correlation_id_is_made_up_when_absent(caller):
    first, second = caller.stock(), caller.stock()
    assert first.headers["x-correlation-id"] != second.headers["x-correlation-id"]


LINE = {"orderId": "order-1", "sku": "sku-1", "quantity": 1}
PAYMENT = {"orderId": "order-1", "amountCents": 1, "currency": "EUR", "card": {"token": "tok_ok"}}


@pytest.mark.parametrize(("service", "path", "body", "field"), [
    ("inventory", "/reservations", LINE | {"quantity": 0}, "quantity"),
    ("inventory", "/reservations", LINE | {"quantity": 1001}, "quantity"),
    ("inventory", "/reservations", LINE | {"quantity": "1"}, "quantity"),
    ("inventory", "/reservations", LINE | {"quantity": True}, "quantity"),
    ("inventory", "/reservations", LINE | {"sku": "no spaces"}, "sku"),
    ("inventory", "/reservations", LINE | {"extra": 1}, "extra"),
    ("inventory", "/reservations", {"orderId": "order-1", "sku": "sku-1"}, "quantity"),
    ("inventory", "/reservations", [], "body"),
    ("inventory", "/reservations/none/release", {"reason": "none"}, "reason"),
    ("payments", "/payments", PAYMENT | {"amountCents": 0}, "amountCents"),
    ("payments", "/payments", PAYMENT | {"currency": "eur"}, "currency"),
    ("payments", "/payments", PAYMENT | {"card": {"token": "tok_decline_0"}}, "card.token"),
    ("fulfilment", "/delivery-quotes", {"orderId": "order-1", "country": "Austria"}, "country"),
    ("fulfilment", "/orders/order-1/rejections", {"reason": "BORED", "recipient": "jo@example.org"}, "reason"),
    ("fulfilment", "/orders/order-1/rejections", {"reason": "OUT_OF_STOCK", "recipient": "jo"}, "recipient"),
    ("fulfilment", "/orders/-/rejections", {"reason": "OUT_OF_STOCK", "recipient": "jo@example.org"}, "orderId"),
])  # fmt: skip
def test_bad_input_is_refused_by_field(caller, service, path, body, field):
    refused = caller.send(service, "POST", path, body)
    assert refused.status_code == 400
    assert refused.json()["code"] == "VALIDATION_FAILED"
    assert field in [error["field"] for error in refused.json()["errors"]]


def test_secret_of_a_bad_request_is_not_repeated(caller):
    refused = caller.send("payments", "POST", "/payments", PAYMENT | {"card": {"token": "4111111111111111"}})
    assert refused.status_code == 400
    assert "4111111111111111" not in refused.text


@pytest.mark.parametrize("content", [b"{", b"\xff", b"null", b'{"quantity": NaN}'])
def test_broken_json_is_bad_input(shop, content):
    refused = httpx.post(f"{shop.inventory_url}/reservations", content=content)
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Correlation-Id"])
def test_bad_header_is_refused(shop, name):
    refused = httpx.post(f"{shop.inventory_url}/reservations", json=LINE, headers={name: "x" * 129})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == name


def test_unknown_route_and_method_are_problems(shop):
    for answer, status in (
        (httpx.get(f"{shop.payments_url}/nothing"), 404),
        (httpx.delete(f"{shop.payments_url}/payments"), 405),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
