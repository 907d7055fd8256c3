"""What a scenario keeps of the document it came from: all that an export gives back as it was."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra_kit.design.arazzo.context import Trace
from orchestra_kit.design.arazzo.document import ArazzoDocument, Workflow
from orchestra_kit.model import ScenarioStep, TestScenario

FORMAT = "arazzo"
_COMPONENT = re.compile(r"\$components\.([A-Za-z]+)\.([^\s{}#\"]+)|#/components/([A-Za-z]+)/([^\s/\"#]+)")


def keep(
    scenario: TestScenario, workflow: Workflow, document: ArazzoDocument, traces: Sequence[Trace]
) -> dict[str, Any]:
    """Return the `source` of a scenario: the head of the document, the workflow and its steps as written, and digests
    by which an export sees what was changed since."""
    steps = {step.alias: step for step in scenario.steps}
    position = workflow.path[-1]
    first = next(item for item in document.workflows if item.steps) is workflow
    kept_steps = [
        {
            "stepId": trace.step.step_id,
            "aliases": list(trace.aliases),
            "digest": digest_of([steps[alias] for alias in trace.aliases]),
            "digests": part_digests(steps[trace.aliases[0]]) if len(trace.aliases) == 1 else {},
            "written": dict(trace.step.raw),
        }
        for trace in traces
        if trace.aliases
    ]
    head = {name: value for name, value in workflow.raw.items() if name != "steps"}
    return {
        "format": FORMAT,
        "version": document.version,
        "position": position,
        "document": _head(document, workflow, first=first),
        "fields": list(workflow.raw),
        "rootFields": list(document.raw),
        "workflow": head,
        "steps": kept_steps,
        "digests": head_digests(scenario),
        "neighbours": _neighbours(workflow, document),
        "unread": {
            "steps": _unread(workflow.raw.get("steps"), {item.step.path[-1] for item in traces if item.aliases}),
            "workflows": _unread(document.raw.get("workflows"), _usable(document)) if first else [],
        },
    }


def _neighbours(workflow: Workflow, document: ArazzoDocument) -> list[str]:
    """Return the other workflows of the document this one depends on, calls or reads outputs of."""
    names = {*workflow.depends_on, *(step.workflow_id or "" for step in workflow.steps)}
    text = json.dumps(workflow.raw)
    refers = "$workflows." in text
    return [
        item.workflow_id
        for item in document.workflows
        if item is not workflow
        and item.steps
        and (item.workflow_id in names or (refers and f"$workflows.{json.dumps(item.workflow_id)[1:-1]}" in text))
    ]


def _usable(document: ArazzoDocument) -> set[str | int]:
    return {item.path[-1] for item in document.workflows if item.steps}


def _unread(items: Any, read: set[str | int]) -> list[dict[str, Any]]:
    """Return the entries of a list nothing could be made of, with their positions."""
    entries = enumerate(items if isinstance(items, list) else [])
    return [{"position": number, "written": item} for number, item in entries if number not in read]


def digest_of(steps: Sequence[ScenarioStep]) -> str:
    """Return a digest of steps by all that a tester may change."""
    contents = []
    for step in steps:
        content = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        contents.append({name: value for name, value in content.items() if name not in ("id", "orderIndex")})
    return _digest(contents)


def part_digests(step: ScenarioStep) -> dict[str, str]:
    """Return a digest for each part of a step that a document says in fields of its own."""
    content = step.to_json()
    action = content["action"]
    return {
        "name": _digest(content["name"]),
        "target": _digest([content["kind"], content["channelType"], content["endpointRef"]]),
        "request": _digest(action["inputTemplate"]),
        "criteria": _digest(content["expectations"]),
        "retry": _digest(action["meta"]["retry"]),
    }


def head_digests(scenario: TestScenario) -> dict[str, str]:
    """Return digests of what a scenario says beside its steps."""
    content = scenario.to_json()
    return {name: _digest(content[name]) for name in ("name", "dependsOn", "data", "gaps")}


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _head(document: ArazzoDocument, workflow: Workflow, *, first: bool) -> dict[str, Any]:
    """Return what stands beside the workflows; of the components what this workflow uses, and with the first one also
    those that no workflow uses."""
    head = {name: value for name, value in document.raw.items() if name not in ("workflows", "components")}
    components = document.raw.get("components")
    if components is None:
        return head
    if not isinstance(components, Mapping):
        return {**head, "components": components}
    mine = used_components(workflow.raw, components)
    if first:
        theirs: set[tuple[str, str]] = set()
        for other in document.workflows:
            theirs |= used_components(other.raw, components) if other.steps else set()
        mine |= {(kind, name) for kind, items in components.items() for name in _names(items)} - theirs
    kept: dict[str, Any] = {}
    for kind, items in components.items():
        if not isinstance(items, Mapping):
            kept[kind] = items
            continue
        kept[kind] = {name: item for name, item in items.items() if (kind, name) in mine}
    return {**head, "components": kept}


def _names(items: Any) -> list[str]:
    return list(items) if isinstance(items, Mapping) else []


def used_components(data: Any, components: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the components something refers to, directly or through others, as (kind, name)."""
    found: set[tuple[str, str]] = set()
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and "components" in value:
            for match in _COMPONENT.finditer(value):
                name = (match[1] or match[3], match[2] or match[4])
                items = components.get(name[0])
                if name not in found and isinstance(items, Mapping) and name[1] in items:
                    found.add(name)
                    waiting.append(items[name[1]])
    return found
