"""The real diagrams: exact counts by three hands, and graphs and plans that hold together."""

from __future__ import annotations

from pathlib import Path

import pytest
from sequence_graph_check import check_graph
from sequence_line_counts import counts_of
from token_player import judge_container, model_of_graph

from orchestra_kit.design.coverage import plan_suite
from orchestra_kit.design.reading import read_process
from orchestra_kit.design.sequence import MESSAGE, SequenceDocument

COUNTED_BY_HAND = {
    "puml__02-provision-new-agent.puml": (14, 0),
    "puml__04-update-agent-policy-registry.puml": (5, 0),
    "puml__10-rotate-did-key.puml": (22, 8),
    "puml__13-recovery-setup.puml": (15, 3),
    "puml__17-social-recovery.puml": (29, 4),
    "error_scenarios__3-authentication-otp-invalid.puml": (9, 0),
    "sequence__seq-fx-fulfil-2.1.0.puml": (19, 9),
    "sequence__seq-request-dup-check-9.1.1.puml": (10, 5),
    "sequence__seq-setmodel-2.1.2.puml": (11, 9),
    "sequence__seq-settlement-6.2.2.puml": (8, 3),
    "sequence__seq-settlement-6.2.6.puml": (29, 12),
    "sequence__seq-setwindow-6.1.2.puml": (43, 12),
    "transfer__1-1-discovery.puml": (8, 0),
    "syntax__sequenceDiagram__26.mmd": (6, 0),
    "syntax__sequenceDiagram__50.mmd": (4, 1),
    "syntax__sequenceDiagram__52.mmd": (4, 2),
    "syntax__sequenceDiagram__54.mmd": (3, 1),
    "syntax__sequenceDiagram__56.mmd": (1, 1),
    "syntax__sequenceDiagram__60.mmd": (6, 2),
    "architecture__index__1.mmd": (13, 5),
    "seps__2322-MRTR__0.mmd": (5, 0),
    "server__prompts__0.mmd": (7, 1),
    "catalog-service__CatalogService-Sequence-Diagram__0.mmd": (140, 17),
    "inventory-service__InventoryService-Sequence-Diagram__0.mmd": (121, 23),
    "kafka-streams__01-fundamentals-and-architecture__2.mmd": (11, 1),
    "kafka-streams__05-data-flow-and-processing__1.mmd": (21, 1),
    "payment-service__PaymentService-Sequence-Diagram__0.mmd": (99, 17),
    "service-registry__ServiceRegistry-Sequence-Diagram__0.mmd": (133, 21),
}


@pytest.fixture(scope="module")
def documents(corpus: list[Path]) -> dict[Path, SequenceDocument]:
    found: dict[Path, SequenceDocument] = {}
    for file in corpus:
        document = read_process(file.read_bytes(), source=str(file))
        assert isinstance(document, SequenceDocument)
        found[file] = document
    return found


def test_messages_and_fragments_are_those_a_person_counts(documents: dict[Path, SequenceDocument]) -> None:
    counted = {
        file.name: (item.messages, item.fragments) for file, item in documents.items() if file.name in COUNTED_BY_HAND
    }
    assert counted == {name: COUNTED_BY_HAND[name] for name in counted}
    assert len(counted) == 28


def test_messages_and_fragments_are_those_of_a_count_by_lines(documents: dict[Path, SequenceDocument]) -> None:
    for file, document in documents.items():
        language = "mermaid" if file.suffix == ".mmd" else "plantuml"
        messages, fragments, _rest = counts_of(file.read_text(encoding="utf-8"), language)
        assert (document.messages, document.fragments) == (messages, fragments), file.name


def test_nothing_in_the_corpus_is_strange_but_two_blocks_without_an_end(
    documents: dict[Path, SequenceDocument],
) -> None:
    named = {
        (file.name, item.code, item.line)
        for file, document in documents.items()
        for item in document.diagnostics
        if item.severity.value != "info"
    }
    assert named == {("puml__10-rotate-did-key.puml", "UNCLOSED_FRAGMENT", line) for line in (78, 86)}


def test_each_message_is_one_node_with_its_line(documents: dict[Path, SequenceDocument]) -> None:
    for file, document in documents.items():
        lines = file.read_text(encoding="utf-8").splitlines()
        nodes = [node for node in document.graph.nodes if MESSAGE in node.extensions]
        assert len(nodes) == document.messages
        for node in nodes:
            assert node.line is not None
            assert node.extensions[MESSAGE]["sender"] in lines[node.line - 1], (file.name, node.line)


def test_graphs_hold_together(documents: dict[Path, SequenceDocument]) -> None:
    for document in documents.values():
        check_graph(document.graph)


def test_every_diagram_can_be_planned_at_its_lower_bound(documents: dict[Path, SequenceDocument]) -> None:
    for file, document in documents.items():
        plan = plan_suite(document.graph, process_id=None, criterion="flow", max_loop=2).to_json(file.name)
        for container in plan["containers"]:
            assert container["size"] == container["lowerBound"], file.name
            assert not container["unreachable"], file.name
            covered = {flow for scenario in container["scenarios"] for flow in scenario["path"]}
            assert covered == {flow.id for flow in document.graph.flows}, file.name


def test_every_planned_path_is_a_run_of_its_diagram(documents: dict[Path, SequenceDocument]) -> None:
    played = 0
    for file, document in documents.items():
        model = model_of_graph(document.graph)
        plan = plan_suite(document.graph, process_id=None, criterion="flow", max_loop=2).to_json(file.name)
        for container in plan["containers"]:
            further = [scenario for addition in container["additions"] for scenario in addition.get("scenarios", ())]
            for scenario in (*container["scenarios"], *further):
                wrong = judge_container(model, container["container"], scenario["path"])
                assert wrong is None, (file.name, scenario["key"], wrong)
                played += 1
    assert played > 60
