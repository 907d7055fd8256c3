"""The faults the shop can be given, each with the step and the violation by which the suite has to find it.

The suite and its `orchestra.yaml` are older than every fault: nothing in them was made for one. `error-once` alone leaves
the run passed (exit code 0): the step that declares a retry is FLAKY, and reports say so.
"""

from __future__ import annotations

from orchestra_kit.errors import UnknownNameError
from orchestra_kit.model import StepStatus, ViolationType
from orchestra_kit.model.base import Value

_STANDARD = "in-stock-yes--payment-approved-yes--country-served-yes--express-wanted-standard"
_ABROAD = "in-stock-yes--payment-approved-yes--country-served-no"
_OUT_OF_STOCK = "in-stock-no"


class Fault(Value):
    """One way for the shop to be wrong. In `scenario`, the first violation of all is at `step`, of type `violation`
    and with `code`, and leaves the step in `status`; `service` is the process that is faulty."""

    name: str
    description: str
    service: str
    scenario: str = _STANDARD
    step: str
    violation: ViolationType
    code: str
    status: StepStatus = StepStatus.FAILED


def check_fault(name: str) -> Fault:
    """Return the fault of this name; raise UnknownNameError with the nearest one."""
    if name not in FAULTS:
        raise UnknownNameError("fault", name, FAULTS)
    return FAULTS[name]


_TABLE = (
    Fault(
        name="wrong-status",
        description="A new reservation is answered with 200 instead of 201.",
        service="inventory",
        step="reserve",
        violation=ViolationType.HTTP_ERROR,
        code="STATUS_UNEXPECTED",
    ),
    Fault(
        name="wrong-total",
        description="The total of a reservation is one cent too low.",
        service="inventory",
        step="reserve",
        violation=ViolationType.BUSINESS_RULE_VIOLATION,
        code="RULE_FALSE",
    ),
    Fault(
        name="missing-row",
        description="The worker writes no stock movements.",
        service="worker",
        step="reservation_movement",
        violation=ViolationType.DB_ASSERTION_FAILED,
        code="ROW_MISSING",
    ),
    Fault(
        name="late-row",
        description="The ledger entries are posted eight seconds late.",
        service="worker",
        step="payment_postings",
        violation=ViolationType.DB_ASSERTION_FAILED,
        code="ROW_MISSING",
    ),
    Fault(
        name="duplicate-row",
        description="Every mail is sent twice.",
        service="worker",
        step="confirmation_mail",
        violation=ViolationType.DB_ASSERTION_FAILED,
        code="ROW_UNEXPECTED",
    ),
    Fault(
        name="schema-breach",
        description="A new payment tells the attempts left as a text.",
        service="payments",
        step="pay",
        violation=ViolationType.CONTRACT_VIOLATION,
        code="RESPONSE_SCHEMA",
    ),
    Fault(
        name="lost-update",
        description="A second reservation of an item overwrites what the first one holds.",
        service="inventory",
        scenario=_OUT_OF_STOCK,
        step="reserve_none_left",
        violation=ViolationType.HTTP_ERROR,
        code="STATUS_UNEXPECTED",
    ),
    Fault(
        name="wrong-branch",
        description="The last pieces of an item count as out of stock, so the order takes the wrong branch.",
        service="inventory",
        step="check_stock",
        violation=ViolationType.BUSINESS_RULE_VIOLATION,
        code="RULE_FALSE",
    ),
    Fault(
        name="error-once",
        description="The first quote of every order fails with 500, the next one is fine.",
        service="fulfilment",
        step="quote",
        violation=ViolationType.HTTP_ERROR,
        code="STATUS_UNEXPECTED",
        status=StepStatus.FLAKY,
    ),
    Fault(
        name="slow",
        description="A charge takes two and a half seconds.",
        service="payments",
        step="pay",
        violation=ViolationType.TIMEOUT,
        code="TOO_SLOW",
    ),
    Fault(
        name="stale-read",
        description="A payment is for ever shown as it was when it was read first.",
        service="payments",
        scenario=_ABROAD,
        step="refunded_payment",
        violation=ViolationType.BUSINESS_RULE_VIOLATION,
        code="RULE_FALSE",
    ),
    Fault(
        name="swallowed-error",
        description="The worker fails to confirm orders, says nothing, and takes the work for done.",
        service="worker",
        step="order_confirmed",
        violation=ViolationType.BUSINESS_RULE_VIOLATION,
        code="RULE_FALSE",
    ),
    Fault(
        name="lost-correlation",
        description="Fulfilment gives its work to the worker under a correlation id of its own.",
        service="fulfilment",
        step="confirmation_mail",
        violation=ViolationType.DB_ASSERTION_FAILED,
        code="ROW_DIFFERS",
    ),
    Fault(
        name="double-charge",
        description="A paid order can be charged again.",
        service="payments",
        step="pay_twice",
        violation=ViolationType.HTTP_ERROR,
        code="STATUS_UNEXPECTED",
    ),
    Fault(
        name="unbalanced-ledger",
        description="The credit side of every booking is one cent too low.",
        service="worker",
        step="payment_postings",
        violation=ViolationType.DB_ASSERTION_FAILED,
        code="ROW_DIFFERS",
    ),
    Fault(
        name="forgotten-key",
        description="The inventory forgets its Idempotency-Keys: a repeated request acts twice.",
        service="inventory",
        step="reserve_again",
        violation=ViolationType.HTTP_ERROR,
        code="STATUS_UNEXPECTED",
    ),
    Fault(
        name="missing-header",
        description="The inventory leaves the X-Correlation-Id out of its answers.",
        service="inventory",
        step="stock_item",
        violation=ViolationType.CONTRACT_VIOLATION,
        code="HEADER_MISSING",
    ),
    Fault(
        name="wrong-mail",
        description="Customers abroad are told that the item is out of stock.",
        service="worker",
        scenario=_ABROAD,
        step="undeliverable_mail",
        violation=ViolationType.DB_ASSERTION_FAILED,
        code="ROW_DIFFERS",
    ),
)

FAULTS = {fault.name: fault for fault in _TABLE}
