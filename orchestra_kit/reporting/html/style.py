"""The style sheet of the report: light and dark, screen and print. No font, image or sheet is fetched."""

from __future__ import annotations

from orchestra_kit.reporting.diagram import diagram_css
from orchestra_kit.reporting.palette import DARK, LIGHT, MONO, SANS, TONES, tone_colors


def report_css() -> str:
    """Return all rules of the report."""
    dark = f"@media screen and (prefers-color-scheme:dark){{{_variables(dark=True)}{diagram_css(dark=True)}}}"
    return "".join((_variables(dark=False), _tones(), _PAGE, _SECTIONS, _STEPS, _CHARTS, diagram_css(), dark, _PRINT))


def _variables(*, dark: bool) -> str:
    ground = DARK if dark else LIGHT
    tones = ""
    for status in TONES:
        strong, soft = tone_colors(status, dark=dark)
        tones += f"--{status.value}:{strong};--{status.value}-soft:{soft};"
    return (
        f":root{{--ink:{ground.ink};--muted:{ground.muted};--paper:{ground.paper};--panel:{ground.panel};"
        f"--line:{ground.line};--accent:{ground.accent};{tones}}}"
    )


def _tones() -> str:
    return "".join(
        f".{status.value}{{--tone:var(--{status.value});--soft:var(--{status.value}-soft)}}" for status in TONES
    )


_PAGE = f"""
:root{{color-scheme:light dark}}*{{box-sizing:border-box}}
html{{scroll-padding-top:1rem}}
body{{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 {SANS};text-rendering:optimizeLegibility}}
main,header.top,footer{{max-width:1240px;margin:0 auto;padding:0 28px}}
h1{{font-size:30px;line-height:1.2;margin:.1em 0 .3em;letter-spacing:-.02em;overflow-wrap:anywhere}}
h2{{font-size:20px;margin:44px 0 12px;letter-spacing:-.01em}}
h3{{font-size:16px;margin:22px 0 8px}}h4,h5,h6{{margin:14px 0 6px;font-size:13px}}
h6,.eyebrow,dt,th{{font-size:12px;letter-spacing:.02em;color:var(--muted);font-weight:600}}
p{{margin:.4em 0}}a{{color:var(--accent);text-underline-offset:2px}}
a:focus-visible,summary:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,
[tabindex]:focus-visible{{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}}
code,pre{{font-family:{MONO};font-size:12.5px}}
code{{background:var(--panel);border-radius:4px;padding:.1em .35em;overflow-wrap:anywhere}}
.skip{{position:absolute;left:-9999px}}.skip:focus{{left:12px;top:12px;background:var(--paper);padding:8px;z-index:9}}
.quiet{{color:var(--muted)}}.num{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
.chip{{display:inline-flex;align-items:center;gap:.4em;color:var(--tone);background:var(--soft);border:1px solid;
border-color:color-mix(in srgb,var(--tone) 35%,transparent);border-radius:99px;padding:.05em .7em;font-size:13px;
font-weight:600;white-space:nowrap}}
.sg{{color:var(--tone);font-weight:700}}
.tag{{display:inline-block;border:1px solid var(--line);border-radius:5px;padding:0 .45em;font:11.5px/1.6 {MONO};
color:var(--muted);white-space:nowrap}}
.wide{{overflow-x:auto;max-width:100%}}
footer{{color:var(--muted);font-size:13px;padding-top:36px;padding-bottom:48px}}
""".replace("\n", "")

_SECTIONS = """
header.top{padding-top:34px}
.banner{display:flex;gap:18px;align-items:flex-start;background:var(--soft);border:1px solid var(--tone);border-left-width:8px;
border-radius:12px;padding:16px 20px;margin:16px 0 20px}
.banner .big{font-size:34px;line-height:1;color:var(--tone);font-weight:800}
.banner strong{font-size:20px;display:block;color:var(--tone);line-height:1.25}
.banner p{margin:.15em 0 0;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:12px;margin:0;padding:0;list-style:none}
.cards li{border:1px solid var(--line);border-radius:10px;padding:10px 14px;background:var(--panel)}
.cards b{display:block;font-size:25px;line-height:1.25;font-variant-numeric:tabular-nums;letter-spacing:-.02em}
.cards .quiet{font-size:13.5px;display:block;line-height:1.35}.cards .sg{font-size:17px;margin-right:.3em}
.meter{height:6px;border-radius:3px;background:var(--line);margin-top:5px;overflow:hidden;display:flex}
.meter i{display:block;background:var(--passed);border-radius:3px}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:8px 24px;margin:18px 0 0}
dl.facts dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;border-bottom:2px solid var(--line);padding:6px 10px;white-space:nowrap}
td{border-bottom:1px solid var(--line);padding:8px 10px;vertical-align:top;overflow-wrap:anywhere}
tbody tr:hover{background:var(--panel)}td.key{font-weight:600;min-width:150px}
.figure{border:1px solid var(--line);border-radius:12px;background:var(--paper);padding:8px;overflow:auto;max-height:82vh}
.figure svg.orc{display:block;width:100%;height:auto;min-width:calc(var(--w)*.62);max-width:var(--w);margin:0 auto}
.figure.fit svg.orc{min-width:0}
.figure.actual svg.orc{width:var(--w);min-width:var(--w)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 0 0;padding:0;list-style:none;font-size:13px;color:var(--muted)}
.todo{list-style:none;padding:0;margin:0;display:grid;gap:10px}
.todo li{border:1px solid var(--line);border-left:5px solid var(--tone);border-radius:10px;padding:10px 16px}
.todo h3{margin:0 0 2px;font-size:15.5px;overflow-wrap:anywhere}
.todo p{margin:.15em 0;overflow-wrap:anywhere}
.do{display:flex;gap:.5em}.do:before{content:"→";font-weight:700;color:var(--accent)}
.tools{display:flex;flex-wrap:wrap;gap:10px;align-items:center;margin:10px 0}.tools[hidden]{display:none}
button,input,select{font:inherit;font-size:13.5px;color:inherit;background:var(--panel);border:1px solid var(--line);
border-radius:7px;
padding:4px 11px}button{cursor:pointer}button:hover{border-color:var(--accent)}
""".replace("\n", "")

_STEPS = """
details>summary{cursor:pointer}details>summary::marker{color:var(--muted)}
.run{border:1px solid var(--line);border-radius:12px;margin:14px 0;overflow:clip}
.run>summary{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center;padding:12px 18px;background:var(--panel);
border-left:6px solid var(--tone);list-style-position:inside}
.run>summary b{font-size:16px;overflow-wrap:anywhere}.run>summary .end{margin-left:auto;display:flex;gap:14px;align-items:center}
.run>summary:before,.step>summary:before,.fold>summary:before{content:"▸";color:var(--muted);width:1em;flex:none}
.run[open]>summary:before,.step[open]>summary:before,.fold[open]>summary:before{content:"▾"}
.run>summary::-webkit-details-marker,.step>summary::-webkit-details-marker,.fold>summary::-webkit-details-marker{display:none}
.run>.in{padding:6px 20px 20px}.run:target>summary,.step:target>summary{box-shadow:inset 0 0 0 2px var(--accent)}
.fold{margin:10px 0}.fold>summary{display:flex;gap:.3em;font-weight:600;font-size:14px;padding:3px 0}
.step{border:1px solid var(--line);border-radius:9px;margin:7px 0;background:var(--paper)}
.step>summary{display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline;padding:8px 13px;border-left:4px solid var(--tone);
border-radius:9px;list-style:none}
.step>summary .n{color:var(--muted);min-width:1.6em;text-align:right;font-variant-numeric:tabular-nums}
.step>summary b{font-weight:600;overflow-wrap:anywhere}.step>summary .end{margin-left:auto;display:flex;gap:12px}
.step>.in{padding:2px 16px 14px}
.violation{border:1px solid var(--tone);border-left-width:5px;background:var(--soft);border-radius:9px;
padding:10px 15px;margin:10px 0}
.violation .msg{font-weight:600;overflow-wrap:anywhere}
.violation .code,.violation pre{background:var(--paper)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:12px}.side{min-width:0}
.side h6{margin:8px 0 3px}
pre.code{margin:0;padding:8px 0;background:var(--panel);border:1px solid var(--line);border-radius:8px;overflow:auto;
max-height:440px;
line-height:1.5;tab-size:2}
.ln{display:block;padding:0 12px 0 26px;position:relative;white-space:pre-wrap;overflow-wrap:anywhere;min-height:1.5em}
.ln[data-s]:before{content:attr(data-s);position:absolute;left:9px;font-weight:700}
.ln.minus{background:var(--passed-soft);color:var(--ink)}.ln.minus:before{color:var(--passed)}
.ln.plus,.ln.bad{background:var(--failed-soft);color:var(--ink)}.ln.plus:before,.ln.bad:before{color:var(--failed)}
.cut{color:var(--muted);font-size:12.5px;margin:3px 0}
ul.expect{margin:2px 0;padding-left:1.2em}ul.expect li{margin:2px 0;overflow-wrap:anywhere}
.attempt{border-top:1px dashed var(--line);margin-top:14px;padding-top:2px}
table.kv{font-size:13px}table.kv th{border-bottom:1px solid var(--line);font-family:inherit;width:1%;padding:3px 14px 3px 0}
table.kv td{padding:3px 0}
""".replace("\n", "")

_CHARTS = f"""
svg.chart{{display:block;width:100%;min-width:640px;height:auto;font:11.5px {SANS}}}
.chart text{{fill:var(--ink)}}.chart .end{{text-anchor:end}}.chart .mid{{text-anchor:middle}}
.chart .quiet,.chart .tick{{fill:var(--muted)}}.chart .tick{{font-size:10.5px}}.chart .grid{{fill:var(--line)}}
.chart .bar{{fill:var(--soft);stroke:var(--tone);stroke-width:1.2}}.chart .inbar{{font-size:10px;font-weight:700}}
.chart .stem{{fill:var(--muted)}}.chart .limit{{fill:var(--failed)}}.chart .dot{{fill:var(--tone);font-weight:700}}
""".replace("\n", "")

_PRINT = """
@media print{body{font-size:11pt}main,header.top,footer{max-width:none;padding:0}.tools,.skip{display:none}
details::details-content{content-visibility:visible;display:block;block-size:auto}
.run,.step,.violation,.todo li,.figure{break-inside:avoid-page}.run{break-inside:auto}pre.code,.figure{max-height:none;
overflow:visible}
a{color:inherit;text-decoration:none}.figure svg.orc{min-width:0;max-width:100%}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
""".replace("\n", "")
