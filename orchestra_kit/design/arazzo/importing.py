"""Workflows of an Arazzo document as scenarios; calls of other workflows are written out in place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestra_kit.design.arazzo.cel import Unsaid, escape_text, path_text
from orchestra_kit.design.arazzo.context import Context
from orchestra_kit.design.arazzo.document import ArazzoDocument, Finding, Workflow
from orchestra_kit.design.arazzo.keeping import keep
from orchestra_kit.design.arazzo.overlay import FIELD, SCENARIOS_FIELD, lay_over_scenario
from orchestra_kit.design.arazzo.references import check_references, without_doubles, workflow_named
from orchestra_kit.design.arazzo.schemas import properties_of, value_given
from orchestra_kit.design.arazzo.walking import AddGap, Walk, place_extra_steps
from orchestra_kit.design.arazzo.wording import DATA_FIELD, EXPRESSION_FIELD
from orchestra_kit.design.documents import FieldPath, render_path
from orchestra_kit.design.generation import Author
from orchestra_kit.design.naming import alias_of
from orchestra_kit.errors import nearest_hint
from orchestra_kit.model import Gap, ScenarioDependency, ScenarioStep, TestScenario, new_id
from orchestra_kit.model.ids import ScenarioId, SuiteId, TenantId

_KEY_SIGN = re.compile(r"[^A-Za-z0-9._\-]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OUTPUT_REFERENCE = re.compile(r"\$workflows\.([^\s#{}]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a document gives: scenarios in its order, and everything found on the way."""

    scenarios: tuple[TestScenario, ...]
    findings: tuple[Finding, ...]


def import_scenarios(
    document: ArazzoDocument,
    author: Author,
    *,
    others: Mapping[str, ArazzoDocument] | None = None,
    operations: Mapping[str, Collection[str]] | None = None,
    only: Collection[str] | None = None,
) -> Imported:
    """Return the workflows of a document as scenarios.

    `others` are the Arazzo documents its source descriptions name, `operations` the operation ids of its other sources,
    both as far as they are known; `only` picks workflows by id.
    """
    context = Context(
        document=document,
        author=author,
        others=others or {},
        operations=operations or {},
        keys=scenario_keys(document),
        exports=export_names(document),
    )
    context.findings.document = document.document
    made = [
        import_workflow(workflow, context)
        for workflow in document.workflows
        if workflow.steps and (only is None or workflow.workflow_id in only)
    ]
    if only is None:
        made += _whole_scenarios(context)
    check_references(document, only, context.findings.add)
    return Imported(scenarios=tuple(made), findings=without_doubles(document.findings, context.findings.all()))


def _whole_scenarios(context: Context) -> list[TestScenario]:
    """Return the scenarios an export of ours kept whole, since Arazzo can say none of their steps."""
    kept = context.document.raw.get(SCENARIOS_FIELD)
    found: list[TestScenario] = []
    for number, item in enumerate(kept if isinstance(kept, list) else []):
        try:
            steps = [{**step, "id": new_id(), "orderIndex": order} for order, step in enumerate(item["steps"])]
            found.append(TestScenario.model_validate({**item, "steps": steps, **_authored(context)}))
        except (ValidationError, TypeError, KeyError):
            message = f"an entry of '{SCENARIOS_FIELD}' is no scenario of ours."
            context.findings.add("X_ORCHESTRA", (SCENARIOS_FIELD, number), message)
    return found


def _authored(context: Context) -> dict[str, Any]:
    author = context.author
    return {
        "id": ScenarioId(new_id()),
        "tenant_id": TenantId(author.tenant_id),
        "suite_id": SuiteId(author.suite_id),
        "created_at": author.now,
        "created_by": author.actor,
        "updated_at": author.now,
        "updated_by": author.actor,
    }


def scenario_keys(document: ArazzoDocument) -> dict[str, str]:
    """Return the scenario key of each workflow that has steps: its id, made fit for one."""
    keys: dict[str, str] = {}
    taken: set[str] = set()
    own: dict[str, str] = {}
    usable = [item for item in document.workflows if item.steps]
    for workflow in usable:
        overlay = workflow.raw.get(FIELD)
        key = overlay.get("key") if isinstance(overlay, Mapping) else None
        if isinstance(key, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,199}", key) and key not in taken:
            own[workflow.workflow_id] = key
            taken.add(key)
    for workflow in usable:
        if workflow.workflow_id in own:
            keys[workflow.workflow_id] = own[workflow.workflow_id]
            continue
        plain = _KEY_SIGN.sub("-", workflow.workflow_id).lstrip("._-")[:180].rstrip("-") or "workflow"
        key, number = plain, 2
        while key in taken:
            key, number = f"{plain}-{number}", number + 1
        taken.add(key)
        keys[workflow.workflow_id] = key
    return keys


def export_names(document: ArazzoDocument) -> dict[tuple[str, str], str]:
    """Return the name in `suite` of each output of each workflow: its own, unless several that are used share it."""
    owners: dict[str, list[str]] = {}
    for workflow in document.workflows:
        for name in workflow.outputs:
            owners.setdefault(name, []).append(workflow.workflow_id)
    used = set(_OUTPUT_REFERENCE.findall(_all_text(document.raw)))
    names: dict[tuple[str, str], str] = {}
    for name, workflows in owners.items():
        plain = name if _NAME.match(name) else alias_of(name, fallback="output")
        clashing = [item for item in workflows if any(text.startswith(f"{item}.outputs.{name}") for text in used)]
        for owner in workflows:
            shared = len(workflows) > 1 and owner in clashing
            names[owner, name] = f"{alias_of(owner)}_{plain}" if shared else plain
    return names


def _all_text(data: Any) -> str:
    waiting, texts = [data], []
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "$workflows." in value:
                texts.append(value)
        elif isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return "\n".join(texts)


def import_workflow(workflow: Workflow, context: Context) -> TestScenario:
    """Return a workflow as a scenario, with what our model has no place for in its `source`."""
    gaps: list[Gap] = []

    def add_gap(gap: Gap, path: FieldPath) -> None:
        gaps.append(gap)
        context.findings.add(gap.code, path, gap.message)

    inputs, data, without = _inputs(workflow)
    if without:
        names = ", ".join(f"'{name}'" for name in without[:12]) + (", ..." if len(without) > 12 else "")
        message = f"no default and no example is given for {names}; a data set has to bring them."
        context.findings.add("INPUT_WITHOUT_VALUE", (*workflow.path, "inputs"), message)
    walk = Walk(context, add_gap)
    traces = walk.run(workflow, inputs)
    steps = place_extra_steps(walk.steps, workflow, context.findings.add)
    scenario = TestScenario(
        **_authored(context),
        key=context.keys[workflow.workflow_id],
        name=workflow.summary,
        steps=_numbered(steps),
        depends_on=_dependencies(workflow, context, add_gap, walk.needs),
        gaps=tuple(gaps),
        data=data,
    )
    kept = keep(scenario, workflow, context.document, traces)
    if FIELD in workflow.raw:
        laid = lay_over_scenario(scenario, workflow.raw[FIELD])
        if laid is None:
            context.findings.add("X_ORCHESTRA", (*workflow.path, FIELD), f"'{FIELD}' cannot be used here.")
        scenario = laid or scenario
    return scenario.model_copy(update={"source": kept})


def _numbered(steps: list[ScenarioStep]) -> tuple[ScenarioStep, ...]:
    return tuple(step.model_copy(update={"order_index": number}) for number, step in enumerate(steps))


def _inputs(workflow: Workflow) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Return the CEL of each declared input, the data it gives, and the inputs without a value."""
    known: dict[str, str] = {}
    data: dict[str, Any] = {}
    without: list[str] = []
    for name, schema in properties_of(workflow).items():
        expression = schema.get(EXPRESSION_FIELD)
        if isinstance(expression, str):
            known[name] = f"({expression})" if re.search(r"[^\w.]", expression) else expression
            continue
        known[name] = path_text("data", [name])
        given, value = value_given(schema)
        if DATA_FIELD in schema:
            data[name] = schema[DATA_FIELD]
        elif given:
            data[name] = _escaped(value)
        else:
            without.append(name)
    return known, data, without


def _escaped(value: Any) -> Any:
    """Return a constant as test data, in which templates are looked for."""
    if isinstance(value, str):
        return escape_text(value)
    if isinstance(value, Mapping):
        return {escape_text(name): _escaped(item) for name, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value


def _dependencies(
    workflow: Workflow, context: Context, add_gap: AddGap, needs: list[str]
) -> tuple[ScenarioDependency, ...]:
    """Return the scenarios this one runs after: those it names, and those whose outputs or steps it uses."""
    found: list[str] = []
    for number, written in enumerate(workflow.depends_on):
        path = (*workflow.path, "dependsOn", number)
        name = workflow_named(written)
        if name in context.keys and name != workflow.workflow_id:
            found.append(context.keys[name])
            continue
        if written.startswith("$sourceDescriptions."):
            message = f"it depends on '{written[:160]}', which is in another document."
            add_gap(Gap(code="EXTERNAL_WORKFLOW", message=message, field=render_path(path[2:])), path)
            continue
        unsaid = _no_dependency(name, workflow, context)
        add_gap(Gap(code=unsaid.code, message=unsaid.message, field=render_path(path[2:])), path)
    found += [context.keys[name] for name in needs if name in context.keys and name != workflow.workflow_id]
    return tuple(ScenarioDependency(scenario_key=key) for key in dict.fromkeys(found))


def _no_dependency(name: str, workflow: Workflow, context: Context) -> Unsaid:
    if name == workflow.workflow_id:
        return Unsaid("the workflow depends on itself.", code="DEPENDENCY_CYCLE")
    if context.document.workflow(name) is not None:
        return Unsaid(f"it depends on the workflow '{name[:80]}', which has no step.", code="NO_STEPS")
    hint = nearest_hint(name, [item for item in context.keys if item != workflow.workflow_id])
    message = f"it depends on the workflow '{name[:80]}', which is not there.{' ' + hint if hint else ''}"
    return Unsaid(message, code="UNKNOWN_WORKFLOW")
