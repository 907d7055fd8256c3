"""PlantUML's preprocessor, as far as it cannot hide messages unseen: comments, continued lines, simple definitions.

What would have to be executed (procedures, loops) or fetched (includes) is passed over, and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.sequence.source import MAX_BYTES, MAX_LINE, Line

_DIRECTIVE = re.compile(r"!(?P<word>[a-z_]+)\b\s*(?P<rest>.*)$", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"!(?:(?:local|global|final)\s+)*(?P<name>\$\w+)\s*(?P<only>\?)?=\s*(?P<value>.*)$", re.IGNORECASE
)
_DEFINED = re.compile(r"(?P<name>\w+)(?P<macro>\()?\s*(?P<value>.*)$")
_WORD = re.compile(r"\$?\w+")
_CALL = re.compile(r"(?P<name>\$?\w+)\s*\(")
_LITERAL = re.compile(r"\"([^\"]*)\"|'([^']*)'|(-?\d+)")
_BODIES = {
    "procedure": "endprocedure",
    "function": "endfunction",
    "definelong": "enddefinelong",
    "while": "endwhile",
    "foreach": "endfor",
}
_INCLUDES = frozenset({"include", "includeurl", "include_once", "include_many", "includesub", "includedef", "import"})
_LONGEST_VALUE = 2_000


def preprocess(lines: Sequence[Line], findings: Findings) -> list[Line]:
    """Return the logical lines of a PlantUML diagram, with the numbers of the lines they begin at."""
    return _Preprocessor(findings).run(list(_joined(list(_uncommented(lines, findings)))))


def _uncommented(lines: Sequence[Line], findings: Findings) -> Iterator[Line]:
    opened: int | None = None
    for line in lines:
        text = line.text
        if opened is None:
            stripped = text.lstrip()
            if stripped.startswith("'"):
                continue
            text = _without_inline_comments(text)
            stripped = text.lstrip()
            if not stripped.startswith("/'"):
                yield Line(number=line.number, text=text)
                continue
            opened = line.number
        _before, found, after = text.partition("'/")
        if found:
            opened = None
            if after.strip():
                yield Line(number=line.number, text=after)
    if opened is not None:
        findings.add("UNCLOSED_BLOCK", "the comment /' has no end.", line=opened)


def _without_inline_comments(text: str) -> str:
    """Return a line without a /' comment '/ at its beginning or end."""
    stripped = text.strip()
    if stripped.startswith("/'"):
        _comment, found, after = stripped[2:].partition("'/")
        return after if found else text
    if stripped.endswith("'/") and "/'" in stripped:
        return stripped[: stripped.rindex("/'")]
    return text


def _joined(lines: Sequence[Line]) -> Iterator[Line]:
    """Join lines that end in a backslash with the next one."""
    number, parts, length = 0, [""], 0
    for line in lines:
        number = number or line.number
        text = line.text.rstrip()
        if text.endswith("\\") and not text.endswith("\\\\"):
            if length < MAX_LINE:
                parts.append(text[:-1])
                length += len(text)
            continue
        yield Line(number=number, text="".join([*parts, text]))
        number, parts, length = 0, [""], 0
    if len(parts) > 1:
        yield Line(number=number, text="".join(parts))


class _Preprocessor:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._values: dict[str, str] = {}
        self._macros: set[str] = set()
        self._budget = 2 * MAX_BYTES
        self._conditions: list[bool] = []
        self._decided: list[bool] = []

    def run(self, lines: Sequence[Line]) -> list[Line]:
        found: list[Line] = []
        position = 0
        ends = {mark: index for index, line in enumerate(lines) if (mark := _mark(line.text)) is not None}
        while position < len(lines):
            line = lines[position]
            position += 1
            text = line.text.strip()
            if not text.startswith("!"):
                if all(self._conditions) and not self._called(text, line.number):
                    found.append(Line(number=line.number, text=self._substituted(line.text)))
                continue
            body = self._body_of(text)
            if body is not None:
                if all(self._conditions):
                    self._skip_body(text, line.number)
                if ends.get(body, -1) >= position:
                    while _mark(lines[position].text) != body:
                        position += 1
                    position += 1
                continue
            self._directive(text, line.number)
        return found

    def _body_of(self, text: str) -> str | None:
        """Return the directive that ends a body begun here; None where none begins."""
        words = text[1:].lower().replace("unquoted ", "").replace("final ", "").split(None, 1)
        word = words[0] if words else ""
        if word == "function" and "!return" in text.lower():
            return None
        return _BODIES.get(word)

    def _skip_body(self, text: str, line: int) -> None:
        name = _CALL.search(text)
        if name:
            self._macros.add(name["name"])
        what = " ".join(text.split()[:3])[:60]
        self._findings.add("MACRO_SKIPPED", f"'{what}' is not executed; messages it draws are missing.", line=line)

    def _called(self, text: str, line: int) -> bool:
        """Return whether a line calls a macro that was passed over."""
        call = _CALL.match(text)
        if call is None or (call["name"] not in self._macros and not call["name"].startswith("$")):
            return False
        self._findings.add(
            "MACRO_SKIPPED", f"'{call['name']}(...)' is not executed; messages it draws are missing.", line=line
        )
        return True

    def _directive(self, text: str, line: int) -> None:
        found = _DIRECTIVE.match(text)
        word, rest = (found["word"].lower(), found["rest"].strip()) if found else ("", "")
        if word in ("if", "ifdef", "ifndef", "elseif", "else", "endif"):
            self._condition(word, rest, line)
        elif not all(self._conditions):
            return
        elif word == "define":
            self._define(rest, line)
        elif word in _INCLUDES:
            if not rest.startswith("<"):
                self._findings.add("INCLUDE_SKIPPED", f"'{rest[:80]}' is not fetched.", line=line)
        elif assigned := _ASSIGNED.match(text):
            self._assign(assigned, line)
        elif word == "undef":
            self._values.pop(rest, None)

    def _define(self, rest: str, line: int) -> None:
        defined = _DEFINED.match(rest)
        if defined is None:
            return
        if defined["macro"]:
            self._macros.add(defined["name"])
            return
        value = self._substituted(defined["value"])
        if len(value) <= _LONGEST_VALUE:
            self._values[defined["name"]] = value
        else:
            self._findings.add("VALUE_SKIPPED", f"'{defined['name']}' is too long.", line=line)

    def _assign(self, assigned: re.Match[str], line: int) -> None:
        name = assigned["name"]
        if assigned["only"] and name in self._values:
            return
        written = self._substituted_between(assigned["value"].strip())
        literal = _LITERAL.fullmatch(written)
        value = None if literal is None else literal[1] or literal[2] or literal[3] or ""
        if value is not None and len(value) <= _LONGEST_VALUE:
            self._values[name] = value
            return
        self._values.pop(name, None)
        self._findings.add("VALUE_SKIPPED", f"the value of '{name}' would have to be computed.", line=line)

    def _substituted_between(self, text: str) -> str:
        """Return a value that may be another variable as if it were written out."""
        return f'"{self._values[text]}"' if text in self._values else text

    def _condition(self, word: str, rest: str, line: int) -> None:
        if word in ("if", "ifdef", "ifndef"):
            taken = self._holds(word, rest, line)
            self._conditions.append(taken)
            self._decided.append(taken)
        elif not self._conditions:
            return
        elif word == "endif":
            self._conditions.pop()
            self._decided.pop()
        elif self._decided[-1]:
            self._conditions[-1] = False
        else:
            self._conditions[-1] = self._decided[-1] = word == "else" or self._holds("if", rest, line)

    def _holds(self, word: str, rest: str, line: int) -> bool:
        """Return whether a condition holds; one that would have to be computed is taken to hold, and named."""
        if word in ("ifdef", "ifndef"):
            return (rest.strip() in self._values) is (word == "ifdef")
        text = rest.strip().strip("()").strip().lower()
        if text in ("true", "%true", "1", "%true("):
            return True
        if text in ("false", "%false", "0", "%false("):
            return False
        if all(self._conditions):
            self._findings.add("CONDITION_GUESSED", f"'!if {rest[:60]}' is not computed: taken to hold.", line=line)
        return True

    def _substituted(self, text: str) -> str:
        if not self._values or self._budget < 0:
            return text
        result = _WORD.sub(lambda found: self._values.get(found[0], found[0]), text)
        self._budget -= len(result)
        return result if self._budget >= 0 else text


def _mark(text: str) -> str | None:
    """Return the directive that ends a body, where a line is one."""
    stripped = text.strip().lower()
    if not stripped.startswith("!end") and not stripped.startswith("!"):
        return None
    word = stripped[1:].replace(" ", "") if stripped.startswith("!end") else ""
    return word if word in _BODIES.values() else None
