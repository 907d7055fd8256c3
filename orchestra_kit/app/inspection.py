"""Looking at files without a database: what `process inspect`, `spec inspect` and `suite plan` answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestra_kit.errors import DefinitionError, UnknownNameError, nearest_hint


def inspect_process_file(path: Path) -> dict[str, Any]:
    """Return the answer of `orchestra process inspect` for one file; raise DefinitionError when there is no such file."""
    from orchestra_kit.design.bpmn import inspect_process

    return inspect_process(existing(path))


def inspect_spec_file(path: Path) -> dict[str, Any]:
    """Return the answer of `orchestra spec inspect` for one file; raise DefinitionError when there is no such file."""
    from orchestra_kit.protocols.http.inspect import inspect_spec

    return inspect_spec(existing(path))


def plan_process_file(path: Path, *, process_id: str | None, criterion: str, max_loop: int) -> dict[str, Any]:
    """Return the answer of `orchestra suite plan`; raise DefinitionError for a file nothing can be read of."""
    from orchestra_kit.design.bpmn import read_bpmn
    from orchestra_kit.design.coverage import plan_suite

    document = read_bpmn(existing(path).read_bytes(), source=str(path))
    if not document.ok:
        reasons = "; ".join(f"{item.code}: {item.message}" for item in document.diagnostics[:3])
        raise DefinitionError(f"'{path}' cannot be planned: {reasons or 'nothing usable in it'}.")
    ids = [item.id for item in document.graph.processes]
    if process_id is not None and process_id not in ids:
        raise UnknownNameError("process", process_id, ids)
    plan = plan_suite(document.graph, process_id=process_id, criterion=criterion, max_loop=max_loop)
    return plan.to_json(str(path))


def existing(path: Path) -> Path:
    """Return the path of a readable file; raise DefinitionError with the nearest name."""
    if path.is_file():
        return path
    if path.is_dir():
        raise DefinitionError(f"'{path}' is a folder; name a file.")
    siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DefinitionError(f"there is no file '{path}'.", hint=nearest_hint(path.name, siblings))
