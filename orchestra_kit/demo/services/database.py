"""The shop's database: one SQLite file in WAL mode that all processes share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestra_kit.demo.services.clock import timestamp_now

BUSY_TIMEOUT_SECONDS = 15.0

SCHEMA = """
CREATE TABLE items (
    sku TEXT PRIMARY KEY,
    quantity INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    unit_price_cents INTEGER NOT NULL,
    correlation_id TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE reservations (
    reservation_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    status TEXT NOT NULL,             -- RESERVED, RELEASED
    total_cents INTEGER NOT NULL,
    correlation_id TEXT NOT NULL,
    reserved_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    released_at TEXT
) STRICT;
CREATE TABLE payments (
    payment_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,             -- APPROVED, DECLINED, REFUNDED
    attempt INTEGER NOT NULL,
    decline_reason TEXT,              -- CARD_DECLINED, LIMIT_EXCEEDED
    correlation_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    refunded_at TEXT
) STRICT;
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY,
    status TEXT NOT NULL,             -- FULFILLING, CONFIRMED, REJECTED
    reject_reason TEXT,               -- OUT_OF_STOCK, PAYMENT_DECLINED, COUNTRY_NOT_SERVED
    recipient TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE shipments (
    shipment_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    reservation_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    service TEXT NOT NULL,            -- STANDARD, EXPRESS
    carrier TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    cost_cents INTEGER NOT NULL,
    delivery_days INTEGER NOT NULL,
    status TEXT NOT NULL,             -- CREATED, LABEL_PRINTED
    name TEXT NOT NULL,
    street TEXT NOT NULL,
    city TEXT NOT NULL,
    postal_code TEXT NOT NULL,
    country TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    label_printed_at TEXT
) STRICT;
CREATE TABLE outbox (
    outbox_id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    order_id TEXT NOT NULL,
    payload TEXT NOT NULL,            -- JSON
    correlation_id TEXT NOT NULL,
    status TEXT NOT NULL,             -- PENDING, DONE, FAILED
    created_at TEXT NOT NULL,
    processed_at TEXT,
    error TEXT
) STRICT;
CREATE TABLE stock_movements (
    movement_id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL,
    order_id TEXT NOT NULL,
    reservation_id TEXT NOT NULL,
    kind TEXT NOT NULL,               -- RESERVATION, RELEASE
    quantity_delta INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    correlation_id TEXT NOT NULL,
    outbox_id INTEGER NOT NULL,
    recorded_at TEXT NOT NULL
) STRICT;
CREATE TABLE ledger_entries (
    entry_id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    kind TEXT NOT NULL,               -- PAYMENT, REFUND
    account TEXT NOT NULL,            -- CASH, SALES
    side TEXT NOT NULL,               -- DEBIT, CREDIT
    amount_cents INTEGER NOT NULL,
    currency TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    outbox_id INTEGER NOT NULL,
    posted_at TEXT NOT NULL
) STRICT;
CREATE TABLE notifications (
    notification_id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    kind TEXT NOT NULL,               -- ORDER_CONFIRMED, ORDER_REJECTED, PAYMENT_FAILED
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    outbox_id INTEGER NOT NULL,
    sent_at TEXT NOT NULL
) STRICT;
CREATE TABLE idempotency_keys (
    service TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (service, key)
) STRICT;
CREATE INDEX reservations_by_order ON reservations (order_id);
CREATE INDEX payments_by_order ON payments (order_id);
CREATE INDEX shipments_by_order ON shipments (order_id);
CREATE INDEX notifications_by_order ON notifications (order_id);
CREATE INDEX stock_movements_by_order ON stock_movements (order_id);
CREATE INDEX ledger_entries_by_order ON ledger_entries (order_id);
CREATE INDEX outbox_pending ON outbox (outbox_id) WHERE status = 'PENDING';
"""


def create_database(path: Path) -> None:
    """Make a new, empty shop database; WAL mode is kept in the file, so every later connection has it."""
    database = open_database(path)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(SCHEMA)
    finally:
        database.close()


def open_database(path: Path) -> sqlite3.Connection:
    """A connection that waits for other writers and leaves transactions to its owner; the caller closes it."""
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA synchronous = NORMAL")
    return database


@contextmanager
def write_transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and alone: the write lock is taken first, so what is read inside stays true until the commit."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def announce(
    database: sqlite3.Connection, topic: str, order_id: str, correlation_id: str, payload: Mapping[str, str | int]
) -> None:
    """Leave work for the background worker, inside the transaction of the change that causes it."""
    database.execute(
        "INSERT INTO outbox (topic, order_id, payload, correlation_id, status, created_at)"
        " VALUES (?, ?, ?, ?, 'PENDING', ?)",
        (topic, order_id, json.dumps(payload), correlation_id, timestamp_now()),
    )
