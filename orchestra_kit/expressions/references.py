"""What an expression refers to: the variable it begins with and the part of the path that is known without evaluating."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestra_kit.expressions.ast import Call, Index, Literal, Name, Node, Select, Span, children

Step = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference such as `steps.pay.response.body.id`: root `steps`, path (`pay`, `response`, `body`, `id`).

    The path ends where an index is not a literal; `complete` says whether it is all of it. `tested` is set inside
    `has(...)`, where the last part may be missing. `field` is where the text stands in a document.
    """

    root: str
    path: tuple[Step, ...]
    span: Span
    complete: bool = True
    tested: bool = False
    field: str = ""

    def __str__(self) -> str:
        return render_reference(self.root, self.path)


def render_reference(root: str, path: tuple[Step, ...]) -> str:
    """Return a reference as it would be written."""
    text = root
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier():
            text += f".{part}"
        else:
            text += f'["{part}"]'
    return text


def chain_of(node: Node) -> tuple[str, tuple[Step, ...]] | None:
    """Return root and path when a node is nothing but a reference with literal indexes, else None."""
    path: list[Step] = []
    while not isinstance(node, Name):
        if isinstance(node, Select):
            path.append(node.field)
            node = node.operand
        elif isinstance(node, Index) and isinstance(node.index, Literal) and type(node.index.value) in (int, str):
            path.append(node.index.value)  # type: ignore[arg-type]
            node = node.operand
        else:
            return None
    return node.name, tuple(reversed(path))


def references_of(node: Node, *, field: str = "", bound: frozenset[str] = frozenset()) -> Iterator[Reference]:
    """Yield every reference of a tree, leaving out the variables its own macros bind."""
    if isinstance(node, (Name, Select, Index)):
        yield from _reference(node, field, bound)
    elif isinstance(node, Call) and (node.is_has or node.is_loop):
        yield from _in_macro(node, field, bound)
    else:
        for child in children(node):
            yield from references_of(child, field=field, bound=bound)


def _reference(node: Node, field: str, bound: frozenset[str], *, tested: bool = False) -> Iterator[Reference]:
    """Yield the longest known reference of an operand chain, and the references inside its computed indexes."""
    parts: list[Node] = []
    current = node
    while isinstance(current, (Select, Index)):
        parts.append(current)
        current = current.operand
    parts.reverse()
    for part in parts:
        if isinstance(part, Index) and not isinstance(part.index, Literal):
            yield from references_of(part.index, field=field, bound=bound)
    if not isinstance(current, Name):
        yield from references_of(current, field=field, bound=bound)
        return
    if current.name in bound:
        return
    path: list[Step] = []
    complete = True
    for part in parts:
        if isinstance(part, Select):
            path.append(part.field)
        elif isinstance(part, Index) and isinstance(part.index, Literal) and type(part.index.value) in (int, str):
            path.append(part.index.value)  # type: ignore[arg-type]
        else:
            complete = False
            break
    yield Reference(
        root=current.name, path=tuple(path), span=node.span, complete=complete, tested=tested and complete, field=field
    )


def _in_macro(call: Call, field: str, bound: frozenset[str]) -> Iterator[Reference]:
    if call.function == "has":
        for argument in call.arguments:
            if isinstance(argument, Select):
                yield from _reference(argument, field, bound, tested=True)
            else:
                yield from references_of(argument, field=field, bound=bound)
        return
    if call.target is not None:
        yield from references_of(call.target, field=field, bound=bound)
    inner = bound
    if call.arguments and isinstance(call.arguments[0], Name):
        inner = bound | {call.arguments[0].name}
    for argument in call.arguments[1:]:
        yield from references_of(argument, field=field, bound=inner)


def step_spans(
    node: Node, mapping: Mapping[str, str], bound: frozenset[str] = frozenset()
) -> Iterator[tuple[Span, str]]:
    """Yield where a reference to a step of `mapping` names it, and the name it is to have."""
    if isinstance(node, Select) and isinstance(node.operand, Name) and node.operand.name in ("steps", "step"):
        if node.operand.name not in bound and node.field in mapping:
            yield node.field_span, mapping[node.field]
        return
    if (
        isinstance(node, Index)
        and isinstance(node.operand, Name)
        and node.operand.name in ("steps", "step")
        and node.operand.name not in bound
        and isinstance(node.index, Literal)
        and node.index.value in mapping
    ):
        yield node.index.span, f'"{mapping[str(node.index.value)]}"'
        return
    if isinstance(node, Call) and node.is_loop and node.target is not None:
        yield from step_spans(node.target, mapping, bound)
        for argument in node.arguments[1:]:
            yield from step_spans(argument, mapping, bound | {node.variable})
        return
    for child in children(node):
        yield from step_spans(child, mapping, bound)
