"""Scenarios across pools: one run of each process that takes part, every message sent before it is awaited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestra_kit.design.coverage.composition import ComposedScenario, ComposedSuite, compose
from orchestra_kit.design.coverage.fragments import Barrier
from orchestra_kit.design.coverage.message_order import Interleaving, Messages, Run, Sources, interleave, run_of
from orchestra_kit.design.coverage.naming import KeyMaker
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, NodeType

_JOINS = (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY)
_OTHERS = ("flow", "node", "decision")
MOST_RUNS = 80
MOST_TRIES, MOST_TRIES_IN_ALL = 2_000, 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CollaborationScenario:
    """One run of each process that takes part. `order` is an order of their steps as (process, node)."""

    key: str
    runs: dict[str, ComposedScenario]
    order: tuple[tuple[str, str], ...]
    messages: tuple[str, ...]
    kind: str = "cover"
    of: str = ""
    provokes: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the scenario as in `orchestra suite plan`."""
        result: dict[str, Any] = {
            "key": self.key,
            "kind": self.kind,
            "runs": {process: {"key": run.key, "path": list(run.path)} for process, run in self.runs.items()},
            "order": [list(item) for item in self.order],
            "messages": list(self.messages),
        }
        extras = {"of": self.of, "provokes": list(self.provokes), "outside": list(self.outside)}
        return result | {name: value for name, value in extras.items() if value}

    def merged(self, graph: ControlFlowGraph) -> ComposedScenario:
        """Return the scenario as one path through all its processes, each flow told where its target is entered."""
        nodes = {node.id: node for node in graph.nodes}
        targets = {flow.id: flow.target for flow in graph.flows}
        waiting: dict[str, list[str]] = defaultdict(list)
        for run in self.runs.values():
            for flow in run.path:
                waiting[targets.get(flow, "")].append(flow)
        path: list[str] = []
        for _, name in self.order:
            joins = name in nodes and nodes[name].type in _JOINS
            taken = dict.fromkeys(waiting[name]) if joins else waiting[name][:1]
            for flow in taken:
                waiting[name].remove(flow)
                path.append(flow)
        path += [flow for flows in waiting.values() for flow in flows]
        return ComposedScenario(
            key=self.key,
            path=tuple(path),
            visits=tuple(name for _, name in self.order),
            provokes=self.provokes,
            kind=self.kind,
            of=self.of,
            barriers=tuple(self._barriers()),
        )

    def _barriers(self) -> Iterator[Barrier]:
        """Return the barriers of all runs, counted in the common order."""
        for process, run in self.runs.items():
            places = [place for place, (owner, _) in enumerate(self.order) if owner == process]
            places.append(places[-1] + 1 if places else 0)
            for barrier in run.barriers:
                if barrier.at < len(places) and barrier.since < len(places):
                    yield Barrier(join=barrier.join, at=places[barrier.at], since=places[barrier.since])


@dataclass(frozen=True, slots=True, kw_only=True)
class CollaborationSuite:
    """The scenarios of processes that send each other messages; the first `size` of them cover each process's own cover.

    `lower_bound` is the largest of the processes' own bounds: a scenario holds at most one run of each. `alone` names the
    runs no partner's run fits: their messages come from outside, as the reason says.
    """

    processes: tuple[str, ...]
    scenarios: tuple[CollaborationScenario, ...]
    size: int
    lower_bound: int
    suites: dict[str, ComposedSuite]
    alone: tuple[tuple[str, str, str], ...] = ()

    @property
    def gap(self) -> int:
        """How many scenarios more than proven necessary the cover has."""
        return self.size - self.lower_bound

    def as_composed(self, graph: ControlFlowGraph, process_id: str) -> ComposedSuite:
        """Return the same scenarios as those of one process, for those who write their steps."""
        own = self.suites[process_id]
        return replace(
            own,
            scenarios=tuple(item.merged(graph) for item in self.scenarios),
            size=self.size,
            lower_bound=self.lower_bound,
            uncovered=tuple(entry for suite in self.suites.values() for entry in suite.uncovered),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the collaboration as in `orchestra suite plan`."""
        return {
            "processes": list(self.processes),
            "size": self.size,
            "lowerBound": self.lower_bound,
            "gap": self.gap,
            "scenarios": [item.to_json() for item in self.scenarios],
            "alone": [{"process": process, "key": key, "why": why} for process, key, why in self.alone],
        }


def collaborations_of(graph: ControlFlowGraph) -> tuple[tuple[str, ...], ...]:
    """Return the groups of two or more processes with content that are joined by messages, in the order of the file."""
    owner = {node.id: node.process_id for node in graph.nodes}
    group: dict[str, str] = {name: name for name in owner.values()}

    def head(name: str) -> str:
        while group[name] != name:
            group[name] = group[group[name]]
            name = group[name]
        return name

    for flow in graph.message_flows:
        if flow.source in owner and flow.target in owner:
            group[head(owner[flow.target])] = head(owner[flow.source])
    found: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(item.id for item in graph.processes if item.id in group):
        found[head(name)].append(name)
    return tuple(tuple(names) for names in found.values() if len(names) > 1)


def compose_collaboration(
    graph: ControlFlowGraph, processes: Sequence[str], *, criterion: str = "flow", max_loop: int = 2
) -> CollaborationSuite:
    """Return the scenarios of one group of processes that send each other messages."""
    suites = {name: compose(graph, name, criterion=criterion, max_loop=max_loop) for name in processes}
    # Runs with fewer turns or another way through may fit a partner where those of the suite do not.
    others = {
        name: tuple(item for other in _OTHERS for item in compose(graph, name, criterion=other, max_loop=1).scenarios)
        for name in processes
    }
    return _Combiner(graph, suites, others).combine()


class _Combiner:
    """Joins the runs of each process so that every run is in some scenario, and scenarios are few."""

    def __init__(
        self,
        graph: ControlFlowGraph,
        suites: dict[str, ComposedSuite],
        others: dict[str, tuple[ComposedScenario, ...]],
    ) -> None:
        self._graph, self._suites = graph, suites
        self._scenarios = {name: _with_others(suite.scenarios, others[name]) for name, suite in suites.items()}
        # What no run comes to the end of sends nothing that can be relied on: the test stands in for it.
        self._absent = [name for name, scenarios in self._scenarios.items() if not scenarios]
        self._nodes: dict[str, FlowNode] = {node.id: node for node in graph.nodes}
        self._messages = Messages.of(graph)
        self._keys = KeyMaker(graph)
        sources = Sources.of(graph)
        self._runs: dict[str, list[Run]] = {
            name: [run_of(name, number, item.visits, self._nodes, sources) for number, item in enumerate(scenarios)]
            for name, scenarios in self._scenarios.items()
        }
        self._order = self._neighbours()
        self._covered: set[tuple[str, int]] = set()
        self._tries, self._left_in_all = 0, MOST_TRIES_IN_ALL
        self._alone: list[tuple[str, str, str]] = []

    def combine(self) -> CollaborationSuite:
        """Return first the scenarios of the covers, then those of what comes on top of them."""
        cover = [self._scenario(runs, None) for runs in self._combined(on_top=False)]
        extras = [self._scenario(runs, self._scenario_of(runs[0])) for runs in self._combined(on_top=True)]
        return CollaborationSuite(
            processes=tuple(self._suites),
            scenarios=(*cover, *extras),
            size=len(cover),
            lower_bound=max((suite.lower_bound for suite in self._suites.values()), default=0),
            suites=self._suites,
            alone=tuple(self._alone),
        )

    def _neighbours(self) -> dict[str, list[str]]:
        """Return for each process all others, those it shares messages with first."""
        joined: dict[str, set[str]] = defaultdict(set)
        for flow in self._graph.message_flows:
            ends = [self._nodes[end].process_id for end in (flow.source, flow.target) if end in self._nodes]
            if len(ends) == 2:
                joined[ends[0]].add(ends[1])
                joined[ends[1]].add(ends[0])
        result: dict[str, list[str]] = {}
        for name in self._suites:
            order = [name]
            for item in order:
                order += [other for other in self._suites if other in joined[item] and other not in order]
            result[name] = [*order[1:], *(other for other in self._suites if other not in order)]
        return result

    def _left(self, name: str, *, on_top: bool) -> list[Run]:
        suite = self._suites[name]
        wanted = range(suite.size, len(suite.scenarios)) if on_top else range(suite.size)
        return [run for run in self._runs[name] if run.number in wanted and (name, run.number) not in self._covered]

    def _combined(self, *, on_top: bool) -> Iterator[list[Run]]:
        while True:
            waiting = {name: self._left(name, on_top=on_top) for name in self._suites}
            name = max(waiting, key=lambda item: len(waiting[item]))
            if not waiting[name]:
                return
            wanted = waiting[name][0]
            runs = self._join(wanted)
            if runs is None:
                self._alone.append((name, self._scenario_of(wanted).key, self._why(wanted)))
                runs = [wanted]
            self._covered |= {(run.process_id, run.number) for run in runs}
            yield runs

    def _join(self, wanted: Run) -> list[Run] | None:
        """Return runs of the partners that fit the wanted one; first with everybody who is sent a start message."""
        for strict in (True, False):
            self._tries = min(MOST_TRIES, self._left_in_all)
            self._left_in_all -= self._tries
            found = self._extend([wanted], self._order[wanted.process_id], strict)
            self._left_in_all += max(0, self._tries)
            if found is not None:
                return found
        return None

    def _extend(self, chosen: list[Run], open_: list[str], strict: bool) -> list[Run] | None:
        self._tries -= 1
        free = [*open_, *self._absent]
        if self._tries < 0 or not interleave(chosen, self._messages, self._nodes, free).is_complete:
            return None
        if not open_ or all(name in self._absent for name in open_):
            return chosen if not strict or not self._unstarted(chosen) else None
        for run in self._candidates(open_[0]):
            found = self._extend(chosen if run is None else [*chosen, run], open_[1:], strict)
            if found is not None:
                return found
        return None

    def _candidates(self, name: str) -> list[Run | None]:
        """Return runs in no scenario yet before others, the plain ones before those on top; at last no run at all."""
        size = self._suites[name].size
        ranked = sorted(
            self._runs[name], key=lambda run: ((name, run.number) in self._covered or run.number >= size, run.number)
        )
        return [*ranked[:MOST_RUNS], None]

    def _unstarted(self, chosen: Sequence[Run]) -> bool:
        """True where a chosen run sends a start message to a process that takes no part."""
        present = {run.process_id for run in chosen}
        sent = {flow for run in chosen for visit in run.visits for flow in self._messages.sent_by.get(visit, ())}
        return any(
            self._nodes[node].type is NodeType.START_EVENT
            and self._nodes[node].process_id not in present
            and self._nodes[node].process_id not in self._absent
            and bool(sent & set(flows))
            for node, flows in self._messages.awaited_by.items()
        )

    def _why(self, wanted: Run) -> str:
        stuck = interleave([wanted], self._messages, self._nodes, self._absent).blocked
        names = [self._messages.names[flow] for _, node in stuck for flow in self._messages.awaited_by.get(node, ())]
        told = ", ".join(f"'{name}'" for name in dict.fromkeys(names)) or "what it awaits"
        return f"no run of a partner was found that sends {told} in time; the test sends it"

    def _scenario_of(self, run: Run) -> ComposedScenario:
        return self._scenarios[run.process_id][run.number]

    def _scenario(self, runs: Sequence[Run], on_top: ComposedScenario | None) -> CollaborationScenario:
        ordered = sorted(runs, key=lambda run: list(self._suites).index(run.process_id))
        absent = self._absent
        together = interleave(ordered, self._messages, self._nodes, absent)
        if not together.is_complete:  # a run nobody fits: its partners are played by the test
            absent = [name for name in self._suites if name not in {run.process_id for run in ordered}]
            together = interleave(ordered, self._messages, self._nodes, absent)
        outside = tuple(flow for flow in together.messages if self._messages.sender_process[flow] in absent)
        return self._named(ordered, together, outside, on_top)

    def _named(
        self,
        runs: Sequence[Run],
        together: Interleaving,
        outside: tuple[str, ...],
        on_top: ComposedScenario | None,
    ) -> CollaborationScenario:
        visits = {run.process_id: run.visits for run in runs}
        scenarios = {run.process_id: self._scenario_of(run) for run in runs}
        provokes = tuple(event for item in scenarios.values() for event in item.provokes)
        order = tuple((process, visits[process][index]) for process, index in together.steps)
        found = CollaborationScenario(
            key="",
            runs=scenarios,
            order=order,
            messages=tuple(flow for flow in together.messages if flow not in outside),
            kind="cover" if on_top is None else on_top.kind,
            of="" if on_top is None else on_top.of,
            provokes=provokes,
            outside=outside,
        )
        path = [flow for item in scenarios.values() for flow in item.path]
        return replace(found, key=self._keys.key(path, [node for _, node in order], provokes))


def _with_others(own: Sequence[ComposedScenario], others: Sequence[ComposedScenario]) -> tuple[ComposedScenario, ...]:
    """Return the scenarios of a suite, then those others that walk another way."""
    known = {item.path for item in own}
    further = {item.path: item for item in others if item.path not in known}
    return (*own, *further.values()) if own else ()
