"""From the tree of a diagram to nodes and flows that mean the same when a token runs through them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestra_kit.design.sequence.answers import is_choice
from orchestra_kit.design.sequence.bounds import bounds_of
from orchestra_kit.design.sequence.hints import hints_of
from orchestra_kit.design.sequence.labels import plain, short, slug
from orchestra_kit.design.sequence.syntax_tree import (
    Fragment,
    FragmentKind,
    Item,
    Message,
    MessageKind,
    Reference,
    Section,
    SequenceDiagram,
)
from orchestra_kit.model.process import (
    Artifact,
    Association,
    Condition,
    FlowNode,
    MessageFlow,
    NodeType,
    SequenceFlow,
)

MESSAGE = "message"
"""The key of a node's extensions that says which message of the diagram it is."""
REFERENCE = "reference"
"""The key of a node's extensions that says which reference to another diagram it is."""


_COMPARES = re.compile(r"[=!<>]=|[\w)\]\"'] ?[<>=] ?[\w(\"'-]|&&|\|\|")
_LITERALS = re.compile(r"\b(?:TRUE|FALSE|NULL|True|False|Null)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """A node that waits for what comes next, and what the flow to it will say."""

    source: str
    guard: str | None = None
    name: str = ""
    default: bool = False
    line: int | None = None


_Ends = list[_End]


@dataclass(slots=True, kw_only=True)
class ProcessParts:
    """What one diagram adds to the graph of its file."""

    process_id: str
    nodes: list[FlowNode] = field(default_factory=list)
    flows: list[SequenceFlow] = field(default_factory=list)
    message_flows: list[MessageFlow] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)


def write_process(diagram: SequenceDiagram, process_id: str, prefix: str) -> ProcessParts:
    """Return the nodes and flows of a diagram; every id begins with the prefix (none for the first of a file)."""
    return _ProcessWriter(diagram, process_id, prefix).write()


class _ProcessWriter:
    """Walks the tree with the list of ends that are still loose; a `break` hands its own to the fragment around it."""

    def __init__(self, diagram: SequenceDiagram, process_id: str, prefix: str) -> None:
        self._diagram, self._prefix = diagram, prefix
        self._parts = ProcessParts(process_id=process_id)
        self._flow_ids: Counter[str] = Counter()
        self._defaults: dict[str, str] = {}

    def write(self) -> ProcessParts:
        start = self._node("start", NodeType.START_EVENT, line=self._diagram.line)
        breaks: _Ends = []
        ends = self._sequence(self._diagram.items, [_End(source=start)], breaks)
        last = self._node("end", NodeType.END_EVENT)
        self._connect([*ends, *breaks], last)
        self._write_notes()
        self._parts.nodes = [
            node.model_copy(update={"default_flow": self._defaults[node.id]}) if node.id in self._defaults else node
            for node in self._parts.nodes
        ]
        return self._parts

    # --- items -------------------------------------------------------------------------------------------------------

    def _sequence(self, items: Sequence[Item], ends: _Ends, breaks: _Ends) -> _Ends:
        for item in items:
            if isinstance(item, Message):
                ends = self._place(self._message(item), ends)
            elif isinstance(item, Reference):
                ends = self._place(self._reference(item), ends)
            else:
                ends = self._fragment(item, ends, breaks)
        return ends

    def _fragment(self, fragment: Fragment, ends: _Ends, breaks: _Ends) -> _Ends:
        kind = fragment.kind
        if kind is FragmentKind.BREAK:
            return self._break(fragment, ends, breaks)
        if is_choice(fragment):
            return self._choice(fragment, ends)
        if kind is FragmentKind.LOOP:
            return self._loop(fragment, ends)
        if kind is FragmentKind.PAR:
            return self._parallel(fragment, ends)
        if kind is FragmentKind.CRITICAL:
            return self._critical(fragment, ends)
        if kind is FragmentKind.RECT:
            return self._chain(fragment.sections, ends, breaks)  # a colour is nothing that could be left
        left: _Ends = []
        ends = self._chain(fragment.sections, ends, left)
        return self._joined(self._id(fragment, "end"), [*ends, *left], fragment.line) if left else ends

    def _chain(self, sections: Sequence[Section], ends: _Ends, breaks: _Ends) -> _Ends:
        for section in sections:
            ends = self._sequence(section.items, ends, breaks)
        return ends

    def _choice(self, fragment: Fragment, ends: _Ends) -> _Ends:
        """One branch of several. The last one without a guard is the default; a single one may also be left out."""
        split = self._split(fragment, NodeType.EXCLUSIVE_GATEWAY, ends)
        out: _Ends = []
        last = len(fragment.sections) - 1
        for index, section in enumerate(fragment.sections):
            default = index == last > 0 and not section.guard
            name = section.guard or ("else" if default else "")
            branch = _End(source=split, guard=section.guard or None, name=name, default=default, line=section.line)
            out += self._sequence(section.items, [branch], out)
        if last == 0:
            out.append(_otherwise(split, fragment))
        return self._joined(self._id(fragment, "end"), out, fragment.line)

    def _loop(self, fragment: Fragment, ends: _Ends) -> _Ends:
        """Rounds with a flow back. The check stands before the first round, or behind it where one round is sure."""
        if not fragment.steps:
            return ends
        guard = " ".join(section.guard for section in fragment.sections if section.guard)
        bounds = bounds_of(guard)
        said: dict[str, object] = {"loop": {"guard": guard, "least": bounds.least, "most": bounds.most}}
        head = self._split(fragment, NodeType.EXCLUSIVE_GATEWAY, ends, extensions=said)
        left: _Ends = []
        if bounds.least == 0:
            body = self._chain(
                fragment.sections, [_End(source=head, guard=guard or None, name=guard, line=fragment.line)], left
            )
            self._connect(body, head)
            out = [_no_more(head, guard), *left]
            return self._joined(self._id(fragment, "end"), out, fragment.line) if left else out
        body = self._chain(fragment.sections, [_End(source=head)], left)
        check = self._node(self._id(fragment, "again"), NodeType.EXCLUSIVE_GATEWAY, line=fragment.line, extensions=said)
        self._connect(body, check)
        self._connect([_End(source=check, guard=guard or None, name=guard, line=fragment.line)], head)
        out = [_no_more(check, guard), *left]
        return self._joined(self._id(fragment, "end"), out, fragment.line) if left else out

    def _parallel(self, fragment: Fragment, ends: _Ends) -> _Ends:
        """All branches. One that holds nothing is no branch; where only one is left there is nothing beside it."""
        branches = [section for section in fragment.sections if any(map(_is_step, section.items))]
        if len(branches) < 2:
            left: _Ends = []
            ends = self._chain(branches, ends, left)
            return self._joined(self._id(fragment, "end"), [*ends, *left], fragment.line) if left else ends
        if len(ends) > 1:  # several flows into a parallel gateway would wait for each other
            ends = self._joined(self._id(fragment, "start"), ends, fragment.line)
        split = self._split(fragment, NodeType.PARALLEL_GATEWAY, ends)
        done: _Ends = []
        for index, section in enumerate(branches, start=1):
            left = []
            out = self._sequence(section.items, [_End(source=split, name=section.guard, line=section.line)], left)
            out += left
            if len(out) > 1:
                out = self._joined(self._id(fragment, f"branch{index}"), out, section.line)
            done += out
        join = self._node(self._id(fragment, "end"), NodeType.PARALLEL_GATEWAY, line=fragment.line)
        return self._place(join, done)

    def _critical(self, fragment: Fragment, ends: _Ends) -> _Ends:
        """The body, and then at most one of what may come up (`option`)."""
        left: _Ends = []
        ends = self._sequence(fragment.sections[0].items, ends, left)
        options = fragment.sections[1:]
        if options:
            split = self._split(fragment, NodeType.EXCLUSIVE_GATEWAY, ends)
            ends = [_End(source=split, name="no option", default=True)]
            for section in options:
                branch = _End(source=split, guard=section.guard or None, name=section.guard, line=section.line)
                ends += self._sequence(section.items, [branch], left)
        out = [*ends, *left]
        return self._joined(self._id(fragment, "end"), out, fragment.line) if options or left else out

    def _break(self, fragment: Fragment, ends: _Ends, breaks: _Ends) -> _Ends:
        """Either what is inside and then out of the fragment around it, or on as if nothing were there."""
        split = self._split(fragment, NodeType.EXCLUSIVE_GATEWAY, ends)
        first, *others = fragment.sections
        branch = _End(source=split, guard=first.guard or None, name=first.guard, line=first.line)
        inner: _Ends = []
        breaks += self._sequence(first.items, [branch], inner)
        breaks += inner
        if not others:
            return [_otherwise(split, fragment)]
        out: _Ends = []
        for index, section in enumerate(others):
            default = index == len(others) - 1 and not section.guard
            branch = _End(
                source=split, guard=section.guard or None, name=section.guard, default=default, line=section.line
            )
            out += self._sequence(section.items, [branch], breaks)
        return self._joined(self._id(fragment, "end"), out, fragment.line)

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _message(self, message: Message) -> str:
        actors = self._diagram.actors
        sender, receiver = actors[message.sender], actors[message.receiver]
        said: dict[str, object] = {
            "number": message.number,
            "kind": message.kind.value,
            "sender": message.sender,
            "receiver": message.receiver,
            "arrow": message.arrow,
            "text": message.text[:2_000],
        }
        if message.answers is not None:
            said["answers"] = f"{self._prefix}m{message.answers}"
        for name in ("lost", "found", "creates", "destroys", "both_ways", "section"):
            if value := getattr(message, name):
                said[name.replace("_w", "W")] = value
        hints = hints_of(message, sender, receiver)
        name = short(plain(message.text)) or f"{short(sender.name)} → {short(receiver.name)}"
        identifier = self._node(
            f"m{message.number}",
            _type_of(message),
            name=name,
            line=message.line,
            extensions={MESSAGE: said, "hints": hints} if hints else {MESSAGE: said},
        )
        self._parts.message_flows.append(
            MessageFlow(id=f"{identifier}_flow", name=name, source=message.sender, target=message.receiver)
        )
        return identifier

    def _reference(self, reference: Reference) -> str:
        text = plain(reference.text)
        return self._node(
            f"ref{reference.number}",
            NodeType.CALL_ACTIVITY,
            name=short(text),
            line=reference.line,
            called_element=slug(text) or None,
            extensions={REFERENCE: {"over": list(reference.over), "text": reference.text[:2_000]}},
        )

    def _split(
        self, fragment: Fragment, kind: NodeType, ends: _Ends, *, extensions: dict[str, object] | None = None
    ) -> str:
        node = self._node(self._id(fragment), kind, line=fragment.line, extensions=extensions)
        self._connect(ends, node)
        return node

    def _joined(self, name: str, ends: _Ends, line: int) -> _Ends:
        return self._place(self._node(name, NodeType.EXCLUSIVE_GATEWAY, line=line), ends)

    def _place(self, node: str, ends: _Ends) -> _Ends:
        self._connect(ends, node)
        return [_End(source=node)]

    def _id(self, fragment: Fragment, part: str = "") -> str:
        return f"{fragment.kind.value}{fragment.number}" + (f"_{part}" if part else "")

    def _node(
        self,
        name_of_id: str,
        kind: NodeType,
        *,
        name: str = "",
        line: int | None = None,
        called_element: str | None = None,
        extensions: dict[str, object] | None = None,
    ) -> str:
        identifier = self._prefix + name_of_id
        process = self._parts.process_id
        self._parts.nodes.append(
            FlowNode(
                id=identifier,
                name=name,
                type=kind,
                container=process,
                process_id=process,
                called_element=called_element,
                extensions=extensions or {},
                line=line,
            )
        )
        return identifier

    def _connect(self, ends: _Ends, target: str) -> None:
        process = self._parts.process_id
        for end in ends:
            wanted = f"{end.source}-{target.removeprefix(self._prefix)}"
            self._flow_ids[wanted] += 1
            times = self._flow_ids[wanted]
            identifier = wanted if times == 1 else f"{wanted}-{times}"
            if end.default:
                self._defaults[end.source] = identifier
            self._parts.flows.append(
                SequenceFlow(
                    id=identifier,
                    name=short(end.name),
                    source=end.source,
                    target=target,
                    container=process,
                    process_id=process,
                    condition=_condition(end.guard) if end.guard else None,
                    is_default=end.default,
                    line=end.line,
                )
            )

    def _write_notes(self) -> None:
        for number, note in enumerate(self._diagram.notes, start=1):
            identifier = f"{self._prefix}note{number}"
            self._parts.artifacts.append(Artifact(id=identifier, type="textAnnotation", text=note.text))
            if note.after:
                target = f"{self._prefix}m{note.after}"
                self._parts.associations.append(Association(id=f"{identifier}_line", source=identifier, target=target))


def _condition(guard: str) -> Condition:
    """Return a guard as the condition it is: most are prose, and only what compares or joins is left to be read."""
    if not _COMPARES.search(guard):
        return Condition(text=guard, language="prose")
    return Condition(text=_LITERALS.sub(lambda found: found[0].lower(), guard))


def _otherwise(split: str, fragment: Fragment) -> _End:
    """Return the way past a fragment that is taken or not."""
    guard = fragment.sections[0].guard
    return _End(source=split, name=f"not {guard}" if guard else "", default=True)


def _no_more(check: str, guard: str) -> _End:
    """Return the way out of a loop."""
    return _End(source=check, name=f"no more {guard}".strip(), default=True)


def _is_step(item: Item) -> bool:
    return not isinstance(item, Fragment) or bool(item.steps)


def _type_of(message: Message) -> NodeType:
    """Return the type that draws a message best: who acts is told by its sender and receiver, not by this."""
    if message.kind is MessageKind.RETURN:
        return NodeType.RECEIVE_TASK
    if message.to_self:
        return NodeType.SCRIPT_TASK
    return NodeType.SEND_TASK if message.kind is MessageKind.ASYNC else NodeType.SERVICE_TASK
