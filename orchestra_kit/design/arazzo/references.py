"""What workflows and actions name: steps and workflows that are not there, and workflows that wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from orchestra_kit.design.arazzo.document import Action, ArazzoDocument, Finding, Workflow
from orchestra_kit.design.documents import FieldPath
from orchestra_kit.errors import nearest_hint

Note = Callable[[str, FieldPath, str], None]

MAX_CYCLES = 20
"""Named of one document; each takes a pass over all its workflows."""


def check_references(document: ArazzoDocument, only: Collection[str] | None, note: Note) -> None:
    """Note targets of actions that are missing, and cycles of `dependsOn`; `only` picks workflows by id."""
    ids = {item.workflow_id for item in document.workflows}
    for workflow in document.workflows:
        if only is None or workflow.workflow_id in only:
            steps = {item.step_id for item in workflow.steps}
            for action in _actions(workflow):
                _check(action.step_id, "step", steps, (*action.path, "stepId"), note)
                _check(action.workflow_id, "workflow", ids, (*action.path, "workflowId"), note)
    _check_cycles(document, note)


def without_doubles(first: tuple[Finding, ...], later: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return both; what reading has named with its code at its place is not said again by what comes later."""
    known = {(item.code, item.where) for item in first}
    return (*first, *(item for item in later if (item.code, item.where) not in known))


def workflow_named(written: str) -> str:
    """Return the id of the workflow a reference inside of its document means."""
    return written.strip().removeprefix("$workflows.")


def _actions(workflow: Workflow) -> Iterator[Action]:
    yield from workflow.success_actions
    yield from workflow.failure_actions
    for step in workflow.steps:
        yield from step.on_success
        yield from step.on_failure


def _check(written: str | None, kind: str, known: Collection[str], path: FieldPath, note: Note) -> None:
    if not written or written.strip().startswith("$sourceDescriptions."):
        return
    name = workflow_named(written).removeprefix("$steps.")
    if name not in known:
        hint = nearest_hint(name, known)
        message = f"the action leads to the {kind} '{name[:80]}', which is not there.{' ' + hint if hint else ''}"
        note(f"UNKNOWN_{kind.upper()}", path, message)


def _check_cycles(document: ArazzoDocument, note: Note) -> None:
    """Note each circle of workflows once; one that names itself alone is noted where it does."""
    paths = {item.workflow_id: item.path for item in document.workflows}
    order = {name: number for number, name in enumerate(paths)}
    waits = {
        item.workflow_id: {workflow_named(name) for name in item.depends_on} & paths.keys() - {item.workflow_id}
        for item in document.workflows
    }
    for _ in range(MAX_CYCLES):
        try:
            TopologicalSorter(waits).prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1]))  # it lists who is waited for first
            start = min(range(len(circle) - 1), key=lambda place: order[circle[place]])
            circle = [*circle[start:-1], *circle[: start + 1]]
            shown = " -> ".join(name[:80] for name in circle[:10]) + (" -> ..." if len(circle) > 10 else "")
            note("DEPENDENCY_CYCLE", (*paths[circle[0]], "dependsOn"), f"workflows wait for each other: {shown}.")
            waits[circle[0]] = waits[circle[0]] - {circle[1]}
        else:
            return
