"""`plan_suite`: for every process and sub-process the smallest set of walks, with its proof."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.coverage.added import AddedRun
from orchestra_kit.design.coverage.additions import additions
from orchestra_kit.design.coverage.containers import Container, containers_of
from orchestra_kit.design.coverage.cover import fewest_walks
from orchestra_kit.design.coverage.criteria import Criterion, base_demands, to_criterion
from orchestra_kit.design.coverage.naming import KeyMaker
from orchestra_kit.design.coverage.orders import Resources, resources_of
from orchestra_kit.design.coverage.plans import Addition, ContainerPlan, PlannedScenario
from orchestra_kit.design.coverage.reasons import unreachable
from orchestra_kit.design.coverage.spreading import cover_anywhere
from orchestra_kit.design.coverage.token_net import TokenNet
from orchestra_kit.design.coverage.token_runs import PLAIN, explore_runs
from orchestra_kit.design.coverage.walk_graph import EdgeKind, WalkGraph
from orchestra_kit.design.coverage.whole import WholeSuite, whole_suite
from orchestra_kit.model.process import ControlFlowGraph, NodeType

__all__ = ["Addition", "ContainerPlan", "PlannedScenario", "SuitePlan", "assumptions", "plan_container", "plan_suite"]

_LARGE = 5000
_SPLIT_KINDS = {
    NodeType.PARALLEL_GATEWAY: "its branches run one after the other, each of them wholly, before what follows",
    NodeType.INCLUSIVE_GATEWAY: "all its conditions hold together, except where its default flow is taken",
    NodeType.COMPLEX_GATEWAY: "its condition is not looked at: any of its branches may run, alone or together, and where "
    "several come together each goes on by itself",
    NodeType.EVENT_BASED_GATEWAY: "each scenario has to bring about the event of its branch before the others",
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


def plan_container(
    graph: ControlFlowGraph,
    container: Container,
    criterion: Criterion,
    max_loop: int,
    *,
    resources: Resources | None = None,
) -> ContainerPlan:
    """Return the plan of one container, its sub-processes taken as single steps.

    `resources` says what elements work on; by default what the model itself says of that.
    """
    with _without_collections(len(container.flows)):
        return _plan(graph, container, criterion, max_loop, resources_of(graph) if resources is None else resources)


@contextmanager
def _without_collections(flows: int) -> Iterator[None]:
    """Keep the garbage collector out while a large graph is planned: millions of live objects, and hardly a cycle."""
    pause = flows > _LARGE and gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()


def _plan(
    graph: ControlFlowGraph, container: Container, criterion: Criterion, max_loop: int, resources: Resources
) -> ContainerPlan:
    net = TokenNet(container.nodes, container.flows)
    runs, base = explore_runs(net, lambda edge: edge.kind in PLAIN)
    further = runs.graph.restrict(lambda _: True)
    best = cover_anywhere(base, base_demands(criterion, base, runs.graph))
    keys = KeyMaker(graph)
    scenarios = tuple(_scenario(runs.graph, AddedRun(walk=walk), keys) for walk in best.walks)
    lost = unreachable(container, runs, further)
    added = additions(
        runs,
        base,
        further,
        best.walks,
        criterion=criterion,
        max_loop=max_loop,
        resources=resources,
    )
    return ContainerPlan(
        process_id=container.process_id,
        container=container.id,
        criterion=criterion,
        scenarios=scenarios,
        lower_bound=best.lower_bound,
        certificate=tuple(element for element, _ in best.certificate),
        additions=tuple(
            Addition(
                kind=item.kind,
                of=item.of,
                scenarios=tuple(_scenario(runs.graph, run, keys) for run in item.runs),
                lower_bound=item.lower_bound,
                note=item.note,
            )
            for item in added
        ),
        unreachable=tuple(lost),
        assumptions=tuple(assumptions(container)),
        size_sequential=_sequential_size(container, criterion) if net.runs_branches() else len(best.walks),
        exhaustive=best.exhaustive,
        steps=best.steps,
    )


def _sequential_size(container: Container, criterion: Criterion) -> int:
    """Return how many walks of one token the criterion needs."""
    net = TokenNet(container.nodes, container.flows, one_token=True)
    runs, base = explore_runs(net, lambda edge: edge.kind in PLAIN)
    return fewest_walks(base, base_demands(criterion, base, runs.graph))


def _scenario(graph: WalkGraph, run: AddedRun, keys: KeyMaker) -> PlannedScenario:
    edges = run.walk.edges
    path = tuple(flow for edge in edges for flow in edge.fires)
    entered = (graph.node_ids[node] for node in (run.walk.start, *(edge.target for edge in edges)))
    visits = tuple(node for node in entered if node)
    provokes = tuple(edge.id for edge in edges if edge.kind is EdgeKind.BOUNDARY)
    key = keys.key(path, visits, provokes)
    return PlannedScenario(
        key=key, path=path, visits=visits, provokes=provokes, instances=run.instances, in_cover=run.in_cover
    )


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
