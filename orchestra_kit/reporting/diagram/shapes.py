"""Drawing of nodes, pools, lanes and artifacts as SVG."""

from __future__ import annotations

from orchestra_kit.model import Artifact, FlowNode, NodeType
from orchestra_kit.reporting.diagram.icons import (
    activity_marker,
    circle,
    event_icon,
    gateway_marker,
    path,
    task_icon,
)
from orchestra_kit.reporting.diagram.metrics import FONT_SIZE, LINE_HEIGHT, text_width, wrap
from orchestra_kit.reporting.diagram.scene import Box
from orchestra_kit.reporting.markup import EMPTY, Markup, join, number, tag

OUTER_SIZE = 11.0
OUTER_LINE = 13.0
SMALL_SIZE = 10.0
SMALL_LINE = 11.6


def rectangle(box: Box, css: str, radius: float = 0) -> Markup:
    """Return a rectangle, rounded when a radius is given."""
    return tag(
        "rect",
        {
            "class": css,
            "x": number(box.x),
            "y": number(box.y),
            "width": number(box.width),
            "height": number(box.height),
            "rx": number(radius) if radius else None,
        },
    )


def text_lines(lines: list[str], x: float, y: float, *, css: str, line_height: float = LINE_HEIGHT) -> Markup:
    """Return lines of text; `y` is the baseline of the first one."""
    if not lines:
        return EMPTY
    if len(lines) == 1:
        return tag("text", {"class": css, "x": number(x), "y": number(y)}, lines[0])
    spans = [
        tag("tspan", {"x": number(x), "y": number(y + index * line_height)}, line) for index, line in enumerate(lines)
    ]
    return tag("text", {"class": css}, spans)


def centered_text(text: str, box: Box, *, padding: float = 5, room: float | None = None) -> Markup:
    """Return text in the middle of a box, wrapped by width and cut where it does not fit."""
    height = room if room is not None else box.height - 2 * padding
    lines = wrap(text, max(box.width - 2 * padding, 20), most=max(int(height / LINE_HEIGHT), 1))
    x, middle = box.center
    return text_lines(lines, x, middle - (len(lines) - 1) * LINE_HEIGHT / 2 + 4.2, css="lab")


def outer_label_box(text: str, box: Box, label: Box | None) -> Box:
    """Return where the label outside a small shape stands: where the file says, else below the shape."""
    width = max(label.width if label else 0, 90)
    lines = wrap(text, width, size=OUTER_SIZE)
    widest = max((text_width(line, OUTER_SIZE) for line in lines), default=0)
    height = len(lines) * OUTER_LINE
    if label is None:
        x, top = box.center[0], box.bottom + 4
    else:
        x, top = label.center[0], label.y
    return Box(x - widest / 2, top, widest, height)


def outer_label(text: str, place: Box, width: float = 90) -> Markup:
    """Return a label outside a shape, with a halo so that lines below do not disturb it."""
    lines = wrap(text, max(place.width + 0.5, width), size=OUTER_SIZE)
    return text_lines(lines, place.center[0], place.y + 10, css="lab out", line_height=OUTER_LINE)


def node_body(node: FlowNode, box: Box, *, expanded: bool) -> Markup:
    """Return the shape of a node with its icon and inner label, without any outer label."""
    if node.type.is_event:
        return _event(node, box)
    if node.type.is_gateway:
        return _gateway(node, box)
    people = node.extensions.get("participants")
    if node.type in _CHOREOGRAPHY and isinstance(people, list) and people and not expanded:
        return _choreography(node, box, [item for item in people if isinstance(item, dict)])
    return _activity(node, box, expanded=expanded)


def outline(node: FlowNode, box: Box, anchor: str) -> Markup:
    """Return the bare outline of a node without any style, to be referred to by its anchor."""
    x, y = box.center
    if node.type.is_event:
        radius = number(min(box.width, box.height) / 2)
        return tag("circle", {"id": anchor, "cx": number(x), "cy": number(y), "r": radius})
    if node.type.is_gateway:
        return tag("path", {"id": anchor, "d": _diamond(box)})
    return tag(
        "rect",
        {
            "id": anchor,
            "x": number(box.x),
            "y": number(box.y),
            "width": number(box.width),
            "height": number(box.height),
            "rx": 10,
        },
    )


def trigger_of(node: FlowNode) -> str:
    """Return the trigger of an event as a short word: message, timer, ..., multiple, parallelMultiple, or '' for none."""
    kinds = [kind.removesuffix("EventDefinition") for kind in node.event_definitions]
    if len(kinds) > 1:
        return "parallelMultiple" if node.extensions.get("parallelMultiple") in (True, "true", "1") else "multiple"
    return kinds[0] if kinds else ""


def _event(node: FlowNode, box: Box) -> Markup:
    (x, y), radius = box.center, min(box.width, box.height) / 2
    dashed = "" if node.cancel_activity else " dash"
    throwing = node.type in (NodeType.END_EVENT, NodeType.INTERMEDIATE_THROW_EVENT, NodeType.IMPLICIT_THROW_EVENT)
    icon = event_icon(trigger_of(node), x, y, radius * 0.9, throwing=throwing)
    if node.type is NodeType.START_EVENT:
        return join(circle(x, y, radius, "box" + dashed), icon)
    if node.type is NodeType.END_EVENT:
        return join(circle(x, y, radius - 1, "box bold"), icon)
    inner = circle(x, y, radius - 3.5, "box thin" + dashed)
    return join(circle(x, y, radius, "box thin" + dashed), inner, icon)


def _gateway(node: FlowNode, box: Box) -> Markup:
    x, y = box.center
    scale = min(box.width, box.height) / 50
    return join(path(_diamond(box), "box"), gateway_marker(gateway_kind(node), x, y, scale))


def _diamond(box: Box) -> str:
    x, y = box.center
    return (
        f"M{number(x)} {number(box.y)}L{number(box.right)} {number(y)}L{number(x)} {number(box.bottom)}"
        f"L{number(box.x)} {number(y)}Z"
    )


def gateway_kind(node: FlowNode) -> str:
    """Return the type of a gateway; event-based ones that start a process have markers of their own."""
    if node.type is NodeType.EVENT_BASED_GATEWAY:
        if node.extensions.get("eventGatewayType") == "Parallel":
            return "parallelEventBasedGateway"
        if node.extensions.get("instantiate") in (True, "true", "1"):
            return "instantiatingEventBasedGateway"
    return node.type.value


_CHOREOGRAPHY = (NodeType.CHOREOGRAPHY_TASK, NodeType.CALL_CHOREOGRAPHY, NodeType.SUB_CHOREOGRAPHY)
BAND_HEIGHT = 20.0


def _choreography(node: FlowNode, box: Box, people: list[dict[str, object]]) -> Markup:
    """Return a choreography activity: who takes part in bands above and below; those who answer are shaded."""
    parts = [rectangle(box, "box bold" if node.type is NodeType.CALL_CHOREOGRAPHY else "box")]
    height = min(BAND_HEIGHT, box.height / (len(people) + 2))
    upper, lower = box.y, box.bottom
    for index, person in enumerate(people):
        above = index % 2 == 0
        band = Box(box.x, upper if above else lower - height, box.width, height)
        upper, lower = (upper + height, lower) if above else (upper, lower - height)
        name = str(person.get("name") or person.get("id") or "")
        parts.append(rectangle(band, "box thin" if person.get("initiating") else "band"))
        parts.append(centered_text(name, band, padding=4, room=LINE_HEIGHT))
    middle = Box(box.x, upper, box.width, lower - upper)
    markers = _markers(node, expanded=False)
    parts.append(_task_text(node.name, middle, icon=False, markers=bool(markers)))
    start = middle.center[0] - (len(markers) - 1) * 9
    parts += [activity_marker(kind, start + index * 18, middle.bottom - 9.5) for index, kind in enumerate(markers)]
    return join(parts)


def is_roomy(box: Box) -> bool:
    """True for a box large enough that something may be drawn inside it."""
    return box.width >= 200 and box.height >= 130


def _activity(node: FlowNode, box: Box, *, expanded: bool) -> Markup:
    css = "box"
    if node.type in (NodeType.CALL_ACTIVITY, NodeType.CALL_CHOREOGRAPHY):
        css += " bold"
    if node.triggered_by_event:
        css += " dots"
    parts = [rectangle(box, css, 10)]
    if node.type is NodeType.TRANSACTION:
        inner = Box(box.x + 3.5, box.y + 3.5, box.width - 7, box.height - 7)
        parts.append(rectangle(inner, "box thin", 7))
    markers = _markers(node, expanded=expanded)
    if expanded or is_roomy(box):
        head = Box(box.x, box.y + 3, box.width, LINE_HEIGHT + 6)
        parts.append(centered_text(node.name, head, padding=12, room=LINE_HEIGHT))
    else:
        icon = task_icon(node.type.value, box.x + 4, box.y + 3)
        parts += [icon, _task_text(node.name, box, icon=bool(len(icon)), markers=bool(markers))]
    start = box.center[0] - (len(markers) - 1) * 9
    parts += [activity_marker(kind, start + index * 18, box.bottom - 9.5) for index, kind in enumerate(markers)]
    return join(parts)


def _task_text(text: str, box: Box, *, icon: bool, markers: bool) -> Markup:
    """Return the name of a task: in the middle when there is room, else between its icon and its markers, smaller when
    it would not fit there either."""
    if not text.strip():
        return EMPTY
    bottom = box.bottom - (18 if markers else 4)
    size, line_height, css = FONT_SIZE, LINE_HEIGHT, "lab"
    room = bottom - box.y - (22 if icon else 4)
    lines = wrap(text, max(box.width - 10, 20))
    if len(lines) * line_height > room and not _clear_of_icon(lines, box, size, icon=icon):
        size, line_height, css = SMALL_SIZE, SMALL_LINE, "lab small"
        lines = wrap(text, max(box.width - 8, 20), size=size)
    lines = wrap(text, max(box.width - 8, 20), size=size, most=max(int((bottom - box.y - 4) / line_height), 1))
    height = len(lines) * line_height
    top = box.center[1] - height / 2
    if icon and lines and text_width(lines[0], size) > box.width - 48:
        top = max(top, box.y + 22)
    top = max(min(top, bottom - height), box.y + 3)
    return text_lines(lines, box.center[0], top + size * 0.95, css=css, line_height=line_height)


def _clear_of_icon(lines: list[str], box: Box, size: float, *, icon: bool) -> bool:
    """True when centred text may reach up beside the icon, because its first line is short."""
    fits = len(lines) * LINE_HEIGHT <= box.height - 8
    return fits and (not icon or text_width(lines[0], size) <= box.width - 52)


def _markers(node: FlowNode, *, expanded: bool) -> list[str]:
    markers = [node.loop.kind] if node.loop else []
    if node.extensions.get("isForCompensation") in (True, "true"):
        markers.append("compensation")
    if node.type is NodeType.AD_HOC_SUB_PROCESS:
        markers.append("adHoc")
    collapsible = node.type.is_container or node.type is NodeType.CALL_ACTIVITY
    if collapsible and not expanded:
        markers.append("collapsed")
    return markers


def pool(name: str, box: Box, *, vertical: bool, css: str, band: float = 30, black_box: bool = False) -> Markup:
    """Return a pool or lane with its name along the short side; a black-box pool has it in the middle."""
    frame = rectangle(box, css)
    if black_box:
        return join(frame, centered_text(name, box))
    if vertical:
        head = Box(box.x, box.y, box.width, band)
        return join(frame, rectangle(head, "band"), centered_text(name, head))
    head = Box(box.x, box.y, min(band, box.width), box.height)
    return join(frame, rectangle(head, "band"), turned_text(name, head))


def lane(name: str, box: Box, *, vertical: bool) -> Markup:
    """Return a lane: a frame and its name along the short side."""
    frame = rectangle(box, "lane")
    if vertical:
        return join(frame, centered_text(name, Box(box.x, box.y, box.width, 30)))
    return join(frame, turned_text(name, Box(box.x, box.y, min(30, box.width), box.height)))


def turned_text(text: str, box: Box) -> Markup:
    """Return text that runs upwards in the middle of a box."""
    lines = wrap(text, max(box.height - 10, 20), most=2 if box.width >= 28 else 1)
    x, y = box.center
    shown = text_lines(lines, 0, 4.2 - (len(lines) - 1) * LINE_HEIGHT / 2, css="lab")
    return tag("g", {"transform": f"translate({number(x)} {number(y)}) rotate(-90)"}, shown)


def artifact_body(artifact: Artifact, box: Box) -> Markup:
    """Return a data object, data store, annotation or group."""
    kind = artifact.type.lower()
    if "annotation" in kind:
        return _annotation(artifact.text, box)
    if "group" in kind:
        title = tag("text", {"class": "lab", "x": number(box.center[0]), "y": number(box.y + 16)}, artifact.text)
        return join(rectangle(box, "group", 10), title if artifact.text else None)
    if "store" in kind:
        return _data_store(box)
    return _data_object(box, kind, collection=artifact.is_collection)


def has_outer_label(artifact: Artifact) -> bool:
    """True for data objects and stores, whose name stands below them."""
    kind = artifact.type.lower()
    return "annotation" not in kind and "group" not in kind


def _annotation(text: str, box: Box) -> Markup:
    reach = min(10.0, box.width)
    bracket = f"M{number(box.x + reach)} {number(box.y)}H{number(box.x)}V{number(box.bottom)}H{number(box.x + reach)}"
    lines = wrap(text, max(box.width - 10, 30), most=max(int((box.height + 8) / LINE_HEIGHT), 1))
    top = box.center[1] - (len(lines) - 1) * LINE_HEIGHT / 2 + 4.2
    return join(path(bracket, "note"), text_lines(lines, box.x + 6, top, css="lab left"))


def _data_object(box: Box, kind: str, *, collection: bool) -> Markup:
    fold = min(box.width, box.height) * 0.28
    sheet = (
        f"M{number(box.x)} {number(box.y)}H{number(box.right - fold)}L{number(box.right)} {number(box.y + fold)}"
        f"V{number(box.bottom)}H{number(box.x)}Z"
    )
    corner = f"M{number(box.right - fold)} {number(box.y)}v{number(fold)}h{number(fold)}"
    parts = [path(sheet, "box thin"), path(corner, "note")]
    x, y = box.x + 5, box.y + 7
    if "input" in kind or "output" in kind:
        arrow = f"M{number(x)} {number(y + 2)}h6v-3.5l6 6-6 6v-3.5h-6z"
        parts.append(path(arrow, "s" if "output" in kind else "o"))
    if collection:
        bars = "".join(f"M{number(box.center[0] + at)} {number(box.bottom - 11)}v9" for at in (-4, 0, 4))
        parts.append(path(bars, "m"))
    return join(parts)


def _data_store(box: Box) -> Markup:
    rim = box.height * 0.12
    left, right = number(box.x), number(box.right)
    half = number(box.width / 2)

    def arc(y: float, sweep: int) -> str:
        return f"M{left} {number(y)}A{half} {number(rim)} 0 0 {sweep} {right} {number(y)}"

    top, bottom = box.y + rim, box.bottom - rim
    body = (
        f"M{left} {number(top)}A{half} {number(rim)} 0 0 1 {right} {number(top)}V{number(bottom)}"
        f"A{half} {number(rim)} 0 0 1 {left} {number(bottom)}Z"
    )
    rings = "".join(arc(top + step * 6, 0) for step in range(3))
    return join(path(body, "box thin"), path(rings, "note"))
