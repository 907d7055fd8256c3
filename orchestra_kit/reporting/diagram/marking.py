"""How elements of a picture are marked: by class, sign, number and title, the same in every kind of diagram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestra_kit.model import ControlFlowGraph
from orchestra_kit.reporting.diagram.edges import middle_of
from orchestra_kit.reporting.diagram.icons import status_sign
from orchestra_kit.reporting.diagram.metrics import text_width
from orchestra_kit.reporting.diagram.scene import Box, Scene
from orchestra_kit.reporting.diagram.shapes import rectangle
from orchestra_kit.reporting.markup import Markup, number, tag
from orchestra_kit.reporting.palette import TONES, ElementStatus


@dataclass(frozen=True, slots=True)
class Marking:
    """Statuses, badges and heat (0 to 1) by element id; `terse` names only what is not a line."""

    statuses: Mapping[str, ElementStatus]
    badges: Mapping[str, str]
    heat: Mapping[str, float]
    terse: bool = False

    def css(self, element_id: str, kind: str) -> str:
        """Return the classes of an element."""
        status = self.statuses.get(element_id)
        if status is None:
            return kind
        heat = self.heat.get(element_id)
        level = f" heat{min(int(heat * 4) + 1, 4)}" if heat is not None and heat > 0 else ""
        return f"{kind} {status.value}{level}"

    def element(self, element_id: str, kind: str, name: str, body: Markup) -> Markup:
        """Return an element as a group with its id, its classes and a title that also tells its status."""
        status = self.statuses.get(element_id)
        words = f"{name}: {TONES[status].word}" if status else name
        if element_id in self.badges:
            words += f" ({self.badges[element_id]})"
        named = None if self.terse and kind in ("flow", "assoc", "message") else tag("title", None, words)
        return tag("g", {"class": self.css(element_id, kind), "data-id": element_id}, named, body)

    def marks(self, graph: ControlFlowGraph, scene: Scene) -> Iterator[Markup]:
        """Status signs at the upper right corner of nodes, badges at the lower right one and half way along flows."""
        for node in graph.nodes:
            box, status = scene.boxes.get(node.id), self.statuses.get(node.id)
            if box is None:
                continue
            if status is not None and status is not ElementStatus.NOT_COVERED:
                inset = 2 if node.type.is_activity else box.width * 0.12
                sign = status_sign(status, box.right - inset, box.y + inset)
                yield tag("g", {"class": status.value}, sign)
            if node.id in self.badges:
                yield self._badge(self.badges[node.id], box, status)
        for flow in graph.flows:
            line = scene.lines.get(flow.id)
            if line is not None and flow.id in self.badges:
                x, y = middle_of(line)
                text = self.badges[flow.id]
                yield _pill(text, x - _pill_width(text) / 2, y - 7, self.statuses.get(flow.id))

    def _badge(self, text: str, box: Box, status: ElementStatus | None) -> Markup:
        width = _pill_width(text)
        if min(box.width, box.height) <= 60:  # below a small shape stands its label
            return _pill(text, box.x - width + 8, box.y - 5, status)
        return _pill(text, box.right - width + 8, box.bottom - 7, status)


def _pill(text: str, x: float, y: float, status: ElementStatus | None) -> Markup:
    place = Box(x, y, _pill_width(text), 14)
    label = tag("text", {"x": number(place.center[0]), "y": number(place.y + 10.6)}, text)
    css = f"badge {status.value}" if status else "badge"
    return tag("g", {"class": css}, rectangle(place, "pill", 7), label)


def _pill_width(text: str) -> float:
    return text_width(text, 10) * 1.1 + 10
