"""One scenario as a workflow: what came from a document and was not changed since is given back as it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.design.arazzo.keeping import FORMAT, digest_of, head_digests, part_digests
from orchestra_kit.design.arazzo.overlay import FIELD, STEPS_FIELD, difference, plain_rule, scenario_difference
from orchestra_kit.design.arazzo.wording import Words, own_runtime
from orchestra_kit.design.arazzo.writing import MESSAGES, can_be_said, write_step
from orchestra_kit.errors import ExpressionError
from orchestra_kit.expressions import parse_expression
from orchestra_kit.expressions.references import chain_of
from orchestra_kit.model import ScenarioStep, TestScenario

FOUND_AGAIN = frozenset({"MISSING_INPUT", "WRONG_REFERENCE"})
"""Gaps that are looked for anew whenever a scenario is stored."""


@dataclass(slots=True, kw_only=True)
class Piece:
    """A step of the document to be: given back as it was written, or written anew from a step of ours."""

    step_id: str
    aliases: tuple[str, ...]
    kept: Mapping[str, Any] | None = None
    step: ScenarioStep | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_call(self) -> bool:
        """True for a step given back that calls a workflow: its steps have no outputs in this one."""
        return self.kept is not None and called_workflow(self.kept) is not None


class WorkflowWriter:
    """Writes one scenario as a workflow."""

    def __init__(self, scenario: TestScenario) -> None:
        self.scenario = scenario
        source = scenario.source if from_arazzo(scenario) else {}
        head = source.get("workflow")
        self.base: dict[str, Any] = dict(head) if isinstance(head, Mapping) else {}
        fields = source.get("fields")
        self._fields = [item for item in fields if isinstance(item, str)] if isinstance(fields, list) else []
        kept = source.get("digests")
        now = head_digests(scenario)
        self.unchanged = {
            name for name, digest in (kept.items() if isinstance(kept, Mapping) else ()) if now.get(name) == digest
        }
        self.workflow: dict[str, Any] = {}
        self.pieces: list[Piece] = []
        self.extra: list[dict[str, Any]] = []
        self._rewritten: set[str] = set()

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
            said={piece.aliases[0]: piece.step_id for piece in self.pieces if not piece.is_call},
            taken=set(_property_names(self.base)),
        )
        for piece in self.pieces:
            written = (piece.kept or piece.base).get("outputs")
            if not piece.is_call and isinstance(written, Mapping):
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
            found = None if piece.is_call else words.outputs.get(piece.aliases[0])
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
        steps = with_unread(steps, self.scenario, "steps")
        self.workflow = _ordered({**head, "steps": steps, **extra, **laid}, self._fields)

    def _written(
        self, piece: Piece, rules: Mapping[str, Mapping[int, Any]], overlays: Mapping[str, Any]
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
        self.pieces, self.extra = [], []
        steps = self.scenario.steps
        kept = {tuple(item["aliases"]): item for item in _kept_steps(self.scenario)}
        by_first = {aliases[0]: item for aliases, item in kept.items()}
        by_alias = {aliases[0]: item for aliases, item in kept.items() if called_workflow(item["written"]) is None}
        taken = {str(item.get("stepId")) for item in kept.values()}
        position = 0
        while position < len(steps):
            step = steps[position]
            item = by_first.get(step.alias)
            count = len(item["aliases"]) if item is not None else 0
            part = steps[position : position + count]
            if item is not None and self._is_same(item, part, ids):
                aliases = tuple(one.alias for one in part)
                self.pieces.append(Piece(step_id=str(item["stepId"]), aliases=aliases, kept=item["written"]))
                position += count
                continue
            if can_be_said(step):
                base = by_alias.get(step.alias)
                step_id = str(base["stepId"]) if base is not None else next_free_name(step.alias, taken)
                taken.add(step_id)
                piece = Piece(step_id=step_id, aliases=(step.alias,), step=step)
                if base is not None:
                    piece.base = base["written"]
                    piece.digests = {} if step.alias in self._rewritten else base["digests"]
                self.pieces.append(piece)
            else:
                content = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                kept_fields = {name: value for name, value in content.items() if name not in ("id", "orderIndex")}
                self.extra.append({"position": position, "step": kept_fields})
            position += 1

    def _is_same(self, item: Mapping[str, Any], part: Sequence[ScenarioStep], ids: set[str]) -> bool:
        if [one.alias for one in part] != list(item["aliases"]) or digest_of(part) != item.get("digest"):
            return False
        if self._rewritten.intersection(item["aliases"]):
            return False
        called = called_workflow(item["written"])
        if called is None or called.startswith("$sourceDescriptions.") or part[0].channel_type is None:
            return True  # a call of nothing that is there stays what it is
        return called.removeprefix("$workflows.") in ids

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

    def is_as_it_was(self, ids: set[str]) -> bool:
        """Return whether every step is given back, and every workflow they speak of is there, too."""
        known = self.scenario.source.get("neighbours") if from_arazzo(self.scenario) else None
        there = not isinstance(known, list) or set(map(str, known)) <= ids
        return there and all(piece.kept is not None for piece in self.pieces)

    def doubt(self, found: TestScenario) -> bool:
        """Mark for writing anew what is given back but, with something else changed, reads as another step now."""
        read = {step.alias: step for step in found.steps}
        own = {step.alias: step for step in self.scenario.steps}
        doubtful = {
            alias
            for piece in self.pieces
            if piece.kept is not None
            for alias in piece.aliases
            if alias not in read or difference(read[alias], own[alias])
        }
        self._rewritten |= doubtful
        return bool(doubtful)

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


def called_workflow(written: Mapping[str, Any]) -> str | None:
    """Return the workflow a step of a document calls, None for a step that calls an operation."""
    called = written.get("workflowId")
    return None if "operationId" in written or "operationPath" in written or not isinstance(called, str) else called


def from_arazzo(scenario: TestScenario) -> bool:
    """Return whether a scenario came from an Arazzo document."""
    return scenario.source.get("format") == FORMAT


def _kept_steps(scenario: TestScenario) -> list[Mapping[str, Any]]:
    steps = scenario.source.get("steps") if from_arazzo(scenario) else None
    return [item for item in steps if _is_kept(item)] if isinstance(steps, list) else []


def _is_kept(item: Any) -> bool:
    """Return whether an entry is what an import keeps: a `source` may have been edited by hand."""
    if not isinstance(item, Mapping) or not isinstance(item.get("written"), Mapping) or not item.get("stepId"):
        return False
    aliases = item.get("aliases")
    named = isinstance(aliases, list) and bool(aliases) and all(isinstance(alias, str) for alias in aliases)
    return named and isinstance(item.get("digests"), Mapping)


_PARTS = {
    "name": ("description",),
    "target": ("operationId", "operationPath", "channelPath", "workflowId", "action"),
    "request": ("parameters", "requestBody"),
    "criteria": ("successCriteria",),
    "retry": ("onFailure",),
}
"""The fields of a step of Arazzo by the part of ours they say."""


def _with_kept_parts(written: Mapping[str, Any], piece: Piece) -> dict[str, Any]:
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
    head = own.source.get("workflow")
    laid = head.get(FIELD) if isinstance(head, Mapping) else None
    if not from_arazzo(own) or (isinstance(laid, Mapping) and "gaps" in laid):
        return scenario
    return scenario.model_copy(update={"gaps": tuple(item for item in scenario.gaps if item.code not in FOUND_AGAIN)})


def _own_rules(found: ScenarioStep, wanted: ScenarioStep) -> dict[int, Any]:
    """Return the rules that are to stand beside their criteria; none where not each rule has a criterion."""
    before, after = found.expectations.business_rules, wanted.expectations.business_rules
    if len(before) != len(after) or len({rule.expr for rule in after}) != len(after):
        return {}
    return {
        number: plain_rule(rule.to_json())
        for number, (rule, read) in enumerate(zip(after, before, strict=True))
        if rule != read
    }


def _exported(piece: Piece, text: str, words: Words) -> str | None:
    try:
        chain = chain_of(parse_expression(text).tree)
    except ExpressionError:
        return None
    if chain is None or chain[0] != "response" or own_runtime(chain[1]) is None:
        return None
    return words.reference("steps", (piece.aliases[0], "response", *chain[1]))


def next_free_name(name: str, taken: set[str]) -> str:
    """Return a name, numbered where it is taken."""
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


def with_unread(items: list[dict[str, Any]], scenario: TestScenario, name: str) -> list[Any]:
    """Return a list with the entries at their positions that nothing could be made of when it was read."""
    kept = scenario.source.get("unread") if from_arazzo(scenario) else None
    entries = kept.get(name) if isinstance(kept, Mapping) else None
    result: list[Any] = list(items)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("position"), int):
            result.insert(entry["position"], entry.get("written"))
    return result
