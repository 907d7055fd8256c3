"""Mending of text that is nearly XML: wrong bytes, HTML entities, prefixes nobody declared. Lines stay where they are."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from dataclasses import dataclass
from html.entities import name2codepoint

from orchestra_kit.design.bpmn.vocabulary import MODEL, USUAL_PREFIXES

_DECLARATION = re.compile(r"\s*<\?xml\b([^>]*?)\?>")
_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_PLAIN_ENTITIES = frozenset({"lt", "gt", "amp", "apos", "quot"})
_USED_PREFIX = re.compile(r"<([A-Za-z_][\w.-]*):([A-Za-z_][\w.-]*)")
_ATTRIBUTE_PREFIX = re.compile(r"""\s([A-Za-z_][\w.-]*):[A-Za-z_][\w.-]*\s*=\s*["']""")
_DECLARED_PREFIX = re.compile(r"xmlns:([\w.-]+)\s?=")
_FIRST_TAG = re.compile(r"<[A-Za-z_][\w.:-]*")
_SKIPPED = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One thing that was mended: the code of its diagnostic, what it was, and where."""

    code: str
    message: str
    line: int | None = None


def repair(data: bytes) -> tuple[bytes, tuple[Repair, ...]]:
    """Return the document as UTF-8 with known slips mended, and what was mended."""
    body, done = as_body(data)
    body, entities = _replace_entities(body)
    body, prefixes = _declare_prefixes(body)
    return body.encode("utf-8", errors="replace"), (*done, *entities, *prefixes)


def as_body(data: bytes) -> tuple[str, list[Repair]]:
    """Return the text of a document without its XML declaration, and what its encoding needed."""
    text, done = _decode(data)
    body = _DECLARATION.sub(lambda found: "\n" * found.group().count("\n"), text, count=1)
    return body.lstrip("\ufeff").replace("\x00", ""), done


class _Lines:
    """The line of a place in a text, without counting from the beginning for each."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def at(self, place: int) -> int:
        return bisect_left(self._ends, place) + 1


def _decode(data: bytes) -> tuple[str, list[Repair]]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace"), []
    if data[:2] in (b"<\x00", b"\x00<"):
        return data.decode("utf-16-le" if data[:1] == b"<" else "utf-16-be", errors="replace"), []
    found = _DECLARED_ENCODING.match(data)
    declared = found.group(1).decode("ascii") if found else "utf-8"
    try:
        if declared.lower().startswith(("utf-16", "utf-32", "ucs", "iso-10646")):
            raise LookupError  # there is no byte order mark and no zero byte: it cannot be that
        return data.decode(declared), []
    except LookupError:
        reason, line = f"the declared encoding '{declared}' is unknown or not that of these bytes", 1
    except UnicodeDecodeError as error:
        reason, line = f"these bytes are not {declared}", data.count(b"\n", 0, error.start) + 1
    for other in ("utf-8", "cp1252"):
        try:
            text = data.decode(other)
        except UnicodeDecodeError:
            continue
        return text, [Repair(code="ENCODING_MISMATCH", message=f"{reason}; read as {other}.", line=line)]
    return data.decode("latin-1"), [Repair(code="ENCODING_MISMATCH", message=f"{reason}; read as latin-1.", line=line)]


def _replace_entities(text: str) -> tuple[str, list[Repair]]:
    """Put the character for an HTML entity, and keep an unknown one as the text it is."""
    first: dict[str, int] = {}
    lines = _Lines(text)

    def mend(found: re.Match[str]) -> str:
        name = found.group(1)
        if name in _PLAIN_ENTITIES:
            return found.group()
        first.setdefault(name, lines.at(found.start()))
        return f"&#{name2codepoint[name]};" if name in name2codepoint else f"&amp;{name};"

    mended = _ENTITY.sub(mend, text)
    return mended, [
        Repair(
            code="UNDEFINED_ENTITY",
            message=f"the entity '&{name};' is not defined; "
            + ("the HTML character is meant." if name in name2codepoint else "its name is kept as text."),
            line=line,
        )
        for name, line in first.items()
    ]


def _declare_prefixes(text: str) -> tuple[str, list[Repair]]:
    """Declare at the root every prefix that is used and never declared."""
    bare = _SKIPPED.sub(lambda found: "\n" * found.group().count("\n"), text)
    used: dict[str, set[str]] = {}
    where: dict[str, int] = {}
    for found in _USED_PREFIX.finditer(bare):
        used.setdefault(found.group(1), set()).add(found.group(2))
        where.setdefault(found.group(1), found.start())
    for found in _ATTRIBUTE_PREFIX.finditer(bare):
        used.setdefault(found.group(1), set())
        where.setdefault(found.group(1), found.start())
    declared = {"xml", "xmlns", *_DECLARED_PREFIX.findall(bare)}
    missing = [name for name in used if name not in declared]
    root = _FIRST_TAG.search(bare)
    if not missing or root is None:
        return text, []
    position = _FIRST_TAG.search(text, _same_place(text, bare, root.start()))
    if position is None:
        return text, []
    declarations = "".join(f' xmlns:{name}="{_meant(name, used[name])}"' for name in missing)
    lines = _Lines(bare)
    repairs = [
        Repair(
            code="UNDECLARED_PREFIX",
            message=f"the prefix '{name}' is not declared; taken for {_meant(name, used[name])}.",
            line=lines.at(where[name]),
        )
        for name in missing
    ]
    return text[: position.end()] + declarations + text[position.end() :], repairs


def _same_place(text: str, bare: str, start: int) -> int:
    """Return a place in `text` on the line where `start` stands in `bare`, after any comment that ends there."""
    line = bare.count("\n", 0, start)
    place = 0
    for _ in range(line):
        place = text.index("\n", place) + 1
    end_of_line = text.find("\n", place)
    comment_end = text.rfind("-->", place, end_of_line if end_of_line != -1 else len(text))
    return comment_end + 3 if comment_end != -1 and _FIRST_TAG.search(text, comment_end) else place


def _meant(prefix: str, names: set[str]) -> str:
    if names & {"definitions", "process", "sequenceFlow", "startEvent", "collaboration"}:
        return MODEL
    return USUAL_PREFIXES.get(prefix, f"urn:undeclared:{prefix}")
