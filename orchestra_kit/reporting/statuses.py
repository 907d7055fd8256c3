"""What each element of a process looks like in the picture of one run or of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestra_kit.model import ControlFlowGraph, StepStatus
from orchestra_kit.reporting.palette import ElementStatus
from orchestra_kit.reporting.report import RunReport, StepReport

# What matters more hides what matters less, where several steps or runs meet at one element.
_WEIGHT = (
    ElementStatus.FAILED,
    ElementStatus.UNJUDGED,
    ElementStatus.RUNNING,
    ElementStatus.FLAKY,
    ElementStatus.PASSED,
    ElementStatus.SKIPPED,
    ElementStatus.NOT_COVERED,
)


def statuses_of_run(run: RunReport, graph: ControlFlowGraph) -> dict[str, ElementStatus]:
    """Return the status of every node and flow in one run: what it covered, where it failed, what it did not reach."""
    covered = run.coverage.covered if run.coverage else frozenset()
    statuses = _all_uncovered(graph)
    for flow in graph.flows:
        if flow.id in run.planned_flows:
            for item in (flow.id, flow.source, flow.target):
                if item in statuses:
                    statuses[item] = ElementStatus.SKIPPED
    statuses.update((item, ElementStatus.PASSED) for item in covered if item in statuses)
    by_element: dict[str, list[ElementStatus]] = {}
    for step in run.steps:
        if step.element_id is not None and step.element_id in statuses:
            by_element.setdefault(step.element_id, []).append(_of_step(step))
    for element, found in by_element.items():
        statuses[element] = min(found, key=_WEIGHT.index)
    _mark_holders(statuses, graph)
    return statuses


def statuses_of_runs(runs: Sequence[RunReport], graph: ControlFlowGraph) -> dict[str, ElementStatus]:
    """Return the most important status of every node and flow over several runs; what none was to reach is not covered."""
    together = _all_uncovered(graph)
    for run in runs:
        for item, status in statuses_of_run(run, graph).items():
            together[item] = min(together[item], status, key=_WEIGHT.index)
    return {
        item: ElementStatus.NOT_COVERED if status is ElementStatus.SKIPPED else status
        for item, status in together.items()
    }


def heat_of_runs(runs: Sequence[RunReport]) -> tuple[dict[str, float], dict[str, str]]:
    """Return for each covered element its share of the most walked one, and a badge telling how often all runs together
    walked it."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(run.walks)
    most = max(counts.values(), default=1)
    return {item: count / most for item, count in counts.items()}, {item: f"{count}×" for item, count in counts.items()}


def _all_uncovered(graph: ControlFlowGraph) -> dict[str, ElementStatus]:
    ids = [node.id for node in graph.nodes] + [flow.id for flow in graph.flows]
    return dict.fromkeys(ids, ElementStatus.NOT_COVERED)


def _of_step(step: StepReport) -> ElementStatus:
    if step.could_not_judge:
        return ElementStatus.UNJUDGED
    return {
        StepStatus.PASSED: ElementStatus.PASSED,
        StepStatus.FAILED: ElementStatus.FAILED,
        StepStatus.FLAKY: ElementStatus.FLAKY,
        StepStatus.RUNNING: ElementStatus.RUNNING,
        StepStatus.SKIPPED: ElementStatus.SKIPPED,
        StepStatus.PENDING: ElementStatus.NOT_COVERED,
    }[step.status]


def _mark_holders(statuses: dict[str, ElementStatus], graph: ControlFlowGraph) -> None:
    """A sub-process shows the failure inside it: it may be drawn collapsed."""
    holders = {node.id: node.container for node in graph.nodes}
    for node in graph.nodes:
        if statuses[node.id] not in (ElementStatus.FAILED, ElementStatus.UNJUDGED):
            continue
        seen = {node.id}
        holder = node.container
        while holder in holders and holder not in seen:
            statuses[holder] = min(statuses[holder], statuses[node.id], key=_WEIGHT.index)
            seen.add(holder)
            holder = holders[holder]
