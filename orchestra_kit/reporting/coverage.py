"""Which elements of a process the recorded results prove to be covered. Ratios lie within 0 and 1 by construction:
only ids of the graph count, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from orchestra_kit.model import (
    ControlFlowGraph,
    FlowNode,
    NodeType,
    ScenarioStep,
    StepKind,
    StepResult,
    StepStatus,
    ViolationType,
)
from orchestra_kit.reporting.reach import left_out
from orchestra_kit.reporting.report import Coverage, CoverageCount, LeftOut, ProcessCoverage, RunFacts

_JOINS = (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY, NodeType.COMPLEX_GATEWAY)
PASSED = (StepStatus.PASSED, StepStatus.FLAKY)


def latest_results(results: Iterable[StepResult]) -> dict[tuple[str, int], StepResult]:
    """Return for each step and iteration the attempt that counts: the last one."""
    latest: dict[tuple[str, int], StepResult] = {}
    for result in results:
        key = (result.step_alias, result.iteration)
        if key not in latest or result.attempt >= latest[key].attempt:
            latest[key] = result
    return latest


def taken_flows(facts: RunFacts) -> tuple[str, ...]:
    """Return the flows this run is proven to have taken, in order, each once."""
    return tuple(dict.fromkeys(walked_flows(facts)))


def walked_flows(facts: RunFacts) -> tuple[str, ...]:
    """Return the flows this run is proven to have taken, in order, as often as it took them."""
    reached = _reached_steps(facts)
    taken: list[str] = []
    for step in facts.plan.scenario.steps:
        if step.alias in reached:
            taken.extend(step.flow_ids)
    steps = facts.plan.scenario.steps
    if steps and _passed(facts, steps[-1].alias):
        taken.extend(facts.plan.scenario.end_flow_ids)
    return tuple(taken)


def count_walks(facts: RunFacts, graph: ControlFlowGraph) -> dict[str, int]:
    """Return how often a run walked each element and flow it covered: a loop taken twice counts twice.

    A join that waits for several tokens fires once for all of them, any other node once for each.
    """
    known = {flow.id for flow in graph.flows}
    flows = Counter(flow for flow in walked_flows(facts) if flow in known)
    entering: dict[str, list[int]] = {}
    leaving: dict[str, list[int]] = {}
    for flow in graph.flows:
        entering.setdefault(flow.target, []).append(flows[flow.id])
        leaving.setdefault(flow.source, []).append(flows[flow.id])
    walks: dict[str, int] = dict(flows)
    covered = covered_elements(facts, graph)
    for node in graph.nodes:
        if node.id in covered:
            came, went = entering.get(node.id, [0]), leaving.get(node.id, [0])
            walks[node.id] = max(max(came) if node.type in _JOINS else sum(came), max(went), 1)
    return walks


def planned_flows(facts: RunFacts) -> tuple[str, ...]:
    """Return the flows the scenario is meant to take, in order, each once."""
    scenario = facts.plan.scenario
    if scenario.path:
        return tuple(dict.fromkeys(scenario.path))
    flows = [flow for step in scenario.steps for flow in step.flow_ids]
    return tuple(dict.fromkeys([*flows, *scenario.end_flow_ids]))


def covered_elements(facts: RunFacts, graph: ControlFlowGraph) -> frozenset[str]:
    """Return the ids of nodes and flows of the graph that this run covered."""
    flows = {flow.id: flow for flow in graph.flows}
    nodes = {node.id: node for node in graph.nodes}
    covered = {flow_id for flow_id in taken_flows(facts) if flow_id in flows}
    touched = {end for flow_id in covered for end in (flows[flow_id].source, flows[flow_id].target)}
    reached = _reached_steps(facts)
    touched |= {step.element_id for step in facts.plan.scenario.steps if step.alias in reached and step.element_id}
    for node_id in touched:
        covered |= _with_holders(nodes.get(node_id), nodes)
    return frozenset(covered)


def measure(graph: ControlFlowGraph, covered: frozenset[str], planned: frozenset[str], *, model: str = "") -> Coverage:
    """Return coverage by process; `planned` are the flows and elements that scenarios lead through.

    Processes no scenario leads through do not count in the total, and where no scenario leads anywhere, those marked as
    not executable do not.
    """
    lost = {key: why for key, why in left_out(graph).items() if key not in covered}  # what happened was possible
    executable = {item.id: item.is_executable for item in graph.processes}
    processes = [_of_process(graph, key, name, covered, planned, lost) for key, name in _processes(graph)]
    some_planned = any(item.planned for item in processes)
    some_executable = any(executable.get(item.process_id) for item in processes)
    judged = []
    for item in processes:
        idle = executable.get(item.process_id) is False and some_executable
        reason = ("it is not executable, and " if idle else "") + "no scenario leads through it"
        counted = item.planned if some_planned else not idle
        update = {"counted": counted, "reason": "" if counted else reason, "model": model}
        judged.append(item.model_copy(update=update))
    return total_of(judged)


def total_of(processes: Iterable[ProcessCoverage]) -> Coverage:
    """Return the coverage of several processes, also of several models, each by itself and those that count together."""
    items = tuple(processes)
    counted = [item for item in items if item.counted]
    return Coverage(
        nodes=_sum(item.nodes for item in counted), flows=_sum(item.flows for item in counted), processes=items
    )


def planned_elements(facts: RunFacts) -> frozenset[str]:
    """Return the ids the scenario of a run names: flows, and elements its steps play."""
    elements = {step.element_id for step in facts.plan.scenario.steps if step.element_id}
    return frozenset(elements | set(planned_flows(facts)))


def _reached_steps(facts: RunFacts) -> set[str]:
    return {
        alias for (alias, _), result in latest_results(facts.results).items() if _proves(_step_of(facts, alias), result)
    }


def _step_of(facts: RunFacts, alias: str) -> ScenarioStep | None:
    return next((step for step in facts.plan.scenario.steps if step.alias == alias), None)


def _proves(step: ScenarioStep | None, result: StepResult) -> bool:
    """A step that passed proves that the token came there; so does an ACTION that was answered, even wrongly. A failed
    ASSERTION does not: what it looked for was not there."""
    if result.status in PASSED:
        return True
    if result.status is not StepStatus.FAILED or step is None or step.kind is not StepKind.ACTION:
        return False
    if any(item.type is ViolationType.VALIDATION_ERROR for item in result.violations):
        return False  # the request was never sent
    return not all(item.type is ViolationType.EXECUTION_ERROR for item in result.violations)


def _passed(facts: RunFacts, alias: str) -> bool:
    results = [result for (name, _), result in latest_results(facts.results).items() if name == alias]
    return bool(results) and all(result.status in PASSED for result in results)


def _with_holders(node: FlowNode | None, nodes: Mapping[str, FlowNode]) -> set[str]:
    """Return a node with the sub-processes around it and the activity it is attached to: they were active too."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if item is None or item.id in found:
            continue
        found.add(item.id)
        waiting += [nodes.get(item.container), nodes.get(item.attached_to or "")]
    return found


def _processes(graph: ControlFlowGraph) -> list[tuple[str, str]]:
    known = {process.id: process.name for process in graph.processes}
    pools = {item.process_id: item.name for item in graph.participants if item.process_id}
    ids = dict.fromkeys(
        [*known, *(node.process_id for node in graph.nodes), *(flow.process_id for flow in graph.flows)]
    )
    return [(key, known.get(key) or pools.get(key) or key) for key in ids]


def _of_process(
    graph: ControlFlowGraph,
    process_id: str,
    name: str,
    covered: frozenset[str],
    planned: frozenset[str],
    lost: Mapping[str, str],
) -> ProcessCoverage:
    all_nodes = list(dict.fromkeys(node.id for node in graph.nodes if node.process_id == process_id))
    all_flows = list(dict.fromkeys(flow.id for flow in graph.flows if flow.process_id == process_id))
    nodes = [item for item in all_nodes if item not in lost]
    flows = [item for item in all_flows if item not in lost]
    hit_nodes = tuple(item for item in nodes if item in covered)
    hit_flows = tuple(item for item in flows if item in covered)
    return ProcessCoverage(
        process_id=process_id,
        name=name,
        planned=any(item in planned for item in (*all_nodes, *all_flows)),
        nodes=CoverageCount.of(len(hit_nodes), len(nodes)),
        flows=CoverageCount.of(len(hit_flows), len(flows)),
        covered_nodes=hit_nodes,
        covered_flows=hit_flows,
        missed_nodes=tuple(item for item in nodes if item not in covered),
        missed_flows=tuple(item for item in flows if item not in covered),
        left_out=tuple(LeftOut(id=item, why=lost[item]) for item in (*all_nodes, *all_flows) if item in lost),
    )


def _sum(counts: Iterable[CoverageCount]) -> CoverageCount:
    items = list(counts)
    return CoverageCount.of(sum(item.covered for item in items), sum(item.total for item in items))
