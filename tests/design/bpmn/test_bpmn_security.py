"""Hostile documents are refused by name, and nothing outside them is read (threat A16)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestra_kit.design.bpmn import parsing, read_bpmn

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
    monkeypatch.setattr(parsing, "MAX_ELEMENTS", 20)
    assert codes(data) == ["TOO_MANY_ELEMENTS"]
    monkeypatch.setattr(parsing, "MAX_BYTES", 100)
    assert codes(data) == ["TOO_LARGE"]


def test_deep_extension_elements_do_not_exhaust_the_stack() -> None:
    inner = '<x xmlns="urn:x">' + "<y>" * 200 + "</y>" * 200 + "</x>"
    data = _process(f'<task id="t"><extensionElements>{inner}</extensionElements></task>')
    assert len(read_bpmn(data, source="x").graph.nodes) == 1


def test_the_xml_library_is_loaded_only_when_a_file_is_read() -> None:
    code = "import sys, orchestra_kit.design.bpmn; sys.exit('lxml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _process(content: str) -> bytes:
    return f'<definitions xmlns="{MODEL}"><process id="p">{content}</process></definitions>'.encode()
