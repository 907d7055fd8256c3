"""The one syntax tree of expressions; every node knows where it stands in its text (start and end offsets)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

MACROS = frozenset({"has", "all", "exists", "exists_one", "map", "filter"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Offsets of the first character and after the last one."""

    start: int
    end: int


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
    target: Node | None
    arguments: tuple[Node, ...]
    span: Span

    @property
    def is_macro(self) -> bool:
        """True for has, all, exists, exists_one, map and filter."""
        if self.function == "has":
            return self.target is None
        return self.function in MACROS and self.target is not None


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


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it, parents first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))
