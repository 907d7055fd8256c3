"""A running shop, and a client that holds every answer against the interface descriptions."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import uuid4

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from orchestra_kit.demo.documents import OPENAPI_DOCUMENTS
from orchestra_kit.demo.launcher import Shop, start_shop

DELAY = (0.02, 0.1)
SETTLED_SECONDS = 5.0
ADDRESS = {"name": "Jo Muster", "street": "Ring 1", "city": "Wien", "postalCode": "1010", "country": "AT"}


class Checker:
    """Knows the three descriptions, and refuses an answer that breaks its own."""

    def __init__(self) -> None:
        config = Config(extra_media_type_deserializers={"application/problem+json": json.loads})
        self.descriptions = {
            name: OpenAPI.from_file_path(str(path), config=config) for name, path in OPENAPI_DOCUMENTS.items()
        }

    def check(self, service: str, response: httpx.Response) -> None:
        request = response.request
        asked = MockRequest(
            f"http://{request.url.host}",
            request.method.lower(),
            request.url.path,
            args=dict(request.url.params),
            data=request.content or None,
        )
        given = MockResponse(
            response.content,
            status_code=response.status_code,
            headers=dict(response.headers),
            content_type=response.headers["content-type"],
        )
        self.descriptions[service].validate_response(asked, given)


class Caller:
    """Calls the services of one shop; one test's caller has its own order and item."""

    def __init__(self, shop: Shop, checker: Checker) -> None:
        self.shop = shop
        self.checker = checker
        self.order_id = f"order-{uuid4()}"
        self.sku = f"sku-{uuid4()}"
        # Without TLS there is nothing to verify, and a context for it costs 25 ms a client.
        self._clients = {name: httpx.Client(base_url=url, verify=False) for name, url in shop.base_urls.items()}

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def send(
        self,
        service: str,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        correlation_id: str | None = None,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key, "X-Correlation-Id": correlation_id}
        response = self._clients[service].request(
            method, path, json=body, headers={name: value for name, value in headers.items() if value is not None}
        )
        self.checker.check(service, response)
        return response

    def stock(self, quantity: int = 5, price: int = 1999) -> httpx.Response:
        return self.send("inventory", "PUT", f"/items/{self.sku}", {"quantity": quantity, "unitPriceCents": price})

    def item(self) -> dict:
        return self.send("inventory", "GET", f"/items/{self.sku}").json()

    def check_stock(self, quantity: int) -> httpx.Response:
        return self.send("inventory", "POST", "/stock-checks", self._line(quantity))

    def reserve(self, quantity: int = 2, **headers: str) -> httpx.Response:
        return self.send("inventory", "POST", "/reservations", self._line(quantity), **headers)

    def release(self, reservation_id: str, **headers: str) -> httpx.Response:
        return self.send("inventory", "POST", f"/reservations/{reservation_id}/release", **headers)

    def pay(self, token: str = "tok_ok", amount: int = 3998, **headers: str) -> httpx.Response:
        body = {"orderId": self.order_id, "amountCents": amount, "currency": "EUR", "card": {"token": token}}
        return self.send("payments", "POST", "/payments", body, **headers)

    def refund(self, payment_id: str, **headers: str) -> httpx.Response:
        return self.send("payments", "POST", f"/payments/{payment_id}/refund", **headers)

    def quote(self, country: str) -> httpx.Response:
        return self.send("fulfilment", "POST", "/delivery-quotes", {"orderId": self.order_id, "country": country})

    def ship(
        self, reservation_id: str, payment_id: str, service: str = "STANDARD", country: str = "AT", **headers: str
    ) -> httpx.Response:
        body = {
            "orderId": self.order_id,
            "reservationId": reservation_id,
            "paymentId": payment_id,
            "service": service,
            "recipient": "jo@example.org",
            "address": ADDRESS | {"country": country},
        }
        return self.send("fulfilment", "POST", "/shipments", body, **headers)

    def reserve_and_pay(self) -> tuple[str, str]:
        self.stock()
        return self.reserve().json()["reservationId"], self.pay().json()["paymentId"]

    def reject(self, reason: str, **headers: str) -> httpx.Response:
        body = {"reason": reason, "recipient": "jo@example.org"}
        return self.send("fulfilment", "POST", f"/orders/{self.order_id}/rejections", body, **headers)

    def order(self) -> httpx.Response:
        return self.send("fulfilment", "GET", f"/orders/{self.order_id}")

    def notifications(self) -> list[dict]:
        return self.send("fulfilment", "GET", f"/orders/{self.order_id}/notifications").json()["notifications"]

    def rows(self, table: str) -> list[dict]:
        with closing(sqlite3.connect(self.shop.database)) as database:
            database.row_factory = sqlite3.Row
            found = database.execute(f"SELECT * FROM {table} WHERE order_id = ? ORDER BY rowid", (self.order_id,))
            return [dict(row) for row in found]

    def settle(self) -> None:
        """Wait until the worker has nothing left to do for the order."""
        eventually(lambda: all(row["status"] != "PENDING" for row in self.rows("outbox")))

    def _line(self, quantity: int) -> dict:
        return {"orderId": self.order_id, "sku": self.sku, "quantity": quantity}


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the shop did not settle"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with start_shop(tmp_path_factory.mktemp("shop"), delay=DELAY) as running:
        yield running


@pytest.fixture(scope="session")
def checker() -> Checker:
    return Checker()


@pytest.fixture
def new_caller(shop: Shop, checker: Checker) -> Iterator[Callable[[], Caller]]:
    callers: list[Caller] = []

    def make() -> Caller:
        callers.append(Caller(shop, checker))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


@pytest.fixture
def caller(new_caller: Callable[[], Caller]) -> Caller:
    return new_caller()
