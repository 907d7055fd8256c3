"""The expressions of an `orchestra.yaml`: parsed where they stand, so that a slip is told with its line before anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestra_kit.design.binding import (
    ActionBinding,
    AssertionBinding,
    ElementBinding,
    ExpectationBinding,
    InputBinding,
    ProjectBinding,
)
from orchestra_kit.design.documents import Document, FieldPath
from orchestra_kit.expressions import parse_expression, references

_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_FIELDS: dict[str, FieldPath] = {
    "inputTemplate": ("input",),
    "businessRules": ("expect", "rules"),
    "meta.exportAs": ("export",),
    "meta.parameters": ("parameters",),
    "meta.stopWhen": ("stopWhen",),
    "meta.observes": ("observes",),
    "rows": ("rows",),
}
"""Where a field of a generated step comes from, below the binding of its step."""


def check_syntax(binding: ProjectBinding, document: Document) -> None:
    """Raise ExpressionError, with file, line and field, for the first expression or template that does not parse."""
    for path, text in _formulas(binding):
        parse_expression(text, place=document.place(path))
    for path, value in _templates(binding):
        _check_templates(value, path, document)


def _check_templates(value: Any, path: FieldPath, document: Document) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _check_templates(item, (*path, name), document)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            _check_templates(item, (*path, number), document)
    elif isinstance(value, str):
        with document.placing(path):
            references(value)


def bound_field(place: FieldPath, field: str | None) -> FieldPath:
    """Return the field of `orchestra.yaml` that a field of the step written at `place` comes from."""
    for prefix, where in _FIELDS.items():
        if field is not None and field.startswith(prefix):
            rest = [int(number) if number else name for number, name in _PART.findall(field.removeprefix(prefix))]
            return (*place, *where, *rest)
    return place


def _actions(binding: ProjectBinding) -> Iterator[tuple[FieldPath, ActionBinding | AssertionBinding]]:
    for name, actions in (("setup", binding.setup), ("teardown", binding.teardown)):
        for number, action in enumerate(actions):
            yield (name, number), action
    for identifier, element in binding.elements.items():
        yield from _of_element(("elements", identifier), element)


def _of_element(
    path: FieldPath, element: ElementBinding
) -> Iterator[tuple[FieldPath, ActionBinding | AssertionBinding]]:
    yield path, element
    for number, action in enumerate(element.after):
        yield (*path, "after", number), action
    for name, assertions in (("then", element.then), ("assert", element.asserts)):
        for number, assertion in enumerate(assertions):
            yield (*path, name, number), assertion


def _formulas(binding: ProjectBinding) -> Iterator[tuple[FieldPath, str]]:
    for path, action in _actions(binding):
        yield from _rules((*path, "expect"), action.expect)
        if action.when is not None:
            yield (*path, "when"), action.when
        if isinstance(action, ActionBinding):
            for name, text in action.export.items():
                yield (*path, "export", name), text
        elif action.stop_when is not None:
            yield (*path, "stopWhen"), action.stop_when
    for identifier, flow in binding.flows.items():
        for number, expectation in enumerate(flow.expect):
            yield from _rules(("flows", identifier, "expect", number), expectation)


def _rules(path: FieldPath, expect: ExpectationBinding) -> Iterator[tuple[FieldPath, str]]:
    for number, rule in enumerate(expect.rules):
        yield (*path, "rules", number), rule.expr


def _templates(binding: ProjectBinding) -> Iterator[tuple[FieldPath, Any]]:
    yield ("data",), binding.data
    for key, scenario in binding.scenarios.items():
        yield ("scenarios", key, "data"), scenario.data
    for identifier, flow in binding.flows.items():
        yield ("flows", identifier, "data"), flow.data
    for path, action in _actions(binding):
        for name in InputBinding.model_fields:
            yield (*path, "input", name), getattr(action.input, name)
        if isinstance(action, AssertionBinding):
            yield (*path, "parameters"), action.parameters
            yield (*path, "rows"), action.rows.to_json() if action.rows else None
