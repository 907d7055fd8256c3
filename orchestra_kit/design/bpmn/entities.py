"""The entities a document declares for itself: plain text is put in where it is used, everything else is refused."""

from __future__ import annotations

import re

from orchestra_kit.design.bpmn.limits import Refused
from orchestra_kit.design.bpmn.repair import Repair, as_body
from orchestra_kit.design.bpmn.sniffing import opening

MAX_ENTITIES = 100
MAX_LENGTH = 1_000
MAX_GROWTH = 1_000_000
"""Characters that all uses of entities together may add."""

_LOOKED_AT = 200_000
_BEFORE = r"\ufeff?\s*+(?>(?:<\?.*?\?>|<!--.*?-->)\s*+)*+"  # atomic, so that many comments are gone through once
_PROLOG = re.compile(_BEFORE + r"<!DOCTYPE\b([^\[>]*+(?:\[.*?\]\s*+>|>|\[.*+))", re.DOTALL | re.IGNORECASE)
_DECLARATION = re.compile(r"<!ENTITY\b", re.IGNORECASE)
_PLAIN = r"""<!ENTITY\s++[A-Za-z_][\w.-]*+\s++(?:"[^"<&%]*+"|'[^'<&%]*+')\s*+>"""
_DOCTYPE = re.compile(rf"<!DOCTYPE\s++[\w:.-]++\s*+\[(?:\s++|(?><!--.*?-->)|{_PLAIN})*+\]\s*+>", re.DOTALL)
_ENTITY = re.compile(r"""(?><!--.*?-->)|<!ENTITY\s++([\w.-]++)\s++(?:"([^"]*+)"|'([^']*+)')""", re.DOTALL)
_USE = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|&([A-Za-z_][\w.-]*+);",
    re.DOTALL,
)
_ESCAPES = str.maketrans({">": "&gt;", '"': "&quot;", "'": "&apos;", "\n": " ", "\r": " ", "\t": " "})
_PREDEFINED = frozenset({"lt", "gt", "amp", "apos", "quot"})


def resolve_entities(data: bytes) -> tuple[bytes, tuple[Repair, ...]]:
    """Return the document without entity declarations, and what was done; raise Refused before any parser sees others.

    Put in are few, short, internal entities of text alone, which no entity can be part of. Lines stay where they are.
    """
    head = data[:200].replace(b"\x00", b"").lower()
    if b"<!" not in head and b"<!DOCTYPE" not in data[:20_000] and b"\x00" not in head:
        return data, ()
    found = _PROLOG.match(opening(data, _LOOKED_AT))
    if found is None or not _DECLARATION.search(found.group(1)):
        return data, ()
    body, repairs = as_body(data)
    start = re.compile(_BEFORE, re.DOTALL).match(body)
    doctype = _DOCTYPE.match(body, start.end() if start else 0)
    if doctype is None:
        raise refused_entities()
    entities = _declared(doctype.group())
    blank = "\n" * doctype.group().count("\n")
    body = body[: doctype.start()] + blank + _put_in(body[doctype.end() :], entities)
    said = f"entities of plain text ({len(entities)}) are declared; their text was put in where they are used."
    done = Repair(code="ENTITY_REPLACED", message=f"in this document {said}", line=1)
    return body.encode("utf-8", errors="replace"), (*repairs, done)


def refused_entities() -> Refused:
    """Return the refusal of a document that declares entities that are more than a little text."""
    message = "the document declares entities that are not short plain text; they are refused, nothing of it was read."
    return Refused("ENTITY_REFUSED", message, 1)


def _declared(doctype: str) -> dict[str, str]:
    """Return the text of each entity; of two declarations the first one counts."""
    entities: dict[str, str] = {}
    for item in _ENTITY.finditer(doctype):
        name, value = item[1], item[2] if item[2] is not None else item[3]
        if name is None or name in _PREDEFINED:
            continue
        entities.setdefault(name, value.translate(_ESCAPES))
        if len(entities) > MAX_ENTITIES or len(value) > MAX_LENGTH:
            raise refused_entities()
    return entities


def _put_in(text: str, entities: dict[str, str]) -> str:
    """Replace each use outside of comments and the like; raise Refused where the document grows too much."""
    grown = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal grown
        value = entities.get(found[1] or "")
        if value is None:
            return found[0]
        grown += len(value)
        if grown > MAX_GROWTH:
            message = f"the document's entities add more than {MAX_GROWTH} characters; they are refused."
            raise Refused("ENTITY_REFUSED", message, 1)
        return value

    return _USE.sub(replace, text)
