"""Scenarios as an Arazzo document that reads back as the same scenarios.

What came from a document and was not changed since is given back as it was written. Everything else is written anew,
read again, and where the two differ the difference is put beside it under `x-orchestra`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestra_kit.design.arazzo.importing import import_scenarios
from orchestra_kit.design.arazzo.overlay import SCENARIOS_FIELD
from orchestra_kit.design.arazzo.reading import Findings, build
from orchestra_kit.design.arazzo.workflows import WorkflowWriter, from_arazzo, next_free_name, with_unread
from orchestra_kit.design.documents import Document
from orchestra_kit.design.generation import Author
from orchestra_kit.errors import DefinitionError
from orchestra_kit.model import TestScenario

VERSION = "1.0.1"
VERSION_WITH_MESSAGES = "1.1.0"
MOST_ROUNDS = 10

_NOBODY = Author(tenant_id="-", suite_id="-", actor="-", now=datetime(2000, 1, 1, tzinfo=UTC))
_SOURCE_NAME = re.compile(r"[A-Za-z0-9_\-]+\Z")


def export_scenarios(
    scenarios: Sequence[TestScenario], *, title: str, urls: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return scenarios as the data of an Arazzo document; `urls` tells where the description of a service is.

    Raises DefinitionError when no scenario has a step that calls an operation.
    """
    ordered = sorted(scenarios, key=lambda item: (not from_arazzo(item), _position(item)))
    writers = [WorkflowWriter(item) for item in ordered]
    ids = _workflow_ids(writers)
    for _ in range(MOST_ROUNDS):
        document, said = _written(writers, ids, title, urls or {})
        found = _read_back(document, said)
        known = [writer for writer in said if writer.scenario.key in found]
        if all(writer.is_as_it_was(set(ids.values())) for writer in said):
            break
        doubtful = [writer.doubt(found[writer.scenario.key]) for writer in known]
        if not any(doubtful):
            break
    for writer in known:
        writer.complete(found[writer.scenario.key])
    document["workflows"] = with_unread([writer.workflow for writer in said], said[0].scenario, "workflows")
    return _in_order(document, said[0].scenario)


def _written(
    writers: Sequence[WorkflowWriter], ids: Mapping[str, str], title: str, urls: Mapping[str, str]
) -> tuple[dict[str, Any], list[WorkflowWriter]]:
    """Return the document without what is to stand beside its workflows, and the writers of those."""
    for writer in writers:
        writer.cut(set(ids.values()))
    said = [writer for writer in writers if writer.pieces]
    if not said:
        raise DefinitionError("no scenario has a step that calls an operation; there is nothing Arazzo can say.")
    document = _head([writer.scenario for writer in said], title)
    sources = _add_sources(document, said, urls)
    for writer in said:
        writer.write({key: ids[key] for key in (item.scenario.key for item in said)}, sources)
    if any(writer.has_messages for writer in said) and str(document.get("arazzo")).startswith("1.0"):
        document["arazzo"] = VERSION_WITH_MESSAGES
    whole = [_whole(writer.scenario) for writer in writers if not writer.pieces]
    if whole:
        document[SCENARIOS_FIELD] = whole
    return document, said


def _position(scenario: TestScenario) -> int:
    position = scenario.source.get("position") if from_arazzo(scenario) else None
    return position if isinstance(position, int) else 0


def _whole(scenario: TestScenario) -> dict[str, Any]:
    content = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    left_out = ("id", "tenantId", "suiteId", "version", "status", "createdAt", "createdBy", "updatedAt", "updatedBy")
    steps = [{key: value for key, value in step.items() if key != "id"} for step in content.get("steps", [])]
    return {**{name: value for name, value in content.items() if name not in left_out}, "steps": steps}


def _workflow_ids(writers: Sequence[WorkflowWriter]) -> dict[str, str]:
    """Return the workflow id of each scenario key; of two with the same id the second goes by its key."""
    ids: dict[str, str] = {}
    for writer in writers:
        if writer.workflow_id in ids.values() and not writer.base:
            writer.base["workflowId"] = next_free_name(writer.scenario.key, set(ids.values()))
        ids[writer.scenario.key] = writer.workflow_id
    return ids


def _head(scenarios: Sequence[TestScenario], title: str) -> dict[str, Any]:
    """Return what stands beside the workflows, of all documents the scenarios came from."""
    head: dict[str, Any] = {}
    for scenario in scenarios:
        kept = scenario.source.get("document") if from_arazzo(scenario) else None
        for name, value in kept.items() if isinstance(kept, Mapping) else ():
            if name == "components" and isinstance(value, Mapping) and isinstance(head.get(name), Mapping):
                head[name] = _joined(head[name], value)
            elif name == "sourceDescriptions" and isinstance(value, list) and isinstance(head.get(name), list):
                known = [item.get("name") for item in head[name] if isinstance(item, Mapping)]
                fresh = [item for item in value if isinstance(item, Mapping) and item.get("name") not in known]
                head[name] = [*head[name], *(item for item in fresh if item not in head[name])]
            else:
                head.setdefault(name, value)
    head.pop(SCENARIOS_FIELD, None)
    if not head:
        return {"arazzo": VERSION, "info": {"title": title, "version": "1.0.0"}, "sourceDescriptions": []}
    return head


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(first)
    for kind, items in second.items():
        known = joined.get(kind)
        joined[kind] = {**items, **known} if isinstance(items, Mapping) and isinstance(known, Mapping) else items
    return joined


def _add_sources(head: dict[str, Any], writers: Sequence[WorkflowWriter], urls: Mapping[str, str]) -> dict[str, str]:
    """Return the source description of each service, adding those the document lacks."""
    listed = head.get("sourceDescriptions")
    written = list(listed) if isinstance(listed, list) else []
    names = {str(item["name"]): str(item["name"]) for item in written if isinstance(item, Mapping) and "name" in item}
    added = False
    for service, by_messages in dict.fromkeys(pair for writer in writers for pair in writer.services):
        if service in names:
            continue
        plain = service if _SOURCE_NAME.match(service) else re.sub(r"[^A-Za-z0-9_\-]+", "_", service) or "service"
        name = next_free_name(plain, set(names.values()))
        names[service], added = name, True
        kind = "asyncapi" if by_messages else "openapi"
        written.append({"name": name, "url": urls.get(service, f"./{name}.{kind}.yaml"), "type": kind})
    if added or "sourceDescriptions" in head:
        head["sourceDescriptions"] = written if added else listed
    return names


def _read_back(document: Mapping[str, Any], writers: Sequence[WorkflowWriter]) -> dict[str, TestScenario]:
    """Return what the workflows read back as, by the key of their scenario."""
    workflows = with_unread([writer.workflow for writer in writers], writers[0].scenario, "workflows")
    read = build(Document(source="", data={**document, "workflows": workflows}), Findings())
    found = import_scenarios(read, _NOBODY).scenarios
    return {writer.scenario.key: item for writer, item in zip(writers, found, strict=False)}


def _in_order(document: dict[str, Any], first: TestScenario) -> dict[str, Any]:
    """Return a document with its fields in the order it had, else in the usual one."""
    usual = ("arazzo", "$self", "info", "sourceDescriptions", "workflows", "components")
    kept = first.source.get("rootFields") if from_arazzo(first) else None
    order = [name for name in (kept if isinstance(kept, list) else usual) if name in document]
    return {name: document[name] for name in [*order, *(name for name in document if name not in order)]}
