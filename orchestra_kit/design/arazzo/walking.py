"""Walking the steps of a workflow: each becomes a step of ours, a call of a workflow the steps of that one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from orchestra_kit.design.arazzo.actions import check_success, effective, retry_of
from orchestra_kit.design.arazzo.calls import (
    Frame,
    find_called,
    inputs_of_call,
    judge_call,
    output_of_call,
    parameters_of,
)
from orchestra_kit.design.arazzo.cel import Unsaid
from orchestra_kit.design.arazzo.context import Context, Trace
from orchestra_kit.design.arazzo.criteria import Judgement, judge
from orchestra_kit.design.arazzo.document import (
    Action,
    ArazzoDocument,
    Criterion,
    Step,
    Workflow,
    pointer_of,
)
from orchestra_kit.design.arazzo.overlay import FIELD, STEPS_FIELD, lay_over
from orchestra_kit.design.arazzo.requests import RequestReader
from orchestra_kit.design.arazzo.scope import Note, Scope, StepView
from orchestra_kit.design.arazzo.targets import Target, TargetReader
from orchestra_kit.design.documents import FieldPath, render_path
from orchestra_kit.design.naming import alias_of
from orchestra_kit.errors import ExpressionError, nearest_hint
from orchestra_kit.expressions import parse_expression
from orchestra_kit.model import (
    Correlation,
    Expectations,
    Gap,
    ScenarioStep,
    StepAction,
    StepKind,
    StepMeta,
    new_id,
)
from orchestra_kit.model.ids import StepId

AddGap = Callable[[Gap, FieldPath], None]

MAX_STEPS = 2_000
LONGEST_TIMEOUT = 86_400_000
MAX_NAME = 200
_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_PATH_NAME = re.compile(r"\{([^{}]+)\}")


class Walk:
    """Walks one workflow; `steps` are the steps made, `needs` the workflows whose outputs are used."""

    def __init__(self, context: Context, add_gap: AddGap) -> None:
        self._context, self._add_gap = context, add_gap
        self.steps: list[ScenarioStep] = []
        self.needs: list[str] = []
        self._taken: set[str] = set()
        self._calls: list[str] = []

    def run(self, workflow: Workflow, inputs: Mapping[str, str]) -> tuple[Trace, ...]:
        """Make the steps of a workflow; return which step became which."""
        frame = self._frame(self._context.document, workflow, inputs, prefix="", depth=0)
        traces: list[Trace] = []
        for position, step in enumerate(workflow.steps):
            before = len(self.steps)
            self._step(step, position, frame)
            traces.append(Trace(step=step, aliases=tuple(item.alias for item in self.steps[before:])))
        self._export(workflow, frame)
        return tuple(traces)

    def _frame(
        self, document: ArazzoDocument, workflow: Workflow, inputs: Mapping[str, str], *, prefix: str, depth: int
    ) -> Frame:
        aliases = self._aliases(workflow, prefix)
        return Frame(document=document, workflow=workflow, inputs=inputs, depth=depth, aliases=aliases)

    def _aliases(self, workflow: Workflow, prefix: str) -> dict[str, str]:
        """Return an alias for each step: its id where it can be one, else one made of it, each once in the scenario."""
        found: dict[str, str] = {}
        names = {step.step_id: f"{prefix}{step.step_id}" for step in workflow.steps}
        fitting = [step_id for step_id, name in names.items() if _ALIAS.match(name)]
        for step_id in [*fitting, *(step_id for step_id in names if step_id not in fitting)]:
            name = names[step_id] if step_id in fitting else alias_of(names[step_id])
            alias, number = name[:120], 2
            while alias in self._taken:
                alias, number = f"{name[:110]}_{number}", number + 1
            self._taken.add(alias)
            found[step_id] = alias
        return found

    def _scope(self, frame: Frame, position: int, note: Note | None = None) -> Scope:
        later = frozenset(item.step_id for item in frame.workflow.steps[position:])
        return Scope(
            document=frame.document,
            workflow_id=frame.workflow.workflow_id,
            inputs=frame.inputs,
            note=note or self._note,
            open_inputs=frame.depth == 0,
            steps=frame.views,
            later=later,
            exports=self._context.exports if frame.document is self._context.document else {},
            outputs=frame.workflow.outputs,
        )

    def _note(self, code: str, path: FieldPath, message: str) -> None:
        self._context.findings.add(code, path, message)

    def _refuse(self, alias: str, path: FieldPath, unsaid: Unsaid) -> None:
        field = render_path(path[2:]) if path[:1] == ("workflows",) else pointer_of(path)
        gap = Gap(code=unsaid.code, message=unsaid.message, step_alias=alias, field=field)
        self._add_gap(gap, path)

    def _step(self, step: Step, position: int, frame: Frame) -> None:
        if len(self.steps) >= MAX_STEPS:
            alias = frame.aliases[step.step_id]
            frame.views[step.step_id] = StepView(alias=alias, outputs={})
            self._refuse(alias, step.path, Unsaid(f"a scenario has at most {MAX_STEPS} steps.", code="TOO_MANY_STEPS"))
        elif step.workflow_id is not None and step.operation_id is None and step.operation_path is None:
            self._call(step, position, frame)
        else:
            self._plain(step, position, frame)

    def _plain(self, step: Step, position: int, frame: Frame) -> None:
        """Make the one step of an operation or channel."""
        alias, scope = frame.aliases[step.step_id], self._scope(frame, position)
        target = self._target(step, alias, frame)
        scope.method = target.method if target else None
        request = self._request(step, alias, scope, frame, target)
        scope.request = request
        judgement = self._judgement(step, alias, scope)
        made = self._made(
            step, alias, target, request, judgement, self._meta(step, alias, position, frame, scope, judgement)
        )
        if FIELD in step.raw and frame.depth == 0:
            laid = lay_over(made, step.raw[FIELD])
            if laid is None or (laid.alias != alias and laid.alias in self._taken):
                self._note("X_ORCHESTRA", (*step.path, FIELD), f"'{FIELD}' cannot be used here.")
            else:
                made = laid
                self._taken.add(made.alias)
        self.steps.append(made)
        frame.views[step.step_id] = StepView(alias=made.alias, outputs=self._outputs(step, made.alias, scope))
        self._check_order(step, made.alias, frame)

    def _target(self, step: Step, alias: str, frame: Frame) -> Target | None:
        operations = self._context.operations if frame.document is self._context.document else {}
        try:
            return TargetReader(frame.document, operations, self._note).of(step)
        except Unsaid as unsaid:
            self._refuse(alias, step.path, unsaid)
            return None

    def _request(self, step: Step, alias: str, scope: Scope, frame: Frame, target: Target | None) -> dict[str, Any]:
        def refuse(path: FieldPath, unsaid: Unsaid) -> None:
            self._refuse(alias, path, unsaid)

        names = frozenset(_PATH_NAME.findall(target.endpoint.endpoint_name)) if target else frozenset()
        return RequestReader(scope, refuse).read(
            parameters_of(step, frame.workflow), step.request_body, path_names=names
        )

    def _judgement(self, step: Step, alias: str, scope: Scope) -> Judgement:
        def refuse(criterion: Criterion, unsaid: Unsaid) -> None:
            message = f"the criterion {criterion}: {unsaid.message}"
            self._refuse(alias, criterion.path, Unsaid(message, code=unsaid.code))

        return judge(step.criteria, scope, refuse)

    def _meta(
        self, step: Step, alias: str, position: int, frame: Frame, scope: Scope, judgement: Judgement
    ) -> dict[str, Any]:
        def refuse(action: Action, unsaid: Unsaid) -> None:
            self._refuse(alias, action.path, unsaid)

        successes = effective(step.on_success, frame.workflow.success_actions)
        check_success(successes, frame.following(position), refuse)
        failures = effective(step.on_failure, frame.workflow.failure_actions)
        meta: dict[str, Any] = {}
        retry = retry_of(failures, scope, has_rules=bool(judgement.rules), refuse=refuse)
        if retry is not None:
            meta["retry"] = retry
        if step.timeout is not None:
            meta["timeout_ms"] = min(step.timeout, LONGEST_TIMEOUT)
        if step.correlation_id is not None:
            try:
                meta["correlation_id_expr"] = scope.value_cel(step.correlation_id, (*step.path, "correlationId"))
                meta["correlation"] = Correlation.EXPRESSION
            except Unsaid as unsaid:
                self._refuse(alias, (*step.path, "correlationId"), unsaid)
        return meta

    def _made(
        self,
        step: Step,
        alias: str,
        target: Target | None,
        request: dict[str, Any],
        judgement: Judgement,
        meta: dict[str, Any],
    ) -> ScenarioStep:
        statuses = judgement.statuses
        if target is not None and target.topic is not None:
            meta["topic"] = target.topic
        return ScenarioStep(
            id=StepId(new_id()),
            order_index=0,
            alias=alias,
            name=_first_line(step.description),
            kind=target.kind if target else StepKind.ACTION,
            channel_type=target.channel if target else None,
            endpoint_ref=target.endpoint if target else None,
            action=StepAction(input_template=request or None, meta=StepMeta(**meta)),
            expectations=Expectations(
                expected_status_code=statuses[0] if statuses is not None and len(statuses) == 1 else statuses,
                business_rules=judgement.rules,
            ),
        )

    def _outputs(self, step: Step, alias: str, scope: Scope) -> dict[str, str | Unsaid]:
        """Return what later steps see of a step's outputs."""
        scope.observation = f"steps.{alias}.response"
        found: dict[str, str | Unsaid] = {}
        for name, value in step.outputs.items():
            path = (*step.path, "outputs", name)
            try:
                found[name] = scope.value_cel(value, path)
            except Unsaid as unsaid:
                found[name] = unsaid
                self._note(unsaid.code, path, f"the output '{name[:80]}': {unsaid.message}")
        return found

    def _check_order(self, step: Step, alias: str, frame: Frame) -> None:
        """Refuse a step that depends on a later or unknown one: a scenario goes through its steps in order."""
        known = [item.step_id for item in frame.workflow.steps]
        for number, written in enumerate(step.depends_on):
            path = (*step.path, "dependsOn", number)
            name = written.strip().removeprefix("$steps.")
            if name in frame.views:
                continue
            if name in known:
                self._refuse(alias, path, Unsaid(f"it depends on the later step '{name}'.", code="FORWARD_REFERENCE"))
                continue
            workflow, _, rest = name.removeprefix("$workflows.").partition(".steps.")
            if rest and workflow in self._context.keys:
                self.needs.append(workflow)
                continue
            hint = nearest_hint(name, known)
            message = f"it depends on the step '{name[:80]}', which is not there.{' ' + hint if hint else ''}"
            self._refuse(alias, path, Unsaid(message, code="UNKNOWN_STEP"))

    def _call(self, step: Step, position: int, frame: Frame) -> None:
        """Write out the steps of a called workflow, its inputs being what the call passes."""
        alias, scope = frame.aliases[step.step_id], self._scope(frame, position)

        def refuse(path: FieldPath, unsaid: Unsaid) -> None:
            self._refuse(alias, path, unsaid)

        try:
            document, workflow = find_called(step, frame, self._context, self._calls)
        except Unsaid as unsaid:
            refuse(step.path, unsaid)
            self._placeholder(step, alias, unsaid, frame)
            return
        inputs = inputs_of_call(step, scope, workflow, frame.workflow, refuse)
        inner = self._frame(document, workflow, inputs, prefix=f"{alias}_", depth=frame.depth + 1)
        self._calls.append(workflow.workflow_id)
        before = len(self.steps)
        for number, called in enumerate(workflow.steps):
            self._step(called, number, inner)
        self._calls.pop()
        outputs = self._called_outputs(workflow, inner)
        for name, value in step.outputs.items():
            outputs[name] = output_of_call(value, outputs, scope, (*step.path, "outputs", name))
        last = self.steps[-1].alias if len(self.steps) > before else alias
        frame.views[step.step_id] = StepView(alias=last, outputs=outputs)
        judge_call(step, frame, position, refuse)
        self._check_order(step, alias, frame)

    def _called_outputs(self, workflow: Workflow, inner: Frame) -> dict[str, str | Unsaid]:
        scope = self._scope(inner, len(workflow.steps))
        outputs: dict[str, str | Unsaid] = {}
        for name, value in workflow.outputs.items():
            try:
                outputs[name] = scope.value_cel(value, (*workflow.path, "outputs", name))
            except Unsaid as unsaid:
                outputs[name] = unsaid
        return outputs

    def _placeholder(self, step: Step, alias: str, unsaid: Unsaid, frame: Frame) -> None:
        """Leave a step without a channel in place of a call that cannot be written out."""
        self.steps.append(self._made(step, alias, None, {}, Judgement(statuses=None, rules=()), {}))
        names = {*step.outputs} or {"*"}
        frame.views[step.step_id] = StepView(alias=alias, outputs=dict.fromkeys(names, unsaid))

    def _export(self, workflow: Workflow, frame: Frame) -> None:
        """Let the step that observes it export each output of the workflow to the suite."""
        if not self.steps:
            return
        scope = self._scope(frame, len(workflow.steps))
        for name, value in workflow.outputs.items():
            path = (*workflow.path, "outputs", name)
            try:
                text = scope.value_cel(value, path)
                parse_expression(text)
            except (Unsaid, ExpressionError) as problem:
                code = problem.code if isinstance(problem, Unsaid) else "EXPRESSION"
                unsaid = Unsaid(f"the output '{name[:80]}': {problem.message}", code=code)
                self._refuse(self.steps[-1].alias, path, unsaid)
                continue
            self._add_export(self._context.exports[workflow.workflow_id, name], text)

    def _add_export(self, name: str, text: str) -> None:
        named = re.match(r"steps\.([A-Za-z_]\w*)\.response(?![\w])", text)
        position = len(self.steps) - 1
        if named is not None and text.count("steps.") == 1:
            position = next((n for n, step in enumerate(self.steps) if step.alias == named[1]), position)
            if self.steps[position].alias == named[1]:
                text = text.removeprefix(f"steps.{named[1]}.")
        step = self.steps[position]
        known = step.action.meta.export_as
        if name in known:
            return
        meta = step.action.meta.model_copy(update={"export_as": {**known, name: text}})
        self.steps[position] = step.model_copy(update={"action": step.action.model_copy(update={"meta": meta})})


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].strip()[:MAX_NAME] if lines else ""


def place_extra_steps(
    steps: list[ScenarioStep], workflow: Workflow, note: Callable[[str, FieldPath, str], None]
) -> list[ScenarioStep]:
    """Return the steps with those an export of ours kept beside the workflow, each at its position."""
    extra = workflow.raw.get(STEPS_FIELD)
    result, taken = list(steps), {step.alias for step in steps}
    for number, item in enumerate(extra if isinstance(extra, list) else []):
        path = (*workflow.path, STEPS_FIELD, number)
        try:
            content = {"id": new_id(), "orderIndex": 0, **item["step"]}
            step, position = ScenarioStep.model_validate(content), int(item["position"])
        except (ValidationError, TypeError, KeyError, ValueError):
            note("X_ORCHESTRA", path, f"an entry of '{STEPS_FIELD}' is no step of ours.")
            continue
        if step.alias in taken:
            note("X_ORCHESTRA", path, f"the alias '{step.alias}' is used twice.")
            continue
        taken.add(step.alias)
        result.insert(max(position, 0), step)
    return result
