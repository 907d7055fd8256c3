"""Arazzo documents through the command: inspected, imported, exported, and refused with one message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import CommandLine, Write
from order_shop import PROJECT

from orchestra_kit.design.arazzo.reading import read_arazzo

DOCUMENTS = Path(__file__).parents[1] / "design" / "arazzo" / "documents"
EVERYTHING = DOCUMENTS / "everything-1.0.arazzo.yaml"


def data_of(path: Path) -> object:
    return read_arazzo(path.read_bytes(), source=str(path)).raw


def flow(**step: object) -> dict[str, object]:
    return {
        "arazzo": "1.0.1",
        "info": {"title": "Small", "version": "1"},
        "sourceDescriptions": [{"name": "shop", "url": "./openapi.yaml", "type": "openapi"}],
        "workflows": [{"workflowId": "small", "steps": [{"stepId": "a", "operationId": "getOrder", **step}]}],
    }


def test_inspect_prints_one_line_a_file(orchestra: CommandLine, write: Write) -> None:
    broken = write("broken.yaml", "a: [")
    answer = orchestra("scenario", "inspect", *sorted(DOCUMENTS.iterdir()), broken, "--json")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert [(item["ok"], item["format"], [one["steps"] for one in item["workflows"]]) for item in lines] == [
        (True, "arazzo", [1, 5, 1]), (True, "arazzo", [4, 1]), (False, None, []),
    ]  # fmt: skip
    assert lines[0]["workflows"][1]["dependsOn"] == ["log-in"]
    assert lines[2]["warnings"][0]["code"] == "DOCUMENT_INVALID"
    assert answer.code == 2


def test_inspect_tells_people_line_and_code(orchestra: CommandLine) -> None:
    answer = orchestra.done("scenario", "inspect", EVERYTHING)
    assert "place order: 5 steps, after log-in" in answer.out
    assert "warning XPATH at line 124, /workflows/1/steps/1/successCriteria/8" in answer.out


@pytest.mark.parametrize("path", sorted(DOCUMENTS.iterdir()), ids=lambda path: path.stem)
def test_a_stored_document_comes_back_as_it_was(orchestra: CommandLine, tmp_path: Path, path: Path) -> None:
    made = orchestra.json("scenario", "import", path)
    assert made["created"]
    suite = made["suite"]["key"]
    assert suite == path.name.removesuffix(".arazzo.yaml")
    orchestra.done("scenario", "export", suite, "--format", "arazzo", "--out", tmp_path / "back.yaml")
    assert data_of(tmp_path / "back.yaml") == data_of(path)
    assert orchestra.json("scenario", "export", suite, "--format", "arazzo") == data_of(path)
    again = orchestra.json("scenario", "import", tmp_path / "back.yaml", "--suite", suite)
    assert {item["version"] for item in again["scenarios"]} == {1}  # nothing changed


def test_a_scenario_file_carries_its_source_along(orchestra: CommandLine, tmp_path: Path) -> None:
    orchestra.json("scenario", "import", EVERYTHING, "--suite", "a")
    for key in ("log-in", "place-order", "report"):
        orchestra.done("scenario", "export", f"a/{key}", "--out", tmp_path / f"{key}.yaml")
        assert orchestra.json("scenario", "import", tmp_path / f"{key}.yaml", "--suite", "a")["version"] == 1
    assert orchestra.json("scenario", "export", "a", "--format", "arazzo") == data_of(EVERYTHING)


def test_an_edit_makes_a_new_version_and_shows_in_the_export(
    orchestra: CommandLine, write: Write, tmp_path: Path
) -> None:
    orchestra.json("scenario", "import", EVERYTHING, "--suite", "a")
    content = orchestra.json("scenario", "export", "a/report")
    content["steps"][0]["expectations"] = {"expectedStatusCode": 202}
    assert orchestra.json("scenario", "import", write("report.json", content), "--suite", "a")["version"] == 2
    workflows = orchestra.json("scenario", "export", "a", "--format", "arazzo")["workflows"]
    assert workflows[2]["steps"][0]["successCriteria"] == [{"condition": "$statusCode == 202"}]
    assert workflows[:2] == data_of(EVERYTHING)["workflows"][:2]  # type: ignore[index]


def test_gaps_keep_a_scenario_a_draft(orchestra: CommandLine) -> None:
    made = orchestra.done("scenario", "import", EVERYTHING, "--suite", "a")
    assert "stored a/place-order as version 1 (DRAFT, 5 steps, 5 gaps)" in made.out
    assert f"{EVERYTHING}:124: XPATH at /workflows/1/steps/1/successCriteria/8" in made.err
    orchestra.done("scenario", "publish", "a")
    status = {item["key"]: item["status"] for item in orchestra.json("scenario", "list", "a")}
    assert status == {"log-in": "PUBLISHED", "place-order": "DRAFT", "report": "DRAFT"}


def test_only_named_workflows_are_stored(orchestra: CommandLine) -> None:
    made = orchestra.json("scenario", "import", EVERYTHING, "--workflow", "log-in", "--workflow", "report")
    assert [item["key"] for item in made["scenarios"]] == ["log-in", "report"]
    refused = orchestra("scenario", "import", EVERYTHING, "--workflow", "login")
    assert refused.code == 2
    assert "unknown workflow 'login'. Did you mean 'log-in'?" in refused.err


def test_descriptions_beside_the_file_are_stored_when_asked_for(orchestra: CommandLine, write: Write) -> None:
    write("openapi.yaml", (PROJECT.parent / "openapi.yaml").read_text(encoding="utf-8"))
    path = write("small.arazzo.json", flow(parameters=[{"name": "orderId", "in": "path", "value": 1}]))
    made = orchestra.json("scenario", "import", path, "--with-specs")
    assert made["specs"] == ["shop"]
    assert [item["serviceName"] for item in orchestra.json("spec", "list")] == ["shop"]
    wrong = write("wrong.arazzo.json", flow(operationId="getOder"))
    warnings = orchestra.json("scenario", "import", wrong)["warnings"]
    assert [(item["code"], "'getOrder'" in item["message"]) for item in warnings] == [("UNKNOWN_OPERATION", True)]


def test_a_generated_suite_becomes_a_document_that_names_its_sources(orchestra: CommandLine, tmp_path: Path) -> None:
    orchestra.done("suite", "generate", PROJECT)
    out = tmp_path / "deep" / "orders.arazzo.yaml"
    out.parent.mkdir()
    source = f"shop={PROJECT.parent / 'openapi.yaml'}"
    orchestra.done("scenario", "export", "orders", "--format", "arazzo", "--out", out, "--source", source)
    document = read_arazzo(out.read_bytes(), source=str(out))
    assert (out.parent / document.sources[0].url).resolve() == (PROJECT.parent / "openapi.yaml").resolve()
    assert document.findings == ()
    made = orchestra.json("scenario", "import", out, "--suite", "again")
    assert [item["key"] for item in made["scenarios"]] == [
        item["key"] for item in orchestra.json("scenario", "list", "orders")
    ]
    plain = orchestra.json("scenario", "export", "orders", "--format", "arazzo")
    assert plain["sourceDescriptions"] == [{"name": "shop", "url": "./openapi.yaml", "type": "openapi"}]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("import", "FILE", "--expect-version", "1"), "--expect-version is for a single scenario"),
        (("import", "FILE", "--suite", "no name"), "'no name' is no name for a suite"),
        (("import", "OTHER", "--suite", "s", "--with-specs"), "this file is none"),
        (("import", "OTHER"), "Missing option '--suite'"),
        (("import", "EMPTY"), "no workflow with a step is in it"),
        (("export", "nowhere", "--format", "arazzo"), "no suite 'nowhere'"),
        (("export", "nowhere/x", "--source", "a=b"), "--source is for --format arazzo"),
        (("export", "nowhere", "--format", "arazzo", "--source", "a"), "not of the form SERVICE=FILE"),
        (("export", "nowhere", "--format", "arazo"), "arazo"),
    ],
)
def test_wrong_use_is_one_message(orchestra: CommandLine, write: Write, arguments: tuple[str, ...], part: str) -> None:
    files = {
        "FILE": EVERYTHING,
        "OTHER": write("other.yaml", "key: a\nsteps: [{alias: a, kind: ACTION}]\n"),
        "EMPTY": write("empty.yaml", "arazzo: 1.0.1\nworkflows: []\n"),
    }
    answer = orchestra("scenario", *(files.get(item, item) for item in arguments))
    assert answer.code == 2
    assert part in answer.err
    assert "Traceback" not in answer.err
    assert orchestra.json("suite", "list") == []


def test_nothing_is_stored_beyond_the_limit(orchestra: CommandLine) -> None:
    orchestra.done("tenant", "set", "--max-scenarios", "2")
    answer = orchestra("scenario", "import", EVERYTHING)
    assert answer.code == 2
    assert "3 new scenarios do not fit" in answer.err
    assert orchestra.json("suite", "list") == []
