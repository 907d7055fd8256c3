"""The maps of a plan: each process is drawn once, and every scenario's picture refers to that one drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestra_kit.model import ControlFlowGraph, Diagram, FlowNode, SourceType
from orchestra_kit.reporting.diagram.draw import draw_scene
from orchestra_kit.reporting.diagram.edges import middle_of, way_of
from orchestra_kit.reporting.diagram.fragments import is_step
from orchestra_kit.reporting.diagram.metrics import text_width
from orchestra_kit.reporting.diagram.parts import corners_of, of_process
from orchestra_kit.reporting.diagram.scene import Box, DrawnScene, around
from orchestra_kit.reporting.diagram.sequence import frame_key
from orchestra_kit.reporting.diagram.shapes import outline
from orchestra_kit.reporting.markup import Markup, join, number, tag

MOST_NUMBERS = 3
"""A flow that is taken more often shows its first numbers and an ellipsis."""
PILL = 15.0


class Map:
    """One drawing and the outlines of its elements, defined once and referred to by their anchors."""

    def __init__(self, graph: ControlFlowGraph, prefix: str) -> None:
        self._drawn: DrawnScene = draw_scene(graph, terse=True)
        self._prefix = prefix
        self._nodes = {node.id: node for node in graph.nodes}
        self._ends = {flow.id: (flow.target, flow.source) for flow in graph.flows}
        self._steps = graph.source_type is SourceType.SEQUENCE
        self._inside = _children(graph)
        self._anchors: dict[str, str] = {}
        self._shapes: list[Markup] = []

    def shows(self, container: str, elements: Iterable[str]) -> bool:
        """True when at least one flow, or failing that one node, of a container can be seen here."""
        scene = self._drawn.scene
        wanted = [item for item in elements if item not in self._nodes] or self._inside.get(container, [])
        return self._steps or any(item in scene.lines or item in scene.boxes for item in wanted)

    def is_step(self, node_id: str) -> bool:
        """True for what a sequence diagram shows as a row."""
        return node_id in self._nodes and is_step(self._nodes[node_id])

    def _shown(self, element_id: str) -> str:
        """Return what stands for an element in the picture: sequence diagrams show messages, not the flows between."""
        if element_id in self._drawn.scene.lines or element_id not in self._ends:
            return element_id
        return next((end for end in self._ends[element_id] if end in self._drawn.scene.boxes), element_id)

    def definitions(self) -> Markup:
        """Return the drawing and outlines; to be asked for last, since only what pictures used is in it."""
        return tag("defs", None, tag("g", {"id": self._prefix, "class": "orc"}, self._drawn.body), self._shapes)

    def walk(self, title: str, container: str, path: Sequence[str], visits: Iterable[str]) -> Markup:
        """Return the picture of one scenario: its way in colour, its flows numbered in firing order."""
        numbers: dict[str, list[int]] = {}
        visits = [item for item in visits if not self._steps or self.is_step(item)]
        for index, element in enumerate(visits if self._steps else path):
            numbers.setdefault(element, []).append(index + 1)
        shown = [self._use(item) for item in dict.fromkeys((*visits, *numbers))]
        pills = [self._pill(flow_id, _numbers_text(items), "n") for flow_id, items in numbers.items()]
        return self._frame(title, container, tag("g", {"class": "way"}, shown), pills)

    def play(self, title: str, flows: Iterable[str], order: Sequence[str], messages: Iterable[str]) -> Markup:
        """Return the picture of a run of several processes: elements numbered in the order in which they fire."""
        numbers: dict[str, list[int]] = {}
        for index, node in enumerate(order):
            numbers.setdefault(node, []).append(index + 1)
        walked = [self._use(item) for item in dict.fromkeys((*order, *flows))]
        sent = [self._use(item) for item in dict.fromkeys(messages)]
        pills = [self._pill(node, _numbers_text(items), "n") for node, items in numbers.items()]
        return self._frame(title, "", tag("g", {"class": "way"}, walked), tag("g", {"class": "sent"}, sent), pills)

    def overview(self, title: str, container: str, marks: Mapping[str, str], lost: Iterable[str]) -> Markup:
        """Return the picture of a container: the flows of its certificate by letter, what is unreachable crossed out."""
        proof = [self._use(item) for item in marks]
        pills = [self._pill(item, text, "c") for item, text in marks.items()]
        dead = list(lost)
        gone = [self._use(item) for item in dead]
        pills += [self._pill(item, "✗", "u") for item in dead]
        return self._frame(
            title, container, tag("g", {"class": "proof"}, proof), tag("g", {"class": "gone"}, gone), pills
        )

    def _frame(self, title: str, container: str, *content: Markup | list[Markup] | list[Markup | None]) -> Markup:
        view = self._view(container)
        return tag(
            "svg",
            {
                "class": "map",
                "role": "img",
                "aria-label": title,
                "viewBox": " ".join(number(value) for value in (view.x, view.y, view.width, view.height)),
                "style": f"--w:{round(view.width)}px",
            },
            tag("title", None, title),
            tag("use", {"href": f"#{self._prefix}"}),
            *content,
        )

    def _view(self, container: str) -> Box:
        """Return the part of the drawing that shows a container: a sub-process fills its picture."""
        boxes = self._drawn.scene.boxes
        if container not in self._nodes:
            return self._drawn.view
        if container in self._drawn.scene.expanded and container in boxes:
            return boxes[container].grown(30)
        inside = [boxes[item] for item in self._inside.get(container, []) if item in boxes]
        return around(corners_of(inside)).grown(50) if inside else self._drawn.view

    def _frame_of(self, flow_id: str) -> Box | None:
        _, source = self._ends.get(flow_id, ("", ""))
        return self._drawn.scene.labels.get(frame_key(source))

    def _use(self, element_id: str) -> Markup | None:
        element_id = self._shown(element_id)
        if element_id not in self._anchors:
            anchor = f"{self._prefix}e{len(self._anchors)}"
            shape = self._shape(element_id, anchor)
            if shape is None:
                return None
            self._anchors[element_id] = anchor
            self._shapes.append(shape)
        return tag("use", {"href": f"#{self._anchors[element_id]}"})

    def _shape(self, element_id: str, anchor: str) -> Markup | None:
        line = self._drawn.scene.lines.get(element_id)
        if line is not None:
            return tag("path", {"id": anchor, "d": way_of(line), "fill": "none"})
        node, box = self._nodes.get(element_id), self._drawn.scene.boxes.get(element_id)
        return outline(node, box, anchor) if node is not None and box is not None else None

    def _pill(self, element_id: str, text: str, css: str) -> Markup | None:
        element_id = self._shown(element_id)
        line, box = self._drawn.scene.lines.get(element_id), self._drawn.scene.boxes.get(element_id)
        if line is not None:
            x, y = middle_of(line)
        elif box is not None:
            x, y = box.x + 4, box.y + 4
        elif (frame := self._frame_of(element_id)) is not None:
            x, y = frame.center[0], frame.bottom  # the way past a fragment
        else:
            return None
        width = max(text_width(text, 11) + 8, PILL)
        place = {
            "x": number(x - width / 2),
            "y": number(y - PILL / 2),
            "width": number(width),
            "height": number(PILL),
            "rx": number(PILL / 2),
        }
        return tag("g", {"class": css}, tag("rect", place), tag("text", {"x": number(x), "y": number(y + 3.9)}, text))


class Atlas:
    """Finds for each container the map that shows it, drawing one where there is none yet."""

    def __init__(self, graph: ControlFlowGraph, prefix: str) -> None:
        self._graph, self._prefix = graph, prefix
        self._processes: dict[str, Map] = {}
        self._others: dict[str, Map] = {}
        self._whole: Map | None = None

    def whole(self) -> Map:
        """Return the map of all processes with the messages between them."""
        if self._whole is None:
            self._whole = Map(self._graph, f"{self._prefix}w")
        return self._whole

    def map_of(self, process_id: str, container: str, elements: Sequence[str]) -> Map:
        """Return the map of a process, or of a container alone that the process's own diagram does not open."""
        if process_id not in self._processes:
            known = any(node.process_id == process_id for node in self._graph.nodes)
            part = of_process(self._graph, process_id) if known else self._graph
            self._processes[process_id] = Map(part, self._next())
        found = self._processes[process_id]
        if found.shows(container, elements):
            return found
        if container not in self._others:
            self._others[container] = Map(_inside_of(self._graph, container), self._next())
        return self._others[container]

    def definitions(self) -> Markup:
        """Return what the pictures refer to; to be asked for after the last of them."""
        drawn = [*self._processes.values(), *self._others.values(), *([self._whole] if self._whole else [])]
        return join(*(item.definitions() for item in drawn))

    def _next(self) -> str:
        return f"{self._prefix}{len(self._processes) + len(self._others)}"


def _numbers_text(numbers: Sequence[int]) -> str:
    shown = ",".join(str(item) for item in numbers[:MOST_NUMBERS])
    return f"{shown},…" if len(numbers) > MOST_NUMBERS else shown


def _children(graph: ControlFlowGraph) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in graph.nodes:
        found.setdefault(node.container, []).append(node.id)
    return found


def _inside_of(graph: ControlFlowGraph, container: str) -> ControlFlowGraph:
    """Return what a container holds at any depth, to be laid out by us."""
    nodes: list[FlowNode] = []
    held = {container}
    grown = True
    while grown:
        nodes = [node for node in graph.nodes if node.container in held]
        grown = not held.issuperset(node.id for node in nodes)
        held |= {node.id for node in nodes}
    ids = {node.id for node in nodes}
    return graph.model_copy(
        update={
            "nodes": tuple(node.model_copy(update={"lane_id": None}) for node in nodes),
            "flows": tuple(flow for flow in graph.flows if flow.source in ids and flow.target in ids),
            "lanes": (),
            "participants": (),
            "message_flows": (),
            "artifacts": (),
            "associations": (),
            "diagram": Diagram(),
        }
    )
