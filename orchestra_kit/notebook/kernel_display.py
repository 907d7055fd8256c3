"""How steps look in a notebook: HTML tables and plain text, everything from outside escaped. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra_kit.notebook.kernel_client import StepView, Summary

SIGNS = {"PASSED": "✔", "FAILED": "✘", "FLAKY": "≈", "SKIPPED": "↷"}
"""A sign beside each word: colour is never the only difference."""
TINTS = {"PASSED": "#2e7d32", "FAILED": "#c62828", "FLAKY": "#b26a00", "SKIPPED": "#616161"}
SHOWN = 4000
"""Characters shown of one value; the report has the rest."""


def step_html(view: StepView) -> str:
    """Return a step as an HTML table."""
    rows = [("status", _status_html(view.status, note=_note(view)))]
    rows += [(name, f"<pre style='margin:0;white-space:pre-wrap'>{escape(text)}</pre>") for name, text in _facts(view)]
    rows += [("violation", _violation_html(item)) for item in view.violations]
    body = "".join(_row(escape(name), cell) for name, cell in rows)
    return f"<table><caption style='text-align:left'><b>{escape(view.alias)}</b></caption><tbody>{body}</tbody></table>"


def step_text(view: StepView) -> str:
    """Return a step as plain text."""
    lines = [f"{_sign(view.status)} {view.status} {view.alias}{_note(view)}"]
    lines += [f"  {name}: {text}" for name, text in _facts(view)]
    lines += [f"  violation {item.get('type')} ({item.get('code')}): {item.get('message')}" for item in view.violations]
    return "\n".join(lines)


def summary_html(summary: Summary) -> str:
    """Return all steps so far as one HTML table."""
    head = "".join(f"<th style='text-align:left'>{name}</th>" for name in ("step", "status", "took", "violations"))
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(view.alias)}</td>"
        f"<td style='text-align:left'>{_status_html(view.status, note=_note(view))}</td>"
        f"<td>{int(view.result.get('durationMs') or 0)} ms</td><td>{len(view.violations)}</td></tr>"
        for view in summary.views
    )
    count = f"<caption style='text-align:left'>{escape(_counts(summary))}</caption>"
    return f"<table>{count}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def summary_text(summary: Summary) -> str:
    """Return all steps so far as plain text."""
    lines = [f"{_sign(view.status)} {view.status:<8}{view.alias}{_note(view)}" for view in summary.views]
    return "\n".join([*lines, _counts(summary)])


def _counts(summary: Summary) -> str:
    good = sum(view.passed for view in summary.views)
    return f"{good} of {len(summary.aliases)} steps passed, {len(summary.views)} run."


def _facts(view: StepView) -> Iterable[tuple[str, str]]:
    if view.request:
        yield "request", _shorten(view.request)
    response = {name: value for name, value in view.response.items() if value not in (None, {})}
    if response:
        yield "response", _shorten(response)
    if view.settling_time_ms is not None:
        yield "settled after", f"{view.settling_time_ms} ms"


def _note(view: StepView) -> str:
    parts = []
    if view.replayed:
        parts.append("replayed, not done again")
    if int(view.result.get("attempt") or 1) > 1:
        parts.append(f"attempt {view.result['attempt']}")
    return f" ({', '.join(parts)})" if parts else ""


def _violation_html(item: dict[str, Any]) -> str:
    text = f"<b>{escape(str(item.get('type')))}</b> {escape(str(item.get('code')))}: {escape(str(item.get('message')))}"
    details = item.get("details")
    return f"{text}<pre style='margin:0;white-space:pre-wrap'>{escape(_shorten(details))}</pre>" if details else text


def _status_html(status: str, *, note: str) -> str:
    tint = TINTS.get(status, "inherit")
    return f"<span style='color:{tint}'><b>{_sign(status)} {escape(status)}</b></span>{escape(note)}"


def _row(name: str, cell: str) -> str:
    return f"<tr><th style='text-align:left;vertical-align:top'>{name}</th><td style='text-align:left'>{cell}</td></tr>"


def _sign(status: str) -> str:
    return SIGNS.get(status, "?")


def _shorten(value: Any) -> str:
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} … ({len(text) - SHOWN} characters more in the report)"
