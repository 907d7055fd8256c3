"""Steps made ready to run: digests, compiled templates and rules, and what they refer to. Made once, used by every run."""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.engine.redaction import Pattern, read_pattern
from orchestra_kit.engine.templates import ReadyTemplate, Scope, make_ready
from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions import Expression, Reference, parse_expression
from orchestra_kit.model import BusinessRule, Expectations, RowExpectation, ScenarioStep

_MOST_KEPT = 4_096
_FLOAT = re.compile(r"\d(?:\.|e)\d?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A CEL text of a step, parsed; `problem` says why it cannot be."""

    text: str
    expression: Expression | None
    problem: ExpressionError | None = None

    def evaluate(self, scope: Scope) -> Any:
        """Return its value; raise ExpressionError."""
        if self.expression is None:
            raise self.problem or ExpressionError(f"`{self.text}` cannot be read.")
        return self.expression.evaluate(scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedStep:
    """A step with no template left in it."""

    input: Any
    meta: Mapping[str, Any]
    expectations: Expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgram:
    """A step ready to run."""

    step: ScenarioStep
    digest: str
    templates: Mapping[str, ReadyTemplate]
    input: ReadyTemplate
    rows: ReadyTemplate | None
    meta: Mapping[str, Any]
    rules: tuple[tuple[BusinessRule, Formula], ...]
    stop_when: Formula | None
    exports: Mapping[str, Formula]
    sensitive: tuple[Pattern, ...]
    needs: frozenset[str]
    """Aliases of the steps whose answers it refers to."""

    def resolve(self, scope: Scope, *, own_input: ReadyTemplate | None = None) -> ResolvedStep:
        """Return the step resolved; raise ExpressionError naming the field and what is missing."""
        meta = self.meta
        if self.templates:
            meta = {**meta, **{name: template.render(scope) for name, template in self.templates.items()}}
        expectations = self.step.expectations
        if self.rows is not None:
            rows = _rows_of(self.rows.render(scope), self.step.alias)
            expectations = expectations.model_copy(update={"rows": rows})
        return ResolvedStep(input=(own_input or self.input).render(scope), meta=meta, expectations=expectations)


class ProgramShelf:
    """Keeps the programs of the steps a worker has seen, by their content."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, StepProgram] = OrderedDict()

    def get(self, step: ScenarioStep, *, source: str) -> StepProgram:
        """Return the program of a step."""
        content = step.model_dump_json(by_alias=True, exclude_defaults=True).encode()
        key = source.encode() + b"\0" + content
        program = self._kept.get(key)
        if program is None:
            program = make_program(step, source=source, digest=digest_of(content))
            self._kept[key] = program
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return program


def make_program(step: ScenarioStep, *, source: str, digest: str) -> StepProgram:
    """Return a step ready to run."""
    meta, expectations = step.action.meta, step.expectations
    ready_input = make_ready(step.action.input_template, source=source, field=f"{step.alias}.inputTemplate")
    templates = {
        name: ready
        for name, value in (
            ("headers", meta.headers),
            ("parameters", meta.parameters),
            ("valueTemplate", meta.value_template),
        )
        if (ready := make_ready(value, source=source, field=f"{step.alias}.meta.{name}")).part is not None
    }
    rows = None
    if expectations.rows is not None:
        ready = make_ready(expectations.rows.to_json(), source=source, field=f"{step.alias}.expectations.rows")
        rows = ready if ready.part is not None else None
    rules = tuple((rule, read_formula(rule.expr)) for rule in expectations.business_rules)
    exports = {name: read_formula(text) for name, text in meta.export_as.items()}
    stop_when = read_formula(meta.stop_when) if meta.stop_when is not None else None
    formulas = [formula for _, formula in rules] + list(exports.values()) + ([stop_when] if stop_when else [])
    references: list[Reference] = [*ready_input.references, *(rows.references if rows else ())]
    for template in templates.values():
        references.extend(template.references)
    for formula in formulas:
        references.extend(formula.expression.references if formula.expression else ())
    return StepProgram(
        step=step,
        digest=digest,
        input=ready_input,
        templates=templates,
        rows=rows,
        meta=meta.model_dump(mode="json", by_alias=True, exclude_none=True),
        rules=rules,
        stop_when=stop_when,
        exports=exports,
        sensitive=tuple(read_pattern(pointer) for pointer in meta.sensitive),
        needs=aliases_in(references) - {step.alias},
    )


def read_formula(text: str) -> Formula:
    """Return a CEL text parsed, or with the reason why it cannot be."""
    try:
        return Formula(text=text, expression=parse_expression(text))
    except ExpressionError as problem:
        return Formula(text=text, expression=None, problem=problem)


def aliases_in(references: Iterable[Reference]) -> frozenset[str]:
    """Return the step aliases that references name."""
    return frozenset(
        str(item.path[0]) for item in references if item.root in ("steps", "step") and item.path and not item.tested
    )


def digest_of(content: bytes) -> str:
    """Return 16 characters that stand for a content."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def digest_input(resolved: ResolvedStep, program: StepProgram) -> str:
    """Return 16 characters that stand for what a step was resolved to."""
    parts = [resolved.input, *(resolved.meta.get(name) for name in program.templates)]
    if program.rows is not None and resolved.expectations.rows is not None:
        parts.append(resolved.expectations.rows.to_json())
    # 1e22 comes back from a database as a whole number: equal numbers shall give equal digests.
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    if _FLOAT.search(text):
        text = json.dumps(_whole(parts), sort_keys=True, separators=(",", ":"), default=str)
    return digest_of(text.encode("utf-8", "surrogatepass"))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): _whole(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value


def _rows_of(rendered: Any, alias: str) -> RowExpectation:
    try:
        return RowExpectation.model_validate(rendered)
    except ValueError as problem:
        first = str(problem).splitlines()[2:3] or [str(problem)]
        raise ExpressionError(f"the expected rows of step '{alias}' are none: {first[0].strip()}.") from problem
