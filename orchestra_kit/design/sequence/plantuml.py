"""PlantUML sequence diagrams, statement by statement; a line that says nothing known is named and passed over."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.sequence.arrows import WrittenMessage, read_arrow, unquoted
from orchestra_kit.design.sequence.building import DiagramBuilder, TooManyStatements
from orchestra_kit.design.sequence.labels import plain
from orchestra_kit.design.sequence.preprocessing import preprocess
from orchestra_kit.design.sequence.source import Block, Line
from orchestra_kit.design.sequence.syntax_tree import FragmentKind, Language, SequenceDiagram

_KINDS = frozenset({"participant", "actor", "boundary", "control", "entity", "queue", "database", "collections"})
_GROUPS = {
    "alt": FragmentKind.ALT,
    "opt": FragmentKind.OPT,
    "loop": FragmentKind.LOOP,
    "par": FragmentKind.PAR,
    "par2": FragmentKind.PAR,
    "break": FragmentKind.BREAK,
    "critical": FragmentKind.CRITICAL,
    "group": FragmentKind.GROUP,
    "partition": FragmentKind.GROUP,
}
_WORD = re.compile(r"(?:&\s*+|/\s*+(?=[hr]?note))?(?P<word>[A-Za-z]\w*+)(?P<rest>.*)$", re.DOTALL)
_NAME = re.compile(r"\s*(?P<name>\"[^\"]*+\"|[^\s\"<#\[]++)")
_COLORS = re.compile(r"(?:\s*#[\w\\/|-]++)+\s*")
_NOTE = re.compile(
    r"\s*(?:<<\w+>>\s*)?(?P<place>left|right|over|across|top|bottom)?\b(?P<rest>.*)$", re.IGNORECASE | re.DOTALL
)
_ENDS = re.compile(r"\s*end\s*(?P<what>note|hnote|rnote|ref|legend|title|header|footer|caption|box)\s*$", re.IGNORECASE)
_PASSED_OVER = frozenset(
    {
        "skinparam", "skinparamlocked", "hide", "show", "autonumber", "scale", "newpage", "ignore", "mainframe",
        "sprite", "rotate", "url", "link", "caption", "footbox", "language", "allow_mixing", "allowmixing", "order",
        "page", "minwidth", "dpi", "handwritten", "monochrome", "teoz", "remove", "restore", "inc", "resume",
    }
)  # fmt: skip
_FOREIGN = re.compile(
    r"(?:(?:abstract\s+)?class|interface|enum|annotation|usecase|component|node|package|folder|frame|cloud|artifact|"
    r"storage|rectangle|state|object|map|card|agent|person|namespace|struct|protocol|exception|hexagon|"
    r"start|stop|fork|repeat|split)\b|(?:if|while|switch)\s*\(|:.*;$|\[[^\]]+\]|\([^)]*\)|"
    r"[^:]*(?:<\||\|>|\*-|-\*|\.\.+>|<\.\.|-(?:up|down|left|right|[udlr])[-\[])",
    re.IGNORECASE,
)
_BEHIND_A_WORD = ("", " ", "\t", "#", ":", '"', "<", "(")
_TEXT_BLOCKS = frozenset({"legend", "title", "header", "footer"})


def read_plantuml(block: Block, findings: Findings) -> SequenceDiagram | None:
    """Return the diagram of a block; None, and a diagnostic, where the block is a diagram of another kind."""
    return _PlantUmlReader(block, findings).read()


class _PlantUmlReader:
    def __init__(self, block: Block, findings: Findings) -> None:
        self._findings = findings
        self._block = block
        self._lines: Sequence[Line] = preprocess(block.lines, findings)
        self._position = 0
        self._ends = self._last_ends()
        self._unknown: list[Line] = []
        self._native = False
        self._braces_close = True
        self.builder = DiagramBuilder(Language.PLANTUML, block.line, findings, block.name)

    def read(self) -> SequenceDiagram | None:
        try:
            self._read()
        except TooManyStatements:
            self.builder.overflow()
        if self._is_foreign():
            first = self._unknown[0]
            message = f"this is a PlantUML diagram of another kind ('{first.text.strip()[:40]}')."
            self._findings.add("NOT_A_SEQUENCE_DIAGRAM", message, line=first.number)
            return None
        for line in self._unknown:
            self._findings.add(
                "UNKNOWN_STATEMENT", f"'{line.text.strip()[:60]}' is no statement that is known.", line=line.number
            )
        return self.builder.finish()

    def _read(self) -> None:
        while self._position < len(self._lines):
            line = self._lines[self._position]
            self._position += 1
            self._line(line)

    def _is_foreign(self) -> bool:
        """Return whether the lines nobody knows are those of class, state, activity or component diagrams."""
        if not self._unknown or (self._native and self.builder.diagram.messages):
            return False
        strange = any(_FOREIGN.match(line.text.strip()[:200]) for line in self._unknown)
        return strange or not (self._native or self.builder.diagram.messages)

    # --- lines -------------------------------------------------------------------------------------------------------

    def _line(self, line: Line) -> None:
        text = line.text.strip()
        if not text:
            return
        message = read_arrow(text)
        if message is not None and not message.loose:
            self._message(message, line)
        elif not (self._sign(text, line.number) or self._keyword(text, line.number)):
            if message is not None and not message.headless:
                self._findings.add("NAME_NOT_QUOTED", "a name like this one is written in quotes.", line=line.number)
                self._message(message, line)
            else:
                self._unknown.append(line)

    def _sign(self, text: str, line: int) -> bool:
        """Read dividers, delays, spaces and styles; return whether the line was one."""
        if text.startswith("==") and len(text) > 2:
            self._native = True
            self.builder.divide(plain(text.strip("= ")))
            return True
        if text.startswith(("...", "|||", "||")) or text in ("..", "}", "--"):
            return True
        if text.lower().startswith("<style"):
            if "</style>" not in text.lower():
                self._skip_to("</style>", line)
            return True
        return text.startswith("{") or (text.startswith("@") and len(text) < 80)

    def _message(self, written: WrittenMessage, line: Line) -> None:
        if written.headless:
            self._findings.add("ARROW_WITHOUT_HEAD", "the arrow has no head: it is no message.", line=line.number)
            return
        for identifier, name in written.names:
            self.builder.declare(identifier, plain(name), "participant", line.number)
        suffix = written.suffix
        self.builder.message(
            written.sender,
            written.receiver,
            (written.text or "").strip(),
            written.arrow,
            line.number,
            creates="**" in suffix,
        )
        if "--" in suffix:
            self.builder.deactivate(written.sender, line.number)
        if "++" in suffix:
            self.builder.activate(written.receiver, line.number)
        if "!!" in suffix:
            self.builder.destroy(written.receiver, line.number)

    def _keyword(self, text: str, line: int) -> bool:
        """Read a statement that begins with a word; return False where no such word is known."""
        found = _WORD.match(text)
        if found is None or found["rest"][:1] not in _BEHIND_A_WORD:
            return False
        word, rest = found["word"].lower(), found["rest"]
        if word in _GROUPS:
            self._native = self._native or not rest.rstrip().endswith("{")
            self.builder.open_fragment(_GROUPS[word], _guard(rest), line, keyword=word)
        elif word in ("else", "also"):
            self.builder.next_section(word, _guard(rest), line)
        elif word == "end" or word.startswith("end"):
            return self._end(text, word, rest, line)
        elif word in _KINDS or word == "create":
            return self._declare(word, rest, line)
        elif word in ("activate", "deactivate", "destroy"):
            self._life(word, rest, line)
        elif word == "return":
            self._native = True
            self.builder.answer(rest.strip(), line)
        elif word in ("note", "hnote", "rnote"):
            self._note(rest, line)
        elif word == "ref":
            return self._reference(rest, line)
        elif word == "box":
            self._native = True
            self.builder.open_box(line)
        else:
            return self._around(word, rest, line)
        return True

    def _around(self, word: str, rest: str, line: int) -> bool:
        """Read what says nothing about messages; return False for a word that is not known."""
        if word == "autoactivate":
            self.builder.activate_by_itself(rest.strip().lower() != "off")
        elif word in ("left", "right", "center") and rest.strip().split(" ")[0].lower() in (
            "header",
            "footer",
            "to",
            "title",
        ):
            first, _, more = rest.strip().partition(" ")
            return first.lower() in ("to", "title") or self._text_block(first.lower(), more, line)
        elif word in _TEXT_BLOCKS:
            return self._text_block(word, rest, line)
        elif word in _PASSED_OVER:
            if rest.rstrip().endswith("{"):
                self._skip_braces(line)
        else:
            return False
        return True

    # --- statements --------------------------------------------------------------------------------------------------

    def _end(self, text: str, word: str, rest: str, line: int) -> bool:
        what = _ENDS.match(text)
        if what and what["what"].lower() == "box":
            self.builder.close(line, box=True)
        elif what:
            self._findings.add("END_WITHOUT_BLOCK", f"'{text[:40]}' ends nothing that is open.", line=line)
        elif word == "end" or word[3:] in _GROUPS:
            self.builder.close(line)
        else:
            return False
        return True

    def _declare(self, word: str, rest: str, line: int) -> bool:
        kind, create = word, word == "create"
        if create:
            inner = _WORD.match(rest.strip())
            kind = "participant"
            if inner and inner["word"].lower() in _KINDS and inner["rest"].strip():
                kind, rest = inner["word"].lower(), inner["rest"]
        first = _NAME.match(rest)
        if first is None or (rest and not rest[0].isspace() and rest[0] != '"'):
            return False
        self._native = self._native or kind == "participant" or create
        name, after = unquoted(first["name"]), rest[first.end() :]
        identifier, shown = name, name
        stripped = after.lstrip()
        if stripped.lower().startswith("as") and stripped[2:3].isspace():
            second = _NAME.match(stripped[2:])
            if second is not None:
                alias, after = second["name"], stripped[2 + second.end() :]
                identifier, shown = (name, unquoted(alias)) if alias.startswith('"') else (unquoted(alias), name)
        if after.rstrip().endswith("[") or (shown == "[" and not after.strip()):
            shown = self._shown_lines(line) or shown
        self.builder.declare(identifier, plain(shown), kind, line, create=create)
        return True

    def _shown_lines(self, line: int) -> str:
        """Return the name of a participant that is written in lines between brackets."""
        taken = self._skip_to("]", line)
        return " ".join(item.strip(" =-") for item in taken)

    def _life(self, word: str, rest: str, line: int) -> None:
        self._native = True
        name = _NAME.match(rest)
        if name is None:
            self._findings.add("UNKNOWN_STATEMENT", f"'{word}' names no participant.", line=line)
            return
        identifier = unquoted(name["name"])
        if word == "activate":
            self.builder.activate(identifier, line)
        elif word == "deactivate":
            self.builder.deactivate(identifier, line)
        else:
            self.builder.destroy(identifier, line)

    def _note(self, rest: str, line: int) -> None:
        head, colon, text = _at_colon(rest)
        place = _NOTE.match(head)
        named = place["rest"].strip() if place else ""
        named = named[3:] if named.lower().startswith("of ") else named
        named = _COLORS.sub(" ", named, count=1) if "#" in named else named
        over = _names(named) if place and place["place"] else ()
        if not colon:
            text = " ".join(self._skip_to("end note", line))
        self.builder.note(plain(text), over, line)

    def _reference(self, rest: str, line: int) -> bool:
        found = re.match(r"(?:#\w+(?:\s+#\w+)?)?\s*over\s+", rest, re.IGNORECASE)
        if found is None:
            return False
        self._native = True
        head, colon, text = _at_colon(rest[found.end() :])
        if not colon:
            text = " ".join(self._skip_to("end ref", line, or_else="end"))
        over = _names(_COLORS.sub(" ", head, count=1) if "#" in head else head)
        self.builder.reference(text.strip(), over, line)
        return True

    def _text_block(self, word: str, rest: str, line: int) -> bool:
        single = rest.strip() if word != "legend" else ""
        if single:
            text = single
        else:
            text = " ".join(self._skip_to(f"end {word}", line))
        if word == "title":
            self.builder.title(plain(text))
        return True

    # --- passing over ------------------------------------------------------------------------------------------------

    def _last_ends(self) -> dict[str, int]:
        """Return where each kind of closing line stands last, so that a missing one is known without a search."""
        marks = ((_closes(line.text), position) for position, line in enumerate(self._lines))
        return {mark: position for mark, position in marks if mark}

    def _skip_to(self, mark: str, line: int, *, or_else: str = "") -> list[str]:
        """Return the lines up to a closing one, and pass over it; none of them where it never comes."""
        marks = {mark, or_else}
        if max(self._ends.get(item, -1) for item in marks) < self._position:
            self._findings.add("UNCLOSED_BLOCK", f"'{mark}' is missing.", line=line)
            return []
        taken: list[str] = []
        while _closes(self._lines[self._position].text) not in marks:
            taken.append(self._lines[self._position].text.strip())
            self._position += 1
        self._position += 1
        return taken

    def _skip_braces(self, line: int) -> None:
        depth, position = 1, self._position if self._braces_close else len(self._lines)
        while position < len(self._lines) and depth:
            text = self._lines[position].text
            depth += text.count("{") - text.count("}")
            position += 1
        if depth > 0:
            self._braces_close = False
            self._findings.add("UNCLOSED_BLOCK", "'}' is missing.", line=line)
        else:
            self._position = position


def _guard(rest: str) -> str:
    """Return the text of a group or branch without the colours before it."""
    colors = _COLORS.match(rest)
    return plain(rest[colors.end() :] if colors else rest)


def _at_colon(text: str) -> tuple[str, bool, str]:
    """Return what stands before and behind the first colon outside of quotes."""
    quoted = False
    for position, sign in enumerate(text[:2_000]):
        if sign == '"':
            quoted = not quoted
        elif sign == ":" and not quoted:
            return text[:position], True, text[position + 1 :]
    return text, False, ""


def _names(text: str) -> tuple[str, ...]:
    found = [unquoted(item.strip()) for item in text[:2_000].split(",")]
    return tuple(item for item in found if item)


def _closes(text: str) -> str | None:
    """Return what a line closes; the three kinds of note share one end."""
    stripped = text.strip().lower()
    if stripped in ("]", "end"):
        return stripped
    if "</style>" in stripped:
        return "</style>"
    found = _ENDS.match(stripped) if stripped.startswith("end") and len(stripped) < 40 else None
    if found is None:
        return None
    return "end note" if found["what"].endswith("note") else f"end {found['what']}"
