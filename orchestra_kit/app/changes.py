"""New versions of processes: what changed in a file, and what that means for the stored scenarios of a suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_kit.errors import DefinitionError, NotFoundError

if TYPE_CHECKING:
    from orchestra_kit.app.stores import Stores
    from orchestra_kit.design.change import ProcessDiff, SuiteCheck
    from orchestra_kit.model import ControlFlowGraph, ScenarioSuite, TestScenario
    from orchestra_kit.spi.definitions import Caller


def diff_process_files(old: Path, new: Path) -> ProcessDiff:
    """Return what changed between two process files; raise DefinitionError for one nothing can be read of."""
    from orchestra_kit.design.change import diff_graphs

    return diff_graphs(_read_graph(old), _read_graph(new))


def diff_answer(old: Path, new: Path, diff: ProcessDiff) -> dict[str, Any]:
    """Return the JSON of `orchestra process diff`."""
    return {
        "old": str(old),
        "new": str(new),
        "counts": diff.counts,
        "changes": [item.to_json() for item in diff.changes],
    }


class Changes:
    """Checks stored suites against new versions of their process, for one caller."""

    def __init__(self, stores: Stores, caller: Caller) -> None:
        self._stores, self._caller = stores, caller

    def check_suite(self, reference: str, *, model: Path | None = None) -> tuple[ScenarioSuite, SuiteCheck]:
        """Return a suite and the check of its active scenarios.

        `reference` is the `orchestra.yaml` of a project, whose process file is the new version, or the key of a suite. Then the
        new version is `model`, or the newest that is stored. Raise NotFoundError or DefinitionError.
        """
        from orchestra_kit.design.change import check_scenarios

        path = Path(reference)
        named = _Named(suite=reference, model=model)
        if path.suffix in (".yaml", ".yml", ".json") or path.is_dir():
            named = _read_project(path, model)
        suite = self._stores.scenarios.get_suite(self._caller, named.suite)
        if suite.process_id is None:
            raise DefinitionError(f"the suite '{suite.key}' was not made from a process.")
        process = self._process_key(suite)
        old = named.opened(self._version(suite, suite.process_version), process)
        new = named.opened(_read_graph(named.model) if named.model else self._version(suite, None), process)
        found = self._stores.scenarios.list_scenarios(self._caller, suite_id=suite.id)
        scenarios = [item for item in found if item.active]
        earlier = {version: named.opened(graph, process) for version, graph in self._earlier(suite, scenarios).items()}
        check = check_scenarios(
            old, new, scenarios, earlier=earlier, criterion=named.criterion, max_loop=named.max_loop
        )
        return suite, check

    def _process_key(self, suite: ScenarioSuite) -> str:
        """Return the key of the suite's process: its id in the file, unless it was stored under another one."""
        stored = self._stores.processes.list_processes(self._caller)
        return next((item.key for item in stored if item.id == suite.process_id), "")

    def _version(self, suite: ScenarioSuite, version: int | None) -> ControlFlowGraph:
        found = self._stores.processes.get_process_version(self._caller, str(suite.process_id), version)
        return found.control_flow_graph

    def _earlier(self, suite: ScenarioSuite, scenarios: list[TestScenario]) -> dict[int, ControlFlowGraph]:
        """Return the versions that scenarios were made for, but the suite's own."""
        found = {}
        for version in {item.process_version for item in scenarios} - {None, suite.process_version}:
            try:
                found[version or 0] = self._version(suite, version)
            except NotFoundError:
                continue  # judged by the suite's own version
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What a reference stands for; `siblings` are further files whose processes are called."""

    suite: str
    model: Path | None
    criterion: str = "flow"
    max_loop: int = 2
    siblings: Mapping[str, ControlFlowGraph] = field(default_factory=dict)

    def opened(self, graph: ControlFlowGraph, process_id: str) -> ControlFlowGraph:
        """Return the graph with its calls in place, as the scenarios of this process go through them."""
        from orchestra_kit.design.process_set import open_calls

        opened = open_calls(graph, self.siblings)
        if process_id in opened.riders:
            opened = open_calls(graph, self.siblings, process_id=process_id)
        return opened.graph


def _read_project(path: Path, model: Path | None) -> _Named:
    """Return the suite, process file, criterion and loop limit that a project names."""
    from orchestra_kit.app.projects import PROJECT_FILE
    from orchestra_kit.design.binding import ProjectBinding
    from orchestra_kit.design.documents import read_document, read_value

    file = path / PROJECT_FILE if path.is_dir() else path
    binding = read_value(read_document(file), ProjectBinding)
    return _Named(
        suite=binding.suite,
        model=model or file.parent / binding.process,
        criterion=binding.criterion,
        max_loop=binding.max_loop,
        siblings={written: _read_graph(file.parent / written) for written in binding.includes},
    )


def _read_graph(path: Path) -> ControlFlowGraph:
    from orchestra_kit.design.documents import read_bytes
    from orchestra_kit.design.reading import read_process

    document = read_process(read_bytes(path), source=str(path))
    if not document.ok:
        reasons = "; ".join(f"{item.code}: {item.message}" for item in document.diagnostics[:3])
        raise DefinitionError(f"'{path}' cannot be compared: {reasons or 'nothing usable in it.'}")
    return document.graph
