"""Whole scenarios of a process: walks of the process with the walks of its sub-processes in their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.design.coverage.containers import Container, containers_of
from orchestra_kit.design.coverage.criteria import Criterion, to_criterion
from orchestra_kit.design.coverage.fragments import Barrier, Fragment, Inside
from orchestra_kit.design.coverage.naming import KeyMaker
from orchestra_kit.design.coverage.nesting import Nest
from orchestra_kit.design.coverage.orders import Resources, resources_of
from orchestra_kit.design.coverage.reasons import unreachable
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import PLAIN, explore_runs
from orchestra_kit.model.process import ControlFlowGraph, FlowNode, SequenceFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedScenario:
    """One run of a whole process: flows in firing order, nodes in the order they are entered.

    `provokes` names the boundary events, and the starts of event sub-processes, that the test has to bring about. `kind`
    is `cover` for the minimal suite, else what the scenario was added for: `of` says which loop, boundary event or event
    sub-process. `barriers` says before which visits parallel branches must all have ended,
    `instances` how often an activity with a loop of its own runs where that is not once.
    """

    key: str
    path: tuple[str, ...]
    visits: tuple[str, ...]
    provokes: tuple[str, ...] = ()
    kind: str = "cover"
    of: str = ""
    barriers: tuple[Barrier, ...] = ()
    instances: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedSuite:
    """The scenarios of one process; the first `size` of them cover the criterion, the others come on top.

    `uncovered` names the flows no scenario can take, with the reason: of them nothing is claimed.
    """

    process_id: str
    criterion: Criterion
    scenarios: tuple[ComposedScenario, ...]
    size: int
    lower_bound: int
    uncovered: tuple[tuple[str, str], ...] = ()

    @property
    def gap(self) -> int:
        """How many scenarios more than proven necessary the cover has."""
        return self.size - self.lower_bound

    def to_json(self) -> dict[str, Any]:
        """Return the numbers of the suite."""
        return {"size": self.size, "lowerBound": self.lower_bound, "gap": self.gap}


def compose(
    graph: ControlFlowGraph,
    process_id: str,
    *,
    criterion: str = "flow",
    max_loop: int = 2,
    resources: Resources | None = None,
) -> ComposedSuite:
    """Return the scenarios of one process with its sub-processes walked in place; raise UnknownNameError.

    `resources` says what elements work on; by default what the model itself says of that.
    """
    wanted = to_criterion(criterion)
    containers = containers_of(graph, process_id)
    known = resources_of(graph) if resources is None else resources
    inside = _Composer(containers, wanted, max_loop, known).inside(process_id)
    keys = KeyMaker(graph)
    scenarios = [_scenario(item, keys) for item in inside.fragments]
    scenarios += [_scenario(item.fragment, keys, item.kind, item.of) for item in inside.extras]
    return ComposedSuite(
        process_id=process_id,
        criterion=wanted,
        scenarios=tuple(scenarios),
        size=len(inside.fragments),
        lower_bound=inside.lower_bound,
        uncovered=tuple(_uncovered(containers, scenarios, wanted).items()),
    )


def _uncovered(
    containers: dict[str, Container], scenarios: Sequence[ComposedScenario], criterion: Criterion
) -> dict[str, str]:
    walked = {flow for item in scenarios for flow in item.path}
    visited = {node for item in scenarios for node in item.visits}
    result: dict[str, str] = {}
    for container in containers.values():
        flows = {flow.id for flow in container.flows}
        runs, _ = explore_runs(TokenNet(container.nodes, container.flows), lambda edge: edge.kind in PLAIN)
        lost = unreachable(container, runs, runs.graph.restrict(lambda _: True))
        # A run can end, by an error, where the container alone shows no end: what is walked is not lost.
        broken = {item for item, _ in container.broken}
        result |= {item: why for item, why in lost if item in (flows | broken) - walked}
        if criterion is Criterion.FLOW:
            entered = container.holder is None or container.holder.id in visited
            why = "an activity before it never ends normally" if entered else f"no scenario enters '{container.id}'"
            result |= dict.fromkeys(sorted(flows - walked - result.keys()), why)
    return result


def _scenario(fragment: Fragment, keys: KeyMaker, kind: str = "cover", of: str = "") -> ComposedScenario:
    return ComposedScenario(
        key=keys.key(fragment.path, fragment.visits, fragment.provokes),
        path=fragment.path,
        visits=fragment.visits,
        provokes=fragment.provokes,
        kind=kind,
        of=of,
        barriers=fragment.barriers,
        instances=fragment.instances,
    )


class _Composer:
    """Composes containers from the inside out."""

    def __init__(
        self, containers: dict[str, Container], criterion: Criterion, max_loop: int, resources: Resources
    ) -> None:
        self._containers, self._criterion, self._max_loop = containers, criterion, max_loop
        self._resources = resources
        self._nodes: dict[str, FlowNode] = {}
        self._flows: dict[str, SequenceFlow] = {}
        for container in containers.values():
            self._nodes |= {node.id: node for node in container.nodes}
            self._flows |= {flow.id: flow for flow in container.flows}

    def inside(self, identifier: str, above: tuple[str, ...] = ()) -> Inside:
        """Return what must be run in a container; nothing for one without content or without an end."""
        container = self._containers.get(identifier)
        if container is None or identifier in above:
            return Inside()
        inner = {node.id: self.inside(node.id, (*above, identifier)) for node in container.children()}
        return Nest(container, inner, self._nodes, self._flows, self._resources).compose(
            self._criterion, self._max_loop
        )
