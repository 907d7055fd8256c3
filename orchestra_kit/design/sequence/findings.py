"""The diagnostics of a file with sequence diagrams: every code with its severity."""

from __future__ import annotations

from orchestra_kit.design.bpmn.findings import SEVERITIES as BPMN_SEVERITIES
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.model.enums import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

SEVERITIES: dict[str, Severity] = {
    # nothing or not all could be read
    "EMPTY_FILE": _ERROR,
    "NOT_TEXT": _ERROR,
    "TOO_LARGE": _ERROR,
    "TOO_MANY_STATEMENTS": _ERROR,
    "TOO_DEEP": _WARNING,
    "LINE_TOO_LONG": _WARNING,
    "ENCODING_GUESSED": _WARNING,
    "NO_DIAGRAM": _ERROR,
    "NOT_A_SEQUENCE_DIAGRAM": _ERROR,
    "OTHER_DIAGRAM": _INFO,
    "NO_START_MARK": _WARNING,
    "NO_END_MARK": _WARNING,
    "NO_MESSAGES": _INFO,
    # lines
    "UNKNOWN_STATEMENT": _ERROR,
    "ARROW_WITHOUT_HEAD": _ERROR,
    "MESSAGE_WITHOUT_TEXT": _INFO,
    "NAME_NOT_QUOTED": _WARNING,
    "SEMICOLON_IN_TEXT": _WARNING,
    # blocks
    "END_WITHOUT_BLOCK": _ERROR,
    "BRANCH_WITHOUT_BLOCK": _ERROR,
    "UNCLOSED_FRAGMENT": _ERROR,
    "UNCLOSED_BLOCK": _ERROR,
    "UNCLOSED_BOX": _WARNING,
    "EMPTY_FRAGMENT": _INFO,
    "RETURN_WITHOUT_CALL": _WARNING,
    # what PlantUML's preprocessor would add
    "INCLUDE_SKIPPED": _WARNING,
    "MACRO_SKIPPED": _WARNING,
    "CONDITION_GUESSED": _WARNING,
    "VALUE_SKIPPED": _INFO,
    # limits of the listing itself
    "MORE_LIKE_THIS": BPMN_SEVERITIES["MORE_LIKE_THIS"],
}


def sequence_findings() -> Findings:
    """Return an empty list of findings that knows the codes of sequence diagrams."""
    return Findings(SEVERITIES)
