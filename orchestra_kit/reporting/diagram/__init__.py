"""Static pictures of processes: SVG in plain Python, from diagram interchange or our own layout."""

from orchestra_kit.reporting.diagram.draw import draw_process, picture
from orchestra_kit.reporting.diagram.icons import icon_definitions
from orchestra_kit.reporting.diagram.parts import describe, describe_flow, of_process, summary
from orchestra_kit.reporting.diagram.style import diagram_css

__all__ = [
    "describe",
    "describe_flow",
    "diagram_css",
    "draw_process",
    "icon_definitions",
    "of_process",
    "picture",
    "summary",
]
