"""Where a run that takes parallel branches one after the other has to wait for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from orchestra_kit.design.coverage.fragments import Barrier
from orchestra_kit.design.coverage.walk_graph import Edge, EdgeKind
from orchestra_kit.model.process import FlowNode, NodeType, SequenceFlow

_JOINS = (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY)


class BarrierFinder:
    """Follows one run step by step and remembers which splits still have branches under way."""

    def __init__(self, nodes: Mapping[str, FlowNode], flows: Mapping[str, SequenceFlow]) -> None:
        self._nodes, self._flows = nodes, flows
        self._open: list[list[int]] = []
        self._arrived: Counter[str] = Counter()
        self._apart: int | None = None
        self.found: list[Barrier] = []

    def step(self, edge: Edge, entered: str, visits: int) -> None:
        """Take note of one step; `entered` is the element it comes to, `visits` how many were entered before it."""
        beside = edge.kind is EdgeKind.BOUNDARY and not self._nodes[edge.id].cancel_activity
        if len(edge.fires) > 1 or beside:
            self._open.append([visits, 1 if beside else len(edge.fires) - 1])
        if edge.kind is EdgeKind.FLOW:
            target = self._nodes.get(self._flows[edge.id].target)
            if target is not None and target.type in _JOINS:
                self._arrived[target.id] += 1
        if self._arrived[entered]:
            tokens = self._arrived.pop(entered)
            since = self._close(tokens - 1)
            if since is not None:
                self.found.append(Barrier(join=entered, at=visits, since=since))
        elif edge.kind is EdgeKind.TURN and not entered:
            since = self._close(1)
            if since is not None:
                self._apart = since if self._apart is None else min(since, self._apart)

    def end(self, visits: int) -> tuple[Barrier, ...]:
        """Return the barriers of the run; branches that never met are waited for at its end."""
        left = [since for since, _ in self._open] + ([] if self._apart is None else [self._apart])
        if left:
            self.found.append(Barrier(join="", at=visits, since=min(left)))
        return tuple(self.found)

    def _close(self, tokens: int) -> int | None:
        """Return where the splits began whose branches are now one token fewer each."""
        since = None
        while tokens > 0 and self._open:
            since, extra = self._open[-1]
            if extra <= tokens:
                self._open.pop()
            else:
                self._open[-1][1] -= tokens
            tokens -= extra
        return since
