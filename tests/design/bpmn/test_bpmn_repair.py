"""Files that are not quite XML, not quite BPMN, or something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_kit.design.bpmn import SourceKind, inspect_process, read_bpmn, sniff

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
GOOD = f"""<?xml version="1.0" encoding="ENCODING"?>
<b:definitions xmlns:b="{MODEL}">
  <b:process id="p">
    <b:startEvent id="s" name="Grüße"/>
    <b:sequenceFlow id="f" sourceRef="s" targetRef="t"/>
    <b:task id="t"/>
  </b:process>
</b:definitions>
"""


def codes(data: bytes) -> list[str]:
    return [item.code for item in read_bpmn(data, source="x.bpmn").diagnostics]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "cp850", "utf-32"])
def test_any_encoding_is_read(encoding: str) -> None:
    text = GOOD.replace("ENCODING", encoding.removesuffix("-sig"))
    document = read_bpmn(text.encode(encoding), source="x.bpmn")
    assert document.graph.nodes[0].name == "Grüße", encoding
    assert len(document.graph.flows) == 1


@pytest.mark.parametrize(
    "declared,actual", [("utf-8", "cp1252"), ("utf-16", "utf-8"), ("klingon", "utf-8"), ("us-ascii", "utf-8")]
)
def test_wrong_declared_encoding_is_named_and_mended(declared: str, actual: str) -> None:
    document = read_bpmn(GOOD.replace("ENCODING", declared).encode(actual), source="x.bpmn")
    assert document.diagnostics[0].code == "ENCODING_MISMATCH"
    assert document.graph.nodes[0].name == "Grüße"


def test_undeclared_prefix_is_named_with_its_line_and_mended() -> None:
    text = GOOD.replace("ENCODING", "utf-8").replace(f' xmlns:b="{MODEL}"', "")
    document = read_bpmn(text.encode(), source="x.bpmn")
    assert [(item.code, item.line) for item in document.diagnostics][:1] == [("UNDECLARED_PREFIX", 2)]
    assert (len(document.graph.nodes), len(document.graph.flows)) == (2, 1)
    assert document.graph.nodes[0].line == 4, "repairs leave lines where they are"


def test_undeclared_extension_prefix_does_not_hide_the_process() -> None:
    text = GOOD.replace("ENCODING", "utf-8").replace('<b:task id="t"/>', '<b:task id="t" zeebe:x="1" odd:y="2"/>')
    document = read_bpmn(text.encode(), source="x.bpmn")
    assert {item.code for item in document.diagnostics} >= {"UNDECLARED_PREFIX"}
    assert document.graph.nodes[1].extensions == {"zeebe:x": "1", "odd:y": "2"}


def test_html_entities_are_put_in() -> None:
    text = GOOD.replace("ENCODING", "utf-8").replace("Grüße", "a&nbsp;b &mine;")
    document = read_bpmn(text.encode(), source="x.bpmn")
    assert document.graph.nodes[0].name == "a\xa0b &mine;"
    assert [item.code for item in document.diagnostics][:2] == ["UNDEFINED_ENTITY", "UNDEFINED_ENTITY"]


def test_truncated_file_keeps_what_was_read() -> None:
    text = GOOD.replace("ENCODING", "utf-8")
    document = read_bpmn(text[: text.index("<b:task")].encode(), source="x.bpmn")
    assert document.diagnostics[0].code == "NOT_WELL_FORMED"
    assert document.diagnostics[0].line == 6
    assert len(document.graph.flows) == 1
    assert any(item.code == "DANGLING_FLOW" and item.element_id == "f" for item in document.diagnostics)


@pytest.mark.parametrize("namespace", ["http://schema.omg.org/spec/BPMN/2.0", "", MODEL + "/"])
def test_wrong_namespace_is_named_and_read(namespace: str) -> None:
    text = GOOD.replace("ENCODING", "utf-8").replace(MODEL, namespace)
    if not namespace:
        text = text.replace("b:", "").replace('xmlns:b=""', "").replace(' xmlns:b=""', "")
    document = read_bpmn(text.encode(), source="x.bpmn")
    assert document.diagnostics[0].code == "WRONG_NAMESPACE"
    assert (len(document.graph.nodes), len(document.graph.flows)) == (2, 1)


@pytest.mark.parametrize(
    "text,kind,code",
    [
        ("", SourceKind.EMPTY, "EMPTY_FILE"),
        (" \n ", SourceKind.EMPTY, "EMPTY_FILE"),
        ("sequenceDiagram\n  A->>B: hi", SourceKind.MERMAID, "SEQUENCE_DIAGRAM"),
        ("%% note\n---\ntitle: x\n---\nsequenceDiagram\n", SourceKind.MERMAID, "SEQUENCE_DIAGRAM"),
        ("@startuml\nA -> B\n@enduml", SourceKind.PLANTUML, "SEQUENCE_DIAGRAM"),
        ("' note\n@startuml\n", SourceKind.PLANTUML, "SEQUENCE_DIAGRAM"),
        ('{"a": 1}', SourceKind.TEXT, "NOT_XML"),
        ("PK\x03\x04zip", SourceKind.BINARY, "NOT_XML"),
        ("<html><body/></html>", SourceKind.TEXT, "NOT_XML"),
        ("<a/>", SourceKind.XML, "NOT_BPMN"),
        ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"/>', SourceKind.XML, "NOT_BPMN"),
        ("<", SourceKind.XML, "NOT_WELL_FORMED"),
    ],
)
def test_other_files_are_told_apart(text: str, kind: SourceKind, code: str) -> None:
    assert sniff(text.encode()) is kind
    document = read_bpmn(text.encode(), source="x")
    assert not document.ok
    assert document.diagnostics[0].code == code


def test_fragment_without_definitions_is_read() -> None:
    assert codes(f'<process xmlns="{MODEL}" id="p"><task id="t"/></process>'.encode()) == ["NO_DEFINITIONS"]


def test_absent_file_and_folder_give_a_diagnostic(tmp_path: Path) -> None:
    for path in (tmp_path / "none.bpmn", tmp_path):
        found = inspect_process(path)
        assert not found["ok"]
        assert [item["code"] for item in found["diagnostics"]] == ["CANNOT_READ_FILE"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | st.text(alphabet="<>&;/=\"'?!-[] \nabp:x\x00é", max_size=200).map(str.encode))
def test_no_bytes_whatever_raise(data: bytes) -> None:
    document = read_bpmn(data, source="x")
    assert document.ok or document.diagnostics


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_broken_real_file_never_raises(data: st.DataObject) -> None:
    source = (Path(__file__).parents[2] / "data" / "bpmn" / "ticket-booking.bpmn").read_bytes()
    start = data.draw(st.integers(0, len(source)))
    length = data.draw(st.integers(0, 60))
    junk = data.draw(st.sampled_from([b"", b"<", b"&", b"\xff\xfe", b'"', b"<!ENTITY a 'b'>", b"</a>", b"\x00"]))
    document = read_bpmn(source[:start] + junk + source[start + length :], source="x")
    assert document.ok or document.diagnostics
