"""An independent token player: says of a path whether it is a run of the process, and if not, where it goes wrong.

`judge_container(model, container, path)` takes sub-processes as one step, `judge_composed(model, process, path)` walks them in
place. Both return None for a valid run and else a sentence. Where tokens could have moved in several ways all are tried, within a
bound. `read_bpmn(bytes)` reads the model from XML, `model_of_graph(graph)` copies it from a graph that has no XML.
`fewest_runs` finds by brute force how many runs cover all flows of a tiny container.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from token_model import Model, Node, model_of_graph, read_bpmn
from token_rules import Child, Rules, Scope, split_by_source
from token_runs import fewest_runs

__all__ = ["Model", "fewest_runs", "judge_composed", "judge_container", "model_of_graph", "read_bpmn"]

MOST_STATES = 100_000


def judge_container(
    model: Model, container: str, path: Sequence[str], provokes: Collection[str] | None = None
) -> str | None:
    """Return None where `path` is a run of one container, else what is wrong with it."""
    foreign = next(
        (item for item in path if item in model.flows and model.nodes[model.flows[item].source].container != container),
        None,
    )
    if foreign is not None:
        return f"flow '{foreign}' at position {path.index(foreign)} is not in container '{container}'."
    return _Judge(Rules(model, whole=False, provoked=provokes), path).verdict([container])


def judge_composed(
    model: Model, process: str | Sequence[str], path: Sequence[str], provokes: Collection[str] | None = None
) -> str | None:
    """Return None where `path` is a run of a process with its sub-processes in place, else what is wrong with it.

    With several processes they run beside each other, each at most once; those of which nothing is written need not run.
    """
    return _Judge(Rules(model, whole=True, provoked=provokes), path).verdict(
        [process] if isinstance(process, str) else process
    )


class _Judge:
    """Searches the states that a path can lead to."""

    def __init__(self, rules: Rules, path: Sequence[str]) -> None:
        self.rules, self.model, self.path = rules, rules.model, tuple(path)
        self._furthest = 0
        self._states: list[tuple[Scope, ...]] = []

    def verdict(self, containers: Sequence[str]) -> str | None:
        for position, flow in enumerate(self.path):
            if flow not in self.model.flows:
                return (
                    f"flow '{flow}' at position {position} is not there, or does not join two nodes of one container."
                )
        begin = tuple(self.rules.fresh(item) for item in containers)
        seen = {(0, begin)}
        stack = [(0, begin)]
        while stack:
            position, state = stack.pop()
            self._note(position, state)
            if position == len(self.path):
                if self._is_over(state):
                    return None
                continue
            for index, scope in enumerate(state):
                for after, now in self._step(scope, position):
                    found = (now, (*state[:index], after, *state[index + 1 :]))
                    if found not in seen:
                        seen.add(found)
                        stack.append(found)
            if len(seen) > MOST_STATES:
                return f"undecided: more than {MOST_STATES} states, the furthest at position {self._furthest}."
        return self._explain()

    def _note(self, position: int, state: tuple[Scope, ...]) -> None:
        if position > self._furthest:
            self._furthest, self._states = position, []
        if position == self._furthest:
            self._states.append(state)

    def _is_over(self, state: tuple[Scope, ...]) -> bool:
        untouched = {self.rules.fresh(scope.container) for scope in state} if len(state) > 1 else set()
        return all(scope in untouched or self.rules.can_finish(scope) for scope in state)

    # --- one firing --------------------------------------------------------------------------------------------------

    def _step(self, scope: Scope, position: int) -> Iterator[tuple[Scope, int]]:
        """Yield what this scope can be after the firing that writes the flow at `position`, and the position after it."""
        source = self.model.nodes[self.model.flows[self.path[position]].source]
        if source.container == scope.container:
            yield from self._fire(scope, source, position)
        if not self.rules.whole:
            return
        for child in dict.fromkeys(scope.children):
            if child.inside is None or not self._holds(child.inside.container, source.container):
                continue
            insides = [child.inside]
            if self.model.nodes[child.node].repeats and self.rules.can_finish(child.inside):
                insides.append(self.rules.fresh(child.inside.container))  # the next round
            for inside in insides:
                for after, now in self._step(inside, position):
                    yield scope.without(child).having(Child(child.node, after)), now
        yield from self._enter(scope, source.container, position)

    def _holds(self, container: str, wanted: str) -> bool:
        return wanted in self.model.holds.get(container, ())

    def _enter(self, scope: Scope, wanted: str, position: int) -> Iterator[tuple[Scope, int]]:
        """Yield the same for an activity that begins now, the flow at `position` being inside it."""
        for node in self.model.members.get(scope.container, ()):
            inner = self.model.inner(node)
            if not inner or not self._holds(inner, wanted):
                continue
            for taken in self._entered(scope, node):
                for after, now in self._step(self.rules.fresh(inner), position):
                    yield taken.having(Child(node.id, after)), now

    def _entered(self, scope: Scope, node: Node) -> Iterator[Scope]:
        if node.by_event:
            if any(self._took_over(child) for child in scope.children):
                return  # one of them has already taken the place of everything
            if self.rules.interrupts(node):
                gone = frozenset(self.model.starts(scope.container))
                yield Scope(scope.container, scope.started | gone, (), ())
            else:
                yield scope
        elif node.for_compensation:
            if any("compensate" in item.triggers or "cancel" in item.triggers for item in self.model.nodes.values()):
                yield scope
        else:
            yield from self.rules.consume(scope, node.id)

    def _took_over(self, child: Child) -> bool:
        node = self.model.nodes[child.node]
        return node.by_event and self.rules.interrupts(node)

    def _fire(self, scope: Scope, node: Node, position: int) -> Iterator[tuple[Scope, int]]:
        rules = self.rules
        beside: set[str] = set()
        if node.type == "boundaryEvent":
            if "compensate" in node.triggers:
                return
            bases = list(
                dict.fromkeys(rules.interrupted(scope, node) if node.interrupting else rules.beside(scope, node))
            )
        else:
            bases = list(dict.fromkeys(rules.ready(scope, node.id)))
            events = [item for item in self.model.boundaries.get(node.id, ()) if not item.interrupting]
            beside = {item.id for item in events if rules.may_happen(item)}
        if not bases:
            return
        for chosen in self._groups({node.id} | beside, position):
            parts = split_by_source(chosen, self.model.flows)
            if node.id in parts and all(rules.allows(source, flows) for source, flows in parts.items()):
                for base in bases:
                    for after in rules.put(base, chosen):
                        yield after, position + len(chosen)

    def _groups(self, sources: set[str], position: int) -> Iterator[tuple[str, ...]]:
        """Yield the next one, two, three ... flows as long as they leave these nodes and none comes twice."""
        end = position
        while (
            end < len(self.path)
            and self.model.flows[self.path[end]].source in sources
            and self.path[end] not in self.path[position:end]
        ):
            end += 1
            yield self.path[position:end]

    # --- what went wrong ---------------------------------------------------------------------------------------------

    def _explain(self) -> str:
        state = self._states[0]
        if self._furthest == len(self.path):
            left = [item for scope in state for item in self.rules.left_over(scope)]
            return f"after the last flow (position {len(self.path) - 1}): {'; '.join(left)}."
        flow = self.path[self._furthest]
        node = self.model.nodes[self.model.flows[flow].source]
        reasons = {
            self._reason(scope, node)
            for item in self._states
            for scope in _all_scopes(item)
            if scope.container == node.container
        }
        if not reasons:  # nothing inside was written yet: what a fresh instance would say
            reasons = {
                f"'{node.container}' is not running, and were it: {self._reason(self.rules.fresh(node.container), node)}"
            }
        why = "; or ".join(sorted(reasons))
        return f"flow '{flow}' at position {self._furthest}: {why}."

    def _reason(self, scope: Scope, node: Node) -> str:
        rules = self.rules
        tokens = ", ".join(sorted(set(scope.tokens))) or "nowhere"
        if node.type == "boundaryEvent":
            if not rules.may_happen(node):
                return f"nothing provokes '{node.id}'"
            if not any(True for _ in rules.interrupted(scope, node)):
                return f"'{node.attached_to}', which '{node.id}' is attached to, is not active; tokens: {tokens}"
        if node.type != "boundaryEvent" and not any(True for _ in rules.ready(scope, node.id)):
            return self._not_ready(scope, node, tokens)
        allowed = " or ".join("{" + ", ".join(item) + "}" for item in list(rules.choices(node.id))[:4])
        return f"{node.type} '{node.id}' puts tokens on {allowed} at once, not as written"

    def _not_ready(self, scope: Scope, node: Node, tokens: str) -> str:
        incoming = self.model.incoming[node.id]
        if node.type == "inclusiveGateway" and set(incoming) & set(scope.tokens):
            place, flow = self.rules.awaited(scope, node.id)[0]
            return f"inclusive join '{node.id}' still waits for '{flow}': the token at '{place}' can reach it"
        if node.type == "parallelGateway" and set(incoming) & set(scope.tokens):
            lacking = ", ".join(f"'{item}'" for item in incoming if item not in scope.tokens)
            return f"parallel join '{node.id}' has no token on {lacking}"
        if any(True for _ in self.rules.consume(scope, node.id)):
            return f"the inside of '{node.id}' was not walked"
        return f"'{node.id}' has no token; tokens: {tokens}"


def _all_scopes(scopes: Sequence[Scope]) -> Iterator[Scope]:
    for scope in scopes:
        yield scope
        yield from _all_scopes([child.inside for child in scope.children if child.inside is not None])
