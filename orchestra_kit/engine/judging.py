"""Judgement: from what was observed to violations. Finds nothing out by itself and raises nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_kit.engine.explaining import explain_false, find_missing, in_words, shortened, values_of
from orchestra_kit.engine.programs import Formula, ResolvedStep, StepProgram
from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions.resolving import Absent
from orchestra_kit.model import BusinessRule, Violation, ViolationType
from orchestra_kit.spi.protocol import Command, ContractValidator, Observation, ObservationError

_STATUS_TYPES = frozenset({ViolationType.HTTP_ERROR, ViolationType.GRPC_ERROR})
_ERROR_CODES = {
    "refused": "TARGET_UNREACHABLE",
    "connection": "TARGET_UNREACHABLE",
    "egress": "EGRESS_REFUSED",
    "secret": "SECRET_MISSING",
    "definition": "DEFINITION_WRONG",
}


def violation(kind: ViolationType, code: str, message: str, /, **details: Any) -> Violation:
    """Return a violation; details that are None are left out."""
    kept = {name: value for name, value in details.items() if value is not None}
    return Violation.model_construct(type=kind, code=code, message=message, details=kept, settling_time_ms=None)


def could_not(code: str, message: str, /, **details: Any) -> Violation:
    """Return the violation that says we could not judge."""
    return violation(ViolationType.EXECUTION_ERROR, code, message, **details)


def judge_error(error: ObservationError, *, limit_seconds: float) -> Violation:
    """Return what it means that there was no answer: late is the system's fault, unreachable means we could not judge."""
    if error.kind == "timeout":
        return violation(
            ViolationType.TIMEOUT, "CALL_TIMEOUT", f"{error.message}.", limitMs=round(limit_seconds * 1000)
        )
    return could_not(_ERROR_CODES.get(error.kind, "CALL_FAILED"), f"{error.message.rstrip('.')}.", kind=error.kind)


def judge_observation(
    program: StepProgram,
    resolved: ResolvedStep,
    command: Command,
    observation: Observation,
    validator: ContractValidator,
    scope: Mapping[str, Any],
) -> list[Violation]:
    """Return everything that is wrong with one observation, in the order status, contract, rules, duration."""
    if observation.error is not None:
        return [judge_error(observation.error, limit_seconds=command.timeout_seconds)]
    try:
        found = list(validator.check_response(command, observation, resolved.expectations))
    except Exception as problem:  # noqa: BLE001 - a plugin's own fault must not pass for the system's
        return [could_not("PLUGIN_FAILED", f"the answer cannot be judged: {type(problem).__name__}: {problem}.")]
    if program.rules:
        found += judge_rules(program.rules, {**scope, "response": observation.view}, found)
    limit = resolved.expectations.max_duration_ms
    if limit is not None and observation.duration_ms > limit:
        took = round(observation.duration_ms)
        message = f"the answer took {took} ms; at most {limit} ms are allowed."
        found.append(violation(ViolationType.TIMEOUT, "TOO_SLOW", message, expected=limit, got=took))
    return found


def judge_rules(
    rules: tuple[tuple[BusinessRule, Formula], ...], scope: Mapping[str, Any], found: list[Violation]
) -> list[Violation]:
    """Return the rules that do not hold. After a wrong status a rule that cannot be evaluated adds nothing."""
    wrong_status = any(item.type in _STATUS_TYPES for item in found)
    breached = any(item.type is ViolationType.CONTRACT_VIOLATION for item in found)
    added: list[Violation] = []
    for rule, formula in rules:
        try:
            value = formula.evaluate(scope)
        except ExpressionError as problem:
            judged = _unevaluable(rule, formula, scope, problem, breached=breached)
            if not (wrong_status and judged.code == "RULE_NOT_EVALUABLE"):
                added.append(judged)
            continue
        if value is False:
            added.append(_false(rule, formula, scope))
        elif value is not True:
            message = f"the rule {_title(rule)} gives {in_words(value)}, not true or false."
            added.append(could_not("RULE_ERROR", message, rule=rule.expr, name=rule.name, got=shortened(value)))
    return added


def holds(formula: Formula, scope: Mapping[str, Any]) -> bool:
    """Return whether a condition is true; one that cannot be evaluated yet is not."""
    try:
        return formula.evaluate(scope) is True
    except ExpressionError:
        return False


def evaluate_exports(
    exports: Mapping[str, Formula], scope: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Violation]]:
    """Return what a step exports to its suite, and which of it is not to be had."""
    values: dict[str, Any] = {}
    problems: list[Violation] = []
    for name, formula in exports.items():
        try:
            values[name] = formula.evaluate(scope)
        except ExpressionError as problem:
            message = f"the export '{name}' cannot be evaluated: {problem}"
            problems.append(could_not("EXPORT_FAILED", message, export=name, expression=formula.text))
    return values, problems


def _title(rule: BusinessRule) -> str:
    return f"'{rule.name}' (`{rule.expr}`)" if rule.name else f"`{rule.expr}`"


def _false(rule: BusinessRule, formula: Formula, scope: Mapping[str, Any]) -> Violation:
    assert formula.expression is not None  # it was just evaluated
    why = explain_false(formula.expression, scope)
    lead = f"{rule.message}: " if rule.message else f"the rule {_title(rule)} does not hold: "
    return violation(
        ViolationType.BUSINESS_RULE_VIOLATION,
        "RULE_FALSE",
        f"{lead}{why.sentence}.",
        rule=rule.expr,
        name=rule.name,
        failed=why.failed if why.failed != rule.expr else None,
        values=why.values or None,
        **why.comparison,
    )


def _unevaluable(
    rule: BusinessRule, formula: Formula, scope: Mapping[str, Any], problem: ExpressionError, *, breached: bool
) -> Violation:
    """Say whose fault it is: the answer's, when it lacks what the rule looks at, else the rule's own."""
    if formula.expression is None:
        return could_not("RULE_ERROR", f"the rule {_title(rule)} cannot be read: {problem}", rule=rule.expr)
    missing = find_missing(formula.expression, scope)
    if missing is not None and missing.root == "response":
        hint = f" {missing.hint}" if missing.hint else ""
        return violation(
            ViolationType.BUSINESS_RULE_VIOLATION,
            "RULE_NOT_EVALUABLE",
            f"the rule {_title(rule)} cannot be evaluated: {missing.path} is not there ({missing.owner}).{hint}",
            rule=rule.expr,
            name=rule.name,
            missing=missing.path,
            hint=missing.hint,
        )
    values = values_of(formula.expression, scope)
    looked_at = [value for name, value in values.items() if name.startswith("response")]
    # Inside a loop (`all`, `exists`) only the evaluator knows that an element lacks something.
    lacking = isinstance(problem.__context__, Absent) or any(value is None for value in looked_at)
    if missing is None and looked_at and (breached or lacking):
        kind, code = ViolationType.BUSINESS_RULE_VIOLATION, "RULE_NOT_EVALUABLE"
    else:
        kind, code = ViolationType.EXECUTION_ERROR, "RULE_ERROR"
    message = f"the rule {_title(rule)} cannot be evaluated: {problem}"
    return violation(kind, code, message, rule=rule.expr, name=rule.name, values=values or None)
