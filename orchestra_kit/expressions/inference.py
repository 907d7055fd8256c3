"""Follows the shapes of values through an expression, and says where one leads nowhere or cannot be used as it is.

It speaks only of what is certain: a shape that is not known, or may be of a type that fits, is no problem.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestra_kit.errors import nearest_hint
from orchestra_kit.expressions.ast import (
    Binary,
    Call,
    Conditional,
    Index,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
    walk,
)
from orchestra_kit.expressions.functions import TYPE_NAMES
from orchestra_kit.expressions.nearness import is_typo
from orchestra_kit.expressions.references import Step, chain_of, render_reference
from orchestra_kit.expressions.shapes import ANY, ListShape, ObjectShape, ScalarShape, Shape

Finding = tuple[str, str | None]
"""A message and a hint."""

_BOOL, _NUMBER, _TEXT = (ScalarShape(frozenset({kind})) for kind in ("boolean", "number", "string"))
_WANTED = {
    "size": {"string", "array", "object"},
    "join": {"array"},
    "sum": {"array"},
    **{name: {"string"} for name in ("matches", "startsWith", "endsWith", "contains", "split", "replace")},
    **{name: {"string"} for name in ("substring", "indexOf", "lowerAscii", "upperAscii", "trim")},
    **{name: {"number"} for name in ("abs", "round")},
    "timestamp": {"string"},
    "duration": {"string"},
}
_RESULTS: dict[str, Shape] = {
    **dict.fromkeys(("size", "int", "double", "uint", "abs", "round", "sum", "indexOf"), _NUMBER),
    **dict.fromkeys(("string", "join", "replace", "substring", "lowerAscii", "upperAscii", "trim"), _TEXT),
    **dict.fromkeys(("bool", "has", "matches", "startsWith", "endsWith", "contains"), _BOOL),
    "split": ListShape(_TEXT),
}
_LIST, _OBJECT, _ONLY_NUMBER = frozenset({"array"}), frozenset({"object"}), frozenset({"number"})
_EQUAL, _ORDERED = frozenset({"==", "!="}), frozenset({"<", "<=", ">", ">="})


def infer_problems(tree: Node, shapes: Mapping[str, Shape]) -> list[Finding]:
    """Return what is wrong with an expression over values of such shapes."""
    inference = _Inference(tree)
    inference.shape(tree, shapes)
    return inference.found


class _Inference:
    """Walks a tree once; `found` gathers the problems."""

    def __init__(self, tree: Node) -> None:
        self.found: list[Finding] = []
        tested = (chain_of(node.arguments[0]) for node in walk(tree) if isinstance(node, Call) and node.is_has)
        self._tested = [chain for chain in tested if chain is not None]

    def shape(self, node: Node, scope: Mapping[str, Shape]) -> Shape:
        """Return the shape of a node's value, ANY when it cannot be known."""
        match node:
            case Literal():
                return _of_literal(node)
            case Name():
                return self._name(node, scope)
            case Select():
                return self._part(node, node.operand, node.field, scope)
            case Index():
                return self._index(node, scope)
            case Call():
                return self._call(node, scope)
            case ListOf():
                items = [self.shape(item, scope) for item in node.items]
                return ListShape(items[0] if len(items) == 1 else ANY)
            case MapOf():
                return self._map(node, scope)
            case Unary():
                wanted = {"boolean"} if node.operator == "!" else {"number"}
                self._want(node.operand, self.shape(node.operand, scope), wanted, f"'{node.operator}'")
                return _BOOL if node.operator == "!" else _NUMBER
            case Binary():
                return self._binary(node, scope)
            case Conditional():
                self._want(node.condition, self.shape(node.condition, scope), {"boolean"}, "'?'")
                one, other = self.shape(node.then, scope), self.shape(node.otherwise, scope)
                return one if one == other else ANY

    def _name(self, node: Name, scope: Mapping[str, Shape]) -> Shape:
        root = _root(node.name, scope)
        if root in scope:
            return scope[root]
        if node.name not in TYPE_NAMES:
            self.found.append((f"unknown name '{node.name}'.", nearest_hint(node.name, scope)))
        return ANY

    def _part(self, node: Node, operand: Node, part: Step, scope: Mapping[str, Shape]) -> Shape:
        owner = self.shape(operand, scope)
        if self._is_tested(node):
            child = owner.child(part)
            return child.shape if child is not None else ANY
        child = owner.child(part)
        names = owner.names()
        if child is None or (not child.declared and isinstance(part, str) and is_typo(part, names)):
            self.found.append(self._unknown(operand, part, owner, scope))
            return ANY
        return child.shape

    def _is_tested(self, node: Node) -> bool:
        """Return True for what the same expression asks `has` about, and what lies below it."""
        chain = chain_of(node)
        return chain is not None and any(
            chain[0] == root and chain[1][: len(path)] == path for root, path in self._tested
        )

    def _unknown(self, operand: Node, part: Step, owner: Shape, scope: Mapping[str, Shape]) -> Finding:
        where = _words_of(operand)
        kinds = owner.types()
        if isinstance(part, int):
            return f"{where} is no list; it has no [{part}].", None
        names = owner.names()
        if not names and kinds is not None and "object" not in kinds:
            return f"{where} is {_words(kinds)}; it has no field '{part}'.", None
        is_alias = isinstance(operand, Name) and _root(operand.name, scope) == "steps"
        what = "step before this one" if is_alias else "field"
        return f"unknown {what} '{part}' of {where}.", nearest_hint(part, names)

    def _index(self, node: Index, scope: Mapping[str, Shape]) -> Shape:
        if isinstance(node.index, Literal) and type(node.index.value) in (int, str):
            value = node.index.value
            assert isinstance(value, (int, str))
            return self._part(node, node.operand, value, scope)
        owner, index = self.shape(node.operand, scope), self.shape(node.index, scope)
        self._want(node.operand, owner, {"array", "object"}, "an index")
        kinds = owner.types()
        if kinds == _LIST:
            self._want(node.index, index, {"number"}, "the index of a list")
            child = owner.child(0)
            return child.shape if child is not None else ANY
        if kinds == _OBJECT:
            self._want(node.index, index, {"string"}, "the index of a map")
        return ANY

    def _map(self, node: MapOf, scope: Mapping[str, Shape]) -> Shape:
        fields: dict[str, Shape] = {}
        closed = True
        for key, item in node.entries:
            self.shape(key, scope)
            if isinstance(key, Literal) and isinstance(key.value, str):
                fields[key.value] = self.shape(item, scope)
            else:
                closed = False
                self.shape(item, scope)
        return ObjectShape(fields, closed)

    def _call(self, node: Call, scope: Mapping[str, Shape]) -> Shape:
        if node.is_loop:
            return self._loop(node, scope)
        if node.is_has:
            selected = node.arguments[0]
            assert isinstance(selected, Select)
            self.shape(selected.operand, scope)
            return _BOOL
        given = (node.arguments if node.target is None else (node.target, *node.arguments)) or ()
        shapes = [self.shape(item, scope) for item in given]
        wanted = _WANTED.get(node.function)
        if wanted is not None and given:
            self._want(given[0], shapes[0], wanted, f"'{node.function}'")
            if wanted == {"string"} and node.function != "substring":
                for item, shape in zip(given[1:], shapes[1:], strict=True):
                    self._want(item, shape, wanted, f"'{node.function}'")
        return _RESULTS.get(node.function, ANY)

    def _loop(self, node: Call, scope: Mapping[str, Shape]) -> Shape:
        assert node.target is not None
        over = self.shape(node.target, scope)
        self._want(node.target, over, {"array", "object"}, f"'{node.function}'")
        element: Shape = ANY
        if over.types() == _LIST:
            child = over.child(0)
            element = child.shape if child is not None else ANY
        elif over.types() == _OBJECT:
            element = _TEXT
        inside = {**scope, node.variable: element}
        results = [self.shape(argument, inside) for argument in node.arguments[1:]]
        if node.function != "map" or len(results) == 2:
            self._want(node.arguments[1], results[0], {"boolean"}, f"the condition of '{node.function}'")
        if node.function == "map":
            return ListShape(results[-1])
        return ListShape(element) if node.function == "filter" else _BOOL

    def _binary(self, node: Binary, scope: Mapping[str, Shape]) -> Shape:
        left, right = self.shape(node.left, scope), self.shape(node.right, scope)
        sign = node.operator
        if sign in ("&&", "||"):
            self._want(node.left, left, {"boolean"}, f"'{sign}'")
            self._want(node.right, right, {"boolean"}, f"'{sign}'")
            return _BOOL
        if sign == "in":
            self._want(node.right, right, {"array", "object"}, "'in'")
            return _BOOL
        if sign in _EQUAL or sign in _ORDERED:
            self._compare(sign, left.types(), right.types())
            return _BOOL
        if sign == "+":
            return self._sum(left, right)
        self._want(node.left, left, {"number"}, f"'{sign}'", unless=right)
        self._want(node.right, right, {"number"}, f"'{sign}'", unless=left)
        return _NUMBER if left.types() == right.types() == _ONLY_NUMBER else ANY

    def _sum(self, left: Shape, right: Shape) -> Shape:
        one, other = left.types(), right.types()
        if one is None or other is None:
            return ANY
        if not one & other & {"number", "string", "array"}:
            self.found.append(
                (f"'+' cannot join {_words(one)} and {_words(other)}.", "Convert with string(...) or int(...).")
            )
            return ANY
        return left if one == other else ANY

    def _compare(self, sign: str, left: frozenset[str] | None, right: frozenset[str] | None) -> None:
        if left is None or right is None:
            return
        if sign in _ORDERED and not left & right & {"number", "string", "boolean"}:
            self.found.append((f"{_words(left)} is compared with {_words(right)} by '{sign}'.", None))
        elif sign in _EQUAL and not left & right and "null" not in left | right:
            self.found.append((f"{_words(left)} is compared with {_words(right)} by '{sign}'.", None))

    def _want(self, node: Node, shape: Shape, wanted: set[str], by: str, *, unless: Shape | None = None) -> None:
        """Note that a value is of no wanted type. Times are not JSON: arithmetic with something unknown may be theirs."""
        kinds = shape.types()
        if kinds is None or kinds & wanted or (unless is not None and unless.types() is None and kinds == {"null"}):
            return
        words = " or ".join(sorted(wanted))
        self.found.append((f"{by} needs {words}, but {_words_of(node)} is {_words(kinds)}.", None))


def _of_literal(node: Literal) -> Shape:
    value = node.value
    if value is None:
        return ScalarShape(frozenset({"null"}))
    if isinstance(value, bool):
        return _BOOL
    if isinstance(value, (int, float)):
        return _NUMBER
    return _TEXT if isinstance(value, str) else ANY


def _root(name: str, scope: Mapping[str, Shape]) -> str:
    return "steps" if name == "step" and name not in scope else name


def _words_of(node: Node) -> str:
    chain = chain_of(node)
    return render_reference(*chain) if chain is not None else "this"


def _words(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))
