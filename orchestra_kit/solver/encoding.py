"""Guards as z3 formulas, each language with its own meaning of null, mixed kinds and errors."""

from __future__ import annotations

from collections.abc import Mapping

import z3

from orchestra_kit.expressions.ast import Binary, Call, Conditional, Index, ListOf, Literal, Name, Node, Select, Unary
from orchestra_kit.expressions.conditions import Dialect
from orchestra_kit.expressions.references import chain_of
from orchestra_kit.expressions.temporal import parse_date, parse_date_time, parse_duration, parse_time
from orchestra_kit.solver.cases import (
    ERROR,
    NO,
    NULL,
    YES,
    Case,
    Cases,
    Formula,
    Truth,
    are_numbers,
    boolean,
    both,
    chosen,
    combined,
    either,
    mapped,
    negated,
    numbers,
    of_truth,
    one,
    truth_of,
)
from orchestra_kit.solver.kinds import NUMBERS, Kind
from orchestra_kit.solver.symbols import SymbolTable
from orchestra_kit.solver.terms import (
    DAY,
    NotEncoded,
    any_case,
    cel_duration,
    compared,
    constant,
    floored_rest,
    letters,
    numeric,
    quotient,
    temporal,
    text_constant,
    text_test,
    truncated,
)

_ORDERED = frozenset({Kind.TEXT, Kind.DATE, Kind.DATE_TIME, Kind.TIME, Kind.DAYS, Kind.MONTHS})
_MAKERS = {"date": parse_date, "dateTime": parse_date_time, "time": parse_time, "duration": parse_duration}


class Encoder:
    """Encodes the trees of one dialect over one table of symbols."""

    def __init__(
        self,
        dialect: Dialect,
        symbols: SymbolTable,
        bind: Mapping[str, str],
        side: list[Formula],
        words: tuple[str, ...] = (),
    ) -> None:
        self._dialect, self._symbols, self._bind, self._words = dialect, symbols, bind, words
        self._side = side  # restrictions of the search: without them nothing is proven
        self._missing = ERROR if dialect is Dialect.CEL else NULL
        self._misfit = NULL if dialect.is_feel else ERROR

    def truth(self, node: Node, *, strict: bool = False) -> Truth:
        """Return when a node is true, false or an error; `strict` takes booleans alone, as the engine does at a flow."""
        true, false, error = NO, NO, NO
        for case in self.cases(node):
            if case.kind is Kind.BOOL:
                true = either(true, both(case.guard, case.term))
                false = either(false, both(case.guard, negated(case.term)))
            elif case.kind is Kind.ERROR:
                error = either(error, case.guard)
            elif self._dialect is Dialect.XPATH and case.kind is Kind.NULL and not strict:
                false = either(false, case.guard)
            elif self._dialect.is_juel and not strict and case.kind in (Kind.NULL, Kind.TEXT):
                says = NO if case.kind is Kind.NULL else z3.InRe(case.term, any_case("true"))
                true = either(true, both(case.guard, says))
                false = either(false, both(case.guard, negated(says)))
            elif not self._dialect.is_feel:
                error = either(error, case.guard)
        return Truth(true, false, error)

    def cases(self, node: Node) -> Cases:
        """Return the value of a node."""
        match node:
            case Literal():
                return constant(node.value)
            case Name() | Select() | Index():
                return self._reached(node)
            case Unary(operator="!"):
                truth = self.truth(node.operand)
                return of_truth(Truth(truth.false, truth.true, truth.error))
            case Unary():
                return mapped(self._as_numbers(self.cases(node.operand)), self._negative)
            case Binary():
                return self._binary(node)
            case Conditional():
                return self._conditional(node)
            case Call():
                return self._call(node)
        raise NotEncoded("lists and maps stand only behind 'in'")

    def _reached(self, node: Node) -> Cases:
        chain = chain_of(node)
        if chain is None:
            raise NotEncoded("an index that is computed is not given to the solver")
        root, path = chain
        return self._symbols.cases(self._bind.get(root, root), (root, *path), self._missing, self._misfit[0].kind)

    def _negative(self, case: Case) -> Cases:
        if case.kind in NUMBERS or (case.kind is Kind.DAYS and self._dialect is not Dialect.JUEL):
            return one(case.kind, -case.term)
        return self._misfit

    def _conditional(self, node: Conditional) -> Cases:
        truth = self.truth(node.condition)
        then, otherwise = self.cases(node.then), self.cases(node.otherwise)
        return chosen(truth.error, ERROR, chosen(truth.true, then, otherwise))

    # --- operators ---------------------------------------------------------------------------------------------------

    def _binary(self, node: Binary) -> Cases:
        if node.operator in ("&&", "||"):
            return self._logic(node)
        if node.operator == "in":
            return self._membership(node)
        left, right = self.cases(node.left), self.cases(node.right)
        if node.operator == "==":
            return combined(left, right, self._equal)
        if node.operator == "!=":
            return mapped(combined(left, right, self._equal), _flipped)
        if node.operator in ("<", "<=", ">", ">="):
            return combined(left, right, lambda one_, two: self._ordered(node.operator, one_, two))
        return combined(
            self._as_numbers(left),
            self._as_numbers(right),
            lambda one_, two: self._arithmetic(node.operator, one_, two),
        )

    def _logic(self, node: Binary) -> Cases:
        left, right = self.truth(node.left), self.truth(node.right)
        if node.operator == "||":  # the same as `and` of the opposites, turned round
            left = Truth(left.false, left.true, left.error)
            right = Truth(right.false, right.true, right.error)
        if self._dialect.is_juel:  # what stands second is not looked at when the first decides
            false = either(left.false, both(left.true, right.false))
            error = either(left.error, both(left.true, right.error))
        elif self._dialect is Dialect.CEL:  # one side that decides makes up for an error of the other
            false = either(left.false, right.false)
            error = both(either(left.error, right.error), negated(false))
        else:
            false, error = either(left.false, right.false), either(left.error, right.error)
        true = both(left.true, right.true)
        if node.operator == "||":
            true, false = false, true
        return of_truth(Truth(true, false, error))

    def _membership(self, node: Binary) -> Cases:
        if not isinstance(node.right, ListOf):
            raise NotEncoded("membership in a list that is a variable is not given to the solver")
        left = self.cases(node.left)
        true, unknown, error = NO, NO, NO
        for item in node.right.items:
            for case in combined(left, self.cases(item), self._equal):
                if case.kind is Kind.BOOL:
                    true = either(true, both(case.guard, case.term))
                elif case.kind is Kind.ERROR:
                    error = either(error, case.guard)
                else:
                    unknown = either(unknown, case.guard)
        error = both(error, negated(true))
        return of_truth(Truth(true, negated(either(true, either(unknown, error))), error))

    def _equal(self, first: Case, second: Case) -> Cases:
        if Kind.NULL in (first.kind, second.kind):
            return boolean(truth_of(first.kind is second.kind))
        if are_numbers(first, second):
            left, right, _ = numbers(first, second)
            return boolean(left == right)
        if first.kind is second.kind:
            return boolean(first.term == second.term)
        if self._dialect.is_feel:
            return NULL
        if self._dialect is Dialect.CEL:
            return boolean(NO)
        return self._coerced_equal(first, second)

    def _coerced_equal(self, first: Case, second: Case) -> Cases:
        """Return EL's equality of different kinds: a boolean meets a text that says true, else it is an error here."""
        if second.kind is Kind.BOOL:
            first, second = second, first
        if first.kind is Kind.BOOL and second.kind is Kind.TEXT:
            return boolean(first.term == z3.InRe(second.term, any_case("true")))
        if {first.kind, second.kind} <= NUMBERS | {Kind.TEXT}:
            raise NotEncoded("a text compared with a number is not given to the solver")
        return ERROR

    def _ordered(self, sign: str, first: Case, second: Case) -> Cases:
        if are_numbers(first, second):
            left, right, _ = numbers(first, second)
            return boolean(compared(sign, left, right))
        if first.kind is second.kind and first.kind in _ORDERED:
            return boolean(compared(sign, first.term, second.term))
        if self._dialect.is_juel and Kind.NULL in (first.kind, second.kind):
            return boolean(truth_of(first.kind is second.kind and sign in ("<=", ">=")))
        if self._dialect.is_juel and {first.kind, second.kind} <= NUMBERS | {Kind.TEXT}:
            raise NotEncoded("a text compared with a number is not given to the solver")
        return self._misfit

    def _as_numbers(self, value: Cases) -> Cases:
        """Return operands of arithmetic: in EL null is 0."""
        if not self._dialect.is_juel:
            return value
        return mapped(value, lambda case: one(Kind.INT, z3.IntVal(0)) if case.kind is Kind.NULL else (_bare(case),))

    def _arithmetic(self, sign: str, first: Case, second: Case) -> Cases:
        found = numeric(sign, first, second)
        if found is not None:
            return found
        if are_numbers(first, second):
            return self._division(sign, first, second)
        if sign == "+" and first.kind is second.kind is Kind.TEXT and not self._dialect.is_juel:
            return one(Kind.TEXT, z3.Concat(first.term, second.term))
        if not self._dialect.is_juel:
            found = temporal(sign, first, second)
            if found is not None:
                return found
        if self._dialect.is_juel and Kind.TEXT in (first.kind, second.kind):
            raise NotEncoded("arithmetic with texts is not given to the solver")
        return self._misfit

    def _division(self, sign: str, first: Case, second: Case) -> Cases:
        whole = first.kind is Kind.INT and second.kind is Kind.INT
        if self._dialect.is_feel:
            return quotient(first, second, NULL) if sign == "/" else floored_rest(first, second)
        if whole and (sign == "%" or self._dialect is Dialect.CEL):
            return truncated(first, second, sign)
        if sign == "%":
            if self._dialect is Dialect.CEL:
                return ERROR
            raise NotEncoded("the rest of decimals is not given to the solver")
        return quotient(first, second, ERROR)

    # --- functions ---------------------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Cases:
        name = node.function
        given = ((node.target,) if node.target is not None else ()) + node.arguments
        if name in ("isDefined", "has"):
            return self._is_defined(given[0])
        if name in _MAKERS or name == "timestamp":
            return self._made(name, given[0])
        values = [self.cases(item) for item in given]
        if name in ("contains", "startsWith", "endsWith"):
            return combined(values[0], values[1], lambda one_, two: self._text_test(name, one_, two))
        if name == "equals":
            return combined(values[0], values[1], self._java_equals)
        if name in ("min", "max") and len(values) == 2:
            return combined(values[0], values[1], lambda one_, two: self._extreme(name, one_, two))
        if len(values) == 1 and name in (
            "size",
            "count",
            "empty",
            "isEmpty",
            "upperAscii",
            "lowerAscii",
            "abs",
            "floor",
            "ceil",
        ):
            return mapped(values[0], lambda case: self._of_one(name, case))
        raise NotEncoded(f"'{name}' is not given to the solver")

    def _is_defined(self, node: Node) -> Cases:
        chain = chain_of(node)
        if chain is None:
            raise NotEncoded("only variables and their properties can be asked for")
        root, path = chain
        symbol = self._bind.get(root, root)
        unknown = self._symbols.unknown(symbol, (root, *path))
        there = self._symbols.there(symbol, (root, *path))
        gone = unknown.is_kind(Kind.ABSENT) if Kind.ABSENT in unknown.kinds else NO
        return boolean(both(there, negated(gone)))

    def _made(self, name: str, node: Node) -> Cases:
        """Return a date, time or duration made from a text, or from a variable that holds such a text."""
        if isinstance(node, Literal) and isinstance(node.value, str):
            if name == "duration" and self._dialect is Dialect.CEL:
                value: object = cel_duration(node.value)
            else:
                value = _MAKERS["dateTime" if name == "timestamp" else name](node.value)
            return self._misfit if value is None else constant(value)
        return mapped(self.cases(node), lambda case: self._converted(name, case))

    def _converted(self, name: str, case: Case) -> Cases:
        wanted = {"date": Kind.DATE, "time": Kind.TIME, "duration": Kind.DAYS}.get(name, Kind.DATE_TIME)
        if case.kind is wanted or (name == "duration" and case.kind is Kind.MONTHS):
            return one(case.kind, case.term)
        if case.kind is Kind.NULL:
            return self._misfit
        days = case.kind in (Kind.DATE, Kind.DATE_TEXT)
        if case.kind in (Kind.DATE, Kind.DATE_TIME, Kind.DATE_TEXT, Kind.DATE_TIME_TEXT) and name not in (
            "time",
            "duration",
        ):
            if wanted is Kind.DATE:
                if case.kind is Kind.DATE_TIME_TEXT:
                    return self._misfit  # FEEL's date() reads a date alone from a text
                return one(wanted, case.term if days else case.term / DAY)
            return one(wanted, case.term * DAY if days else case.term)
        raise NotEncoded(f"'{name}' of {case.kind.value} is not given to the solver")

    def _text_test(self, name: str, first: Case, second: Case) -> Cases:
        if first.kind is second.kind is Kind.TEXT:
            return boolean(text_test(name, first.term, second.term))
        return self._misfit

    def _java_equals(self, first: Case, second: Case) -> Cases:
        if first.kind is Kind.NULL:
            return ERROR
        return boolean(first.term == second.term if first.kind is second.kind else NO)

    def _extreme(self, name: str, first: Case, second: Case) -> Cases:
        if not are_numbers(first, second):
            return self._misfit
        left, right, kind = numbers(first, second)
        return one(kind, z3.If((left < right) if name == "min" else (left > right), left, right))

    def _of_one(self, name: str, case: Case) -> Cases:
        if name in ("empty", "isEmpty"):
            return self._is_empty(name, case)
        if name == "size" and case.kind is Kind.TEXT:
            return one(Kind.INT, z3.Length(case.term))
        if name in ("count", "size") and case.kind is Kind.LIST:
            return one(Kind.INT, case.term)
        if name in ("upperAscii", "lowerAscii") and case.kind is Kind.TEXT:
            return self._in_one_case(name, case.term)
        if name == "abs" and case.kind in NUMBERS:
            return one(case.kind, z3.If(case.term >= 0, case.term, -case.term))
        if name in ("floor", "ceil") and case.kind in NUMBERS:
            if case.kind is Kind.INT:
                return (_bare(case),)
            return one(Kind.INT, z3.ToInt(case.term) if name == "floor" else -z3.ToInt(-case.term))
        return self._misfit

    def _is_empty(self, name: str, case: Case) -> Cases:
        if case.kind is Kind.NULL:
            return boolean(YES) if self._dialect.is_juel and name == "empty" else self._misfit
        if case.kind is Kind.LIST:
            return boolean(case.term == 0)
        if case.kind is Kind.TEXT and self._dialect.is_juel:
            return boolean(case.term == text_constant(""))
        return boolean(NO) if self._dialect.is_juel and name == "empty" else self._misfit

    def _in_one_case(self, name: str, text: Formula) -> Cases:
        """Return a text in capitals or small letters.

        The solver knows letters of constants only. For any other text it looks among those that are in that form
        already: what is found holds, but when this restriction was needed to find nothing, nothing is proven.
        """
        result = z3.String(f"{name}#{text.sexpr()}")
        low, high = ("a", "z") if name == "upperAscii" else ("A", "Z")
        self._symbols.axioms.append(z3.InRe(result, letters(low, high)))
        ways = [result == text]
        for word in self._words:
            known = word.upper() if name == "upperAscii" else word.lower()
            self._symbols.axioms.append(z3.Implies(text == text_constant(word), result == text_constant(known)))
            ways.append(text == text_constant(word))
        self._side.append(z3.Or(*ways))
        return one(Kind.TEXT, result)


def _bare(case: Case) -> Case:
    return Case(YES, case.kind, case.term)


def _flipped(case: Case) -> Cases:
    return boolean(negated(case.term)) if case.kind is Kind.BOOL else (_bare(case),)
