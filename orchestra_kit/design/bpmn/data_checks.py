"""Checks of data: data objects and references, in- and outputs, the sets that name them, the associations that fill them.

Rules are those of BPMN 2.0, chapter 10.3 (Items and Data).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestra_kit.design.bpmn.elements import child, is_true, local_name, text_of
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.structure import Structure

_SET_RULES = {
    "optionalInputRefs": ("dataInputRefs", "EXT.085"),
    "whileExecutingInputRefs": ("dataInputRefs", "EXT.086"),
    "optionalOutputRefs": ("dataOutputRefs", "EXT.089"),
    "whileExecutingOutputRefs": ("dataOutputRefs", "EXT.090"),
}
_ITEM_AWARE = frozenset(
    {"dataObject", "dataObjectReference", "dataStore", "dataStoreReference", "dataInput", "dataOutput", "property"}
)
_PAIRED_SETS = (
    ("inputSet", "outputSetRefs", "inputSetRefs", "EXT.087"),
    ("outputSet", "inputSetRefs", "outputSetRefs", "EXT.091"),
)


def check_data(structure: Structure, findings: Findings) -> None:
    """Note data that is named, typed or joined as BPMN does not allow."""
    root = structure.readings.root
    prefix = f"{{{structure.readings.namespace}}}" if structure.readings.namespace else ""

    def named(*names: str) -> Iterator[Element]:
        found: Iterator[Element] = root.iter(*(prefix + name for name in names))
        return found

    _check_references(named("dataObject", "dataObjectReference"), findings)
    _check_collections(named("dataObject", "dataInput", "dataOutput"), structure, findings)
    _check_sets(list(named("inputSet", "outputSet")), structure, findings)
    _check_use(named("ioSpecification"), findings)
    _check_associations(named("dataInputAssociation", "dataOutputAssociation"), structure, findings)


def _note(findings: Findings, code: str, element: Element, problem: str, rule: str) -> None:
    name = element.get("name") or element.get("id") or ""
    findings.add(
        code,
        f"the {local_name(element)} '{name}' {problem}.",
        element_id=element.get("id"),
        line=element.sourceline,
        rule=rule,
    )


def _check_references(elements: Iterable[Element], findings: Findings) -> None:
    for element in elements:
        if local_name(element) == "dataObjectReference" and element.get("itemSubjectRef"):
            _note(
                findings, "DATA_REFERENCE", element, "names an item; only the data object it refers to does", "EXT.076"
            )
        elif local_name(element) == "dataObject" and child(element, "dataState") is not None:
            _note(findings, "DATA_REFERENCE", element, "names a state; only references to it do", "EXT.077")


def _check_collections(elements: Iterable[Element], structure: Structure, findings: Findings) -> None:
    rules = {"dataObject": "EXT.078", "dataInput": "EXT.080", "dataOutput": "EXT.083"}
    for element in elements:
        item = structure.readings.by_id.get(_bare(element.get("itemSubjectRef")))
        if item is None or element.get("isCollection") is None or item.get("isCollection") is None:
            continue
        if is_true(element.get("isCollection")) != is_true(item.get("isCollection")):
            problem = f"and its item '{item.get('id')}' do not agree whether it is a collection"
            _note(findings, "DATA_COLLECTION", element, problem, rules[local_name(element)])


def _check_sets(sets: list[Element], structure: Structure, findings: Findings) -> None:
    """Optional and while-executing references must be among the plain ones; paired sets must name each other."""
    by_id = structure.readings.by_id
    for data_set in sets:
        plain_refs: dict[str, set[str]] = {}
        for item in data_set:
            plain_refs.setdefault(local_name(item), set()).add(text_of(item))
        for item in data_set:
            plain, rule = _SET_RULES.get(local_name(item), ("", ""))
            if plain and text_of(item) not in plain_refs.get(plain, set()):
                problem = f"names '{text_of(item)}' in {local_name(item)} but not in {plain}"
                _note(findings, "DATA_SET_REFERENCE", data_set, problem, rule)
        for kind, there, back, rule in _PAIRED_SETS:
            if local_name(data_set) != kind:
                continue
            for reference in plain_refs.get(there, ()):
                other = by_id.get(_bare(reference))
                answers = (
                    {_bare(text_of(item)) for item in other if local_name(item) == back} if other is not None else set()
                )
                if data_set.get("id") and data_set.get("id") not in answers:
                    problem = f"names '{reference}' in {there}, which does not name it in {back}"
                    _note(findings, "DATA_SET_REFERENCE", data_set, problem, rule)


def _check_use(specifications: Iterable[Element], findings: Findings) -> None:
    """Every data input must be in some input set, every output in some output set."""
    for specification in specifications:
        for kind, holder, word, rule in (
            ("dataInput", "inputSet", "dataInputRefs", "EXT.084"),
            ("dataOutput", "outputSet", "dataOutputRefs", "EXT.088"),
        ):
            used = {
                _bare(text_of(item))
                for data_set in specification
                if local_name(data_set) == holder
                for item in data_set
                if local_name(item) == word
            }
            for element in specification:
                if local_name(element) == kind and element.get("id") not in used:
                    _note(findings, "DATA_NOT_IN_SET", element, f"is in no {holder}", rule)


def _check_associations(associations: Iterable[Element], structure: Structure, findings: Findings) -> None:
    by_id = structure.readings.by_id
    for element in associations:
        sources = [_bare(text_of(item)) for item in element if local_name(item) == "sourceRef"]
        target = _bare(text_of(child(element, "targetRef")))
        for end, word in (*((item, "source") for item in sources), (target, "target")):
            other = by_id.get(end)
            if end and other is not None and local_name(other) not in _ITEM_AWARE and not _in_loop(other):
                problem = f"has the {local_name(other)} '{end}' as its {word}, which is no data"
                _note(findings, "DATA_ASSOCIATION", element, problem, "EXT.092")
        transformed = child(element, "transformation") is not None
        if len(sources) > 1 and not transformed:
            _note(findings, "DATA_ASSOCIATION", element, "has several sources and no transformation", "EXT.093")
        _check_top_level(element, sources, target, structure, findings)
        first, second = (by_id.get(sources[0]) if sources else None), by_id.get(target)
        assigned = child(element, "assignment") is not None
        if len(sources) == 1 and not transformed and not assigned and not _same_item(first, second, structure):
            _note(findings, "DATA_ASSOCIATION", element, "joins different items without a transformation", "EXT.094")


def _check_top_level(
    element: Element, sources: list[str], target: str, structure: Structure, findings: Findings
) -> None:
    """A process's own inputs are filled, and its outputs read, from outside only."""
    by_id = structure.readings.by_id
    for end, kind, problem, rule in (
        *((item, "dataOutput", "reads", "EXT.082") for item in sources),
        (target, "dataInput", "fills", "EXT.079"),
    ):
        other = by_id.get(end)
        if other is None or local_name(other) != kind:
            continue
        holder = other.getparent().getparent() if other.getparent() is not None else None
        if holder is not None and local_name(holder) == "process":
            _note(findings, "DATA_ASSOCIATION", element, f"{problem} the {kind} '{end}' of the process itself", rule)


def _same_item(first: Element | None, second: Element | None, structure: Structure) -> bool:
    """True where the items are equal, or one of them is not said."""
    if first is None or second is None:
        return True
    items = [_item(element, structure) for element in (first, second)]
    return not items[0] or not items[1] or items[0] == items[1]


def _item(element: Element, structure: Structure) -> str:
    target = element.get("dataObjectRef") or element.get("dataStoreRef")
    behind = structure.readings.by_id.get(_bare(target)) if target else None
    found = element.get("itemSubjectRef") or (None if behind is None else behind.get("itemSubjectRef"))
    definition = structure.readings.by_id.get(_bare(found))
    # Two definitions of one structure are one type.
    return _bare(found) if definition is None else str(definition.get("structureRef") or _bare(found))


def _in_loop(element: Element) -> bool:
    return local_name(element) in ("inputDataItem", "outputDataItem")


def _bare(reference: str | None) -> str:
    return (reference or "").strip().rsplit(":", 1)[-1]
