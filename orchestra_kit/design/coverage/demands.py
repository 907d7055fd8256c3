"""What walks must do in all: edges and nodes with how often, some of them in any one of several places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A demand that may be met at any of several edges or nodes: one element that runs enter in several contexts."""

    edges: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """How often edges (by index) and nodes (by number) must be walked in all."""

    edges: Mapping[int, int]
    nodes: Mapping[int, int]
    loose: tuple[Loose, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.edges or self.nodes or self.loose)

    def __or__(self, other: Demands) -> Demands:
        """Return both demands together."""
        return Demands(
            edges={**self.edges, **other.edges}, nodes={**self.nodes, **other.nodes}, loose=self.loose + other.loose
        )
