"""Writing CEL and templates: literals, paths, tests for absence, texts with expressions in them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from orchestra_kit.design.arazzo.runtime import Part

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = frozenset({"true", "false", "null", "in"})


class Unsaid(Exception):
    """Our language has no words for this part of a document; the message says which part."""

    def __init__(self, message: str, *, code: str = "NOT_SAID") -> None:
        super().__init__(message)
        self.message, self.code = message, code


def is_name(part: Part) -> bool:
    """Return whether a part may follow a dot."""
    return isinstance(part, str) and _NAME.match(part) is not None and part not in _WORDS


def path_text(root: str, parts: Sequence[Part]) -> str:
    """Return `root.a[0]["b c"]`."""
    text = root
    for part in parts:
        text += f".{part}" if is_name(part) else f"[{literal(part)}]"
    return text


def literal(value: Any) -> str:
    """Return a JSON value as CEL; raise Unsaid for a number beyond its range."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Unsaid(f"the number {str(value)[:40]} is too large.")
    if isinstance(value, (int, float)):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(str(key))}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    raise Unsaid(f"{type(value).__name__} is no JSON value.")


def presence(root: str, parts: Sequence[Part]) -> list[str]:
    """Return the conditions under which each part of a path is there, outermost first."""
    found: list[str] = []
    for number, part in enumerate(parts):
        owner = path_text(root, parts[:number])
        if is_name(part):
            found.append(f"has({owner}.{part})")
        elif isinstance(part, int):
            found.append(f"size({owner}) > {part}")
        else:
            found.append(f"{literal(part)} in {owner}")
    return found


def absence(root: str, parts: Sequence[Part]) -> str:
    """Return the condition that a path leads to nothing, or to null."""
    value = path_text(root, parts)
    gone = [f"!({item})" if not item.startswith("has(") else f"!{item}" for item in presence(root, parts)]
    return " || ".join([*gone, f"{value} == null"])


def escape_text(text: str) -> str:
    """Return a literal text as it stands in a template."""
    return text.replace("{{", "\\{{")


def join_template(parts: Sequence[tuple[bool, str]]) -> str:
    """Return a template of (is CEL, text) parts; literal parts that would run into a hole are written as one."""
    text = ""
    for number, (is_cel, part) in enumerate(parts):
        if is_cel:
            text += "{{ " + part + " }}"
            continue
        before_hole = number + 1 < len(parts) and parts[number + 1][0]
        tail = ""
        if before_hole and part.endswith(("{", "\\")):
            kept = part.rstrip("{\\")
            part, tail = kept, part[len(kept) :]
        text += escape_text(part) + ("{{ " + literal(tail) + " }}" if tail else "")
    return text
