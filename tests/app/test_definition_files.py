"""Scenario, data and environment files: read with their places, written so that they read back the same."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.app.definitions import content_of
from orchestra_kit.app.files import (
    EnvironmentFile,
    build_profiles,
    read_data_file,
    read_scenario_file,
    write_scenario_file,
)
from orchestra_kit.app.schemas import SCHEMAS, schema_of
from orchestra_kit.design.documents import parse_document, read_document, read_value
from orchestra_kit.errors import DefinitionError, UnknownNameError
from orchestra_kit.model import TestScenario

ROOT = Path(__file__).parents[2]
OWNER = {"tenant_id": "t", "suite_id": "s", "actor": "a"}
SCENARIO = """
key: by-hand
name: "Täglich: {{ no }} template?"
tags: [a, b]
dependsOn: [{ scenarioKey: other }]
data: { n: 1, text: "012", nested: { list: [1, null, true, 1.5] } }
steps:
  - alias: one
    kind: ACTION
    channelType: HTTP_REST
    endpointRef: { serviceName: s, endpointName: op }
    action: { inputTemplate: { body: { a: "{{ data.n }}" } }, meta: { exportAs: { x: response.body.x } } }
    expectations: { expectedStatusCode: [200, 201], businessRules: ["response.body.a == data.n"] }
  - alias: two
    kind: ASSERTION
    channelType: DB
    action: { meta: { dataSource: d, sql: "select 1", correlation: DATA, observes: one } }
    expectations: { rows: { count: "{{ data.n }}" } }
"""


def scenario(folder: Path, text: str = SCENARIO, name: str = "s.yaml") -> TestScenario:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_scenario_file(path, **OWNER)


def test_a_scenario_file_is_read_in_order_without_numbers(tmp_path: Path) -> None:
    found = scenario(tmp_path)
    assert [(step.order_index, step.alias) for step in found.steps] == [(0, "one"), (1, "two")]
    assert found.data["text"] == "012"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_written_reads_back_the_same(tmp_path: Path, as_json: bool) -> None:
    first = scenario(tmp_path)
    text = write_scenario_file(first, as_json=as_json)
    assert content_of(scenario(tmp_path, text, "again.yaml")) == content_of(first)
    assert write_scenario_file(scenario(tmp_path, text), as_json=as_json) == text


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)


@settings(deadline=None)
@given(texts, st.dictionaries(texts.filter(bool), texts | st.integers() | st.booleans() | st.none(), max_size=4))
def test_any_text_in_a_scenario_survives_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("s")
    first = scenario(folder).model_copy(update={"name": name, "data": data})
    for as_json in (False, True):
        again = scenario(folder, write_scenario_file(first, as_json=as_json), "again.yaml")
        assert (again.name, again.data) == (name, data)


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("alias: two", "alias: one", None, "alias 'one' is used twice"),
        ("kind: ASSERTION", "kind: ASSERTON", 15, "Did you mean 'ASSERTION'?"),
        ("observes: one", "observs: one", 17, "Did you mean 'observes'?"),
        ("key: by-hand", "key: by hand", 2, "'by hand'"),
        ("    kind: ACTION\n", "", 8, "the field 'kind' is missing"),
        ("endpointName: op", "endpoint: op", 11, "endpointName"),
    ],
)
def test_a_wrong_scenario_file_is_told(tmp_path: Path, old: str, new: str, line: int | None, part: str) -> None:
    assert SCENARIO.count(old) == 1
    with pytest.raises(DefinitionError) as caught:
        scenario(tmp_path, SCENARIO.replace(old, new))
    assert part in str(caught.value)
    assert caught.value.place is not None
    assert caught.value.place.file == str(tmp_path / "s.yaml")
    assert line is None or caught.value.place.line == line


def rows(folder: Path, text: str, name: str = "d.csv") -> list[tuple[str, dict[str, object]]]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return [(row.key, dict(row.values)) for row in read_data_file(path)[0].rows]


def test_csv_cells_are_the_values_they_spell(tmp_path: Path) -> None:
    text = '\ufeffkey,a,b,c,d\nx,1,true,007,"{""n"": null}"\n,1e999,NaN,"a\nb",\n'
    assert rows(tmp_path, text) == [
        ("x", {"a": 1, "b": True, "c": "007", "d": {"n": None}}),
        ("row-2", {"a": "1e999", "b": "NaN", "c": "a\nb", "d": ""}),
    ]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [("", None, "names each column"), ("a,a\n1,2\n", None, "names each column"), ("a,\n1,2\n", None, "names each column"),
     ("a,b\n1\n", 2, "1 values"), ('a,b\n"x\ny",1\n1,2,3\n', 4, "3 values"), ('a\n"x\n', None, "not valid CSV"),
     ("key\nx\nx\n", None, "'x' is used twice")],
)  # fmt: skip
def test_a_wrong_csv_file_is_told(tmp_path: Path, text: str, line: int | None, part: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        rows(tmp_path, text)
    assert part in str(caught.value)
    assert caught.value.place is None or line is None or caught.value.place.line == line


def test_rows_may_be_flat_or_spelled_out(tmp_path: Path) -> None:
    text = "name: d\nrows:\n  - {key: a, n: 1}\n  - {n: 2}\n  - {key: c, values: {n: 3}}\n"
    assert rows(tmp_path, text, "d.yaml") == [("a", {"n": 1}), ("row-2", {"n": 2}), ("c", {"n": 3})]


def test_profiles_of_two_environments_never_share_an_id() -> None:
    ids = []
    for name, alias in (("a.b", "c"), ("a", "b.c")):
        written = EnvironmentFile.model_validate({"name": name, "dbProfiles": {alias: {"jdbcUrl": "jdbc:sqlite:x"}}})
        ids += [profile.id for profile in build_profiles(written, "t")[0]]
    assert len(set(ids)) == 2


def test_a_secret_in_the_clear_is_refused() -> None:
    text = (
        "name: e\nhttpServices:\n  s:\n    baseUrl: http://x\n    authRef:\n      type: bearer\n      secret: hunter2\n"
    )
    with pytest.raises(DefinitionError) as caught:
        read_value(parse_document(text.encode(), source="e.yaml"), EnvironmentFile)
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.field) == (7, "httpServices.s.authRef.secret")


PROJECTS = [path for path in ROOT.rglob("orchestra.yaml") if not any(part.startswith(".") for part in path.parts)]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_project_of_the_tree_is_as_its_published_schema_says(path: Path) -> None:
    jsonschema_rs.validator_for(schema_of("orchestra.yaml")).validate(read_document(path).data)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scenario-file", SCENARIO),
        ("data-file", "name: d\ncommon: {a: 1}\nrows: [{key: a, n: 1}, {key: b, values: {n: 2}}]"),
        ("environment-file", "name: e\nhttpServices: {s: {baseUrl: 'http://x'}}\negress: {allow: [127.0.0.1]}"),
        ("orchestra.yaml", "suite: s\nprocess: p\nflows: {f: {expect: {rules: ['true', {expr: 'true'}]}}}"),
    ],
)
def test_every_spelling_a_file_may_have_is_as_its_published_schema_says(name: str, text: str) -> None:
    document = parse_document(text.encode(), source="f")
    read_value(document, SCHEMAS[name])
    jsonschema_rs.validator_for(schema_of(name)).validate(document.data)


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_every_schema_is_one(name: str) -> None:
    schema = schema_of(name)
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"].endswith("2020-12/schema")


def test_an_unknown_schema_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'TestScenario'"):
        schema_of("TestScenaro")
