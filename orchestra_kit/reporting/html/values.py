"""Values shown for reading: JSON as marked lines, cut to a budget, and two values compared line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from orchestra_kit.reporting.markup import Markup, join, tag

DEEPEST = 40
LONGEST_STRING = 1500


@dataclass(frozen=True, slots=True)
class Line:
    """One line of pretty JSON, and the JSON pointer of the value that begins on it (None on closing lines)."""

    pointer: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The lines of a value that fit the budget; `left_out` says in words what did not."""

    lines: tuple[Line, ...]
    left_out: str = ""


def lines_of(value: Any, budget: int) -> Shown:
    """Return a value as lines of at most about `budget` characters: text as it is, all else as indented JSON."""
    source = _text_lines(value) if isinstance(value, str) else _json_lines(value, "", 0, "", "")
    lines: list[Line] = []
    used = 0
    for line in source:
        if used + len(line.text) > budget:
            room = budget - used
            if room > 60:
                lines.append(Line(line.pointer, line.text[:room] + "…"))
            return Shown(tuple(lines), f"cut after {max(budget, 0)} characters{_size_words(value)}")
        lines.append(line)
        used += len(line.text) + 1
    return Shown(tuple(lines))


def _size_words(value: Any) -> str:
    if isinstance(value, str):
        return f" of {len(value)}"
    if isinstance(value, Mapping | list | tuple):
        return f"; the value has {len(value)} entries"
    return ""


def _text_lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines() or [""]):
        yield Line("" if number == 0 else None, line)


def _json_lines(value: Any, pointer: str, depth: int, key: str, end: str) -> Iterator[Line]:
    pad = "  " * min(depth, DEEPEST)
    if isinstance(value, Mapping) and value and depth < DEEPEST:
        yield Line(pointer, f"{pad}{key}{{")
        yield from _members(value, pointer, depth)
        yield Line(None, f"{pad}}}{end}")
    elif isinstance(value, list | tuple) and value and depth < DEEPEST:
        yield Line(pointer, f"{pad}{key}[")
        for index, item in enumerate(value):
            comma = "," if index < len(value) - 1 else ""
            yield from _json_lines(item, f"{pointer}/{index}", depth + 1, "", comma)
        yield Line(None, f"{pad}]{end}")
    else:
        yield Line(pointer, f"{pad}{key}{_scalar(value)}{end}")


def _members(value: Mapping[Any, Any], pointer: str, depth: int) -> Iterator[Line]:
    last = len(value) - 1
    for index, (name, item) in enumerate(value.items()):
        inner = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
        shown = json.dumps(str(name)[:LONGEST_STRING], ensure_ascii=False)
        yield from _json_lines(item, inner, depth + 1, f"{shown}: ", "," if index < last else "")


def _scalar(value: Any) -> str:
    if isinstance(value, str) and len(value) > LONGEST_STRING:
        return json.dumps(value[:LONGEST_STRING], ensure_ascii=False) + f"… ({len(value)} characters)"
    if isinstance(value, Mapping | list | tuple):
        return "…" if value else ("{}" if isinstance(value, Mapping) else "[]")
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)[:LONGEST_STRING]


def value_block(value: Any, budget: int, *, marked: frozenset[str] = frozenset(), title: str = "") -> Markup:
    """Return a value as a block of code; lines at the marked pointers carry a sign and a colour."""
    shown = lines_of(value, budget)
    rows = [_row("bad", "✗", line.text) if line.pointer in marked else _row("", "", line.text) for line in shown.lines]
    if marked.isdisjoint(line.pointer for line in shown.lines):
        rows = [_row("", "", "\n".join(line.text for line in shown.lines))]
    return join(
        tag("pre", {"class": "code", "tabindex": "0", "aria-label": title or None}, rows),
        tag("p", {"class": "cut"}, f"Shortened: {shown.left_out}.") if shown.left_out else None,
    )


def _row(css: str, sign: str, text: str) -> Markup:
    return tag("span", {"class": f"ln {css}".rstrip(), "data-s": sign or None}, text + "\n")


def comparison(expected: Any, actual: Any, budget: int) -> Markup:
    """Return two values side by side; lines that differ carry − on the expected and + on the observed side."""
    left, right = lines_of(expected, budget), lines_of(actual, budget)
    before, after = [line.text for line in left.lines], [line.text for line in right.lines]
    rows_before: list[Markup] = []
    rows_after: list[Markup] = []
    bare = ([text.rstrip(",") for text in before], [text.rstrip(",") for text in after])  # a comma is no difference
    for kind, a, b, c, d in SequenceMatcher(None, *bare, autojunk=False).get_opcodes():
        same = kind == "equal"
        rows_before += [_row("" if same else "minus", "" if same else "−", text) for text in before[a:b]]
        rows_after += [_row("" if same else "plus", "" if same else "+", text) for text in after[c:d]]
        gap = (d - c) - (b - a)
        rows_before += [_row("pad", "", "")] * max(gap, 0)
        rows_after += [_row("pad", "", "")] * max(-gap, 0)
    return tag(
        "div",
        {"class": "pair"},
        _side("Expected", rows_before, left.left_out),
        _side("Got", rows_after, right.left_out),
    )


def _side(title: str, rows: list[Markup], left_out: str) -> Markup:
    return tag(
        "div",
        {"class": "side"},
        tag("h6", None, title),
        tag("pre", {"class": "code", "tabindex": "0", "aria-label": title}, rows),
        tag("p", {"class": "cut"}, f"Shortened: {left_out}.") if left_out else None,
    )
