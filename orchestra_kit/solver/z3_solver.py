"""The solver on z3: one request in, values or a proof out, the same each time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import z3

from orchestra_kit.errors import ExpressionError, LimitError
from orchestra_kit.expressions.ast import Binary, Index, Literal, Node, walk
from orchestra_kit.expressions.conditions import Guard, comparisons, read_as
from orchestra_kit.expressions.deciding import holds, value_of
from orchestra_kit.expressions.native import native_scope
from orchestra_kit.expressions.references import references_of
from orchestra_kit.solver.cases import NO, YES, Cases, Formula, are_numbers, both, negated, numbers
from orchestra_kit.solver.encoding import Encoder
from orchestra_kit.solver.kinds import NUMBERS, Kind, KindTable, learn
from orchestra_kit.solver.parts import bound_names, joined, parts_of
from orchestra_kit.solver.reliance import free_symbols
from orchestra_kit.solver.search import OutOfChecks, Pins, ValueSearch, candidates, flat
from orchestra_kit.solver.symbols import SymbolTable, absent_in, read_values
from orchestra_kit.solver.terms import DAY, NotEncoded
from orchestra_kit.spi.solver import Definition, Requirement, SolveOutcome, SolveRequest, Variant, Verdict

MAX_REQUIREMENTS = 500
MAX_NODES = 20_000
MAX_REMEMBERED = 5_000
_RESTRICTION = "#restriction"
_SEED = 7
_RESOURCES = 20_000_000
"""z3's own count of work for one question: unlike a time limit it stops at the same point on every machine."""
_SIZED = frozenset({Kind.DATE, Kind.DATE_TIME, Kind.TIME, Kind.DAYS, Kind.MONTHS})


@dataclass(frozen=True, slots=True)
class _Read:
    """A request with its texts read."""

    request: SolveRequest
    trees: dict[str, Node]
    table: KindTable
    constants: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Limit:
    """One side of a comparison so many steps from the other, and the symbols it is about."""

    requirement: str
    comparison: str
    offset: int
    formula: Formula
    symbols: frozenset[str]


class Z3Solver:
    """A `Solver`. Conditions that share no variable are solved apart, and what was asked before is remembered."""

    def __init__(self) -> None:
        self._known: dict[str, SolveOutcome] = {}

    def solve(self, request: SolveRequest) -> SolveOutcome:
        """Return values, the conflicting conditions, or why neither was found."""
        if len(request.requirements) + len(request.definitions) > MAX_REQUIREMENTS:
            raise LimitError(f"a path has more than {MAX_REQUIREMENTS} conditions; that many are not solved.")
        deadline = time.monotonic() + request.time_limit
        outcomes: list[SolveOutcome] = []
        for part in parts_of(request):
            outcomes.append(self._part(part, deadline))
            if outcomes[-1].verdict is Verdict.UNSATISFIABLE:
                return outcomes[-1]
        return joined(outcomes, request.max_variants)

    def _part(self, request: SolveRequest, deadline: float) -> SolveOutcome:
        key = request.model_dump_json(exclude={"time_limit"})
        if key not in self._known:
            outcome = _solved(request, deadline)
            if outcome.verdict is Verdict.UNKNOWN and time.monotonic() >= deadline:
                return outcome  # with more time it may come to an answer
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = outcome
        return self._known[key]


def _solved(request: SolveRequest, deadline: float) -> SolveOutcome:
    read = _read(request)
    for decimals in (False, True):
        attempt = _Attempt(read, decimals=decimals, deadline=deadline)
        outcome = attempt.run()
        if outcome.verdict is Verdict.SATISFIABLE or not _has_numbers(attempt.symbols):
            break
    return outcome


def _has_numbers(symbols: SymbolTable) -> bool:
    return any(NUMBERS & set(item.kinds) for item in symbols.unknowns.values())


def _read(request: SolveRequest) -> _Read:
    texts: list[Requirement | Definition] = [*request.requirements, *request.definitions]
    trees = {item.id: read_as(item.text, item.dialect) for item in texts}
    further = [read_as(item.text, item.dialect) for item in request.context]
    if sum(1 for tree in (*trees.values(), *further) for _ in walk(tree)) > MAX_NODES:
        raise LimitError(f"the conditions of a path have more than {MAX_NODES} parts; that many are not solved.")
    guards = [trees[item.id] for item in request.requirements]
    table = learn([*guards, *further], [(item.root, trees[item.id]) for item in request.definitions])
    constants = dict.fromkeys(value for tree in (*trees.values(), *further) for value in _constants(tree))
    return _Read(request, trees, table, tuple(constants))


def _constants(tree: Node) -> list[object]:
    """Return the constants of a tree that values are compared with: not the names of properties."""
    named = {id(node.index) for node in walk(tree) if isinstance(node, Index)}
    return [
        node.value
        for node in walk(tree)
        if isinstance(node, Literal) and id(node) not in named and type(node.value) in (int, float, str)
    ]


class _Attempt:
    """One try, with whole numbers alone or with all numbers."""

    def __init__(self, read: _Read, *, decimals: bool, deadline: float) -> None:
        self._read, self._request, self._deadline = read, read.request, deadline
        dialects = {item.dialect for item in read.request.requirements}
        dialects |= {item.dialect for item in read.request.definitions}
        self.symbols = SymbolTable(
            read.table,
            required=frozenset(item.name for item in self._request.symbols if item.required),
            candidates={item.name: item.candidates for item in self._request.symbols},
            decimals=decimals,
            whole_too=any(not item.is_feel for item in dialects),  # FEEL has one kind of number
        )
        self._decimals = decimals
        self._side: list[Formula] = []
        self._left_out: dict[str, str] = {}
        self._formulas: dict[str, Formula] = {}
        self._solver = z3.Solver()
        self._solver.set("random_seed", _SEED)
        self._solver.set("rlimit", _RESOURCES)
        computed = frozenset(item.symbol for item in self._request.definitions)
        self._search = ValueSearch(self._solver, self.symbols, read.constants, computed, deadline)

    def run(self) -> SolveOutcome:
        """Return the outcome of this try."""
        self._encode()
        self._solver.add(*self.symbols.axioms)
        tracked = {key: z3.Bool(f"#{number}") for number, key in enumerate(self._formulas)}
        for key, formula in self._formulas.items():
            self._solver.add(z3.Implies(tracked[key], formula))
        try:
            return self._decide(tracked)
        except OutOfChecks:
            return _unknown("the time or number of tries is over")
        except z3.Z3Exception as error:
            return _unknown(f"the solver gave up: {str(error)[:100]}")

    def _encode(self) -> None:
        for requirement in self._request.requirements:
            encoder = self._encoder(requirement)
            try:
                truth = encoder.truth(self._read.trees[requirement.id], strict=True)
            except NotEncoded as error:
                self._left_out[requirement.id] = error.message
                continue
            feel = requirement.dialect.is_feel
            wanted = truth.true if requirement.holds else negated(truth.true) if feel else truth.false
            self._formulas[requirement.id] = both(wanted, negated(truth.error))
        for definition in self._request.definitions:
            try:
                self._formulas[definition.id] = self._defined(definition)
            except NotEncoded as error:
                self._left_out[definition.id] = error.message
        if self._side:
            self._formulas[_RESTRICTION] = z3.And(*self._side)

    def _encoder(self, item: Requirement | Definition) -> Encoder:
        words = tuple(word for word in self._read.constants if isinstance(word, str))
        return Encoder(item.dialect, self.symbols, self._bind(item), self._side, words[:50])

    def _bind(self, item: Requirement | Definition) -> dict[str, str]:
        return bound_names(item, self._read.trees[item.id])

    def _defined(self, item: Definition) -> Formula:
        """Return that a symbol has the value of its expression, case by case."""
        value = self._encoder(item).cases(self._read.trees[item.id])
        unknown = self.symbols.unknown(item.symbol, (item.root,))
        parts: list[Formula] = []
        for case in value:
            for kind in unknown.kinds:
                same = kind is case.kind or (kind in NUMBERS and case.kind in NUMBERS)
                if same:
                    term = unknown.terms.get(kind)
                    equal = YES if term is None else _same(kind, term, case.kind, case.term)
                    parts.append(both(case.guard, both(unknown.is_kind(kind), equal)))
        return z3.Or(*parts) if parts else NO

    # --- the answer --------------------------------------------------------------------------------------------------

    def _decide(self, tracked: Mapping[str, Formula]) -> SolveOutcome:
        answer = self._search.check(*tracked.values())
        if answer == z3.unsat:
            return self._refuted(tracked)
        required = list(tracked.values())
        if answer == z3.unknown and not self._guessed(required):
            return _unknown("the conditions are too hard for the solver")
        if not self._request.values:
            values, kinds = read_values(self.symbols, self._solver.model())
            return SolveOutcome(verdict=Verdict.SATISFIABLE, values=values, kinds=kinds)
        return self._found(required)

    def _guessed(self, pins: list[Formula]) -> bool:
        """Return whether values tried one after the other help where the solver alone does not come to an answer."""
        for unknown in list(self.symbols.unknowns.values()):
            for kind in unknown.kinds:
                term = unknown.terms.get(kind)
                if term is None:
                    continue
                for value in candidates(unknown, kind, self._read.constants):
                    trial = [unknown.is_kind(kind), term == value]
                    if self._search.check(*pins, *trial) == z3.sat:
                        pins += trial
                        return True
        return False

    def _refuted(self, tracked: Mapping[str, Formula]) -> SolveOutcome:
        """Return the smallest set of conditions that cannot be met together."""
        names = {str(formula): key for key, formula in tracked.items()}
        core = [names[str(item)] for item in self._solver.unsat_core()]
        core = [key for key in tracked if key in core]
        for key in list(core):
            rest = [tracked[item] for item in core if item != key]
            if self._search.check(*rest) == z3.unsat:
                core.remove(key)
        if _RESTRICTION in core:
            return _unknown("texts in capitals or small letters were searched in that form only")
        return SolveOutcome(verdict=Verdict.UNSATISFIABLE, core=tuple(core))

    def _found(self, required: list[Formula]) -> SolveOutcome:
        barred: list[Formula] = []
        reason = ""
        for _ in range(6):
            pins = self._search.pins([*required, *barred])
            if self._search.check(*required, *barred, *flat(pins)) != z3.sat:
                break
            model = self._solver.model()
            values, kinds = read_values(self.symbols, model)
            reason = self._disagreement(values, kinds)
            if not reason:
                further = self._request.boundaries
                free = free_symbols(self._request, self._read.trees, values, kinds)
                return SolveOutcome(
                    verdict=Verdict.SATISFIABLE,
                    values=values,
                    kinds=kinds,
                    absent=absent_in(self.symbols, model, besides=free),
                    free=free,
                    variants=tuple(self._variants(required, pins, values)) if further else (),
                )
            if not flat(pins):
                break
            barred.append(z3.Not(z3.And(*flat(pins))))
        return _unknown(reason or "no values could be confirmed")

    def _disagreement(self, values: Mapping[str, Any], kinds: Mapping[str, str]) -> str:
        """Return why values do not do, judged by evaluating every condition in its own language; "" when they do."""
        for item in self._request.requirements:
            guard = Guard(text=item.text, dialect=item.dialect, tree=self._read.trees[item.id])
            try:
                agreed = holds(guard, native_scope(values, kinds, self._bind(item))) is item.holds
            except ExpressionError as error:
                return f"`{item.text}`: {self._left_out.get(item.id, error.message)}"
            if not agreed:
                return f"`{item.text}`: {self._left_out.get(item.id, 'values found do not stand the test')}"
        for definition in self._request.definitions:
            guard = Guard(text=definition.text, dialect=definition.dialect, tree=self._read.trees[definition.id])
            try:
                value = value_of(guard, native_scope(values, kinds, self._bind(definition)))
            except ExpressionError as error:
                return f"`{definition.text}`: {error.message}"
            if not _alike(
                value, native_scope(values, kinds, {definition.root: definition.symbol}).get(definition.root)
            ):
                return f"`{definition.text}` has another value"
        return ""

    # --- boundaries --------------------------------------------------------------------------------------------------

    def _variants(self, required: list[Formula], pins: Pins, base: Mapping[str, Any]) -> list[Variant]:
        """Return values around each comparison by size, as far as they stay on the path; none twice."""
        seen = {_digest(base)}
        found: list[Variant] = []
        try:
            for limit in self._limits():
                if len(found) >= self._request.max_variants:
                    break
                wanted = [*required, limit.formula]
                if self._search.check(*wanted) != z3.sat:
                    continue
                chosen = self._search.pins(wanted, pins, limit.symbols)
                if self._search.check(*wanted, *flat(chosen)) != z3.sat:
                    continue
                values, own_kinds = read_values(self.symbols, self._solver.model())
                digest = _digest(values)
                if digest not in seen and not self._disagreement(values, own_kinds):
                    seen.add(digest)
                    made = {"requirement": limit.requirement, "comparison": limit.comparison, "offset": limit.offset}
                    found.append(Variant.model_validate({**made, "values": values}))
        except OutOfChecks:
            pass  # what was found so far holds; fewer boundary values are no wrong ones
        return found

    def _limits(self) -> list[_Limit]:
        """Return for each comparison of sizes the formulas "left is right plus offset steps"."""
        result: list[_Limit] = []
        for item in self._request.requirements:
            if item.id in self._left_out:
                continue
            for node in comparisons(self._read.trees[item.id]):
                try:
                    encoder = self._encoder(item)
                    left, right = encoder.cases(node.left), encoder.cases(node.right)
                except NotEncoded:
                    continue
                text = item.text[node.span.start : node.span.end]
                bind = self._bind(item)
                symbols = frozenset(bind[reference.root] for reference in references_of(node))
                for offset in (-1, 0, 1):
                    formula = _apart(left, right, offset, _step(node, self._decimals))
                    if formula is not None:
                        result.append(_Limit(item.id, text, offset, formula, symbols))
        return result


def _same(kind: Kind, term: Formula, other_kind: Kind, other: Formula) -> Formula:
    if kind is other_kind:
        return term == other
    return term == z3.ToReal(other) if kind is Kind.DECIMAL else z3.ToReal(term) == other


def _apart(left: Cases, right: Cases, offset: int, step: Decimal) -> Formula | None:
    """Return that two sizes differ by so many steps; None when they are no sizes."""
    parts: list[Formula] = []
    for first in left:
        for second in right:
            guard = both(first.guard, second.guard)
            if are_numbers(first, second):
                one, two, kind = numbers(first, second)
                width: Formula = z3.RealVal(str(step * offset)) if kind is Kind.DECIMAL else offset
                parts.append(both(guard, one == two + width))
            elif first.kind is second.kind and first.kind in _SIZED:
                width = offset * (DAY if first.kind is Kind.DAYS else 1)
                parts.append(both(guard, first.term == second.term + width))
    return z3.Or(*parts) if parts else None


def _step(node: Binary, decimals: bool) -> Decimal:
    """Return the smallest step that the constants of a comparison are written in."""
    exponents = [
        Decimal(repr(item.value)).normalize().as_tuple().exponent
        for item in walk(node)
        if isinstance(item, Literal) and isinstance(item.value, float)
    ]
    places = min([0, *(int(exponent) for exponent in exponents)])
    return Decimal(1).scaleb(places) if decimals else Decimal(1)


def _alike(left: Any, right: Any) -> bool:
    if isinstance(left, (int, float, Decimal)) and isinstance(right, (int, float, Decimal)):
        return isinstance(left, bool) is isinstance(right, bool) and abs(
            Decimal(str(left)) - Decimal(str(right))
        ) < Decimal("1e-9")
    return bool(left == right)


def _digest(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, default=str)


def _unknown(reason: str) -> SolveOutcome:
    return SolveOutcome(verdict=Verdict.UNKNOWN, reason=reason)
