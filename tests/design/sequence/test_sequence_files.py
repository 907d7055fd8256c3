"""Files around diagrams: encodings, fences, marks, several diagrams, what is no diagram at all."""

from __future__ import annotations

import pytest

from orchestra_kit.design.reading import describe_process, inspect_process, read_process
from orchestra_kit.design.sequence import SequenceDocument, read_sequence

MERMAID = "sequenceDiagram\nparticipant K as Käufer\nK->>B: bestätigen\n"
PLANTUML = '@startuml\nparticipant "Käufer" as K\nK -> B : bestätigen\n@enduml\n'


def read(data: bytes, source: str) -> SequenceDocument:
    document = read_process(data, source=source)
    assert isinstance(document, SequenceDocument)
    return document


@pytest.mark.parametrize("text, source", [(MERMAID, "a.mmd"), (PLANTUML, "a.puml")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_encoding_and_line_end(text: str, source: str, encoding: str, line_end: str) -> None:
    document = read(text.replace("\n", line_end).encode(encoding), source)
    assert document.messages == 1 and document.graph.participants[0].name == "Käufer"
    assert [item.code for item in document.diagnostics] == (["ENCODING_GUESSED"] if encoding == "cp1252" else [])


@pytest.mark.parametrize("source", ["a.puml", "a.plantuml", "a.pu", "a.iuml", "a.wsd", "a.txt", "a", "a.md"])
def test_plantuml_is_known_by_its_mark(source: str) -> None:
    assert read(PLANTUML.encode(), source).messages == 1


@pytest.mark.parametrize("source", ["a.mmd", "a.mermaid", "a.txt", "a", "a.md", "a.puml"])
def test_mermaid_is_known_by_its_head(source: str) -> None:
    assert read(MERMAID.encode(), source).messages == 1


@pytest.mark.parametrize(
    "opening, closing",
    [
        ("```mermaid", "```"), ("~~~mermaid", "~~~"), ("````mermaid", "````"), ("``` mermaid", "```"), ("```{mermaid}", "```"),
        ("```mermaid {align=center}", "```"), ("```mermaid-example", "```"), (":::mermaid", ":::"), ("```", "```"), ("> ```mermaid", "> ```"),
        ("  - ```mermaid", "    ```"), ('<div class="mermaid">', "</div>"), ("<pre class='mermaid'>", "</pre>"),
    ],
)  # fmt: skip
def test_every_kind_of_fence(opening: str, closing: str) -> None:
    text = f"# Title\n\ntext A->>B: no\n\n{opening}\nsequenceDiagram\nA->>B: yes\n{closing}\n\nA->>B: no\n"
    document = read(text.encode(), "readme.md")
    assert document.messages == 1 and not document.diagnostics
    assert document.graph.processes[0].name == "Title"


def test_other_code_in_markdown_is_nothing_to_us() -> None:
    text = "```python\nsequenceDiagram = 1\n```\n```yaml\nA->>B: x\n```\n```\nplain\n```\n"
    document = read(text.encode(), "readme.md")
    assert not document.ok and [item.code for item in document.diagnostics] == ["NO_DIAGRAM"]


def test_quoted_html_in_a_page_is_read_as_signs() -> None:
    text = '<div class="mermaid">\nsequenceDiagram\nA-&gt;&gt;B: yes\n</div>\n'
    assert read(text.encode(), "page.md").messages == 1


def test_a_directive_that_is_not_closed_hides_no_diagram() -> None:
    assert read(b"%%{init: {'theme': 'dark'}\nsequenceDiagram\nA->>B: x\n", "a.mmd").messages == 1


def test_texts_around_the_marks_are_no_diagram() -> None:
    text = "/'\n License\n A -> B : no\n'/\n\n@startuml (id=PAY)\nA -> B : yes\n@enduml\nA -> B : no\n@startjson\n{}\n@endjson\n"
    document = read(text.encode(), "a.puml")
    assert [(item.id, item.messages) for item in document.graph.processes] == [("PAY", 1)]
    assert [item.code for item in document.diagnostics] == ["OTHER_DIAGRAM"]


def test_several_diagrams_in_a_plantuml_file_are_several_processes() -> None:
    text = "@startuml first\nA -> B : 1\n@enduml\n@startuml\ntitle Second one\nA -> B : 2\n@startuml\nA -> B : 3\n@enduml\n"
    document = read(text.encode(), "three.puml")
    assert [item.id for item in document.graph.processes] == ["first", "Second-one", "three-3"]
    assert [(item.code, item.line) for item in document.diagnostics] == [("NO_END_MARK", 4)]


def test_a_file_without_marks_is_one_diagram() -> None:
    document = read(b"A -> B : 1\n", "part.iuml")
    assert document.messages == 1 and [item.code for item in document.diagnostics] == ["NO_START_MARK"]


@pytest.mark.parametrize(
    "data, source, code",
    [
        (b"", "a.mmd", "EMPTY_FILE"),
        (b"   \n\n", "a.puml", "EMPTY_FILE"),
        (b"%PDF-1.7", "a.puml", "NOT_TEXT"),
        (b"\x89PNG\r\n", "a.md", "NOT_TEXT"),
        (b"flowchart LR\n A-->B", "a.mmd", "NOT_A_SEQUENCE_DIAGRAM"),
        (b"stateDiagram-v2\n A-->B", "a.mmd", "NOT_A_SEQUENCE_DIAGRAM"),
        (b"hello", "a.mmd", "NO_DIAGRAM"),
        (b"sequenceDiagram\n", "a.mmd", "NO_DIAGRAM"),
        (b"@startuml\ntitle x\n@enduml", "a.puml", "NO_DIAGRAM"),
        (b"@startmindmap\n* x\n@endmindmap", "a.md", "OTHER_DIAGRAM"),
    ],
)
def test_what_is_no_sequence_diagram_is_said(data: bytes, source: str, code: str) -> None:
    document = read_sequence(data, source=source)
    assert not document.ok and not document.graph.nodes
    assert code in [item.code for item in document.diagnostics]


def test_bpmn_stays_bpmn_whatever_its_name() -> None:
    data = b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="P"><task id="A"/></process></definitions>'
    for source in ("a.bpmn", "a.xml", "a.puml", "a.md"):
        assert read_process(data, source=source).graph.source_type.value == "BPMN"


def test_the_answer_of_inspect() -> None:
    answer = describe_process(
        read_sequence(b"sequenceDiagram\nactor U\nU->>S: GET /x\nopt y\nS-->>U: 200\nend\nbad", source="x.mmd")
    )
    assert answer == {
        "file": "x.mmd",
        "ok": True,
        "sourceType": "SEQUENCE",
        "nodes": 6,
        "flows": 6,
        "messages": 2,
        "fragments": 1,
        "fragmentKinds": {"opt": 1},
        "processes": [{"id": "x", "name": "", "nodes": 6, "flows": 6, "messages": 2, "fragments": 1}],
        "participants": [
            {"id": "U", "name": "U", "kind": "actor", "role": "driven"},
            {"id": "S", "name": "S", "kind": "participant", "role": "observed"},
        ],
        "diagnostics": [
            {
                "severity": "error",
                "code": "UNKNOWN_STATEMENT",
                "elementId": None,
                "line": 7,
                "message": "'bad' is no statement that is known.",
            }
        ],
    }


def test_a_file_that_is_not_there_is_an_answer_too() -> None:
    answer = inspect_process("no/such/file.mmd")
    assert answer["ok"] is False and answer["diagnostics"][0]["code"] == "CANNOT_READ_FILE"
