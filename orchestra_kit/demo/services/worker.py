"""The background worker: turns outbox rows into stock movements, ledger entries, labels, orders and mails, a little later."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestra_kit.demo.services.clock import timestamp_now, utc_now
from orchestra_kit.demo.services.database import announce, open_database, write_transaction
from orchestra_kit.demo.services.lifeline import command_line, end_with_parent, report_ready

POLL_SECONDS = 0.01

MAIL_KINDS = {
    "OUT_OF_STOCK": "ORDER_REJECTED",
    "PAYMENT_DECLINED": "PAYMENT_FAILED",
    "COUNTRY_NOT_SERVED": "ORDER_REJECTED",
}
MAIL_TEXTS = {
    "OUT_OF_STOCK": "Your order {order_id} was rejected: the item is out of stock.",
    "PAYMENT_DECLINED": "Your order {order_id} was rejected: the payment was declined. Nothing was charged.",
    "COUNTRY_NOT_SERVED": "Your order {order_id} was rejected: we do not deliver to your country. You are refunded.",
}
CONFIRMATION_TEXT = "Your order {order_id} is on its way. Tracking number: {tracking_number}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One outbox row: what happened, to which order, and when."""

    outbox_id: int
    topic: str
    order_id: str
    payload: dict[str, str | int]
    correlation_id: str
    created_at: datetime


def delay_of(outbox_id: int, shortest: float, longest: float) -> timedelta:
    """How long a task waits: spread between the bounds, and the same whenever the same row is asked about."""
    return timedelta(seconds=random.Random(outbox_id).uniform(shortest, longest))  # noqa: S311 - no secret depends on it


def is_due(task: Task, now: datetime, shortest: float, longest: float) -> bool:
    """Whether a task has waited long enough."""
    return now >= task.created_at + delay_of(task.outbox_id, shortest, longest)


def record_movement(database: sqlite3.Connection, task: Task) -> None:
    """Write the stock movement of a reservation or a release."""
    database.execute(
        "INSERT INTO stock_movements (sku, order_id, reservation_id, kind, quantity_delta, balance_after,"
        " correlation_id, outbox_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            task.payload["sku"],
            task.order_id,
            task.payload["reservationId"],
            task.payload["kind"],
            task.payload["quantityDelta"],
            task.payload["balanceAfter"],
            task.correlation_id,
            task.outbox_id,
            timestamp_now(),
        ),
    )


def post_to_ledger(database: sqlite3.Connection, task: Task) -> None:
    """Book a charge (cash against sales) or a refund (the other way round), debit and credit alike."""
    debit, credit = ("CASH", "SALES") if task.payload["kind"] == "PAYMENT" else ("SALES", "CASH")
    post_entry(database, task, debit, "DEBIT")
    post_entry(database, task, credit, "CREDIT")


def post_entry(database: sqlite3.Connection, task: Task, account: str, side: str) -> None:
    """Write one side of a booking."""
    database.execute(
        "INSERT INTO ledger_entries (order_id, payment_id, kind, account, side, amount_cents, currency,"
        " correlation_id, outbox_id, posted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            task.order_id,
            task.payload["paymentId"],
            task.payload["kind"],
            account,
            side,
            task.payload["amountCents"],
            task.payload["currency"],
            task.correlation_id,
            task.outbox_id,
            timestamp_now(),
        ),
    )


def print_label(database: sqlite3.Connection, task: Task) -> None:
    """Mark the label of a shipment as printed; the order can be confirmed then."""
    database.execute(
        "UPDATE shipments SET status = 'LABEL_PRINTED', label_printed_at = ? WHERE shipment_id = ?",
        (timestamp_now(), task.payload["shipmentId"]),
    )
    announce(database, "label.printed", task.order_id, task.correlation_id, task.payload)


def confirm_order(database: sqlite3.Connection, task: Task) -> None:
    """Close an order as confirmed; the customer can be told then."""
    database.execute(
        "UPDATE orders SET status = 'CONFIRMED', updated_at = ? WHERE order_id = ?", (timestamp_now(), task.order_id)
    )
    announce(database, "order.confirmed", task.order_id, task.correlation_id, task.payload)


def send_confirmation(database: sqlite3.Connection, task: Task) -> None:
    """Send the mail that an order is on its way."""
    shipment = database.execute(
        "SELECT tracking_number FROM shipments WHERE shipment_id = ?", (task.payload["shipmentId"],)
    ).fetchone()
    text = CONFIRMATION_TEXT.format(order_id=task.order_id, tracking_number=shipment["tracking_number"])
    send_mail(database, task, "ORDER_CONFIRMED", text)


def send_rejection(database: sqlite3.Connection, task: Task) -> None:
    """Send the mail that an order is rejected, and why."""
    order = database.execute("SELECT reject_reason FROM orders WHERE order_id = ?", (task.order_id,)).fetchone()
    reason = order["reject_reason"]
    send_mail(database, task, MAIL_KINDS[reason], MAIL_TEXTS[reason].format(order_id=task.order_id))


def send_mail(database: sqlite3.Connection, task: Task, kind: str, body: str) -> None:
    """Send one mail to the recipient of the order."""
    order = database.execute("SELECT recipient FROM orders WHERE order_id = ?", (task.order_id,)).fetchone()
    database.execute(
        "INSERT INTO notifications (order_id, kind, recipient, body, correlation_id, outbox_id, sent_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (task.order_id, kind, order["recipient"], body, task.correlation_id, task.outbox_id, timestamp_now()),
    )


EFFECTS: dict[str, Callable[[sqlite3.Connection, Task], None]] = {
    "stock.moved": record_movement,
    "money.moved": post_to_ledger,
    "shipment.created": print_label,
    "label.printed": confirm_order,
    "order.confirmed": send_confirmation,
    "order.rejected": send_rejection,
}


def pending_tasks(database: sqlite3.Connection) -> list[Task]:
    """All work not done yet, oldest first."""
    rows = database.execute("SELECT * FROM outbox WHERE status = 'PENDING' ORDER BY outbox_id").fetchall()
    return [
        Task(
            outbox_id=row["outbox_id"],
            topic=row["topic"],
            order_id=row["order_id"],
            payload=json.loads(row["payload"]),
            correlation_id=row["correlation_id"],
            created_at=datetime.fromisoformat(row["created_at"]),
        )
        for row in rows
    ]


def perform(database: sqlite3.Connection, task: Task) -> None:
    """Do a task exactly once: its effect and its end are one transaction, and whoever finds it ended does nothing."""
    with write_transaction(database):
        if end_task(database, task, "DONE", None):
            EFFECTS[task.topic](database, task)


def end_task(database: sqlite3.Connection, task: Task, status: str, error: str | None) -> bool:
    """Mark a task as ended; false when it was ended before."""
    ended = database.execute(
        "UPDATE outbox SET status = ?, processed_at = ?, error = ? WHERE outbox_id = ? AND status = 'PENDING'",
        (status, timestamp_now(), error, task.outbox_id),
    )
    return ended.rowcount == 1


def work(database: sqlite3.Connection, shortest: float, longest: float) -> None:
    """Perform what is due, for ever; a task that fails is set aside with its reason, so the others go on."""
    while True:
        for task in pending_tasks(database):
            if not is_due(task, utc_now(), shortest, longest):
                continue
            try:
                perform(database, task)
            except Exception as error:  # noqa: BLE001 - the worker's edge: one broken task must not stop the rest
                print(f"outbox {task.outbox_id} ({task.topic}): {error!r}", file=sys.stderr, flush=True)
                end_task(database, task, "FAILED", repr(error))
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Run the worker process."""
    parser = command_line("The background worker of the demonstration shop.")
    parser.add_argument("--shortest-delay", type=float, default=0.05, help="seconds a task waits at least")
    parser.add_argument("--longest-delay", type=float, default=0.4, help="seconds a task waits at most")
    options = parser.parse_args()
    end_with_parent()
    with closing(open_database(options.database)) as database:
        report_ready(options.ready_file, "working")
        work(database, options.shortest_delay, options.longest_delay)


if __name__ == "__main__":
    main()
