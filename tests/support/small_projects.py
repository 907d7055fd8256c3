"""Small projects written in a test: a process, an `orchestra.yaml` and services, generated without a store."""

from __future__ import annotations

import itertools
import json
import textwrap
from datetime import UTC, datetime
from typing import Any

from orchestra_kit.design.binding import ProjectBinding
from orchestra_kit.design.bpmn import read_bpmn
from orchestra_kit.design.coverage import compose
from orchestra_kit.design.documents import Document, parse_document, read_value
from orchestra_kit.design.generation import Author, Generated, SuiteGenerator
from orchestra_kit.design.matching import Certainty
from orchestra_kit.design.operations import OperationCatalog
from orchestra_kit.model import ControlFlowGraph, InterfaceSummary, TestScenario
from orchestra_kit.protocols.http.endpoint_matcher import KNOWN_MARGIN, KNOWN_SCORE, NameMatcher
from orchestra_kit.protocols.http.spec_parser import OpenApiParser

CERTAINTY = Certainty(score=KNOWN_SCORE, margin=KNOWN_MARGIN)
_BPMN = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:orchestra="http://orchestra" '
    'targetNamespace="t">{before}<process id="P" isExecutable="true">{body}</process></definitions>'
)


def graph_of(body: str, *, before: str = "") -> ControlFlowGraph:
    """Return the graph of a process P written as the XML of its content."""
    document = read_bpmn(_BPMN.format(body=body, before=before).encode(), source="p.bpmn")
    assert document.ok, document.diagnostics
    return document.graph


def flows(*pairs: str) -> str:
    """Return sequence flows written as `id source target` or `id source target name`."""
    written = []
    for pair in pairs:
        identifier, source, target, *name = pair.split(" ", 3)
        named = f' name="{name[0]}"' if name else ""
        written.append(f'<sequenceFlow id="{identifier}" sourceRef="{source}" targetRef="{target}"{named}/>')
    return "".join(written)


def operation(
    identifier: str, path: str = "/x", method: str = "post", *, body: Any = None, answer: Any = None, **more: Any
) -> dict[str, Any]:
    """Return an operation of an OpenAPI document: {path: {method: ...}}."""
    described: dict[str, Any] = {"operationId": identifier, "responses": {"200": {"description": "ok"}}, **more}
    if body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if answer is not None:
        described["responses"]["200"]["content"] = {"application/json": {"schema": answer}}
    return {path: {method: described}}


def interface(*operations: dict[str, Any], schemas: dict[str, Any] | None = None) -> InterfaceSummary:
    """Return the summary of a service with these operations."""
    paths: dict[str, Any] = {}
    for one in operations:
        for path, methods in one.items():
            paths.setdefault(path, {}).update(methods)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas or {}},
    }
    return OpenApiParser().parse(json.dumps(document), source="api.json")


def fields(**types: str) -> dict[str, Any]:
    """Return an object schema with these required fields."""
    return {
        "type": "object",
        "required": list(types),
        "properties": {name: {"type": kind} for name, kind in types.items()},
    }


def binding_of(text: str) -> tuple[ProjectBinding, Document]:
    """Return an `orchestra.yaml` written without its head."""
    whole = "suite: s\nprocess: p.bpmn\n" + textwrap.dedent(text)
    document = parse_document(whole.encode(), source="folder/orchestra.yaml")
    return read_value(document, ProjectBinding), document


def generated(graph: ControlFlowGraph, text: str, **services: InterfaceSummary) -> Generated:
    """Return the suite of a graph by an `orchestra.yaml` over services."""
    binding, document = binding_of(text)
    numbers = itertools.count(1)
    generator = SuiteGenerator(
        graph,
        binding,
        document,
        OperationCatalog(services),
        NameMatcher(),
        certainty=CERTAINTY,
        make_id=lambda: f"id-{next(numbers)}",
    )
    suite = compose(graph, "P", criterion=binding.criterion, max_loop=binding.max_loop)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return generator.generate(suite.scenarios, Author(tenant_id="t", suite_id="s", actor="a", now=now))


def only(made: Generated) -> TestScenario:
    """Return the one scenario of a suite."""
    (scenario,) = made.scenarios
    return scenario
