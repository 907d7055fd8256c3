"""What `orchestra scenario inspect` shows of one file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestra_kit.design.arazzo.document import ArazzoDocument, Finding
from orchestra_kit.design.arazzo.importing import import_scenarios
from orchestra_kit.design.arazzo.keeping import FORMAT
from orchestra_kit.design.arazzo.reading import MAX_BYTES, Findings, build, is_arazzo, load
from orchestra_kit.design.documents import Document, read_bytes
from orchestra_kit.design.generation import Author
from orchestra_kit.errors import LimitError, OrchestraError

_NOBODY = Author(tenant_id="-", suite_id="-", actor="-", now=datetime(2000, 1, 1, tzinfo=UTC))


def inspect_scenarios(path: str | Path) -> dict[str, Any]:
    """Return the JSON of `orchestra scenario inspect FILE` (without a database). Never raises on content."""
    shown: dict[str, Any] = {
        "file": str(path), "ok": False, "format": None, "version": None, "workflows": [], "warnings": [],
    }  # fmt: skip
    findings = Findings()
    try:
        document = load(read_bytes(path, most=MAX_BYTES), source=str(path), findings=findings)
        findings.document = document
        if is_arazzo(document.data):
            return {**shown, **_arazzo(build(document, findings))}
        return {**shown, **_definition(document, findings)}
    except OrchestraError as error:
        shown["warnings"] = [item.to_json() for item in (*findings.all(), _problem(error))]
        return shown


def _arazzo(document: ArazzoDocument) -> dict[str, Any]:
    imported = import_scenarios(document, _NOBODY)
    workflows = [
        {
            "workflowId": item.workflow_id,
            "steps": len(item.steps),
            "dependsOn": list(item.depends_on),
            "stepIds": [step.step_id for step in item.steps],
        }
        for item in document.workflows
    ]
    return {
        "ok": document.usable,
        "format": FORMAT,
        "version": document.version or None,
        "workflows": workflows,
        "warnings": [item.to_json() for item in imported.findings],
    }


def _definition(document: Document, findings: Findings) -> dict[str, Any]:
    """Return what a scenario file of our own holds."""
    data = document.data
    if not isinstance(data, Mapping) or not isinstance(data.get("steps"), list) or "key" not in data:
        message = "this is neither an Arazzo document (it has no 'arazzo' version) nor a scenario file (key and steps)."
        findings.add("NOT_A_SCENARIO", (), message, line=1)
        return {"warnings": [item.to_json() for item in findings.all()]}
    waits = data.get("dependsOn")
    depends = (
        [item.get("scenarioKey") for item in waits if isinstance(item, Mapping)] if isinstance(waits, list) else []
    )
    steps = [item for item in data["steps"] if isinstance(item, Mapping)]
    workflow = {
        "workflowId": str(data["key"]),
        "steps": len(steps),
        "dependsOn": depends,
        "stepIds": [str(item.get("alias")) for item in steps],
    }
    warnings = [item.to_json() for item in findings.all()]
    return {"ok": bool(steps), "format": "orchestra", "workflows": [workflow], "warnings": warnings}


def _problem(error: OrchestraError) -> Finding:
    code = "DOCUMENT_TOO_LARGE" if isinstance(error, LimitError) else "DOCUMENT_INVALID"
    message = f"{error.message} {error.hint}" if error.hint else error.message
    return Finding(code=code, where="", message=message, line=error.place.line if error.place else None)
