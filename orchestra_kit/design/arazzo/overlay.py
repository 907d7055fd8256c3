"""What Arazzo has no word for, beside what it has: the fields of a step or scenario under `x-orchestra`.

Leaves are fields of the model replaced as a whole, in their public names: {kind, elementId, action: {inputTemplate,
mode, meta: {observes, ...}}, expectations: {rows, ...}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from orchestra_kit.model import ScenarioStep, TestScenario

FIELD = "x-orchestra"
STEPS_FIELD = "x-orchestra-steps"
"""Steps Arazzo cannot say at all: [{position, step}]."""

SCENARIOS_FIELD = "x-orchestra-scenarios"
"""Scenarios of which Arazzo can say no step."""

_NESTED: dict[str, Any] = {"action": {"meta": {}}, "expectations": {}}
_IDENTITY = ("id", "orderIndex")
SCENARIO_FIELDS = (
    "key", "name", "tags", "active", "dependsOn", "recommendedDataSets", "processVersion", "path", "endFlowIds",
    "gaps", "data",
)  # fmt: skip


def difference(found: ScenarioStep, wanted: ScenarioStep) -> dict[str, Any]:
    """Return what has to be laid over a step as imported to make it the one that is wanted."""
    return _difference(step_json(found), step_json(wanted), _NESTED)


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any], nested: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in wanted.items():
        if name in nested:
            inner = _difference(found[name], value, nested[name])
            if inner:
                result[name] = inner
        elif value != found[name] or _kinds(value) != _kinds(found[name]):
            result[name] = [plain_rule(rule) for rule in value] if name == "businessRules" else value
    return result


def plain_rule(rule: Mapping[str, Any]) -> Any:
    """Return a rule as short as it can be written."""
    said = {name: value for name, value in rule.items() if value is not None}
    return said["expr"] if len(said) == 1 else said


def _kinds(value: Any) -> Any:
    """Return the shape of a value with its number types: 1, 1.0 and true are equal in Python, but not in JSON."""
    if isinstance(value, dict):
        return {name: _kinds(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_kinds(item) for item in value]
    return type(value).__name__


def step_json(step: ScenarioStep) -> dict[str, Any]:
    """Return a step as JSON without what says who and where it is."""
    content = step.to_json()
    for name in _IDENTITY:
        content.pop(name)
    return content


def lay_over(step: ScenarioStep, overlay: Any) -> ScenarioStep | None:
    """Return a step with an overlay, None for one that makes no step."""
    if not isinstance(overlay, Mapping):
        return None
    merged = _merged(step.to_json(), overlay, _NESTED)
    try:
        return None if merged is None else ScenarioStep.model_validate(merged)
    except ValidationError:
        return None


def _merged(content: Mapping[str, Any], overlay: Mapping[str, Any], nested: Mapping[str, Any]) -> dict[str, Any] | None:
    result = dict(content)
    for name, value in overlay.items():
        if name in nested:
            inner = _merged(content[name], value, nested[name]) if isinstance(value, Mapping) else None
            if inner is None:
                return None
            result[name] = inner
        elif name in content and name not in _IDENTITY:
            result[name] = value
        else:
            return None
    return result


def scenario_difference(found: TestScenario, wanted: TestScenario) -> dict[str, Any]:
    """Return what has to be laid over a scenario as imported, its steps apart."""
    before, after = found.to_json(), wanted.to_json()
    return {
        name: [_without_none(item) for item in after[name]] if name == "gaps" else after[name]
        for name in SCENARIO_FIELDS
        if after[name] != before[name] or _kinds(after[name]) != _kinds(before[name])
    }


def _without_none(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value is not None}


def lay_over_scenario(scenario: TestScenario, overlay: Any) -> TestScenario | None:
    """Return a scenario with an overlay, None for one that makes no scenario."""
    if not isinstance(overlay, Mapping) or not set(overlay) <= set(SCENARIO_FIELDS):
        return None
    try:
        return TestScenario.model_validate({**scenario.to_json(), **overlay})
    except ValidationError:
        return None
