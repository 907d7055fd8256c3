"""All scenarios of a suite against a new version of their process, and what is to be added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra_kit.design.change.difference import ProcessDiff, diff_graphs
from orchestra_kit.design.change.matching import match_graphs
from orchestra_kit.design.change.restoring import Restoration, restore_coverage
from orchestra_kit.design.change.verdicts import ScenarioJudge, ScenarioVerdict, Verdict, counts_of
from orchestra_kit.model import TestScenario, Value
from orchestra_kit.model.process import ControlFlowGraph


class SuiteCheck(Value):
    """The differences, the verdict on each scenario, and the fewest scenarios that restore coverage."""

    diff: ProcessDiff
    scenarios: tuple[ScenarioVerdict, ...]
    restoration: Restoration

    @property
    def is_broken(self) -> bool:
        """Return whether a scenario can no longer run."""
        return any(item.verdict is Verdict.BROKEN for item in self.scenarios)

    def to_answer(self) -> dict[str, Any]:
        """Return the JSON of `orchestra suite check`."""
        restoration = self.restoration
        return {
            "changes": [item.to_json() for item in self.diff.changes],
            "counts": counts_of(self.scenarios),
            "scenarios": [item.to_json() for item in self.scenarios],
            "restoration": {
                **restoration.to_json(),
                "size": len(restoration.scenarios),
                "gap": restoration.gap,
            },
        }


def check_scenarios(
    old: ControlFlowGraph,
    new: ControlFlowGraph,
    scenarios: Sequence[TestScenario],
    *,
    earlier: Mapping[int, ControlFlowGraph] | None = None,
    process_id: str | None = None,
    criterion: str = "flow",
    max_loop: int = 2,
) -> SuiteCheck:
    """Return what a new version of a process means for its scenarios.

    `old` is the version they were made for, unless their own processVersion is among the `earlier` ones. `process_id` is the
    process in the old version; without it, the one their paths run through.
    """
    graphs = earlier or {}
    process = process_id or _process_of(old, scenarios)
    judges = {0: _judge(old, new, process)}
    verdicts = []
    for scenario in scenarios:
        version = scenario.process_version or 0
        if version not in graphs:
            version = 0
        elif version not in judges:
            judges[version] = _judge(graphs[version], new, process)
        verdicts.append(judges[version].judge(scenario))
    held = [item for item in verdicts if item.verdict in (Verdict.VALID, Verdict.MOVED)]
    matching = match_graphs(old, new)
    now = matching.processes.get(process)
    restoration = Restoration(criterion=criterion)
    if now is not None:
        visited = {node for item in held for node in item.visits}
        paths = [item.new_path for item in held]
        restoration = restore_coverage(new, now, paths, visited=visited, criterion=criterion, max_loop=max_loop)
    return SuiteCheck(diff=diff_graphs(old, new, matching), scenarios=tuple(verdicts), restoration=restoration)


def _judge(old: ControlFlowGraph, new: ControlFlowGraph, process_id: str) -> ScenarioJudge:
    matching = match_graphs(old, new)
    return ScenarioJudge(old, new, matching, diff_graphs(old, new, matching), process_id=process_id)


def _process_of(graph: ControlFlowGraph, scenarios: Sequence[TestScenario]) -> str:
    """Return the process most flows on the paths belong to, else the first with elements."""
    owner = {flow.id: flow.process_id for flow in graph.flows}
    counts = Counter(owner[flow] for item in scenarios for flow in item.path if flow in owner)
    if counts:
        return counts.most_common(1)[0][0]
    return next((item.id for item in graph.processes if item.nodes), "")
