"""From the bytes of a file to the texts of the diagrams in it: any encoding, whole files, Markdown fences."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.sequence.syntax_tree import Language

MAX_BYTES = 4_000_000
MAX_LINES = 100_000
MAX_LINE = 20_000

MERMAID_SUFFIXES = frozenset({".mmd", ".mermaid"})
PLANTUML_SUFFIXES = frozenset({".puml", ".plantuml", ".pu", ".iuml", ".wsd"})
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdx", ".qmd", ".rmd"})

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_TEXT = (b"PK\x03\x04", b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
_FENCE = re.compile(r"[ \t>]*+(?:[-*+][ \t]++|\d++[.)][ \t]++)?(?P<mark>`{3,}+|~{3,}+|:{3,}+)(?P<info>[^`]*+)$")
_HTML_OPEN = re.compile(r"\s*<(?P<tag>div|pre)\b[^>]*\bclass=[\"']?mermaid\b[^>]*>(?P<rest>.*)$", re.IGNORECASE)
_HEADING = re.compile(r"\s{0,3}#{1,6}\s(?P<text>.*)$")
_MERMAID_HEAD = re.compile(r"sequenceDiagram\b", re.IGNORECASE)
_START_MARK = re.compile(r"\s*[@\\]startuml\b(?P<rest>.*)$", re.IGNORECASE)
_END_MARK = re.compile(r"\s*[@\\]enduml\b", re.IGNORECASE)
_OTHER_START = re.compile(r"\s*[@\\]start[a-z]+\b", re.IGNORECASE)
_OTHER_MERMAID = re.compile(
    r"(?:flowchart|graph|stateDiagram|classDiagram|erDiagram|zenuml|gantt|pie|journey|gitGraph|mindmap|timeline|"
    r"quadrantChart|requirementDiagram|C4\w+|sankey|xychart|block|packet|kanban|architecture)(?:-\w+)?\b"
)
_PLANTUML_INFO = frozenset({"plantuml", "puml", "uml", "plantuml-svg", "plantuml-png", "wsd"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the file, with its 1-based number."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The text of one diagram: its lines without fences and marks, and what it is called around there."""

    language: Language
    lines: Sequence[Line]
    line: int
    name: str = ""


def decode(data: bytes, findings: Findings) -> str | None:
    """Return the text of a file; None with a diagnostic where it is none."""
    if len(data) > MAX_BYTES:
        findings.add("TOO_LARGE", f"the file has {len(data)} bytes; at most {MAX_BYTES} are read.")
        return None
    if data.startswith(_NOT_TEXT):
        findings.add("NOT_TEXT", "the file is not text.")
        return None
    text = _decoded(data, findings)
    if not text.strip():
        findings.add("EMPTY_FILE", "the file is empty.")
        return None
    if text.count("\x00") > len(text) // 100:
        findings.add("NOT_TEXT", "the file is not text.")
        return None
    return text


def _decoded(data: bytes, findings: Findings) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    start = data[:400]
    if len(start) >= 4 and start.count(0) * 3 > len(start):
        encoding = "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
        return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        findings.add("ENCODING_GUESSED", "the bytes are not UTF-8: read as windows-1252.", line=line)
        return data.decode("cp1252", errors="replace")


def lines_of(text: str, findings: Findings) -> list[Line]:
    """Return the lines of a text; the rest of one beyond all measure is left out, and said."""
    found: list[Line] = []
    written = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(written) > MAX_LINES:
        findings.add("TOO_LARGE", f"the file has {len(written)} lines; {MAX_LINES} are read.", line=MAX_LINES)
    for number, line in enumerate(written[:MAX_LINES], start=1):
        if len(line) > MAX_LINE:
            findings.add("LINE_TOO_LONG", f"the line has {len(line)} characters; {MAX_LINE} are read.", line=number)
        found.append(Line(number=number, text=line[:MAX_LINE].replace("\x00", "")))
    return found


def may_hold_diagrams(data: bytes, source: str) -> bool:
    """Return whether a file is to be read as one with sequence diagrams: by its name, else by what stands in it."""
    text = data[:MAX_BYTES]
    head = text[:400].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")
    if head.startswith(b"<") and not head.startswith((b"<!--", b"<div", b"<p", b"<h", b"<a", b"<style>")):
        return False
    if PurePath(source).suffix.lower() in MERMAID_SUFFIXES | PLANTUML_SUFFIXES | MARKDOWN_SUFFIXES:
        return True
    plain = text.replace(b"\x00", b"")
    return any(
        re.search(pattern, plain, re.MULTILINE | re.IGNORECASE)
        for pattern in (rb"^[ \t]*[@\\]startuml\b", rb"^[ \t]*sequenceDiagram\b")
    )


def find_blocks(lines: Sequence[Line], source: str, findings: Findings) -> list[Block]:
    """Return the diagrams of a file in order; where there is none, a diagnostic says what was looked for."""
    suffix = PurePath(source).suffix.lower()
    ways: tuple[Callable[[Sequence[Line], Findings], list[Block]], ...]
    if suffix in MARKDOWN_SUFFIXES:
        ways = (_fenced, _marked, _plain_mermaid)
    elif suffix in PLANTUML_SUFFIXES:
        ways = (_marked, _plain_mermaid, _fenced, _unmarked)
    else:
        ways = (_plain_mermaid, _marked, _fenced)
    for way in ways:
        blocks = way(lines, findings)
        if blocks or findings.count("NOT_A_SEQUENCE_DIAGRAM"):
            return blocks
    findings.add("NO_DIAGRAM", "the file holds no sequence diagram (sequenceDiagram or @startuml).")
    return []


def _plain_mermaid(lines: Sequence[Line], findings: Findings) -> list[Block]:
    position = mermaid_head(lines)
    if position is None:
        return []
    first = lines[position]
    if _MERMAID_HEAD.match(first.text.strip()):
        return [Block(language=Language.MERMAID, lines=lines, line=first.number)]
    if _OTHER_MERMAID.match(first.text.strip()):
        kind = first.text.split()[0]
        findings.add(
            "NOT_A_SEQUENCE_DIAGRAM", f"this is a Mermaid diagram of another kind ('{kind}').", line=first.number
        )
    return []


def mermaid_head(lines: Sequence[Line]) -> int | None:
    """Return the position of the first line that is no front matter, directive, comment or blank."""
    position = 0
    while position < len(lines):
        text = lines[position].text.strip().lstrip("\ufeff")
        if text == "---" and _closing(lines, position + 1, "---") is not None:
            position = (_closing(lines, position + 1, "---") or position) + 1
        elif text.startswith("%%{") and "}%%" not in text:
            near = range(position + 1, min(len(lines), position + 60))
            position = next((index for index in near if "}%%" in lines[index].text), position) + 1
        elif not text or text.startswith("%%"):
            position += 1
        else:
            return position
    return None


def _closing(lines: Sequence[Line], start: int, mark: str) -> int | None:
    return next((index for index in range(start, len(lines)) if lines[index].text.strip() == mark), None)


def _marked(lines: Sequence[Line], findings: Findings) -> list[Block]:
    """Return what stands between @startuml and @enduml; license texts and the like around it are no diagram."""
    blocks: list[Block] = []
    opened: tuple[Line, str] | None = None
    content: list[Line] = []

    def end(*, marked: bool) -> None:
        nonlocal opened
        if opened is not None:
            start, name = opened
            if not marked:
                findings.add("NO_END_MARK", "the diagram has no @enduml.", line=start.number)
            blocks.append(Block(language=Language.PLANTUML, lines=content, line=start.number, name=name))
        opened = None

    for line in lines:
        if mark := _START_MARK.match(line.text):
            end(marked=False)
            opened, content = (line, _called(mark["rest"])), []
        elif _END_MARK.match(line.text):
            end(marked=True)
        elif opened is not None:
            content.append(line)
        elif _OTHER_START.match(line.text):
            findings.add("OTHER_DIAGRAM", f"'{line.text.strip()[:40]}' is no sequence diagram.", line=line.number)
    end(marked=False)
    return blocks


def _called(rest: str) -> str:
    """Return the name behind @startuml, which may stand in quotes or as (id=...)."""
    text = rest.strip()
    within = re.fullmatch(r"\(\s*id\s*=\s*([^)]*)\)", text)
    return (within[1] if within else text).strip().strip('"')


def _unmarked(lines: Sequence[Line], findings: Findings) -> list[Block]:
    if any(_OTHER_START.match(line.text) for line in lines):
        return []
    findings.add("NO_START_MARK", "the file has no @startuml: read as one diagram.")
    return [Block(language=Language.PLANTUML, lines=lines, line=1)]


def _fenced(lines: Sequence[Line], findings: Findings) -> list[Block]:
    blocks: list[Block] = []
    heading, position = "", 0
    while position < len(lines):
        line = lines[position]
        fence, element = _FENCE.match(line.text), _HTML_OPEN.match(line.text)
        if fence:
            content, position = _until_fence(lines, position + 1, fence["mark"])
            blocks += _within(content, fence["info"], line, heading, findings)
        elif element:
            content, position = _until_tag(lines, position, element)
            blocks += _within(content, "mermaid", line, heading, findings)
        else:
            title = _HEADING.match(line.text)
            heading = title["text"].strip().rstrip("#").strip() if title else heading
            position += 1
    return blocks


def _until_fence(lines: Sequence[Line], start: int, mark: str) -> tuple[list[Line], int]:
    content: list[Line] = []
    for position in range(start, len(lines)):
        text = lines[position].text.lstrip(" \t>")
        if text.startswith(mark) and not text.strip().strip(mark[0]):
            return content, position + 1
        content.append(Line(number=lines[position].number, text=_unquoted(lines[position].text)))
    return content, len(lines)


def _until_tag(lines: Sequence[Line], start: int, opened: re.Match[str]) -> tuple[list[Line], int]:
    closing = f"</{opened['tag'].lower()}>"
    content: list[Line] = []
    for position in range(start, len(lines)):
        text = opened["rest"] if position == start else lines[position].text
        before, found, _after = text.partition(closing)
        content.append(Line(number=lines[position].number, text=html.unescape(before)))
        if found:
            return content, position + 1
    return content, len(lines)


def _unquoted(text: str) -> str:
    """Return a line without the signs of a block quote it stands in."""
    return re.sub(r"^[ \t]*(?:>[ \t]?)+", "", text, count=1)


def _within(content: list[Line], info: str, fence: Line, heading: str, findings: Findings) -> list[Block]:
    """Return the diagrams of one fence; another kind of diagram is mentioned, other code is nothing to us."""
    word = re.split(r"[\s,;:=]", info.strip().strip("{").lstrip(".").strip(), maxsplit=1)[0].strip("{}.").lower()
    if word in _PLANTUML_INFO or (not word and any(_START_MARK.match(line.text) for line in content[:5])):
        if any(_START_MARK.match(line.text) for line in content):
            found = _marked(content, findings)
            return [
                Block(language=item.language, lines=item.lines, line=item.line, name=item.name or heading)
                for item in found
            ]
        return [Block(language=Language.PLANTUML, lines=content, line=fence.number, name=heading)]
    position = mermaid_head(content) if word in ("mmd", "") or word.startswith("mermaid") else None
    if position is None:
        return []
    first = content[position].text.strip()
    if _MERMAID_HEAD.match(first):
        return [Block(language=Language.MERMAID, lines=content, line=fence.number, name=heading)]
    if word and _OTHER_MERMAID.match(first):
        findings.add("OTHER_DIAGRAM", f"'{first.split()[0]}' is no sequence diagram.", line=fence.number)
    return []
