"""The fulfilment service: quotes and books deliveries, closes orders, and shows the mails customers were sent."""

from __future__ import annotations

import sqlite3
from uuid import uuid4

from orchestra_kit.demo.services.clock import timestamp_now
from orchestra_kit.demo.services.database import announce
from orchestra_kit.demo.services.fulfilment_messages import (
    Address,
    Carrier,
    DeliveryOption,
    DeliveryService,
    Notification,
    NotificationList,
    Order,
    OrderStatus,
    Quote,
    QuoteRequest,
    RejectionRequest,
    RejectReason,
    Shipment,
    ShipmentRequest,
    ShipmentStatus,
)
from orchestra_kit.demo.services.problems import Problem, not_found
from orchestra_kit.demo.services.server import serve
from orchestra_kit.demo.services.web import Answer, Call, command, query

COUNTRY_SURCHARGE_CENTS = {"DE": 0, "AT": 300, "NL": 300, "FR": 450, "CH": 900}
BASE_COST_CENTS = {DeliveryService.STANDARD: 490, DeliveryService.EXPRESS: 1490}
DELIVERY_DAYS = {DeliveryService.STANDARD: 3, DeliveryService.EXPRESS: 1}
CARRIERS = {DeliveryService.STANDARD: Carrier.POST_NET, DeliveryService.EXPRESS: Carrier.SWIFT_AIR}
TRACKING_PREFIXES = {Carrier.POST_NET: "PN", Carrier.SWIFT_AIR: "SA"}


def is_served(country: str) -> bool:
    """Whether we deliver to a country."""
    return country in COUNTRY_SURCHARGE_CENTS


def shipping_cost(service: DeliveryService, country: str) -> int:
    """What a delivery costs: the price of the service and the surcharge of the country."""
    return BASE_COST_CENTS[service] + COUNTRY_SURCHARGE_CENTS[country]


def tracking_number(carrier: Carrier, shipment_id: str) -> str:
    """The carrier's two letters and the first ten hexadecimal digits of the shipment id, in capitals."""
    return TRACKING_PREFIXES[carrier] + shipment_id.replace("-", "")[:10].upper()


def delivery_option(service: DeliveryService, country: str) -> DeliveryOption:
    """The terms of one service to a country we serve."""
    return DeliveryOption(
        service=service,
        carrier=CARRIERS[service],
        cost_cents=shipping_cost(service, country),
        delivery_days=DELIVERY_DAYS[service],
    )


def delivery_options(country: str) -> tuple[DeliveryOption, ...]:
    """All ways to deliver to a country, the slower first; none to a country we do not serve."""
    return tuple(delivery_option(service, country) for service in DeliveryService) if is_served(country) else ()


def require_served(country: str) -> None:
    """Refuse to deliver where we do not."""
    if not is_served(country):
        raise Problem(422, "COUNTRY_NOT_SERVED", f"We do not deliver to {country}.")


def require_open(database: sqlite3.Connection, order_id: str) -> None:
    """Refuse to ship or reject an order that is shipped or rejected already."""
    order = find_order(database, order_id)
    if order is not None:
        raise Problem(409, "ORDER_ALREADY_CLOSED", f"The order is {order.status} already.")


def require_reserved(database: sqlite3.Connection, order_id: str, reservation_id: str) -> None:
    """Refuse to ship what is not held for this order."""
    held = database.execute(
        "SELECT 1 FROM reservations WHERE reservation_id = ? AND order_id = ? AND status = 'RESERVED'",
        (reservation_id, order_id),
    ).fetchone()
    if held is None:
        raise Problem(409, "RESERVATION_NOT_ACTIVE", "The reservation holds no stock for this order.")


def require_paid(database: sqlite3.Connection, order_id: str, payment_id: str) -> None:
    """Refuse to ship what is not paid by this order."""
    paid = database.execute(
        "SELECT 1 FROM payments WHERE payment_id = ? AND order_id = ? AND status = 'APPROVED'",
        (payment_id, order_id),
    ).fetchone()
    if paid is None:
        raise Problem(409, "PAYMENT_NOT_APPROVED", "The payment is no approved payment of this order.")


def quote_delivery(_: Call, body: QuoteRequest) -> Answer:
    """Tell whether and how an order could be delivered; nothing is booked."""
    options = delivery_options(body.country)
    return Answer(
        200, Quote(order_id=body.order_id, country=body.country, served=is_served(body.country), options=options)
    )


def create_shipment(call: Call, body: ShipmentRequest) -> Answer:
    """Book a delivery; the order is now being fulfilled."""
    require_served(body.address.country)
    require_open(call.database, body.order_id)
    require_reserved(call.database, body.order_id, body.reservation_id)
    require_paid(call.database, body.order_id, body.payment_id)
    terms = delivery_option(body.service, body.address.country)
    shipment_id = str(uuid4())
    shipment = Shipment(
        shipment_id=shipment_id,
        order_id=body.order_id,
        reservation_id=body.reservation_id,
        payment_id=body.payment_id,
        service=body.service,
        carrier=terms.carrier,
        tracking_number=tracking_number(terms.carrier, shipment_id),
        cost_cents=terms.cost_cents,
        delivery_days=terms.delivery_days,
        status=ShipmentStatus.CREATED,
        address=body.address,
        created_at=timestamp_now(),
    )
    insert_shipment(call, shipment)
    insert_order(call, body.order_id, OrderStatus.FULFILLING, None, body.recipient)
    announce(call.database, "shipment.created", body.order_id, call.correlation_id, {"shipmentId": shipment_id})
    return Answer(201, shipment)


def get_shipment(call: Call) -> Answer:
    """The shipment as it is now."""
    shipment_id = call.path["shipmentId"]
    row = call.database.execute("SELECT * FROM shipments WHERE shipment_id = ?", (shipment_id,)).fetchone()
    if row is None:
        raise not_found("shipment", shipment_id)
    return Answer(200, shipment_from_row(row))


def reject_order(call: Call, body: RejectionRequest) -> Answer:
    """Close an order that cannot be fulfilled, and have the customer told."""
    order_id = call.path["orderId"]
    require_open(call.database, order_id)
    insert_order(call, order_id, OrderStatus.REJECTED, body.reason, body.recipient)
    announce(call.database, "order.rejected", order_id, call.correlation_id, {})
    return Answer(201, load_order(call.database, order_id))


def get_order(call: Call) -> Answer:
    """The order as it is now."""
    return Answer(200, load_order(call.database, call.path["orderId"]))


def list_notifications(call: Call) -> Answer:
    """All mails sent about an order; none for an order we never heard of."""
    rows = call.database.execute(
        "SELECT notification_id, kind, recipient, body, sent_at FROM notifications WHERE order_id = ?"
        " ORDER BY notification_id",
        (call.path["orderId"],),
    )
    sent = tuple(Notification.model_validate(dict(row)) for row in rows)
    return Answer(200, NotificationList(order_id=call.path["orderId"], notifications=sent))


def find_order(database: sqlite3.Connection, order_id: str) -> Order | None:
    """The order of this id, if fulfilment has heard of it."""
    row = database.execute("SELECT * FROM orders WHERE order_id = ?", (order_id,)).fetchone()
    if row is None:
        return None
    return Order(
        order_id=row["order_id"],
        status=OrderStatus(row["status"]),
        reject_reason=RejectReason(row["reject_reason"]) if row["reject_reason"] else None,
        recipient=row["recipient"],
        updated_at=row["updated_at"],
    )


def load_order(database: sqlite3.Connection, order_id: str) -> Order:
    """The order of this id, which must exist."""
    order = find_order(database, order_id)
    if order is None:
        raise not_found("order", order_id)
    return order


def shipment_from_row(row: sqlite3.Row) -> Shipment:
    """A row as a value."""
    return Shipment(
        shipment_id=row["shipment_id"],
        order_id=row["order_id"],
        reservation_id=row["reservation_id"],
        payment_id=row["payment_id"],
        service=DeliveryService(row["service"]),
        carrier=Carrier(row["carrier"]),
        tracking_number=row["tracking_number"],
        cost_cents=row["cost_cents"],
        delivery_days=row["delivery_days"],
        status=ShipmentStatus(row["status"]),
        address=Address(
            name=row["name"],
            street=row["street"],
            city=row["city"],
            postal_code=row["postal_code"],
            country=row["country"],
        ),
        created_at=row["created_at"],
        label_printed_at=row["label_printed_at"],
    )


def insert_shipment(call: Call, shipment: Shipment) -> None:
    """Write a new shipment."""
    values = shipment.model_dump(exclude={"address", "label_printed_at"}) | shipment.address.model_dump()
    call.database.execute(
        "INSERT INTO shipments (shipment_id, order_id, reservation_id, payment_id, service, carrier, tracking_number,"
        " cost_cents, delivery_days, status, name, street, city, postal_code, country, correlation_id, created_at)"
        " VALUES (:shipment_id, :order_id, :reservation_id, :payment_id, :service, :carrier, :tracking_number,"
        " :cost_cents, :delivery_days, :status, :name, :street, :city, :postal_code, :country, :correlation_id,"
        " :created_at)",
        values | {"correlation_id": call.correlation_id},
    )


def insert_order(
    call: Call, order_id: str, status: OrderStatus, reject_reason: RejectReason | None, recipient: str
) -> None:
    """Write an order's first state."""
    call.database.execute(
        "INSERT INTO orders (order_id, status, reject_reason, recipient, correlation_id, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (order_id, status, reject_reason, recipient, call.correlation_id, timestamp_now()),
    )


OPERATIONS = (
    command("POST", "/delivery-quotes", QuoteRequest, quote_delivery),
    command("POST", "/shipments", ShipmentRequest, create_shipment),
    query("/shipments/{shipmentId}", get_shipment),
    command("POST", "/orders/{orderId}/rejections", RejectionRequest, reject_order),
    query("/orders/{orderId}", get_order),
    query("/orders/{orderId}/notifications", list_notifications),
)

if __name__ == "__main__":
    serve("fulfilment", OPERATIONS)
