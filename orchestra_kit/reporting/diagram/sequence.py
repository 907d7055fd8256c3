"""Sequence diagrams as such: lifelines, messages, fragments with their guards, references, notes and sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.model import Artifact, ControlFlowGraph, FlowNode, Participant, SequenceFlow
from orchestra_kit.reporting.diagram.fragments import Frame, find_frames, is_step
from orchestra_kit.reporting.diagram.icons import circle, path
from orchestra_kit.reporting.diagram.marking import Marking
from orchestra_kit.reporting.diagram.metrics import LINE_HEIGHT, text_width, wrap
from orchestra_kit.reporting.diagram.scene import Box, DrawnScene, Scene, around
from orchestra_kit.reporting.diagram.shapes import rectangle, text_lines
from orchestra_kit.reporting.markup import Markup, join, number, tag

HEAD_WIDTH = 120.0
LONGEST = 230.0
"""Texts of messages are broken at this width, and columns never stand further apart for their sake."""
SMALL = 11.0
STEP = 13.0
DIAGRAM_GAP = 60.0


def draw_sequences(graph: ControlFlowGraph, marking: Marking, margin: float) -> DrawnScene:
    """Return the drawing of all sequence diagrams of a graph, below each other."""
    scene = Scene()
    bodies: list[Markup] = []
    top = 0.0
    names = {item.id: item.name for item in graph.processes}
    for process_id in dict.fromkeys(node.process_id for node in graph.nodes):
        nodes = [node for node in graph.nodes if node.process_id == process_id]
        flows = [flow for flow in graph.flows if flow.process_id == process_id]
        drawing = _Diagram(graph, nodes, flows, marking, top, names.get(process_id, ""))
        bodies.append(drawing.draw())
        scene.add(drawing.scene)
        top = drawing.y + DIAGRAM_GAP
    return DrawnScene(
        scene=scene, body=join(bodies, list(marking.marks(graph, scene))), view=scene.extent().grown(margin)
    )


def message_of(node: FlowNode) -> Mapping[str, Any]:
    """Return what the diagram says of a message: sender, receiver, kind ...; nothing for other nodes."""
    found = node.extensions.get("message")
    return found if isinstance(found, Mapping) else {}


def frame_key(head_id: str) -> str:
    """Return under which key a scene keeps the frame of the fragment that a node opens."""
    return f"\0{head_id}"


def participants_of(graph: ControlFlowGraph, nodes: Sequence[FlowNode]) -> list[Participant]:
    """Return who takes part in these messages, in the order of the file; everybody when there is no message."""
    used: set[str] = set()
    for node in nodes:
        used |= {str(message_of(node).get(end)) for end in ("sender", "receiver")}
        reference = node.extensions.get("reference")
        if isinstance(reference, Mapping):
            used |= {str(item) for item in reference.get("over", ())}
    return [item for item in graph.participants if item.id in used] or list(graph.participants)


@dataclass(slots=True)
class _Diagram:
    """One diagram in the making: rows are laid out from top to bottom, lifelines are drawn when their length is known."""

    graph: ControlFlowGraph
    nodes: Sequence[FlowNode]
    flows: Sequence[SequenceFlow]
    marking: Marking
    y: float
    title: str
    scene: Scene = field(default_factory=Scene)
    columns: dict[str, float] = field(default_factory=dict)
    rows: list[Markup] = field(default_factory=list)
    frames: list[Markup] = field(default_factory=list)
    open_frames: list[tuple[Frame, float, list[tuple[float, str]]]] = field(default_factory=list)

    def draw(self) -> Markup:
        """Return the whole diagram."""
        people = participants_of(self.graph, self.nodes)
        self._place_columns(people)
        begin = self.y
        heading = self._heading()
        top = self.y
        head = max((self._head_height(item) for item in people), default=30)
        self.y += head + 14
        self._write_rows(find_frames(self.nodes, self.flows))
        self.y += 16
        lifelines = [self._lifeline(item, top, head) for item in people]
        left, right = self._extent()
        width = max(right - left, text_width(self.title) * 1.15)
        self.scene.labels[f"\0{self.nodes[0].process_id}"] = Box(left, begin, width, self.y - begin)
        return join(heading, lifelines, self.frames, self.rows)

    def _heading(self) -> Markup | None:
        if not self.title.strip():
            return None
        left, _ = self._extent()
        self.y += 26
        return tag("text", {"class": "title left", "x": number(left), "y": number(self.y - 10)}, self.title)

    # --- columns -----------------------------------------------------------------------------------------------------

    def _place_columns(self, people: Sequence[Participant]) -> None:
        order = [item.id for item in people]
        index = {key: position for position, key in enumerate(order)}
        gaps = [HEAD_WIDTH + 24.0] * len(order)
        for node in self.nodes:
            said = message_of(node)
            ends = [index[str(said.get(end))] for end in ("sender", "receiver") if str(said.get(end)) in index]
            if len(ends) != 2:
                continue
            low, high = min(ends), max(ends)
            width = _text_size(node.name)[0]
            if low == high:
                gaps[low] = max(gaps[low], width + 60)
            elif sum(gaps[low:high]) < width + 36:
                gaps[high - 1] += width + 36 - sum(gaps[low:high])
        x = HEAD_WIDTH / 2
        for key, gap in zip(order, gaps, strict=True):
            self.columns[key] = x
            x += gap

    def _extent(self) -> tuple[float, float]:
        xs = list(self.columns.values()) or [HEAD_WIDTH / 2]
        boxes = [box.right for key, box in self.scene.boxes.items() if key not in self.columns]
        return min(xs) - HEAD_WIDTH / 2 - 10, max([max(xs) + HEAD_WIDTH / 2, *boxes]) + 10

    def _head_height(self, item: Participant) -> float:
        return len(self._head_lines(item)) * LINE_HEIGHT + (34 if item.kind == "actor" else 16)

    def _head_lines(self, item: Participant) -> list[str]:
        return wrap(item.name or item.id, HEAD_WIDTH - 12, most=4)

    def _lifeline(self, item: Participant, top: float, head: float) -> Markup:
        x, lines = self.columns[item.id], self._head_lines(item)
        box = Box(x - HEAD_WIDTH / 2, top, HEAD_WIDTH, head)
        self.scene.boxes[item.id] = box
        line = path(f"M{number(x)} {number(box.bottom)}V{number(self.y)}", "life")
        base = box.bottom - 9 - (len(lines) - 1) * LINE_HEIGHT
        if item.kind != "actor":
            base = box.center[1] + 4.2 - (len(lines) - 1) * LINE_HEIGHT / 2
        words = text_lines(lines, x, base, css="lab")
        if item.kind == "actor":
            shape = _person(x, base - 34)
        else:
            shape = rectangle(box, "box" if item.driven else "box thin", 4)
        role = "driven by the tests unless bound otherwise" if item.driven else item.kind or "participant"
        return self.marking.element(item.id, "node", f"{item.name or item.id} ({role})", join(line, shape, words))

    # --- rows --------------------------------------------------------------------------------------------------------

    def _write_rows(self, frames: Sequence[Frame]) -> None:
        notes = self._notes()
        for note in notes.get("", ()):
            self._note(note, None)
        section = ""
        for index, node in enumerate(self.nodes):
            for frame in (frame for frame in frames if frame.first == index):
                self._open(frame)
            self._divide(index)
            if is_step(node):
                said = str(message_of(node).get("section") or "")
                if said != section:
                    section = said
                    self._section(said)
                self._step(node)
                for note in notes.get(node.id, ()):
                    self._note(note, node)
            while self.open_frames and self.open_frames[-1][0].last <= index:
                self._close(frames)

    def _step(self, node: FlowNode) -> None:
        said = message_of(node)
        sender, receiver = (self.columns.get(str(said.get(end))) for end in ("sender", "receiver"))
        if sender is None or receiver is None:
            self.rows.append(self._reference(node))
        elif sender == receiver:
            self.rows.append(self._self_message(node, sender))
        else:
            self.rows.append(self._message(node, said, sender, receiver))

    def _message(self, node: FlowNode, said: Mapping[str, Any], start: float, end: float) -> Markup:
        lines = wrap(node.name, max(abs(end - start) - 24, 90), size=SMALL, most=5)
        top, y = self.y, self.y + len(lines) * STEP + 6
        self.y = y + 16
        left, right = min(start, end), max(start, end)
        self.scene.boxes[node.id] = Box(left, top - 3, right - left, y + 11 - top)
        words = text_lines(lines, (start + end) / 2, top + 10, css="lab out", line_height=STEP)
        body = join(words, _arrow(said, start, end, y))
        return self.marking.element(node.id, "node flow", _spoken(node, said, self.graph), body)

    def _self_message(self, node: FlowNode, x: float) -> Markup:
        width, lines = _text_size(node.name)
        height = max(len(lines) * STEP, 22)
        top = self.y
        self.y += height + 18
        self.scene.boxes[node.id] = Box(x, top - 3, width + 40, height + 11)
        data = f"M{number(x)} {number(top + 4)}h26v{number(height - 4)}h-18"
        tip = top + height
        head = path(
            f"M{number(x + 9)} {number(tip - 4.5)}L{number(x)} {number(tip)}L{number(x + 9)} {number(tip + 4.5)}Z",
            "head",
        )
        words = text_lines(lines, x + 34, top + 13, css="lab out left", line_height=STEP)
        said = message_of(node)
        return self.marking.element(
            node.id, "node flow", _spoken(node, said, self.graph), join(path(data, "line"), head, words)
        )

    def _reference(self, node: FlowNode) -> Markup:
        found = node.extensions.get("reference")
        over = [str(item) for item in found.get("over", ())] if isinstance(found, Mapping) else []
        xs = [self.columns[item] for item in over if item in self.columns] or list(self.columns.values()) or [60.0]
        box = Box(min(xs) - 50, self.y, max(xs) - min(xs) + 100, 0)
        lines = wrap(node.name, box.width - 60, size=12, most=4)
        box = Box(box.x, box.y, box.width, max(len(lines) * LINE_HEIGHT + 16, 36))
        self.y = box.bottom + 14
        self.scene.boxes[node.id] = box
        words = text_lines(lines, box.center[0] + 10, box.center[1] - (len(lines) - 1) * 7.2 + 4, css="lab")
        return self.marking.element(
            node.id, "node", f"{node.name} (reference)", join(rectangle(box, "box thin", 2), _tab("ref", box), words)
        )

    def _section(self, text: str) -> None:
        left, right = self._extent()
        y = self.y + 14
        width = text_width(text) + 24
        if text.strip():
            band = Box((left + right - width) / 2, y - 11, width, 22)
            rule = path(f"M{number(left)} {number(y)}H{number(right)}", "note")
            words = text_lines([text[:200]], band.center[0], y + 4.2, css="lab")
            self.rows.append(tag("g", {"class": "section"}, rule, rectangle(band, "band", 3), words))
        self.y += 36

    # --- fragments ---------------------------------------------------------------------------------------------------

    def _open(self, frame: Frame) -> None:
        self.open_frames.append((frame, self.y, []))
        self.y += 30

    def _divide(self, index: int) -> None:
        for frame, _, cuts in self.open_frames:
            for start, guard in frame.sections:
                if start == index:
                    cuts.append((self.y, guard))
                    self.y += 26

    def _close(self, frames: Sequence[Frame]) -> None:
        frame, top, cuts = self.open_frames.pop()
        inner = [
            self.scene.boxes[node.id]
            for node in self.nodes[frame.first : frame.last + 1]
            if node.id in self.scene.boxes
        ]
        levels = _levels(frame, frames)
        extent = around([corner for box in inner for corner in ((box.x, box.y), (box.right, box.bottom))])
        if not inner:
            extent = Box(0, top, HEAD_WIDTH, 10)
        pad = 14.0 + 10 * levels
        label = text_width(f"[{frame.guard}]", SMALL) + 70 if frame.guard else 60.0
        width = max(extent.width + 2 * pad, min(label, 420.0))
        box = Box(extent.x - pad, top, width, self.y + 4 - top)
        self.y += 14
        parts = [rectangle(box, "frag"), _tab(frame.kind, box)]
        if frame.guard:
            parts.append(_guard(frame.guard, box.x + 56, top + 14, box.right - box.x - 62))
        for y, guard in cuts:
            parts.append(path(f"M{number(box.x)} {number(y)}H{number(box.right)}", "cut"))
            parts.append(
                _guard(guard or ("and" if frame.kind == "par" else "else"), box.x + 12, y + 16, box.width - 18)
            )
        self.frames.append(
            tag("g", {"class": "fragment"}, tag("title", None, f"{frame.kind} {frame.guard}".strip()), parts)
        )
        self.scene.labels[frame_key(self.nodes[frame.first].id)] = box

    # --- notes -------------------------------------------------------------------------------------------------------

    def _notes(self) -> dict[str, list[Artifact]]:
        """Return the notes by the message they stand below; '' for those before the first one."""
        tied = {item.source: item.target for item in self.graph.associations}
        own = {node.id for node in self.nodes}
        first = self.nodes[0].id.removesuffix("start") if self.nodes else ""
        found: dict[str, list[Artifact]] = {}
        for artifact in self.graph.artifacts:
            target = tied.get(artifact.id, "")
            if target in own:
                found.setdefault(target, []).append(artifact)
            elif (
                not target
                and artifact.id == f"{first}{artifact.id[len(first) :]}"
                and _is_note(artifact.id[len(first) :])
            ):
                found.setdefault("", []).append(artifact)
        return found

    def _note(self, artifact: Artifact, node: FlowNode | None) -> None:
        lines = wrap(artifact.text, 240, size=SMALL, most=14)
        width = max((text_width(line, SMALL) for line in lines), default=40) + 24
        height = len(lines) * STEP + 12
        near = self.scene.boxes.get(node.id) if node is not None else None
        left, right = self._extent()
        x = (near.center[0] if near is not None else (left + right) / 2) - width / 2
        box = Box(max(x, left), self.y, width, height)
        self.y += height + 12
        self.scene.boxes[artifact.id] = box
        fold = (
            f"M{number(box.x)} {number(box.y)}H{number(box.right - 9)}l9 9V{number(box.bottom)}H{number(box.x)}Z"
            f"M{number(box.right - 9)} {number(box.y)}v9h9"
        )
        words = text_lines(lines, box.x + 10, box.y + 16, css="lab left small", line_height=STEP)
        self.rows.append(self.marking.element(artifact.id, "artifact", "Note", join(path(fold, "memo"), words)))


def _is_note(identifier: str) -> bool:
    return identifier.removeprefix("note").isdigit()


def _levels(frame: Frame, frames: Sequence[Frame]) -> int:
    """Return how many fragments stand in each other inside this one."""
    inside = [item for item in frames if item is not frame and frame.first < item.first and item.last <= frame.last]
    return 1 + max((_levels(item, inside) for item in inside), default=-1)


def _text_size(text: str) -> tuple[float, list[str]]:
    lines = wrap(text, LONGEST, size=SMALL, most=5)
    return max((text_width(line, SMALL) for line in lines), default=0), lines


def _spoken(node: FlowNode, said: Mapping[str, Any], graph: ControlFlowGraph) -> str:
    names = {item.id: item.name or item.id for item in graph.participants}
    ends = [names.get(str(said.get(end)), str(said.get(end))) for end in ("sender", "receiver")]
    return f"{ends[0]} to {ends[1]}: {node.name} ({said.get('kind', 'message')})"


def _arrow(said: Mapping[str, Any], start: float, end: float, y: float) -> Markup:
    """Return the line of a message: dashed for an answer, an open head where nobody waits, a cross where one ends."""
    away = 1 if end > start else -1
    answer = said.get("kind") == "return"
    line = path(
        f"M{number(start)} {number(y)}H{number(end - away * (8 if not answer else 1))}",
        "line dash" if answer else "line",
    )
    parts = [line, _head(end, y, away, open_head=answer or said.get("kind") == "async")]
    if said.get("bothWays"):
        parts.append(_head(start, y, -away, open_head=answer))
    if said.get("found"):
        parts.append(circle(start, y, 5, "s"))
    if said.get("lost"):
        parts.append(circle(end, y, 6, "s"))
    if said.get("destroys"):
        parts.append(path(f"M{number(end - 7)} {number(y - 7)}l14 14m0 -14l-14 14", "t"))
    return join(parts)


def _head(tip: float, y: float, away: int, *, open_head: bool) -> Markup:
    back = tip - away * 9
    data = f"M{number(back)} {number(y - 4.5)}L{number(tip)} {number(y)}L{number(back)} {number(y + 4.5)}"
    return path(data, "line") if open_head else path(data + "Z", "head")


def _tab(text: str, box: Box) -> Markup:
    width = text_width(text, 12) + 18
    shape = f"M{number(box.x)} {number(box.y)}h{number(width)}v10l-7 8h{number(7 - width)}z"
    return join(
        path(shape, "band"), tag("text", {"class": "title left", "x": number(box.x + 6), "y": number(box.y + 13)}, text)
    )


def _guard(text: str, x: float, y: float, room: float) -> Markup:
    (line, *_) = wrap(f"[{text}]", max(room, 60), size=SMALL, most=1) or [""]
    return text_lines([line], x, y, css="lab out left")


def _person(x: float, y: float) -> Markup:
    body = f"M{number(x)} {number(y + 9)}v9m-8 -6h16m-8 6l-7 8m7 -8l7 8"
    return join(circle(x, y + 4, 5, "box thin"), path(body, "m"))
