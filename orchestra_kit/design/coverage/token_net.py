"""One container as nodes that fire and flows that hold tokens: what waits for what, and what may leave together."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from orchestra_kit.design.coverage.components import strong_components
from orchestra_kit.design.coverage.dominators import Dominators
from orchestra_kit.design.coverage.walk_graph import closure, is_alternative_exit, link_pairs, starting_nodes
from orchestra_kit.model.process import FlowNode, NodeType, SequenceFlow

_FEW_BRANCHES = 4
_ONE_WAY = (NodeType.EXCLUSIVE_GATEWAY, NodeType.EVENT_BASED_GATEWAY)
Choice = tuple[int, ...]
"""Flows that get a token in one firing, in the order in which their branches are run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """How runs leave an embedded sub-process: normally, by boundary events that catch its errors, by errors uncaught."""

    normal: bool = True
    uncaught: bool = False


class TokenNet:
    """Nodes and flows of one container by number; a link is a flow without id.

    `fatal` names the end events, beside terminate ends, that take all other tokens with them. With `one_token` every
    split is a choice and no join waits.
    """

    def __init__(
        self,
        content: Sequence[FlowNode],
        flows: Sequence[SequenceFlow],
        exits: Mapping[str, Exits] | None = None,
        fatal: Collection[str] = (),
        *,
        one_token: bool = False,
    ) -> None:
        self.content, self.one_token = content, one_token
        self.number = {node.id: index for index, node in enumerate(content)}
        self.exits = {self.number[name]: ways for name, ways in (exits or {}).items()}
        self.flow_ids: list[str] = []
        self.sources: list[int] = []
        self.targets: list[int] = []
        self.leaving: list[list[int]] = [[] for _ in content]
        self.entering: list[list[int]] = [[] for _ in content]
        self.conditional: set[int] = set()
        for flow in flows:
            if flow.condition is not None:
                self.conditional.add(len(self.flow_ids))
            self._join(flow.id, self.number[flow.source], self.number[flow.target])
        for source, target in link_pairs(content):
            self._join("", self.number[source], self.number[target])
        self.default = {
            index: flow
            for index, node in enumerate(content)
            for flow in self.leaving[index]
            if node.default_flow and self.flow_ids[flow] == node.default_flow
        }
        self.boundaries: dict[int, list[int]] = {}
        for index, node in enumerate(content):
            if is_alternative_exit(node) and node.attached_to in self.number:
                self.boundaries.setdefault(self.number[node.attached_to], []).append(index)
        self.starts = [self.number[node.id] for node in starting_nodes(content, flows)]
        self.all_start = not one_token and not any(
            content[item].type is NodeType.START_EVENT or content[item].extensions.get("instantiate")
            for item in self.starts
        )
        self.fatal = {
            index
            for index, node in enumerate(content)
            if node.type is NodeType.END_EVENT and ("terminate" in node.event_definitions or node.id in fatal)
        }
        self._index_joins()
        self._rank_nodes()

    def _join(self, identifier: str, source: int, target: int) -> None:
        if self.content[source].type is NodeType.END_EVENT:
            return  # an end event lets no token out
        index = len(self.flow_ids)
        self.flow_ids.append(identifier)
        self.sources.append(source)
        self.targets.append(target)
        self.leaving[source].append(index)
        self.entering[target].append(index)

    def _index_joins(self) -> None:
        self.full: dict[int, int] = {}
        self.bit: dict[int, int] = {}
        self.inclusive: set[int] = set()
        for index, node in enumerate(self.content):
            if len(self.entering[index]) < 2 or self.one_token:
                continue
            if node.type in (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY):
                self.full[index] = (1 << len(self.entering[index])) - 1
                self.bit |= {flow: 1 << place for place, flow in enumerate(self.entering[index])}
                if node.type is NodeType.INCLUSIVE_GATEWAY:
                    self.inclusive.add(index)

    def _rank_nodes(self) -> None:
        """Number the parts that tokens pass through in an order: no path leads from a higher rank to a lower one."""
        self.following = {
            # Reversed, so that what comes after a first branch ranks before the second branch.
            index: [self.targets[flow] for flow in reversed(self.leaving[index])] + self.boundaries.get(index, [])
            for index in range(len(self.content))
        }
        self.rank = [0] * len(self.content)
        for position, part in enumerate(strong_components(range(len(self.content)), self.following)):
            for node in part:
                self.rank[node] = position
        leaving_by_error = [node for node, ways in self.exits.items() if ways.uncaught]
        self._risky = self._backwards(leaving_by_error) - self.full.keys()
        ends = [node for node, flows in enumerate(self.leaving) if not flows]
        ending = closure(ends, lambda node: (self.sources[flow] for flow in self.entering[node]))
        self.endless: set[int] = set()
        """Nodes whose token, or those it begets, perhaps only a terminate end can stop."""
        if self.fatal:
            begetting = {self.rank[node] for node in range(len(self.content)) if self.begets(node)}
            nodes = range(len(self.content))
            self.endless = {node for node in nodes if node not in ending or self.rank[node] in begetting}

    @cached_property
    def dominators(self) -> Dominators:
        """Which nodes all paths to a node pass, boundary events included."""
        return Dominators(self.starts, self.following)

    def begets(self, node: int) -> bool:
        """True for a node in a loop that puts out several tokens at once, some of them back into the loop."""
        flows, one = self.leaving[node], self.content[node].type in _ONE_WAY or self.one_token
        return not one and len(flows) > 1 and any(self.rank[self.targets[flow]] == self.rank[node] for flow in flows)

    def _backwards(self, goals: Iterable[int]) -> set[int]:
        """Return the nodes from which one token alone, without a join, can come to one of the goals."""
        found = set(goals)
        queue = deque(found)
        while queue:
            node = queue.popleft()
            before = [self.sources[flow] for flow in self.entering[node]] if node not in self.full else []
            attached = self.content[node].attached_to
            if attached in self.number:
                before.append(self.number[attached])
            for source in before:
                if source not in found:
                    found.add(source)
                    queue.append(source)
        return found

    # --- what a firing may put tokens on -----------------------------------------------------------------------------

    def choices(self, node: int, *, wide: bool = False) -> list[Choice]:
        """Return what one firing of a node may put tokens on; the default alone last.

        Where several may go together, all do, unless `wide` asks for fewer of them as well: every number of a few, each
        one alone and all but one of many, none where something leaves without a condition.
        """
        flows = self.leaving[node]
        if not flows:
            return []
        kind = self.content[node].type
        if kind in _ONE_WAY or len(flows) == 1 or self._links(node) or self.one_token:
            return [(flow,) for flow in flows]
        always, free, default = self.columns(node)
        found = [self.ordered([*always, *free], node)]
        if default is not None:
            found.append(self.ordered([*always, default], node))
        if wide:
            few = len(free) <= _FEW_BRANCHES
            sizes = [*range(len(free) - 1, 0, -1)] if few else [len(free) - 1, 1]
            if always and default is None:
                sizes.append(0)
            subsets = (chosen for size in sizes for chosen in combinations(free, size))
            found += [self.ordered([*always, *chosen], node) for chosen in subsets]
        return list(dict.fromkeys(found))

    def columns(self, node: int) -> tuple[list[int], list[int], int | None]:
        """Return the flows out of a node that always get a token, those that have a condition, and the default flow."""
        flows, kind, default = self.leaving[node], self.content[node].type, self.default.get(node)
        if kind is NodeType.PARALLEL_GATEWAY or kind in _ONE_WAY:
            return flows, [], None
        if kind in (NodeType.INCLUSIVE_GATEWAY, NodeType.COMPLEX_GATEWAY):
            return [], [flow for flow in flows if flow != default], default
        free = [flow for flow in flows if flow in self.conditional and flow != default]
        always = [flow for flow in flows if flow not in self.conditional and (flow != default or not free)]
        return always, free, default if free else None

    def runs_branches(self) -> bool:
        """True where some firing puts out several tokens, or several starts go together."""
        together = any(len(flows) > 1 and len(self.choices(node)[0]) > 1 for node, flows in enumerate(self.leaving))
        return together or (self.all_start and len(self.starts) > 1) or bool(self.full)

    def _links(self, node: int) -> bool:
        return not self.flow_ids[self.leaving[node][0]]

    def ordered(self, flows: Sequence[int], node: int) -> Choice:
        """Return the order to run branches in: as drawn, but back to the split late, and out by an error last."""
        targets = self.targets
        return tuple(
            sorted(flows, key=lambda flow: (targets[flow] in self._risky, self.rank[targets[flow]] <= self.rank[node]))
        )
