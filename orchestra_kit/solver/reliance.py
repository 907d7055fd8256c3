"""Which variables the outcome of a guard rests on for given values: the others may have any value, or none at all.

Nothing is tried out: a variable is left out only where the language itself does not look at it (the branch of a choice not
taken, what stands second in EL when the first decides) or where the other side of `and` or `or` decides whatever it is,
null, another kind or an error included.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.ast import Binary, Conditional, ListOf, Literal, Node, Unary
from orchestra_kit.expressions.conditions import Dialect, Guard
from orchestra_kit.expressions.deciding import value_of
from orchestra_kit.expressions.native import native_scope
from orchestra_kit.expressions.references import references_of
from orchestra_kit.solver.parts import bound_names
from orchestra_kit.spi.solver import SolveRequest

_LOGIC = ("&&", "||")


class _Truth(Enum):
    """What a part of a guard is as a condition; OTHER is null, no boolean or an error."""

    TRUE = "true"
    FALSE = "false"
    OTHER = "other"


_OPPOSITE = {_Truth.TRUE: _Truth.FALSE, _Truth.FALSE: _Truth.TRUE, _Truth.OTHER: _Truth.OTHER}


def free_symbols(
    request: SolveRequest, trees: Mapping[str, Node], values: Mapping[str, Any], kinds: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the symbols no requirement rests on beside these values; none that is computed or that others are computed from.

    What a computation does with another value is not looked into: it may stop the process.
    """
    needed: set[str] = set()
    for definition in request.definitions:
        needed |= {definition.symbol, *bound_names(definition, trees[definition.id]).values()}
    bound = {item.id: bound_names(item, trees[item.id]) for item in request.requirements}
    # Where either of two sides decides, the one is chosen that rests on what is needed anyway: so that comes first.
    for choosing in (False, True):
        for item in request.requirements:
            bind, tree = bound[item.id], trees[item.id]
            known = frozenset(name for name, symbol in bind.items() if symbol in needed)
            scope = native_scope(values, kinds, bind)
            needed |= {bind[name] for name in relied_on(tree, item.dialect, scope, known if choosing else None)}
    named = dict.fromkeys(symbol for bind in bound.values() for symbol in bind.values())
    return tuple(name for name in named if name not in needed)


def relied_on(
    tree: Node, dialect: Dialect, scope: Mapping[str, Any], known: frozenset[str] | None = frozenset()
) -> frozenset[str]:
    """Return variables of a tree that decide its value: as long as they keep theirs, it keeps its own.

    Of several such sets the one with the fewest besides those `known`; when that is None, only what is in all of them.
    """
    return _Reliance(dialect, scope, known).of(tree)


class _Reliance:
    """One tree over one scope. Parts are known by their identity, so the tree has to stay."""

    def __init__(self, dialect: Dialect, scope: Mapping[str, Any], known: frozenset[str] | None) -> None:
        self._dialect, self._scope, self._known = dialect, scope, known
        self._truths: dict[int, _Truth] = {}

    def of(self, node: Node) -> frozenset[str]:
        """Return the variables a node rests on."""
        match node:
            case Binary(operator="&&" | "||"):
                return self._of_logic(node)
            case Conditional():
                truth = self._truth(node.condition)
                if truth is _Truth.OTHER and not self._dialect.is_feel:
                    return _all(node)
                return self.of(node.condition) | self.of(node.then if truth is _Truth.TRUE else node.otherwise)
            case Unary():
                return self.of(node.operand)
            case Binary():
                return self.of(node.left) | self.of(node.right)
            case ListOf():
                return frozenset[str]().union(*map(self.of, node.items))
        return _all(node)

    def _of_logic(self, node: Binary) -> frozenset[str]:
        decisive = _decisive(node)
        decided = [side for side in (node.left, node.right) if self._truth(side) is decisive]
        if self._dialect.is_juel and node.left not in decided:
            decided = []  # what stands first is always looked at, and may stop the engine
        if not decided:
            return self.of(node.left) | self.of(node.right)
        if self._dialect.is_juel:
            return self.of(node.left)
        ways = [self.of(side) for side in decided]
        known = self._known
        return frozenset.intersection(*ways) if known is None else min(ways, key=lambda names: len(names - known))

    def _truth(self, node: Node) -> _Truth:
        if id(node) not in self._truths:
            self._truths[id(node)] = self._found(node)
        return self._truths[id(node)]

    def _found(self, node: Node) -> _Truth:
        if isinstance(node, Unary) and node.operator == "!":
            return _OPPOSITE[self._truth(node.operand)]
        if not isinstance(node, Binary) or node.operator not in _LOGIC:
            return self._evaluated(node)
        left, right, decisive = self._truth(node.left), self._truth(node.right), _decisive(node)
        if self._dialect.is_juel:
            return right if left is _OPPOSITE[decisive] else left
        if decisive in (left, right):
            return decisive
        return left if left is right else _Truth.OTHER

    def _evaluated(self, node: Node) -> _Truth:
        # Beside `and true` a value counts as each language takes it for a condition: null, texts and numbers, too.
        tree = Binary(operator="&&", left=node, right=Literal(value=True, span=node.span), span=node.span)
        try:
            value = value_of(Guard(text="", dialect=self._dialect, tree=tree), self._scope)
        except ExpressionError:
            return _Truth.OTHER
        return _Truth.TRUE if value is True else _Truth.FALSE if value is False else _Truth.OTHER


def _decisive(node: Binary) -> _Truth:
    return _Truth.FALSE if node.operator == "&&" else _Truth.TRUE


def _all(node: Node) -> frozenset[str]:
    return frozenset(reference.root for reference in references_of(node))
