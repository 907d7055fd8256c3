"""Checking a scenario before any run: every reference leads somewhere, every comparison can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestra_kit.design.binding import InputBinding
from orchestra_kit.design.linking import complete_input, response_schema
from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.errors import OrchestraError
from orchestra_kit.expressions import (
    ANY,
    ListShape,
    ObjectShape,
    Problem,
    ScalarShape,
    Shape,
    check_references,
    check_rule,
    shape_of_schema,
    shape_of_value,
)
from orchestra_kit.model import ChannelType, Gap, ScenarioStep, TestScenario

_INPUT = ("path", "query", "headers")
_NUMBER = ScalarShape(frozenset({"number"}))
_TEXT = ScalarShape(frozenset({"string"}))
_RUN = ObjectShape({"id": _TEXT, "correlationId": _TEXT, "token": _TEXT})


def check_scenario(
    scenario: TestScenario, catalog: OperationCatalog, data: Mapping[str, Any], variables: Mapping[str, Any]
) -> list[Gap]:
    """Return what is wrong with the references of a scenario, step by step, in order."""
    return check_steps(scenario.steps, catalog, data, variables=variables)


def find_gaps(scenario: TestScenario, catalog: OperationCatalog) -> list[Gap]:
    """Return the inputs and references a written scenario lacks; a data set may give it further data."""
    gaps: list[Gap] = []
    for step in scenario.steps:
        endpoint = _endpoint(step, catalog)
        given = step.action.input_template or {}
        if endpoint is not None and isinstance(given, Mapping):
            fields = {name: given[name] for name in _INPUT if isinstance(given.get(name), dict)}
            written = InputBinding.model_validate({**fields, "body": given.get("body")})
            _, missing = complete_input(written, endpoint, {}, (), alias=step.alias)
            gaps += [gap.model_copy(update={"element_id": step.element_id}) for gap in missing]
    return gaps + check_steps(scenario.steps, catalog, scenario.data, more_data=True)


def check_steps(
    steps: Sequence[ScenarioStep],
    catalog: OperationCatalog,
    data: Mapping[str, Any],
    *,
    variables: Mapping[str, Any] | None = None,
    more_data: bool = False,
) -> list[Gap]:
    """Return what is wrong with the references of steps; without `variables` the environment is not known yet, with
    `more_data` not all data."""
    gaps: list[Gap] = []
    earlier: dict[str, Shape] = {}
    shared: dict[str, Shape] = {
        "data": shape_of_value(dict(data), closed=not more_data),
        "run": _RUN,
        "suite": ANY,
        "env": ANY if variables is None else shape_of_value(dict(variables)),
    }
    for step in steps:
        scope = {**shared, "steps": ObjectShape(dict(earlier))}
        observed = _observation(step, catalog)
        problems = _input_problems(step, scope) + _expectation_problems(step, {**scope, "response": observed})
        gaps += [_gap(step, problem) for problem in problems]
        earlier[step.alias] = ObjectShape({"response": observed})
    return gaps


def _input_problems(step: ScenarioStep, scope: Mapping[str, Shape]) -> list[Problem]:
    meta = step.action.meta
    return [
        *check_references(step.action.input_template, scope, field="inputTemplate"),
        *check_references(meta.headers, scope, field="meta.headers"),
        *check_references(meta.parameters, scope, field="meta.parameters"),
        *check_references(meta.value_template, scope, field="meta.valueTemplate"),
    ]


def _expectation_problems(step: ScenarioStep, scope: Mapping[str, Shape]) -> list[Problem]:
    expectations, meta = step.expectations, step.action.meta
    problems: list[Problem] = []
    for number, rule in enumerate(expectations.business_rules):
        problems += check_rule(rule.expr, scope, field=f"businessRules[{number}]")
    if expectations.rows is not None:
        problems += check_references(expectations.rows.to_json(), scope, field="rows")
    for name, text in meta.export_as.items():
        problems += check_rule(text, scope, field=f"meta.exportAs.{name}")
    if meta.stop_when is not None:
        problems += check_rule(meta.stop_when, scope, field="meta.stopWhen")
    return problems


def _observation(step: ScenarioStep, catalog: OperationCatalog) -> Shape:
    """Return the shape of what a step observes."""
    if step.channel_type is ChannelType.DB:
        return ObjectShape({"rows": ListShape(ANY), "count": _NUMBER})
    if step.channel_type is not ChannelType.HTTP_REST or step.endpoint_ref is None:
        return ANY
    endpoint = _endpoint(step, catalog)
    body = ANY if endpoint is None else _body(step, endpoint)
    return ObjectShape({"status": _NUMBER, "headers": ANY, "body": body})


def _endpoint(step: ScenarioStep, catalog: OperationCatalog) -> Endpoint | None:
    reference = step.endpoint_ref
    if reference is None or reference.service_name not in catalog.interfaces:
        return None
    try:
        return catalog.find(f"{reference.service_name}.{reference.endpoint_name}")
    except OrchestraError:
        return None


def _body(step: ScenarioStep, endpoint: Endpoint) -> Shape:
    """Return the shape of the declared body of the expected status; unknown when it is not declared."""
    status = step.expectations.expected_status_code
    single = status if isinstance(status, int) else None
    if status is not None and single is None:
        return ANY
    schema = response_schema(endpoint, single)
    return ANY if schema is None else shape_of_schema(schema, endpoint.interface.components)


def _gap(step: ScenarioStep, problem: Problem) -> Gap:
    message = f"{problem.message}{' ' + problem.hint if problem.hint else ''}"
    return Gap(
        code="WRONG_REFERENCE", message=message, step_alias=step.alias, element_id=step.element_id, field=problem.field
    )
