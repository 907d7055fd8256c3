"""Requests taken apart where their conditions share no variable, and answers put together again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from orchestra_kit.expressions.ast import Node
from orchestra_kit.expressions.conditions import Dialect, read_as
from orchestra_kit.expressions.references import references_of
from orchestra_kit.spi.solver import Definition, Requirement, SolveOutcome, SolveRequest, Variant, Verdict


def parts_of(request: SolveRequest) -> list[SolveRequest]:
    """Return requests without a common variable, each with the context that tells about its own; in order of mention."""
    items: list[Requirement | Definition] = [*request.requirements, *request.definitions]
    groups = _grouped([_symbols_of(item) for item in items])
    parts: list[SolveRequest] = []
    for members in groups:
        own = [items[number] for number in members]
        names = {name for item in own for name in _symbols_of(item)}
        roots = _roots_of_all(request, own)
        parts.append(
            request.model_copy(
                update={
                    "requirements": tuple(item for item in own if isinstance(item, Requirement)),
                    "definitions": tuple(item for item in own if isinstance(item, Definition)),
                    "symbols": tuple(item for item in request.symbols if item.name in names),
                    "context": tuple(item for item in request.context if roots & _roots(item.text, item.dialect)),
                }
            )
        )
    return parts


@lru_cache(maxsize=4096)
def _roots(text: str, dialect: Dialect) -> frozenset[str]:
    return frozenset(reference.root for reference in references_of(read_as(text, dialect)))


def _roots_of_all(request: SolveRequest, own: Sequence[Requirement | Definition]) -> frozenset[str]:
    """Return the variables whose kinds bear on a part: its own, and what they are compared with elsewhere."""
    roots = frozenset[str]().union(*(_roots(item.text, item.dialect) for item in own))
    roots |= {item.root for item in own if isinstance(item, Definition)}
    known = [_roots(item.text, item.dialect) for item in request.context]
    while True:
        wider = roots.union(*(names for names in known if names & roots))
        if wider == roots:
            return roots
        roots = wider


def _symbols_of(item: Requirement | Definition) -> frozenset[str]:
    names = frozenset(item.bind.get(root, root) for root in _roots(item.text, item.dialect))
    return names | {item.symbol} if isinstance(item, Definition) else names


def _grouped(sets: Sequence[frozenset[str]]) -> list[list[int]]:
    """Return the numbers of the sets in groups that share no name."""
    groups: list[tuple[set[str], list[int]]] = []
    for number, names in enumerate(sets):
        touched = [group for group in groups if group[0] & names]
        merged: tuple[set[str], list[int]] = (set(names), [number])
        for group in touched:
            merged[0].update(group[0])
            merged[1].extend(group[1])
            groups.remove(group)
        groups.append(merged)
    return sorted((sorted(members) for _, members in groups), key=lambda members: members[0])


def bound_names(item: Requirement | Definition, tree: Node) -> dict[str, str]:
    """Return the symbol of each variable of a text; one the request says nothing of is its own."""
    names = {reference.root for reference in references_of(tree)}
    return {name: item.bind.get(name, name) for name in sorted(names)}


def joined(outcomes: Sequence[SolveOutcome], max_variants: int) -> SolveOutcome:
    """Return the answer for all parts; a variant of one part goes with the first values of the others."""
    unknown = next((item for item in outcomes if item.verdict is Verdict.UNKNOWN), None)
    if unknown is not None:
        return unknown
    values: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for item in outcomes:
        values |= item.values
        kinds |= item.kinds
    variants: list[Variant] = [
        variant.model_copy(update={"values": {**_without(values, item.values), **variant.values}})
        for item in outcomes
        for variant in item.variants
    ]
    return SolveOutcome(
        verdict=Verdict.SATISFIABLE,
        values=values,
        kinds=kinds,
        absent=tuple(name for item in outcomes for name in item.absent),
        free=tuple(name for item in outcomes for name in item.free),
        variants=tuple(variants[:max_variants]),
    )


def _without(values: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the other parts: a symbol of the part itself may be absent in a variant."""
    return {name: value for name, value in values.items() if name not in own}
