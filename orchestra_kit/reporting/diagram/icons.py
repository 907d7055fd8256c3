"""Little signs of BPMN elements as SVG paths: event triggers, task kinds, gateway and activity markers, status signs."""

from __future__ import annotations

import math
from collections.abc import Callable

from orchestra_kit.reporting.markup import EMPTY, Markup, join, number, tag
from orchestra_kit.reporting.palette import ElementStatus


def path(data: str, css: str) -> Markup:
    """Return a path of one of the classes `o` (outline), `s` (solid) or `t` (thick line)."""
    return tag("path", {"class": css, "d": data})


def circle(x: float, y: float, radius: float, css: str) -> Markup:
    """Return a circle."""
    return tag("circle", {"class": css, "cx": number(x), "cy": number(y), "r": number(radius)})


def event_icon(kind: str, x: float, y: float, radius: float, *, throwing: bool) -> Markup:
    """Return the trigger sign of an event around its centre; `throwing` ones are filled."""
    solid = "s" if throwing else "o"
    draw = _EVENT_ICONS.get(kind)
    return draw(x, y, radius / 18, solid) if draw else EMPTY


def _points(x: float, y: float, scale: float, *pairs: tuple[float, float]) -> str:
    return "M" + "L".join(f"{number(x + px * scale)} {number(y + py * scale)}" for px, py in pairs)


def envelope(x: float, y: float, scale: float, css: str) -> Markup:
    """Return an envelope; a solid one has a light flap."""
    body = path(_points(x, y, scale, (-9, -6), (9, -6), (9, 6), (-9, 6)) + "Z", css)
    flap = path(_points(x, y, scale, (-9, -6), (0, 1), (9, -6)), "f" if css == "s" else "o")
    return join(body, flap)


def _timer(x: float, y: float, scale: float, _css: str) -> Markup:
    ticks = "".join(
        _points(x, y, scale, *((math.sin(a) * r, -math.cos(a) * r) for r in (8.2, 10)))
        for a in (hour * math.pi / 6 for hour in range(12))
    )
    hands = _points(x, y, scale, (2, -7), (0, 0), (5, 1))
    return join(circle(x, y, 10.5 * scale, "o"), path(ticks + hands, "o"))


def _error(x: float, y: float, scale: float, css: str) -> Markup:
    return path(_points(x, y, scale, (-9, 8), (-4, -7), (3, 1.5), (8.5, -9), (4, 7), (-3, -1.5)) + "Z", css)


def _signal(x: float, y: float, scale: float, css: str) -> Markup:
    return path(_points(x, y, scale, (0, -9.5), (9.5, 7), (-9.5, 7)) + "Z", css)


def _escalation(x: float, y: float, scale: float, css: str) -> Markup:
    return path(_points(x, y, scale, (0, -10), (7.5, 9), (0, 1), (-7.5, 9)) + "Z", css)


def _terminate(x: float, y: float, scale: float, _css: str) -> Markup:
    return circle(x, y, 10.5 * scale, "s")


def rewind(x: float, y: float, scale: float, css: str) -> Markup:
    """Return the two triangles of compensation."""
    one = _points(x, y, scale, (-10, 0), (-0.5, -7), (-0.5, 7)) + "Z"
    two = _points(x, y, scale, (-0.5, 0), (9, -7), (9, 7)) + "Z"
    return path(one + two, css)


def _conditional(x: float, y: float, scale: float, _css: str) -> Markup:
    sheet = _points(x, y, scale, (-7, -9), (7, -9), (7, 9), (-7, 9)) + "Z"
    lines = "".join(_points(x, y, scale, (-4.5, at), (4.5, at)) for at in (-5.5, -1.8, 1.8, 5.5))
    return path(sheet + lines, "o")


def _link(x: float, y: float, scale: float, css: str) -> Markup:
    shape = ((-9, -4), (2, -4), (2, -8.5), (10, 0), (2, 8.5), (2, 4), (-9, 4))
    return path(_points(x, y, scale, *shape) + "Z", css)


def _cancel(x: float, y: float, scale: float, css: str) -> Markup:
    a, b, c = 9.0, 6.0, 3.0
    shape = ((-a, -b), (-b, -a), (0, -c), (b, -a), (a, -b), (c, 0), (a, b), (b, a), (0, c), (-b, a), (-a, b), (-c, 0))
    return path(_points(x, y, scale, *shape) + "Z", css)


def pentagon(x: float, y: float, scale: float, css: str) -> Markup:
    """Return a regular pentagon."""
    corners = ((math.sin(k * 2 * math.pi / 5) * 10, -math.cos(k * 2 * math.pi / 5) * 10) for k in range(5))
    return path(_points(x, y, scale, *corners) + "Z", css)


def _cross(x: float, y: float, scale: float, css: str) -> Markup:
    a, b = 10.0, 3.0
    shape = ((-b, -a), (b, -a), (b, -b), (a, -b), (a, b), (b, b), (b, a), (-b, a), (-b, b), (-a, b), (-a, -b), (-b, -b))
    return path(_points(x, y, scale, *shape) + "Z", css)


_EVENT_ICONS: dict[str, Callable[[float, float, float, str], Markup]] = {
    "message": envelope,
    "timer": _timer,
    "error": _error,
    "signal": _signal,
    "escalation": _escalation,
    "terminate": _terminate,
    "compensate": rewind,
    "compensation": rewind,
    "conditional": _conditional,
    "link": _link,
    "cancel": _cancel,
    "multiple": pentagon,
    "parallelMultiple": _cross,
}


def task_icon(kind: str, x: float, y: float) -> Markup:
    """Return the sign of a task kind in the 20 by 20 box whose top left corner is (x, y)."""
    draw = _TASK_ICONS.get(kind)
    return draw(x + 10, y + 10) if draw else EMPTY


GEAR_ID = "orc-gear"


def icon_definitions() -> Markup:
    """Return the shapes that pictures refer to; a page with many pictures needs them once."""
    return tag("defs", None, tag("path", {"id": GEAR_ID, "d": _gear_outline()}))


def _gear_outline() -> str:
    outer, inner, hole, teeth = 7.2, 5.3, 2.6, 8
    rim: list[tuple[float, float]] = []
    for tooth in range(teeth):
        for share, radius in ((-0.27, inner), (-0.17, outer), (0.17, outer), (0.27, inner)):
            angle = (tooth + share) * 2 * math.pi / teeth
            rim.append((math.sin(angle) * radius, -math.cos(angle) * radius))
    ring = f"M{number(hole)} 0A{hole} {hole} 0 1 1 {number(-hole)} 0A{hole} {hole} 0 1 1 {number(hole)} 0Z"
    return _points(0, 0, 1, *rim) + "Z" + ring


def _service(x: float, y: float) -> Markup:
    """Two gears; the second hides part of the first."""
    places = ((x - 2, y - 2), (x + 2.4, y + 2.4))
    return join([tag("use", {"class": "g", "href": f"#{GEAR_ID}", "x": number(a), "y": number(b)}) for a, b in places])


def _user(x: float, y: float) -> Markup:
    shoulders = f"M{number(x - 8)} {number(y + 8.5)}v-3.5c0-3 2-4.6 5-5.4l3 2.2 3-2.2c3 .8 5 2.4 5 5.4v3.5z"
    sleeves = f"M{number(x - 4.6)} {number(y + 8.5)}v-3.4M{number(x + 4.6)} {number(y + 8.5)}v-3.4"
    hair = f"M{number(x - 3.9)} {number(y - 5.2)}c1.6 1.2 3.6-.6 4.3-.6s2 1.4 3.5.6c0-2.4-1.6-4.2-3.9-4.2s-3.9 1.8-3.9 4.2z"
    return join(path(shoulders + sleeves, "o"), circle(x, y - 4.6, 4, "o"), path(hair, "s"))


def _manual(x: float, y: float) -> Markup:
    start = f"M{number(x - 9)} {number(y - 1.5)}"
    hand = (
        "c1.5-3 3.6-4.6 5-5h4.6c1.7 0 1.7 2.4 0 2.4h-3.2h10c1.8 0 1.8 2.5 0 2.5h-6h7c1.8 0 1.8 2.5 0 2.5h-7h6"
        "c1.7 0 1.7 2.4 0 2.4h-6h4.4c1.7 0 1.7 2.3 0 2.3h-7.8c-3 0-5.4-1.4-7-3z"
    )
    return path(start + hand, "o")


def _rule(x: float, y: float) -> Markup:
    left, top = number(x - 9), y - 7
    frame = f"M{left} {number(top)}h18v14h-18z"
    lines = f"M{left} {number(top + 9.3)}h18M{number(x - 3.5)} {number(top + 4.6)}v9.4"
    head = f"M{left} {number(top)}h18v4.6h-18z"
    return join(path(frame + lines, "o"), path(head, "h"))


def _script(x: float, y: float) -> Markup:
    sheet = (
        f"M{number(x + 4)} {number(y + 8)}c4-3.4-4.4-8 1.5-16h-10c-5.9 8 2.5 12.6-1.5 16z"
        f"M{number(x - 5)} {number(y - 4.5)}h7.6M{number(x - 5.4)} {number(y - 1.4)}h7.2"
        f"M{number(x - 4)} {number(y + 1.6)}h7.2M{number(x - 2.8)} {number(y + 4.7)}h7.2"
    )
    return path(sheet, "o")


_TASK_ICONS: dict[str, Callable[[float, float], Markup]] = {
    "serviceTask": _service,
    "userTask": _user,
    "manualTask": _manual,
    "businessRuleTask": _rule,
    "scriptTask": _script,
    "sendTask": lambda x, y: envelope(x, y, 0.95, "s"),
    "receiveTask": lambda x, y: envelope(x, y, 0.95, "o"),
}


def gateway_marker(kind: str, x: float, y: float, scale: float) -> Markup:
    """Return the marker inside a gateway's diamond; `scale` is 1 for the usual size of 50."""
    if kind == "exclusiveGateway":
        strokes = _points(x, y, scale, (-7, -8.5), (7, 8.5)) + _points(x, y, scale, (7, -8.5), (-7, 8.5))
        return path(strokes, "t")
    if kind == "parallelGateway":
        return path(_points(x, y, scale, (0, -11), (0, 11)) + _points(x, y, scale, (-11, 0), (11, 0)), "t")
    if kind == "inclusiveGateway":
        return circle(x, y, 11 * scale, "t")
    if kind == "complexGateway":
        lines = ((0, -11, 0, 11), (-11, 0, 11, 0), (-7.8, -7.8, 7.8, 7.8), (7.8, -7.8, -7.8, 7.8))
        return path("".join(_points(x, y, scale, (a, b), (c, d)) for a, b, c, d in lines), "t")
    if kind == "eventBasedGateway":
        rings = join(circle(x, y, 13.5 * scale, "o"), circle(x, y, 10.8 * scale, "o"))
        return join(rings, pentagon(x, y, 0.68 * scale, "o"))
    if kind == "instantiatingEventBasedGateway":
        return join(circle(x, y, 13.5 * scale, "o"), pentagon(x, y, 0.76 * scale, "o"))
    if kind == "parallelEventBasedGateway":
        return join(circle(x, y, 13.5 * scale, "o"), _cross(x, y, 0.86 * scale, "o"))
    return EMPTY


def activity_marker(kind: str, x: float, y: float) -> Markup:
    """Return a marker (14 wide) of the bottom line of an activity, around its centre."""
    if kind == "collapsed":
        plus = _points(x, y, 1, (-4, 0), (4, 0)) + _points(x, y, 1, (0, -4), (0, 4))
        return path(_points(x, y, 1, (-7, -7), (7, -7), (7, 7), (-7, 7)) + "Z" + plus, "o")
    if kind == "standard":
        arc = f"M{number(x - 2.5)} {number(y + 5.6)}a6 6 0 1 1 4.4 .2"
        return path(arc + _points(x, y, 1, (-6.8, 5.8), (-2.4, 5.8), (-2.4, 1.4)), "m")
    if kind == "parallel":
        return path("".join(_points(x, y, 1, (at, -6), (at, 6)) for at in (-4.5, 0, 4.5)), "t")
    if kind == "sequential":
        return path("".join(_points(x, y, 1, (-6, at), (6, at)) for at in (-4.5, 0, 4.5)), "t")
    if kind == "adHoc":
        return path(f"M{number(x - 7)} {number(y + 2)}c2-6 5-4.6 7-2s5 4 7-2", "t")
    if kind == "compensation":
        return rewind(x, y, 0.8, "o")
    return EMPTY


def status_sign(status: ElementStatus, x: float, y: float) -> Markup:
    """Return a round badge with the status's sign, drawn, so that no font is needed."""
    return tag("g", {"class": "sign"}, circle(x, y, 8, "disc"), path(_SIGNS[status](x, y), "mark"))


_SIGNS: dict[ElementStatus, Callable[[float, float], str]] = {
    ElementStatus.PASSED: lambda x, y: _points(x, y, 1, (-4, 0.3), (-1.2, 3.2), (4, -3.2)),
    ElementStatus.FAILED: lambda x, y: (
        _points(x, y, 1, (-3.2, -3.2), (3.2, 3.2)) + _points(x, y, 1, (3.2, -3.2), (-3.2, 3.2))
    ),
    ElementStatus.FLAKY: lambda x, y: (
        f"M{number(x + 3.4)} {number(y + 1.4)}a3.7 3.7 0 1 1-.4-3.6"
        + _points(x, y, 1, (3.9, -4.6), (3.4, -1.8), (0.6, -2.3))
    ),
    ElementStatus.UNJUDGED: lambda x, y: (
        f"M{number(x - 2.3)} {number(y - 2)}c0-3.4 4.8-3.2 4.8-.2 0 2-2.4 1.9-2.4 3.8v.3"
        + _points(x, y, 1, (0.1, 4.3), (0.1, 4.6))
    ),
    ElementStatus.RUNNING: lambda x, y: _points(x, y, 1, (-2, -3.6), (3.6, 0), (-2, 3.6)) + "Z",
    ElementStatus.SKIPPED: lambda x, y: _points(x, y, 1, (-3.6, 0), (3.6, 0)),
    ElementStatus.NOT_COVERED: lambda x, y: _points(x, y, 1, (-3, 0), (-3, 0.1)),
}
