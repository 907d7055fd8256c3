"""A small real service with a database, and faults that tests ask for by the name of the item they order."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PROJECT = Path(__file__).parents[1] / "data" / "orders" / "orchestra.yaml"


@dataclass
class OrderShop:
    """Orders beyond ten pieces wait for approval. `broken`, `slow` and `sealed` items misbehave as they are called."""

    database: Path
    url: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0
    slowness: float = 0.3
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def app(self) -> Starlette:
        """Return the web application."""
        with closing(self._connect()) as database:
            database.execute("create table orders (id text primary key, item text, quantity int, status text)")
            database.commit()
        return Starlette(
            routes=[
                Route("/orders", self.place, methods=["POST"]),
                Route("/orders/{order_id}", self.read, methods=["GET"]),
                Route("/orders/{order_id}/approval", self.approve, methods=["POST"]),
            ]
        )

    def place(self, request: Request) -> JSONResponse:
        """Store an order."""
        with self._counted(request):
            wanted = request.state.body
            item, quantity = wanted["item"], wanted["quantity"]
            if item.startswith("slow"):
                time.sleep(self.slowness)
            if item.startswith("broken"):
                return JSONResponse({"message": "broken"}, status_code=500)
            if item.startswith("sealed") and request.headers.get("authorization") != "Bearer open sesame":
                return JSONResponse({"message": "who are you?"}, status_code=401)
            status = "WAITING" if quantity > 10 else "PLACED"
            order = {"orderId": uuid4().hex, "item": item, "quantity": quantity, "status": status}
            with closing(self._connect()) as database:
                database.execute("insert into orders values (:orderId, :item, :quantity, :status)", order)
                database.commit()
            return JSONResponse(order, status_code=201)

    def read(self, request: Request) -> JSONResponse:
        """Return an order."""
        with self._counted(request):
            return self._answer(request.path_params["order_id"])

    def approve(self, request: Request) -> JSONResponse:
        """Approve an order."""
        with self._counted(request), closing(self._connect()) as database:
            database.execute("update orders set status = 'APPROVED' where id = ?", (request.path_params["order_id"],))
            database.commit()
        return self._answer(request.path_params["order_id"])

    def _answer(self, order_id: str) -> JSONResponse:
        with closing(self._connect()) as database:
            row = database.execute("select id, item, quantity, status from orders where id = ?", (order_id,)).fetchone()
        if row is None:
            return JSONResponse({"message": "no such order"}, status_code=404)
        return JSONResponse(dict(zip(("orderId", "item", "quantity", "status"), row, strict=True)))

    @contextmanager
    def _counted(self, request: Request) -> Iterator[None]:
        with self._lock:
            self.calls.append((request.method, request.headers.get("idempotency-key", "")))
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.database, timeout=10)


class _BodyFirst:
    """Reads the body before the handler, so that handlers may be plain functions on threads."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] == "http" and scope["method"] == "POST":
            request = Request(scope, receive)
            text = await request.body()
            scope.setdefault("state", {})["body"] = await request.json() if text else None
        await self._app(scope, receive, send)


@contextmanager
def running_shop(folder: Path) -> Iterator[OrderShop]:
    """Run a shop on a free port of this machine."""
    shop = OrderShop(database=folder / "orders.sqlite")
    config = uvicorn.Config(_BodyFirst(shop.app()), host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    shop.url = f"http://127.0.0.1:{port}"
    try:
        yield shop
    finally:
        server.should_exit = True
        thread.join(10)


def environment_of(shop: OrderShop, **more: Any) -> dict[str, Any]:
    """Return the environment file of a shop."""
    return {
        "name": "test",
        "httpServices": {"shop": {"baseUrl": shop.url}},
        "dbProfiles": {"shop": {"jdbcUrl": f"jdbc:sqlite:{shop.database}"}},
        "egress": {"allow": ["127.0.0.1"], "allowPublic": False},
        **more,
    }
