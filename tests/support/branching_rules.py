"""The conditions of tests/design/conditions/processes, written in Python by hand: what a service would do.

`RULES` holds one function for each conditional flow, over the variables at hand; a missing or null variable is None.
`DOMAINS` are small sets of values for trying everything. `WRITES` are the variables an element asks its surroundings for,
`COMPUTES` those it makes itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

Rule = Callable[[Any], bool]


class Variables:
    """Variables by attribute; None for those that are not there."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        return self._values.get(name)


def some(*values: Any) -> bool:
    return all(value is not None for value in values)


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def length(text: str | None) -> timedelta | None:
    """Read the few ISO durations that the domains and the solver write: days, hours, minutes, seconds."""
    if text is None:
        return None
    sign = -1 if text.startswith("-") else 1
    days, _, clock = text.lstrip("-").removeprefix("P").partition("T")
    total = timedelta(days=int(days.removesuffix("D") or 0))
    number = ""
    for letter in clock:
        if letter.isdigit():
            number += letter
        else:
            total += (
                int(number) * {"H": timedelta(hours=1), "M": timedelta(minutes=1), "S": timedelta(seconds=1)}[letter]
            )
            number = ""
    return sign * total


def must(value: Any) -> Any:
    """Stop as an engine of CEL or a method call on null would."""
    if value is None:
        raise ValueError("null where a value is needed")
    return value


def cut(left: int, right: int) -> int:
    """Divide as CEL does: towards zero."""
    return int(left / right)


NEW_YEAR = date(2026, 1, 1)

RULES: dict[str, dict[str, Rule]] = {
    "feel-order-limit": {
        "high": lambda v: some(v.amount) and v.amount > 100,
        "small": lambda v: some(v.amount) and v.amount < 50,
    },
    "juel-credit": {
        "good": lambda v: some(v.amount, v.score) and v.amount > 1000 and v.score >= 600,
        "bad": lambda v: some(v.amount, v.score) and v.amount > 1000 and v.score < 600,
        "cheap": lambda v: some(v.amount) and v.amount <= 1000,
    },
    "cel-shipping": {
        "bulky": lambda v: must(v.weight) * 2 > 50 and v.country == "DE",
        "abroad": lambda v: must(v.weight) * 2 > 50,
        "heavy": lambda v: must(v.weight) > 25,
    },
    "feel-ages": {
        "child": lambda v: some(v.age) and 0 <= v.age <= 17,
        "adult": lambda v: some(v.age) and 18 <= v.age <= 65,
        "senior": lambda v: some(v.age) and 65 < v.age < 120,
    },
    "feel-countries": {
        "dach": lambda v: v.country in ("DE", "AT", "CH"),
        "south": lambda v: v.country in ("FR", "IT"),
        "swiss": lambda v: v.country == "CH",
    },
    "feel-coupon": {
        "none": lambda v: v.coupon is None,
        "strong": lambda v: v.coupon is not None and some(v.discount) and v.discount > 10,
    },
    "feel-three-valued": {
        "more": lambda v: some(v.amount) and v.amount > 5,
        "less": lambda v: some(v.amount) and v.amount <= 5,
    },
    "feel-negation": {
        "no": lambda v: some(v.amount) and not v.amount > 5,
        "big": lambda v: some(v.amount) and v.amount > 5,
    },
    "feel-dates": {
        "past": lambda v: some(v.due) and day(v.due) < NEW_YEAR,
        "soon": lambda v: some(v.due) and day(v.due) <= date(2026, 6, 30),
        "spring": lambda v: some(v.due) and date(2026, 3, 31) < day(v.due) < date(2026, 7, 15),
    },
    "feel-date-texts": {
        "march": lambda v: some(v.due) and day(v.due) >= date(2026, 2, 28),
        "january": lambda v: some(v.due) and day(v.due) < date(2026, 2, 1),
    },
    "feel-times": {
        "open": lambda v: some(v.at) and moment(v.at) >= datetime(2026, 5, 1, 8, tzinfo=UTC),
        "closed": lambda v: some(v.at) and moment(v.at) > datetime(2026, 5, 1, 18, tzinfo=UTC),
    },
    "feel-durations": {
        "days": lambda v: some(v.wait) and length(v.wait) > timedelta(days=2),
        "hours": lambda v: some(v.wait) and length(v.wait) > timedelta(hours=1),
    },
    "feel-date-arithmetic": {
        "far": lambda v: some(v.due) and day(v.due) - NEW_YEAR > timedelta(days=30),
        "last_day": lambda v: some(v.due) and day(v.due) == NEW_YEAR + timedelta(days=30),
    },
    "feel-texts": {
        "article": lambda v: some(v.code) and v.code.startswith("A-") and len(v.code) == 5,
        "marked": lambda v: some(v.code) and "X" in v.code,
        "stop": lambda v: some(v.code) and v.code.upper() == "STOP",
    },
    "juel-texts": {
        "long": lambda v: must(v.code).startswith("A") and len(v.code) > 3,
        "stop": lambda v: must(v.code) == "stop",
        "empty": lambda v: v.code == "",
    },
    "juel-empty": {
        "nobody": lambda v: v.customer in (None, ""),
        "gold": lambda v: v.customer == "gold",
        "known": lambda v: v.customer is not None,
    },
    "juel-numbers": {
        "thirds": lambda v: (v.quantity or 0) % 3 == 0,
        "half": lambda v: (v.quantity or 0) / 2 > 10,
        "vip": lambda v: some(v.quantity) and (5 if v.vip else 10) < v.quantity,
    },
    "juel-properties": {
        "big": lambda v: _of(v.order, "total", 0) > 100 and _of(v.order, "country") == "DE",
        "middle": lambda v: _of(v.order, "total", 0) > 50,
        "abroad": lambda v: _of(v.order, "country") != "DE",
    },
    "cel-texts": {
        "q": lambda v: must(v.name).startswith("Q") and len(v.name) > 2,
        "listed": lambda v: must(v.name) in ("x", "y"),
    },
    "cel-division": {
        "three": lambda v: cut(must(v.n), 2) == 3,
        "odd": lambda v: must(v.n) - 2 * cut(v.n, 2) == 1,
    },
    "feel-if": {
        "enough": lambda v: some(v.amount) and (v.amount > 10 if v.vip is True else v.amount > 100),
        "plain": lambda v: v.vip is False and some(v.amount) and v.amount > 50,
    },
    "feel-cycle": {
        "a_more": lambda v: some(v.a, v.b) and v.a > v.b,
        "b_more": lambda v: some(v.b, v.c) and v.b > v.c,
        "c_more": lambda v: some(v.c, v.a) and v.c > v.a,
    },
    "juel-sums": {
        "ten": lambda v: (v.a or 0) + (v.b or 0) == 10,
        "four": lambda v: (v.a or 0) - (v.b or 0) == 4,
        "odd": lambda v: (v.a or 0) * 2 == 15,
    },
    "feel-decimals": {
        "middle": lambda v: some(v.rate) and 0.5 < v.rate < 0.75,
        "exact": lambda v: some(v.rate) and v.rate == 0.6,
    },
    "juel-approval": {
        "yes": lambda v: bool(v.approved),
        "again": lambda v: not v.approved and some(v.retries) and v.retries < 3,
    },
    "feel-counter": {"again": lambda v: v.attempts < 2},
    "feel-stock": {
        "there": lambda v: some(v.stock, v.quantity) and v.stock >= v.quantity,
        "many": lambda v: some(v.quantity) and v.quantity > 10,
    },
    "feel-inclusive": {
        "gift": lambda v: v.wantsGift is True,
        "rich": lambda v: some(v.amount) and v.amount > 100,
        "huge": lambda v: some(v.amount) and v.amount > 500,
    },
    "feel-inclusive-conflict": {
        "high": lambda v: some(v.amount) and v.amount > 100,
        "low": lambda v: some(v.amount) and v.amount < 50,
    },
    "feel-shadowed": {
        "any": lambda v: some(v.amount) and v.amount > 10,
        "many": lambda v: some(v.amount) and v.amount > 100,
    },
    "feel-dead": {
        "never": lambda v: some(v.x) and 5 < v.x < 3,
        "some": lambda v: some(v.x) and v.x > 5,
    },
    "juel-parallel": {
        "l_high": lambda v: some(v.amount) and v.amount > 100,
        "r_low": lambda v: some(v.amount) and v.amount < 50,
    },
    "feel-sub-process": {
        "i_gold": lambda v: some(v.price) and v.price > 10,
        "dear": lambda v: some(v.price) and v.price > 20,
    },
    "juel-gross": {
        "high": lambda v: v.gross > 100,
        "net_high": lambda v: some(v.net) and v.net > 50,
    },
    "feel-poll": {"again": lambda v: v.ready is False, "done": lambda v: v.ready is True},
    "feel-task-flows": {
        "urgent": lambda v: some(v.priority) and v.priority > 5,
        "top": lambda v: v.priority == 10,
    },
    "cel-timestamps": {
        "new": lambda v: moment(must(v.at)) > datetime(2026, 1, 1, tzinfo=UTC),
        "older": lambda v: moment(must(v.at)) <= datetime(2025, 6, 1, tzinfo=UTC),
    },
    "mixed-languages": {
        "f_high": lambda v: some(v.amount) and v.amount > 100 and v.status == "open",
        "j_closed": lambda v: v.status == "closed" and some(v.amount) and v.amount > 10,
    },
    "feel-floor": {
        "whole": lambda v: some(v.price) and v.price // 1 == v.price,
        "tiny": lambda v: some(v.price) and abs(v.price) < 1,
    },
    "feel-modulo": {
        "weekly": lambda v: some(v.day) and v.day % 7 == 0,
        "monthly": lambda v: some(v.day) and v.day % 28 == 3,
    },
    "juel-mixed-order": {
        "first": lambda v: not ((some(v.amount) and v.amount > 10) or bool(v.vip)),
        "third": lambda v: some(v.amount) and v.amount >= 10 and not v.vip,
    },
}


def _of(order: Any, name: str, without: Any = None) -> Any:
    found = None if order is None else order.get(name)
    return without if found is None else found


WRITES: dict[str, dict[str, tuple[str, ...]]] = {
    "juel-approval": {"u1": ("approved",)},
    "feel-stock": {"t1": ("stock",)},
    "feel-poll": {"t1": ("ready",)},
}
COMPUTES: dict[str, dict[str, Callable[[Any], dict[str, Any]]]] = {
    "feel-counter": {"r1": lambda v: {"attempts": 0}, "r2": lambda v: {"attempts": v.attempts + 1}},
    "juel-gross": {"t1": lambda v: {"gross": (v.net or 0) * 2}},
}

_AMOUNTS = [None, -1, 0, 5, 6, 9, 10, 11, 49, 50, 51, 99, 100, 101, 500, 501, 1000, 1001]
_DAYS = [
    None,
    "2025-12-31",
    "2026-01-01",
    "2026-01-31",
    "2026-02-01",
    "2026-02-28",
    "2026-04-01",
    "2026-06-30",
    "2026-07-15",
]
_MOMENTS = ["2025-06-01T00:00:00Z", "2025-06-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
_TIMES = [None, "2026-05-01T07:59:59Z", "2026-05-01T08:00:00Z", "2026-05-01T18:00:00Z", "2026-05-01T18:00:01Z"]
_CODES = ["", "A", "A-", "A-123", "A-12X", "X", "stop", "STOP", "StOp", "other", "Abcd"]
_BOOLEANS = [None, True, False]

DOMAINS: dict[str, dict[str, list[Any]]] = {
    "feel-order-limit": {"amount": _AMOUNTS},
    "juel-credit": {"amount": _AMOUNTS, "score": [None, 0, 599, 600, 601]},
    "cel-shipping": {"weight": [0, 24, 25, 26, 50], "country": [None, "DE", "FR"]},
    "feel-ages": {"age": [None, -1, 0, 17, 18, 65, 66, 119, 120, 121]},
    "feel-countries": {"country": [None, "DE", "AT", "CH", "FR", "IT", "US"]},
    "feel-coupon": {"coupon": [None, "a"], "discount": [None, 10, 11]},
    "feel-three-valued": {"amount": _AMOUNTS},
    "feel-negation": {"amount": _AMOUNTS},
    "feel-dates": {"due": _DAYS},
    "feel-date-texts": {"due": _DAYS},
    "feel-times": {"at": _TIMES},
    "feel-durations": {"wait": [None, "PT0S", "PT1H", "PT2H", "P2D", "P3D"]},
    "feel-date-arithmetic": {"due": _DAYS},
    "feel-texts": {"code": [None, *_CODES]},
    "juel-texts": {"code": _CODES},
    "juel-empty": {"customer": [None, "", "gold", "tin"]},
    "juel-numbers": {"quantity": [None, 0, 3, 4, 5, 7, 10, 11, 20, 22, 25], "vip": _BOOLEANS},
    "juel-properties": {
        "order": [None, {"total": None, "country": "DE"}]
        + [{"total": total, "country": country} for total in (0, 50, 51, 100, 101) for country in (None, "DE", "FR")]
    },
    "cel-texts": {"name": ["", "Q", "Qu", "Que", "x", "y", "z"]},
    "cel-division": {"n": [-7, -1, 0, 1, 2, 5, 6, 7, 8]},
    "feel-if": {"vip": _BOOLEANS, "amount": _AMOUNTS},
    "feel-cycle": {"a": [None, 0, 1, 2], "b": [None, 0, 1, 2], "c": [None, 0, 1, 2]},
    "juel-sums": {"a": [None, 0, 3, 7, 7.5, 10], "b": [None, 0, 2.5, 3, 7, 10]},
    "feel-decimals": {"rate": [None, 0, 0.5, 0.51, 0.6, 0.74, 0.75, 1]},
    "juel-approval": {"retries": [None, 1, 3], "u1.approved": [True, False]},
    "feel-counter": {},
    "feel-stock": {"quantity": [None, 1, 10, 11, 12], "t1.stock": [None, 0, 10, 11, 20]},
    "feel-inclusive": {"wantsGift": _BOOLEANS, "amount": _AMOUNTS},
    "feel-inclusive-conflict": {"amount": _AMOUNTS},
    "feel-shadowed": {"amount": _AMOUNTS},
    "feel-dead": {"x": [None, 0, 2, 3, 4, 5, 6]},
    "juel-parallel": {"amount": _AMOUNTS},
    "feel-sub-process": {"price": [None, 0, 10, 11, 20, 21]},
    "juel-gross": {"net": [None, 0, 49, 50, 51, 101]},
    "feel-poll": {"t1.ready": [True, False]},
    "feel-task-flows": {"priority": [None, 0, 5, 6, 10, 11]},
    "cel-timestamps": {"at": _MOMENTS},
    "mixed-languages": {"amount": _AMOUNTS, "status": [None, "open", "closed"]},
    "feel-floor": {"price": [None, -1, -0.25, 0, 0.5, 1, 1.5]},
    "feel-modulo": {"day": [None, *range(-30, 60)]},
    "juel-mixed-order": {"amount": [None, 9, 10, 11], "vip": _BOOLEANS},
}
