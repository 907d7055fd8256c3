"""What waits while one token moves: branches still to run, and tokens already at joins. Equal contexts are one number."""

from __future__ import annotations

EMPTY = 0


class PendingBranches:
    """Stacks of branches still to run, each stack known by a number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], int] = {}
        self.top: list[int] = [0]
        self.below: list[int] = [EMPTY]
        self.depth: list[int] = [0]

    def push(self, stack: int, item: int) -> int:
        """Return the stack with one more branch on top."""
        key = (stack, item)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.top)
            self.top.append(item)
            self.below.append(stack)
            self.depth.append(self.depth[stack] + 1)
        return found

    def items(self, stack: int) -> list[int]:
        """Return the branches of a stack, the next to run first."""
        found: list[int] = []
        while stack:
            found.append(self.top[stack])
            stack = self.below[stack]
        return found


class WaitingTokens:
    """Which flows into which joins hold a token; the join a token can reach first is on top.

    Below all joins stand tokens that wait for the end of the run, each kind once: `ENDLESS` for those that go round until
    a terminate end takes them, `armed` for one before such an end.
    """

    ENDLESS = -1

    def __init__(self, rank: list[int]) -> None:
        self._rank = rank
        self._numbers: dict[tuple[int, int, int], int] = {}
        self.join: list[int] = [-1]
        self.mask: list[int] = [0]
        self.below: list[int] = [EMPTY]
        self.depth: list[int] = [0]

    def _push(self, below: int, join: int, mask: int) -> int:
        key = (below, join, mask)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.join)
            self.join.append(join)
            self.mask.append(mask)
            self.below.append(below)
            self.depth.append(self.depth[below] + 1)
        return found

    def add(self, waiting: int, join: int, bit: int, full: int) -> tuple[int, bool]:
        """Return what waits after one more token has come to a join, and whether the join now has one on every flow.

        In that case its tokens are taken out.
        """
        above: list[tuple[int, int]] = []
        place = (self._rank[join], join)
        while waiting:
            other, mask = self.join[waiting], self.mask[waiting]
            if other < 0 or (self._rank[other], other) > place:
                break
            waiting, here = self.below[waiting], waiting
            if other == join and not mask & bit:
                return self._restack(waiting, above, (join, mask | bit), full)
            above.append((self.join[here], self.mask[here]))
        return self._restack(waiting, above, (join, bit), full)

    def _restack(
        self, waiting: int, above: list[tuple[int, int]], entry: tuple[int, int], full: int
    ) -> tuple[int, bool]:
        complete = entry[1] == full
        if not complete:
            waiting = self._push(waiting, *entry)
        for join, mask in reversed(above):
            waiting = self._push(waiting, join, mask)
        return waiting, complete

    def remove(self, waiting: int, join: int) -> int:
        """Return what waits after a join has taken what it has."""
        above: list[tuple[int, int]] = []
        while self.join[waiting] != join:
            above.append((self.join[waiting], self.mask[waiting]))
            waiting = self.below[waiting]
        waiting = self.below[waiting]
        for other, mask in reversed(above):
            waiting = self._push(waiting, other, mask)
        return waiting

    @staticmethod
    def armed(node: int) -> int:
        """Return the mark of a token that waits before a terminate end until all else has run; its own inverse."""
        return -2 - node

    def until_end(self, waiting: int, mark: int) -> int:
        """Return what waits after a token has stopped until the run ends."""
        entries = self.entries(waiting)
        if (mark, 1) in entries:
            return waiting
        marks = sorted([mark, *(join for join, _ in entries if join < 0)])
        found = EMPTY
        for join in marks:
            found = self._push(found, join, 1)
        for join, mask in reversed(entries):
            if join >= 0:
                found = self._push(found, join, mask)
        return found

    def entries(self, waiting: int) -> list[tuple[int, int]]:
        """Return joins with the flows (as bits) that hold a token before them."""
        found: list[tuple[int, int]] = []
        while waiting:
            found.append((self.join[waiting], self.mask[waiting]))
            waiting = self.below[waiting]
        return found
