"""The rules of tokens: which nodes may fire in a state, what firing takes, and what it may put down.

A state (scope) is one running instance of a container: the starts that fired, its tokens (flow ids; '@node' for a token that came
to a node by no flow) and the activities that are active in it, each with the state inside it or None where it is taken as one step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from itertools import combinations
from typing import NamedTuple

from token_model import Flow, Model, Node

ONE_OF = ("exclusiveGateway", "eventBasedGateway")
SOME_OF = ("inclusiveGateway", "complexGateway")
COMBINATIONS = 12  # wider inclusive splits are enumerated only by single flows, neighbours and all


class Child(NamedTuple):
    """An active activity."""

    node: str
    inside: Scope | None


class Scope(NamedTuple):
    """One running container."""

    container: str
    started: frozenset[str]
    tokens: tuple[str, ...]
    children: tuple[Child, ...]

    def with_tokens(self, taken: Collection[str] = (), put: Collection[str] = ()) -> Scope:
        """Return the scope after tokens were taken and put."""
        tokens = list(self.tokens)
        for item in taken:
            tokens.remove(item)
        return self._replace(tokens=tuple(sorted([*tokens, *put])))

    def without(self, child: Child) -> Scope:
        """Return the scope after an activity ended."""
        children = list(self.children)
        children.remove(child)
        return self._replace(children=tuple(children))

    def having(self, child: Child) -> Scope:
        """Return the scope with one more active activity."""
        return self._replace(children=tuple(sorted((*self.children, child), key=repr)))


class Rules:
    """The rules for one model. `whole`: sub-processes are walked in place; else each is one step.

    `provoked`: the boundary events and event sub-processes (or their starts) that may happen; None allows every boundary event.
    """

    def __init__(self, model: Model, *, whole: bool, provoked: Collection[str] | None = None) -> None:
        self.model, self.whole = model, whole
        self.provoked = None if provoked is None else frozenset(provoked)
        self.reach = cache(self._reach)
        self.joined = cache(self._joined)

    # --- where tokens come from --------------------------------------------------------------------------------------

    def fresh(self, container: str) -> Scope:
        """Return a container that has not begun: nothing, or a token at each node that no flow enters where nothing starts."""
        begun = [] if self.model.starts(container) else self.model.orphans(container)
        return Scope(container, frozenset(), tuple(sorted("@" + node for node in begun)), ())

    def consume(self, scope: Scope, node: str) -> Iterator[Scope]:
        """Yield the scope after this node took the tokens it fires by, in every possible way."""
        kind, incoming = self.model.nodes[node].type, self.model.incoming[node]
        if "@" + node in scope.tokens:
            yield scope.with_tokens(["@" + node])
        if node in self.model.starts(scope.container) and node not in scope.started and self._may_start(scope, node):
            yield scope._replace(started=scope.started | {node})
        held = set(scope.tokens)
        if kind == "parallelGateway" and incoming:
            if held >= set(incoming):
                yield scope.with_tokens(incoming)
        elif kind == "inclusiveGateway" and len(incoming) > 1:
            there = [flow for flow in incoming if flow in held]
            if there and not self.awaited(scope, node):
                yield scope.with_tokens(there)
        else:
            for flow in incoming:
                if flow in held:
                    yield scope.with_tokens([flow])

    def _may_start(self, scope: Scope, node: str) -> bool:
        return not scope.started or any(
            all(join in self.joined(start) for start in (*scope.started, node)) for join in self.joined(node)
        )

    def _joined(self, start: str) -> frozenset[str]:
        """Return the parallel joins that a start leads to."""
        targets = {self.model.flows[flow].target for flow in self.reach(start, "")}
        return frozenset(
            item
            for item in targets
            if self.model.nodes[item].type == "parallelGateway" and len(self.model.incoming[item]) > 1
        )

    def awaited(self, scope: Scope, join: str) -> list[tuple[str, str]]:
        """Return pairs of a token elsewhere and an empty flow of the inclusive join that it can still reach."""
        empty = set(self.model.incoming[join]) - set(scope.tokens)
        if not empty:
            return []
        places = [(item, self.target(item)) for item in sorted(set(scope.tokens))]
        places += [(child.node, child.node) for child in scope.children]
        return [(place, flow) for place, node in places for flow in sorted(self.reach(node, join) & empty)]

    def target(self, token: str) -> str:
        """Return the node a token stands before."""
        return token[1:] if token.startswith("@") else self.model.flows[token].target

    def _reach(self, node: str, around: str) -> frozenset[str]:
        """Return the flows a token before `node` may come to, not passing the node `around`."""
        found: set[str] = set()
        seen = {around}
        stack = [node]
        while stack:
            here = stack.pop()
            if here in seen:
                continue
            seen.add(here)
            found.update(self.model.outgoing[here])
            stack += [self.model.flows[flow].target for flow in self.model.outgoing[here]]
            stack += [event.id for event in self.model.boundaries.get(here, ())]
            stack += self.link_targets(here)
        return frozenset(found)

    def link_targets(self, node: str) -> list[str]:
        """Return the catch events a throwing link leads to."""
        item = self.model.nodes[node]
        if item.type != "intermediateThrowEvent" or "link" not in item.triggers:
            return []
        return self.model.catches.get((item.container, item.link), [])

    # --- what firing puts down ---------------------------------------------------------------------------------------

    def allows(self, node: str, chosen: Collection[str]) -> bool:
        """Return whether the node may put tokens on exactly these of its outgoing flows."""
        item, flows = self.model.nodes[node], self.model.outgoing[node]
        picked, default = set(chosen), item.default if item.default in flows else ""
        if item.type in ONE_OF:
            return len(picked) == 1
        if item.type in SOME_OF:
            return picked == {default} if default in picked else bool(picked)
        if item.type == "parallelGateway":
            return picked == set(flows)
        conditional = {flow for flow in flows if self.model.flows[flow].conditional and flow != default}
        always = set(flows) - conditional - {default}
        if not conditional:
            return picked == set(flows)
        if not picked >= always:
            return False
        if picked & conditional:
            return default not in picked
        return default in picked if default else bool(always)

    def choices(self, node: str) -> Iterator[tuple[str, ...]]:
        """Yield the sets of outgoing flows a node may fire, of a very wide split not all."""
        flows = self.model.outgoing[node]
        sizes = range(1, len(flows) + 1) if len(flows) <= COMBINATIONS else (1, 2, len(flows))
        for size in sizes:
            for chosen in combinations(flows, size):
                if self.allows(node, chosen):
                    yield chosen

    def put(self, scope: Scope, flows: Collection[str]) -> Iterator[Scope]:
        """Yield the scope with tokens on these flows; before a throwing link they go on to a catching one at once."""
        ways: list[list[str]] = [[]]
        for flow in flows:
            catches = self.link_targets(self.model.flows[flow].target)
            ways = [[*way, item] for way in ways for item in (["@" + catch for catch in catches] or [flow])]
        for way in ways:
            yield scope.with_tokens(put=way)

    # --- how activities and containers end ---------------------------------------------------------------------------

    def ready(self, scope: Scope, node: str) -> Iterator[Scope]:
        """Yield the scope after this node took its tokens and, being an activity, came to its end."""
        for child in dict.fromkeys(scope.children):
            if child.node == node and (child.inside is None or self.can_finish(child.inside)):
                yield scope.without(child)
        if self.passes_unseen(self.model.nodes[node]):
            yield from self.consume(scope, node)

    def passes_unseen(self, node: Node) -> bool:
        """Return whether the node can fire with no flow of its inside written."""
        inner = self.model.inner(node) if self.whole else ""
        if not inner or node.type == "callActivity" or node.may_be_skipped:
            return True
        return self.can_finish(self.fresh(inner))

    def inside(self, node: Node) -> Scope | None:
        """Return the state inside an activity that begins."""
        inner = self.model.inner(node) if self.whole else ""
        return self.fresh(inner) if inner else None

    def may_happen(self, event: Node) -> bool:
        """Return whether a boundary event was provoked."""
        return self.provoked is None or event.id in self.provoked

    def interrupted(self, scope: Scope, event: Node) -> Iterator[Scope]:
        """Yield the scope after a boundary event took the token of its activity."""
        if not self.may_happen(event):
            return
        for child in dict.fromkeys(scope.children):
            if child.node == event.attached_to:
                yield scope.without(child)
        if event.attached_to in self.model.nodes:
            yield from self.consume(scope, event.attached_to)

    def beside(self, scope: Scope, event: Node) -> Iterator[Scope]:
        """Yield the scope with the activity of a non-interrupting boundary event active."""
        if not self.may_happen(event):
            return
        if any(child.node == event.attached_to for child in scope.children):
            yield scope
        if event.attached_to in self.model.nodes:
            activity = self.model.nodes[event.attached_to]
            insides = {self.inside(activity)} | ({None} if activity.type == "callActivity" else set())
            for taken in self.consume(scope, activity.id):
                for inside in insides:
                    yield taken.having(Child(activity.id, inside))

    def can_finish(self, scope: Scope) -> bool:
        """Return whether the container can end now with no more flow written: no token left, or by a terminate end."""
        return not self.left_over(scope)

    def left_over(self, scope: Scope) -> list[str]:
        """Return what keeps the container from ending, in words."""
        targets = {token: self.model.nodes[self.target(token)] for token in scope.tokens}
        if any(node.type == "endEvent" and "terminate" in node.triggers for node in targets.values()):
            return []
        if self._ended_by_event(scope):
            return []
        left = [] if self._has_begun(scope) else [f"'{scope.container}' has not begun"]
        for token, node in targets.items():
            if (
                self.whole
                and "error" in node.triggers
                and node.type == "endEvent"
                and self.caught(node, scope.container)
            ):
                left.append(f"the error of '{node.id}' is caught further out")
            elif not self._vanishes(scope, token, node):
                left.append(f"a token {self._where(token)} stays before '{node.id}'")
        left += [f"activity '{child.node}' is still active" for child in scope.children if not self._ends(child)]
        return left

    @staticmethod
    def _where(token: str) -> str:
        return "that no flow brought" if token.startswith("@") else f"on '{token}'"

    def _has_begun(self, scope: Scope) -> bool:
        starts = self.model.starts(scope.container)
        return not starts or bool(scope.started) or any(not self.model.outgoing[start] for start in starts)

    def _vanishes(self, scope: Scope, token: str, node: Node) -> bool:
        adhoc = self.model.nodes.get(scope.container)
        if token.startswith("@") and adhoc is not None and adhoc.type == "adHocSubProcess":
            return True  # its activities need not all be done
        if any(event.interrupting and self._is_silent(event) for event in self.model.boundaries.get(node.id, ())):
            return True
        if self.model.outgoing[node.id]:
            return False
        if node.type == "parallelGateway" and not token.startswith("@"):
            counts = {scope.tokens.count(flow) for flow in self.model.incoming[node.id]}
            return len(counts) == 1
        return self.passes_unseen(node)

    def _ends(self, child: Child) -> bool:
        if any(event.interrupting and self._is_silent(event) for event in self.model.boundaries.get(child.node, ())):
            return True
        return not self.model.outgoing[child.node] and (child.inside is None or self.can_finish(child.inside))

    def _is_silent(self, event: Node) -> bool:
        return self.provoked is not None and event.id in self.provoked and not self.model.outgoing[event.id]

    def _ended_by_event(self, scope: Scope) -> bool:
        """Return whether a provoked event sub-process that shows no flows here ended the container."""
        return any(
            node.by_event
            and self.interrupts(node)
            and self.named(node)
            and not (self.whole and self._shows_flows(node))
            for node in self.model.members.get(scope.container, ())
        )

    def _shows_flows(self, node: Node) -> bool:
        return any(self.model.outgoing[item.id] for item in self.model.members.get(node.id, ()))

    def named(self, event_sub_process: Node) -> bool:
        """Return whether what provokes an event sub-process is named by it or by its start."""
        return bool({event_sub_process.id, *self.model.starts(event_sub_process.id)} & (self.provoked or frozenset()))

    def interrupts(self, event_sub_process: Node) -> bool:
        """Return whether an event sub-process takes the place of what runs around it."""
        return all(self.model.nodes[start].interrupting for start in self.model.starts(event_sub_process.id))

    def caught(self, end: Node, container: str) -> bool:
        """Return whether an activity around catches the error of this end event."""
        while container in self.model.nodes:
            holder = self.model.nodes[container]
            for event in self.model.boundaries.get(container, ()):
                if "error" in event.triggers and event.ref in ("", end.ref):
                    return True
            container = holder.container
        return False


def split_by_source(flows: Collection[str], known: dict[str, Flow]) -> dict[str, set[str]]:
    """Return the flows by the node they leave."""
    found: dict[str, set[str]] = {}
    for flow in flows:
        found.setdefault(known[flow].source, set()).add(flow)
    return found
