"""The one syntax tree of expressions; every node knows where it stands in its text (start and end offsets)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

LOOPS = frozenset({"all", "exists", "exists_one", "map", "filter"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Offsets of the first character and after the last one."""

    start: int
    end: int

    def moved(self, offset: int) -> Span:
        """Return the same stretch counted from `offset` characters earlier."""
        return Span(start=self.start + offset, end=self.end + offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A constant: null, bool, int, unsigned int, float, text or bytes."""

    value: bool | int | float | str | bytes | None
    span: Span
    unsigned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A variable."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """A field of a value: `operand.field`; `field_span` covers the field's name alone."""

    operand: Node
    field: str
    field_span: Span
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An element of a value: `operand[index]`."""

    operand: Node
    index: Node
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function of values, or a member function of `target`."""

    function: str
    function_span: Span
    target: Node | None
    arguments: tuple[Node, ...]
    span: Span

    @property
    def is_has(self) -> bool:
        """True for `has(x.y)`."""
        return self.function == "has" and self.target is None

    @property
    def is_loop(self) -> bool:
        """True for the macros all, exists, exists_one, map and filter, which bind their first argument in the others."""
        return self.target is not None and self.function in LOOPS and len(self.arguments) > 1

    @property
    def variable(self) -> str:
        """The name a loop binds."""
        bound = self.arguments[0]
        return bound.name if isinstance(bound, Name) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list literal."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A map literal."""

    entries: tuple[tuple[Node, Node], ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary:
    """`!x` or `-x`."""

    operator: str
    operand: Node
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """`left operator right`."""

    operator: str
    left: Node
    right: Node
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """`condition ? then : otherwise`."""

    condition: Node
    then: Node
    otherwise: Node
    span: Span


Node: TypeAlias = Literal | Name | Select | Index | Call | ListOf | MapOf | Unary | Binary | Conditional


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below."""
    match node:
        case Literal() | Name():
            return ()
        case Select(operand=operand) | Unary(operand=operand):
            return (operand,)
        case Index(operand=operand, index=index):
            return (operand, index)
        case Call(target=target, arguments=arguments):
            return (target, *arguments) if target is not None else arguments
        case ListOf(items=items):
            return items
        case MapOf(entries=entries):
            return tuple(part for entry in entries for part in entry)
        case Binary(left=left, right=right):
            return (left, right)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)


def height(node: Node) -> int:
    """Return the number of levels of a tree, found without recursion."""
    tallest, waiting = 0, [(node, 1)]
    while waiting:
        current, level = waiting.pop()
        tallest = max(tallest, level)
        waiting.extend((child, level + 1) for child in children(current))
    return tallest


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it, parents first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))
