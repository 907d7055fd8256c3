"""Runtime expressions (Arazzo 1.1, section "Runtime Expressions"): parsed, found inside texts, and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ROOTS = frozenset(
    {"url", "method", "statusCode", "request", "response", "message", "inputs", "outputs", "steps", "workflows"}
    | {"sourceDescriptions", "components", "self"}
)
_START = re.compile(r"\$([A-Za-z]+)(?=[.#\[]|\Z)")
_EMBEDDED = re.compile(r"\{\s*(\$[A-Za-z]+(?:[.#\[][^{}]*)?)\s*\}")
_INDEX = re.compile(r"\[(\d+|'[^']*'|\"[^\"]*\"|[A-Za-z_][\w-]*)\]")
_INDEXED = re.compile(r"\[\d*\]\Z|\[\d+\]")
_FOREIGN = re.compile(r"\{?\$([A-Za-z]\w*)\.[A-Za-z]")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")

Part = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """An expression such as `$steps.pay.outputs.id#/a/0`: root `steps`, rest `pay.outputs.id`, pointer (`a`, 0).

    `flaw` says what is not as the grammar has it.
    """

    text: str
    root: str
    rest: str
    pointer: tuple[Part, ...]
    flaw: str | None = None

    @property
    def names(self) -> list[str]:
        """The rest, cut at its dots."""
        return self.rest.split(".") if self.rest else []


def parse_runtime(text: str) -> Runtime | None:
    """Return the expression a text is, None for any other text."""
    match = _START.match(text)
    if match is None or match[1] not in ROOTS:
        return None
    whole, mark, tail = text[match.end() :].partition("#")
    rest = whole.removeprefix(".")
    pointer: tuple[Part, ...] = ()
    flaw = None
    if mark:
        pointer = parse_pointer(tail if tail.startswith("/") or not tail else f"/{tail}")
        if any(isinstance(part, str) and _INDEXED.search(part) for part in pointer):
            flaw = "positions in lists are parts of their own in a pointer, as in '#/items/0'; it is read as it stands."
        if tail and not tail.startswith("/"):
            flaw = f"the pointer '#{tail}' has no '/'; it is read as '#/{tail}'."
    return Runtime(text=text, root=match[1], rest=rest, pointer=pointer, flaw=flaw)


def foreign_root(text: str) -> str | None:
    """Return the root of what looks like an expression but is none of Arazzo, such as `$faker.name`."""
    match = _FOREIGN.search(text)
    return match[1] if match is not None and match[1] not in ROOTS else None


def parse_pointer(text: str) -> tuple[Part, ...]:
    """Return the parts of a JSON pointer (RFC 6901); whole numbers are positions in lists."""
    if not text:
        return ()
    parts = text.removeprefix("/").split("/")
    return tuple(_part(part.replace("~1", "/").replace("~0", "~")) for part in parts)


def _part(text: str) -> Part:
    return int(text) if _NUMBER.match(text) else text


def write_pointer(parts: tuple[Part, ...]) -> str:
    """Return parts as a JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def dotted_parts(text: str) -> tuple[Part, ...]:
    """Return the parts of `a.b[0]["c"]`."""
    parts: list[Part] = []
    for piece in _INDEX.sub(lambda match: f".{match[1].strip(chr(39) + chr(34))}", text).split("."):
        if piece:
            parts.append(_part(piece))
    return tuple(parts)


def split_embedded(text: str) -> Iterator[str | Runtime]:
    """Yield the literal parts and the expressions in braces of a text, in order."""
    position = 0
    for match in _EMBEDDED.finditer(text):
        found = parse_runtime(match[1].strip())
        if found is None:
            continue
        if match.start() > position:
            yield text[position : match.start()]
        yield found
        position = match.end()
    if position < len(text):
        yield text[position:]
