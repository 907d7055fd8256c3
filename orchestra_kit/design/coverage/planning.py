"""`plan_suite`: for every process and sub-process the smallest set of walks, with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.coverage.boundaries import attribute_walks
from orchestra_kit.design.coverage.components import loop_edges
from orchestra_kit.design.coverage.containers import Container, containers_of
from orchestra_kit.design.coverage.cover import Cover
from orchestra_kit.design.coverage.criteria import Criterion, base_demands, further_demands, to_criterion
from orchestra_kit.design.coverage.loops import loop_walks
from orchestra_kit.design.coverage.naming import KeyMaker
from orchestra_kit.design.coverage.reasons import unreachable
from orchestra_kit.design.coverage.spreading import cover_anywhere
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import PLAIN, explore_runs
from orchestra_kit.design.coverage.walk_graph import EdgeKind, Walk, WalkGraph
from orchestra_kit.design.coverage.whole import WholeSuite, whole_suite
from orchestra_kit.model.process import ControlFlowGraph, NodeType

_SPLIT_KINDS = {
    NodeType.PARALLEL_GATEWAY: "its branches run one after the other, each of them wholly, before what follows",
    NodeType.INCLUSIVE_GATEWAY: "all its conditions hold together, except where its default flow is taken",
    NodeType.COMPLEX_GATEWAY: "its condition is not looked at: any of its branches may run, alone or together, and where "
    "several come together each goes on by itself",
    NodeType.EVENT_BASED_GATEWAY: "each scenario has to bring about the event of its branch before the others",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedScenario:
    """One walk of a container: its flows in firing order and the nodes it enters."""

    key: str
    path: tuple[str, ...]
    visits: tuple[str, ...]
    provokes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the scenario as in `orchestra suite plan`."""
        result: dict[str, Any] = {"key": self.key, "path": list(self.path), "visits": list(self.visits)}
        return result | ({"provokes": list(self.provokes)} if self.provokes else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """Scenarios beyond the minimal cover: `loop` of a flow, `boundary` of an event."""

    kind: str
    of: str
    scenarios: tuple[PlannedScenario, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the addition as in `orchestra suite plan`."""
        scenarios = [item.to_json() for item in self.scenarios]
        return {"kind": self.kind, "of": self.of, "count": len(scenarios), "scenarios": scenarios}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """The smallest suite of one process or sub-process; `size` equals `lower_bound`."""

    process_id: str
    container: str
    criterion: Criterion
    scenarios: tuple[PlannedScenario, ...]
    lower_bound: int
    certificate: tuple[str, ...]
    additions: tuple[Addition, ...]
    unreachable: tuple[tuple[str, str], ...]
    assumptions: tuple[str, ...]
    size_sequential: int = 0
    """The size when each run walks one branch of every split: what parallel branches save shows against it."""
    steps: int = 0

    @property
    def size(self) -> int:
        """The number of scenarios that the criterion itself needs."""
        return len(self.scenarios)

    def to_json(self) -> dict[str, Any]:
        """Return the container as in `orchestra suite plan`."""
        return {
            "process": self.process_id,
            "container": self.container,
            "criterion": self.criterion.value,
            "size": self.size,
            "lowerBound": self.lower_bound,
            "sizeSequential": self.size_sequential,
            "certificate": list(self.certificate),
            "scenarios": [item.to_json() for item in self.scenarios],
            "additions": [item.to_json() for item in self.additions],
            "unreachable": [{"id": element, "why": why} for element, why in self.unreachable],
            "assumptions": list(self.assumptions),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitePlan:
    """The plans of all containers, and what the whole suite needs when sub-processes ride on their parents' scenarios."""

    containers: tuple[ContainerPlan, ...]
    whole: WholeSuite

    @property
    def size(self) -> int:
        """The number of scenarios of the whole suite."""
        return self.whole.size

    @property
    def lower_bound(self) -> int:
        """How many any suite must have."""
        return self.whole.lower_bound

    @property
    def gap(self) -> int:
        """How many scenarios more than proven necessary the whole suite has."""
        return self.whole.gap

    def to_json(self, file: str) -> dict[str, Any]:
        """Return the JSON of `orchestra suite plan`."""
        return {
            "file": file,
            "containers": [item.to_json() for item in self.containers],
            "suite": self.whole.to_json(),
        }


def plan_suite(
    graph: ControlFlowGraph,
    *,
    process_id: str | None = None,
    criterion: str = "flow",
    max_loop: int = 2,
    siblings: Mapping[str, ControlFlowGraph] | None = None,
) -> SuitePlan:
    """Return the plan of one process of a graph, or of all; `siblings` are the files that calls may lead to."""
    wanted = to_criterion(criterion)
    found = containers_of(graph, process_id)
    plans = tuple(plan_container(graph, item, wanted, max_loop) for item in found.values())
    own: dict[str, tuple[int, int]] = {}  # processes with nothing to compose
    for process in dict.fromkeys(item.process_id for item in found.values()):
        containers = [item for item in plans if item.process_id == process]
        if len(containers) == 1 and found[containers[0].container].flows:
            own[process] = containers[0].size, containers[0].lower_bound
    whole = whole_suite(graph, own, process_id=process_id, criterion=criterion, max_loop=max_loop, siblings=siblings)
    return SuitePlan(containers=plans, whole=whole)


def plan_container(graph: ControlFlowGraph, container: Container, criterion: Criterion, max_loop: int) -> ContainerPlan:
    """Return the plan of one container, its sub-processes taken as single steps."""
    net = TokenNet(container.nodes, container.flows)
    runs, base = explore_runs(net, lambda edge: edge.kind in PLAIN)
    whole = runs.graph
    further = whole.restrict(lambda _: True)
    best = cover_anywhere(base, base_demands(criterion, base, whole))
    around = cover_anywhere(further, further_demands(criterion, further, base, whole))
    keys = KeyMaker(graph)
    scenarios = tuple(_scenario(whole, walk, keys) for walk in best.walks)
    additions = [*_boundary_additions(whole, around, keys)]
    walks = [*best.walks, *around.walks]
    additions += _loop_additions(base, further, walks, max_loop, keys)
    return ContainerPlan(
        process_id=container.process_id,
        container=container.id,
        criterion=criterion,
        scenarios=scenarios,
        lower_bound=best.lower_bound,
        certificate=tuple(element for element, _ in best.certificate),
        additions=tuple(additions),
        unreachable=tuple(unreachable(container, runs, further)),
        assumptions=tuple(assumptions(container)),
        size_sequential=_sequential_size(container, criterion) if net.runs_branches() else len(best.walks),
        steps=best.steps,
    )


def _sequential_size(container: Container, criterion: Criterion) -> int:
    """Return how many walks of one token the criterion needs."""
    net = TokenNet(container.nodes, container.flows, one_token=True)
    runs, base = explore_runs(net, lambda edge: edge.kind in PLAIN)
    return len(cover_anywhere(base, base_demands(criterion, base, runs.graph)).walks)


def _scenario(graph: WalkGraph, walk: Walk, keys: KeyMaker) -> PlannedScenario:
    path = tuple(flow for edge in walk.edges for flow in edge.fires)
    entered = (graph.node_ids[node] for node in (walk.start, *(edge.target for edge in walk.edges)))
    visits = tuple(node for node in entered if node)
    provokes = tuple(edge.id for edge in walk.edges if edge.kind is EdgeKind.BOUNDARY)
    return PlannedScenario(key=keys.key(path, visits, provokes), path=path, visits=visits, provokes=provokes)


def _boundary_additions(graph: WalkGraph, around: Cover, keys: KeyMaker) -> list[Addition]:
    grouped = attribute_walks(around.walks)
    return [
        Addition(kind="boundary", of=event, scenarios=tuple(_scenario(graph, walk, keys) for walk in walks))
        for event, walks in grouped.items()
    ]


def _loop_additions(
    base: WalkGraph, further: WalkGraph, walks: list[Walk], max_loop: int, keys: KeyMaker
) -> list[Addition]:
    found = loop_walks(base, walks, max_loop)
    inner = {edge.index for edge in loop_edges(base)}
    found += loop_walks(further, [*walks, *(item.walk for item in found)], max_loop, known=inner)
    grouped: dict[str, list[PlannedScenario]] = {}
    for item in found:
        name = item.edge.id or further.node_ids[item.edge.target]
        grouped.setdefault(name, []).append(_scenario(further, item.walk, keys))
    return [Addition(kind="loop", of=name, scenarios=tuple(items)) for name, items in grouped.items()]


def assumptions(container: Container) -> list[str]:
    """Return what the walks of a container take for granted."""
    leaving: dict[str, int] = {}
    for flow in container.flows:
        leaving[flow.source] = leaving.get(flow.source, 0) + 1
    notes: list[str] = []
    for node in container.nodes:
        if node.type in _SPLIT_KINDS and leaving.get(node.id, 0) > 1:
            notes.append(f"{node.type.value} '{node.id}': {_SPLIT_KINDS[node.type]}.")
        elif not node.type.is_gateway and leaving.get(node.id, 0) > 1:
            notes.append(
                f"'{node.id}': several flows leave it; they are taken together, unless a condition says otherwise."
            )
        elif node.type is NodeType.BOUNDARY_EVENT and not node.cancel_activity:
            notes.append(
                f"boundaryEvent '{node.id}': its activity is done before what the event starts, and goes on after it."
            )
    if container.holder is not None and container.holder.type is NodeType.AD_HOC_SUB_PROCESS:
        notes.append(f"adHocSubProcess '{container.id}': its activities may run in any order and number.")
    return notes
