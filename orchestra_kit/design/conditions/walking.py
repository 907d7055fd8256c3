"""A bounded search for other runs of a process through a flow that its planned runs cannot take with any data.

A run is played with tokens, one branch wholly after the other, as plans walk them; at each choice the flow that is
nearest to what is looked for is tried first, and a prefix whose conditions already conflict is not followed.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from orchestra_kit.design.conditions.runs import Run, Search, State, Token
from orchestra_kit.design.coverage.containers import containers_of
from orchestra_kit.design.coverage.fragments import Signal, catcher_of, raised_signal
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType, SequenceFlow

MAX_STEPS = 20_000
MAX_PATH = 1_000
_FAR = 10**6
_SPLITS = frozenset({NodeType.INCLUSIVE_GATEWAY, NodeType.COMPLEX_GATEWAY})


class RunFinder:
    """Finds runs of one process."""

    def __init__(self, graph: ControlFlowGraph, process_id: str, *, max_loop: int) -> None:
        self._containers = containers_of(graph, process_id)
        self._process_id, self._max_loop = process_id, max_loop
        self._nodes: dict[str, FlowNode] = {}
        self._flows: dict[str, SequenceFlow] = {}
        self._leaving: dict[str, list[SequenceFlow]] = defaultdict(list)
        self._entering: dict[str, list[SequenceFlow]] = defaultdict(list)
        self._boundaries: dict[str, list[FlowNode]] = defaultdict(list)
        for container in self._containers.values():
            self._nodes |= {node.id: node for node in container.nodes}
            for flow in container.flows:
                self._flows[flow.id] = flow
                self._leaving[flow.source].append(flow)
                self._entering[flow.target].append(flow)
        for node in self._nodes.values():
            if node.type is NodeType.BOUNDARY_EVENT and node.attached_to and "compensate" not in node.event_definitions:
                self._boundaries[node.attached_to].append(node)
        self._links = {
            node.name: node.id
            for node in self._nodes.values()
            if node.type is NodeType.INTERMEDIATE_CATCH_EVENT and "link" in node.event_definitions
        }

    def knows(self, flow_id: str) -> bool:
        """Return True for a flow that joins two elements of the process."""
        return flow_id in self._flows

    def find(
        self,
        goal: str,
        *,
        times: int = 1,
        feasible: Callable[[Run], bool],
        limit: int,
        likely: Callable[[Run], bool] = lambda _: True,
        covered: frozenset[str] = frozenset(),
    ) -> Search:
        """Return a run that takes flow `goal` so many times and that `feasible` accepts; `limit` bounds its refusals.

        Of the choices that can lead to the goal those with flows not yet `covered` are tried first, then `likely` ones.
        """
        distance = self._distances(goal)
        bound = max(times, self._max_loop + 1)
        waiting = [(state, False) for state in reversed(list(self._starts(distance)))]
        steps = refused = 0
        cut = False
        while waiting:
            state, doubtful = waiting.pop()
            steps += 1
            if steps > MAX_STEPS or refused >= limit:
                return Search(run=None, exhausted=False)
            if doubtful and not feasible(state.run):
                refused += 1
                continue
            if not state.stack:
                if not state.waiting and state.path.count(goal) >= times:
                    if feasible(state.run):
                        return Search(run=state.run, exhausted=False)
                    refused += 1
                continue
            ahead = distance if state.path.count(goal) < times else {}
            if ahead and not self._can_reach(state, ahead):
                continue
            following = list(self._moved(state, ahead))
            chosen = len(following) > 1
            if chosen:
                start = len(state.path)
                following.sort(
                    key=lambda after: (
                        self._leads_away(state, after, ahead),
                        covered.issuperset(after.path[start:]),
                        not likely(after.run),
                    )
                )
            for after in reversed(following):
                if len(after.path) > MAX_PATH or self._repeats(after, len(state.path), bound):
                    cut = True
                else:
                    waiting.append((after, chosen and len(after.path) > len(state.path)))
        return Search(run=None, exhausted=not cut and not self._narrowed())

    def _can_reach(self, state: State, ahead: dict[str, int]) -> bool:
        """Return whether some token of a run can still come to the goal."""
        for token in state.stack:
            where = self._flows[token.of].target if token.kind == "flow" else token.of
            if token.of in ahead or where in ahead:
                return True
        return any(self._flows[item].target in ahead for item in state.waiting)

    def _leads_away(self, state: State, after: State, ahead: dict[str, int]) -> bool:
        """Return whether the flows just chosen are none from which the goal can be reached."""
        chosen = after.path[len(state.path) :]
        return bool(ahead) and not any(flow in ahead or self._flows[flow].target in ahead for flow in chosen)

    def _narrowed(self) -> bool:
        """Return whether some choices were never tried: large subsets, sub-processes interrupted midway or by events."""
        for node in self._nodes.values():
            if node.triggered_by_event or (node.type in _SPLITS and len(self._leaving[node.id]) > 3):
                return True
            if self._boundaries.get(node.id) and (node.type.is_container or node.loop is not None):
                return True
        starts = Counter(node.container for node in self._nodes.values() if node.type is NodeType.START_EVENT)
        return any(count > 1 for count in starts.values())

    def _repeats(self, state: State, since: int, bound: int) -> bool:
        counts = Counter(state.path)
        return any(counts[flow] > bound for flow in state.path[since:])

    # --- nearness ----------------------------------------------------------------------------------------------------

    def _distances(self, goal: str) -> dict[str, int]:
        """Return how many flows lie between a node and the goal at least, by node id; the goal itself is nearest of all."""
        before: dict[str, set[str]] = defaultdict(set)
        for flow in self._flows.values():
            before[flow.target].add(flow.source)
        for node in self._nodes.values():
            holder = node.container
            if holder != self._process_id:
                if not self._entering[node.id]:
                    before[node.id].add(holder)
                if not self._leaving[node.id]:
                    before[holder].add(node.id)
            if node.type is NodeType.BOUNDARY_EVENT and node.attached_to:
                before[node.id].add(node.attached_to)
        source = self._flows[goal].source
        found = {source: 0}
        queue = deque([source])
        while queue:
            node_id = queue.popleft()
            for item in before[node_id]:
                if item not in found:
                    found[item] = found[node_id] + 1
                    queue.append(item)
        found[goal] = -1
        return found

    def _nearness(
        self, flows: Iterable[SequenceFlow], distance: dict[str, int], path: Sequence[str]
    ) -> tuple[int, int]:
        """Return the order in which a choice is tried: near to the goal first, then what was walked least."""
        listed = list(flows)
        near = (
            min((distance.get(flow.id, distance.get(flow.target, _FAR)) for flow in listed), default=0)
            if distance
            else 0
        )
        return near, sum(path.count(flow.id) for flow in listed)

    # --- moving ------------------------------------------------------------------------------------------------------

    def _starts(self, distance: dict[str, int]) -> Iterator[State]:
        for group in self._entries(self._process_id, distance):
            yield State(stack=tuple(Token("enter", item) for item in reversed(group)))

    def _entries(self, container_id: str, distance: dict[str, int]) -> list[list[str]]:
        """Return the alternatives to begin a container with: one start event each, else everything nothing leads to."""
        container = self._containers.get(container_id)
        if container is None:
            return [[]]
        free = [
            node
            for node in container.nodes
            if not self._entering[node.id]
            and node.type is not NodeType.BOUNDARY_EVENT
            and not node.triggered_by_event
            and not (node.type is NodeType.INTERMEDIATE_CATCH_EVENT and "link" in node.event_definitions)
            and not node.extensions.get("isForCompensation")
        ]
        starts = [node.id for node in free if node.type is NodeType.START_EVENT]
        if starts:
            alone = [[item] for item in sorted(starts, key=lambda item: distance.get(item, _FAR))]
            joins = any(
                node.type is NodeType.PARALLEL_GATEWAY and len(self._entering[node.id]) > 1 for node in container.nodes
            )
            return [*alone, starts] if joins and len(starts) > 1 else alone
        return [[node.id for node in free]]

    def _moved(self, state: State, distance: dict[str, int]) -> Iterator[State]:
        """Yield what a run can become by its next move, the most promising first."""
        token = state.stack[-1]
        rest = replace(state, stack=state.stack[:-1])
        if token.kind == "flow":
            yield from self._arrived(rest, self._flows[token.of], distance)
        elif token.kind == "enter":
            yield from self._entered(rest, self._nodes[token.of], distance)
        elif token.kind == "fire":
            yield from self._fired(rest, self._nodes[token.of], distance)
        else:
            yield from self._left(rest, token.of, distance)

    def _arrived(self, state: State, flow: SequenceFlow, distance: dict[str, int]) -> Iterator[State]:
        node = self._nodes[flow.target]
        entering = [item.id for item in self._entering[node.id]]
        joins = node.type in (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY) and len(entering) > 1
        if not joins:
            yield from self._entered(state, node, distance)
            return
        waiting = (*state.waiting, flow.id)
        if node.type is NodeType.PARALLEL_GATEWAY and set(entering) <= set(waiting):
            after = replace(state, waiting=_without(waiting, entering)).joined(node.id, len(entering))
            yield from self._entered(after, node, distance)
            return
        yield from self._settled(replace(state, waiting=waiting), distance)

    def _settled(self, state: State, distance: dict[str, int]) -> Iterator[State]:
        """Let an inclusive join fire when nothing else moves in its container; else go on."""
        scope = next((token.of for token in reversed(state.stack) if token.kind == "leave"), self._process_id)
        if state.stack and state.stack[-1].kind != "leave":
            yield state
            return
        joins = [
            target
            for target in dict.fromkeys(self._flows[item].target for item in state.waiting)
            if self._nodes[target].type is NodeType.INCLUSIVE_GATEWAY and self._nodes[target].container == scope
        ]
        ready = [item for item in joins if not any(other != item and self._reaches(other, item) for other in joins)]
        if not ready:
            yield state
            return
        entering = [item.id for item in self._entering[ready[0]] if item.id in state.waiting]
        after = replace(state, waiting=_without(state.waiting, entering)).joined(ready[0], len(entering))
        yield from self._entered(after, self._nodes[ready[0]], distance)

    def _reaches(self, source: str, target: str) -> bool:
        seen, queue = {source}, [source]
        while queue:
            for flow in self._leaving[queue.pop()]:
                if flow.target == target:
                    return True
                if flow.target not in seen:
                    seen.add(flow.target)
                    queue.append(flow.target)
        return False

    def _entered(self, state: State, node: FlowNode, distance: dict[str, int]) -> Iterator[State]:
        here = replace(state, visits=(*state.visits, node.id))
        ways: list[tuple[int, State]] = []
        if node.type.is_container:
            for group in self._entries(node.id, distance):
                inner = (Token("leave", node.id), *(Token("enter", item) for item in reversed(group)))
                ways.append((0, replace(here, stack=(*here.stack, *inner))))
        else:
            ways += [(0, after) for after in self._fired(here, node, distance)]
        near = min((distance.get(flow.target, _FAR) for flow in self._leaving[node.id]), default=_FAR)
        for event in self._boundaries[node.id]:
            if event.cancel_activity or not node.type.is_container:
                closer = bool(distance) and distance.get(event.id, _FAR) < near
                ways += [(-1 if closer else 1, after) for after in self._interrupted(here, node, event, distance)]
        yield from (after for _, after in sorted(ways, key=lambda item: item[0]))

    def _interrupted(self, state: State, node: FlowNode, event: FlowNode, distance: dict[str, int]) -> Iterator[State]:
        after = replace(state, visits=(*state.visits, event.id), provokes=(*state.provokes, event.id))
        if not event.cancel_activity:
            after = replace(after, stack=(*after.stack, Token("fire", node.id)))
        yield from self._fired(after, event, distance)

    def _fired(self, state: State, node: FlowNode, distance: dict[str, int]) -> Iterator[State]:
        if node.type is NodeType.END_EVENT and "terminate" in node.event_definitions:
            yield from self._terminated(state, node, distance)
            return
        signal = raised_signal(node)
        if signal is not None and signal.kind != "escalation":
            yield from self._raised(state, node, signal, distance)
            return
        leaving = self._leaving[node.id]
        if not leaving:
            catch = self._links.get(node.name) if "link" in node.event_definitions else None
            if catch is not None and catch != node.id:
                yield replace(state, stack=(*state.stack, Token("enter", catch)))
            else:
                yield from self._settled(state, distance)
            return
        choices = sorted(self._choices(node, leaving), key=lambda item: self._nearness(item, distance, state.path))
        for flows in choices:
            tokens = tuple(Token("flow", flow.id) for flow in reversed(flows))
            splits = (*state.splits, (len(state.visits), len(flows) - 1)) if len(flows) > 1 else state.splits
            path = (*state.path, *(flow.id for flow in flows))
            yield replace(state, stack=(*state.stack, *tokens), path=path, splits=splits)

    def _terminated(self, state: State, node: FlowNode, distance: dict[str, int]) -> Iterator[State]:
        """End the container of a terminate event at once, with all tokens in it."""
        stack = state.stack
        while stack and stack[-1].kind != "leave":
            stack = stack[:-1]
        waiting = tuple(item for item in state.waiting if self._flows[item].container != node.container)
        yield replace(state, stack=stack, waiting=waiting)

    def _raised(self, state: State, node: FlowNode, signal: Signal, distance: dict[str, int]) -> Iterator[State]:
        """End the containers an error or cancellation leaves, up to the one whose boundary event catches it."""
        container, stack, waiting = node.container, state.stack, state.waiting
        while any(token.kind == "leave" for token in stack):
            while stack[-1].kind != "leave":
                stack = stack[:-1]
            waiting = tuple(item for item in waiting if self._flows[item].container != container)
            holder, stack = self._nodes[stack[-1].of], stack[:-1]
            catcher = catcher_of(signal, self._boundaries[holder.id])
            if catcher is not None:
                after = replace(
                    state,
                    stack=stack,
                    waiting=waiting,
                    visits=(*state.visits, catcher.id),
                    provokes=(*state.provokes, catcher.id),
                )
                yield from self._fired(after, catcher, distance)
                return
            container = holder.container
        yield from self._settled(state, distance)  # nobody catches it: an end like any other

    def _left(self, state: State, container_id: str, distance: dict[str, int]) -> Iterator[State]:
        if any(self._flows[item].container == container_id for item in state.waiting):
            return  # a token is stuck before a join: no valid run
        yield from self._fired(state, self._nodes[container_id], distance)

    def _choices(self, node: FlowNode, leaving: list[SequenceFlow]) -> list[list[SequenceFlow]]:
        """Return the sets of flows a node may put tokens on."""
        if node.type in (NodeType.EXCLUSIVE_GATEWAY, NodeType.EVENT_BASED_GATEWAY):
            return [[flow] for flow in leaving]
        if node.type is NodeType.PARALLEL_GATEWAY:
            return [leaving]
        default = [flow for flow in leaving if flow.is_default or flow.id == node.default_flow]
        if node.type in _SPLITS:
            return _subsets([flow for flow in leaving if flow not in default]) + ([default] if default else [])
        guarded = [flow for flow in leaving if flow.condition is not None and flow not in default]
        always = [flow for flow in leaving if flow not in guarded and flow not in default]
        if not guarded:
            return [leaving]
        ways = [[flow for flow in leaving if flow in subset or flow in always] for subset in _subsets(guarded)]
        other = always + default
        return ways + ([other] if other else [])


def _subsets(flows: list[SequenceFlow]) -> list[list[SequenceFlow]]:
    """Return all non-empty subsets of up to three flows; of more the single ones, the pairs and all."""
    singles = [[flow] for flow in flows]
    pairs = [[first, second] for number, first in enumerate(flows) for second in flows[number + 1 :]]
    whole = [flows] if len(flows) > 2 else []
    return singles + (pairs if len(flows) <= 12 else []) + whole


def _without(waiting: Sequence[str], consumed: Iterable[str]) -> tuple[str, ...]:
    left = list(waiting)
    for item in consumed:
        left.remove(item)
    return tuple(left)
