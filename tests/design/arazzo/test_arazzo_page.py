"""The page about Arazzo names every field of the specification, and every extension and gap there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from arazzo_schema import schema

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "arazzo.md").read_text(encoding="utf-8")
OBJECTS = {
    "source": "Source Description", "workflow": "Workflow", "step": "Step", "parameter": "Parameter", "body": "Request Body",
    "replacement": "Payload Replacement", "criterion": "Criterion", "success": "Success Action", "failure": "Failure Action",
}  # fmt: skip


def fields_on_the_page(name: str) -> set[str]:
    rows = re.findall(rf"^\| {name} \| ([^|]+) \|", PAGE, flags=re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", " ".join(rows)))


@pytest.mark.parametrize("name", OBJECTS)
def test_every_field_of_an_object_has_its_place(name: str) -> None:
    definition = schema("1.1").schema["$defs"][name]
    inherited = {"name", "type", "stepId", "workflowId", "criteria", "parameters"}
    ours = fields_on_the_page(OBJECTS[name]) | (inherited if name in ("success", "failure") else set())
    elsewhere = {"requestBody", "successCriteria", "onSuccess", "onFailure", "parameters", "outputs"}
    assert set(definition["properties"]) - ours - (elsewhere if name == "step" else set()) == set()
    assert ours


def test_every_extension_is_told() -> None:
    sources = (ROOT / "orchestra_kit" / "design" / "arazzo").glob("*.py")
    written = {
        name for path in sources for name in re.findall(r'"(x-orchestra[a-z-]*)"', path.read_text(encoding="utf-8"))
    }
    assert written
    assert {name for name in written if f"`{name}`" not in PAGE} == set()


def test_every_code_is_told() -> None:
    sources = (ROOT / "orchestra_kit" / "design" / "arazzo").glob("*.py")
    written = {
        name
        for path in [*sources, ROOT / "orchestra_kit" / "design" / "yaml_reading.py"]
        for name in re.findall(r'"([A-Z][A-Z_]{2,})"', path.read_text(encoding="utf-8"))
    } - {"MISSING_INPUT", "TRUE", "FALSE", "NULL"}  # a gap of every import; words of YAML
    assert len(written) > 40
    assert {name for name in written if f"`{name}`" not in PAGE} == set()
