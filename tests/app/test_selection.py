"""Which scenarios a reference or a tag names."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.app.selection import parse_reference
from orchestra_kit.errors import DefinitionError


@pytest.mark.parametrize(
    ("text", "parts"),
    [("s", ("s", None, None)), ("s@3", ("s", None, 3)), ("s/k", ("s", "k", None)), ("s/k@2", ("s", "k", 2))],
)
def test_a_reference_is_taken_apart(text: str, parts: tuple[object, ...]) -> None:
    found = parse_reference(text)
    assert (found.suite, found.scenario, found.version) == parts


@pytest.mark.parametrize("text", ["", "@1", "s@", "s@0", "s@-1", "s@x", "s@²", "a b", "s/", "/k", "s/k@1@2"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        parse_reference(text)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    with contextlib.suppress(DefinitionError):
        assert parse_reference(text).suite
