"""Hostile documents are refused by name, and nothing outside them is read (threat A16)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestra_kit.design.bpmn import entities, extensions, limits, parsing, read_bpmn

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BODY = f'<definitions xmlns="{MODEL}"><process id="p"><task id="t" name="{{name}}"/></process></definitions>'


def codes(data: bytes) -> list[str]:
    return [item.code for item in read_bpmn(data, source="x.bpmn").diagnostics]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1"])
def test_external_entity_is_refused_and_never_read(tmp_path: Path, encoding: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP-SECRET")
    text = f'<!DOCTYPE definitions [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + BODY.format(name="&x;")
    document = read_bpmn(text.encode(encoding), source="x.bpmn")
    assert [item.code for item in document.diagnostics] == ["ENTITY_REFUSED"]
    assert not document.ok
    assert "TOP-SECRET" not in repr(document)


def test_entity_bomb_is_refused() -> None:
    entities = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 12)
    )
    for place in ('name="&a11;"', ""):
        text = f"<!DOCTYPE definitions [{entities}]>" + BODY.format(name="t").replace('name="t"', place)
        assert codes(text.encode()) == ["ENTITY_REFUSED"]


def test_parameter_entity_is_refused() -> None:
    text = '<!DOCTYPE d [<!ENTITY % remote SYSTEM "http://127.0.0.1:1/x.dtd"> %remote;]>' + BODY.format(name="t")
    assert codes(text.encode()) == ["ENTITY_REFUSED"]


def test_entities_behind_a_long_comment_are_refused_too() -> None:
    text = f'<!--{"x" * 300_000}--><!DOCTYPE d [<!ENTITY a "b">]>' + BODY.format(name="&a;")
    document = read_bpmn(text.encode(), source="x.bpmn")
    assert [item.code for item in document.diagnostics] == ["ENTITY_REFUSED"]


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/never.dtd", "never.dtd", "file:///never.dtd", "LOCAL"])
def test_document_type_without_entities_is_named_and_not_loaded(tmp_path: Path, place: str) -> None:
    local = tmp_path / "local.dtd"
    local.write_text('<!ATTLIST task name CDATA "from the DTD">')
    text = f'<!DOCTYPE definitions SYSTEM "{local.as_uri() if place == "LOCAL" else place}">' + BODY.format(
        name="t"
    ).replace('name="t"', "")
    document = read_bpmn(text.encode(), source="x.bpmn")
    assert document.ok and len(document.graph.nodes) == 1
    assert [item.code for item in document.diagnostics] == ["DTD_IGNORED"]
    assert "from the DTD" not in repr(document)


def test_depth_is_limited() -> None:
    text = f'<definitions xmlns="{MODEL}">' + "<process>" * 100_000
    assert codes(text.encode()) == ["TOO_DEEP"]
    nested = "<subProcess>" * 200 + "</subProcess>" * 200
    assert len(read_bpmn(_process(nested), source="x").graph.nodes) == 200


def test_bytes_and_elements_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _process("<task/>" * 50)
    monkeypatch.setattr(limits, "MAX_ELEMENTS", 20)
    assert codes(data) == ["TOO_MANY_ELEMENTS"]
    monkeypatch.setattr(parsing, "MAX_BYTES", 100)
    assert codes(data) == ["TOO_LARGE"]


def test_attributes_of_one_element_are_limited_and_the_limit_named_with_its_line() -> None:
    def crowded(number: int) -> bytes:
        return _process("\n\n<task " + " ".join(f'a{place}="1"' for place in range(number)) + "/>")

    document = read_bpmn(crowded(40_000), source="x.bpmn")
    assert [(item.code, item.line) for item in document.diagnostics] == [("TOO_MANY_ATTRIBUTES", 3)]
    assert "task" in document.diagnostics[0].message and str(limits.MAX_ATTRIBUTES) in document.diagnostics[0].message
    assert not document.ok
    just = read_bpmn(crowded(limits.MAX_ATTRIBUTES), source="x.bpmn")
    assert len(just.graph.nodes) == 1
    assert "300 more of UNKNOWN_ATTRIBUTE." in [item.message for item in just.diagnostics]


def test_attributes_are_limited_in_text_that_is_not_well_formed_too() -> None:
    attributes = " ".join(f'a{place}="1"' for place in range(1_000))
    assert "TOO_MANY_ATTRIBUTES" in codes(_process(f"<task {attributes}/><task>"))


def test_attribute_that_is_too_long_is_named_with_the_limit() -> None:
    data = _process(f'\n<task id="t" name="{"x" * (limits.PARSER_MAX_LENGTH + 100)}"/>')
    (problem,) = read_bpmn(data, source="x.bpmn").diagnostics
    assert (problem.code, problem.line) == ("TOO_LONG", 2)
    assert problem.message == "the attribute 'name' is too long; at most 10 000 000 characters are read."


def test_other_text_that_is_too_long_is_named_too() -> None:
    long = "x" * (limits.PARSER_MAX_LENGTH + 100)
    for content in (f"<!--{long}-->", f"<documentation>{long}</documentation>"):
        (problem,) = read_bpmn(_process(content), source="x.bpmn").diagnostics
        assert problem.code == "TOO_LONG" and "\n" not in problem.message


def test_words_of_the_parser_inside_the_document_break_no_limit() -> None:
    assert codes(b"<depth><huge></depth></huge>")[0] == "NOT_WELL_FORMED"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_internal_text_entities_are_put_in(encoding: str) -> None:
    doctype = """<!DOCTYPE definitions [
      <!-- names --> <!ENTITY nm "Prüfung 'A' > "> <!ENTITY other '"B"'> <!ENTITY nm "second">
    ]>"""
    text = f'<?xml version="1.0" encoding="{encoding}"?>{doctype}\n' + BODY.format(name="&nm;, &other; &amp; &#65;")
    document = read_bpmn(text.encode(encoding), source="x.bpmn")
    (task,) = document.graph.nodes
    assert task.name == "Prüfung 'A' > , \"B\" & A"
    assert task.line == 4
    assert [item.code for item in document.diagnostics] == ["ENTITY_REPLACED"]


def test_entities_stay_as_they_are_in_comments_and_character_data() -> None:
    body = (
        f'<definitions xmlns="{MODEL}"><!-- &nm; --><process id="p"><scriptTask id="t">'
        "<script><![CDATA[a && &nm;]]> &nm;</script></scriptTask></process></definitions>"
    )
    (task,) = read_bpmn(f'<!DOCTYPE d [<!ENTITY nm "N">]>{body}'.encode(), source="x").graph.nodes
    assert task.extensions["script"] == "a && &nm; N"


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "x"><!ENTITY b "&a;&a;">',
        '<!ENTITY a "<task/>">',
        '<!ENTITY a "&#60;task/>">',
        '<!ENTITY % a "x">',
        '<!ENTITY a "x"> %a;',
        '<!ENTITY a "%b;">',
        '<!ENTITY a PUBLIC "x" "file:///etc/hostname">',
        '<!ENTITY a SYSTEM "file:///etc/hostname" NDATA x>',
        '<!ENTITY a "x"><!ATTLIST task name CDATA "d">',
        f'<!ENTITY a "{"x" * (entities.MAX_LENGTH + 1)}">',
        "".join(f'<!ENTITY a{number} "x">' for number in range(entities.MAX_ENTITIES + 1)),
        '<!NOTATION n SYSTEM "]>"><!ENTITY a "x">',
    ],
)
def test_every_other_entity_stays_refused(declared: str) -> None:
    for name in ("&a;", "t"):
        document = read_bpmn(f"<!DOCTYPE d [{declared}]>{BODY.format(name=name)}".encode(), source="x.bpmn")
        assert [item.code for item in document.diagnostics] == ["ENTITY_REFUSED"]
        assert not document.ok


def test_entities_may_not_let_the_document_grow_much() -> None:
    uses = entities.MAX_GROWTH // entities.MAX_LENGTH + 1
    text = f'<!DOCTYPE d [<!ENTITY a "{"x" * entities.MAX_LENGTH}">]>' + BODY.format(name="&a;" * uses)
    assert codes(text.encode()) == ["ENTITY_REFUSED"]
    assert codes(text.replace("&a;", "", 1).encode()) == ["ENTITY_REPLACED"]


def test_many_comments_before_the_document_are_gone_through_once() -> None:
    """With one way to read them; with a choice at each comment this would never come to an end."""
    for end in (BODY.format(name="t"), "<!DOCTYPE d>" + BODY.format(name="t")):
        assert len(read_bpmn(("<!--a--> " * 200 + end).encode(), source="x").graph.nodes) == 1


def test_prefix_lookups_are_limited_where_namespaces_are_many() -> None:
    number = extensions.MAX_NAMESPACES + 50
    declared = " ".join(f'xmlns:p{place}="urn:{place}"' for place in range(number))
    tasks = "".join(f'<task id="t{place}" p{place}:a="1"/>' for place in range(number))
    data = f'<definitions xmlns="{MODEL}" {declared}><process id="p">{tasks}</process></definitions>'.encode()
    nodes = read_bpmn(data, source="x").graph.nodes
    assert nodes[0].extensions == {"p0:a": "1"}
    assert nodes[-1].extensions == {f"urn:{number - 1}:a": "1"}


def test_deep_extension_elements_do_not_exhaust_the_stack() -> None:
    inner = '<x xmlns="urn:x">' + "<y>" * 200 + "</y>" * 200 + "</x>"
    data = _process(f'<task id="t"><extensionElements>{inner}</extensionElements></task>')
    assert len(read_bpmn(data, source="x").graph.nodes) == 1


def test_the_xml_library_is_loaded_only_when_a_file_is_read() -> None:
    code = "import sys, orchestra_kit.design.bpmn; sys.exit('lxml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _process(content: str) -> bytes:
    return f'<definitions xmlns="{MODEL}"><process id="p">{content}</process></definitions>'.encode()
