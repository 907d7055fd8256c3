"""Checks of multi-instance activities: how often, over which data, and which events they throw (BPMN 2.0, 10.2.8)."""

from __future__ import annotations

from orchestra_kit.design.bpmn.elements import child, is_true, local_name, text_of
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.model.process import FlowNode

_BEHAVIOURS = {
    "None": ("noneBehaviorEventRef", "EXT.070"),
    "One": ("oneBehaviorEventRef", "EXT.071"),
    "Complex": ("complexBehaviorDefinition", "EXT.072"),
}


def check_repetitions(structure: Structure, findings: Findings) -> None:
    """Note multi-instance activities that do not say enough, or contradict their data."""
    for node in structure.graph.nodes:
        if node.loop is None or node.loop.kind == "standard" or node.id not in structure.element_of:
            continue
        loop = child(structure.element_of[node.id], "multiInstanceLoopCharacteristics")
        if loop is None:
            continue
        if node.process_id in structure.executable and not _is_counted(loop):
            _note(
                node,
                findings,
                "MULTI_INSTANCE_WITHOUT_COUNT",
                f"nothing says how often '{node.id}' is repeated",
                "EXT.067",
            )
        _check_items(node, loop, structure, findings)
        _check_behaviour(node, loop, findings)


def _is_counted(loop: Element) -> bool:
    """True where the standard or a vendor says how many instances there are."""
    if any(child(loop, name) is not None for name in ("loopCardinality", "loopDataInputRef")):
        return True
    extensions = child(loop, "extensionElements")
    return (extensions is not None and len(extensions) > 0) or any(
        "collection" in str(name).lower() for name, _ in loop.items()
    )


def _check_items(node: FlowNode, loop: Element, structure: Structure, findings: Findings) -> None:
    """The data gone through is a collection, each item one of its kind."""
    for whole, part, rule in (
        ("loopDataInputRef", "inputDataItem", "EXT.068"),
        ("loopDataOutputRef", "outputDataItem", "EXT.069"),
    ):
        reference, item = child(loop, whole), child(loop, part)
        data = structure.readings.by_id.get(_bare(text_of(reference)))
        if data is None:
            continue
        many = _item(data, structure)
        if not is_true(data.get("isCollection")) and (many is None or not is_true(many.get("isCollection"))):
            problem = f"'{node.id}' goes through '{data.get('id')}', which is no collection"
            _note(node, findings, "MULTI_INSTANCE_DATA", problem, rule)
        one = None if item is None else _item(item, structure)
        if item is not None and (
            is_true(item.get("isCollection")) or (one is not None and is_true(one.get("isCollection")))
        ):
            problem = f"an item of '{node.id}' ({part}) is itself a collection"
            _note(node, findings, "MULTI_INSTANCE_DATA", problem, rule)
        elif one is not None and many is not None and one.get("structureRef") != many.get("structureRef"):
            problem = f"an item of '{node.id}' ({part}) is of another structure than its collection"
            _note(node, findings, "MULTI_INSTANCE_DATA", problem, rule)


def _check_behaviour(node: FlowNode, loop: Element, findings: Findings) -> None:
    name, rule = _BEHAVIOURS.get(loop.get("behavior") or "", ("", ""))
    if name and loop.get(name) is None and child(loop, name) is None:
        problem = f"'{node.id}' has the behavior {loop.get('behavior')} but no {name}"
        _note(node, findings, "MULTI_INSTANCE_EVENT", problem, rule)
    for definition in loop:
        event = child(definition, "event") if local_name(definition) == "complexBehaviorDefinition" else None
        kinds = [local_name(item) for item in event] if event is not None else ["eventDefinitionRef"]
        if not any(name.endswith(("EventDefinition", "eventDefinitionRef")) for name in kinds):
            problem = f"a complex behavior of '{node.id}' throws an event without a trigger"
            _note(node, findings, "MULTI_INSTANCE_EVENT", problem, "EXT.073")


def _item(data: Element, structure: Structure) -> Element | None:
    return structure.readings.by_id.get(_bare(data.get("itemSubjectRef")))


def _note(node: FlowNode, findings: Findings, code: str, problem: str, rule: str) -> None:
    findings.add(code, f"{problem}.", element_id=node.id, line=node.line, rule=rule)


def _bare(reference: str | None) -> str:
    return (reference or "").strip().rsplit(":", 1)[-1]
