"""Documents that cannot lie: links lead somewhere, tables agree with the code, schemas are the published ones."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from orchestra_kit.app.schemas import SCHEMAS, schema_of
from orchestra_kit.app.settings import VARIABLES
from orchestra_kit.design import binding
from orchestra_kit.model import Value

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
THREATS = ROOT / "docs" / "reference" / "threats.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_settings_page_lists_exactly_the_variables_that_are_read() -> None:
    text = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, flags=re.MULTILINE))
    assert rows == VARIABLES


def test_binding_page_names_every_field() -> None:
    text = (ROOT / "docs" / "reference" / "orchestra-yaml.md").read_text(encoding="utf-8")
    models = [
        item for item in vars(binding).values()
        if isinstance(item, type) and issubclass(item, Value) and item.__module__ == binding.__name__
    ]  # fmt: skip
    missing = [
        f"{model.__name__}.{info.alias or name}"
        for model in models
        for name, info in model.model_fields.items()
        if f"`{info.alias or name}`" not in text.partition(f"## {model.__name__}\n")[2].partition("\n## ")[0]
    ]
    assert missing == []


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_published_schema_is_the_models_own(name: str) -> None:
    """`orchestra schema --out docs/reference/schemas` writes them."""
    path = ROOT / "docs" / "reference" / "schemas" / f"{name}.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == schema_of(name)


def threat_rows() -> list[tuple[str, list[str]]]:
    text = THREATS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([TA]\d\d) \|.*\| ([^|]+) \|$", text, flags=re.MULTILINE)
    return [(row, re.findall(r"`([^`]+::[^`]+)`", tests)) for row, tests in rows]


def test_threat_table_has_every_row_once() -> None:
    expected = [f"T{number:02}" for number in range(1, 24)] + [f"A{number:02}" for number in range(1, 30)]
    assert [row for row, _ in threat_rows()] == expected


@pytest.mark.parametrize(("row", "tests"), threat_rows(), ids=[row for row, _ in threat_rows()])
def test_threat_row_names_tests_that_exist(row: str, tests: list[str]) -> None:
    if not tests:
        line = re.search(rf"^\| {row} \|.*$", THREATS.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert line is not None and "later" in line.group(), f"{row} names no test and does not say later"
    for name in tests:
        file, _, function = name.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        assert function in defined, f"{row}: {name}"


def test_readme_begins_with_the_two_commands_and_the_makefile_has_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert readme.index("make demo") < readme.index("make test") < readme.index("## Your own process")
    assert re.search(r"^demo:", makefile, flags=re.MULTILINE) and re.search(r"^test:", makefile, flags=re.MULTILINE)


def test_changelog_has_an_unreleased_part() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
