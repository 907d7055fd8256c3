"""One step of a run: what was asked, what was expected, what came, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.model import Correlation, ViolationType
from orchestra_kit.reporting.html.values import comparison, value_block
from orchestra_kit.reporting.html.words import chip, duration, moment, plural, step_status, step_words
from orchestra_kit.reporting.markup import Attribute, Markup, join, tag
from orchestra_kit.reporting.palette import ElementStatus
from orchestra_kit.reporting.report import AttemptReport, StepReport, ViolationReport

_HIDDEN_DETAILS = frozenset({"expected", "actual", "got", "observed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How much is shown: characters per value, and whether each passing run gets a picture of its own."""

    value_budget: int
    pictures: bool = True
    passed_bodies: bool = True


def step_block(step: StepReport, anchor: str, detail: Detail) -> Markup:
    """Return one step, open when it failed."""
    status = step_status(step)
    wrong = status in (ElementStatus.FAILED, ElementStatus.UNJUDGED)
    attributes: dict[str, Attribute] = {"class": f"step {status.value}", "id": anchor, "open": wrong}
    return tag("details", attributes, _summary(step, status), tag("div", {"class": "in"}, _body(step, detail, wrong)))


def _summary(step: StepReport, status: ElementStatus) -> Markup:
    retries = tag("span", {"class": "tag"}, plural(len(step.attempts), "attempt")) if len(step.attempts) > 1 else None
    call = step.endpoint_name or step.service_name
    return tag(
        "summary",
        None,
        tag("span", {"class": "n"}, step.order_index + 1),
        tag("b", None, step.label),
        tag("span", {"class": "tag"}, step.kind.value) if step.kind else None,
        tag("span", {"class": "quiet"}, call) if call else None,
        tag(
            "span",
            {"class": "end"},
            retries,
            tag("span", {"class": "quiet num"}, duration(step.duration_ms)) if step.attempts else None,
            chip(status, step_words(step)),
        ),
    )


def _body(step: StepReport, detail: Detail, wrong: bool) -> Markup:
    last = step.last
    if last is None:
        return join(tag("p", {"class": "quiet"}, step.reason), _facts(step), _expected(step))
    show_bodies = wrong or detail.passed_bodies
    return join(
        [violation_block(item, detail) for item in last.violations],
        _facts(step),
        _expected(step),
        _exchange(last, detail) if show_bodies else tag("p", {"class": "cut"}, _LEFT_OUT),
        _earlier_attempts(step, detail),
    )


_LEFT_OUT = "Request and answer of this step are left out to keep the report small; the JSON report has them."


def _facts(step: StepReport) -> Markup:
    last = step.last
    rows: list[tuple[str, Any]] = [
        ("Alias", tag("code", None, step.alias)),
        ("Element", f"{step.element_name} ({step.element_id})" if step.element_id else None),
        ("Service", step.service_name),
        ("Operation", step.endpoint_name),
        ("Channel", step.channel_type.value if step.channel_type else None),
        ("Started", moment(last.started_at) if last else None),
        ("Idempotency-Key", tag("code", None, last.idempotency_key) if last else None),
        ("Settled after", _settled(step)),
        ("Correlated by", _correlation(step)),
        ("Reused from run", step.reused_from_run),
    ]
    shown = [tag("div", None, tag("dt", None, name), tag("dd", None, value)) for name, value in rows if value]
    return tag("dl", {"class": "facts"}, shown)


def _settled(step: StepReport) -> str | None:
    if step.settling_time_ms is None:
        return None
    limit = f" of {duration(step.timeout_ms)} allowed" if step.timeout_ms else ""
    polls = f", {plural(step.polls, 'look')}" if step.polls else ""
    return f"{duration(step.settling_time_ms)}{limit}{polls}"


def _correlation(step: StepReport) -> str | None:
    if step.correlation is Correlation.NONE:
        return "nothing: another run's effect could satisfy this step"
    return step.correlation.value.lower() if step.correlation else None


def _expected(step: StepReport) -> Markup | None:
    if not step.expected:
        return None
    items = [tag("li", None, tag("span", {"class": "quiet"}, f"{item.kind}: "), item.text) for item in step.expected]
    return join(tag("h4", None, "Expected"), tag("ul", {"class": "expect"}, items))


def violation_block(violation: ViolationReport, detail: Detail) -> Markup:
    """Return one violation: the difference, its place and what to do about it."""
    unjudged = violation.type is ViolationType.EXECUTION_ERROR
    status = ElementStatus.UNJUDGED if unjudged else ElementStatus.FAILED
    rest = {name: value for name, value in violation.details.items() if name not in _HIDDEN_DETAILS}
    compared = violation.expected is not None or violation.actual is not None
    return tag(
        "section",
        {"class": f"violation {status.value}"},
        chip(status, violation.type.value),
        " ",
        tag("span", {"class": "tag"}, violation.code),
        tag("p", {"class": "msg"}, violation.message[:4000]),
        comparison(violation.expected, violation.actual, detail.value_budget) if compared else None,
        tag("p", None, "At ", tag("code", None, violation.pointer or "the whole body")) if violation.pointer else None,
        tag("div", {"class": "do"}, tag("span", None, violation.what_to_do[:2000])),
        _fold("Details", value_block(rest, min(detail.value_budget, 3000))) if rest else None,
    )


def _exchange(attempt: AttemptReport, detail: Detail) -> Markup:
    """Return request and answer side by side; the lines that break a rule are marked on the side where they stand."""
    unsent = ViolationType.VALIDATION_ERROR
    marks = [(item.type is unsent, item.pointer) for item in attempt.violations if item.pointer is not None]
    left = _request(attempt, detail, frozenset(pointer for asked, pointer in marks if asked))
    right = _observed(attempt, detail, frozenset(pointer for asked, pointer in marks if not asked))
    return tag("div", {"class": "pair"}, tag("div", {"class": "side"}, left), tag("div", {"class": "side"}, right))


def _request(attempt: AttemptReport, detail: Detail, marked: frozenset[str]) -> Markup:
    request = attempt.request
    if not request:
        return join(tag("h6", None, "Request"), tag("p", {"class": "quiet"}, "Nothing was sent."))
    method, url = request.get("method"), request.get("url")
    rest = dict(request)
    head = None
    if isinstance(method, str) and isinstance(url, str):
        head = tag("p", None, tag("b", None, method), " ", tag("code", None, url))
        rest = {name: value for name, value in request.items() if name not in ("method", "url")}
    body = rest.pop("body", None)
    headers = rest.pop("headers", None)
    return join(
        tag("h6", None, "Request"),
        head,
        value_block(body, detail.value_budget, marked=marked, title="Request body") if body is not None else None,
        value_block(rest, detail.value_budget, title="Request") if rest else None,
        _headers("Request headers", headers),
    )


def _observed(attempt: AttemptReport, detail: Detail, marked: frozenset[str]) -> Markup:
    seen = attempt.observed
    parts: list[Markup | None] = [tag("h6", None, "Got")]
    if seen.status_code is not None:
        parts.append(tag("p", None, "Status ", tag("b", None, seen.status_code)))
    for title, value in (("Database", seen.db_result), ("Kafka", seen.kafka_message), ("Queue", seen.queue_message)):
        if value is not None:
            parts.append(value_block(value, detail.value_budget, marked=marked, title=title))
    if seen.body is not None:
        parts.append(value_block(seen.body, detail.value_budget, marked=marked, title="Response body"))
    if len(parts) == 1:
        parts.append(tag("p", {"class": "quiet"}, "Nothing came back."))
    parts.append(_headers("Response headers", seen.headers))
    return join(parts)


def _headers(title: str, headers: object) -> Markup | None:
    if not isinstance(headers, Mapping) or not headers:
        return None
    shown = list(headers.items())[:60]
    rows = [
        tag("tr", None, tag("th", {"scope": "row"}, str(name)[:200]), tag("td", None, str(value)[:500]))
        for name, value in shown
    ]
    return _fold(f"{title} ({len(headers)})", tag("table", {"class": "kv"}, tag("tbody", None, rows)))


def _earlier_attempts(step: StepReport, detail: Detail) -> Markup | None:
    earlier = step.attempts[:-1]
    if not earlier:
        return None
    blocks = [
        tag(
            "div",
            {"class": "attempt"},
            tag("h5", None, f"Attempt {item.attempt}, {duration(item.duration_ms)}, {item.status.value.lower()}"),
            [violation_block(violation, detail) for violation in item.violations],
            _exchange(item, detail) if detail.passed_bodies else None,
        )
        for item in earlier
    ]
    return _fold(f"Earlier attempts ({len(earlier)})", join(blocks))


def _fold(title: str, body: Markup) -> Markup:
    return tag("details", {"class": "fold"}, tag("summary", None, title), body)
