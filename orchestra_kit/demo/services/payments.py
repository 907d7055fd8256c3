"""The payments service: charges cards, at most three times an order, and refunds."""

from __future__ import annotations

import re
import sqlite3
from enum import StrEnum
from typing import Annotated
from uuid import uuid4

from pydantic import Field, StringConstraints

from orchestra_kit.demo.services.clock import timestamp_now
from orchestra_kit.demo.services.database import announce
from orchestra_kit.demo.services.messages import Cents, Empty, Identifier, Message
from orchestra_kit.demo.services.problems import Problem, not_found
from orchestra_kit.demo.services.server import serve
from orchestra_kit.demo.services.web import Answer, Call, command, query

MAX_ATTEMPTS = 3
PAYMENT_LIMIT_CENTS = 500_000
TOKEN_PATTERN = r"^tok_(ok|decline(_[1-9])?)$"  # noqa: S105 - a pattern of test tokens, no secret


class Currency(StrEnum):
    """Currencies we charge in."""

    EUR = "EUR"
    USD = "USD"
    CHF = "CHF"


class PaymentStatus(StrEnum):
    """How a payment stands."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    REFUNDED = "REFUNDED"


class DeclineReason(StrEnum):
    """Why a payment was declined."""

    CARD_DECLINED = "CARD_DECLINED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"


class Card(Message):
    """A card, as a token of the card processor: tok_ok, tok_decline, or tok_decline_N to decline the first N times."""

    token: Annotated[str, StringConstraints(pattern=TOKEN_PATTERN)]


class PaymentRequest(Message):
    """An amount to charge for an order."""

    order_id: Identifier
    amount_cents: Cents
    currency: Currency
    card: Card = Field(repr=False)


class Payment(Message):
    """One attempt to charge, and its outcome."""

    payment_id: str
    order_id: Identifier
    amount_cents: int
    currency: Currency
    status: PaymentStatus
    attempt: int
    attempts_left: int
    decline_reason: DeclineReason | None = None
    created_at: str
    refunded_at: str | None = None


class PaymentList(Message):
    """All attempts of an order, in order."""

    order_id: Identifier
    payments: tuple[Payment, ...]


def exceeds_limit(amount_cents: int) -> bool:
    """An amount above the limit is never charged; the limit itself is."""
    return amount_cents > PAYMENT_LIMIT_CENTS


def card_declines(token: str, attempt: int) -> bool:
    """Whether the card refuses this attempt (counted from 1)."""
    if token == "tok_decline":  # noqa: S105 - a test token, no secret
        return True
    first_attempts = re.fullmatch(r"tok_decline_(\d)", token)
    return first_attempts is not None and attempt <= int(first_attempts[1])


def decline_reason(token: str, amount_cents: int, attempt: int) -> DeclineReason | None:
    """Why this attempt is declined, or nothing when it is approved; the limit is looked at first."""
    if exceeds_limit(amount_cents):
        return DeclineReason.LIMIT_EXCEEDED
    if card_declines(token, attempt):
        return DeclineReason.CARD_DECLINED
    return None


def attempts_left(attempt: int) -> int:
    """How many attempts of an order are unused after this one, whatever its outcome."""
    return MAX_ATTEMPTS - attempt


def require_unpaid(earlier: tuple[Payment, ...]) -> None:
    """Refuse to charge an order twice, also after a refund."""
    if any(payment.status is not PaymentStatus.DECLINED for payment in earlier):
        raise Problem(409, "ALREADY_PAID", "A payment of this order was approved before.")


def require_attempts_left(earlier: tuple[Payment, ...]) -> None:
    """Refuse more attempts than an order has."""
    if len(earlier) >= MAX_ATTEMPTS:
        raise Problem(409, "ATTEMPTS_EXHAUSTED", f"All {MAX_ATTEMPTS} attempts of this order were declined.")


def require_refundable(payment: Payment) -> None:
    """Refuse to pay back what was not charged, or was paid back."""
    if payment.status is not PaymentStatus.APPROVED:
        raise Problem(409, "PAYMENT_NOT_REFUNDABLE", f"The payment is {payment.status}.")


def create_payment(call: Call, body: PaymentRequest) -> Answer:
    """Charge a card once; a declined charge is an answer like an approved one."""
    earlier = payments_of_order(call.database, body.order_id)
    require_unpaid(earlier)
    require_attempts_left(earlier)
    attempt = len(earlier) + 1
    reason = decline_reason(body.card.token, body.amount_cents, attempt)
    payment = Payment(
        payment_id=str(uuid4()),
        order_id=body.order_id,
        amount_cents=body.amount_cents,
        currency=body.currency,
        status=PaymentStatus.DECLINED if reason else PaymentStatus.APPROVED,
        attempt=attempt,
        attempts_left=attempts_left(attempt),
        decline_reason=reason,
        created_at=timestamp_now(),
    )
    insert_payment(call, payment)
    if payment.status is PaymentStatus.APPROVED:
        announce_posting(call, payment, "PAYMENT")
    return Answer(201, payment)


def refund_payment(call: Call, _: Empty) -> Answer:
    """Pay an approved payment back in full."""
    payment = load_payment(call.database, call.path["paymentId"])
    require_refundable(payment)
    call.database.execute(
        "UPDATE payments SET status = ?, refunded_at = ? WHERE payment_id = ?",
        (PaymentStatus.REFUNDED, timestamp_now(), payment.payment_id),
    )
    announce_posting(call, payment, "REFUND")
    return Answer(200, load_payment(call.database, payment.payment_id))


def get_payment(call: Call) -> Answer:
    """The payment as it is now."""
    return Answer(200, load_payment(call.database, call.path["paymentId"]))


def list_payments(call: Call) -> Answer:
    """All attempts of an order; none for an order we never heard of."""
    order_id = call.query_identifier("orderId")
    return Answer(200, PaymentList(order_id=order_id, payments=payments_of_order(call.database, order_id)))


def payments_of_order(database: sqlite3.Connection, order_id: str) -> tuple[Payment, ...]:
    """All attempts of an order, first one first."""
    rows = database.execute("SELECT * FROM payments WHERE order_id = ? ORDER BY attempt", (order_id,))
    return tuple(payment_from_row(row) for row in rows)


def load_payment(database: sqlite3.Connection, payment_id: str) -> Payment:
    """The payment of this id, which must exist."""
    row = database.execute("SELECT * FROM payments WHERE payment_id = ?", (payment_id,)).fetchone()
    if row is None:
        raise not_found("payment", payment_id)
    return payment_from_row(row)


def payment_from_row(row: sqlite3.Row) -> Payment:
    """A row as a value."""
    return Payment(
        payment_id=row["payment_id"],
        order_id=row["order_id"],
        amount_cents=row["amount_cents"],
        currency=Currency(row["currency"]),
        status=PaymentStatus(row["status"]),
        attempt=row["attempt"],
        attempts_left=attempts_left(row["attempt"]),
        decline_reason=DeclineReason(row["decline_reason"]) if row["decline_reason"] else None,
        created_at=row["created_at"],
        refunded_at=row["refunded_at"],
    )


def insert_payment(call: Call, payment: Payment) -> None:
    """Write a new payment; the card is not kept."""
    values = payment.model_dump(exclude={"attempts_left", "refunded_at"}) | {"correlation_id": call.correlation_id}
    call.database.execute(
        "INSERT INTO payments (payment_id, order_id, amount_cents, currency, status, attempt, decline_reason,"
        " correlation_id, created_at) VALUES (:payment_id, :order_id, :amount_cents, :currency, :status, :attempt,"
        " :decline_reason, :correlation_id, :created_at)",
        values,
    )


def announce_posting(call: Call, payment: Payment, kind: str) -> None:
    """Have the two ledger entries of a charge or a refund written."""
    payload: dict[str, str | int] = {
        "paymentId": payment.payment_id,
        "kind": kind,
        "amountCents": payment.amount_cents,
        "currency": payment.currency,
    }
    announce(call.database, "money.moved", payment.order_id, call.correlation_id, payload)


OPERATIONS = (
    command("POST", "/payments", PaymentRequest, create_payment),
    query("/payments", list_payments),
    query("/payments/{paymentId}", get_payment),
    command("POST", "/payments/{paymentId}/refund", Empty, refund_payment),
)

if __name__ == "__main__":
    serve("payments", OPERATIONS)
