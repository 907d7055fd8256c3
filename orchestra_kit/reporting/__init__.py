"""Reports of runs and of plans: the process picture, one self-contained HTML file, JUnit XML and JSON."""

from orchestra_kit.reporting.assembly import build_report, build_run_report, joint_verdict, verdict_of
from orchestra_kit.reporting.diagram import draw_process
from orchestra_kit.reporting.files import write_html, write_json, write_junit, write_plan
from orchestra_kit.reporting.html import render_html
from orchestra_kit.reporting.json_report import render_json, report_schema
from orchestra_kit.reporting.junit import render_junit
from orchestra_kit.reporting.palette import ElementStatus
from orchestra_kit.reporting.plan import plan_fragment, render_plan
from orchestra_kit.reporting.report import RunFacts, RunReport, SuiteReport, Verdict

__all__ = [
    "ElementStatus",
    "RunFacts",
    "RunReport",
    "SuiteReport",
    "Verdict",
    "build_report",
    "build_run_report",
    "draw_process",
    "joint_verdict",
    "plan_fragment",
    "render_html",
    "render_json",
    "render_junit",
    "render_plan",
    "report_schema",
    "verdict_of",
    "write_html",
    "write_json",
    "write_junit",
    "write_plan",
]
