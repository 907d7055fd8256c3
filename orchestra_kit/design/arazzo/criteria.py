"""Success criteria as expectations: the statuses that are expected, and rules for everything else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from orchestra_kit.design.arazzo.cel import Unsaid, literal
from orchestra_kit.design.arazzo.conditions import condition_cel, parse_condition, statuses_of
from orchestra_kit.design.arazzo.document import Criterion
from orchestra_kit.design.arazzo.jsonpath import jsonpath_condition
from orchestra_kit.design.arazzo.runtime import Runtime, parse_runtime, split_embedded
from orchestra_kit.design.arazzo.scope import Scope
from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions import parse_expression
from orchestra_kit.model import BusinessRule

Refuse = Callable[[Criterion, Unsaid], None]

_SUCCESS = frozenset(range(200, 300))
_KNOWN_STATUSES = frozenset(int(item) for item in HTTPStatus)
MOST_STATUSES = 12
"""So many statuses are listed as they are; of more, those that are registered."""
_STATUS_PATTERN = re.compile(r"[\^$\d.()|\[\]{}\\dx,:?-]{1,60}\Z")
_UNSAFE = re.compile(r"[*+]|\{\s*\d{2,}|\{\d*,")
_BEYOND_RE2 = re.compile(r"\(\?(?:[=!>]|<[=!]|P?=|\()|\\[1-9]|[*+?}]\+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is expected of an answer; `statuses` is None where any success will do."""

    statuses: tuple[int, ...] | None
    rules: tuple[BusinessRule, ...]


def judge(criteria: Sequence[Criterion], scope: Scope, refuse: Refuse) -> Judgement:
    """Return criteria as expectations; what cannot be said is handed to `refuse`."""
    allowed: frozenset[int] | None = None
    rules: list[BusinessRule] = []
    for criterion in criteria:
        own = _own_rule(criterion)
        if own is not None:
            rules.append(own)
            continue
        try:
            found = statuses_meant(criterion, scope)
            if found is None:
                rules.append(_rule(criterion_cel(criterion, scope)))
            else:
                allowed = found if allowed is None else allowed & found
        except Unsaid as unsaid:
            refuse(criterion, unsaid)
    return Judgement(statuses=_listed(allowed), rules=tuple(rules))


def _own_rule(criterion: Criterion) -> BusinessRule | None:
    """Return the rule an export of ours put beside a criterion."""
    if criterion.extension is None:
        return None
    try:
        rule = BusinessRule.model_validate(criterion.extension)
        parse_expression(rule.expr)
    except (ValidationError, ExpressionError):
        return None
    return rule


def _rule(text: str) -> BusinessRule:
    try:
        parse_expression(text)
    except ExpressionError as error:
        raise Unsaid(error.message, code="CONDITION") from None
    return BusinessRule(expr=text)


def _listed(allowed: frozenset[int] | None) -> tuple[int, ...] | None:
    return None if allowed is None or allowed == _SUCCESS else listed(allowed)


def listed(statuses: frozenset[int]) -> tuple[int, ...]:
    """Return statuses in order; of very many, those that are registered."""
    return tuple(sorted(statuses & _KNOWN_STATUSES if len(statuses) > MOST_STATUSES else statuses))


def statuses_meant(criterion: Criterion, scope: Scope) -> frozenset[int] | None:
    """Return the statuses a criterion about nothing but the status allows, None for any other; raise Unsaid."""
    if criterion.kind == "regex":
        context = parse_runtime((criterion.context or "").strip())
        if context is not None and context.root == "statusCode":
            return _matching(criterion.condition)
        return None
    if criterion.kind != "simple":
        return None
    found = statuses_of(_parsed(criterion, scope))
    if found is not None and not found:
        raise Unsaid(f"no status makes the condition `{criterion.condition[:120]}` true.", code="CONDITION")
    return found


def _matching(pattern: str) -> frozenset[int] | None:
    """Return the statuses a plain pattern matches."""
    if not _STATUS_PATTERN.match(pattern) or _UNSAFE.search(pattern):
        return None
    try:
        compiled = re.compile(pattern)
    except re.error:
        return None
    return frozenset(code for code in range(100, 600) if compiled.search(str(code))) or None


def _parsed(criterion: Criterion, scope: Scope) -> Any:
    def resolve(expression: Runtime) -> str:
        return scope.cel(expression, criterion.path)

    def odd(message: str) -> None:
        scope.note("CONDITION_SPELLING", criterion.path, message)

    return parse_condition(criterion.condition, resolve, odd)


def criterion_cel(criterion: Criterion, scope: Scope) -> str:
    """Return a criterion as CEL; raise Unsaid."""
    match criterion.kind:
        case "simple":
            return condition_cel(_parsed(criterion, scope))
        case "regex":
            return _regex(criterion, scope)
        case "jsonpath":
            return _jsonpath(criterion, scope)
    code = "XPATH" if criterion.kind == "xpath" else "UNKNOWN_VALUE"
    raise Unsaid(f"a condition in {criterion.kind[:40]} has no counterpart.", code=code)


def _context(criterion: Criterion, scope: Scope) -> str:
    context = parse_runtime((criterion.context or "").strip().removeprefix("{").removesuffix("}"))
    if context is None:
        written = f"`{criterion.context[:120]}` is no runtime expression" if criterion.context else "there is none"
        code = "UNKNOWN_EXPRESSION" if criterion.context else "FIELD_MISSING"
        raise Unsaid(f"the condition needs a context; {written}.", code=code)
    return scope.cel(context, criterion.path)


def _regex(criterion: Criterion, scope: Scope) -> str:
    context, pattern = _context(criterion, scope), criterion.condition
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        scope.note("CONDITION_SPELLING", criterion.path, "the slashes around the pattern are left out.")
        pattern = pattern[1:-1]
    if _BEYOND_RE2.search(pattern):
        raise Unsaid(f"the pattern `{pattern[:120]}` looks around or back, which ours cannot.", code="REGEX")
    parts = list(split_embedded(pattern))
    texts = [literal(part) if isinstance(part, str) else f"string({scope.cel(part, criterion.path)})" for part in parts]
    subject = context if ".headers" in context else f"string({context})"
    return f"{subject}.matches({' + '.join(texts) or literal('')})"


def _jsonpath(criterion: Criterion, scope: Scope) -> str:
    context = _context(criterion, scope)
    parts = list(split_embedded(criterion.condition))
    holes = [part for part in parts if isinstance(part, Runtime)]
    if not holes:
        return jsonpath_condition(criterion.condition, context)
    # A hole in quotes becomes the CEL it stands for; marks no path contains keep its place.
    marks = {f"\ue000{number}\ue001": scope.cel(part, criterion.path) for number, part in enumerate(holes)}
    names = iter(marks)
    text = "".join(part if isinstance(part, str) else next(names) for part in parts)
    for mark in marks:
        for quote in "'\"":
            text = text.replace(f"{quote}{mark}{quote}", f"'{mark}'")
        if f"'{mark}'" not in text:
            text = text.replace(mark, f"'{mark}n'") if mark in text else text
    written = jsonpath_condition(text, context)
    for mark, cel in marks.items():
        written = written.replace(literal(f"{mark}n"), cel).replace(literal(mark), f"string({cel})")
    if "\ue000" in written:
        raise Unsaid(f"the JSONPath `{criterion.condition[:120]}` has no counterpart.", code="JSONPATH")
    return written
