"""The conditions of a project's process, judged with what its `orchestra.yaml` and interface descriptions tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestra_kit.app.projects import Project
from orchestra_kit.design.binding import ElementRole
from orchestra_kit.design.conditions import (
    ConditionHints,
    FeasibleSuite,
    JudgedScenario,
    VariableClass,
    data_tables,
    judge_paths,
    read_guards,
)
from orchestra_kit.design.coverage import ComposedSuite
from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.design.roles import RoleTable
from orchestra_kit.errors import CannotJudgeError, OrchestraError
from orchestra_kit.model import DataOrigin, DataScope, DataTable, Gap, TestDataSet, TestScenario, new_id
from orchestra_kit.model.ids import DataSetId

TAG = "conditions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConditions:
    """What was found out; `suite` is None when the process has no conditions or no solver is there (`note` says so)."""

    suite: FeasibleSuite | None = None
    note: str = ""
    named: frozenset[str] = frozenset()
    """Scenarios that `orchestra.yaml` speaks of: they stay, whatever the conditions say."""
    tables: Mapping[str, DataTable] = field(default_factory=dict)

    def composed(self, planned: ComposedSuite) -> ComposedSuite:
        """Return the suite with replacements for the scenarios no data can drive."""
        if self.suite is None or not self.suite.infeasible:
            return planned
        kept = [item.scenario for item in self.suite.infeasible if item.scenario.key in self.named]
        cover = [item.scenario for item in self.suite.cover] + [item for item in kept if item.kind == "cover"]
        known = {item.key for item in cover}
        further = [item.scenario for item in self.suite.scenarios if item.scenario.key not in known]
        further += [item for item in kept if item.kind != "cover"]
        return replace(
            planned,
            scenarios=(*cover, *further),
            size=len(cover),
            lower_bound=min(planned.lower_bound, len(cover)),
            uncovered=(*planned.uncovered, *((item.element_id, item.reason) for item in self.suite.lost)),
        )

    def filled(self, scenario: TestScenario) -> TestScenario:
        """Return a scenario with the values found for what a test sets and its project does not; conflicts become gaps."""
        judged = self._judged(scenario.key)
        if judged is None:
            return scenario
        if judged.core:
            reason = "; ".join(item.said for item in judged.core)
            gap = Gap(code="INFEASIBLE", message=f"no data can drive this path: {reason}.")
            return scenario.model_copy(update={"gaps": (*scenario.gaps, gap)})
        table = self.tables.get(scenario.key)
        if table is None:
            return scenario
        new = {name: value for name, value in table.rows[0].values.items() if name not in scenario.data}
        return scenario.model_copy(update={"data": {**scenario.data, **new}}) if new else scenario

    def data_sets(self, scenarios: Sequence[TestScenario], suite_key: str) -> list[TestDataSet]:
        """Return a data set for each stored scenario that has values: its base row, and rows around each limit."""
        return [
            TestDataSet(
                id=DataSetId(new_id()),
                tenant_id=scenario.tenant_id,
                scope=DataScope.SCENARIO,
                suite_id=scenario.suite_id,
                scenario_id=scenario.id,
                name=f"{suite_key}.{scenario.key}.{TAG}",
                tags=(TAG,),
                origin=DataOrigin.IMPORTED,
                data=self.tables[scenario.key],
            )
            for scenario in scenarios
            if scenario.key in self.tables
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and findings for `suite generate --json`."""
        if self.suite is None:
            return {"note": self.note} if self.note else {}
        found = self.suite.to_json()
        del found["scenarios"]
        found["expects"] = {item.scenario.key: item.expected() for item in self.suite.scenarios if item.expected()}
        return found

    def _judged(self, key: str) -> JudgedScenario | None:
        if self.suite is None:
            return None
        return next(
            (item for item in (*self.suite.scenarios, *self.suite.infeasible) if item.scenario.key == key), None
        )


def judge_project(project: Project, composed: ComposedSuite) -> ProjectConditions:
    """Return the judgement of a project's paths; without conditions nothing is imported and nothing said."""
    table = read_guards(project.graph, process_id=project.process_id)
    if not table.guards:
        return ProjectConditions()
    from orchestra_kit.solver import open_solver

    try:
        solver = open_solver()
    except CannotJudgeError as error:
        return ProjectConditions(note=str(error))
    suite = judge_paths(
        project.graph,
        composed,
        solver,
        hints_of(project),
        max_loop=project.binding.max_loop,
        file=str(project.process_path),
    )
    return ProjectConditions(
        suite=suite, named=frozenset(project.binding.scenarios), tables=data_tables(suite, only_controlled=True)
    )


def hints_of(project: Project) -> ConditionHints:
    """Return what a project says of variables: its data, the inputs of driven elements, the answers of operations."""
    binding = project.binding
    data: dict[str, Any] = {}
    layers = [item.data for item in binding.scenarios.values()] + [item.data for item in binding.flows.values()]
    for layer in (*layers, binding.data):
        data.update({name: value for name, value in layer.items() if not _is_template(value)})
        data.update({name: None for name in layer if name not in data})
    roles = RoleTable(project.graph, binding, project.document)
    driven = frozenset(node.id for node in project.graph.nodes if roles.role_of(node) is ElementRole.DRIVEN)
    catalog = OperationCatalog({name: spec.summary for name, spec in project.specs.items()})
    inputs: dict[str, str] = {}
    responses: dict[str, tuple[str, ...]] = {}
    for element, bound in binding.elements.items():
        if isinstance(bound.input.body, Mapping):
            inputs.update(dict.fromkeys(bound.input.body, element))
        inputs.update(dict.fromkeys((*bound.input.query, *bound.input.path), element))
        if bound.operation is not None:
            responses[element] = _response_fields(catalog, bound.operation)
    return ConditionHints(
        data={name: value for name, value in data.items() if value is not None},
        inputs={**inputs, **{name: "data" for name, value in data.items() if value is None}},
        responses=responses,
        driven=driven,
    )


def _is_template(value: Any) -> bool:
    return "{{" in str(value)


def _response_fields(catalog: OperationCatalog, operation: str) -> tuple[str, ...]:
    """Return the names of the fields an operation answers with when it succeeds."""
    try:
        endpoint = catalog.find(operation)
    except OrchestraError:
        return ()  # said, at its place, by generation itself
    names: dict[str, None] = {}
    for status, media in endpoint.operation.responses.items():
        if status.startswith("2"):
            for schema in media.values():
                names |= dict.fromkeys(_properties(schema, endpoint, 0))
    return tuple(names)


def _properties(schema: Any, endpoint: Endpoint, depth: int) -> list[str]:
    if not isinstance(schema, Mapping) or depth > 8:
        return []
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/components/"):
        target: Any = {"components": endpoint.interface.components}
        for step in reference[2:].split("/"):
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
        return _properties(target, endpoint, depth + 1)
    names = list(schema["properties"]) if isinstance(schema.get("properties"), Mapping) else []
    for part in schema.get("allOf") or ():
        names += _properties(part, endpoint, depth + 1)
    return names


def sentence(found: ProjectConditions) -> str:
    """Return both sizes, or why there is only one, in a line for people."""
    if found.suite is None:
        return found.note
    suite = found.suite
    classes = {kind: sum(1 for item in suite.variables if item.kind is kind) for kind in VariableClass}
    counts = ", ".join(f"{count} {kind.value}" for kind, count in classes.items() if count)
    return (
        f"conditions: {suite.structural_size} scenarios by structure, {suite.feasible_size} that data can drive; "
        f"variables: {counts or 'none'}"
    )
