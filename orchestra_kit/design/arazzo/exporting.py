"""Scenarios as an Arazzo document that reads back as the same scenarios.

What came from a document and was not changed since is given back as it was written. Everything else is written anew,
read again, and where the two differ the difference is put beside it under `x-orchestra`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestra_kit.design.arazzo.importing import import_scenarios
from orchestra_kit.design.arazzo.keeping import FORMAT, digest_of, head_digests, part_digests
from orchestra_kit.design.arazzo.overlay import (
    FIELD,
    SCENARIOS_FIELD,
    STEPS_FIELD,
    difference,
    scenario_difference,
)
from orchestra_kit.design.arazzo.reading import Findings, build
from orchestra_kit.design.arazzo.wording import Words, own_runtime
from orchestra_kit.design.arazzo.writing import MESSAGES, can_be_said, write_step
from orchestra_kit.design.documents import Document
from orchestra_kit.design.generation import Author
from orchestra_kit.errors import DefinitionError, ExpressionError
from orchestra_kit.expressions import parse_expression
from orchestra_kit.expressions.references import chain_of
from orchestra_kit.model import ScenarioStep, TestScenario

VERSION = "1.0.1"
VERSION_WITH_MESSAGES = "1.1.0"
FOUND_AGAIN = frozenset({"MISSING_INPUT", "WRONG_REFERENCE"})
"""Gaps that are looked for anew whenever a scenario is stored."""

_NOBODY = Author(tenant_id="-", suite_id="-", actor="-", now=datetime(2000, 1, 1, tzinfo=UTC))
_SOURCE_NAME = re.compile(r"[A-Za-z0-9_\-]+\Z")


@dataclass(slots=True, kw_only=True)
class _Piece:
    """A step of the document to be: given back as it was written, or written anew from a step of ours."""

    step_id: str
    aliases: tuple[str, ...]
    kept: Mapping[str, Any] | None = None
    step: ScenarioStep | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def export_scenarios(
    scenarios: Sequence[TestScenario], *, title: str, urls: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return scenarios as the data of an Arazzo document; `urls` tells where the description of a service is.

    Raises DefinitionError when no scenario has a step that calls an operation.
    """
    ordered = sorted(scenarios, key=lambda item: (not _from_arazzo(item), _position(item)))
    writers = [_WorkflowWriter(item) for item in ordered]
    ids = _workflow_ids(writers)
    for writer in writers:
        writer.cut(set(ids.values()))
    said = [writer for writer in writers if writer.pieces]
    if not said:
        raise DefinitionError("no scenario has a step that calls an operation; there is nothing Arazzo can say.")
    document = _head([writer.scenario for writer in said], title)
    sources = _add_sources(document, said, urls or {})
    for writer in said:
        writer.write({key: ids[key] for key in (item.scenario.key for item in said)}, sources)
    if any(writer.has_messages for writer in said) and str(document.get("arazzo")).startswith("1.0"):
        document["arazzo"] = VERSION_WITH_MESSAGES
    whole = [_whole(writer.scenario) for writer in writers if not writer.pieces]
    if whole:
        document[SCENARIOS_FIELD] = whole
    _complete(document, said)
    document["workflows"] = _with_unread([writer.workflow for writer in said], said[0].scenario, "workflows")
    return _in_order(document)


def _from_arazzo(scenario: TestScenario) -> bool:
    return scenario.source.get("format") == FORMAT


def _position(scenario: TestScenario) -> int:
    position = scenario.source.get("position") if _from_arazzo(scenario) else None
    return position if isinstance(position, int) else 0


def _kept_steps(scenario: TestScenario) -> list[Mapping[str, Any]]:
    steps = scenario.source.get("steps") if _from_arazzo(scenario) else None
    return [item for item in steps if isinstance(item, Mapping)] if isinstance(steps, list) else []


def _whole(scenario: TestScenario) -> dict[str, Any]:
    content = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    left_out = ("id", "tenantId", "suiteId", "version", "status", "createdAt", "createdBy", "updatedAt", "updatedBy")
    steps = [{key: value for key, value in step.items() if key != "id"} for step in content.get("steps", [])]
    return {**{name: value for name, value in content.items() if name not in left_out}, "steps": steps}


class _WorkflowWriter:
    """Writes one scenario as a workflow."""

    def __init__(self, scenario: TestScenario) -> None:
        self.scenario = scenario
        source = scenario.source if _from_arazzo(scenario) else {}
        head = source.get("workflow")
        self.base: dict[str, Any] = dict(head) if isinstance(head, Mapping) else {}
        self._fields = [item for item in source.get("fields", []) if isinstance(item, str)]
        kept = source.get("digests")
        now = head_digests(scenario)
        self.unchanged = {
            name for name, digest in (kept.items() if isinstance(kept, Mapping) else ()) if now.get(name) == digest
        }
        self.workflow: dict[str, Any] = {}
        self.pieces: list[_Piece] = []
        self.extra: list[dict[str, Any]] = []

    @property
    def services(self) -> list[tuple[str, bool]]:
        """The services that steps written anew call, and whether by messages."""
        return [
            (piece.step.endpoint_ref.service_name, piece.step.channel_type in MESSAGES)
            for piece in self.pieces
            if piece.step is not None and piece.step.endpoint_ref is not None
        ]

    @property
    def has_messages(self) -> bool:
        """True when a step was written anew that sends or awaits a message."""
        return any(piece.step is not None and piece.step.channel_type in MESSAGES for piece in self.pieces)

    @property
    def workflow_id(self) -> str:
        """The id the document had, else the key."""
        known = self.base.get("workflowId")
        return known if isinstance(known, str) and known else self.scenario.key

    def write(self, ids: Mapping[str, str], sources: Mapping[str, str]) -> None:
        """Write the workflow; `ids` are the workflow ids of the scenario keys in the document."""
        words = Words(
            data=self.scenario.data,
            said={piece.aliases[0]: piece.step_id for piece in self.pieces if len(piece.aliases) == 1},
            taken=set(_property_names(self.base)),
        )
        for piece in self.pieces:
            written = (piece.kept or piece.base).get("outputs")
            if len(piece.aliases) == 1 and isinstance(written, Mapping):
                words.outputs[piece.aliases[0]] = dict(written)
        self._sources, self._words, self._ids = sources, words, ids
        self._compose({}, {}, {})

    def _compose(
        self, rules: Mapping[str, Mapping[int, Any]], overlays: Mapping[str, Any], own: Mapping[str, Any]
    ) -> None:
        words = self._words
        steps = [self._written(piece, rules, overlays) for piece in self.pieces]
        outputs = self._outputs(words)
        for piece, written in zip(self.pieces, steps, strict=True):
            found = words.outputs.get(piece.aliases[0]) if len(piece.aliases) == 1 else None
            if found and found != written.get("outputs"):
                written["outputs"] = found
        head = {name: value for name, value in self.base.items() if name not in (STEPS_FIELD, FIELD)}
        if not self.base:
            head["workflowId"] = self.workflow_id
        if "name" not in self.unchanged:
            head.pop("summary", None)
            if self.scenario.name:
                head["summary"] = self.scenario.name
        self._write_inputs(head, words)
        self._write_dependencies(head)
        if outputs:
            head["outputs"] = outputs
        extra = {STEPS_FIELD: self.extra} if self.extra else {}
        laid = {FIELD: dict(own)} if own else {}
        steps = _with_unread(steps, self.scenario, "steps")
        self.workflow = _ordered({**head, "steps": steps, **extra, **laid}, self._fields)

    def _written(
        self, piece: _Piece, rules: Mapping[str, Mapping[int, Any]], overlays: Mapping[str, Any]
    ) -> dict[str, Any]:
        if piece.kept is not None or piece.step is None:
            return dict(piece.kept or {})
        alias = piece.aliases[0]
        written = write_step(piece.step, piece.step_id, self._words, self._sources, own_rules=rules.get(alias, {}))
        if piece.base:
            written = _with_kept_parts(written, piece)
        return {**written, FIELD: overlays[alias]} if alias in overlays else written

    def cut(self, ids: set[str]) -> None:
        """Sort the steps into what is given back, what is written anew and what Arazzo has no words for."""
        steps = self.scenario.steps
        kept = {tuple(item.get("aliases", ())): item for item in _kept_steps(self.scenario) if item.get("aliases")}
        by_first = {aliases[0]: item for aliases, item in kept.items()}
        by_alias = {aliases[0]: item for aliases, item in kept.items() if len(aliases) == 1}
        taken = {str(item.get("stepId")) for item in kept.values()}
        position = 0
        while position < len(steps):
            step = steps[position]
            item = by_first.get(step.alias)
            count = len(item["aliases"]) if item is not None else 0
            part = steps[position : position + count]
            if item is not None and self._is_same(item, part, ids):
                aliases = tuple(one.alias for one in part)
                self.pieces.append(_Piece(step_id=str(item["stepId"]), aliases=aliases, kept=item["written"]))
                position += count
                continue
            if can_be_said(step):
                base = by_alias.get(step.alias)
                step_id = str(base["stepId"]) if base is not None else _free(step.alias, taken)
                taken.add(step_id)
                piece = _Piece(step_id=step_id, aliases=(step.alias,), step=step)
                if base is not None:
                    piece.base, piece.digests = base["written"], base.get("digests", {})
                self.pieces.append(piece)
            else:
                content = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                kept_fields = {name: value for name, value in content.items() if name not in ("id", "orderIndex")}
                self.extra.append({"position": position, "step": kept_fields})
            position += 1

    def _is_same(self, item: Mapping[str, Any], part: Sequence[ScenarioStep], ids: set[str]) -> bool:
        if [one.alias for one in part] != list(item["aliases"]) or digest_of(part) != item.get("digest"):
            return False
        called = item["written"].get("workflowId")
        local = isinstance(called, str) and not called.startswith("$sourceDescriptions.")
        return not local or called.removeprefix("$workflows.") in ids

    def _outputs(self, words: Words) -> dict[str, Any]:
        """Return the outputs of the workflow: those it had, and what steps written anew export."""
        written = self.base.get("outputs")
        outputs: dict[str, Any] = dict(written) if isinstance(written, Mapping) else {}
        for piece in self.pieces:
            exports = piece.step.action.meta.export_as if piece.step is not None else {}
            for name, text in exports.items():
                value = _exported(piece, text, words)
                if value is not None and re.fullmatch(r"[A-Za-z0-9._\-]+", name) and name not in outputs:
                    outputs[name] = value
        return outputs

    def _write_inputs(self, head: dict[str, Any], words: Words) -> None:
        """Keep the inputs as they were when the data is, with those the steps need beside them."""
        schema = words.schema()
        inputs = self.base.get("inputs")
        if schema is None or not isinstance(inputs, Mapping):
            if schema is not None:
                head["inputs"] = schema
            return
        known = set(_property_names(self.base))
        wanted = [*words.expressions, *sorted(words.extra)]
        added = {name: schema["properties"][name] for name in wanted if name not in known}
        if added:
            own = inputs.get("properties")
            head["inputs"] = {**inputs, "properties": {**(own if isinstance(own, Mapping) else {}), **added}}

    def _write_dependencies(self, head: dict[str, Any]) -> None:
        if "dependsOn" in self.unchanged:
            written, known = head.get("dependsOn"), self.scenario.source.get("neighbours")
            gone = [item for item in known if item not in self._ids.values()] if isinstance(known, list) else []
            if gone and isinstance(written, list):
                head["dependsOn"] = [item for item in written if item not in gone]
            return
        head.pop("dependsOn", None)
        wanted = [self._ids[item.scenario_key] for item in self.scenario.depends_on if item.scenario_key in self._ids]
        if wanted:
            head["dependsOn"] = list(dict.fromkeys(wanted))

    def complete(self, found: TestScenario) -> None:
        """Put beside the workflow what it did not say, seen from what it reads back as."""
        read = {step.alias: step for step in found.steps}
        rules: dict[str, dict[int, Any]] = {}
        overlays: dict[str, Any] = {}
        for piece in self.pieces:
            step = piece.step
            if step is None:
                continue
            alias = piece.aliases[0]
            before = read.get(alias) or _by_step_id(found, piece.step_id)
            if before is None:
                continue
            rules[alias] = _own_rules(before, step)
            if rules[alias]:
                mended = before.expectations.model_copy(update={"business_rules": step.expectations.business_rules})
                before = before.model_copy(update={"expectations": mended})
            laid = difference(before, step)
            if laid:
                overlays[alias] = laid
        own = scenario_difference(_comparable(found, self.scenario), _comparable(self.scenario, self.scenario))
        if any(rules.values()) or overlays or own:
            self._compose(rules, overlays, own)


_PARTS = {
    "name": ("description",),
    "target": ("operationId", "operationPath", "channelPath", "workflowId", "action"),
    "request": ("parameters", "requestBody"),
    "criteria": ("successCriteria",),
    "retry": ("onFailure",),
}
"""The fields of a step of Arazzo by the part of ours they say."""


def _with_kept_parts(written: Mapping[str, Any], piece: _Piece) -> dict[str, Any]:
    """Return a step written anew with all it had that was not changed, or that ours has no place for."""
    assert piece.step is not None
    now = part_digests(piece.step)
    same = {name for name in _PARTS if piece.digests.get(name) == now[name]}
    said = {name: part for part, names in _PARTS.items() for name in names}
    result: dict[str, Any] = {}
    for name, value in piece.base.items():
        if said.get(name) in same or (name not in said and name not in (FIELD, "stepId")):
            result[name] = value
        elif name in written:
            result[name] = written[name]
    for name, value in written.items():
        if said.get(name) not in same:
            result.setdefault(name, value)
    return {"stepId": piece.step_id, **result}


def _by_step_id(found: TestScenario, step_id: str) -> ScenarioStep | None:
    for item in _kept_steps(found):
        aliases = item.get("aliases", ())
        if item.get("stepId") == step_id and len(aliases) == 1:
            return next((step for step in found.steps if step.alias == aliases[0]), None)
    return None


def _comparable(scenario: TestScenario, own: TestScenario) -> TestScenario:
    """Return a scenario without the gaps that are found anew at every import, where it came from a document."""
    if not _from_arazzo(own):
        return scenario
    return scenario.model_copy(update={"gaps": tuple(item for item in scenario.gaps if item.code not in FOUND_AGAIN)})


def _own_rules(found: ScenarioStep, wanted: ScenarioStep) -> dict[int, Any]:
    """Return the rules that are to stand beside their criteria; none where not each rule has a criterion."""
    before, after = found.expectations.business_rules, wanted.expectations.business_rules
    if len(before) != len(after) or len({rule.expr for rule in after}) != len(after):
        return {}
    return {
        number: rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for number, (rule, read) in enumerate(zip(after, before, strict=True))
        if rule != read
    }


def _exported(piece: _Piece, text: str, words: Words) -> str | None:
    try:
        chain = chain_of(parse_expression(text).tree)
    except ExpressionError:
        return None
    if chain is None or chain[0] != "response" or own_runtime(chain[1]) is None:
        return None
    return words.reference("steps", (piece.aliases[0], "response", *chain[1]))


def _workflow_ids(writers: Sequence[_WorkflowWriter]) -> dict[str, str]:
    """Return the workflow id of each scenario key; of two with the same id the second goes by its key."""
    ids: dict[str, str] = {}
    for writer in writers:
        if writer.workflow_id in ids.values():
            writer.base["workflowId"] = _free(writer.scenario.key, set(ids.values()))
        ids[writer.scenario.key] = writer.workflow_id
    return ids


def _head(scenarios: Sequence[TestScenario], title: str) -> dict[str, Any]:
    """Return what stands beside the workflows, of all documents the scenarios came from."""
    head: dict[str, Any] = {}
    for scenario in scenarios:
        kept = scenario.source.get("document") if _from_arazzo(scenario) else None
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


def _add_sources(head: dict[str, Any], writers: Sequence[_WorkflowWriter], urls: Mapping[str, str]) -> dict[str, str]:
    """Return the source description of each service, adding those the document lacks."""
    listed = head.get("sourceDescriptions")
    written = list(listed) if isinstance(listed, list) else []
    names = {str(item["name"]): str(item["name"]) for item in written if isinstance(item, Mapping) and "name" in item}
    added = False
    for service, by_messages in dict.fromkeys(pair for writer in writers for pair in writer.services):
        if service in names:
            continue
        plain = service if _SOURCE_NAME.match(service) else re.sub(r"[^A-Za-z0-9_\-]+", "_", service) or "service"
        name = _free(plain, set(names.values()))
        names[service], added = name, True
        kind = "asyncapi" if by_messages else "openapi"
        written.append({"name": name, "url": urls.get(service, f"./{name}.{kind}.yaml"), "type": kind})
    if added or "sourceDescriptions" in head:
        head["sourceDescriptions"] = written if added else listed
    return names


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _property_names(workflow: Mapping[str, Any]) -> list[str]:
    inputs = workflow.get("inputs")
    properties = inputs.get("properties") if isinstance(inputs, Mapping) else None
    return list(properties) if isinstance(properties, Mapping) else []


def _ordered(content: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    usual = ("workflowId", "summary", "description", "inputs", "dependsOn", "parameters", "steps")
    order = [*(name for name in fields if name in content)] or [name for name in usual if name in content]
    return {name: content[name] for name in [*order, *(name for name in content if name not in order)]}


def _complete(document: dict[str, Any], writers: Sequence[_WorkflowWriter]) -> None:
    """Read the workflows back and put beside each what it does not say."""
    whole = {**document, "workflows": [writer.workflow for writer in writers]}
    read = build(Document(source="", data=whole), Findings())
    found = import_scenarios(read, _NOBODY).scenarios
    for writer, scenario in zip(writers, found, strict=False):
        writer.complete(scenario)


def _with_unread(items: list[dict[str, Any]], scenario: TestScenario, name: str) -> list[Any]:
    """Return a list with the entries at their positions that nothing could be made of when it was read."""
    kept = scenario.source.get("unread") if _from_arazzo(scenario) else None
    entries = kept.get(name) if isinstance(kept, Mapping) else None
    result: list[Any] = list(items)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("position"), int):
            result.insert(entry["position"], entry.get("written"))
    return result


def _in_order(document: dict[str, Any]) -> dict[str, Any]:
    usual = ("arazzo", "$self", "info", "sourceDescriptions", "workflows", "components")
    order = [name for name in usual if name in document]
    return {name: document[name] for name in [*order, *(name for name in document if name not in order)]}
