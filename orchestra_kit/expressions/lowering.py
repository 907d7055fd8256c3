"""Turns a tree into parts that can be evaluated: paths resolved natively, loops driven here, and CEL text for the rest.

The CEL library holds the interpreter's lock, cannot be interrupted, copies every intermediate list in `map` and `filter`,
and ends the process on deeply nested values. So it gets expressions without loops, over the values they use and nothing
else; a loop appears in their text as a call of a function without arguments that comes back to us, so that laziness
(`a || b`, `c ? x : y`) stays CEL's own. See evaluation.py for the limits this makes possible.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias

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
    Span,
    Unary,
)
from orchestra_kit.expressions.functions import TYPE_NAMES
from orchestra_kit.expressions.parser import PRECEDENCE
from orchestra_kit.expressions.references import Step, chain_of

HOST_FUNCTIONS = frozenset(
    {"size", "matches", "string", "bool", "lowerAscii", "upperAscii", "trim", "split", "join", "replace", "substring"}
    | {"indexOf", "abs", "round", "min", "max", "sum"}
)
"""Functions done by us: those CEL lacks, and those in which the library differs from its definition."""

_ARITHMETIC = {"+": "add__", "-": "subtract__", "*": "multiply__", "/": "divide__", "%": "modulo__"}
_TERNARY, _UNARY, _MEMBER = 0, 6, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A value that is written in the expression."""

    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A value of the scope, or of a loop around it."""

    root: str
    path: tuple[Step, ...]
    bound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A macro: for each element of `over`, bound to `variable`, evaluate `test` and `result`."""

    kind: str
    over: Part
    variable: str
    test: Part | None
    result: Part | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A function of ours over values that are at hand, so that they need not go through the library and back."""

    function: str
    arguments: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CelPart:
    """CEL text without loops. `inputs` are its variables, `has` those that say whether a path is there, `loops` and
    `hosts` its functions; `careful` is the same text with arithmetic done by functions of ours."""

    text: str
    careful: str | None
    inputs: tuple[tuple[str, Reach], ...]
    has: tuple[tuple[str, Reach], ...]
    loops: tuple[tuple[str, Loop | Hosted], ...]
    hosts: tuple[str, ...]
    nodes: int
    additions: int


Part: TypeAlias = Constant | Reach | Loop | Hosted | CelPart


def lower(node: Node, bound: frozenset[str] = frozenset()) -> Part:
    """Return what evaluates a tree; `bound` are the names of loops around it."""
    if isinstance(node, Literal) and not node.unsigned:
        return Constant(value=node.value)
    reach = reach_of(node, bound)
    if reach is not None:
        return reach
    if isinstance(node, Call) and node.is_loop:
        return _loop(node, bound)
    hosted = _hosted(node, bound)
    if hosted is not None:
        return hosted
    writer = _Writer(bound)
    text = writer.write(node, _TERNARY)
    careful = None
    if writer.arithmetic:
        writer.careful = True
        careful = writer.write(node, _TERNARY)
    return CelPart(
        text=text,
        careful=careful,
        inputs=tuple((name, reach) for reach, name in writer.inputs.items()),
        has=tuple((name, reach) for reach, name in writer.has.items()),
        loops=tuple(writer.loops.values()),
        hosts=tuple(sorted(writer.hosts)),
        nodes=writer.nodes,
        additions=writer.additions,
    )


def reach_of(node: Node, bound: frozenset[str]) -> Reach | None:
    """Return the static path a node is, if it is one and not the name of a type."""
    chain = chain_of(node)
    if chain is None:
        return None
    name, path = chain
    if name not in bound and not path and name in TYPE_NAMES:
        return None
    return Reach(root=name, path=path, bound=name in bound)


def _loop(call: Call, bound: frozenset[str]) -> Loop:
    assert call.target is not None
    inside = bound | {call.variable}
    parts = [lower(argument, inside) for argument in call.arguments[1:]]
    if call.function == "map":
        test, result = (parts[0] if len(parts) == 2 else None), parts[-1]
    else:
        test, result = parts[0], None
    return Loop(kind=call.function, over=lower(call.target, bound), variable=call.variable, test=test, result=result)


def _hosted(node: Node, bound: frozenset[str]) -> Hosted | None:
    """Return a call of a function of ours whose arguments need no CEL."""
    if not isinstance(node, Call) or node.function not in HOST_FUNCTIONS:
        return None
    given = node.arguments if node.target is None else (node.target, *node.arguments)
    arguments = tuple(lower(item, bound) for item in given)
    if any(isinstance(item, CelPart) for item in arguments):
        return None
    return Hosted(function=node.function, arguments=arguments)


class _Writer:
    """Writes CEL text, giving names to what it cannot hold."""

    def __init__(self, bound: frozenset[str]) -> None:
        self._bound = bound
        self.inputs: dict[Reach, str] = {}
        self.has: dict[Reach, str] = {}
        self.loops: dict[Span, tuple[str, Loop | Hosted]] = {}
        self.hosts: set[str] = set()
        self.nodes = self.additions = 0
        self.arithmetic = self.careful = False

    def write(self, node: Node, strength: int) -> str:
        """Return the text of a node, in parentheses when it binds less than what stands around it."""
        self.nodes += 1
        reach = reach_of(node, self._bound)
        if reach is not None:
            return self.inputs.setdefault(reach, f"v{len(self.inputs)}__")
        match node:
            case Literal():
                return literal_text(node)
            case Name():
                return node.name
            case Select():
                return f"{self.write(node.operand, _MEMBER)}.{node.field}"
            case Index():
                return f"{self.write(node.operand, _MEMBER)}[{self.write(node.index, _TERNARY)}]"
            case ListOf():
                return f"[{self._all(node.items)}]"
            case MapOf():
                pairs = (f"{self.write(key, _TERNARY)}: {self.write(item, _TERNARY)}" for key, item in node.entries)
                return "{" + ", ".join(pairs) + "}"
            case Call():
                return self._call(node)
            case Unary():
                # CEL has no `-!x` and no `--x` of numbers that keep their sign, so the inner one stands in parentheses.
                return _guarded(f"{node.operator}{self.write(node.operand, _MEMBER)}", _UNARY, strength)
            case Binary():
                return self._binary(node, strength)
            case Conditional():
                condition, then = self.write(node.condition, 1), self.write(node.then, 1)
                return _guarded(f"{condition} ? {then} : {self.write(node.otherwise, 1)}", _TERNARY, strength)

    def _all(self, nodes: tuple[Node, ...]) -> str:
        return ", ".join(self.write(node, _TERNARY) for node in nodes)

    def _binary(self, node: Binary, strength: int) -> str:
        if node.operator in _ARITHMETIC:
            self.arithmetic = True
            self.additions += node.operator == "+"
            if self.careful:
                return f"{_ARITHMETIC[node.operator]}({self._all((node.left, node.right))})"
        own = PRECEDENCE[node.operator]
        return _guarded(
            f"{self.write(node.left, own)} {node.operator} {self.write(node.right, own + 1)}", own, strength
        )

    def _call(self, node: Call) -> str:
        if node.is_loop:
            return self._ours(node, _loop(node, self._bound))
        if node.is_has:
            reach = reach_of(node.arguments[0], self._bound)
            if reach is not None:
                return self.has.setdefault(reach, f"has{len(self.has)}__")
        hosted = _hosted(node, self._bound)
        if hosted is not None:
            return self._ours(node, hosted)
        if node.function in HOST_FUNCTIONS:
            self.hosts.add(node.function)
            target = () if node.target is None else (node.target,)
            return f"{node.function}__({self._all((*target, *node.arguments))})"
        text = f"{node.function}({self._all(node.arguments)})"
        return text if node.target is None else f"{self.write(node.target, _MEMBER)}.{text}"

    def _ours(self, node: Call, part: Loop | Hosted) -> str:
        name, _ = self.loops.setdefault(node.span, (f"ours{len(self.loops)}__", part))
        return f"{name}()"


def _guarded(text: str, own: int, strength: int) -> str:
    return f"({text})" if own < strength else text


def literal_text(node: Literal) -> str:
    """Return a constant as CEL writes it."""
    value = node.value
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = f"{value}u" if node.unsigned else repr(value)
    # A sign that is not first in a term would be read as a minus.
    return f"({text})" if text.startswith("-") else text
