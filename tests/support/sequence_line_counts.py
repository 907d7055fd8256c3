"""Counts messages and fragments of a diagram line by line, knowing nothing of the reader it checks."""

from __future__ import annotations

import re

MERMAID_MESSAGE = re.compile(r"^[^:]+?(<<--?>>|--?>>|--?>|--?x|--?\))\s*[+-]?\s*[^:\s][^:]*:")
MERMAID_BLOCK = re.compile(r"^(alt|opt|loop|par|par_over|break|critical|rect)(\s|$)", re.IGNORECASE)
MERMAID_OTHER = re.compile(
    r"^(note|participant|actor|%%|create|activate|deactivate|destroy|title|and|else|option)\b", re.IGNORECASE
)
PLANTUML_MESSAGE = re.compile(
    r"^(\[|\?|\"[^\"]+\"|[\w.@]+)\s*([ox]?(<<|<|//|/|\\\\|\\)?-+(\[[^\]]*\])?-*(>>|>|//|/|\\\\|\\)?[ox]?)\s*(\]|\?|\"[^\"]+\"|[\w.@]+)"
)
PLANTUML_BLOCK = re.compile(r"^(alt|opt|loop|par2?|break|critical|group|ref)(\s|#|$)", re.IGNORECASE)
NOTE_BEGIN = re.compile(r"^[hr]?note\b(?!.*:)", re.IGNORECASE)
NOTE_END = re.compile(r"^end\s*[hr]?note$", re.IGNORECASE)


def counts_of(text: str, language: str) -> tuple[int, int, list[str]]:
    """Return messages, fragments, and the lines that were neither."""
    return _mermaid(text) if language == "mermaid" else _plantuml(text)


def _mermaid(text: str) -> tuple[int, int, list[str]]:
    messages = fragments = 0
    rest: list[str] = []
    for line in (item.strip() for item in text.splitlines()):
        if MERMAID_BLOCK.match(line):
            fragments += 1
        elif not MERMAID_OTHER.match(line) and not line.startswith("%%") and MERMAID_MESSAGE.match(line):
            messages += 1
        elif line:
            rest.append(line)
    return messages, fragments, rest


def _plantuml(text: str) -> tuple[int, int, list[str]]:
    text = re.sub(r"/'.*?'/", "", text, flags=re.DOTALL)
    text = re.sub(r"^[ \t]*'.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"(?<!\\)\\[ \t]*\r?\n", "", text)
    messages = fragments = 0
    in_note = in_reference = braces = 0
    rest: list[str] = []
    for line in (item.strip() for item in text.splitlines()):
        if in_note:
            in_note = not NOTE_END.match(line)
        elif braces:
            braces = line != "}"
        elif NOTE_BEGIN.match(line):
            in_note = True
        elif line.startswith("skinparam") and line.endswith("{"):
            braces = True
        elif in_reference:
            in_reference = not re.match(r"^end(\s*ref)?$", line, re.IGNORECASE)
        elif PLANTUML_BLOCK.match(line):
            fragments += 1
            in_reference = bool(re.match(r"^ref\b(?!.*:)", line, re.IGNORECASE))
        elif (found := PLANTUML_MESSAGE.match(line)) and re.search(r"[<>/\\]", found[2]):
            messages += 1
        elif line:
            rest.append(line)
    return messages, fragments, rest
