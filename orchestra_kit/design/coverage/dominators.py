"""Which nodes every path from the starts to a node must pass (Cooper, Harvey and Kennedy, 2001)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


class Dominators:
    """The dominator tree of what can be reached from some starts; `closest` is the nearest node above, None at the top."""

    def __init__(self, starts: Iterable[int], following: Mapping[int, Sequence[int]]) -> None:
        self._root = -1
        tops = list(dict.fromkeys(starts))
        order = _reverse_post_order(self._root, {**following, self._root: tops})
        place = {node: index for index, node in enumerate(order)}
        before: list[list[int]] = [[] for _ in order]
        for node in order:
            for target in tops if node == self._root else following.get(node, ()):
                before[place[target]].append(place[node])
        above = [0] + [-1] * (len(order) - 1)
        changed = True
        while changed:
            changed = False
            for index in range(1, len(order)):
                found = -1
                for other in before[index]:
                    if above[other] >= 0:
                        found = other if found < 0 else _meet(above, other, found)
                if above[index] != found:
                    above[index], changed = found, True
        self._order, self._place = order, place
        self._above = above
        self._number_tree(above)

    def _number_tree(self, above: list[int]) -> None:
        """Give each node the span of its subtree, so that one node is above another if their spans lie so."""
        size = [1] * len(above)
        for index in range(len(above) - 1, 0, -1):
            size[above[index]] += size[index]
        self._first = [0] * len(above)
        free = [1] * len(above)
        for index in range(1, len(above)):  # a dominator comes before what it dominates
            parent = above[index]
            self._first[index] = self._first[parent] + free[parent]
            free[parent] += size[index]
        self._size = size

    def closest(self, node: int) -> int | None:
        """Return the nearest other node on all paths to a node."""
        index = self._place.get(node)
        if index is None or self._order[self._above[index]] == self._root:
            return None
        return self._order[self._above[index]]

    def is_above(self, upper: int | None, node: int) -> bool:
        """True when all paths to a node pass the upper one first; None is above all that can be reached."""
        lower = self._place.get(node)
        if lower is None:
            return False
        if upper is None:
            return True
        index = self._place[upper]
        return upper != node and self._first[index] <= self._first[lower] < self._first[index] + self._size[index]


def _meet(above: list[int], one: int, other: int) -> int:
    while one != other:
        while one > other:
            one = above[one]
        while other > one:
            other = above[other]
    return one


def _reverse_post_order(root: int, following: Mapping[int, Sequence[int]]) -> list[int]:
    seen = {root}
    order: list[int] = []
    work: list[tuple[int, int]] = [(root, 0)]
    while work:
        node, position = work.pop()
        targets = following.get(node, ())
        while position < len(targets):
            target = targets[position]
            position += 1
            if target not in seen:
                seen.add(target)
                work += [(node, position), (target, 0)]
                break
        else:
            order.append(node)
    return order[::-1]
