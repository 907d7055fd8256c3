"""The fewest new scenarios that bring back full coverage, given what the scenarios that still hold cover, with a bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from orchestra_kit.design.change.net import Net
from orchestra_kit.design.change.playing import Player
from orchestra_kit.design.coverage import compose
from orchestra_kit.design.coverage.naming import KeyMaker
from orchestra_kit.model import Value
from orchestra_kit.model.process import ControlFlowGraph, NodeType

_MOST_EXACT = 14
_MOST_STATES = 1_000
_ALL_STATES = 6_000
_SPLITS = (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY, NodeType.COMPLEX_GATEWAY)


class NewScenario(Value):
    """A run to add, and what it covers that nothing else does."""

    key: str
    path: tuple[str, ...]
    covers: tuple[str, ...]


class Restoration(Value):
    """The scenarios to add. No run can take two elements of the `certificate`, so fewer than `lower_bound` cannot do.

    `beyond` are elements that are not covered and that no run can be found for.
    """

    criterion: str = "flow"
    uncovered: tuple[str, ...] = ()
    scenarios: tuple[NewScenario, ...] = ()
    lower_bound: int = 0
    certificate: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()

    @property
    def gap(self) -> int:
        """How many scenarios more than proven necessary are proposed."""
        return len(self.scenarios) - self.lower_bound


class _Run(Value):
    key: str
    path: tuple[str, ...]
    takes: frozenset[str]


def restore_coverage(
    graph: ControlFlowGraph,
    process_id: str,
    covered: Iterable[Sequence[str]],
    *,
    visited: Iterable[str] = (),
    criterion: str = "flow",
    max_loop: int = 2,
) -> Restoration:
    """Return the smallest set of new runs that covers what the paths `covered` (and nodes `visited`) leave out."""
    net = Net(graph)
    suite = compose(graph, process_id, criterion=criterion, max_loop=max_loop)
    planned = [
        _Run(key=item.key, path=item.path, takes=_items(net, item.path, item.visits, criterion))
        for item in suite.scenarios
    ]
    demanded = frozenset().union(*(run.takes for run in planned)) if planned else frozenset()
    held = {item for path in covered for item in _items(net, path, (), criterion)} | (
        set(visited) if criterion == "node" else set()
    )
    missing = demanded - held
    if not missing:
        return Restoration(criterion=criterion)
    useful = [run for run in planned if run.takes & missing and Player(net, process_id).play(run.path).path is not None]
    runs = [*useful, *_tailored(net, graph, process_id, missing, criterion)]
    chosen = _fewest(runs, missing)
    certificate = _largest_conflict(_Order(net, process_id), missing)
    return Restoration(
        criterion=criterion,
        uncovered=tuple(sorted(missing)),
        scenarios=tuple(_new_scenarios(chosen, missing)),
        lower_bound=len(certificate),
        certificate=certificate,
        beyond=tuple(sorted(missing - frozenset().union(*(run.takes for run in chosen)))),
    )


def _items(net: Net, path: Sequence[str], visits: Iterable[str], criterion: str) -> frozenset[str]:
    """Return what of a run counts for the criterion."""
    flows = [flow for flow in path if flow in net.flows]
    if criterion == "node":
        return frozenset(visits) | {end for flow in flows for end in (net.flows[flow].source, net.flows[flow].target)}
    if criterion == "decision":
        return frozenset(flow for flow in flows if len(net.leaving[net.flows[flow].source]) > 1)
    return frozenset(flows)


def _new_scenarios(chosen: Sequence[_Run], missing: frozenset[str]) -> Iterator[NewScenario]:
    left = set(missing)
    for run in chosen:
        yield NewScenario(key=run.key, path=run.path, covers=tuple(sorted(run.takes & left)))
        left -= run.takes


def _tailored(
    net: Net, graph: ControlFlowGraph, process_id: str, missing: frozenset[str], criterion: str
) -> Iterator[_Run]:
    """Yield runs made for what is missing: each goes through as many missing flows after each other as can be."""
    order, keys = _Order(net, process_id), KeyMaker(graph)
    left = {item for item in missing if item in net.flows}
    player, states = Player(net, process_id, _MOST_STATES), 0
    while left and states < _ALL_STATES:
        chain = order.longest_chain(left)
        found = player.play(chain, free=lambda _: True, one_at_a_time=True)
        states += player.states
        if found.path is None and 0 < found.position < len(chain):
            chain = chain[: found.position]  # it goes no further: the rest has to ride on another run
            found = player.play(chain, free=lambda _: True, one_at_a_time=True)
            states += player.states
        left -= {chain[0], *(found.path or ())}
        if found.path is not None:
            visits = tuple(sorted(found.visits))
            key = keys.key(found.path, visits, ())
            yield _Run(key=key, path=found.path, takes=_items(net, found.path, visits, criterion))


def _fewest(runs: Sequence[_Run], missing: frozenset[str]) -> list[_Run]:
    """Return few runs that together take all that is missing: the fewest where there are not too many to try."""
    useful = [run for run in runs if run.takes & missing]
    best = [
        run
        for index, run in enumerate(useful)
        if not any(
            run.takes & missing < other.takes & missing
            or (run.takes & missing == other.takes & missing and place < index)
            for place, other in enumerate(useful)
        )
    ]
    reachable = missing & frozenset().union(*(run.takes for run in best)) if best else frozenset()
    greedy: list[_Run] = []
    left = set(reachable)
    while left:
        run = max(best, key=lambda item: (len(item.takes & left), -len(item.path)))
        greedy.append(run)
        left -= run.takes
    if len(best) <= _MOST_EXACT:
        for size in range(1, len(greedy)):
            for chosen in combinations(best, size):
                if frozenset().union(*(run.takes for run in chosen)) >= reachable:
                    return list(chosen)
    return greedy


class _Order:
    """What can come after what in one run, counted generously: where it says never, no run can take both."""

    def __init__(self, net: Net, process_id: str) -> None:
        self._net = net
        self._after: dict[str, frozenset[str]] = {}
        self._next: dict[str, set[str]] = {}
        for flow in net.flows.values():
            self._link(f"<{flow.source}", flow.target)
        for node in net.nodes.values():
            self._link_node(node.id)
        self._forks = [fork for fork in self._find_forks(process_id) if len(fork) > 1]

    def _link(self, one: str, other: str) -> None:
        self._next.setdefault(one, set()).add(other)

    def _link_node(self, name: str) -> None:
        """Connect what comes to a node with what leaves it ('<name'), through its inside and its boundary events."""
        node, net = self._net.nodes[name], self._net
        self._link(name, f"<{name}")
        if node.loop is not None:
            self._link(f"<{name}", name)
        for event in net.boundaries.get(name, ()):
            self._link(name, f"<{event.id}")
            for inner in net.flows_inside(name):
                self._link(net.flows[inner].target, f"<{event.id}")
        for catch in net.link_targets(name):
            self._link(name, catch)
        for inside in net.members.get(name, ()):
            if not net.entering.get(inside.id) and inside.type is not NodeType.BOUNDARY_EVENT:
                self._link(name, inside.id)
            if not net.leaving.get(inside.id):
                self._link(f"<{inside.id}", f"<{name}")
        if node.triggered_by_event or node.extensions.get("isForCompensation"):
            for other in net.members[node.container]:
                self._link(other.id, name)
            self._link(f"<{name}", f"<{node.container}")

    def _reached(self, name: str) -> frozenset[str]:
        if name not in self._after:
            seen: set[str] = set()
            todo = [name]
            while todo:
                here = todo.pop()
                for following in self._next.get(here, ()):
                    if following not in seen:
                        seen.add(following)
                        todo.append(following)
            self._after[name] = frozenset(seen)
        return self._after[name]

    def _ends(self, item: str) -> tuple[str, str]:
        """Return where an element begins and ends in the graph of what follows what."""
        flow = self._net.flows.get(item)
        return (f"<{flow.source}", flow.target) if flow else (item, f"<{item}")

    def precedes(self, one: str, other: str) -> bool:
        """Return whether `other` can come after `one`."""
        end, begin = self._ends(one)[1], self._ends(other)[0]
        return end == begin or begin in self._reached(end)

    def excludes(self, one: str, other: str) -> bool:
        """Return whether no run can take both."""
        if self.precedes(one, other) or self.precedes(other, one):
            return False
        return not any(self._both(fork, one, other) for fork in self._forks)

    def _find_forks(self, process_id: str) -> Iterator[list[list[str]]]:
        """Yield the places that two or more tokens can leave at once: for each token, where it can begin."""
        for way in self._net.beginnings(process_id):
            yield [[start] for _, start in way]
        for name, node in self._net.nodes.items():
            leaving = self._net.leaving.get(name, [])
            if len(leaving) > 1 and (node.type in _SPLITS or not node.type.is_gateway):
                yield [[f"flow:{flow}"] for flow in leaving]
            for event in self._net.boundaries.get(name, ()):
                if not event.cancel_activity:  # it may happen more than once
                    yield [[name, f"<{name}"], [f"<{event.id}"], [f"<{event.id}"]]
            if node.triggered_by_event and not self._interrupts(name):
                others = [item.id for item in self._net.members[node.container] if item.id != name]
                yield [others, [name], [name]]
            if node.type.is_container:
                yield from ([[start] for _, start in way] for way in self._net.beginnings(name))

    def _interrupts(self, event_sub_process: str) -> bool:
        starts = self._net.members.get(event_sub_process, ())
        return all(item.cancel_activity for item in starts if item.type is NodeType.START_EVENT)

    def _both(self, fork: Sequence[Sequence[str]], one: str, other: str) -> bool:
        first = {index for index, ways in enumerate(fork) if any(self._leads(way, one) for way in ways)}
        second = {index for index, ways in enumerate(fork) if any(self._leads(way, other) for way in ways)}
        return bool(first and second) and len(first | second) > 1

    def _leads(self, way: str, item: str) -> bool:
        if way.startswith("flow:"):
            flow = way.removeprefix("flow:")
            return flow == item or self.precedes(flow, item)
        begin = self._ends(item)[0]
        return way == begin or begin in self._reached(way)

    def longest_chain(self, items: set[str]) -> list[str]:
        """Return many of these flows, each of which can come after the one before."""
        ranked = sorted(items, key=lambda item: (sum(self.precedes(other, item) for other in items), item))
        best: dict[str, list[str]] = {}
        for position, item in enumerate(ranked):
            before = (best[other] for other in ranked[:position] if self.precedes(other, item))
            best[item] = [*max(before, key=len, default=[]), item]
        return max(best.values(), key=len)


def _largest_conflict(order: _Order, items: frozenset[str]) -> tuple[str, ...]:
    """Return many elements of which no run can take two, at least one."""
    names = sorted(items)
    excluded = {one: {other for other in names if other != one and order.excludes(one, other)} for one in names}
    best: list[str] = []
    for first in sorted(names, key=lambda name: -len(excluded[name])):
        group, open_to = [first], excluded[first]
        while open_to:
            following = max(sorted(open_to), key=lambda name: len(excluded[name] & open_to))
            group.append(following)
            open_to = open_to & excluded[following]
        if len(group) > len(best):
            best = group
    return tuple(sorted(best))
