"""The token rules of one graph: what may fire, what firing takes and puts down, and what a container needs to end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import product

from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType, SequenceFlow

Token = tuple[str, str]
"""('flow', id) on a flow; ('at', node) before a node by no flow; ('may', node) the same where it need not be used;
('in', node) an activity that has begun."""
Marking = tuple[Token, ...]

_SOME_OF = (NodeType.INCLUSIVE_GATEWAY, NodeType.COMPLEX_GATEWAY)
_ONE_OF = (NodeType.EXCLUSIVE_GATEWAY, NodeType.EVENT_BASED_GATEWAY)


class Net:
    """The nodes and flows of a graph by what the token rules ask of them; flows that join nothing are left out."""

    def __init__(self, graph: ControlFlowGraph) -> None:
        self.nodes: dict[str, FlowNode] = {}
        self.members: dict[str, list[FlowNode]] = defaultdict(list)
        for node in graph.nodes:
            if node.id not in self.nodes:
                self.nodes[node.id] = node
                self.members[node.container].append(node)
        self.flows: dict[str, SequenceFlow] = {}
        self.leaving: dict[str, list[str]] = defaultdict(list)
        self.entering: dict[str, list[str]] = defaultdict(list)
        for flow in graph.flows:
            source, target = self.nodes.get(flow.source), self.nodes.get(flow.target)
            if source and target and source.container == target.container and flow.id not in self.flows:
                self.flows[flow.id] = flow
                self.leaving[flow.source].append(flow.id)
                self.entering[flow.target].append(flow.id)
        self.boundaries: dict[str, list[FlowNode]] = defaultdict(list)
        for node in self.nodes.values():
            if node.type is NodeType.BOUNDARY_EVENT and node.attached_to and "compensate" not in node.event_definitions:
                self.boundaries[node.attached_to].append(node)
        self._catches = self._link_catches()
        self._inside: dict[str, tuple[str, ...]] = {}
        self.reach = cache(self._reach)

    # --- structure ---------------------------------------------------------------------------------------------------

    def has_inside(self, node: str) -> bool:
        """Return whether flows are written while this activity is active."""
        return bool(self.flows_inside(node))

    def flows_inside(self, node: str) -> tuple[str, ...]:
        """Return the flows in an activity, at any depth."""
        if node not in self._inside:
            found = (flow for item in self._all_inside(node) for flow in self.leaving.get(item.id, ()))
            self._inside[node] = tuple(found)
        return self._inside[node]

    def _all_inside(self, container: str) -> Iterator[FlowNode]:
        for node in self.members.get(container, ()):
            yield node
            if node.type.is_container and node.id != container:
                yield from self._all_inside(node.id)

    def is_inside(self, container: str, holder: str) -> bool:
        """Return whether a container is `holder` or lies in it."""
        while container != holder:
            node = self.nodes.get(container)
            if node is None or node.container == container:
                return False
            container = node.container
        return True

    def place(self, token: Token) -> str:
        """Return the node a token stands before, or that is active."""
        return self.flows[token[1]].target if token[0] == "flow" else token[1]

    def _link_catches(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for node in self.nodes.values():
            if node.type is NodeType.INTERMEDIATE_CATCH_EVENT and "link" in node.event_definitions:
                found[node.container, _link_name(node)].append(node.id)
        return found

    def link_targets(self, node: str) -> list[str]:
        """Return the catch events a throwing link leads to."""
        item = self.nodes[node]
        if item.type is not NodeType.INTERMEDIATE_THROW_EVENT or "link" not in item.event_definitions:
            return []
        return self._catches.get((item.container, _link_name(item)), [])

    def _reach(self, node: str, around: str) -> frozenset[str]:
        """Return the flows that a token before `node` can come to without passing `around`."""
        found: set[str] = set()
        seen, todo = {around}, [node]
        while todo:
            here = todo.pop()
            if here in seen:
                continue
            seen.add(here)
            found.update(self.leaving.get(here, ()))
            todo += [self.flows[flow].target for flow in self.leaving.get(here, ())]
            todo += [event.id for event in self.boundaries.get(here, ())] + self.link_targets(here)
        return frozenset(found)

    # --- how containers begin ----------------------------------------------------------------------------------------

    def beginnings(self, container: str) -> list[Marking]:
        """Return the ways a container can begin: one start, or all a parallel join waits for; else all that no flow enters."""
        starts = [node.id for node in self.members.get(container, ()) if self._is_start(node)]
        if starts:
            return [*((("at", start),) for start in starts), *self._joint_starts(container, starts)]
        kind = "may" if self._is_adhoc(container) else "at"
        orphans = [node.id for node in self.members.get(container, ()) if self._is_orphan(node)]
        return [tuple((kind, node) for node in orphans)]

    def _is_start(self, node: FlowNode) -> bool:
        if node.type is NodeType.START_EVENT:
            return True
        return bool(node.extensions.get("instantiate")) and not self.entering.get(node.id)

    def _is_adhoc(self, container: str) -> bool:
        return container in self.nodes and self.nodes[container].type is NodeType.AD_HOC_SUB_PROCESS

    def _is_orphan(self, node: FlowNode) -> bool:
        caught = node.type is NodeType.INTERMEDIATE_CATCH_EVENT and "link" in node.event_definitions
        apart = node.type is NodeType.BOUNDARY_EVENT or node.triggered_by_event or compensates(node)
        return not (self.entering.get(node.id) or caught or apart)

    def _joint_starts(self, container: str, starts: Sequence[str]) -> Iterator[Marking]:
        found = set()
        for node in self.members[container]:
            if node.type is NodeType.PARALLEL_GATEWAY and len(self.entering.get(node.id, ())) > 1:
                entering = set(self.entering[node.id])
                joint = tuple(sorted(("at", start) for start in starts if entering & self.reach(start, "")))
                if len(joint) > 1:
                    found.add(joint)
        yield from sorted(found)

    # --- what firing takes -------------------------------------------------------------------------------------------

    def takes(self, marking: Marking, node: str) -> Iterator[Marking]:
        """Yield the sets of tokens a node can fire by."""
        for kind in ("at", "may"):
            if (kind, node) in marking:
                yield ((kind, node),)
        entering = [("flow", flow) for flow in self.entering.get(node, ())]
        held = [token for token in entering if token in marking]
        kind = self.nodes[node].type
        if kind is NodeType.PARALLEL_GATEWAY and len(entering) > 1:
            if len(held) == len(entering):
                yield tuple(entering)
        elif kind is NodeType.INCLUSIVE_GATEWAY and len(entering) > 1:
            if held and not self.awaited(marking, node):
                yield tuple(held)
        else:
            yield from ((token,) for token in held)

    def awaited(self, marking: Marking, join: str) -> list[tuple[Token, str]]:
        """Return the tokens elsewhere that can still reach an empty flow of an inclusive join, with that flow."""
        empty = {flow for flow in self.entering[join] if ("flow", flow) not in marking}
        home = self.nodes[join].container
        found = []
        for token in dict.fromkeys(marking):
            node = self.place(token)
            if token[0] != "may" and node != join and self.nodes[node].container == home:
                found += [(token, flow) for flow in sorted(self.reach(node, join) & empty)]
        return found

    # --- what firing puts down ---------------------------------------------------------------------------------------

    def required(self, node: str) -> set[str]:
        """Return the outgoing flows that every firing of a node takes."""
        item, flows = self.nodes[node], self.leaving.get(node, [])
        if item.type is NodeType.PARALLEL_GATEWAY:
            return set(flows)
        if item.type in _ONE_OF or item.type in _SOME_OF:
            return set(flows) if len(flows) == 1 else set()
        conditional = self._conditional(node)
        if not conditional:
            return set(flows)
        return set(flows) - conditional - {item.default_flow or ""}

    def _conditional(self, node: str) -> set[str]:
        default = self.nodes[node].default_flow
        return {flow for flow in self.leaving.get(node, ()) if self.flows[flow].condition and flow != default}

    def allows(self, node: str, chosen: Collection[str]) -> bool:
        """Return whether a node may put tokens on exactly these outgoing flows."""
        item, flows, picked = self.nodes[node], self.leaving.get(node, []), set(chosen)
        default = item.default_flow if item.default_flow in flows else None
        if item.type in _ONE_OF:
            return len(picked) == 1
        if item.type in _SOME_OF:
            return picked == {default} if default in picked else bool(picked)
        if item.type is NodeType.PARALLEL_GATEWAY:
            return picked == set(flows)
        conditional = self._conditional(node)
        if not conditional:
            return picked == set(flows)
        always = set(flows) - conditional - ({default} if default else set())
        if not picked >= always:
            return False
        if picked & conditional:
            return default not in picked
        return default in picked if default else bool(always)

    def put(self, marking: Marking, taken: Marking, tokens: Collection[Token]) -> Iterator[Marking]:
        """Yield the marking after tokens were taken and put; links are passed, and what only ends is gone at once."""
        rest = list(marking)
        for token in taken:
            rest.remove(token)
        ways: list[list[Token]] = []
        for token in tokens:
            catches = self.link_targets(self.place(token)) if token[0] != "in" else []
            ways.append([("at", catch) for catch in catches] or [token])
        for way in product(*ways):
            yield self._settled([*rest, *way])

    # --- how things end ----------------------------------------------------------------------------------------------

    def _settled(self, tokens: list[Token]) -> Marking:
        """Return the marking without tokens that nothing but their end awaits."""
        while True:
            gone = next((token for token in tokens if self._just_ends(token, tokens)), None)
            if gone is None:
                return tuple(sorted(tokens))
            if gone[0] == "in":
                tokens = [token for token in tokens if token == gone or not self.stands_in(token, gone[1])]
            if gone in tokens:
                tokens.remove(gone)

    def _just_ends(self, token: Token, tokens: Sequence[Token]) -> bool:
        node = self.nodes[self.place(token)]
        if self.leaving.get(node.id) or token[0] == "may":
            return False
        if token[0] == "in":
            return not self.boundaries.get(node.id) and self.is_done(tuple(tokens), node.id)
        if node.type is NodeType.PARALLEL_GATEWAY and len(self.entering.get(node.id, ())) > 1:
            return False
        if node.type is NodeType.END_EVENT:
            return "terminate" not in node.event_definitions and not self.is_caught(node)
        return not (node.type.is_container and self.has_inside(node.id)) and not self.boundaries.get(node.id)

    def stands_in(self, token: Token, holder: str) -> bool:
        """Return whether a token is inside an activity (the activity's own is not)."""
        return self.is_inside(self.nodes[self.place(token)].container, holder)

    def is_done(self, marking: Marking, container: str) -> bool:
        """Return whether nothing is left to do in a container: no token inside, or one at its terminate end."""
        inside = [token for token in marking if self.stands_in(token, container) and token[0] != "may"]
        for kind, node in inside:
            if kind == "in" and not self.leaving.get(node) and self.is_done(marking, node):
                inside = [token for token in inside if token != (kind, node) and not self.stands_in(token, node)]
        return all(self._is_spent(token, marking) for token in inside) or any(
            self._terminates(token) and self.nodes[self.place(token)].container == container for token in inside
        )

    def _terminates(self, token: Token) -> bool:
        node = self.nodes[self.place(token)]
        return node.type is NodeType.END_EVENT and "terminate" in node.event_definitions

    def _is_spent(self, token: Token, marking: Marking) -> bool:
        """Return whether a token may lie where it is: before a join, or an activity with boundary events, that nothing leaves."""
        node = self.nodes[self.place(token)]
        if token[0] == "in" or self.leaving.get(node.id) or (node.type.is_container and self.has_inside(node.id)):
            return False
        if node.type is NodeType.PARALLEL_GATEWAY:
            return len({marking.count(("flow", flow)) for flow in self.entering[node.id]}) == 1
        return node.type is not NodeType.END_EVENT

    def is_caught(self, end: FlowNode) -> bool:
        """Return whether the error of an end event is caught at an activity around it."""
        if "error" not in end.event_definitions:
            return False
        thrown, container = _error(end), end.container
        while container in self.nodes:
            for event in self.boundaries.get(container, ()):
                if "error" in event.event_definitions and _error(event) in ("", thrown):
                    return True
            container = self.nodes[container].container
        return False


def compensates(node: FlowNode) -> bool:
    """Return whether an activity only runs to undo another one."""
    return bool(node.extensions.get("isForCompensation"))


def may_be_skipped(node: FlowNode) -> bool:
    """Return whether an activity can be left without its inside having been done once."""
    if node.type is NodeType.AD_HOC_SUB_PROCESS:
        return True
    return node.loop is not None and (node.loop.kind != "standard" or node.loop.test_before)


def _error(node: FlowNode) -> str:
    return next(
        (str(item["errorRef"]) for item in node.extensions.get("eventDefinitions", ()) if item.get("errorRef")), ""
    )


def _link_name(node: FlowNode) -> str:
    named = (str(item["name"]) for item in node.extensions.get("eventDefinitions", ()) if item.get("name"))
    return " ".join(next(named, node.name).split())
