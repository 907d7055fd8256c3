"""The report as JSON, and the JSON Schema it follows."""

from __future__ import annotations

import json
from typing import Any

from orchestra_kit.reporting.report import REPORT_FORMAT, SuiteReport


def render_json(report: SuiteReport) -> str:
    """Return the report as indented JSON text; the graph the pictures are drawn from is no part of it."""
    return json.dumps(report.to_json(), ensure_ascii=False, indent=2, default=str) + "\n"


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the JSON report."""
    schema = SuiteReport.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{REPORT_FORMAT.replace('/', ':')}",
        **schema,
        "title": "Orchestra test report",
    }
