"""Markup escapes whatever it is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from orchestra_kit.reporting.markup import Markup, escape, join, number, printable, raw_text_element, tag, text

ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=60)


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_and_attribute_read_back_as_they_were_shown(content: str, value: str) -> None:
    parsed = etree.fromstring(str(tag("p", {"title": value}, content)).encode())
    assert (parsed.text or "") == printable(content).replace("\r\n", "\n").replace("\r", "\n")
    assert len(parsed) == 0
    assert list(parsed.attrib) == ["title"]


@given(ANY_TEXT)
def test_escaped_text_opens_no_tag_and_ends_no_attribute(content: str) -> None:
    assert not set("<>\"'") & set(escape(content))
    assert not set("<>") & set(str(text(content)))


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x1b", "\ud800", "\ufffe", "\u202e", "\u2066"])
def test_forbidden_and_direction_turning_characters_show_as_replacement(character: str) -> None:
    assert printable(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_markup_is_not_escaped_twice_and_text_always_once() -> None:
    inner = tag("b", None, "1 < 2")
    assert str(tag("p", None, inner, "&", None, [3, inner])) == "<p><b>1 &lt; 2</b>&amp;3<b>1 &lt; 2</b></p>"


def test_markup_cannot_be_made_from_a_string() -> None:
    with pytest.raises(TypeError, match="build markup"):
        Markup("<script>")


@pytest.mark.parametrize("name", ["", "a b", "p onclick=x", "1p", "p>"])
def test_names_of_elements_and_attributes_are_checked(name: str) -> None:
    with pytest.raises(ValueError, match="not an element name"):
        tag(name)
    with pytest.raises(ValueError, match="not an attribute name"):
        tag("p", {name: "x"})


def test_absent_attributes_are_left_out() -> None:
    assert str(tag("p", {"a": None, "b": False, "c": True, "d": 1.25})) == '<p c="" d="1.2"></p>'


@pytest.mark.parametrize("content", ["a</style>", "</script >", "<!-- x"])
def test_raw_text_that_would_end_its_element_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="cannot put this text"):
        raw_text_element("style", content)


def test_join_keeps_order_and_number_is_short() -> None:
    assert str(join("a", None, tag("path"))) == "a<path/>"
    assert [number(value) for value in (1.0, 1.26, -0.04)] == ["1", "1.3", "0"]
