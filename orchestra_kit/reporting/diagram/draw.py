"""The picture of a process as one static, accessible SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestra_kit.model import ControlFlowGraph, FlowNode, Lane, Participant, SourceType
from orchestra_kit.reporting.diagram.edges import (
    association_line,
    flow_label_box,
    message_line,
    sequence_line,
)
from orchestra_kit.reporting.diagram.icons import icon_definitions
from orchestra_kit.reporting.diagram.interchange import scene_from_interchange
from orchestra_kit.reporting.diagram.labels import LabelPlaces
from orchestra_kit.reporting.diagram.layout import lay_out
from orchestra_kit.reporting.diagram.marking import Marking
from orchestra_kit.reporting.diagram.parts import corners_of, describe, of_process, summary, words_of
from orchestra_kit.reporting.diagram.scene import Box, DrawnScene, Line, Scene, around, straight
from orchestra_kit.reporting.diagram.sequence import draw_sequences
from orchestra_kit.reporting.diagram.shapes import (
    artifact_body,
    has_outer_label,
    is_roomy,
    lane,
    node_body,
    outer_label,
    outer_label_box,
    pool,
    rectangle,
    trigger_of,
)
from orchestra_kit.reporting.diagram.style import diagram_css
from orchestra_kit.reporting.markup import Markup, join, number, raw_text_element, tag
from orchestra_kit.reporting.palette import ElementStatus

MARGIN = 14.0


def draw_process(
    graph: ControlFlowGraph,
    *,
    process_id: str | None = None,
    statuses: Mapping[str, ElementStatus] | None = None,
    badges: Mapping[str, str] | None = None,
    heat: Mapping[str, float] | None = None,
    title: str = "Process diagram",
    styled: bool = True,
) -> str:
    """Return an SVG of the whole file, or of one process of it, drawn where the file says or laid out by us.

    `statuses` and `badges` go by element id; `heat` (0 to 1) tints what passed. With `styled=False` the page that
    holds the picture brings `diagram_css` and `icon_definitions` itself.
    """
    return str(
        picture(
            graph,
            process_id=process_id,
            statuses=statuses,
            badges=badges,
            heat=heat,
            title=title,
            styled=styled,
        )
    )


def picture(
    graph: ControlFlowGraph,
    *,
    process_id: str | None = None,
    statuses: Mapping[str, ElementStatus] | None = None,
    badges: Mapping[str, str] | None = None,
    heat: Mapping[str, float] | None = None,
    title: str = "Process diagram",
    styled: bool = True,
    terse: bool = False,
) -> Markup:
    """Return the same as `draw_process` as markup, to be put into a page; `terse` names only what is not a line."""
    shown = of_process(graph, process_id) if process_id else graph
    drawn = draw_scene(shown, statuses=statuses, badges=badges, heat=heat, terse=terse)
    view = drawn.view
    return tag(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "orc",
            "role": "img",
            "aria-label": f"{title}. {summary(shown, statuses or {})}",
            "viewBox": " ".join(number(value) for value in (view.x, view.y, view.width, view.height)),
            "width": number(view.width),
            "height": number(view.height),
        },
        tag("title", None, title),
        [raw_text_element("style", diagram_css()), icon_definitions()] if styled else None,
        drawn.body,
    )


def draw_scene(
    graph: ControlFlowGraph,
    *,
    statuses: Mapping[str, ElementStatus] | None = None,
    badges: Mapping[str, str] | None = None,
    heat: Mapping[str, float] | None = None,
    terse: bool = False,
) -> DrawnScene:
    """Return the drawing of a graph, to be framed by the caller or shown several times."""
    marking = Marking(statuses or {}, badges or {}, heat or {}, terse)
    if graph.source_type is SourceType.SEQUENCE:
        return draw_sequences(graph, marking, MARGIN)
    scene = scene_from_interchange(graph) or lay_out(graph)
    drawing = _Drawing(graph, scene, marking)
    body = [*drawing.frames(), *drawing.pools(), *drawing.containers(), *drawing.groups(), *drawing.lines()]
    body += [*drawing.nodes(), *drawing.artifacts(), *drawing.labels(), *marking.marks(graph, scene)]
    extent = around(corners_of((scene.extent(), *drawing.label_boxes.values())))
    return DrawnScene(scene=scene, body=join(body), view=extent.grown(MARGIN))


@dataclass(slots=True)
class _Drawing:
    """One picture in the making: the layers are asked for in the order they are painted."""

    graph: ControlFlowGraph
    scene: Scene
    marking: Marking
    label_boxes: dict[str, Box] = field(default_factory=dict)

    def frames(self) -> Iterator[Markup]:
        """Frames around the further diagrams of a file, each with its title."""
        for title, box in self.scene.frames:
            at = {"class": "title left", "x": number(box.x + 12), "y": number(box.y + 20)}
            yield tag("g", {"class": "page"}, rectangle(box, "frame", 6), tag("text", at, title))

    def pools(self) -> Iterator[Markup]:
        """Pools, then the lanes in them, outer ones first."""
        for participant in self.graph.participants:
            yield from self._pool(participant)
        for item in sorted(self.graph.lanes, key=self._area, reverse=True):
            box = self.scene.boxes.get(item.id)
            if box is not None:
                body = lane(item.name, box, vertical=item.id in self.scene.vertical)
                yield self.marking.element(item.id, "lane-of", item.name or "Lane", body)

    def _pool(self, item: Participant) -> Iterator[Markup]:
        box = self.scene.boxes.get(item.id)
        if box is None:
            return
        inhabited = any(node.process_id == item.process_id and node.id in self.scene.boxes for node in self.graph.nodes)
        vertical = item.id in self.scene.vertical
        band = self._band(item, box, vertical=vertical)
        body = pool(item.name, box, vertical=vertical, css="pool", band=band, black_box=not inhabited)
        yield self.marking.element(item.id, "pool-of", f"Pool {item.name}", body)

    def _band(self, item: Participant, box: Box, *, vertical: bool) -> float:
        """Return the room for a pool's name: up to its lanes, where it has some."""
        boxes = self.scene.boxes
        lanes = [boxes[lane.id] for lane in self.graph.lanes if lane.process_id == item.process_id and lane.id in boxes]
        gap = min((lane.y - box.y if vertical else lane.x - box.x for lane in lanes), default=30.0)
        return gap if 10 <= gap <= 60 else 30.0

    def _area(self, item: Lane | FlowNode) -> float:
        box = self.scene.boxes.get(item.id)
        return box.width * box.height if box else 0

    def containers(self) -> Iterator[Markup]:
        """Expanded sub-processes and call activities as large as them, outer ones first."""
        for node in sorted(self.graph.nodes, key=self._area, reverse=True):
            if node.id in self.scene.boxes and self._is_ground(node):
                yield self._node(node)

    def _is_ground(self, node: FlowNode) -> bool:
        """True when others are drawn on top of this: inside a sub-process, or a called process shown in its call."""
        return node.id in self.scene.expanded or (node.type.is_activity and is_roomy(self.scene.boxes[node.id]))

    def groups(self) -> Iterator[Markup]:
        """Group artifacts, below the lines."""
        for item in self.graph.artifacts:
            box = self.scene.boxes.get(item.id)
            if box is not None and "group" in item.type.lower():
                yield self.marking.element(item.id, "artifact", item.text or "Group", artifact_body(item, box))

    def lines(self) -> Iterator[Markup]:
        """Associations, message flows and sequence flows; taken flows above the others."""
        artifacts = {item.id: item for item in self.graph.artifacts}
        for association in self.graph.associations:
            line = self._line(association.id, association.source, association.target)
            drawn = self.scene.boxes.keys() | self.scene.lines.keys()
            if line is not None and {association.source, association.target} <= drawn:
                ends = (artifacts.get(association.source), artifacts.get(association.target))
                data = any(item is not None and has_outer_label(item) for item in ends)
                arrow = data if association.direction is None else association.direction != "None"
                body = association_line(line, arrow=arrow, both=association.direction == "Both")
                yield self.marking.element(association.id, "assoc", "Association", body)
        for message in self.graph.message_flows:
            line = self._line(message.id, message.source, message.target)
            if line is not None:
                yield self.marking.element(message.id, "message", message.name or "Message flow", message_line(line))
        gateways = {node.id for node in self.graph.nodes if node.type.is_gateway}
        for flow in sorted(self.graph.flows, key=lambda item: item.id in self.marking.statuses):
            line = self.scene.lines.get(flow.id)
            if line is not None:
                body = sequence_line(flow, line, from_gateway=flow.source in gateways)
                yield self.marking.element(flow.id, "flow", flow.name or f"Flow {flow.id}", body)

    def _line(self, line_id: str, source: str, target: str) -> Line | None:
        line = self.scene.lines.get(line_id)
        if line is not None:
            return line
        first, second = self.scene.boxes.get(source), self.scene.boxes.get(target)
        return Line(straight(first, second)) if first and second else None

    def nodes(self) -> Iterator[Markup]:
        """Nodes that are not expanded; boundary events last, on top of what they are attached to."""
        for node in sorted(self.graph.nodes, key=lambda item: item.attached_to is not None):
            if node.id in self.scene.boxes and not self._is_ground(node):
                yield self._node(node)

    def _node(self, node: FlowNode) -> Markup:
        body = node_body(node, self.scene.boxes[node.id], expanded=node.id in self.scene.expanded)
        trigger = trigger_of(node)
        kind = words_of(node.type.value) + (f", {trigger}" if trigger else "")
        return self.marking.element(node.id, "node", f"{describe(node)} ({kind})", body)

    def artifacts(self) -> Iterator[Markup]:
        """Data objects, stores and annotations."""
        for item in self.graph.artifacts:
            box = self.scene.boxes.get(item.id)
            if box is not None and "group" not in item.type.lower():
                yield self.marking.element(item.id, "artifact", item.text or item.type, artifact_body(item, box))

    def labels(self) -> Iterator[Markup]:
        """Labels outside of events, gateways, data and flows: those the file places first, then the others around them."""
        places = self._label_places()
        named = [(flow.id, flow.name) for flow in self.graph.flows]
        named += [(message.id, message.name) for message in self.graph.message_flows]
        for flow_id, name in named:
            line = self.scene.lines.get(flow_id)
            if line is not None and name.strip():
                yield self._label(flow_id, name, places.take(flow_label_box(name, line)))
        labelled = [(node.id, node.name) for node in self.graph.nodes if node.type.is_event or node.type.is_gateway]
        labelled += [(item.id, item.text) for item in self.graph.artifacts if has_outer_label(item)]
        labelled = [(key, name) for key, name in labelled if key in self.scene.boxes and name.strip()]
        for key, name in sorted(labelled, key=lambda item: item[0] not in self.scene.labels):
            label = self.scene.labels.get(key)
            place = outer_label_box(name, self.scene.boxes[key], label)
            if label is None:
                place = places.beside(self.scene.boxes[key], place.width, place.height)
            yield self._label(key, name, places.take(place), max(label.width if label else 0, 90))

    def _label(self, element_id: str, text: str, place: Box, width: float = 90) -> Markup:
        self.label_boxes[element_id] = place
        return tag("g", {"class": self.marking.css(element_id, "label")}, outer_label(text, place, width))

    def _label_places(self) -> LabelPlaces:
        ids = [node.id for node in self.graph.nodes] + [item.id for item in self.graph.artifacts]
        shapes = [key for key in ids if key in self.scene.boxes]
        groups = {item.id for item in self.graph.artifacts if "group" in item.type.lower()}
        hollow = self.scene.expanded | groups
        boxes = self.scene.boxes
        frames = [boxes[key] for key in shapes if key in hollow]
        frames += [boxes[item.id] for item in self.graph.participants if item.id in boxes]
        frames += [boxes[item.id] for item in self.graph.lanes if item.id in boxes]
        return LabelPlaces([boxes[key] for key in shapes if key not in hollow], frames, self.scene.lines.values())
