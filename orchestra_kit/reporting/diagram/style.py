"""The style sheet of the diagram for one theme; literal colours, so that any renderer shows it."""

from __future__ import annotations

from orchestra_kit.reporting.palette import DARK, DIAGRAM_FONT, LIGHT, TONES, ElementStatus, mix, tone_colors


def diagram_css(*, dark: bool = False) -> str:
    """Return the rules for everything below `svg.orc`."""
    ground = DARK if dark else LIGHT
    node = mix(ground.paper, ground.panel, 1) if dark else ground.paper
    rules = [
        _base(ground.ink, node, ground.muted, ground.paper, ground.panel),
        *(_status_rules(status, dark=dark) for status in TONES),
        _heat_rules(ground.paper, dark=dark),
        f".orc .notcovered text.lab{{fill:{ground.muted}}}",
    ]
    return "".join(rules)


def _base(ink: str, node: str, muted: str, paper: str, panel: str) -> str:
    return (
        f".orc{{font:12px {DIAGRAM_FONT};background:{paper}}}"
        f".orc text{{fill:{ink};text-anchor:middle;white-space:pre}}"
        f".orc text.out{{font-size:11px;stroke:{paper};stroke-width:3px;stroke-linejoin:round;paint-order:stroke}}"
        ".orc text.left{text-anchor:start}.orc text.small{font-size:10px}"
        f".orc .frame{{fill:{paper};stroke:{muted};stroke-width:1.2}}.orc text.title{{fill:{muted};font-weight:700}}"
        f".orc .box{{fill:{node};stroke:{ink};stroke-width:2}}"
        ".orc .thin{stroke-width:1.5}.orc .bold{stroke-width:4}"
        ".orc .dash{stroke-dasharray:6 4}.orc .dots{stroke-dasharray:1 5;stroke-linecap:round}"
        f".orc .pool{{fill:{paper};stroke:{ink};stroke-width:1.5}}.orc .lane{{fill:none;stroke:{ink};stroke-width:1.2}}"
        f".orc .band{{fill:{panel};stroke:{ink};stroke-width:1.2}}"
        f".orc .life{{fill:none;stroke:{muted};stroke-width:1.2;stroke-dasharray:4 4}}"
        f".orc .frag{{fill:none;stroke:{muted};stroke-width:1.3}}.orc .cut{{fill:none;stroke:{muted};stroke-dasharray:6 4}}"
        f".orc .memo{{fill:{panel};stroke:{muted};stroke-width:1}}"
        f".orc .group{{fill:none;stroke:{muted};stroke-width:1.5;stroke-dasharray:9 5 2 5}}"
        f".orc .note{{fill:none;stroke:{ink};stroke-width:1.5}}"
        f".orc .o,.orc .m,.orc .t,.orc .g{{fill:none;stroke:{ink};stroke-width:1.2;stroke-linejoin:round;"
        "stroke-linecap:round}"
        f".orc .g{{fill:{node}}}.orc .m{{stroke-width:1.6}}.orc .t{{stroke-width:2.6}}"
        f".orc .s{{fill:{ink};stroke:{ink};stroke-width:1;stroke-linejoin:round}}"
        f".orc .f{{fill:none;stroke:{node};stroke-width:1.3}}.orc .h{{fill:{ink};fill-opacity:.25;stroke:{ink}}}"
        f".orc .line{{fill:none;stroke:{ink};stroke-width:1.6;stroke-linejoin:round}}"
        f".orc .head{{fill:{ink};stroke:{ink};stroke-width:1;stroke-linejoin:round}}.orc .hollow{{fill:{paper}}}"
        f".orc .hit{{fill:none;stroke:{ink};stroke-opacity:0;stroke-width:12}}"
        ".orc .disc{stroke-width:1.5}"
        f".orc .mark{{fill:none;stroke:{paper};stroke-width:2;stroke-linecap:round;stroke-linejoin:round}}"
        f".orc .pill{{fill:{paper};stroke:{muted};stroke-width:1}}.orc .badge text{{font-size:10px;font-weight:700}}"
    )


def _status_rules(status: ElementStatus, *, dark: bool) -> str:
    strong, soft = tone_colors(status, dark=dark)
    name = f".orc .{status.value}"
    ground = DARK if dark else LIGHT
    rules = (
        f"{name} .box{{stroke:{strong};fill:{soft}}}{name} .g{{fill:{soft}}}{name} .f{{stroke:{soft}}}"
        f"{name} .disc{{fill:{strong};stroke:{ground.paper}}}{name} .pill{{stroke:{strong}}}"
        f"{name} .line{{stroke:{strong}}}{name} .head{{fill:{strong};stroke:{strong}}}{name} .hollow{{fill:{ground.paper}}}"
    )
    if status in (ElementStatus.NOT_COVERED, ElementStatus.SKIPPED):
        rules += f"{name} .line{{stroke-width:1.2}}{name} .o,{name} .t,{name} .m,{name} .g{{stroke:{strong}}}"
        rules += f"{name} .s{{fill:{strong};stroke:{strong}}}"
    else:
        rules += f"{name} .line{{stroke-width:3.6}}"
    if status is ElementStatus.FAILED:
        rules += f"{name} .box{{stroke-width:3.5}}"
    return rules


def _heat_rules(paper: str, *, dark: bool) -> str:
    strong, _ = tone_colors(ElementStatus.PASSED, dark=dark)
    levels = ((1, 0.07), (2, 0.15), (3, 0.24), (4, 0.34))
    return "".join(
        f".orc .passed.heat{level} .box,.orc .passed.heat{level} .g{{fill:{mix(paper, strong, share)}}}"
        f".orc .passed.heat{level} .line{{stroke-width:{1.8 + level * 0.7:.1f}}}"
        for level, share in levels
    )
