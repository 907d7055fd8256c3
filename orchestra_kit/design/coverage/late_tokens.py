"""What an inclusive join still has to wait for: tokens elsewhere that can come to a flow of it that has none."""

from __future__ import annotations

from orchestra_kit.design.coverage.contexts import PendingBranches, WaitingTokens
from orchestra_kit.design.coverage.token_net import TokenNet


class LateTokens:
    """Answers for the contexts of one exploration, and remembers which flows of a join each node leads to."""

    def __init__(self, net: TokenNet, pending: PendingBranches, waiting: WaitingTokens) -> None:
        self._net, self._pending, self._waiting = net, pending, waiting
        self._reach: dict[tuple[int, int], int] = {}

    def may_come(self, join: int, mask: int, pending: int, waiting: int) -> bool:
        """True while a token elsewhere can come to a flow of an inclusive join that has none."""
        for item in self._pending.items(pending):
            if item >= 0 and self._net.targets[item] == join:
                reached = self._net.bit[item]
            else:
                reached = self._reached(self._net.targets[item] if item >= 0 else ~item % len(self._net.content), join)
            if reached & ~mask:
                return True
        for other, _ in self._waiting.entries(waiting):
            elsewhere = [other] if other >= 0 else self._net.endless if other == self._waiting.ENDLESS else ()
            for node in elsewhere:
                reached = self._reached(node, join) if node != join else 0
                if reached & ~mask:
                    return True
        return False

    def _reached(self, node: int, join: int) -> int:
        """Return which flows of a join a token at a node can come to without passing the join.

        Whoever has to pass the split before the join can come to all that the split can; else the block between is
        searched. An activity's token may leave by its boundary events, whether the test provokes them or not.
        """
        net = self._net
        if net.rank[node] > net.rank[join]:
            return 0
        found = self._reach.get((node, join))
        if found is None:
            split = net.dominators.closest(join)
            if split is not None and not net.dominators.is_above(split, node):
                found = self._search_block(split, join, None) if self._comes_to(node, split) else 0
            else:
                found = self._search_block(node, join, split)
            self._reach[node, join] = found
        return found

    def _comes_to(self, node: int, split: int) -> bool:
        """True when some path leads from a node to a split."""
        rank, following = self._net.rank, self._net.following
        if rank[node] >= rank[split]:
            return rank[node] == rank[split]
        seen, stack = {node}, [node]
        while stack:
            for target in following[stack.pop()]:
                if target == split:
                    return True
                if target not in seen and rank[target] <= rank[split]:
                    seen.add(target)
                    stack.append(target)
        return False

    def _search_block(self, node: int, join: int, split: int | None) -> int:
        net, found = self._net, 0
        seen, stack = {node, join}, [node]
        while stack:
            here = stack.pop()
            for flow in net.leaving[here]:
                if net.targets[flow] == join:
                    found |= net.bit[flow]
            for target in net.following[here]:
                if target == split and target != node:
                    return found | self._reached(split, join)
                if target not in seen and net.rank[target] <= net.rank[join]:
                    seen.add(target)
                    stack.append(target)
        return found
