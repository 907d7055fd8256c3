"""Plans shown: sizes and bounds as a table, the certificate in words, each scenario's way on the picture."""

from orchestra_kit.reporting.plan.page import plan_fragment, render_plan

__all__ = ["plan_fragment", "render_plan"]
