"""Calls of workflows: which one is meant, what it is given, and what is said of the call as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestra_kit.design.arazzo.actions import check_success
from orchestra_kit.design.arazzo.cel import Unsaid, literal, path_text
from orchestra_kit.design.arazzo.context import Context
from orchestra_kit.design.arazzo.document import Action, ArazzoDocument, Parameter, Step, Workflow
from orchestra_kit.design.arazzo.runtime import parse_runtime
from orchestra_kit.design.arazzo.schemas import properties_of, value_given
from orchestra_kit.design.arazzo.scope import Scope, StepView
from orchestra_kit.design.documents import FieldPath
from orchestra_kit.errors import nearest_hint

Refuse = Callable[[FieldPath, Unsaid], None]

MAX_CALLS = 8
_ONLY_SUCCESS = re.compile(r"\s*\$statusCode\s*==\s*2\d\d\s*\Z")
_SIMPLE = re.compile(r"[\w.\"\[\]-]+\Z")


@dataclass(slots=True, kw_only=True)
class Frame:
    """One workflow being walked: the whole scenario (depth 0), or a call inside of it."""

    document: ArazzoDocument
    workflow: Workflow
    inputs: Mapping[str, str]
    depth: int
    aliases: Mapping[str, str]
    views: dict[str, StepView] = field(default_factory=dict)

    def following(self, position: int) -> str | None:
        """Return the id of the step after the one at a position."""
        steps = self.workflow.steps
        return steps[position + 1].step_id if position + 1 < len(steps) else None


def find_called(
    step: Step, frame: Frame, context: Context, open_calls: Sequence[str]
) -> tuple[ArazzoDocument, Workflow]:
    """Return the workflow a step calls and its document; raise Unsaid."""
    written = (step.workflow_id or "").strip()
    document, name = frame.document, written.removeprefix("$workflows.")
    if written.startswith("$sourceDescriptions."):
        source, _, name = written.removeprefix("$sourceDescriptions.").partition(".")
        found = context.others.get(source) if frame.document is context.document else None
        if found is None:
            raise Unsaid(f"the workflow '{written[:160]}' is in another document.", code="EXTERNAL_WORKFLOW")
        document = found
    workflow = document.workflow(name)
    if workflow is None:
        hint = nearest_hint(name, [item.workflow_id for item in document.workflows])
        raise Unsaid(f"there is no workflow '{name[:80]}'.{' ' + hint if hint else ''}", code="UNKNOWN_WORKFLOW")
    if not workflow.steps:
        raise Unsaid(f"the workflow '{name[:80]}' has no step.", code="NO_STEPS")
    if workflow is frame.workflow or workflow.workflow_id in open_calls or len(open_calls) >= MAX_CALLS:
        raise Unsaid(f"the workflow '{name[:80]}' calls itself, or calls go too deep.", code="RECURSIVE_CALL")
    return document, workflow


def inputs_of_call(step: Step, scope: Scope, workflow: Workflow, caller: Workflow, refuse: Refuse) -> dict[str, str]:
    """Return the CEL of each input of a called workflow: what is passed, else what its schema gives, else test data."""
    passed: dict[str, str] = {}
    for parameter in parameters_of(step, caller):
        try:
            text = scope.value_cel(parameter.value, (*parameter.path, "value"))
            passed[parameter.name] = text if _SIMPLE.match(text) else f"({text})"
        except Unsaid as unsaid:
            refuse((*parameter.path, "value"), unsaid)
    for name, schema in properties_of(workflow).items():
        if name in passed:
            continue
        given, value = value_given(schema)
        passed[name] = literal(value) if given else path_text("data", [name])
        if not given:
            message = (
                f"the input '{name[:80]}' of '{workflow.workflow_id[:80]}' is not passed; a data set has to bring it."
            )
            scope.note("INPUT_WITHOUT_VALUE", step.path, message)
    return passed


def output_of_call(value: object, outputs: Mapping[str, str | Unsaid], scope: Scope, path: FieldPath) -> str | Unsaid:
    """Return an output of a call: `$outputs.x` is that of the called workflow."""
    found = parse_runtime(value.strip()) if isinstance(value, str) else None
    if found is not None and found.root == "outputs" and found.rest in outputs and not found.pointer:
        return outputs[found.rest]
    try:
        return scope.value_cel(value, path)
    except Unsaid as unsaid:
        return unsaid


def judge_call(step: Step, frame: Frame, position: int, refuse: Refuse) -> None:
    """Refuse what is said of a call as a whole: its steps are judged one by one."""
    for criterion in step.criteria:
        if not _ONLY_SUCCESS.match(criterion.condition):
            message = f"the criterion {criterion} of a whole workflow: its steps are judged one by one."
            refuse(criterion.path, Unsaid(message, code="CALL_CRITERION"))

    def refuse_action(action: Action, unsaid: Unsaid) -> None:
        refuse(action.path, unsaid)

    check_success(step.on_success, frame.following(position), refuse_action)
    for action in step.on_failure:
        if action.kind != "end":
            message = f"on failure {action}: a scenario ends where a step fails."
            refuse(action.path, Unsaid(message, code="CONTROL_FLOW"))


def parameters_of(step: Step, workflow: Workflow) -> list[Parameter]:
    """Return the parameters of a step: those of its workflow, overridden by its own of the same name and place."""
    own = {(item.name, item.location) for item in step.parameters}
    shared = [item for item in workflow.parameters if (item.name, item.location) not in own]
    return [*shared, *step.parameters]
