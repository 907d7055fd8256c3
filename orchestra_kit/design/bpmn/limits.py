"""Limits a parsed file is held to, and the words for those of the XML parser."""

from __future__ import annotations

import re
from typing import Any

from orchestra_kit.design.bpmn.sniffing import opening

MAX_ELEMENTS = 1_500_000
MAX_ATTRIBUTES = 500
"""Of one element. Real ones have a few dozen at most, and lxml takes the square of their number to list them."""
PARSER_MAX_LENGTH = 10_000_000
"""The characters libxml2 takes for one attribute, text or comment (XML_MAX_TEXT_LENGTH)."""

_VALUE = re.compile(r"""=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")
_NAME_BEFORE = re.compile(r"([\w:.-]+)\s*\Z")
_COMMENT_NOT_FINISHED, _ENTITY_LOOP, _NAME_TOO_LONG, _RESOURCE_LIMIT = 45, 89, 110, 114  # libxml2's xmlParserErrors


class Refused(Exception):
    """The document declares what is never followed, or breaks a limit: nothing of it is read."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.line = code, message, line


def check_size(root: Any) -> None:
    """Raise Refused for more elements than are read, or more attributes at one of them."""
    if root.xpath("count(//*)") > MAX_ELEMENTS:
        raise Refused("TOO_MANY_ELEMENTS", f"the document has more than {MAX_ELEMENTS} elements.")
    crowded = root.xpath(f"(//*[@*[{MAX_ATTRIBUTES + 1}]])[1]")
    if crowded:
        name = crowded[0].tag.rsplit("}", 1)[-1]
        raise Refused(
            "TOO_MANY_ATTRIBUTES",
            f"the element '{name[:80]}' has more than {MAX_ATTRIBUTES} attributes; nothing of the file was read.",
            crowded[0].sourceline,
        )


def check_parser_limit(code: int, message: str, line: int | None, data: bytes) -> None:
    """Raise Refused where an error of the parser says that one of its limits is broken."""
    text = message.lower()
    if code == _ENTITY_LOOP or (code == _RESOURCE_LIMIT and "amplification" in text):
        raise Refused("ENTITY_REFUSED", "the document's entities grow without bound; they are refused.", line)
    if code == _RESOURCE_LIMIT and "depth" in text:
        raise Refused("TOO_DEEP", "the elements are nested too deeply.", line)
    if code in (_RESOURCE_LIMIT, _NAME_TOO_LONG) or (code == _COMMENT_NOT_FINISHED and "too big" in text):
        raise _too_long(code, line, data)


def _too_long(code: int, line: int | None, data: bytes) -> Refused:
    """Return the refusal that names the attribute where it is one, which the parser does not."""
    if code == _NAME_TOO_LONG:
        return Refused("TOO_LONG", "a name is too long.", line)
    text = opening(data, len(data))
    found = next((item for item in _VALUE.finditer(text) if item.end() - item.start() > PARSER_MAX_LENGTH), None)
    what = "a start tag, text or comment"
    if found is not None:
        name = _NAME_BEFORE.search(text[max(0, found.start() - 200) : found.start()])
        what = f"the attribute '{name[1][:80]}'" if name else "an attribute"
        line = text.count("\n", 0, found.start()) + 1
    limit = f"{PARSER_MAX_LENGTH:,}".replace(",", " ")
    return Refused("TOO_LONG", f"{what} is too long; at most {limit} characters are read.", line)
