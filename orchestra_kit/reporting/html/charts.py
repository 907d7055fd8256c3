"""Small inline pictures: when each step ran, and how long effects took to settle."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra_kit.reporting.html.words import duration, step_status, step_words
from orchestra_kit.reporting.markup import Child, Markup, number, tag
from orchestra_kit.reporting.palette import TONES, ElementStatus
from orchestra_kit.reporting.report import RunReport, StepReport

WIDTH = 960.0
LABEL = 230.0
RIGHT = 90.0
WORDS = 190.0
"""Room right of the settling times for what they say in words."""
ROW = 22.0
TOP = 24.0
MOST_ROWS = 200


def timeline(run: RunReport) -> Markup | None:
    """Return a Gantt chart of a run: a bar for each attempt, its number inside when there were several."""
    steps = [step for step in run.steps if step.attempts and not step.reused_from_run][:MOST_ROWS]
    if not steps:
        return None
    end = max(item.start_offset_ms + item.duration_ms for step in steps for item in step.attempts)
    end = max(end, run.duration_ms, 1)
    rows = [_timeline_row(step, index, end) for index, step in enumerate(steps)]
    height = TOP + ROW * len(steps) + 6
    words = f"Timeline of {len(steps)} steps over {duration(end)}"
    return _chart(words, height, [_axis(end, height), *rows])


def _timeline_row(step: StepReport, index: int, end: float) -> Markup:
    y = TOP + index * ROW
    status = step_status(step)
    words = f"{step.label}: {step_words(step)}, {duration(step.duration_ms)}"
    bars: list[Markup] = []
    for item in step.attempts:
        x, width = _x(item.start_offset_ms, end), max(_x(item.duration_ms, end) - LABEL, 2.5)
        last = item is step.attempts[-1]
        css = status.value if last else ElementStatus.FAILED.value
        bars.append(_rect(x, y + 4, width, ROW - 9, f"bar {css}"))
        if len(step.attempts) > 1 and width > 10:
            bars.append(_text(x + width / 2, y + 15, str(item.attempt), "mid inbar"))
    finish = max(_x(item.start_offset_ms + item.duration_ms, end) for item in step.attempts)
    retries = f" · {len(step.attempts)} attempts" if len(step.attempts) > 1 else ""
    note = f"{TONES[status].sign} {duration(step.duration_ms)}{retries}"
    inside = finish > WIDTH - RIGHT - 40
    return tag(
        "g",
        None,
        tag("title", None, words),
        _text(LABEL - 8, y + 15, _short(step.label), "end"),
        bars,
        _text(min(finish + 6, WIDTH - 4), y + 15, note, "quiet end" if inside and finish + 6 > WIDTH - 4 else "quiet"),
    )


def settling(steps: Sequence[tuple[str, StepReport]]) -> Markup | None:
    """Return a dot plot of settling times, a row for each (label, step), with a bar where its time limit lies."""
    found = [(label, step) for label, step in steps if step.settling_time_ms is not None][:MOST_ROWS]
    if not found:
        return None
    longest = max(step.settling_time_ms or 0 for _, step in found)
    limits = [step.timeout_ms for _, step in found if step.timeout_ms]
    end = max(longest * 1.15, min(max(limits, default=0), longest * 4), 1)
    rows: dict[str, list[StepReport]] = {}
    for label, step in found:
        rows.setdefault(label, []).append(step)
    height = TOP + ROW * len(rows) + 6
    drawn = [_settling_row(label, items, index, end) for index, (label, items) in enumerate(rows.items())]
    words = f"Settling times of {len(rows)} checks, the longest {duration(longest)}"
    return _chart(words, height, [_axis(end, height, WORDS), *drawn])


def _settling_row(label: str, steps: list[StepReport], index: int, end: float) -> Markup:
    y = TOP + index * ROW + ROW / 2
    times = [step.settling_time_ms or 0 for step in steps]
    parts = [
        _text(LABEL - 8, y + 4, _short(label), "end"),
        _rect(LABEL, y - 0.5, _x(max(times), end, WORDS) - LABEL, 1, "stem"),
    ]
    limit = max((step.timeout_ms or 0 for step in steps), default=0)
    if 0 < limit <= end:
        parts.append(_rect(_x(limit, end, WORDS) - 1, y - 8, 2, 16, "limit"))
    for step, time in zip(steps, times, strict=True):
        status = step_status(step)
        parts.append(
            _text(
                _x(time, end, WORDS),
                y + 4,
                "●" if status is ElementStatus.PASSED else TONES[status].sign,
                f"mid dot {status.value}",
            )
        )
    shown = duration(times[0]) if len(times) == 1 else f"{duration(min(times))} – {duration(max(times))}"
    within = f" of {duration(limit)}" if limit else ""
    title = tag("title", None, f"{label}: {shown}{within}")
    return tag("g", None, title, parts, _text(WIDTH - 4, y + 4, shown + within, "quiet end"))


def _x(milliseconds: float, end: float, right: float = RIGHT) -> float:
    return LABEL + milliseconds / end * (WIDTH - LABEL - right)


def _axis(end: float, height: float, right: float = RIGHT) -> list[Markup]:
    parts: list[Markup] = []
    step = _tick(end)
    at = 0.0
    while at <= end * 1.001:
        parts.append(_rect(_x(at, end, right), TOP - 4, 0.7, height - TOP, "grid"))
        parts.append(_text(_x(at, end, right), 12, duration(round(at)), "mid tick"))
        at += step
    return parts


def _tick(end: float) -> float:
    """Return a round distance that gives about five ticks."""
    base = 1.0
    while base * 10 <= end / 5:
        base *= 10
    return next(base * factor for factor in (1, 2, 5, 10, 20) if base * factor * 6 >= end)


def _short(text: str, most: int = 36) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _rect(x: float, y: float, width: float, height: float, css: str) -> Markup:
    place = {"x": number(x), "y": number(y), "width": number(max(width, 0.5)), "height": number(height)}
    return tag("rect", {"class": css, **place, "rx": "2" if css.startswith("bar") else None})


def _text(x: float, y: float, text: str, css: str) -> Markup:
    return tag("text", {"x": number(x), "y": number(y), "class": css}, text)


def _chart(words: str, height: float, body: Child) -> Markup:
    box = f"0 0 {number(WIDTH)} {number(height)}"
    picture = tag("svg", {"class": "chart", "role": "img", "aria-label": words, "viewBox": box}, body)
    return tag("div", {"class": "wide", "tabindex": "0", "role": "group", "aria-label": words}, picture)
