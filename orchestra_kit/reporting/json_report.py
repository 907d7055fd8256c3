"""The report as JSON, and the JSON Schema it follows."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from orchestra_kit.reporting.report import REPORT_FORMAT, SuiteReport

# A broken answer may hold half of a surrogate pair: no UTF-8 file can.
_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")


def render_json(report: SuiteReport) -> str:
    """Return the report as indented JSON text; the graph the pictures are drawn from is no part of it."""
    document = report.model_dump(mode="python", by_alias=True)
    written = json.dumps(document, ensure_ascii=False, indent=2, default=_plain) + "\n"
    return _HALF_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", written)


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the JSON report."""
    schema = SuiteReport.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{REPORT_FORMAT.replace('/', ':')}",
        **schema,
        "title": "Orchestra test report",
    }


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
