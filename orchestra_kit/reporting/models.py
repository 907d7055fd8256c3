"""The models behind a set of runs: usually one, several where suites of different processes are reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.reporting.coverage import covered_elements, measure, planned_elements, total_of
from orchestra_kit.reporting.report import Coverage, ProcessCoverage, RunFacts


class Models:
    """Knows which graph a run was made for. Equal graphs of several suites are one model."""

    def __init__(self, graph: ControlFlowGraph | None, graphs: Mapping[str, ControlFlowGraph]) -> None:
        self._key_of_suite: dict[str, str] = {}
        self._by_key: dict[str, ControlFlowGraph] = {}
        for suite_id, other in graphs.items():
            key = next((name for name, known in self._by_key.items() if known == other), suite_id)
            self._by_key.setdefault(key, other)
            self._key_of_suite[suite_id] = key
        if graph is not None and not self._by_key:
            self._by_key = {"": graph}
        self._for_all = graph if not graphs else None
        self._alone = next(iter(self._by_key.values())) if len(self._by_key) == 1 else None

    def __bool__(self) -> bool:
        return bool(self._by_key)

    @property
    def only(self) -> ControlFlowGraph | None:
        """The one graph, when there is just one."""
        return self._alone

    @property
    def several(self) -> dict[str, ControlFlowGraph]:
        """The graphs by model, when there are several."""
        return self._by_key if len(self._by_key) > 1 else {}

    def key_of(self, facts: RunFacts) -> str:
        """Return the model of a run; '' when there is one for all."""
        return "" if self._alone is not None else self._key_of_suite.get(facts.plan.scenario.suite_id, "")

    def graph_of(self, facts: RunFacts) -> ControlFlowGraph | None:
        """Return the graph of a run; None when its suite has none."""
        if self._for_all is not None:
            return self._for_all
        return self._by_key.get(self._key_of_suite.get(facts.plan.scenario.suite_id, ""))


def joint_coverage(facts: Sequence[RunFacts], models: Models) -> Coverage:
    """Return what runs covered together, each model by itself: what one run did is never divided by another's model."""
    if not facts and models.only is not None:
        return measure(models.only, frozenset(), frozenset())
    groups: dict[str, list[RunFacts]] = {}
    for item in facts:
        groups.setdefault(models.key_of(item), []).append(item)
    processes: list[ProcessCoverage] = []
    for key, items in groups.items():
        graph = models.graph_of(items[0])
        if graph is not None:
            covered: frozenset[str] = frozenset().union(*(covered_elements(item, graph) for item in items))
            planned: frozenset[str] = frozenset().union(*(planned_elements(item) for item in items))
            processes += measure(graph, covered, planned, model=key).processes
    return total_of(processes)
