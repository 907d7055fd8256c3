"""YAML and JSON texts as data: what they mean, and everything that is refused with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.documents import parse_document
from orchestra_kit.design.yaml_reading import MAX_BYTES
from orchestra_kit.design.yaml_writing import write_yaml
from orchestra_kit.errors import DefinitionError


def data_of(text: str) -> object:
    return parse_document(text.encode(), source="f.yaml").data


def refusal(text: str | bytes) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        parse_document(text if isinstance(text, bytes) else text.encode(), source="f.yaml")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("yes", "yes"), ("on", "on"), ("true", True), ("False", False),
        ("01234", "01234"), ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("0x1F", 31), ("0o17", 15), ("-3", -3),
        ("1e3", 1000.0), (".5", 0.5), ("2024-01-31", "2024-01-31"), ("=", "="), ("~", None), ("null", None), ("", None),
        ("!!str 5", "5"), ('!!int "5"', 5), ('"5"', "5"),
    ],
)  # fmt: skip
def test_plain_values_mean_what_they_look_like(text: str, value: object) -> None:
    assert data_of(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: !!python/object/apply:os.system [id]", 2, "tag '!!python/object/apply:os.system'"),
        ("a: !secret x", 1, "tag '!secret'"),
        ("a: !!binary aGk=", 1, "tag '!!binary'"),
        ("a: !!set {b}", 1, "tag '!!set'"),
        ("a: 1\nb: 2\na: 3", 3, "'a' stands here twice"),
        ("x: &x {a: 1}\ny:\n  <<: *x", 3, "merge keys"),
        ("? [1, 2]\n: 3", 1, "a field name must be a plain text"),
        ("~: 1", 1, "a field name must be a plain text"),
        ("a: *nowhere", 1, "'&nowhere'"),
        ("a: &a [*a]", 1, "nested too deeply"),
        ("[" * 100, 1, "nested too deeply"),
        ("a: 1\n---\nb: 2", 2, "several documents"),
        ("a: [1\nb: 2", 2, "not valid YAML"),
        ("a: 'b", 1, "not valid YAML"),
        ("\tx: 1", 1, "not valid YAML"),
        ("a: .nan", 1, "no number that JSON can hold"),
        ("a: -.inf", 1, "no number that JSON can hold"),
        ("a: 1.5e999", 1, "no number that JSON can hold"),
        ("a: !!int x", 1, "is no int"),
        ("a: " + "9" * 5000, 1, "5000 digits"),
        ('a: "x\\0y"', 1, "NUL"),
    ],
)
def test_what_is_dangerous_or_doubtful_is_refused_with_its_line(text: str, line: int, part: str) -> None:
    error = refusal(text)
    assert error.place is not None
    assert (error.place.file, error.place.line) == ("f.yaml", line)
    assert part in error.message


def test_a_wrong_tag_names_its_field() -> None:
    error = refusal("elements:\n  pay:\n    - x\n    - !x y")
    assert error.place is not None
    assert error.place.field == "elements.pay[1]"


def test_control_characters_and_other_encodings_are_refused() -> None:
    assert "U+0000" in refusal("a: \0").message
    error = refusal(b"a: 1\nb: \xff\xfe")
    assert "UTF-8" in error.message
    assert error.place is not None
    assert error.place.line == 2
    assert parse_document(b"\xef\xbb\xbfa: 1", source="f").data == {"a": 1}


def test_aliases_that_multiply_are_cut_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 10)]
    assert "too many values" in refusal("\n".join(lines)).message


def test_size_is_limited_before_anything_is_read() -> None:
    assert str(MAX_BYTES) in refusal(b"a" * (MAX_BYTES + 1)).message


def test_nesting_of_a_megabyte_exhausts_nothing() -> None:
    assert "nested too deeply" in refusal("[" * 1_000_000).message
    assert "nested too deeply" in refusal("- " * 500_000 + "x").message


def test_aliases_repeat_a_value() -> None:
    assert data_of("a: &x {b: [1]}\nc: *x") == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_json_with_tabs_and_escaped_pairs_is_read() -> None:
    assert data_of('{\n\t"a": "\\ud83d\\ude00 \\\\ud83d\\\\ude00"\n}') == {"a": "😀 \\ud83d\\ude00"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), json_values, max_size=4), st.booleans())
def test_json_reads_back_as_it_was_written(value: dict[str, object], escaped: bool) -> None:
    assert data_of(json.dumps(value, ensure_ascii=escaped, indent="\t" if escaped else None)) == value


@settings(deadline=None)
@given(st.text(max_size=200) | st.text("[]{}&*!:-? \n'\"|>#%@`,a0<", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_document(text.encode("utf-8", errors="surrogatepass"), source="f.yaml")
    except DefinitionError as error:
        assert "\n" not in str(error)


@settings(deadline=None, max_examples=300)
@given(
    json_values
    | st.sampled_from(
        ["1e3", "NO", "012", "0o7", "", "~", "<<", "=", " x ", "a: b", "#", "-", "\x85", "é\u2028", "{{ a }}"]
    )
)
def test_what_is_written_as_yaml_reads_back_the_same(value: object) -> None:
    assert data_of(write_yaml({"a": value, "b": [value], "c": {"d": value}})) == {
        "a": value,
        "b": [value],
        "c": {"d": value},
    }
