"""Our own layout for files without diagram interchange: layered, left to right, orthogonal lines, pools and lanes."""

from __future__ import annotations

from itertools import pairwise

from orchestra_kit.model import ControlFlowGraph, FlowNode, MessageFlow, SequenceFlow
from orchestra_kit.reporting.diagram.metrics import text_width, wrap
from orchestra_kit.reporting.diagram.ranking import Link, Ranked, rank_cells
from orchestra_kit.reporting.diagram.rows import COLUMN_GAP, PADDING, TRACK, Cell, Rows, Tracks
from orchestra_kit.reporting.diagram.scene import Box, Line, Point, Scene, natural_size, straight

BAND = 30.0
POOL_GAP = 40.0


def lay_out(graph: ControlFlowGraph) -> Scene:
    """Return a scene of the whole graph: each process by itself, pools one below the other."""
    scene = Scene()
    pools = {item.process_id: item for item in graph.participants if item.process_id}
    top = 0.0
    widest = 0.0
    for process_id in dict.fromkeys(node.process_id for node in graph.nodes):
        inner, size = _Container(graph, process_id, process_id).place()
        lanes = _leaf_lanes(graph, process_id)
        pool = pools.get(process_id)
        left = BAND * (bool(pool) + bool(lanes))
        scene.add(inner, left, top)
        if pool:
            scene.boxes[pool.id] = Box(0, top, size[0] + left, size[1])
        for lane in lanes:
            box = scene.boxes[lane]
            scene.boxes[lane] = Box(box.x - BAND, box.y, box.width + BAND, box.height)
        top += size[1] + POOL_GAP
        widest = max(widest, size[0] + left)
    for item in graph.participants:
        if item.id not in scene.boxes:
            scene.boxes[item.id] = Box(0, top, max(widest, 300), 60)
            top += 60 + POOL_GAP
    _stretch_pools(graph, scene, widest)
    _place_artifacts(graph, scene)
    _route_messages(graph, scene)
    return scene


def _route_messages(graph: ControlFlowGraph, scene: Scene) -> None:
    """Give each message flow a track of its own between the pools, and a place of its own at the nodes it ties."""
    used: dict[str, int] = {}
    for index, flow in enumerate(graph.message_flows):
        source, target = scene.boxes.get(flow.source), scene.boxes.get(flow.target)
        if source is None or target is None:
            continue
        gap = _gap_between(graph, scene, flow)
        track = gap + (index % 5 - 2) * 7 if gap is not None else None
        ports = (_port(flow.source, source, used), _port(flow.target, target, used))
        scene.lines[flow.id] = Line(_upright(source, target, track, ports))


def _port(node_id: str, box: Box, used: dict[str, int]) -> float:
    """Return how far aside from the middle the next line at a node begins: 0, then right and left in turns."""
    number = used[node_id] = used.get(node_id, -1) + 1
    step = 12.0 if box.width > 60 else 7.0
    aside = (number + 1) // 2 * step * (1 if number % 2 else -1)
    room = box.width / 2 - 6
    return max(-room, min(room, aside))


def _leaf_lanes(graph: ControlFlowGraph, process_id: str) -> list[str]:
    parents = {lane.parent_id for lane in graph.lanes}
    return [lane.id for lane in graph.lanes if lane.process_id == process_id and lane.id not in parents]


def _stretch_pools(graph: ControlFlowGraph, scene: Scene, widest: float) -> None:
    lanes = {lane.id for lane in graph.lanes}
    pools = {item.id for item in graph.participants}
    for key in (lanes | pools) & scene.boxes.keys():
        box = scene.boxes[key]
        scene.boxes[key] = Box(box.x, box.y, max(widest - box.x, box.width), box.height)


def _place_artifacts(graph: ControlFlowGraph, scene: Scene) -> None:
    """Put each artifact above what it is tied to, else in a row below everything."""
    ties: dict[str, str] = {}
    for item in graph.associations:
        ties.setdefault(item.source, item.target)
        ties.setdefault(item.target, item.source)
    extent = scene.extent()
    x = extent.x
    for artifact in graph.artifacts:
        if "group" in artifact.type.lower():
            continue  # a group says nothing but where it is drawn
        note = "annotation" in artifact.type.lower()
        height = 14.4 * len(wrap(artifact.text, 130)) + 8 if note else 50
        width = 140 if note else 36
        host = scene.boxes.get(ties.get(artifact.id, ""))
        place = Box(host.x, host.y - height - 24, width, height) if host else Box(x, extent.bottom + 40, width, height)
        while any(_overlap(place, box) for key, box in scene.boxes.items() if key != ties.get(artifact.id)):
            place = Box(x, extent.bottom + 40, width, height)
            x += max(width, 90) + 30
        scene.boxes[artifact.id] = place
    for item in graph.associations:
        source, target = scene.boxes.get(item.source), scene.boxes.get(item.target)
        if source and target:
            scene.lines[item.id] = Line(straight(source, target))


def _overlap(one: Box, two: Box) -> bool:
    return one.x < two.right and two.x < one.right and one.y < two.bottom and two.y < one.bottom


def _gap_between(graph: ControlFlowGraph, scene: Scene, flow: MessageFlow) -> float | None:
    """Return the height of the free strip beside the pool a message comes from, on the side it goes to."""
    process_of = {node.id: node.process_id for node in graph.nodes}
    pool_of = {item.process_id: item.id for item in graph.participants if item.process_id}
    ends = [scene.boxes.get(pool_of.get(process_of.get(end, ""), end)) for end in (flow.source, flow.target)]
    source, target = ends
    if source is None or target is None or source == target:
        return None
    return source.bottom + POOL_GAP / 2 if target.y >= source.bottom else source.y - POOL_GAP / 2


def _upright(source: Box, target: Box, gap: float | None, ports: tuple[float, float]) -> tuple[Point, ...]:
    """Return a message flow between pools: down or up, with one step aside in the strip between them where needed."""
    down = target.y >= source.y
    sx, tx = source.center[0] + ports[0], target.center[0] + ports[1]
    if target.width > 200:
        tx = sx
    elif source.width > 200:
        sx = tx
    start = (sx, source.bottom if down else source.y)
    end = (tx, target.y if down else target.bottom)
    if abs(sx - tx) < 1:
        return start, end
    middle = gap if gap is not None else (start[1] + end[1]) / 2
    return start, (sx, middle), (tx, middle), end


class _Container:
    """The layout of one process or sub-process; what it contains is laid out first, as cells."""

    def __init__(self, graph: ControlFlowGraph, container: str, process_id: str, depth: int = 0) -> None:
        self.graph, self.container, self.process_id, self.depth = graph, container, process_id, depth
        known = {node.id for node in graph.nodes}
        inside = [node for node in graph.nodes if node.container == container]
        if depth == 0:
            inside += [
                node
                for node in graph.nodes
                if node.process_id == process_id and node.container != process_id and node.container not in known
            ]
        ids = {node.id for node in inside}
        self.boundary = [node for node in inside if node.attached_to in ids]
        attached = {node.id for node in self.boundary}
        self.nodes = [node for node in inside if node.id not in attached]
        self.host = {node.id: node.attached_to or node.id for node in inside}
        self.hosts = {node.attached_to for node in self.boundary}
        self.flows = [flow for flow in graph.flows if flow.source in ids and flow.target in ids]
        self.cells: dict[str, Cell] = {}
        self.scene = Scene()
        self._depth_below: dict[str, float] = {}

    def place(self) -> tuple[Scene, tuple[float, float]]:
        """Return the scene of the inside, its origin at (0, 0), and its width and height."""
        for node in self.nodes:
            self.cells[node.id] = self._cell(node)
        links = [
            Link(flow.id, self.host[flow.source], self.host[flow.target])
            for flow in self.flows
            if self.host[flow.source] in self.cells and self.host[flow.target] in self.cells
        ]
        bands, lanes = self._bands()
        ranked = rank_cells([node.id for node in self.nodes], links, bands)
        columns = self._columns(ranked)
        rows = Rows(ranked, self.cells, self._lane_of(ranked, bands), len(lanes))
        for node in self.nodes:
            self._put(node, columns[ranked.rank[node.id]][0], rows.middle[node.id])
        self._put_boundary()
        self._route(ranked, columns, rows)
        lowest = self._lowest() + PADDING
        width = columns[-1][0] + columns[-1][1] / 2 + PADDING if columns else 200
        for index, lane in enumerate(lanes):
            self.scene.boxes[lane] = Box(0, rows.tops[index], width, rows.tops[index + 1] - rows.tops[index])
        return self.scene, (width, max(rows.tops[-1], 0 if lanes else lowest))

    def _lowest(self) -> float:
        boxes = (*self.scene.boxes.values(), *self.scene.labels.values())
        ends = [y for line in self.scene.lines.values() for _, y in line.points]
        return max([box.bottom for box in boxes] + ends, default=0)

    def _cell(self, node: FlowNode) -> Cell:
        if node.type.is_container and any(child.container == node.id for child in self.graph.nodes) and self.depth < 12:
            scene, (width, height) = _Container(self.graph, node.id, self.process_id, self.depth + 1).place()
            return Cell(max(width, text_width(node.name) + 40), height, scene)
        width, height = natural_size(node)
        if node.type.is_activity:
            extra = 22.0 if node.id in self.hosts else 0.0
            return Cell(width, height + 2 * extra)
        lines = wrap(node.name, 90, size=11)
        label = 13.0 * len(lines) + 4 if lines else 0.0
        room = max([width, *(text_width(line, 11) for line in lines)])
        return Cell(room, height + label, shift=label / 2)

    def _bands(self) -> tuple[dict[str, int], list[str]]:
        if self.depth:
            return {}, []
        lanes = _leaf_lanes(self.graph, self.process_id)
        index = {lane: number for number, lane in enumerate(lanes)}
        return {node.id: index.get(node.lane_id or "", 0) for node in self.nodes}, lanes

    def _lane_of(self, ranked: Ranked, bands: dict[str, int]) -> dict[str, int]:
        lane_of = dict(bands)
        for chain in ranked.chains.values():
            for cell in chain[1:-1]:
                lane_of[cell] = bands.get(chain[-1], 0)
        return lane_of

    def _columns(self, ranked: Ranked) -> list[tuple[float, float]]:
        """Return the middle and width of each rank, with room between them for labels and turning lines."""
        named = {flow.id: text_width(flow.name, 11) for flow in self.flows}
        leaving = self._leaving(ranked)
        columns: list[tuple[float, float]] = []
        x = PADDING + (6 if self.depth else 0)
        for rank, column in enumerate(ranked.columns):
            width = max((self.cells[cell].width for cell in column if cell in self.cells), default=20)
            columns.append((x + width / 2, width))
            keys = leaving.get(rank, ())
            label = max((min(named.get(key, 0), 90) for key in keys), default=0)
            x += width + max(COLUMN_GAP, label + 34, TRACK * len(keys) + 24)
        return columns

    def _leaving(self, ranked: Ranked) -> dict[int, list[str]]:
        """Return for each rank the flows that cross the gap right of it."""
        found: dict[int, list[str]] = {}
        for key, chain in ranked.chains.items():
            for rank in {min(pair) for pair in pairwise(ranked.rank[cell] for cell in chain)}:
                found.setdefault(rank, []).append(key)
        return found

    def _put(self, node: FlowNode, x: float, y: float) -> None:
        cell = self.cells[node.id]
        if cell.scene.boxes:
            box = Box(x - cell.width / 2, y - cell.height / 2, cell.width, cell.height)
            self.scene.add(cell.scene, box.x, box.y)
            self.scene.expanded.add(node.id)
        else:
            width, height = natural_size(node)
            box = Box(x - width / 2, y - height / 2 - cell.shift, width, height)
        self.scene.boxes[node.id] = box

    def _put_boundary(self) -> None:
        by_host: dict[str, list[FlowNode]] = {}
        for node in self.boundary:
            by_host.setdefault(self.host[node.id], []).append(node)
        for host, events in by_host.items():
            box = self.scene.boxes.get(host)
            if box is None:
                continue
            for index, event in enumerate(reversed(events)):
                x = box.right - 18 - index * 44
                place = Box(x - 18, box.bottom - 18, 36, 36)
                self.scene.boxes[event.id] = place
                self._depth_below[event.id] = 14 + index * 8

    def _route(self, ranked: Ranked, columns: list[tuple[float, float]], rows: Rows) -> None:
        tracks, middle = Tracks(columns), rows.middle
        corners = self._corners(ranked, middle)
        for flow in sorted(self.flows, key=lambda flow: self._drop(flow, ranked, middle)):
            chain = ranked.chains.get(flow.id)
            source, target = self.scene.boxes.get(flow.source), self.scene.boxes.get(flow.target)
            if chain is None or source is None or target is None:
                continue
            first = self._leave(flow, source)
            heights = _level([first[-1][1], *(middle[cell] for cell in chain[1:-1]), target.center[1]])
            if flow.id in corners and self.host[flow.source] == flow.source:
                corner = source.y if heights[1] < heights[0] else source.bottom
                first = [(source.center[0], corner), (source.center[0], heights[1])]
                heights[0] = heights[1]
            ranks = [ranked.rank[cell] for cell in chain]
            if flow.id in ranked.backward:
                below = rows.below(flow.id)
                turns = tracks.back(ranks[0], ranks[-1], heights[0], below, heights[-1])
            else:
                turns = tracks.forth(ranks, heights)
            tidy = _without_needless([*first, *turns, (target.x, heights[-1])])
            self.scene.lines[flow.id] = Line(tidy, _label_place(flow, tidy))

    def _corners(self, ranked: Ranked, middle: dict[str, float]) -> set[str]:
        """Return the outermost flows of each gateway: they leave by its upper and lower corner, when nothing is in the
        way. The gateway's label moves out of their way too."""
        found: set[str] = set()
        leaving: dict[str, list[SequenceFlow]] = {}
        for flow in self.flows:
            leaving.setdefault(flow.source, []).append(flow)
        for node in self.nodes:
            if not node.type.is_gateway:
                continue
            own = self.scene.boxes[node.id]
            column = ranked.columns[ranked.rank[node.id]]
            ends = [
                (middle[ranked.chains[flow.id][1]] - self._aim(ranked.chains[flow.id][1]), flow.id)
                for flow in leaving.get(node.id, ())
                if flow.id in ranked.chains and flow.id not in ranked.backward
            ]
            used: list[bool] = []
            for y, flow_id in (min(ends), max(ends)) if ends else ():
                low, high = sorted((y, own.center[1]))
                others = (middle[cell] for cell in column if cell != node.id)
                if abs(y - own.center[1]) > 30 and not any(low - 10 < other < high + 10 for other in others):
                    found.add(flow_id)
                    used.append(y > own.center[1])
            if True in used and node.name.strip():
                self._label_aside(node, own, above=False not in used)
        return found

    def _aim(self, cell: str) -> float:
        return self.cells[cell].shift if cell in self.cells else 0.0

    def _label_aside(self, node: FlowNode, box: Box, *, above: bool) -> None:
        lines = wrap(node.name, 90, size=11)
        height, width = 13.0 * len(lines), max(text_width(line, 11) for line in lines)
        x = box.center[0] - width / 2 if above else box.center[0] - width - 6
        self.scene.labels[node.id] = Box(x, box.y - height + (-3 if above else 4), width, height)

    def _drop(self, flow: SequenceFlow, ranked: Ranked, middle: dict[str, float]) -> float:
        chain = ranked.chains.get(flow.id, ())
        heights = [middle[cell] for cell in chain]
        return heights[1] - heights[0] if len(heights) > 1 else 0.0

    def _leave(self, flow: SequenceFlow, source: Box) -> list[Point]:
        if self.host[flow.source] == flow.source:
            return [(source.right, source.center[1])]
        x, _ = source.center
        return [(x, source.bottom), (x, source.bottom + self._depth_below.get(flow.source, 14))]


def _level(heights: list[float]) -> list[float]:
    """Return the heights with steps too small to look meant taken out: a line may meet a shape just off its middle."""
    level = heights[:1]
    for height in heights[1:]:
        level.append(level[-1] if abs(height - level[-1]) <= 5 else height)
    return level


def _without_needless(points: list[Point]) -> tuple[Point, ...]:
    kept: list[Point] = []
    for point in points:
        if kept and abs(kept[-1][0] - point[0]) < 0.5 and abs(kept[-1][1] - point[1]) < 0.5:
            continue
        if len(kept) >= 2 and _in_line(kept[-2], kept[-1], point):
            kept[-1] = point
        else:
            kept.append(point)
    return tuple(kept)


def _in_line(one: Point, two: Point, three: Point) -> bool:
    same_x = abs(one[0] - two[0]) < 0.5 and abs(two[0] - three[0]) < 0.5
    same_y = abs(one[1] - two[1]) < 0.5 and abs(two[1] - three[1]) < 0.5
    return same_x or same_y


def _label_place(flow: SequenceFlow, points: tuple[Point, ...]) -> Box | None:
    """Return a place above the last level piece of a line that is long enough, else above the first one."""
    if not flow.name.strip() or len(points) < 2:
        return None
    lines = wrap(flow.name, 90, size=11)
    width = max(text_width(line, 11) for line in lines)
    height = 13.0 * len(lines)
    pieces = [(a, b) for a, b in pairwise(points) if abs(a[1] - b[1]) < 0.5]
    if not pieces:
        return None
    start, end = next((piece for piece in reversed(pieces) if abs(piece[1][0] - piece[0][0]) >= width), pieces[-1])
    left = min(start[0], end[0])
    middle = left + max(abs(end[0] - start[0]) - 10, 0) / 2
    return Box(middle - width / 2, start[1] - height - 3, width, height)
