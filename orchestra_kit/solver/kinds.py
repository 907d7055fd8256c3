"""Which kinds of value each variable of a request may have, told by what it is compared and combined with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from orchestra_kit.expressions.ast import Binary, Call, Conditional, Index, ListOf, Literal, Name, Node, Select, Unary
from orchestra_kit.expressions.references import Step, chain_of

Path = tuple[Step, ...]
"""A variable's name and the properties behind it."""


class Kind(StrEnum):
    """Kinds of value. DATE_TEXT and DATE_TIME_TEXT are texts that hold a date or a point in time."""

    NULL = "null"
    ABSENT = "absent"
    ERROR = "error"
    BOOL = "boolean"
    INT = "integer"
    DECIMAL = "decimal"
    TEXT = "string"
    DATE = "date"
    DATE_TIME = "dateTime"
    TIME = "time"
    DAYS = "duration"
    MONTHS = "months"
    DATE_TEXT = "dateText"
    DATE_TIME_TEXT = "dateTimeText"
    LIST = "list"
    OBJECT = "object"


NUMBERS = frozenset({Kind.INT, Kind.DECIMAL})
POINTS = frozenset({Kind.DATE, Kind.DATE_TIME})
_TEXT_FUNCTIONS = frozenset({"contains", "startsWith", "endsWith", "upperAscii", "lowerAscii", "trim", "matches"})
_RESULTS = {
    "contains": Kind.BOOL, "startsWith": Kind.BOOL, "endsWith": Kind.BOOL, "matches": Kind.BOOL, "equals": Kind.BOOL,
    "empty": Kind.BOOL, "isEmpty": Kind.BOOL, "isDefined": Kind.BOOL, "has": Kind.BOOL, "upperAscii": Kind.TEXT,
    "lowerAscii": Kind.TEXT, "trim": Kind.TEXT, "string": Kind.TEXT, "size": Kind.DECIMAL, "count": Kind.DECIMAL,
    "abs": Kind.DECIMAL, "floor": Kind.DECIMAL, "ceil": Kind.DECIMAL, "min": Kind.DECIMAL, "max": Kind.DECIMAL,
    "double": Kind.DECIMAL, "int": Kind.DECIMAL, "date": Kind.DATE, "time": Kind.TIME, "dateTime": Kind.DATE_TIME,
    "timestamp": Kind.DATE_TIME, "duration": Kind.DAYS,
}  # fmt: skip
_TEXT_OF = {"date": Kind.DATE_TEXT, "dateTime": Kind.DATE_TIME_TEXT, "timestamp": Kind.DATE_TIME_TEXT}

_Term = Kind | Path | None


@dataclass(slots=True)
class _Class:
    """Variables that are compared with each other."""

    kinds: dict[Kind, None] = field(default_factory=dict)
    constants: dict[object, None] = field(default_factory=dict)
    ordered: bool = False


class KindTable:
    """Kinds and constants of every path seen; DECIMAL stands for any number."""

    def __init__(self) -> None:
        self._parent: dict[Path, Path] = {}
        self._classes: dict[Path, _Class] = {}
        self.absentable: set[Path] = set()
        self.objects: set[Path] = set()

    def see_guard(self, tree: Node) -> None:
        """Learn from a guard, whose value is a boolean."""
        self._unify(self._visit(tree), Kind.BOOL)

    def see_definition(self, root: str, tree: Node) -> None:
        """Learn from `root = tree`."""
        self._unify((root,), self._visit(tree), constant=tree)

    def paths(self) -> list[Path]:
        """Return every path, in the order first seen."""
        return list(self._parent)

    def kinds_of(self, path: Path) -> tuple[Kind, ...]:
        """Return the kinds a path may have beside null; text when nothing tells."""
        if path in self.objects:
            return (Kind.OBJECT,)
        if path not in self._parent:
            return (Kind.TEXT,)
        found = self._classes[self._root(path)]
        # What is only compared by size with its like may as well be numbers: every order of few values is theirs, too.
        return tuple(found.kinds) or ((Kind.DECIMAL,) if found.ordered else (Kind.TEXT,))

    def constants_of(self, path: Path) -> tuple[object, ...]:
        """Return the constants a path, or one it is compared with, is compared with."""
        return tuple(self._classes[self._root(path)].constants) if path in self._parent else ()

    # --- union-find --------------------------------------------------------------------------------------------------

    def _root(self, path: Path) -> Path:
        if path not in self._parent:
            self._parent[path] = path
            self._classes[path] = _Class()
            for count in range(1, len(path)):
                self.objects.add(path[:count])
                self._root(path[:count])
        while self._parent[path] != path:
            path = self._parent[path]
        return path

    def _unify(self, left: _Term, right: _Term, *, constant: Node | None = None) -> None:
        if isinstance(right, tuple) and not isinstance(left, tuple):
            left, right = right, left
        if not isinstance(left, tuple):
            return
        mine = self._root(left)
        if isinstance(right, tuple):
            other = self._root(right)
            if other != mine:
                self._parent[other] = mine
                gone = self._classes.pop(other)
                self._classes[mine].kinds |= gone.kinds
                self._classes[mine].constants |= gone.constants
                self._classes[mine].ordered |= gone.ordered
        elif right is not None:
            self._classes[mine].kinds[right] = None
        if isinstance(constant, Literal) and constant.value is not None:
            self._classes[mine].constants[constant.value] = None

    # --- the tree ----------------------------------------------------------------------------------------------------

    def _visit(self, node: Node) -> _Term:
        match node:
            case Literal():
                return _kind_of_constant(node.value)
            case Name() | Select() | Index():
                return self._reached(node)
            case Unary(operator="!"):
                self._unify(self._visit(node.operand), Kind.BOOL)
                return Kind.BOOL
            case Unary():
                return self._number(node.operand)
            case Binary():
                return self._binary(node)
            case Conditional():
                self._unify(self._visit(node.condition), Kind.BOOL)
                then, otherwise = self._visit(node.then), self._visit(node.otherwise)
                self._unify(then, otherwise)
                return then or otherwise
            case Call():
                return self._call(node)
            case ListOf(items=items):
                for item in items:
                    self._visit(item)
        return None

    def _reached(self, node: Node) -> _Term:
        chain = chain_of(node)
        if chain is None:
            return None
        path: Path = (chain[0], *chain[1])
        self._root(path)
        return path

    def _number(self, node: Node) -> Kind:
        self._unify(self._visit(node), Kind.DECIMAL)
        return Kind.DECIMAL

    def _binary(self, node: Binary) -> _Term:
        if node.operator in ("&&", "||"):
            self._unify(self._visit(node.left), Kind.BOOL)
            self._unify(self._visit(node.right), Kind.BOOL)
            return Kind.BOOL
        if node.operator == "in":
            return self._membership(node)
        left, right = self._visit(node.left), self._visit(node.right)
        if node.operator in ("+", "-"):
            return self._sum(left, right)
        if node.operator in ("*", "/", "%"):
            self._unify(left, Kind.DECIMAL)
            self._unify(right, Kind.DECIMAL)
            return Kind.DECIMAL
        self._unify(left, right, constant=node.right if isinstance(left, tuple) else node.left)
        for term in (left, right):
            if isinstance(term, tuple) and node.operator not in ("==", "!="):
                self._classes[self._root(term)].ordered = True
        return Kind.BOOL

    def _membership(self, node: Binary) -> Kind:
        left = self._visit(node.left)
        if isinstance(node.right, ListOf):
            for item in node.right.items:
                self._unify(left, self._visit(item), constant=item)
        else:
            self._unify(self._visit(node.right), Kind.LIST)
        return Kind.BOOL

    def _sum(self, left: _Term, right: _Term) -> _Term:
        """Return what `+` or `-` gives: a variable beside a duration stays open, one beside a text is a text."""
        kinds = {term for term in (left, right) if isinstance(term, Kind)}
        if Kind.TEXT in kinds:
            self._unify(left, Kind.TEXT)
            self._unify(right, Kind.TEXT)
            return Kind.TEXT
        if kinds & POINTS and isinstance(left, (Kind, tuple)) and isinstance(right, (Kind, tuple)):
            self._unify(left, right)
            return Kind.DAYS if left == right or tuple in (type(left), type(right)) else next(iter(kinds & POINTS))
        if kinds & {Kind.DAYS, Kind.MONTHS}:
            return left if isinstance(left, tuple) else right if isinstance(right, tuple) else Kind.DAYS
        self._unify(left, Kind.DECIMAL)
        self._unify(right, Kind.DECIMAL)
        return Kind.DECIMAL

    def _call(self, node: Call) -> _Term:
        given = ((node.target,) if node.target is not None else ()) + node.arguments
        if node.function in ("isDefined", "has"):
            path = self._reached(given[0])
            if isinstance(path, tuple):
                self.absentable.add(path)
            return Kind.BOOL
        terms = [self._visit(item) for item in given]
        if node.function in _TEXT_FUNCTIONS or node.function == "size":
            for term in terms:
                self._unify(term, Kind.TEXT, constant=given[-1] if len(given) > 1 else None)
        elif node.function in ("count",):
            self._unify(terms[0], Kind.LIST)
        elif node.function == "equals":
            self._unify(terms[0], terms[1], constant=given[1])
        elif node.function in _TEXT_OF and isinstance(terms[0], tuple):
            self._unify(terms[0], _TEXT_OF[node.function])
        elif node.function in ("abs", "floor", "ceil", "min", "max"):
            for term in terms:
                self._unify(term, Kind.DECIMAL)
        return _RESULTS.get(node.function)


def _kind_of_constant(value: object) -> Kind | None:
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, (int, float)):
        return Kind.DECIMAL
    return Kind.TEXT if isinstance(value, str) else None


def learn(guards: Iterable[Node], definitions: Iterable[tuple[str, Node]]) -> KindTable:
    """Return the kinds told by guards and definitions together."""
    table = KindTable()
    for root, tree in definitions:
        table.see_definition(root, tree)
    for tree in guards:
        table.see_guard(tree)
    return table
