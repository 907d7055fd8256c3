"""All runs of a tiny container by brute force: how many are needed to take every flow that any run can take."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from token_model import Model
from token_rules import Rules, Scope

MOST_STATES = 200_000


def fewest_runs(
    model: Model, container: str, *, boundaries: bool = False, most_tokens: int = 6
) -> tuple[int, frozenset[str]] | None:
    """Return the smallest number of runs that take all flows some run can take, and those flows; None beyond the bounds.

    `boundaries` lets boundary events happen. A place never holds more than two tokens here, a run never more than `most_tokens`.
    """
    taken = covers(model, container, boundaries=boundaries, most_tokens=most_tokens)
    if taken is None:
        return None
    everything = frozenset().union(*taken) if taken else frozenset()
    if not everything:
        return 0, everything
    best = [item for item in taken if not any(item < other for other in taken)]
    for size in range(1, len(best) + 1):
        if any(frozenset().union(*chosen) == everything for chosen in combinations(best, size)):
            return size, everything
    raise AssertionError("all runs together take all flows")


def covers(
    model: Model, container: str, *, boundaries: bool = False, most_tokens: int = 6
) -> set[frozenset[str]] | None:
    """Return the set of flows of each run that comes to its end; None where there are too many states."""
    rules = Rules(model, whole=False, provoked=None if boundaries else ())
    begin = (rules.fresh(container), frozenset[str]())
    seen, stack, found = {begin}, [begin], set()
    while stack:
        scope, flows = stack.pop()
        if rules.can_finish(scope):
            found.add(flows)
        for after, written in firings(rules, scope):
            crowded = len(after.tokens) > most_tokens or any(after.tokens.count(item) > 2 for item in after.tokens)
            state = (after, flows | frozenset(written))
            if not crowded and state not in seen:
                seen.add(state)
                stack.append(state)
        if len(seen) > MOST_STATES:
            return None
    return found


def firings(rules: Rules, scope: Scope) -> Iterator[tuple[Scope, tuple[str, ...]]]:
    """Yield all that may happen next: the scope after it and the flows written."""
    for node in rules.model.members[scope.container]:
        if not rules.model.outgoing[node.id] or ("compensate" in node.triggers and node.type == "boundaryEvent"):
            continue
        if node.type != "boundaryEvent":
            bases = rules.ready(scope, node.id)
        else:
            bases = rules.interrupted(scope, node) if node.interrupting else rules.beside(scope, node)
        for base in dict.fromkeys(bases):
            for chosen in rules.choices(node.id):
                for after in rules.put(base, chosen):
                    yield after, chosen
