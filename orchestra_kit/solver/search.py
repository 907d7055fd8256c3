"""Values that please people, out of all that satisfy: given candidates, limits and their neighbours, small numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import z3

from orchestra_kit.expressions.temporal import parse_date, parse_date_time, parse_duration, parse_time
from orchestra_kit.solver.cases import Formula
from orchestra_kit.solver.kinds import Kind, Path
from orchestra_kit.solver.symbols import SymbolTable, Unknown
from orchestra_kit.solver.terms import DAY, constant, text_constant

_USUAL_NUMBERS = (1, 0, 2, 5, 10, 100, 1000)
_USUAL_TEXTS = ("other", "abc", "a", "")
_PLAIN_DAY = date(2026, 1, 15)
_PLAIN_TIME = datetime(2026, 1, 15, 12, tzinfo=UTC)
_LAST = (Kind.NULL, Kind.ABSENT)
MAX_CHECKS = 4_000

Pins = dict[tuple[str, Path], list[Formula]]
"""What fixes each unknown, in the order chosen."""


class OutOfChecks(Exception):
    """The search has asked the solver as often as it may."""


def flat(pins: Pins) -> list[Formula]:
    """Return all pins in one list."""
    return [formula for formulas in pins.values() for formula in formulas]


class ValueSearch:
    """Pins one unknown after the other to the most pleasing value that still satisfies everything."""

    def __init__(
        self,
        solver: Any,
        symbols: SymbolTable,
        shared: Sequence[object],
        computed: frozenset[str],
        deadline: float,
    ) -> None:
        self._solver, self._symbols, self._shared, self._computed = solver, symbols, shared, computed
        self._deadline = deadline
        self.checks = 0

    def check(self, *assumptions: Formula) -> Any:
        """Return z3's answer under assumptions; raise OutOfChecks when time or tries are over."""
        self.checks += 1
        left = self._deadline - time.monotonic()
        if self.checks > MAX_CHECKS or left <= 0:
            raise OutOfChecks
        self._solver.set("timeout", max(1, int(left * 1000)))
        return self._solver.check(*assumptions)

    def pins(self, extra: Sequence[Formula], before: Pins | None = None, loose: frozenset[str] = frozenset()) -> Pins:
        """Return what fixes every unknown under `extra`, by its symbol and path.

        What was chosen `before` is kept where it can be: tried first for all but the `loose` symbols at once.
        """
        kept: Pins = {}
        if before is not None:
            same = {key: formulas for key, formulas in before.items() if key[0] not in loose}
            if self.check(*extra, *flat(same)) == z3.sat:
                kept = same
        fixed = [*extra, *flat(kept)]
        # What the process computes follows from the rest, and a property from what it belongs to.
        unknowns = sorted(
            self._symbols.unknowns.values(), key=lambda item: (item.symbol in self._computed, len(item.path))
        )
        for unknown in unknowns:
            key = (unknown.symbol, unknown.path)
            if key not in kept:
                chosen = self._again(unknown, fixed, before) or self._pinned(unknown, fixed)
                kept[key] = chosen
                fixed += chosen
        return kept

    def _again(self, unknown: Unknown, fixed: Sequence[Formula], before: Pins | None) -> list[Formula]:
        """Return the pins an unknown had before, when they still do."""
        earlier = (before or {}).get((unknown.symbol, unknown.path), [])
        return earlier if earlier and self.check(*fixed, *earlier) == z3.sat else []

    def _pinned(self, unknown: Unknown, kept: Sequence[Formula]) -> list[Formula]:
        for kind in sorted(unknown.kinds, key=lambda item: item in _LAST):
            is_kind = unknown.is_kind(kind)
            if self.check(*kept, is_kind) != z3.sat:
                continue
            term = unknown.terms.get(kind)
            if term is None:
                return [is_kind]
            for value in candidates(unknown, kind, self._shared):
                if self.check(*kept, is_kind, term == value) == z3.sat:
                    return [is_kind, term == value]
            return [is_kind, *self._small(term, [*kept, is_kind])]
        return []

    def _small(self, term: Formula, kept: list[Formula]) -> list[Formula]:
        """Return a pin to a value of small size, halving the room there is."""
        if z3.is_string(term):
            return self._model_pin(term, [*kept, *self._shortest(term, kept)])
        low, high = 0, 10
        while high < 10**12 and self.check(*kept, term <= high, term >= -high) != z3.sat:
            low, high = high, high * 10
        whole = [z3.IsInt(term)] if z3.is_real(term) else []
        if whole and self.check(*kept, *whole) == z3.sat:
            kept = [*kept, *whole]
        for _ in range(40):
            middle = (low + high) // 2
            if middle == high:
                break
            if self.check(*kept, term <= middle, term >= -middle) == z3.sat:
                high = middle
            else:
                low = middle + 1
        return self._model_pin(term, [*kept, term <= high, term >= -high])

    def _shortest(self, text: Formula, kept: Sequence[Formula]) -> list[Formula]:
        for length in (1, 2, 4, 8, 16, 32, 64):
            plain = z3.InRe(text, z3.Star(z3.Union(z3.Range("a", "z"), z3.Range("A", "Z"), z3.Range("0", "9"))))
            for extra in ([z3.Length(text) <= length, plain], [z3.Length(text) <= length]):
                if self.check(*kept, *extra) == z3.sat:
                    return extra
        return []

    def _model_pin(self, term: Formula, kept: Sequence[Formula]) -> list[Formula]:
        if self.check(*kept) != z3.sat:
            return []
        return [term == self._solver.model().eval(term, model_completion=True)]


def candidates(unknown: Unknown, kind: Kind, shared: Sequence[object]) -> Iterator[Formula]:
    """Yield values of a kind in the order to be tried: given ones, those compared with and their neighbours, usual ones."""
    for value in unknown.candidates:
        yield from _of_json(kind, value)
    own, others = unknown.constants, [item for item in shared if item not in unknown.constants]
    if kind is Kind.BOOL:
        yield from (z3.BoolVal(True), z3.BoolVal(False))
    elif kind in (Kind.INT, Kind.DECIMAL):
        yield from _numbers([item for item in own if _is_number(item)], kind)
        yield from _numbers(_USUAL_NUMBERS, kind, near=False)
        yield from _numbers([item for item in others if _is_number(item)], kind)
    elif kind is Kind.TEXT:
        for text in (*own, *_USUAL_TEXTS, *others):
            if isinstance(text, str):
                yield text_constant(text)
    else:
        yield from _points([item for item in (*own, *others) if isinstance(item, str)], kind)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numbers(limits: Sequence[Any], kind: Kind, *, near: bool = True) -> Iterator[Formula]:
    """Yield numbers and, when asked, the whole numbers around them."""
    make = z3.IntVal if kind is Kind.INT else lambda value: z3.RealVal(repr(value))
    for limit in limits[:12]:
        whole = int(limit)
        around = (limit, whole, whole + 1, whole - 1) if near else (limit,)
        yield from (make(item) for item in around if kind is Kind.DECIMAL or item == int(item))


def _points(texts: Sequence[str], kind: Kind) -> Iterator[Formula]:
    """Yield dates, times and durations that the guards write, with their neighbours, then a usual one."""
    step = DAY if kind in (Kind.DATE_TIME, Kind.DATE_TIME_TEXT) else 60 if kind is Kind.TIME else 1
    step = DAY if kind is Kind.DAYS else step
    for text in texts[:12]:
        for limit in _of_json(kind, text):
            yield from (limit, limit + step, limit - step)
    usual = {
        Kind.DATE: _PLAIN_DAY,
        Kind.DATE_TEXT: _PLAIN_DAY,
        Kind.DATE_TIME: _PLAIN_TIME,
        Kind.DATE_TIME_TEXT: _PLAIN_TIME,
    }
    if kind in usual:
        yield constant(usual[kind])[0].term
    elif kind is Kind.LIST:
        yield from (z3.IntVal(size) for size in (1, 0, 2, 3))


def _of_json(kind: Kind, value: object) -> Iterator[Formula]:
    """Yield a JSON value as a term of a kind, when it is of that kind."""
    made: object = None
    if kind is Kind.BOOL and isinstance(value, bool):
        made = value
    elif kind is Kind.INT and type(value) is int:
        made = value
    elif kind is Kind.DECIMAL and _is_number(value):
        made = float(value)  # type: ignore[arg-type]
    elif isinstance(value, str):
        readers: dict[Kind, Any] = {
            Kind.TEXT: str,
            Kind.DATE: parse_date,
            Kind.DATE_TEXT: parse_date,
            Kind.DATE_TIME: parse_date_time,
            Kind.DATE_TIME_TEXT: parse_date_time,
            Kind.TIME: parse_time,
            Kind.DAYS: parse_duration,
            Kind.MONTHS: parse_duration,
        }
        made = readers[kind](value) if kind in readers else None
    if made is not None:
        cases = constant(made)
        if cases[0].kind in (kind, _PLAIN.get(kind)):
            yield cases[0].term


_PLAIN = {Kind.DATE_TEXT: Kind.DATE, Kind.DATE_TIME_TEXT: Kind.DATE_TIME}
