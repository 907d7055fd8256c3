"""The HTML report: one self-contained file."""

from orchestra_kit.reporting.html.page import SIZE_LIMIT, render_html

__all__ = ["SIZE_LIMIT", "render_html"]
