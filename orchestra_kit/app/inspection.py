"""Looking at files without a database: what `process inspect`, `spec inspect` and `suite plan` answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_kit.errors import DefinitionError, Place, UnknownNameError

if TYPE_CHECKING:
    from orchestra_kit.model import ControlFlowGraph


def inspect_process_file(path: Path) -> dict[str, Any]:
    """Return the answer of `orchestra process inspect` for one file; one that cannot be read is an answer, too."""
    from orchestra_kit.design.reading import inspect_process

    return inspect_process(path)


def inspect_spec_file(path: Path) -> dict[str, Any]:
    """Return the answer of `orchestra spec inspect` for one file; one that cannot be read is an answer, too."""
    from orchestra_kit.protocols.http.inspect import inspect_spec

    return inspect_spec(path)


def inspect_scenario_file(path: Path) -> dict[str, Any]:
    """Return the answer of `orchestra scenario inspect` for one file; one that cannot be read is an answer, too."""
    from orchestra_kit.design.arazzo.inspection import inspect_scenarios

    return inspect_scenarios(path)


def plan_process_file(
    path: Path,
    *,
    process_id: str | None,
    criterion: str,
    max_loop: int,
    conditions: bool = False,
    siblings: Sequence[Path] = (),
) -> dict[str, Any]:
    """Return the answer of `orchestra suite plan`; raise DefinitionError for a file nothing can be read of.

    `siblings` are further files, with the processes that call activities call.
    """
    return plan_with_graph(
        path,
        process_id=process_id,
        criterion=criterion,
        max_loop=max_loop,
        conditions=conditions,
        siblings=siblings,
    )[0]


def plan_with_graph(
    path: Path,
    *,
    process_id: str | None,
    criterion: str,
    max_loop: int,
    conditions: bool = False,
    siblings: Sequence[Path] = (),
) -> tuple[dict[str, Any], ControlFlowGraph]:
    """Return the same with the graph it was made of, for those who draw it."""
    from orchestra_kit.design.coverage import plan_suite

    graph = read_graph(path)
    ids = [item.id for item in graph.processes]
    if process_id is not None and process_id not in ids:
        raise UnknownNameError("process", process_id, ids)
    others = {item.name: read_graph(item) for item in siblings}
    plan = plan_suite(graph, process_id=process_id, criterion=criterion, max_loop=max_loop, siblings=others)
    found = plan.to_json(str(path))
    if conditions:
        from orchestra_kit.app.path_conditions import add_conditions

        add_conditions(found, graph, process_id=process_id, criterion=criterion, max_loop=max_loop)
    return found, graph


def read_graph(path: Path, *, place: Place | None = None) -> ControlFlowGraph:
    """Return the graph of a process file; raise DefinitionError where nothing usable is in it."""
    from orchestra_kit.design.documents import read_bytes
    from orchestra_kit.design.reading import read_process

    document = read_process(read_bytes(path, place=place), source=str(path))
    if not document.ok:
        reasons = "; ".join(f"{item.code}: {item.message}" for item in document.diagnostics[:3])
        raise DefinitionError(f"'{path}' cannot be planned: {reasons or 'nothing usable in it.'}", place=place)
    return document.graph
