"""What is said to and by the fulfilment service."""

from __future__ import annotations

from enum import StrEnum

from orchestra_kit.demo.services.messages import CountryCode, Email, Identifier, Line, Message


class DeliveryService(StrEnum):
    """How fast a parcel travels."""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


class Carrier(StrEnum):
    """Who carries a parcel."""

    POST_NET = "PostNet"
    SWIFT_AIR = "SwiftAir"


class ShipmentStatus(StrEnum):
    """How far a shipment has come."""

    CREATED = "CREATED"
    LABEL_PRINTED = "LABEL_PRINTED"


class OrderStatus(StrEnum):
    """How an order stands, once fulfilment has heard of it."""

    FULFILLING = "FULFILLING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"


class RejectReason(StrEnum):
    """Why an order is not fulfilled."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    COUNTRY_NOT_SERVED = "COUNTRY_NOT_SERVED"


class QuoteRequest(Message):
    """Where an order should go."""

    order_id: Identifier
    country: CountryCode


class DeliveryOption(Message):
    """One way to deliver, and what it costs."""

    service: DeliveryService
    carrier: Carrier
    cost_cents: int
    delivery_days: int


class Quote(Message):
    """Whether we deliver to a country, and how."""

    order_id: Identifier
    country: CountryCode
    served: bool
    options: tuple[DeliveryOption, ...]


class Address(Message):
    """Where a parcel goes."""

    name: Line
    street: Line
    city: Line
    postal_code: Line
    country: CountryCode


class ShipmentRequest(Message):
    """A delivery to book for a reserved and paid order."""

    order_id: Identifier
    reservation_id: Identifier
    payment_id: Identifier
    service: DeliveryService
    recipient: Email
    address: Address


class Shipment(Message):
    """A booked delivery."""

    shipment_id: str
    order_id: Identifier
    reservation_id: str
    payment_id: str
    service: DeliveryService
    carrier: Carrier
    tracking_number: str
    cost_cents: int
    delivery_days: int
    status: ShipmentStatus
    address: Address
    created_at: str
    label_printed_at: str | None = None


class RejectionRequest(Message):
    """Why an order is rejected, and whom to tell."""

    reason: RejectReason
    recipient: Email


class Order(Message):
    """An order as fulfilment sees it."""

    order_id: Identifier
    status: OrderStatus
    reject_reason: RejectReason | None = None
    recipient: str
    updated_at: str


class Notification(Message):
    """A mail that was sent."""

    notification_id: int
    kind: str
    recipient: str
    body: str
    sent_at: str


class NotificationList(Message):
    """All mails of an order, in the order they were sent."""

    order_id: Identifier
    notifications: tuple[Notification, ...]
