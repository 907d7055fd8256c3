"""Which messages answer which: a dashed message (or a `return`) back to who has called and still waits.

Branches are apart: both the 200 of one branch and the 404 of the other answer the call made before them. After the
branches the call still waits if it does on one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.sequence.syntax_tree import (
    Fragment,
    FragmentKind,
    Item,
    Message,
    MessageKind,
    Section,
    SequenceDiagram,
)

_MOST_WAITING = 60
"""Calls nobody answers pile up; so many of the latest are remembered."""

_SAYS_ANSWER = re.compile(
    r"\W{0,4}(?:[1-5]\d\d\b|HTTP/?[\d.]*\s*[1-5]\d\d\b|(?:return|respon[ds]|response|reply|replies|ack)\w{0,8}\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Call:
    number: int
    caller: str
    called: str


_Waiting = tuple[_Call, ...]


def link_answers(diagram: SequenceDiagram, findings: Findings) -> None:
    """Note in each message of a diagram that answers a call which one, and in each fragment how much is in it."""
    _walk(diagram.items, ())
    _name_empty(diagram.items, findings)


def _name_empty(items: Sequence[Item], findings: Findings) -> None:
    for item in items:
        if isinstance(item, Fragment):
            if not item.steps:
                message = f"nothing is sent within this '{item.kind.value}'."
                findings.add("EMPTY_FRAGMENT", message, element_id=f"{item.kind.value}{item.number}", line=item.line)
            for section in item.sections:
                _name_empty(section.items, findings)


def _walk(items: Sequence[Item], waiting: _Waiting) -> _Waiting:
    for item in items:
        if isinstance(item, Message):
            waiting = _after_message(item, waiting)
        elif isinstance(item, Fragment):
            waiting = _after_fragment(item, waiting)
    return waiting


def _after_message(message: Message, waiting: _Waiting) -> _Waiting:
    if message.to_self:
        return waiting
    looks_back = message.dashed and not message.arrow.endswith(")")  # Mermaid's --) says that nobody waits
    if looks_back or message.explicit_return or _SAYS_ANSWER.match(message.text[:60]):
        for position in range(len(waiting) - 1, -1, -1):
            call = waiting[position]
            if call.caller == message.receiver and call.called == message.sender:
                message.kind, message.answers = MessageKind.RETURN, call.number
                return waiting[:position] + waiting[position + 1 :]
    if message.explicit_return:
        message.kind = MessageKind.RETURN
        return waiting
    if message.dashed:
        message.kind = MessageKind.ASYNC
    call = _Call(number=message.number, caller=message.sender, called=message.receiver)
    return (*waiting[-_MOST_WAITING + 1 :], call)


def _after_fragment(fragment: Fragment, waiting: _Waiting) -> _Waiting:
    sections = fragment.sections
    if fragment.kind is FragmentKind.CRITICAL:
        body = _walk(sections[0].items, waiting)
        result = _merged([body, *(_walk(section.items, body) for section in sections[1:])])
    elif is_choice(fragment):
        ways = [_walk(section.items, waiting) for section in sections]
        result = _merged(ways if len(ways) > 1 else [*ways, waiting])
    elif fragment.kind is FragmentKind.BREAK:
        _walk(sections[0].items, waiting)  # who takes it does not come back
        result = _merged([waiting, *(_walk(section.items, waiting) for section in sections[1:])])
    elif fragment.kind is FragmentKind.PAR:
        result = _after_branches(sections, waiting)
    else:
        result = waiting
        for section in sections:
            result = _walk(section.items, result)
        if fragment.kind is FragmentKind.LOOP:
            result = _merged([result, waiting])
    fragment.steps = sum(_steps(section) for section in sections)
    return result


def is_choice(fragment: Fragment) -> bool:
    """Return whether one of the branches is taken: alt and opt, and a group that has an `else`."""
    if fragment.kind in (FragmentKind.ALT, FragmentKind.OPT):
        return True
    return fragment.kind is FragmentKind.GROUP and len(fragment.sections) > 1


def _after_branches(sections: Sequence[Section], waiting: _Waiting) -> _Waiting:
    """Return who waits after parallel branches: what one of them answers is answered."""
    results = [set(_walk(section.items, waiting)) for section in sections]
    kept = {call for call in waiting if all(call in result for result in results)}
    added = {call for result in results for call in result} - set(waiting)
    return _ordered(kept | added)


def _merged(ways: Sequence[_Waiting]) -> _Waiting:
    return _ordered({call for way in ways for call in way})


def _ordered(calls: set[_Call]) -> _Waiting:
    return tuple(sorted(calls, key=lambda call: call.number))[-_MOST_WAITING:]


def _steps(section: Section) -> int:
    return sum(item.steps if isinstance(item, Fragment) else 1 for item in section.items)
