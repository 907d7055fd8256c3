"""Every wrong field of a definition file is told with file, line, field and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra_kit.design.binding import ProjectBinding
from orchestra_kit.design.documents import parse_document, read_document, read_value
from orchestra_kit.errors import DefinitionError

HEAD = "suite: s\nprocess: p.bpmn\n"


def refusal(text: str) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        read_value(parse_document(text.encode(), source="orchestra.yaml"), ProjectBinding)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "field", "part"),
    [
        (HEAD + "elemnts: {}", 3, "elemnts", "Did you mean 'elements'?"),
        (HEAD + "elements:\n  T:\n    operatoin: x", 5, "elements.T.operatoin", "Did you mean 'operation'?"),
        (HEAD + "elements:\n  T:\n    assert:\n      - aliass: x", 6, "elements.T.assert[0].aliass", "'alias'?"),
        ("suite: s\n", 1, "process", "the field 'process' is missing"),
        (HEAD + "maxLoop: many", 3, "maxLoop", "found 'many'"),
        (HEAD + "maxLoop: 99", 3, "maxLoop", "less than or equal to 20"),
        (HEAD + "tags: smoke", 3, "tags", "found 'smoke'"),
        (HEAD + "criterion: flows", 3, "criterion", "Did you mean 'flow'?"),
        (HEAD + "roles: {Lane: drivn}", 3, "roles.Lane", "Did you mean 'driven'?"),
        (HEAD + "elements:\n  T: {expect: {status: ok}}", 4, "elements.T.expect.status", "found 'ok'"),
        (HEAD + "setup:\n  - {alias: 1st, operation: a.b}", 4, "setup[0].alias", "1st"),
        ("suite: a b\nprocess: p", 1, "suite", "'a b'"),
        (HEAD + "elements:\n  T:\n    then:\n      - {alias: x}", 6, "elements.T.then[0]", "needs either db and sql"),
        (
            HEAD + "elements:\n  T:\n    then:\n      - {alias: x, db: d, sql: s}",
            6,
            "elements.T.then[0]",
            "expects nothing",
        ),
        ("- a", 1, None, "expected fields, found a list"),
        ("", None, None, "expected fields, found nothing"),
        ("just text", 1, None, "expected fields, found 'just text'"),
    ],
)
def test_a_wrong_field_is_told_with_line_field_and_nearest_name(
    text: str, line: int | None, field: str | None, part: str
) -> None:
    error = refusal(text)
    assert error.place is not None
    assert (error.place.file, error.place.line, error.place.field) == ("orchestra.yaml", line, field)
    assert part in str(error)


def test_further_wrong_fields_are_counted_once_each() -> None:
    assert str(refusal(HEAD + "maxLoop: many\nelements:\n  T: {expect: {status: ok}}")).endswith(
        "(1 more in this file.)"
    )


def test_an_absent_file_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "orchestra.yaml").write_text("")
    with pytest.raises(DefinitionError, match=r"there is no file .*Did you mean 'orchestra.yaml'\?"):
        read_document(tmp_path / "orchestar.yaml")
    with pytest.raises(DefinitionError, match="there is no file"):
        read_document(tmp_path / "orchestra.yaml" / "x.yaml")


@pytest.mark.parametrize(("name", "part"), [("", "is a folder"), ("x" * 300, "name too long"), ("a\0b", "null")])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, part: str) -> None:
    with pytest.raises(DefinitionError, match=part):
        read_document(tmp_path / name)


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(DefinitionError, match="too large"):
        read_document("/dev/zero")
