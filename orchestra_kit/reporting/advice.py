"""What to do about a violation: one sentence per kind, with the names of the step's own service and place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from orchestra_kit.model import ChannelType, ScenarioStep, Violation, ViolationType

_EXPECTED = ("expected", "wanted", "want")
_ACTUAL = ("actual", "got", "observed", "found", "value")
_POINTER = ("pointer", "instancePath", "path", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The words that stand for a step in an advice."""

    step: str
    service: str
    call: str
    correlation_id: str


def first_detail(details: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first of the named details that is there."""
    return next((details[name] for name in names if name in details), None)


def expected_of(violation: Violation) -> Any:
    """Return what a violation says was expected; what a schema asks for goes under the name of its keyword."""
    expected = first_detail(violation.details, _EXPECTED)
    keyword = violation.details.get("keyword")
    if isinstance(keyword, str) and expected is not None:
        return {keyword: expected}
    alone = isinstance(expected, list | tuple) and len(expected) == 1
    return expected[0] if alone and not isinstance(actual_of(violation), list | tuple) else expected


def actual_of(violation: Violation) -> Any:
    """Return what a violation says was got."""
    return first_detail(violation.details, _ACTUAL)


def pointer_of(violation: Violation) -> str | None:
    """Return where in the body a violation stands, as a JSON pointer ('' is the whole body)."""
    found = first_detail(violation.details, _POINTER)
    if isinstance(found, list | tuple):
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in found)
    if isinstance(found, str) and (found == "" or found.startswith("/")):
        return found
    return None


def circumstances_of(
    step: ScenarioStep | None, alias: str, request: Mapping[str, Any] | None, correlation_id: str
) -> Circumstances:
    """Return how to speak of a step: its service, and its call as method and path where they are known."""
    endpoint = step.endpoint_ref if step else None
    request = request or {}
    method, url = request.get("method"), request.get("url") or request.get("path")
    call = endpoint.endpoint_name if endpoint else f"step {alias}"
    if isinstance(method, str) and isinstance(url, str):
        call = f"{method.upper()} {_path_of(url)}"
    elif step and step.channel_type is ChannelType.DB:
        call = f"data source {step.action.meta.data_source or 'of this step'}"
    service = f"service {endpoint.service_name}" if endpoint else "the system under test"
    return Circumstances(step=alias, service=service, call=call, correlation_id=correlation_id)


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return url


def advise(violation: Violation, around: Circumstances) -> str:
    """Return what to do about a violation, in a sentence for whoever reads the report."""
    return _ADVICE[violation.type](violation, around)


def _status(violation: Violation, around: Circumstances) -> str:
    got = actual_of(violation)
    code = got if isinstance(got, int) else 0
    if code in (401, 403):
        return f"Check the login of {around.service} in the environment: {around.call} answered {code}."
    if code >= 500:
        trace = f"look for correlation id {around.correlation_id} in its log"
        return f"{_capital(around.service)} failed on {around.call}: {trace}."
    if code == 404:
        return f"Check that what {around.call} asks for exists: did the step before really create it?"
    answer = f"answered {code}" if code else "answered otherwise than expected"
    return (
        f"{_capital(around.call)} {answer}: compare the request below with what {around.service} accepts, "
        "or correct expectedStatusCode if the process allows this answer."
    )


def _contract(violation: Violation, around: Circumstances) -> str:
    pointer, details = pointer_of(violation), violation.details
    place = details.get("schemaPointer")
    document = f"its interface description ({place})" if isinstance(place, str) else "its interface description"
    if details.get("keyword") == "required":
        where = f" in {pointer}" if pointer else ""
        lacks = f"lacks `{details.get('expected')}`{where}"
        return (
            f"Response of {around.call} {lacks}: compare {around.service} with {document}, and correct what is wrong."
        )
    where = f" at {pointer}" if pointer else ""
    return (
        f"Response of {around.call} breaks its interface description{where}: compare {around.service} with {document}, "
        "and correct whichever is wrong."
    )


def _rule(violation: Violation, around: Circumstances) -> str:
    rule = first_detail(violation.details, ("expr", "rule", "expression"))
    shown = f"`{rule}`" if isinstance(rule, str) else "The rule"
    return f"{shown} is not true of the answer of {around.call}: check how {around.service} decides or computes this."


def _timeout(_violation: Violation, around: Circumstances) -> str:
    return (
        f"{_capital(around.call)} took too long: look for correlation id {around.correlation_id} in the log of "
        f"{around.service}; raise timeoutMs only if this time is acceptable."
    )


def _validation(violation: Violation, around: Circumstances) -> str:
    pointer = pointer_of(violation)
    where = f" at {pointer}" if pointer else ""
    return (
        f"The request of step {around.step} does not fit its interface description{where}: "
        "correct inputTemplate, or the data of this scenario. Nothing was sent."
    )


def _database(violation: Violation, around: Circumstances) -> str:
    if violation.code == "ROW_UNEXPECTED":
        return f"A row in {around.call} is one too many: look for a write that was done twice, or not undone."
    late = " If the row does come, only later, raise timeoutMs." if violation.settling_time_ms is None else ""
    return f"The rows in {around.call} are not what the process promises: check the writer of this table.{late}"


def _message(violation: Violation, around: Circumstances) -> str:
    kind = "Kafka topic" if violation.type is ViolationType.KAFKA_MESSAGE_NOT_FOUND else "queue"
    return (
        f"No matching message came to the {kind}: check that {around.service} publishes it and passes on "
        f"correlation id {around.correlation_id}."
    )


def _grpc(_violation: Violation, around: Circumstances) -> str:
    return (
        f"{_capital(around.call)} ended with an error: look for {around.correlation_id} in the log of {around.service}."
    )


def _execution(violation: Violation, around: Circumstances) -> str:
    kind = f"{violation.code} {violation.details.get('kind', '')}".lower()
    for words, advice in _EXECUTION:
        if any(word in kind for word in words):
            return advice.format(service=around.service, step=around.step)
    return f"Orchestra could not judge step {around.step}: this says nothing about {around.service}. Mend the cause, run again."


_EXECUTION = (
    (("secret",), "Store the secret that step {step} names for this tenant, then run again: nothing was judged."),
    (("egress",), "Allow this address in the environment's egress list if the step may call it: nothing was judged."),
    (
        ("refused", "connect", "unreach", "dns"),
        "Start {service}, or correct its address in the environment, then run again: nothing was judged.",
    ),
    (("timeout",), "{service} did not answer at all: check that it is up and reachable; nothing was judged."),
    (("truncated",), "Narrow the query of step {step}: it found more than can be compared, so nothing was judged."),
    (
        ("definition", "expression", "template", "unknown", "input", "rule_broken", "invalid"),
        "Correct the definition of step {step}: nothing was judged.",
    ),
)

_ADVICE = {
    ViolationType.HTTP_ERROR: _status,
    ViolationType.CONTRACT_VIOLATION: _contract,
    ViolationType.BUSINESS_RULE_VIOLATION: _rule,
    ViolationType.TIMEOUT: _timeout,
    ViolationType.VALIDATION_ERROR: _validation,
    ViolationType.DB_ASSERTION_FAILED: _database,
    ViolationType.KAFKA_MESSAGE_NOT_FOUND: _message,
    ViolationType.QUEUE_MESSAGE_NOT_FOUND: _message,
    ViolationType.GRPC_ERROR: _grpc,
    ViolationType.EXECUTION_ERROR: _execution,
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
