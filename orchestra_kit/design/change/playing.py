"""Replays a path on a graph, or finds the run nearest to it: all its flows in their order, and as few others as can be."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, product
from typing import NamedTuple

from orchestra_kit.design.change.net import Marking, Net, compensates, may_be_skipped
from orchestra_kit.model.process import FlowNode, NodeType

MOST_STATES = 5_000


class _State(NamedTuple):
    position: int
    marking: Marking


class _Trace(NamedTuple):
    """How a state was come to: the flows written, the nodes that fired, and the state before."""

    before: _State | None
    written: tuple[str, ...]
    fired: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of it: the run found, or None with the first flow of the path that cannot be taken and the reason."""

    path: tuple[str, ...] | None
    visits: frozenset[str] = frozenset()
    position: int = 0
    why: str = ""


@dataclass(slots=True)
class Player:
    """Plays on one process of a net, and on the processes `beside` it that a path goes through as well.

    What they tell each other is not looked at: the order of messages is as the path says.
    """

    net: Net
    process_id: str
    most_states: int = MOST_STATES
    beside: tuple[str, ...] = ()
    states: int = 0
    """How many states the last search looked at."""
    _traces: dict[_State, _Trace] = field(default_factory=dict)

    def play(
        self,
        path: Sequence[str],
        *,
        provokes: Collection[str] = (),
        free: Callable[[str], bool] = lambda _: False,
        one_at_a_time: bool = False,
        accept: Callable[[frozenset[str]], bool] = lambda _: True,
    ) -> Played:
        """Return the run that takes the flows of `path` in order and, between them, as few flows that are `free` as can be.

        `one_at_a_time` moves free tokens in one order only, which finds runs through wide parallel blocks. `accept` judges the
        nodes a run visits.
        """
        self._traces = {}
        turn = count()
        heap: list[tuple[int, int, int, _State]] = []
        for ways in product(*(self.net.beginnings(root) for root in self._roots)):
            for marking in self.net.put((), (), tuple(token for way in ways for token in way)):
                state = _State(0, marking)
                self._traces.setdefault(state, _Trace(None, (), ""))
                heapq.heappush(heap, (0, len(path), next(turn), state))
        done: set[_State] = set()
        furthest: _State | None = None
        most = self.most_states + 4 * len(path)
        while heap and len(done) < most:
            cost, _, _, state = heapq.heappop(heap)
            if state in done:
                continue
            done.add(state)
            self.states = len(done)
            if furthest is None or state.position > furthest.position:
                furthest = state
            if state.position == len(path) and self._is_over(state.marking, provokes):
                run, visits = self._told(state)
                if accept(visits):
                    return Played(path=run, visits=visits, position=len(path))
            moves = list(self._moves(state, path, provokes, free))
            if one_at_a_time:
                moves = _first_node_only(moves, state.position)
            for move in moves:
                if move.after not in self._traces and move.after not in done:
                    self._traces[move.after] = _Trace(state, move.written, move.node)
                    extra = len(move.written) - (move.after.position - state.position)
                    heapq.heappush(heap, (cost + extra, len(path) - move.after.position, next(turn), move.after))
        failure = self._failure(path, furthest)
        if heap and len(done) >= most:
            return replace(failure, why=f"no run was found among {most} states; the nearest: {failure.why}")
        return failure

    @property
    def _roots(self) -> tuple[str, ...]:
        return self.process_id, *self.beside

    def _told(self, state: _State) -> tuple[tuple[str, ...], frozenset[str]]:
        written: list[tuple[str, ...]] = []
        visits: set[str] = set()
        here: _State | None = state
        while here is not None:
            trace = self._traces[here]
            written.append(trace.written)
            if trace.fired:
                visits.add(trace.fired)
            here = trace.before
        path = tuple(flow for part in reversed(written) for flow in part)
        visits |= {self.net.flows[flow].target for flow in path} | {self.net.flows[flow].source for flow in path}
        return path, frozenset(visits)

    def _is_over(self, marking: Marking, provokes: Collection[str]) -> bool:
        if all(self.net.is_done(marking, root) for root in self._roots):
            return True
        return any(  # an event sub-process that shows no flows took the place of everything
            node.triggered_by_event
            and not self.net.has_inside(node.id)
            and self._interrupts(node)
            and self._named(node, provokes)
            for node in self.net.members.get(self.process_id, ())
        )

    # --- moves -------------------------------------------------------------------------------------------------------

    def _moves(
        self, state: _State, path: Sequence[str], provokes: Collection[str], free: Callable[[str], bool]
    ) -> Iterator[_Move]:
        places = dict.fromkeys(self.net.place(token) for token in state.marking)
        following = self.net.flows[path[state.position]] if state.position < len(path) else None

        def is_wanted(node: str) -> bool:
            """Entering matters only where something inside is written next, or may be."""
            if following is not None and self.net.is_inside(self.net.nodes[following.source].container, node):
                return True
            return any(free(flow) for flow in self.net.flows_inside(node))

        for node in places:
            for taken in self._firings(state.marking, node):
                item = self.net.nodes[node]
                if item.type.is_container and taken[0][0] != "in" and self.net.has_inside(node):
                    if is_wanted(node):
                        yield from self._enter(state, item, taken)
                    if not may_be_skipped(item):
                        continue
                yield from self._write(state, node, taken, (), path, free)
            if self._goes_round(state.marking, node) and is_wanted(node):
                inside = (token for token in state.marking if self.net.stands_in(token, node))
                yield from self._enter(state, self.net.nodes[node], (("in", node), *inside))
            for event in self.net.boundaries.get(node, ()):
                yield from self._boundary(state, event, path, provokes, free)
        if state.position < len(path):
            yield from self._on_demand(state, path[state.position])

    def _firings(self, marking: Marking, node: str) -> Iterator[Marking]:
        if ("in", node) in marking and self.net.is_done(marking, node):
            yield (("in", node), *(token for token in marking if self.net.stands_in(token, node)))
        yield from self.net.takes(marking, node)

    def _goes_round(self, marking: Marking, node: str) -> bool:
        loops = self.net.nodes[node].loop is not None and self.net.has_inside(node)
        return loops and ("in", node) in marking and self.net.is_done(marking, node)

    def _enter(self, state: _State, node: FlowNode, taken: Marking) -> Iterator[_Move]:
        for beginning in self.net.beginnings(node.id):
            for marking in self.net.put(state.marking, taken, (("in", node.id), *beginning)):
                yield _Move(_State(state.position, marking), (), node.id)

    def _write(
        self,
        state: _State,
        node: str,
        taken: Marking,
        kept: Marking,
        path: Sequence[str],
        free: Callable[[str], bool],
    ) -> Iterator[_Move]:
        for chosen, used in self._choices(node, path, state.position, free):
            for flows, total in self._with_side_events(node, chosen, used, path, state.position):
                for marking in self.net.put(state.marking, taken, (*kept, *(("flow", flow) for flow in flows))):
                    yield _Move(_State(state.position + total, marking), flows, node)

    def _choices(
        self, node: str, path: Sequence[str], position: int, free: Callable[[str], bool]
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yield the sets of flows a node may write here: some of the next of the path, and free ones where it must."""
        leaving = self.net.leaving.get(node, ())
        run: list[str] = []
        required = self.net.required(node)
        while True:
            missing = tuple(flow for flow in leaving if flow in required and flow not in run)
            chosen = (*run, *missing)
            if all(free(flow) for flow in missing):
                if chosen and self.net.allows(node, chosen):
                    yield chosen, len(run)
                if not run:
                    for flow in leaving:
                        if flow not in missing and free(flow) and self.net.allows(node, (*missing, flow)):
                            yield (*missing, flow), 0
            following = position + len(run)
            if following >= len(path) or path[following] not in leaving or path[following] in run:
                return
            run.append(path[following])

    def _with_side_events(
        self, node: str, chosen: tuple[str, ...], used: int, path: Sequence[str], position: int
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yield the choice alone, and with what a non-interrupting boundary event of the node writes right after."""
        yield chosen, used
        following = position + used
        if not used or following >= len(path):
            return
        for event in self.net.boundaries.get(node, ()):
            if not event.cancel_activity and self.net.flows[path[following]].source == event.id:
                more = tuple(path[following : following + len(self.net.leaving[event.id])])
                if self.net.allows(event.id, more):
                    yield (*chosen, *more), used + len(more)

    def _boundary(
        self,
        state: _State,
        event: FlowNode,
        path: Sequence[str],
        provokes: Collection[str],
        free: Callable[[str], bool],
    ) -> Iterator[_Move]:
        leaving = self.net.leaving.get(event.id, ())
        asked = state.position < len(path) and path[state.position] in leaving
        silent = not leaving and event.id in provokes and event.cancel_activity
        if not (asked or silent or (leaving and event.id not in provokes and all(free(flow) for flow in leaving))):
            return
        host = event.attached_to or ""
        for taken in self._interruptible(state.marking, host):
            if silent:
                for marking in self.net.put(state.marking, taken, ()):
                    yield _Move(_State(state.position, marking), (), event.id)
            elif event.cancel_activity:
                yield from self._write(state, event.id, taken, (), path, free)
            elif taken[0] == ("in", host):
                yield from self._write(state, event.id, (), (), path, free)
            else:
                for beginning in self.net.beginnings(host) if self.net.has_inside(host) else [()]:
                    yield from self._write(state, event.id, taken, (("in", host), *beginning), path, free)

    def _interruptible(self, marking: Marking, host: str) -> Iterator[Marking]:
        if ("in", host) in marking:
            yield (("in", host), *(token for token in marking if self.net.stands_in(token, host)))
        if host in self.net.nodes:
            yield from self.net.takes(marking, host)

    def _on_demand(self, state: _State, flow: str) -> Iterator[_Move]:
        """Yield the entering of an event sub-process or compensation handler that the next flow of the path lies in."""
        container = self.net.nodes[self.net.flows[flow].source].container
        while container in self.net.nodes:
            node = self.net.nodes[container]
            running = node.container in self._roots or ("in", node.container) in state.marking
            if running and ("in", node.id) not in state.marking:
                if node.triggered_by_event:
                    around = node.container
                    taken = [token for token in state.marking if self.net.stands_in(token, around)]
                    yield from self._enter(state, node, tuple(taken) if self._interrupts(node) else ())
                elif compensates(node):
                    yield from self._enter(state, node, ())
            container = node.container

    def _interrupts(self, node: FlowNode) -> bool:
        starts = (item for item in self.net.members.get(node.id, ()) if item.type is NodeType.START_EVENT)
        return all(item.cancel_activity for item in starts)

    def _named(self, node: FlowNode, provokes: Collection[str]) -> bool:
        return bool({node.id, *(item.id for item in self.net.members.get(node.id, ()))} & set(provokes))

    # --- failure -----------------------------------------------------------------------------------------------------

    def _failure(self, path: Sequence[str], furthest: _State | None) -> Played:
        if furthest is None:
            return Played(path=None, why="nothing starts the process")
        position = furthest.position
        if position == len(path):
            left = ", ".join(dict.fromkeys(f"'{self.net.place(token)}'" for token in furthest.marking))
            return Played(
                path=None, position=position, why=f"the run does not come to its end: it stays at {left or 'nothing'}"
            )
        node = self.net.nodes[self.net.flows[path[position]].source]
        waiting = self._waiting(furthest.marking, node)
        return Played(path=None, position=position, why=waiting)

    def _waiting(self, marking: Marking, node: FlowNode) -> str:
        held = [flow for flow in self.net.entering.get(node.id, ()) if ("flow", flow) in marking]
        if held and node.type is NodeType.PARALLEL_GATEWAY:
            lacking = [flow for flow in self.net.entering[node.id] if flow not in held]
            if lacking:
                return f"the parallel join '{node.id}' waits for {', '.join(repr(flow) for flow in lacking)}"
        if held and node.type is NodeType.INCLUSIVE_GATEWAY and self.net.awaited(marking, node.id):
            return f"the inclusive join '{node.id}' waits for '{self.net.awaited(marking, node.id)[0][1]}'"
        if held or any(True for _ in self._firings(marking, node.id)):
            needed = ", ".join(repr(flow) for flow in self.net.leaving.get(node.id, ()))
            return f"'{node.id}' cannot take just this flow now; it has {needed}"
        here = ", ".join(dict.fromkeys(f"'{self.net.place(token)}'" for token in marking))
        return f"'{node.id}' is not reached; the run is at {here or 'its end'}"


class _Move(NamedTuple):
    after: _State
    written: tuple[str, ...]
    node: str


def _first_node_only(moves: list[_Move], position: int) -> list[_Move]:
    """Return the moves that follow the path, and of the others those of one node: their order among nodes does not matter."""
    following = [move for move in moves if move.after.position > position]
    others = [move for move in moves if move.after.position == position]
    return following + [move for move in others if move.node == others[0].node]
