"""Static pictures of processes: SVG in plain Python, from diagram interchange or our own layout."""

from orchestra_kit.reporting.diagram.draw import describe, draw_process, picture, summary
from orchestra_kit.reporting.diagram.icons import icon_definitions
from orchestra_kit.reporting.diagram.style import diagram_css

__all__ = ["describe", "diagram_css", "draw_process", "icon_definitions", "picture", "summary"]
