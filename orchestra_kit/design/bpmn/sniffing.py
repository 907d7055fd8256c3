"""What kind of text a process file holds, told from its first characters, before anything is parsed."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MERMAID = re.compile(
    r"(?>---\n.*?\n---\s*+|\s++|%%[^\n]*+\n)*+(?:```\s*+mermaid\s*+)?"  # possessive: no text makes it search twice
    r"(sequenceDiagram|flowchart|graph\s+(?:TB|TD|BT|RL|LR)|stateDiagram|classDiagram|erDiagram|zenuml)\b",
    re.DOTALL,
)
_PLANTUML = re.compile(r"(?>\s++|'[^\n]*+\n|```\s*+(?:plantuml|puml)?)*+@start(uml|bpmn|mindmap|json|yaml)\b")


class SourceKind(StrEnum):
    """The kinds of file that are told apart."""

    XML = "XML"
    MERMAID = "MERMAID"
    PLANTUML = "PLANTUML"
    EMPTY = "EMPTY"
    BINARY = "BINARY"
    TEXT = "TEXT"


def sniff(data: bytes) -> SourceKind:
    """Return what kind of file the bytes are. XML is claimed by the first sign alone; it may still be ill-formed."""
    head = opening(data)
    text = head.lstrip("\ufeff \t\r\n\x00")
    if not text:
        return SourceKind.EMPTY
    if text.startswith("<") and not text.lower().startswith(("<!doctype html", "<html")):
        return SourceKind.XML
    if _MERMAID.match(text):
        return SourceKind.MERMAID
    if _PLANTUML.match(text):
        return SourceKind.PLANTUML
    if "\x00" in head or head.startswith(("PK\x03\x04", "%PDF", "\x1f\x8b", "\x89PNG")):
        return SourceKind.BINARY
    if re.search(r"<\?xml|<(?:\w+:)?definitions[\s>]", head):
        return SourceKind.XML  # something stands before the XML; the parser will say so
    return SourceKind.TEXT


def opening(data: bytes, length: int = 4096) -> str:
    """Return the first characters of a file, whatever its encoding, for looking at and not for parsing."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) : len(mark) + length].decode(encoding, errors="replace")
    start = data[:length]
    if start[:2] == b"<\x00" or start[:4] == b" \x00<\x00":
        return start.decode("utf-16-le", errors="replace")
    if start[:2] == b"\x00<":
        return start.decode("utf-16-be", errors="replace")
    return start.decode("latin-1")
