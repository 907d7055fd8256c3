"""The inventory service: what is in stock, and what is held for orders."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import uuid4

from pydantic import Field

from orchestra_kit.demo.services.clock import timestamp, timestamp_now, utc_now
from orchestra_kit.demo.services.database import announce
from orchestra_kit.demo.services.messages import Cents, Empty, Identifier, Message, OrderQuantity
from orchestra_kit.demo.services.problems import Problem, not_found
from orchestra_kit.demo.services.server import serve
from orchestra_kit.demo.services.web import Answer, Call, command, query

HOLD_TIME = timedelta(minutes=15)


class ReservationStatus(StrEnum):
    """Whether a reservation still holds stock."""

    RESERVED = "RESERVED"
    RELEASED = "RELEASED"


class StockItemRequest(Message):
    """How many pieces of an item lie in the warehouse, and their price."""

    quantity: Annotated[int, Field(ge=0, le=1_000_000)]
    unit_price_cents: Cents


class StockItem(Message):
    """An item: on hand, of these reserved, and what is left to sell."""

    sku: Identifier
    quantity: int
    reserved: int
    available: int
    unit_price_cents: int


class OrderLineRequest(Message):
    """A number of pieces of one item, wanted by an order."""

    order_id: Identifier
    sku: Identifier
    quantity: OrderQuantity


class StockCheck(Message):
    """Whether an order line can be served now."""

    order_id: Identifier
    sku: Identifier
    requested: int
    available: int
    in_stock: bool


class Reservation(Message):
    """Stock held for an order, and what it costs."""

    reservation_id: str
    order_id: Identifier
    sku: Identifier
    quantity: int
    status: ReservationStatus
    total_cents: int
    reserved_at: str
    expires_at: str
    released_at: str | None = None


def available_quantity(quantity: int, reserved: int) -> int:
    """Pieces on hand that no order holds."""
    return quantity - reserved


def is_in_stock(requested: int, available: int) -> bool:
    """An order line is in stock when all of it is; the last piece may be sold."""
    return requested <= available


def total_price(quantity: int, unit_price_cents: int) -> int:
    """What the pieces cost together."""
    return quantity * unit_price_cents


def hold_until(reserved_at: datetime) -> datetime:
    """When a reservation lapses if it is not paid."""
    return reserved_at + HOLD_TIME


def require_stock(requested: int, available: int) -> None:
    """Refuse to hold more than there is."""
    if not is_in_stock(requested, available):
        raise Problem(409, "OUT_OF_STOCK", f"{requested} wanted, {available} available.")


def require_covers_reserved(quantity: int, reserved: int) -> None:
    """Refuse a stock level below what is promised to orders."""
    if quantity < reserved:
        raise Problem(409, "QUANTITY_BELOW_RESERVED", f"{reserved} are reserved; the quantity cannot be {quantity}.")


def require_reserved(reservation: Reservation) -> None:
    """Refuse to release what is held no longer."""
    if reservation.status is not ReservationStatus.RESERVED:
        raise Problem(409, "RESERVATION_NOT_ACTIVE", f"The reservation is {reservation.status} already.")


def put_item(call: Call, body: StockItemRequest) -> Answer:
    """Create an item, or replace its quantity and price; what is reserved stays reserved."""
    before = find_item(call.database, call.path["sku"])
    reserved = before.reserved if before else 0
    require_covers_reserved(body.quantity, reserved)
    call.database.execute(
        "INSERT OR REPLACE INTO items (sku, quantity, reserved, unit_price_cents, correlation_id, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (call.path["sku"], body.quantity, reserved, body.unit_price_cents, call.correlation_id, timestamp_now()),
    )
    return Answer(200 if before else 201, load_item(call.database, call.path["sku"]))


def get_item(call: Call) -> Answer:
    """The item as it is now."""
    return Answer(200, load_item(call.database, call.path["sku"]))


def check_stock(call: Call, body: OrderLineRequest) -> Answer:
    """Tell whether an order line could be reserved; nothing is held."""
    item = load_item(call.database, body.sku)
    return Answer(
        200,
        StockCheck(
            order_id=body.order_id,
            sku=body.sku,
            requested=body.quantity,
            available=item.available,
            in_stock=is_in_stock(body.quantity, item.available),
        ),
    )


def reserve_stock(call: Call, body: OrderLineRequest) -> Answer:
    """Hold stock for an order."""
    item = load_item(call.database, body.sku)
    require_stock(body.quantity, item.available)
    reserved_at = utc_now()
    reservation = Reservation(
        reservation_id=str(uuid4()),
        order_id=body.order_id,
        sku=body.sku,
        quantity=body.quantity,
        status=ReservationStatus.RESERVED,
        total_cents=total_price(body.quantity, item.unit_price_cents),
        reserved_at=timestamp(reserved_at),
        expires_at=timestamp(hold_until(reserved_at)),
    )
    insert_reservation(call, reservation)
    change_reserved(call.database, body.sku, body.quantity)
    announce_movement(call, reservation, "RESERVATION", -body.quantity)
    return Answer(201, reservation)


def release_reservation(call: Call, _: Empty) -> Answer:
    """Give held stock back."""
    reservation = load_reservation(call.database, call.path["reservationId"])
    require_reserved(reservation)
    call.database.execute(
        "UPDATE reservations SET status = ?, released_at = ? WHERE reservation_id = ?",
        (ReservationStatus.RELEASED, timestamp_now(), reservation.reservation_id),
    )
    change_reserved(call.database, reservation.sku, -reservation.quantity)
    announce_movement(call, reservation, "RELEASE", reservation.quantity)
    return Answer(200, load_reservation(call.database, reservation.reservation_id))


def get_reservation(call: Call) -> Answer:
    """The reservation as it is now."""
    return Answer(200, load_reservation(call.database, call.path["reservationId"]))


def find_item(database: sqlite3.Connection, sku: str) -> StockItem | None:
    """The item of this sku, if there is one."""
    row = database.execute("SELECT * FROM items WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        return None
    return StockItem(
        sku=row["sku"],
        quantity=row["quantity"],
        reserved=row["reserved"],
        available=available_quantity(row["quantity"], row["reserved"]),
        unit_price_cents=row["unit_price_cents"],
    )


def load_item(database: sqlite3.Connection, sku: str) -> StockItem:
    """The item of this sku, which must exist."""
    item = find_item(database, sku)
    if item is None:
        raise not_found("item", sku)
    return item


def load_reservation(database: sqlite3.Connection, reservation_id: str) -> Reservation:
    """The reservation of this id, which must exist."""
    row = database.execute("SELECT * FROM reservations WHERE reservation_id = ?", (reservation_id,)).fetchone()
    if row is None:
        raise not_found("reservation", reservation_id)
    return Reservation(
        reservation_id=row["reservation_id"],
        order_id=row["order_id"],
        sku=row["sku"],
        quantity=row["quantity"],
        status=ReservationStatus(row["status"]),
        total_cents=row["total_cents"],
        reserved_at=row["reserved_at"],
        expires_at=row["expires_at"],
        released_at=row["released_at"],
    )


def insert_reservation(call: Call, reservation: Reservation) -> None:
    """Write a new reservation."""
    values = reservation.model_dump(exclude={"released_at"}) | {"correlation_id": call.correlation_id}
    call.database.execute(
        "INSERT INTO reservations (reservation_id, order_id, sku, quantity, status, total_cents, correlation_id,"
        " reserved_at, expires_at) VALUES (:reservation_id, :order_id, :sku, :quantity, :status, :total_cents,"
        " :correlation_id, :reserved_at, :expires_at)",
        values,
    )


def change_reserved(database: sqlite3.Connection, sku: str, difference: int) -> None:
    """Hold more or fewer pieces of an item."""
    database.execute("UPDATE items SET reserved = reserved + ? WHERE sku = ?", (difference, sku))


def announce_movement(call: Call, reservation: Reservation, kind: str, delta: int) -> None:
    """Have the stock movement written, with the available balance it leaves."""
    balance = load_item(call.database, reservation.sku).available
    payload: dict[str, str | int] = {
        "reservationId": reservation.reservation_id,
        "sku": reservation.sku,
        "kind": kind,
        "quantityDelta": delta,
        "balanceAfter": balance,
    }
    announce(call.database, "stock.moved", reservation.order_id, call.correlation_id, payload)


OPERATIONS = (
    command("PUT", "/items/{sku}", StockItemRequest, put_item),
    query("/items/{sku}", get_item),
    command("POST", "/stock-checks", OrderLineRequest, check_stock),
    command("POST", "/reservations", OrderLineRequest, reserve_stock),
    query("/reservations/{reservationId}", get_reservation),
    command("POST", "/reservations/{reservationId}/release", Empty, release_reservation),
)

if __name__ == "__main__":
    serve("inventory", OPERATIONS)
