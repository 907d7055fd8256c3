"""One step of ours as a step of Arazzo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from orchestra_kit.design.arazzo.cel import Unsaid
from orchestra_kit.design.arazzo.wording import Words
from orchestra_kit.errors import ExpressionError
from orchestra_kit.model import ChannelType, EndpointRef, Expectations, RetryPolicy, ScenarioStep, StepKind

_METHOD_AND_PATH = re.compile(r"(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH|TRACE|QUERY) (/\S*)\Z")
_PLACES = (("path", "path"), ("query", "query"), ("headers", "header"), ("cookies", "cookie"))
_KNOWN_INPUT = frozenset({"path", "query", "headers", "cookies", "body", "contentType"})
MESSAGES = (ChannelType.KAFKA, ChannelType.QUEUE)


def can_be_said(step: ScenarioStep) -> bool:
    """Return whether a step calls an operation or channel; what it does beside that may stand under x-orchestra."""
    known = step.channel_type is ChannelType.HTTP_REST or step.channel_type in MESSAGES
    return known and step.endpoint_ref is not None and step.kind is not StepKind.BARRIER


def write_step(
    step: ScenarioStep, step_id: str, words: Words, sources: Mapping[str, str], *, own_rules: Mapping[int, Any]
) -> dict[str, Any]:
    """Return a step of Arazzo; `sources` names the source description of each service.

    `own_rules` are rules, by their number, that stand beside their criterion because it does not say quite the same.
    """
    reference = step.endpoint_ref
    assert reference is not None  # can_be_said
    written: dict[str, Any] = {"stepId": step_id}
    if step.name:
        written["description"] = step.name
    written.update(_target(step, reference, sources))
    given = step.action.input_template
    if isinstance(given, Mapping) and set(given) <= _KNOWN_INPUT:
        with suppress(ExpressionError):  # a template that does not parse stands under x-orchestra alone
            written.update(_request(given, words))
    criteria = _criteria(step.expectations, words, own_rules)
    if criteria:
        written["successCriteria"] = criteria
    retry = step.action.meta.retry
    if retry is not None and retry.retry_limit and retry.on_status:
        written["onFailure"] = [_retry(retry)]
    return written


def _target(step: ScenarioStep, reference: EndpointRef, sources: Mapping[str, str]) -> dict[str, Any]:
    source, name = sources[reference.service_name], reference.endpoint_name
    match = _METHOD_AND_PATH.match(name)
    if step.channel_type is ChannelType.HTTP_REST and match is not None:
        pointer = match[2].replace("~", "~0").replace("/", "~1")
        path = f"{{$sourceDescriptions.{source}.url}}#/paths/{pointer}/{match[1].lower()}"
        return {"operationPath": path}
    target: dict[str, Any] = {"operationId": f"$sourceDescriptions.{source}.{name}"}
    if step.channel_type in MESSAGES:
        target["action"] = "receive" if step.kind is StepKind.ASSERTION else "send"
        if step.action.meta.timeout_ms is not None:
            target["timeout"] = step.action.meta.timeout_ms
    return target


def _request(given: Mapping[str, Any], words: Words) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    for group, location in _PLACES:
        values = given.get(group)
        for name, value in values.items() if isinstance(values, Mapping) else ():
            parameters.append({"name": name, "in": location, "value": words.value(value)})
    written: dict[str, Any] = {"parameters": parameters} if parameters else {}
    body: dict[str, Any] = {}
    if given.get("contentType") is not None:
        body["contentType"] = words.value(given["contentType"])
    if given.get("body") is not None:
        body["payload"] = words.value(given["body"])
    return {**written, "requestBody": body} if body else written


def _criteria(expectations: Expectations, words: Words, own_rules: Mapping[int, Any]) -> list[dict[str, Any]]:
    criteria: list[dict[str, Any]] = []
    status = expectations.expected_status_code
    if status is not None:
        codes = (status,) if isinstance(status, int) else status
        if codes:
            criteria.append({"condition": " || ".join(f"$statusCode == {code}" for code in codes)})
    for number, rule in enumerate(expectations.business_rules):
        try:
            criterion = words.condition(rule.expr)
        except (Unsaid, ExpressionError):
            continue  # it stands under x-orchestra alone
        if number in own_rules:
            criterion["x-orchestra-rule"] = own_rules[number]
        if criterion not in criteria:  # the list holds each criterion once
            criteria.append(criterion)
    return criteria


def _retry(retry: RetryPolicy) -> dict[str, Any]:
    after = int(retry.retry_after) if retry.retry_after.is_integer() else retry.retry_after
    condition = " || ".join(f"$statusCode == {code}" for code in retry.on_status)
    return {
        "name": "retry",
        "type": "retry",
        "retryAfter": after,
        "retryLimit": retry.retry_limit,
        "criteria": [{"condition": condition}],
    }
