"""The style sheet of a plan, all of it below `.orc-plan`, so that a notebook around it stays as it is."""

from __future__ import annotations

from orchestra_kit.reporting.diagram import diagram_css
from orchestra_kit.reporting.palette import DARK, LIGHT, MONO, SANS

LIGHT_WAY = "--way:#0a5dc2;--proof:#a63a00;--on:#fff;"
DARK_WAY = "--way:#6cb6ff;--proof:#ffa657;--on:#0d1117;"


def plan_css() -> str:
    """Return all rules of a plan."""
    dark = f"@media screen and (prefers-color-scheme:dark){{{_variables(dark=True)}{diagram_css(dark=True)}}}"
    return "".join((_variables(dark=False), _RULES, diagram_css(), dark, _PRINT))


def _variables(*, dark: bool) -> str:
    ground = DARK if dark else LIGHT
    return (
        f".orc-plan{{--ink:{ground.ink};--muted:{ground.muted};--paper:{ground.paper};--panel:{ground.panel};"
        f"--line:{ground.line};--accent:{ground.accent};{DARK_WAY if dark else LIGHT_WAY}}}"
    )


_RULES = f"""
.orc-plan{{color-scheme:light dark;background:var(--paper);color:var(--ink);font:15px/1.55 {SANS};padding:4px 2px}}
.orc-plan *{{box-sizing:border-box}}
.orc-plan h1{{font-size:28px;line-height:1.2;margin:.1em 0 .3em;letter-spacing:-.02em;overflow-wrap:anywhere}}
.orc-plan h2{{font-size:20px;margin:40px 0 8px;overflow-wrap:anywhere}}.orc-plan h3{{font-size:15.5px;margin:20px 0 6px}}
.orc-plan p{{margin:.4em 0}}.orc-plan a{{color:var(--accent)}}
.orc-plan .quiet{{color:var(--muted)}}.orc-plan .eyebrow{{font-size:12px;color:var(--muted);font-weight:600}}
.orc-plan .lead{{font-size:17px}}
.orc-plan code{{font-family:{MONO};font-size:12.5px;background:var(--panel);border-radius:4px;padding:.1em .35em;
overflow-wrap:anywhere}}
.orc-plan table{{border-collapse:collapse;width:100%;font-size:14px;margin:8px 0;background:none}}
.orc-plan th,.orc-plan td{{text-align:left;border:0;border-bottom:1px solid var(--line);padding:6px 10px;vertical-align:top;
overflow-wrap:anywhere;background:none;color:inherit;max-width:none;white-space:normal}}
.orc-plan thead th{{border-bottom:2px solid var(--line);font-size:12px;color:var(--muted);overflow-wrap:normal}}
.orc-plan .num{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
.orc-plan .wide{{overflow-x:auto;max-width:100%}}
.orc-plan .figure{{border:1px solid var(--line);border-radius:12px;background:var(--paper);padding:8px;overflow:auto;
max-height:82vh;margin:8px 0}}
.orc-plan svg.map{{display:block;width:100%;height:auto;min-width:calc(var(--w)*.6);max-width:calc(var(--w)*1.25);
margin:0 auto}}
.orc-plan .store{{position:absolute;width:0;height:0;overflow:hidden}}
.orc-plan .way{{stroke:var(--way);stroke-width:4.5;stroke-linejoin:round;fill:var(--way);fill-opacity:.12;stroke-opacity:.85}}
.orc-plan .proof{{stroke:var(--proof);stroke-width:6;stroke-linejoin:round;fill:var(--proof);fill-opacity:.14;
stroke-opacity:.85}}
.orc-plan .sent{{stroke:var(--proof);stroke-width:4;stroke-dasharray:9 5;fill:none}}
.orc-plan .gone{{stroke:var(--muted);stroke-width:5;stroke-dasharray:2 6;fill:none}}
.orc-plan .n rect{{fill:var(--way)}}.orc-plan .c rect{{fill:var(--proof)}}.orc-plan .u rect{{fill:var(--muted)}}
.orc-plan .n rect,.orc-plan .c rect,.orc-plan .u rect{{stroke:var(--paper);stroke-width:1.5}}
.orc-plan .n text,.orc-plan .c text,.orc-plan .u text{{fill:var(--on);font:700 11px {SANS};text-anchor:middle}}
.orc-plan .u text{{fill:var(--paper)}}
.orc-plan .mark{{display:inline-block;min-width:1.7em;padding:0 .45em;border-radius:99px;background:var(--proof);
color:var(--on);font-weight:700;font-size:12.5px;text-align:center}}
.orc-plan ol.proof-list{{list-style:none;padding:0;margin:6px 0;fill:none;stroke:none}}
.orc-plan ol.proof-list li{{margin:3px 0;overflow-wrap:anywhere}}
.orc-plan details{{margin:8px 0}}.orc-plan summary{{cursor:pointer}}
.orc-plan details.scenario{{border:1px solid var(--line);border-radius:10px;background:var(--paper)}}
.orc-plan details.scenario>summary{{padding:8px 14px;background:var(--panel);border-radius:10px}}
.orc-plan details.scenario>summary b{{overflow-wrap:anywhere}}
.orc-plan details.scenario>.in{{padding:4px 16px 12px}}
.orc-plan ol.steps{{columns:300px 3;column-gap:28px;font-size:13.5px;padding-left:2.2em;margin:8px 0}}
.orc-plan ol.steps li{{break-inside:avoid;overflow-wrap:anywhere}}
.orc-plan .tools{{display:flex;gap:10px;margin:10px 0}}.orc-plan .tools[hidden]{{display:none}}
.orc-plan button{{font:inherit;font-size:13.5px;color:inherit;background:var(--panel);border:1px solid var(--line);
border-radius:7px;padding:4px 11px;cursor:pointer}}
.orc-plan summary:focus-visible,.orc-plan a:focus-visible,.orc-plan button:focus-visible,
.orc-plan [tabindex]:focus-visible{{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}}
""".replace("\n", "")

_PRINT = (
    "@media print{.orc-plan details::details-content{content-visibility:visible;display:block;block-size:auto}"
    ".orc-plan .figure{max-height:none;overflow:visible;break-inside:avoid-page}.orc-plan .tools{display:none}"
    ".orc-plan svg.map{min-width:0}}"
)

PAGE_CSS = (
    ":root{color-scheme:light dark}body{margin:0;background:#ffffff}"
    "body>.orc-plan{max-width:1240px;margin:0 auto;padding:28px}"
    f"@media screen and (prefers-color-scheme:dark){{body{{background:{DARK.paper}}}}}"
)
