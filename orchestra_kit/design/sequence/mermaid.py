"""Mermaid's `sequenceDiagram`, statement by statement; a line that says nothing known is named and passed over."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.sequence.building import Arrow, DiagramBuilder, TooManyStatements
from orchestra_kit.design.sequence.labels import plain
from orchestra_kit.design.sequence.source import Block, Line, mermaid_head
from orchestra_kit.design.sequence.syntax_tree import FragmentKind, Language, SequenceDiagram

_STRONG = (
    r"<<--?>>|--?>>|--?>|"  # ends in a point: can hardly be part of a name
    r"--?\|[\\/]|[\\/]\|--?|--?\\\\|--?//|(?://|\\\\)--?"  # half arrows
)
_STRONG_ARROW = re.compile(_STRONG)
_WEAK_ARROW = re.compile(r"--?[x)](?=[\s+\-(]|\w)")
_ARROW_AT = re.compile(rf"\s*(?:\(\))?(?:{_STRONG}|--?[x)])")
_KEYWORD = re.compile(
    r"(?P<word>participant|actor|create|destroy|box|loop|rect|opt|alt|else|par_over|par|and|critical|option|break|note|"
    r"activate|deactivate|autonumber|links|link|properties|details|title|accTitle|accDescr|end)(?=$|[\s:{])",
    re.IGNORECASE,
)
_ALIAS = re.compile(r"\sas\s", re.IGNORECASE)
_NOTE_PLACE = re.compile(r"(?:over|left\s+of|right\s+of)\s+(?P<over>[^:]*)(?P<colon>:)?(?P<text>.*)$", re.IGNORECASE)
_SETTING = re.compile(
    r"[\"']?(?P<key>\w{1,40})[\"']?\s*:\s*(?:\"(?P<quoted>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[\w-]+))"
)
_CUT = re.compile(r"[#&]\w{1,10};|;|#")
_LONGEST_BLOCK = 60
"""So many lines a setting in braces may take; where its end is further away, it was forgotten."""
_SECTIONS = frozenset({"else", "and", "option"})
_FRAGMENTS = {kind.value: kind for kind in FragmentKind if kind is not FragmentKind.GROUP} | {
    "par_over": FragmentKind.PAR
}
_PASSED_OVER = frozenset({"autonumber", "links", "link", "properties", "details", "acctitle"})


def read_mermaid(block: Block, findings: Findings) -> SequenceDiagram:
    """Return the diagram of a block that begins with `sequenceDiagram`."""
    return _MermaidReader(block, findings).read()


class _MermaidReader:
    def __init__(self, block: Block, findings: Findings) -> None:
        self._findings = findings
        self._lines: Sequence[Line] = block.lines
        self._position = 0
        self.builder = DiagramBuilder(Language.MERMAID, block.line, findings, block.name)

    def read(self) -> SequenceDiagram:
        try:
            self._read()
        except TooManyStatements:
            self.builder.overflow()
        return self.builder.finish()

    def _read(self) -> None:
        head = mermaid_head(self._lines)
        self._position = len(self._lines) if head is None else head
        self._front_matter()
        if head is not None:
            first = self._lines[head]
            self._position = head + 1
            rest = first.text.strip()[len("sequenceDiagram") :].lstrip(" \t;:")
            self._line(Line(number=first.number, text=rest))
        while self._position < len(self._lines):
            line = self._lines[self._position]
            self._position += 1
            self._line(line)

    def _front_matter(self) -> None:
        """Take the title from the front matter; nothing else in it says anything about messages."""
        head = list(self._lines[: self._position])
        if any(line.text.strip() == "---" for line in head):
            titles = [line.text.partition(":")[2] for line in head if line.text.strip().startswith("title:")]
            self.builder.title(plain(titles[0]).strip("\"'") if titles else "")

    def _line(self, line: Line) -> None:
        text = line.text.strip().lstrip("\ufeff")
        if text.startswith("%%{") and "}%%" not in text:
            self._skip_until("}%%", line.number)
        elif text and not text.startswith(("%%", "#")):
            for statement in self._statements(text, line.number):
                self._statement(statement, line.number)

    def _skip_until(self, mark: str, line: int) -> str:
        """Pass over the lines up to one with a mark, and return them; stay where none is near."""
        near = self._lines[self._position : self._position + _LONGEST_BLOCK]
        count = next((index for index, item in enumerate(near, start=1) if mark in item.text), 0)
        if not count:
            self._findings.add("UNCLOSED_BLOCK", f"'{mark}' is missing.", line=line)
        self._position += count
        return " ".join(item.text for item in near[:count])

    def _statements(self, text: str, line: int) -> list[str]:
        """Return the statements of a line: a semicolon ends one, unless it is part of an entity or of a comment."""
        word = _KEYWORD.match(text)
        if ";" not in text or (word and word["word"].lower() in _PASSED_OVER):
            return [text]
        found: list[list[str]] = []
        for part in _parts(text):
            if found and part.strip() and not _begins_statement(part.strip()):
                self._findings.add(
                    "SEMICOLON_IN_TEXT", "a semicolon ends a statement; what follows is none.", line=line
                )
                found[-1].append(part)
            elif part.strip():
                found.append([part])
        return [";".join(parts).strip() for parts in found]

    # --- one statement -----------------------------------------------------------------------------------------------

    def _statement(self, text: str, line: int) -> None:
        keyword = _KEYWORD.match(text)
        if keyword and not _ARROW_AT.match(text, keyword.end()):
            word, rest = keyword["word"].lower(), text[keyword.end() :].strip()
            if word == "end" and rest and not rest.startswith(("#", "%%")) and self._message(text, line):
                return
            self._keyword(word, rest, line)
        elif not self._message(text, line):
            self._findings.add("UNKNOWN_STATEMENT", f"'{text[:60]}' is no statement that is known.", line=line)

    def _keyword(self, word: str, rest: str, line: int) -> None:
        if word in _FRAGMENTS:
            self.builder.open_fragment(_FRAGMENTS[word], plain(_unwrapped(rest)), line, keyword=word)
        elif word in _SECTIONS:
            self.builder.next_section(word, plain(_unwrapped(rest)), line)
        elif word == "end":
            self.builder.close(line)
        elif word == "box":
            self.builder.open_box(line)
        elif word in ("participant", "actor"):
            self._declare(word, rest, line)
        elif word == "create":
            kind, _, named = rest.partition(" ")
            if kind.lower() in ("participant", "actor"):
                self._declare(kind.lower(), named.strip(), line, create=True)
            else:
                self._declare("participant", rest, line, create=True)
        elif word == "note":
            self._note(rest, line)
        elif word in ("activate", "deactivate", "destroy"):
            self._life(word, rest, line)
        elif word == "title":
            self.builder.title(plain(rest.lstrip(":")))
        elif word == "accdescr" and rest.startswith("{") and "}" not in rest:
            self._skip_until("}", line)

    def _life(self, word: str, actor: str, line: int) -> None:
        if not actor:
            self._findings.add("UNKNOWN_STATEMENT", f"'{word}' names no participant.", line=line)
        elif word == "activate":
            self.builder.activate(actor, line)
        elif word == "deactivate":
            self.builder.deactivate(actor, line)
        else:
            self.builder.destroy(actor, line, by_next=True)

    def _declare(self, kind: str, rest: str, line: int, *, create: bool = False) -> None:
        start = rest.find("@{")
        if start >= 0 and "}" not in rest[start:]:
            rest += self._skip_until("}", line)
        end = rest.find("}", start) if start >= 0 else -1
        written = rest[start + 2 : end] if end >= 0 else ""
        rest = rest[:start] + rest[end + 1 :] if end >= 0 else rest
        settings = {item["key"].lower(): _value(item) for item in _SETTING.finditer(written[:2_000])}
        alias = _ALIAS.search(rest)
        identifier = (rest[: alias.start()] if alias else rest).strip()
        name = rest[alias.end() :] if alias else settings.get("alias")
        if not identifier:
            self._findings.add("UNKNOWN_STATEMENT", f"'{kind}' names no participant.", line=line)
            return
        kind = settings.get("type", kind)
        self.builder.declare(identifier, plain(name) if name else None, kind, line, create=create)

    def _note(self, rest: str, line: int) -> None:
        place = _NOTE_PLACE.match(rest)
        if place is None:
            self._findings.add("UNKNOWN_STATEMENT", f"'note {rest[:40]}' says nothing known.", line=line)
            return
        over = tuple(item.strip() for item in place["over"].split(",") if item.strip())
        text = place["text"] if place["colon"] else self._note_lines()
        self.builder.note(plain(text), over, line)

    def _note_lines(self) -> str:
        """Return the lines of a note up to its `end`; nothing where a statement comes first: then the colon was forgotten."""
        words: list[str] = []
        for position in range(self._position, len(self._lines)):
            text = self._lines[position].text.strip()
            if text.lower() in ("end", "end note"):
                self._position = position + 1
                return " ".join(words)
            if _begins_statement(text):
                return ""
            words.append(text)
        return ""

    def _message(self, text: str, line: int) -> bool:
        head, colon, said = text.partition(":")
        found = _split_message(head)
        if found is None:
            return False
        left, arrow, right = found
        suffix = right[:1] if right[:1] in "+-" and right[1:].strip() else ""
        right = right[len(suffix) :].strip().removeprefix("()").strip()
        left = left.strip().removesuffix("()").strip()
        if not left or not right:
            return False
        if not colon:
            self._findings.add("MESSAGE_WITHOUT_TEXT", "the message has no text.", line=line)
        if arrow.startswith(("/|", "\\|", "//", "\\\\")):
            left, right = right, left  # the head is drawn at the first one
        self.builder.message(left, right, _unwrapped(said), _arrow_of(arrow), line)
        if suffix == "+":
            self.builder.activate(right, line)
        elif suffix == "-":
            self.builder.deactivate(left, line)
        return True


def _arrow_of(written: str) -> Arrow:
    return Arrow(
        written=written,
        dashed="--" in written,
        asynchronous=written.endswith(")"),
        both_ways=written.startswith("<<"),
        lost=written.endswith("x"),
    )


def _split_message(head: str) -> tuple[str, str, str] | None:
    """Return sender, arrow and receiver of what stands before the colon; None where it is no message."""
    found = _STRONG_ARROW.search(head) or _WEAK_ARROW.search(head)
    return (head[: found.start()], found[0], head[found.end() :].lstrip()) if found else None


def _begins_statement(text: str) -> bool:
    """Return whether a text begins like a statement: a keyword, a comment, or a message with its arrow before a colon."""
    keyword = _KEYWORD.match(text)
    if text.startswith("%%") or (keyword and (keyword["word"].lower() != "end" or keyword.end() == len(text))):
        return True
    return _split_message(text.partition(":")[0]) is not None


def _parts(text: str) -> list[str]:
    """Return a line cut at its semicolons; those of entities and behind a `#` (a comment) do not count."""
    parts: list[str] = []
    start = 0
    for mark in _CUT.finditer(text):
        if mark[0] == "#":
            break
        if mark[0] == ";":
            parts.append(text[start : mark.start()])
            start = mark.end()
    return [*parts, text[start:]]


def _unwrapped(text: str) -> str:
    """Return a text without Mermaid's `wrap:` and `nowrap:`."""
    stripped = text.strip()
    for mark in (":wrap:", ":nowrap:", "wrap:", "nowrap:"):
        if stripped.lower().startswith(mark):
            return stripped[len(mark) :].strip()
    return stripped


def _value(setting: re.Match[str]) -> str:
    return setting["quoted"] or setting["single"] or setting["bare"] or ""
