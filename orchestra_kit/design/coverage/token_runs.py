"""All runs of a container under token semantics, as one graph to walk on.

Tokens that do not meet at a join never hinder each other (choices are free), so one order of moves stands for all: a
branch is run until its token ends or waits at a join, then the next branch. A moment of a run is then the element just
entered, the stack of branches still to run and the tokens that wait at joins. Where branches are blocks, each element
is entered in one such context only, and the graph is as large as the container.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from orchestra_kit.design.coverage.contexts import EMPTY, PendingBranches, WaitingTokens
from orchestra_kit.design.coverage.late_tokens import LateTokens
from orchestra_kit.design.coverage.token_net import Choice, TokenNet
from orchestra_kit.design.coverage.walk_graph import Edge, EdgeKind, WalkGraph, closure

PLAIN = frozenset({EdgeKind.FLOW, EdgeKind.LINK, EdgeKind.DONE, EdgeKind.TURN})
"""The steps of runs that no boundary event interrupts."""
Moment = tuple[int, int, int]
_BETWEEN = -1  # no element: the next token's turn
_CAREFUL_TURNS = 3
_OUTSIDE = -2  # an error has left the container


class TokenRuns:
    """The graph of runs of one net, explored from its starts up to a number of moments.

    With `calm` what has fewest tokens besides the moving one is explored first: worth it where not all can be.
    """

    def __init__(self, net: TokenNet, *, wide: Iterable[int] = (), limit: int = 0, calm: bool = False) -> None:
        self.net = net
        self._count = len(net.content)
        self.limit = limit or max(6000, 8 * (self._count + len(net.flow_ids)))
        self.pending = PendingBranches()
        self.waiting = WaitingTokens(net.rank)
        decided = {flow for flows in net.leaving if len(flows) > 1 for flow in flows}
        self.graph = WalkGraph(node_ids=[], decided=frozenset(net.flow_ids[flow] for flow in decided))
        self.moments: list[Moment] = []
        self.complete = True
        self._numbers: dict[Moment, int] = {}
        self._queue: list[tuple[int, int]] = []
        self._calm = calm
        self._wide = set(wide)
        self._choices: dict[int, list[Choice]] = {}
        self._late = LateTokens(net, self.pending, self.waiting)
        self._main = 0
        self._further: dict[int, list[Edge]] = {}
        self._further_ends: set[int] = set()
        widths = [max((len(choice) for choice in self.choices(node)), default=1) for node in range(self._count)]
        aside = sum(len(events) for events in net.boundaries.values())
        self._deepest = 2 * sum(width - 1 for width in widths) + len(net.starts) + aside + 2
        self._most_waiting = 2 * len(net.full) + len(net.fatal) + 1

    def choices(self, node: int) -> list[Choice]:
        """Return what one firing of a node may put tokens on."""
        found = self._choices.get(node)
        if found is None:
            found = self._choices[node] = self.net.choices(node, wide=node in self._wide)
        return found

    def explore(self, starts: Sequence[int]) -> None:
        """Add the runs that begin with all of these nodes at once."""
        pending = EMPTY
        if len(starts) == 1:
            number = self._number((starts[0], EMPTY, EMPTY))
        else:
            for node in reversed(starts):
                pending = self.pending.push(pending, ~node)
            number = self._number((_BETWEEN, pending, EMPTY))
        if number is None:
            return
        self.graph.starts.append(number)
        while self._queue:
            self._follow(heappop(self._queue)[1])

    def detour(self, number: int, choice: Choice, known: Collection[int]) -> list[Edge] | None:
        """Return steps from a moment where a node fires, by a choice of its own, to the nearest known moment or an end.

        The moments and steps between are added to the graph. None where every way leads to a join that never fires.
        """
        self._main = self._main or len(self.moments)
        self.limit = len(self.moments) + 4 * self._count + 1000
        first = len(self.graph.edges)
        self._fire_choice(number, self.moments[number], choice)
        came: dict[int, Edge | None] = {number: None}
        fresh = [number]
        steps = self.graph.edges[first:]
        for node in fresh:
            if node != number:
                if node in known or node in self._further_ends:
                    return _way(came, node)
                steps = self._further_steps(node)
            for edge in steps:
                if edge.target not in came and edge.kind not in (EdgeKind.BOUNDARY, EdgeKind.ESCAPE):
                    came[edge.target] = edge
                    fresh.append(edge.target)
        return None

    def _further_steps(self, node: int) -> list[Edge]:
        """Return the steps from a moment that only detours come to."""
        if node < self._main:
            return []  # explored before, and no way to an end from it
        found = self._further.get(node)
        if found is None:
            first, ends = len(self.graph.edges), len(self.graph.ends)
            self._follow(node)
            self._further_ends.update(self.graph.ends[ends:])
            found = self._further[node] = self.graph.edges[first:]
        return found

    # --- one moment --------------------------------------------------------------------------------------------------

    def _number(self, moment: Moment) -> int | None:
        found = self._numbers.get(moment)
        if found is None:
            if len(self.moments) >= self.limit or self._too_deep(moment):
                self.complete = False
                self.graph.cut_short |= len(self.moments) >= self.limit
                return None
            found = self._numbers[moment] = len(self.moments)
            self.moments.append(moment)
            element = moment[0]
            inside = 0 <= element < self._count
            self.graph.node_ids.append(self.net.content[element].id if inside else "")
            others = self.pending.depth[moment[1]] + self.waiting.depth[moment[2]] if self._calm else 0
            heappush(self._queue, (others, found))
        return found

    def _too_deep(self, moment: Moment) -> bool:
        return self.pending.depth[moment[1]] > self._deepest or self.waiting.depth[moment[2]] > self._most_waiting

    def _step(self, kind: EdgeKind, identifier: str, source: int, moment: Moment, fires: tuple[str, ...] = ()) -> None:
        target = self._number(moment)
        if target is not None:
            edges = self.graph.edges
            edges.append(Edge(index=len(edges), kind=kind, id=identifier, source=source, target=target, fires=fires))

    def _follow(self, number: int) -> None:
        moment = self.moments[number]
        element, pending, waiting = moment
        if element == _BETWEEN:
            self._next_turn(number, pending, waiting)
        elif element == _OUTSIDE:
            self.graph.ends.append(number)
        elif element >= 2 * self._count:
            self._fire(number, moment, element - 2 * self._count)
        elif element >= self._count:
            self._leave(number, moment, element - self._count)
        else:
            self._enter(number, moment)

    def _enter(self, number: int, moment: Moment) -> None:
        node, pending, waiting = moment
        ways = self.net.exits.get(node)
        name = self.net.content[node].id
        if ways is not None and ways.normal:
            self._step(EdgeKind.DONE, name, number, (self._count + node, pending, waiting))
        if ways is not None and ways.uncaught:
            self._step(EdgeKind.ESCAPE, name, number, (_OUTSIDE, EMPTY, EMPTY))
        for event in self.net.boundaries.get(node, ()):
            if self.net.content[event].cancel_activity:
                self._step(EdgeKind.BOUNDARY, self.net.content[event].id, number, (event, pending, waiting))
        if ways is None:
            self._leave(number, moment, node)

    def _leave(self, number: int, moment: Moment, node: int) -> None:
        """An activity is done: what came beside it runs first, then it puts out its tokens."""
        for event in self.net.boundaries.get(node, ()):
            if not self.net.content[event].cancel_activity:
                beside = self.pending.push(moment[1], ~(2 * self._count + node))
                self._step(EdgeKind.BOUNDARY, self.net.content[event].id, number, (event, beside, moment[2]))
        self._fire(number, moment, node)

    def _fire(self, number: int, moment: Moment, node: int) -> None:
        _, pending, waiting = moment
        choices = self.choices(node)
        if node in self.net.fatal or (not choices and pending == EMPTY and waiting == EMPTY):
            self.graph.ends.append(number)
        elif not choices:
            self._step(EdgeKind.TURN, "", number, (_BETWEEN, pending, waiting))
        elif node in self.net.endless and (pending != EMPTY or waiting != EMPTY):
            stopped = self.waiting.until_end(waiting, self.waiting.ENDLESS)
            self._step(EdgeKind.TURN, "", number, (_BETWEEN, pending, stopped))
        for choice in choices:
            self._fire_choice(number, moment, choice)

    def _fire_choice(self, number: int, moment: Moment, choice: Choice) -> None:
        _, pending, waiting = moment
        for flow in choice[:0:-1]:
            pending = self.pending.push(pending, flow)
        fires = tuple(self.net.flow_ids[flow] for flow in choice if self.net.flow_ids[flow])
        self._take(number, choice[0], pending, waiting, fires)

    def _take(self, number: int, flow: int, pending: int, waiting: int, fires: tuple[str, ...] = ()) -> None:
        """Let the token of a flow come to the flow's target."""
        identifier, node = self.net.flow_ids[flow], self.net.targets[flow]
        kind = EdgeKind.FLOW if identifier else EdgeKind.LINK
        if node in self.net.full:
            waiting, fired = self.waiting.add(waiting, node, self.net.bit[flow], self.net.full[node])
            if not fired:
                node = _BETWEEN
        elif node in self.net.fatal and pending != EMPTY:
            waiting, node = self.waiting.until_end(waiting, self.waiting.armed(node)), _BETWEEN
        self._step(kind, identifier, number, (node, pending, waiting), fires)

    def _next_turn(self, number: int, pending: int, waiting: int) -> None:
        for join, mask in self.waiting.entries(waiting):
            if join in self.net.inclusive and not self._late.may_come(join, mask, pending, waiting):
                self._step(EdgeKind.TURN, "", number, (join, pending, self.waiting.remove(waiting, join)))
                return
        if pending == EMPTY:  # whatever waits at joins now, waits for ever
            for mark, _ in self.waiting.entries(waiting):
                if mark < self.waiting.ENDLESS:
                    self._step(EdgeKind.TURN, "", number, (self.waiting.armed(mark), EMPTY, EMPTY))
            return
        item, below = self.pending.top[pending], self.pending.below[pending]
        if item < 0:
            self._step(EdgeKind.TURN, "", number, (~item, below, waiting))
        else:
            self._take(number, item, below, waiting)


def _way(came: Mapping[int, Edge | None], node: int) -> list[Edge]:
    way: list[Edge] = []
    edge = came[node]
    while edge is not None:
        way.append(edge)
        edge = came[edge.source]
    return way[::-1]


def explore_runs(net: TokenNet, allowed: Callable[[Edge], bool]) -> tuple[TokenRuns, WalkGraph]:
    """Return the runs of a net, and the part on runs over allowed steps that come to an end.

    Starts that cannot run alone are fired together. Splits with conditions let all their branches run together; any
    fewer of them as well where otherwise a token waits for ever, tokens beget others without end or flows stay uncovered.
    """
    best = _explore(net, frozenset(), allowed)
    for turn in count():
        open_ones = best.splits_in_doubt()
        if not open_ones:
            break
        near = best.splits_to_blame() & open_ones if turn < _CAREFUL_TURNS else None
        best = _explore(net, best.wide | (near or open_ones), allowed, calm=not best.runs.complete)
    before = best.splits_before_uncovered()
    if before:
        trial = _explore(net, best.wide | before, allowed, calm=not best.runs.complete)
        best = trial if len(trial.covered) > len(best.covered) else best
    idle = best.splits_wide_for_nothing()
    if idle:
        trial = _explore(net, best.wide - idle, allowed, calm=not best.runs.complete)
        best = trial if trial.covered >= best.covered else best
    return best.runs, best.part


def _explore(net: TokenNet, wide: frozenset[int], allowed: Callable[[Edge], bool], *, calm: bool = False) -> _Explored:
    runs = _from_starts(TokenRuns(net, wide=wide, calm=calm), allowed)
    part = runs.graph.restrict(allowed)
    return _Explored(runs=runs, part=part, wide=wide, covered={flow for edge in part.edges for flow in edge.fires})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explored:
    """The runs found with some splits wide, and which further splits could make a difference."""

    runs: TokenRuns
    part: WalkGraph
    wide: frozenset[int]
    covered: set[str]

    def splits_in_doubt(self) -> set[int]:
        """Return the splits not wide yet that runs come to and that some uncovered flow leaves."""
        net = self.runs.net
        reached = {moment[0] for moment in self.runs.moments}
        return {
            node
            for node in reached
            if 0 <= node < len(net.content)
            and self._can_widen(node)
            and any(net.flow_ids[flow] not in self.covered for flow in net.leaving[node])
        }

    def splits_to_blame(self) -> set[int]:
        """Return splits in the blocks before joins where tokens wait for ever, and those that beget tokens in loops."""
        runs, net = self.runs, self.runs.net
        moving = {edge.source for edge in runs.graph.edges}
        stuck = {
            join
            for number, (element, pending, waiting) in enumerate(runs.moments)
            if element == _BETWEEN and pending == EMPTY and number not in moving
            for join, _ in runs.waiting.entries(waiting)
            if join >= 0
        }
        borders = {net.dominators.closest(join) for join in stuck}
        found = closure(
            stuck, lambda node: () if node in borders else (net.sources[flow] for flow in net.entering[node])
        )
        found |= {node for node in range(len(net.content)) if net.begets(node)}
        return {node for node in found if self._can_widen(node)}

    def splits_before_uncovered(self) -> set[int]:
        """Return splits not wide yet on paths from the starts to flows that are not covered."""
        net = self.runs.net
        reached = closure(net.starts, lambda node: (net.targets[flow] for flow in net.leaving[node]))
        sources = {net.sources[flow] for flow, name in enumerate(net.flow_ids) if name and name not in self.covered}
        before = closure(sources & reached, lambda node: (net.sources[flow] for flow in net.entering[node]))
        return {node for node in before & reached if self._can_widen(node)}

    def splits_wide_for_nothing(self) -> set[int]:
        """Return the wide splits that need no more than their usual choices to have all covered that leaves them."""
        net = self.runs.net
        fired: dict[int, set[str]] = {}
        usual = {node: {self._ids(choice) for choice in net.choices(node)} for node in self.wide}
        for edge in self.part.edges:
            element = self.runs.moments[edge.source][0]
            node = element % len(net.content) if element >= 0 else element
            if edge.fires and edge.fires in usual.get(node, ()):
                fired.setdefault(node, set()).update(edge.fires)
        return {
            node
            for node in self.wide
            if self.covered & {net.flow_ids[flow] for flow in net.leaving[node]} <= fired.get(node, set())
        }

    def _ids(self, choice: Choice) -> tuple[str, ...]:
        return tuple(self.runs.net.flow_ids[flow] for flow in choice)

    def _can_widen(self, node: int) -> bool:
        usual = self.runs.choices(node)
        several = node not in self.wide and any(len(choice) > 1 for choice in usual)
        return several and self.runs.net.choices(node, wide=True) != usual


def _from_starts(runs: TokenRuns, allowed: Callable[[Edge], bool]) -> TokenRuns:
    net = runs.net
    groups: list[list[int]] = [net.starts] if net.all_start and net.starts else [[node] for node in net.starts]
    for group in groups:
        runs.explore(group)
    alive = runs.graph.restrict(allowed).alive
    dead = [group for group, start in zip(groups, runs.graph.starts, strict=False) if start not in alive]
    if dead and len(net.starts) > 1:
        singles = [node for group in dead for node in group]
        further = [[node] for node in singles] if net.all_start else [singles, net.starts]
        for group in further:
            if group not in groups and (len(group) > 1 or net.all_start):
                groups.append(group)
                runs.explore(group)
    return runs
