"""The diagnostics of one file: every code with its severity, and the list they are gathered in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from orchestra_kit.model.enums import Severity
from orchestra_kit.model.process import Diagnostic

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

SEVERITIES: dict[str, Severity] = {
    # nothing or not all could be read
    "CANNOT_READ_FILE": _ERROR,
    "EMPTY_FILE": _ERROR,
    "NOT_XML": _ERROR,
    "NOT_BPMN": _ERROR,
    "SEQUENCE_DIAGRAM": _ERROR,
    "ENTITY_REFUSED": _ERROR,
    "TOO_LARGE": _ERROR,
    "TOO_DEEP": _ERROR,
    "TOO_MANY_ELEMENTS": _ERROR,
    "TOO_MANY_ATTRIBUTES": _ERROR,
    "TOO_LONG": _ERROR,
    "NOT_WELL_FORMED": _ERROR,
    "UNDECLARED_PREFIX": _ERROR,
    "UNDEFINED_ENTITY": _ERROR,
    "ENCODING_MISMATCH": _ERROR,
    "DTD_IGNORED": _WARNING,
    "ENTITY_REPLACED": _INFO,
    "WRONG_NAMESPACE": _WARNING,
    "NO_DEFINITIONS": _WARNING,
    "NO_PROCESS": _ERROR,
    "EMPTY_PROCESS": _INFO,
    "UNKNOWN_ELEMENT": _WARNING,
    "MISPLACED_ELEMENT": _WARNING,
    # ids and references
    "MISSING_ID": _WARNING,
    "DUPLICATE_ID": _ERROR,
    "DANGLING_FLOW": _ERROR,
    "DANGLING_MESSAGE_FLOW": _ERROR,
    "UNKNOWN_REFERENCE": _WARNING,
    "FLOW_CROSSES_BORDER": _ERROR,
    "FLOW_NOT_LISTED": _INFO,
    "DEFAULT_FLOW_NOT_OUTGOING": _ERROR,
    "DEFAULT_FLOW_WITH_CONDITION": _WARNING,
    # control flow
    "NO_START": _WARNING,
    "NO_END": _WARNING,
    "UNREACHABLE": _WARNING,
    "NO_WAY_OUT": _WARNING,
    "IMPLICIT_END": _INFO,
    "SINGLE_CONDITIONAL_FLOW": _WARNING,
    "EVENT_SUB_PROCESS_WITH_FLOW": _ERROR,
    "EVENT_SUB_PROCESS_STARTS": _ERROR,
    "CHOREOGRAPHY_IN_PROCESS": _WARNING,
    "AD_HOC_CONTENT": _WARNING,
    "MESSAGE_FLOW_WITHIN_POOL": _WARNING,
    "MESSAGE_FLOW_AT_WRONG_EVENT": _WARNING,
    "MESSAGE_FLOW_WITHOUT_TRIGGER": _INFO,
    # events
    "BOUNDARY_WITHOUT_HOST": _ERROR,
    "BOUNDARY_WITH_INCOMING": _ERROR,
    "BOUNDARY_WITHOUT_FLOW": _WARNING,
    "START_WITH_INCOMING": _ERROR,
    "START_WITHOUT_FLOW": _WARNING,
    "END_WITH_OUTGOING": _ERROR,
    "EVENT_DEFINITION_NOT_ALLOWED": _WARNING,
    "EVENT_DEFINITION_SHARED": _WARNING,
    "LINK_WITHOUT_TARGET": _ERROR,
    "LINK_WITHOUT_SOURCE": _WARNING,
    "LINK_WITH_TWO_TARGETS": _ERROR,
    # gateways and activities
    "GATEWAY_WITHOUT_CHOICE": _INFO,
    "GATEWAY_DIRECTION": _WARNING,
    "EVENT_GATEWAY_TARGET": _WARNING,
    "EVENT_GATEWAY_FLOWS": _WARNING,
    "EVENT_GATEWAY_CONDITION": _WARNING,
    "EVENT_GATEWAY_TYPE": _WARNING,
    "INSTANTIATING_WITH_INCOMING": _WARNING,
    "COMPENSATION_WITHOUT_ACTIVITY": _WARNING,
    "SCRIPT_WITHOUT_FORMAT": _INFO,
    "MULTI_INSTANCE_WITHOUT_COUNT": _WARNING,
    "EXECUTABLE_PUBLIC_PROCESS": _WARNING,
    "GLOBAL_CONVERSATION_CONTENT": _WARNING,
    "CONDITION_AT_PARALLEL": _WARNING,
    "FLOW_NOT_IMMEDIATE": _INFO,
    "COMPENSATION_WITH_FLOW": _WARNING,
    "QUANTITY_BELOW_ONE": _WARNING,
    "MULTI_INSTANCE_DATA": _INFO,
    "MULTI_INSTANCE_EVENT": _WARNING,
    "TRIGGER_INCOMPLETE": _INFO,
    "TIMER_TIME": _WARNING,
    "LINK_WITHOUT_NAME": _WARNING,
    # data, messages and services
    "DATA_SET_REFERENCE": _WARNING,
    "DATA_REFERENCE": _INFO,
    "DATA_COLLECTION": _INFO,
    "DATA_NOT_IN_SET": _INFO,
    "DATA_ASSOCIATION": _INFO,
    "MESSAGE_DATA": _INFO,
    "CALL_DATA": _INFO,
    "SERVICE_WITHOUT_BINDING": _INFO,
    "TEXT_FORMAT": _INFO,
    "CORRELATION_INCOMPLETE": _WARNING,
    "PARTICIPANT_MULTIPLICITY": _WARNING,
    "WRONG_REFERENCE": _WARNING,
    "UNKNOWN_ATTRIBUTE": _WARNING,
    # limits of the listing itself
    "MORE_LIKE_THIS": _INFO,
}

MOST_OF_ONE_CODE = 200


class Findings:
    """Gathers diagnostics in the order they are found; more than 200 of one code are counted, not listed."""

    def __init__(self, severities: Mapping[str, Severity] = SEVERITIES) -> None:
        self._severities = severities
        self._items: list[Diagnostic] = []
        self._counts: Counter[str] = Counter()

    def add(
        self,
        code: str,
        message: str,
        *,
        element_id: str | None = None,
        line: int | None = None,
        rule: str | None = None,
    ) -> None:
        """Note one defect; `rule` is the id of the BPMNspector constraint it breaks."""
        self._counts[code] += 1
        if self._counts[code] > MOST_OF_ONE_CODE:
            return
        self._items.append(
            Diagnostic(
                severity=self._severities[code],
                code=code,
                message=f"{message} [{rule}]" if rule else message,
                element_id=element_id,
                line=line,
            )
        )

    def count(self, code: str) -> int:
        """Return how many defects of a code were noted."""
        return self._counts[code]

    def all(self) -> tuple[Diagnostic, ...]:
        """Return the diagnostics, with a closing line for each code that was cut short."""
        rest = [
            Diagnostic(
                severity=SEVERITIES["MORE_LIKE_THIS"],
                code="MORE_LIKE_THIS",
                message=f"{count - MOST_OF_ONE_CODE} more of {code}.",
            )
            for code, count in self._counts.items()
            if count > MOST_OF_ONE_CODE
        ]
        return tuple(self._items + rest)
