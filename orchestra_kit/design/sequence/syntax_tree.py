"""What a sequence diagram says, in whichever language: participants, messages, fragments, references, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

OUTSIDE = "outside"
"""The id of whoever stands beyond the border of the diagram: `[->`, `->]` and `?->`."""


class Language(StrEnum):
    """The languages that are read."""

    MERMAID = "mermaid"
    PLANTUML = "plantuml"


class MessageKind(StrEnum):
    """How a message is meant: a call that waits, one that does not, or the answer to a call."""

    SYNC = "sync"
    ASYNC = "async"
    RETURN = "return"


class FragmentKind(StrEnum):
    """The blocks that stand around messages."""

    ALT = "alt"
    OPT = "opt"
    LOOP = "loop"
    PAR = "par"
    BREAK = "break"
    CRITICAL = "critical"
    GROUP = "group"
    RECT = "rect"


@dataclass(slots=True, kw_only=True)
class Actor:
    """Someone who sends or receives: `kind` is the word of the file, `name` what is shown."""

    id: str
    name: str
    kind: str = "participant"
    line: int
    declared: bool = False


@dataclass(slots=True, kw_only=True)
class Message:
    """One arrow. `number` counts the messages of a diagram from 1; `answers` is the number of the call it answers."""

    number: int
    line: int
    sender: str
    receiver: str
    text: str
    arrow: str
    kind: MessageKind
    dashed: bool = False
    both_ways: bool = False
    lost: bool = False
    found: bool = False
    creates: bool = False
    destroys: bool = False
    explicit_return: bool = False
    answers: int | None = None
    section: str = ""

    @property
    def to_self(self) -> bool:
        """True when sender and receiver are the same."""
        return self.sender == self.receiver


@dataclass(slots=True, kw_only=True)
class Section:
    """One branch of a fragment with its guard; `keyword` is what opened it."""

    keyword: str
    guard: str
    line: int
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Fragment:
    """A block and its branches. `number` counts the fragments of its kind; `steps` what a run can meet inside."""

    kind: FragmentKind
    number: int
    line: int
    sections: list[Section]
    steps: int = 0


@dataclass(slots=True, kw_only=True)
class Reference:
    """`ref over`: another diagram takes place here."""

    number: int
    line: int
    text: str
    over: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Note:
    """A note and whom it stands at; `after` is the number of the message before it, 0 where there is none."""

    line: int
    text: str
    over: tuple[str, ...] = ()
    after: int = 0


Item: TypeAlias = Message | Fragment | Reference


@dataclass(slots=True, kw_only=True)
class SequenceDiagram:
    """One diagram of a file. `messages` and `fragments` (references among them) count what stands in the text."""

    language: Language
    line: int
    name: str = ""
    title: str = ""
    actors: dict[str, Actor] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    messages: int = 0
    fragments: dict[str, int] = field(default_factory=dict)
