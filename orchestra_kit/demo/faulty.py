"""Run one process of the shop with a fault: `python -m orchestra_kit.demo.faulty SERVICE --fault NAME ...`.

The services stay as they are; a fault replaces one function, or the answer of one operation, in its own process.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import Any
from uuid import uuid4

from orchestra_kit.demo.faults import check_fault
from orchestra_kit.demo.services import fulfilment, idempotency, inventory, payments, web, worker
from orchestra_kit.demo.services.clock import timestamp_now
from orchestra_kit.demo.services.database import announce
from orchestra_kit.demo.services.messages import Message
from orchestra_kit.demo.services.problems import Problem
from orchestra_kit.demo.services.server import serve
from orchestra_kit.demo.services.web import Answer, Call, Handler, Operation
from orchestra_kit.errors import DefinitionError

SERVICES = {"inventory": inventory, "payments": payments, "fulfilment": fulfilment}
LATE_SECONDS = 8.0
SLOW_SECONDS = 2.5


def substitute(module: ModuleType, name: str, value: object) -> None:
    """Put something else in the place of a module's function; it must be there, or the fault would be none."""
    if not hasattr(module, name):
        raise AttributeError(f"{module.__name__} has no {name} to replace")
    setattr(module, name, value)


def substitute_binding(
    module: ModuleType, method: str, path: str, change: Callable[[Operation], Callable[[bytes], Handler]]
) -> None:
    """Give one operation another way from the raw body to its handler."""
    operations: tuple[Operation, ...] = module.OPERATIONS
    if (method, path) not in {(item.method, item.path) for item in operations}:
        raise AttributeError(f"{module.__name__} has no operation {method} {path} to replace")
    changed = (
        replace(item, bind=change(item)) if (item.method, item.path) == (method, path) else item for item in operations
    )
    substitute(module, "OPERATIONS", tuple(changed))


def substitute_answer(module: ModuleType, method: str, path: str, change: Callable[[Call, Answer], Answer]) -> None:
    """Give one operation another answer than the one it means to give."""

    def changed(operation: Operation) -> Callable[[bytes], Handler]:
        def bind(raw: bytes) -> Handler:
            handler = operation.bind(raw)
            return lambda call: change(call, handler(call))

        return bind

    substitute_binding(module, method, path, changed)


class Forged(Message):
    """A body that says something else than its service means."""

    text: str

    def to_json(self) -> str:
        """The body as sent."""
        return self.text


def forge(body: Message, **fields: Any) -> Forged:
    """The body with some fields replaced, whatever its model says."""
    return Forged(text=json.dumps(json.loads(body.to_json()) | fields))


def do_nothing(*_: object) -> None:
    """What stands in the place of a step that is left out."""


# Answers --------------------------------------------------------------------------------------------------------------


def wrong_status() -> None:
    """200 where a resource was created."""
    substitute_answer(inventory, "POST", "/reservations", lambda _, answer: Answer(200, answer.body))


def schema_breach() -> None:
    """A number sent as text."""

    def change(_: Call, answer: Answer) -> Answer:
        left = json.loads(answer.body.to_json())["attemptsLeft"]
        return Answer(answer.status, forge(answer.body, attemptsLeft=str(left)))

    substitute_answer(payments, "POST", "/payments", change)


def missing_header() -> None:
    """Answers without a correlation id."""
    respond = web._response

    def without(*given: Any) -> Any:
        response = respond(*given)
        del response.headers[web.CORRELATION_HEADER]
        return response

    substitute(web, "_response", without)


def error_once() -> None:
    """500 for the first quote of every order."""
    asked: set[str] = set()

    def change(_: Call, answer: Answer) -> Answer:
        order_id = json.loads(answer.body.to_json())["orderId"]
        if order_id not in asked:
            asked.add(order_id)
            raise Problem(500, "INTERNAL_ERROR", "The service failed: ConnectionResetError.")
        return answer

    substitute_answer(fulfilment, "POST", "/delivery-quotes", change)


def slow() -> None:
    """A wait before the database is touched, so that only this operation is slow."""

    def changed(operation: Operation) -> Callable[[bytes], Handler]:
        def bind(raw: bytes) -> Handler:
            time.sleep(SLOW_SECONDS)
            return operation.bind(raw)

        return bind

    substitute_binding(payments, "POST", "/payments", changed)


def stale_read() -> None:
    """The first answer about a payment, again and again."""
    seen: dict[str, Answer] = {}
    substitute_answer(
        payments, "GET", "/payments/{paymentId}", lambda call, answer: seen.setdefault(call.path["paymentId"], answer)
    )


# Rules ----------------------------------------------------------------------------------------------------------------


def wrong_total() -> None:
    """A price calculated wrongly."""
    substitute(inventory, "total_price", lambda quantity, unit_price_cents: quantity * unit_price_cents - 1)


def wrong_branch() -> None:
    """Less than instead of at most."""
    substitute(inventory, "is_in_stock", lambda requested, available: requested < available)


def lost_update() -> None:
    """What is held is set, not added to."""

    def overwrite(database: sqlite3.Connection, sku: str, difference: int) -> None:
        database.execute(
            "UPDATE items SET reserved = CASE WHEN :difference > 0 THEN :difference"
            " ELSE MAX(0, reserved + :difference) END WHERE sku = :sku",
            {"difference": difference, "sku": sku},
        )

    substitute(inventory, "change_reserved", overwrite)


def double_charge() -> None:
    """No look at earlier payments."""
    substitute(payments, "require_unpaid", do_nothing)


def forgotten_key() -> None:
    """Answers are kept, and none is ever found."""
    store_answer = idempotency.store_answer

    def store_first(
        database: sqlite3.Connection, identity: idempotency.CommandIdentity, answer: idempotency.StoredAnswer
    ) -> None:
        with suppress(sqlite3.IntegrityError):  # the key is there already
            store_answer(database, identity, answer)

    substitute(web, "find_stored_answer", do_nothing)
    substitute(web, "store_answer", store_first)


def lost_correlation() -> None:
    """Work is announced under an id nobody knows."""

    def announce_as_own(
        database: sqlite3.Connection, topic: str, order_id: str, _: str, payload: dict[str, str | int]
    ) -> None:
        announce(database, topic, order_id, str(uuid4()), payload)

    substitute(fulfilment, "announce", announce_as_own)


# Side effects ---------------------------------------------------------------------------------------------------------


def missing_row() -> None:
    """The work is taken for done and nothing is written."""
    worker.EFFECTS["stock.moved"] = do_nothing


def late_row() -> None:
    """The work waits much longer than it should."""
    is_due = worker.is_due

    def is_due_late(task: worker.Task, now: datetime, shortest: float, longest: float) -> bool:
        late = LATE_SECONDS if task.topic == "money.moved" else 0.0
        return is_due(task, now, shortest + late, longest + late)

    substitute(worker, "is_due", is_due_late)


def duplicate_row() -> None:
    """Each mail once more."""
    send_mail = worker.send_mail

    def send_twice(database: sqlite3.Connection, task: worker.Task, kind: str, body: str) -> None:
        send_mail(database, task, kind, body)
        send_mail(database, task, kind, body)

    substitute(worker, "send_mail", send_twice)


def swallowed_error() -> None:
    """An error that nobody hears of, and a task that counts as done."""

    def confirm_nothing(database: sqlite3.Connection, task: worker.Task) -> None:
        with suppress(sqlite3.OperationalError):  # there is no column `state`
            database.execute(
                "UPDATE orders SET state = 'CONFIRMED', updated_at = ? WHERE order_id = ?",
                (timestamp_now(), task.order_id),
            )

    worker.EFFECTS["label.printed"] = confirm_nothing


def unbalanced_ledger() -> None:
    """Debit and credit of different amounts."""
    post_entry = worker.post_entry

    def post_less_credit(database: sqlite3.Connection, task: worker.Task, account: str, side: str) -> None:
        less = int(task.payload["amountCents"]) - (1 if side == "CREDIT" else 0)
        post_entry(database, replace(task, payload=task.payload | {"amountCents": less}), account, side)

    substitute(worker, "post_entry", post_less_credit)


def wrong_mail() -> None:
    """The text of another reason."""
    worker.MAIL_TEXTS["COUNTRY_NOT_SERVED"] = worker.MAIL_TEXTS["OUT_OF_STOCK"]


BREAK: dict[str, Callable[[], None]] = {
    "wrong-status": wrong_status,
    "wrong-total": wrong_total,
    "missing-row": missing_row,
    "late-row": late_row,
    "duplicate-row": duplicate_row,
    "schema-breach": schema_breach,
    "lost-update": lost_update,
    "wrong-branch": wrong_branch,
    "error-once": error_once,
    "slow": slow,
    "stale-read": stale_read,
    "swallowed-error": swallowed_error,
    "lost-correlation": lost_correlation,
    "double-charge": double_charge,
    "unbalanced-ledger": unbalanced_ledger,
    "forgotten-key": forgotten_key,
    "missing-header": missing_header,
    "wrong-mail": wrong_mail,
}


def main() -> None:
    """Break one service and run it; its other options are those of the service."""
    match sys.argv[1:]:
        case [service, "--fault", name, *options] if service in SERVICES or service == "worker":
            pass
        case _:
            raise SystemExit(f"usage: python -m orchestra_kit.demo.faulty {'|'.join(SERVICES)}|worker --fault NAME ...")
    try:
        check_fault(name)
    except DefinitionError as error:
        raise SystemExit(str(error)) from None
    BREAK[name]()
    sys.argv = [sys.argv[0], *options]
    if service == "worker":
        worker.main()
    else:
        serve(service, SERVICES[service].OPERATIONS)


if __name__ == "__main__":
    main()
