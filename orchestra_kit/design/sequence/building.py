"""Builds the tree of one diagram from its statements, in reading order; both languages speak to it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.sequence.syntax_tree import (
    OUTSIDE,
    Actor,
    Fragment,
    FragmentKind,
    Item,
    Language,
    Message,
    MessageKind,
    Note,
    Reference,
    Section,
    SequenceDiagram,
)

MAX_DEPTH = 60
MAX_STATEMENTS = 20_000


class TooManyStatements(Exception):
    """The diagram is longer than any that is read."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """A block that waits for its end: a fragment (None: a box, or a fragment too deep to be kept), and what fills it."""

    keyword: str
    line: int
    fragment: Fragment | None
    items: list[Item]


@dataclass(slots=True, kw_only=True)
class _Activation:
    actor: str
    caller: str


@dataclass(slots=True, kw_only=True, frozen=True)
class Arrow:
    """What an arrow says apart from its two ends and its text."""

    written: str
    dashed: bool = False
    asynchronous: bool = False
    both_ways: bool = False
    lost: bool = False
    found: bool = False


class DiagramBuilder:
    """Takes statements one after the other and gives the tree. Nothing it is told makes it fail, except sheer number."""

    def __init__(self, language: Language, line: int, findings: Findings, name: str = "") -> None:
        self.diagram = SequenceDiagram(language=language, line=line, name=name)
        self._findings = findings
        self._blocks: list[_Open] = []
        self._items: list[Item] = self.diagram.items
        self._activations: list[_Activation] = []
        self._last: Message | None = None
        self._creating: set[str] = set()
        self._destroying: set[str] = set()
        self._references = 0
        self._numbers: dict[FragmentKind, int] = {}
        self._section = ""
        self._budget = MAX_STATEMENTS
        self._active_by_itself = False

    # --- participants ------------------------------------------------------------------------------------------------

    def declare(self, identifier: str, name: str | None, kind: str, line: int, *, create: bool = False) -> None:
        """Note a participant; a later declaration of the same one fills in what the first left open."""
        self._spend()
        known = self.diagram.actors.get(identifier)
        if known is None:
            self.diagram.actors[identifier] = Actor(
                id=identifier, name=name or identifier, kind=kind, line=line, declared=True
            )
        else:
            known.declared = True
            known.name = name or known.name
            known.kind = kind if kind != "participant" else known.kind
        if create:
            self._creating.add(identifier)

    def create(self, identifier: str) -> None:
        """Note that the next message to a participant creates it."""
        self._creating.add(identifier)

    def destroy(self, identifier: str, line: int, *, by_next: bool = False) -> None:
        """End a participant: now, or by the next message to or from it."""
        self._meet(identifier, line)
        if by_next:
            self._destroying.add(identifier)
        else:
            self._drop_activation(identifier)

    def _meet(self, identifier: str, line: int) -> None:
        if identifier not in self.diagram.actors:
            kind = "outside" if identifier == OUTSIDE else "participant"
            self.diagram.actors[identifier] = Actor(id=identifier, name=identifier, kind=kind, line=line)

    # --- messages ----------------------------------------------------------------------------------------------------

    def message(
        self, sender: str, receiver: str, text: str, arrow: Arrow, line: int, *, creates: bool = False
    ) -> Message:
        """Add a message where the diagram stands now."""
        self._spend()
        self._meet(sender, line)
        self._meet(receiver, line)
        creates = creates or receiver in self._creating
        self._creating.discard(receiver)
        destroys = bool(self._destroying & {sender, receiver})
        self._destroying -= {sender, receiver}
        self.diagram.messages += 1
        message = Message(
            number=self.diagram.messages,
            line=line,
            sender=sender,
            receiver=receiver,
            text=text,
            arrow=arrow.written,
            kind=MessageKind.ASYNC if arrow.asynchronous else MessageKind.SYNC,
            dashed=arrow.dashed,
            both_ways=arrow.both_ways,
            lost=arrow.lost or receiver == OUTSIDE,
            found=arrow.found or sender == OUTSIDE,
            creates=creates,
            destroys=destroys,
            section=self._section,
        )
        self._items.append(message)
        self._last = message
        if self._active_by_itself and not arrow.dashed:
            self._activations.append(_Activation(actor=receiver, caller=sender))
        return message

    def answer(self, text: str, line: int) -> Message | None:
        """Add the message of a `return`: from who was activated last to who called it; None where nobody was called."""
        if self._activations:
            latest = self._activations.pop()
            sender, receiver = latest.actor, latest.caller
        elif self._last is not None:
            sender, receiver = self._last.receiver, self._last.sender
            self._findings.add("RETURN_WITHOUT_CALL", "nobody is active here: the last message is answered.", line=line)
        else:
            self._findings.add("RETURN_WITHOUT_CALL", "there is no call before this return.", line=line)
            return None
        was, self._active_by_itself = self._active_by_itself, False
        message = self.message(sender, receiver, text, Arrow(written="return", dashed=True), line)
        self._active_by_itself = was
        message.explicit_return = True
        return message

    def activate(self, identifier: str, line: int) -> None:
        """Note that a participant works from here on, for who has just called it."""
        self._spend()
        self._meet(identifier, line)
        called = self._last is not None and self._last.receiver == identifier
        caller = self._last.sender if called and self._last is not None else OUTSIDE
        self._activations.append(_Activation(actor=identifier, caller=caller))

    def deactivate(self, identifier: str, line: int) -> None:
        """Note that a participant is done."""
        self._spend()
        self._meet(identifier, line)
        self._drop_activation(identifier)

    def activate_by_itself(self, on: bool) -> None:
        """Switch `autoactivate`."""
        self._active_by_itself = on

    def _drop_activation(self, identifier: str) -> None:
        # the innermost one of that name is nearly always the last; a long search is not worth its time
        for position in range(len(self._activations) - 1, max(-1, len(self._activations) - 50), -1):
            if self._activations[position].actor == identifier:
                del self._activations[position]
                return

    # --- blocks ------------------------------------------------------------------------------------------------------

    def open_fragment(self, kind: FragmentKind, guard: str, line: int, *, keyword: str = "") -> None:
        """Begin a fragment."""
        self._spend()
        self._count(kind.value)
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        keyword = keyword or kind.value
        if len(self._blocks) >= MAX_DEPTH:
            self._findings.add("TOO_DEEP", f"more than {MAX_DEPTH} blocks in each other: read as one.", line=line)
            self._blocks.append(_Open(keyword=keyword, line=line, fragment=None, items=self._items))
            return
        section = Section(keyword=keyword, guard=guard, line=line)
        fragment = Fragment(kind=kind, number=number, line=line, sections=[section])
        self._items.append(fragment)
        self._enter(_Open(keyword=keyword, line=line, fragment=fragment, items=section.items))

    def open_box(self, line: int) -> None:
        """Begin a box around participants: it has an end, but holds nothing that happens."""
        self._spend()
        self._enter(_Open(keyword="box", line=line, fragment=None, items=self._items))

    def next_section(self, keyword: str, guard: str, line: int) -> None:
        """Begin the next branch of the innermost fragment."""
        self._spend()
        block = next((item for item in reversed(self._blocks) if item.keyword != "box"), None)
        if block is None:
            self._findings.add("BRANCH_WITHOUT_BLOCK", f"'{keyword}' belongs to no fragment.", line=line)
        elif block.fragment is not None:
            while self._blocks[-1] is not block:
                self._leave()
            section = Section(keyword=keyword, guard=guard, line=line)
            block.fragment.sections.append(section)
            block.items = self._items = section.items

    def close(self, line: int, *, box: bool = False) -> None:
        """End the innermost block; with `box` the innermost box."""
        self._spend()
        if not self._blocks or (box and not any(item.keyword == "box" for item in self._blocks)):
            what = "end box" if box else "end"
            self._findings.add("END_WITHOUT_BLOCK", f"'{what}' ends nothing that is open.", line=line)
        elif box:
            position = max(index for index, item in enumerate(self._blocks) if item.keyword == "box")
            del self._blocks[position]
        else:
            self._leave()

    def overflow(self) -> None:
        """Note that the diagram is longer than what is read of it."""
        message = f"the diagram has more than {MAX_STATEMENTS} statements; the rest is not read."
        self._findings.add("TOO_MANY_STATEMENTS", message, line=self.diagram.line)

    def finish(self) -> SequenceDiagram:
        """Return the diagram; blocks that are still open end here, and are named."""
        for block in reversed(self._blocks):
            code = "UNCLOSED_BOX" if block.keyword == "box" else "UNCLOSED_FRAGMENT"
            self._findings.add(code, f"the '{block.keyword}' has no end.", line=block.line)
        self._blocks.clear()
        if not self.diagram.messages and not self._references:
            self._findings.add("NO_MESSAGES", "the diagram holds no message.", line=self.diagram.line)
        return self.diagram

    def _enter(self, block: _Open) -> None:
        self._blocks.append(block)
        self._items = block.items

    def _leave(self) -> None:
        self._blocks.pop()
        self._items = self._blocks[-1].items if self._blocks else self.diagram.items

    # --- everything around -------------------------------------------------------------------------------------------

    def reference(self, text: str, over: tuple[str, ...], line: int) -> None:
        """Add a reference to another diagram."""
        self._spend()
        for identifier in over:
            self._meet(identifier, line)
        self._count("ref")
        self._references += 1
        self._items.append(Reference(number=self._references, line=line, text=text, over=over))

    def note(self, text: str, over: tuple[str, ...], line: int) -> None:
        """Add a note."""
        self._spend()
        for identifier in over:
            self._meet(identifier, line)
        self.diagram.notes.append(Note(line=line, text=text, over=over, after=self.diagram.messages))

    def divide(self, text: str) -> None:
        """Begin a part of the diagram by name (`== text ==`)."""
        self._section = text

    def title(self, text: str) -> None:
        """Note the title."""
        self.diagram.title = self.diagram.title or text

    def _count(self, kind: str) -> None:
        self.diagram.fragments[kind] = self.diagram.fragments.get(kind, 0) + 1

    def _spend(self) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise TooManyStatements
