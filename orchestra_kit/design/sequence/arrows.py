"""PlantUML's arrows: `A -[#red]>> B`, `A <-- B`, `[o-> A`, `A ->]`, `A ->x B`, with their suffixes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestra_kit.design.sequence.building import Arrow
from orchestra_kit.design.sequence.syntax_tree import OUTSIDE

_NAME = r"\"[^\"]++\"|[\w.@]++"
_END = rf"(?:(?P<{{0}}>{_NAME})(?:\s++as\s++(?P<{{0}}_as>{_NAME}))?)"
_ANCHOR = r"(?:\{\w++\}\s*+)?"
_LEFT_HEAD = r"(?:\s[ox]|\s?[ox](?=<|/|\\))?(?:<<?|//?|\\\\?)?"
_BODY = r"-++(?:\[[^\]]*+\]-*+)?"
_RIGHT_HEAD = r"(?:>>?|//?|\\\\?)?(?:[ox](?=[\s\]?(]))?"
_SLANT = r"(?:\(\d{1,6}+\))?"  # `->(10)`, `(10)<-`: how far the arrow sinks
_SHORT_LEFT = r"(?P<border_left>[\[\]?])(?P<left_mark>[ox])?"
_SHORT_RIGHT = r"(?P<border_right>[\]\[?])"

_MESSAGE = re.compile(
    rf"(?:&\s*+)?{_ANCHOR}"
    rf"(?:{_END.format('left')}\s*?{_ANCHOR}|{_SHORT_LEFT}){_SLANT}"
    rf"(?P<left_head>{_LEFT_HEAD})(?P<body>{_BODY})(?P<right_head>{_RIGHT_HEAD}){_SLANT}"
    rf"\s*+{_ANCHOR}(?:{_END.format('right')}|{_SHORT_RIGHT})"
    r"(?:\s*+&\s*+[\w.@\"]++)*+"
    r"\s*+(?P<suffix>[+*!-]{1,4})?\s*+(?:#[\w\\/|-]++)?\s*+(?:\[\[[^\]]*+\]\]\s*+)?"
    r"(?::(?P<text>.*))?$",
    re.DOTALL,
)
_LOOSE_NAME = r"[^\s\"<>\[\]:;(){}|#'-][^\"<>\[\]:;{}|#]*?"
_LOOSE = re.compile(
    rf"(?P<left>{_LOOSE_NAME})\s*(?P<left_head><<?)?(?P<body>{_BODY})(?P<right_head>>>?)?\s*"
    rf"(?P<right>{_LOOSE_NAME})\s*(?P<suffix>[+*!-]{{2,4}})?\s*(?::(?P<text>.*))?$",
    re.DOTALL,
)
_BODY_AT = re.compile(_BODY)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMessage:
    """A message as its line says it. `names` holds what is called in passing (`"Long name" as L`)."""

    sender: str
    receiver: str
    text: str | None
    arrow: Arrow
    suffix: str = ""
    names: tuple[tuple[str, str], ...] = ()
    headless: bool = False
    loose: bool = False


def read_arrow(text: str) -> WrittenMessage | None:
    """Return the message a line says; None where it says none."""
    if "-" not in text:
        return None
    found = _MESSAGE.match(text)
    if found is not None:
        return _written(found)
    head = text.partition(":")[0]
    if len(head) > 300 or not _BODY_AT.search(head):
        return None
    loose = _LOOSE.match(text)
    if loose is None or not (loose["left_head"] or loose["right_head"]):
        return None
    left, right = loose["left"].strip(), loose["right"].strip()
    return _directed(left, right, loose, loose["left_head"] or "", loose["right_head"] or "", loose=True)


def _written(found: re.Match[str]) -> WrittenMessage:
    names: list[tuple[str, str]] = []
    left = _named(found, "left", names) if found["left"] else OUTSIDE
    right = _named(found, "right", names) if found["right"] else OUTSIDE
    left_head = (found["left_mark"] or "") + found["left_head"].strip()
    return _directed(left, right, found, left_head, found["right_head"], names=tuple(names))


def _named(found: re.Match[str], side: str, names: list[tuple[str, str]]) -> str:
    """Return the id of one end; with `"Long name" as L` (or the other way round) the quoted text is the name."""
    first, second = found[side], found[f"{side}_as"]
    if second is None:
        return unquoted(first)
    identifier, name = (first, second) if second.startswith('"') else (second, first)
    names.append((unquoted(identifier), unquoted(name)))
    return unquoted(identifier)


def unquoted(text: str) -> str:
    """Return a name without the quotes around it."""
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _directed(
    left: str,
    right: str,
    found: re.Match[str],
    left_head: str,
    right_head: str,
    *,
    names: tuple[tuple[str, str], ...] = (),
    loose: bool = False,
) -> WrittenMessage:
    """Return the message in its direction: a head at the right end sends to the right, otherwise one at the left end."""
    to_right, to_left = bool(set(right_head) & set(">/\\x")), bool(set(left_head) & set("</\\x"))
    backwards = to_left and not to_right
    head = left_head if backwards else right_head
    body = found["body"]
    dashes = body.partition("[")[0] + body.partition("]")[2]
    arrow = Arrow(
        written=f"{left_head}{body}{right_head}",
        dashed=len(dashes) > 1,
        asynchronous=">>" in head or "<<" in head or "//" in head or "\\\\" in head,
        both_ways=to_left and to_right and "x" not in left_head + right_head,
        lost="x" in head,
        found="o" in (right_head if backwards else left_head),
    )
    return WrittenMessage(
        sender=right if backwards else left,
        receiver=left if backwards else right,
        text=found["text"],
        arrow=arrow,
        suffix=found["suffix"] or "",
        names=names,
        headless=not (to_left or to_right),
        loose=loose,
    )
