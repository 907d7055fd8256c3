"""The unknowns of a request: one set of cases for each variable and property, and the values a model gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Any

import z3

from orchestra_kit.expressions.temporal import Months, duration_text
from orchestra_kit.solver.cases import YES, Case, Cases, Formula, both, negated
from orchestra_kit.solver.kinds import Kind, KindTable, Path
from orchestra_kit.solver.terms import DAY, EPOCH, START

_LOWEST_DAY, _HIGHEST_DAY = -719_162, 2_932_896
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
NATIVE = frozenset({Kind.DATE, Kind.DATE_TIME, Kind.TIME, Kind.DAYS, Kind.MONTHS})
"""Kinds that JSON writes as text."""


@dataclass(slots=True)
class Unknown:
    """One variable or property of a symbol. `choice` picks its kind by place in `kinds`."""

    symbol: str
    path: Path
    kinds: tuple[Kind, ...]
    choice: Formula
    terms: dict[Kind, Formula]
    constants: tuple[object, ...] = ()
    candidates: tuple[object, ...] = ()
    children: list[Unknown] = field(default_factory=list)

    def is_kind(self, kind: Kind) -> Formula:
        """Return the condition under which it has a kind."""
        if len(self.kinds) == 1:
            return YES
        return self.choice == self.kinds.index(kind)

    @property
    def shown(self) -> str:
        """Its name for people and for the answer."""
        return ".".join(str(step) for step in (self.symbol, *self.path[1:]))


class SymbolTable:
    """All unknowns of a request. Whole numbers alone are looked for first; `decimals` lets in the others."""

    def __init__(
        self,
        table: KindTable,
        *,
        required: frozenset[str],
        candidates: Mapping[str, tuple[Any, ...]],
        decimals: bool,
        whole_too: bool,
    ) -> None:
        self._table, self._required, self._candidates = table, required, candidates
        self._numbers = (*((Kind.INT,) if whole_too or not decimals else ()), *((Kind.DECIMAL,) if decimals else ()))
        self.unknowns: dict[tuple[str, Path], Unknown] = {}
        self.axioms: list[Formula] = []

    def cases(self, symbol: str, path: Path, outside: Cases, absent: Kind) -> Cases:
        """Return the value of a symbol's path; `outside` is what a property of null is worth, `absent` what is not there."""
        unknown = self.unknown(symbol, path)
        there = self.there(symbol, path)
        own = [
            Case(both(there, unknown.is_kind(kind)), absent if kind is Kind.ABSENT else kind, unknown.terms.get(kind))
            for kind in unknown.kinds
        ]
        missing = negated(there)
        return (*own, *(Case(both(missing, item.guard), item.kind, item.term) for item in outside))

    def there(self, symbol: str, path: Path) -> Formula:
        """Return the condition under which all that stands before a property is an object."""
        result = YES
        for count in range(1, len(path)):
            result = both(result, self.unknown(symbol, path[:count]).is_kind(Kind.OBJECT))
        return result

    def unknown(self, symbol: str, path: Path) -> Unknown:
        """Return the unknown of a path, made when it is first asked for."""
        key = (symbol, path)
        if key not in self.unknowns:
            self.unknowns[key] = self._new(symbol, path)
            if len(path) > 1:
                self.unknown(symbol, path[:-1]).children.append(self.unknowns[key])
        return self.unknowns[key]

    def _new(self, symbol: str, path: Path) -> Unknown:
        kinds: list[Kind] = []
        for kind in self._table.kinds_of(path):
            kinds += self._numbers if kind is Kind.DECIMAL else (kind,)
        if len(path) > 1 or symbol not in self._required:
            kinds.append(Kind.NULL)
        if path in self._table.absentable:
            kinds.append(Kind.ABSENT)
        name = ".".join(str(step) for step in (symbol, *path[1:]))
        made = Unknown(
            symbol=symbol,
            path=path,
            kinds=tuple(kinds),
            choice=z3.Int(f"{name}#kind"),
            terms={kind: _SORTS[kind](f"{name}#{kind.value}") for kind in kinds if kind in _SORTS},
            constants=self._table.constants_of(path),
            candidates=self._candidates.get(symbol, ()) if len(path) == 1 else _inside(self._candidates, symbol, path),
        )
        if len(kinds) > 1:
            self.axioms += [made.choice >= 0, made.choice < len(kinds)]
        for kind, term in made.terms.items():
            self.axioms += _bounds(kind, term)
        return made


def _inside(candidates: Mapping[str, tuple[Any, ...]], symbol: str, path: Path) -> tuple[Any, ...]:
    found: list[Any] = []
    for value in candidates.get(symbol, ()):
        for step in path[1:]:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            found.append(value)
    return tuple(found)


_SORTS: dict[Kind, Callable[[str], Formula]] = {
    Kind.BOOL: z3.Bool,
    Kind.INT: z3.Int,
    Kind.DECIMAL: z3.Real,
    Kind.TEXT: z3.String,
    Kind.DATE: z3.Int,
    Kind.DATE_TIME: z3.Int,
    Kind.TIME: z3.Int,
    Kind.DAYS: z3.Int,
    Kind.MONTHS: z3.Int,
    Kind.DATE_TEXT: z3.Int,
    Kind.DATE_TIME_TEXT: z3.Int,
    Kind.LIST: z3.Int,
}


def _bounds(kind: Kind, term: Formula) -> list[Formula]:
    """Return what every value of a kind keeps to: dates as calendars have them, lists with a size."""
    if kind in (Kind.DATE, Kind.DATE_TEXT):
        return [term >= _LOWEST_DAY, term <= _HIGHEST_DAY]
    if kind in (Kind.DATE_TIME, Kind.DATE_TIME_TEXT):
        return [term >= _LOWEST_DAY * DAY, term <= _HIGHEST_DAY * DAY]
    if kind is Kind.TIME:
        return [term >= 0, term < DAY]
    if kind is Kind.LIST:
        return [term >= 0, term <= 1_000]
    if kind is Kind.DAYS:
        return [term >= -(10**13), term <= 10**13]
    return []


def read_values(table: SymbolTable, model: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a model by symbol, and the kinds of those that JSON writes as text."""
    values: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for unknown in table.unknowns.values():
        if len(unknown.path) == 1:
            found, value = _read(unknown, model, kinds)
            if found:
                values[unknown.symbol] = value
    return values, kinds


def absent_in(table: SymbolTable, model: Any, *, besides: Collection[str] = ()) -> tuple[str, ...]:
    """Return the variables and properties that must not be there in a model, though what they belong to is."""
    gone = [
        item for item in table.unknowns.values() if item.symbol not in besides and kind_in(item, model) is Kind.ABSENT
    ]
    return tuple(
        item.shown
        for item in gone
        if z3.is_true(model.eval(table.there(item.symbol, item.path), model_completion=True))
    )


def _read(unknown: Unknown, model: Any, kinds: dict[str, str]) -> tuple[bool, Any]:
    kind = kind_in(unknown, model)
    if kind is Kind.ABSENT:
        return False, None
    if kind is Kind.OBJECT:
        return True, _read_object(unknown, model, kinds)
    if kind is Kind.NULL:
        return True, None
    if kind in NATIVE:
        kinds[unknown.shown] = kind.value
    return True, json_of(kind, model.eval(unknown.terms[kind], model_completion=True))


def _read_object(unknown: Unknown, model: Any, kinds: dict[str, str]) -> Any:
    numbered = {child.path[-1] for child in unknown.children if isinstance(child.path[-1], int)}
    if numbered and len(numbered) == len(unknown.children):
        items: list[Any] = [None] * (max(numbered) + 1)
        for child in unknown.children:
            items[child.path[-1]] = _read(child, model, kinds)[1]  # type: ignore[index]
        return items
    result: dict[str, Any] = {}
    for child in unknown.children:
        found, value = _read(child, model, kinds)
        if found:
            result[str(child.path[-1])] = value
    return result


def kind_in(unknown: Unknown, model: Any) -> Kind:
    """Return the kind an unknown has in a model."""
    if len(unknown.kinds) == 1:
        return unknown.kinds[0]
    return unknown.kinds[int(model.eval(unknown.choice, model_completion=True).as_long())]


def json_of(kind: Kind, term: Formula) -> Any:
    """Return the value of a term as JSON."""
    if kind is Kind.BOOL:
        return bool(z3.is_true(term))
    if kind is Kind.TEXT:
        return _ESCAPE.sub(lambda match: chr(int(next(filter(None, match.groups())), 16)), term.as_string())
    if kind is Kind.DECIMAL:
        return _json_number(term)
    number = term.as_long()
    if kind in (Kind.DATE, Kind.DATE_TEXT):
        return (EPOCH + timedelta(days=number)).isoformat()
    if kind in (Kind.DATE_TIME, Kind.DATE_TIME_TEXT):
        return (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
    if kind is Kind.TIME:
        return f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"
    if kind is Kind.DAYS:
        return duration_text(timedelta(seconds=number))
    if kind is Kind.MONTHS:
        return duration_text(Months(number))
    return list(range(1, number + 1)) if kind is Kind.LIST else number


def _json_number(term: Formula) -> int | float:
    if z3.is_algebraic_value(term):
        term = term.approx(12)
    fraction = Fraction(term.numerator_as_long(), term.denominator_as_long())
    return int(fraction) if fraction.denominator == 1 and abs(fraction) < 2**53 else float(fraction)
