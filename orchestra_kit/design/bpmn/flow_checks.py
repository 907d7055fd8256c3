"""Checks of the control flow of each container: where it starts and ends, what is never reached, what never ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping

from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.structure import Structure
from orchestra_kit.model.process import FlowNode, NodeType

_UNREACHED_RULES = {
    NodeType.END_EVENT: "EXT.107",
    NodeType.INTERMEDIATE_CATCH_EVENT: "EXT.115",
    NodeType.INTERMEDIATE_THROW_EVENT: "EXT.115",
}


def check_control_flow(structure: Structure, findings: Findings) -> None:
    """Note missing starts and ends, unreachable elements and traps, one diagnostic for each cause."""
    lines = {item.id: item.line for item in structure.graph.processes}
    for container, content in structure.content.items():
        holder = structure.nodes.get(container)
        line = holder.line if holder else lines.get(container)
        if holder is not None and holder.type is NodeType.AD_HOC_SUB_PROCESS:
            continue
        _check_starts_and_ends(container, content, line, structure, findings)
        _check_reach(content, structure, findings)


def _check_starts_and_ends(
    container: str, content: list[FlowNode], line: int | None, structure: Structure, findings: Findings
) -> None:
    starts = any(
        node.type is NodeType.START_EVENT or node.extensions.get("instantiate") in ("true", "1") for node in content
    )
    ends = any(node.type is NodeType.END_EVENT for node in content)
    joined = any(structure.outgoing[node.id] for node in content)
    free = [node for node in content if not structure.incoming[node.id] and not structure.needs_no_incoming(node)]
    if not starts and (ends or (joined and not free)):
        problem = "has an end event but no start event" if free else "has no start: every element has an incoming flow"
        findings.add("NO_START", f"'{container}' {problem}.", element_id=container, line=line, rule="EXT.097")
    if starts and ends:
        for node in content:
            if (
                (node.type.is_activity or node.type.is_gateway)
                and not structure.outgoing[node.id]
                and not _ends_freely(node, structure)
            ):
                findings.add(
                    "IMPLICIT_END",
                    f"the {node.type.value} '{node.id}' has no outgoing flow, though there are end events.",
                    element_id=node.id,
                    line=node.line,
                    rule="EXT.151",
                )
    if starts and not ends:
        open_ends = any(not structure.outgoing[node.id] for node in content)
        problem = (
            "has a start event but no end event" if open_ends else "has no end: no element is without outgoing flow"
        )
        findings.add("NO_END", f"'{container}' {problem}.", element_id=container, line=line, rule="EXT.105")


def _ends_freely(node: FlowNode, structure: Structure) -> bool:
    """True for what ends without a sequence flow by its nature: handlers, event sub-processes, loose content."""
    return (
        node.triggered_by_event
        or node.extensions.get("isForCompensation") is True
        or structure.in_ad_hoc(node)
        or node.id in structure.hosts
    )


def _check_reach(content: list[FlowNode], structure: Structure, findings: Findings) -> None:
    successors = structure.successors(content)
    explicit = [node.id for node in content if structure.needs_no_incoming(node)]
    has_start = any(node.type is NodeType.START_EVENT for node in content)
    loose = [node for node in content if not structure.incoming[node.id] and not structure.needs_no_incoming(node)]
    hosted = {node.id for node in content if node.type is NodeType.BOUNDARY_EVENT and node.attached_to in successors}
    entries = [item for item in explicit if structure.nodes[item].type is not NodeType.BOUNDARY_EVENT]
    entries += [] if has_start else [node.id for node in loose]
    reached = _closure(entries, successors)
    _name_unreached(content, reached, [node for node in loose if has_start], hosted, successors, structure, findings)
    predecessors: dict[str, list[str]] = {node.id: [] for node in content}
    for source, targets in successors.items():
        for target in targets:
            predecessors[target].append(source)
    # A boundary event does not let its host end: a way out only through it is a way out all the same.
    ends = [node.id for node in content if not successors[node.id] or _may_end(node, successors, hosted)]
    ending = _closure(ends, predecessors)
    for node in content:
        if node.id in reached and node.id not in ending:
            trap = _closure([node.id], successors, ending)
            ending |= trap
            findings.add(
                "NO_WAY_OUT",
                f"from '{node.id}' no end can be reached{_behind(trap)}.",
                element_id=node.id,
                line=node.line,
            )


def _may_end(node: FlowNode, successors: Mapping[str, list[str]], hosted: set[str]) -> bool:
    """True for an activity that only its boundary events lead on from: it ends where it stands."""
    return bool(successors[node.id]) and all(item in hosted for item in successors[node.id])


def _name_unreached(
    content: list[FlowNode],
    reached: set[str],
    loose: list[FlowNode],
    hosted: set[str],
    successors: Mapping[str, list[str]],
    structure: Structure,
    findings: Findings,
) -> None:
    causes = [node for node in loose if node.id not in reached]
    named = {node.id for node in causes}
    causes += [node for node in content if node.id not in reached and node.id not in named and node.id not in hosted]
    known = set(reached)
    for node in causes:
        if node.id in known or node.type is NodeType.BOUNDARY_EVENT:
            continue
        lost = _closure([node.id], successors, known)
        known |= lost
        why = "no flow leads to it" if not structure.incoming[node.id] else "no start leads to it"
        findings.add(
            "UNREACHABLE",
            f"'{node.id}' is never reached: {why}{_behind(lost)}.",
            element_id=node.id,
            line=node.line,
            rule=_UNREACHED_RULES.get(node.type, "EXT.150") if not structure.incoming[node.id] else None,
        )


def _behind(found: set[str]) -> str:
    return f" (with {len(found) - 1} more behind it)" if len(found) > 1 else ""


def _closure(
    starts: Iterable[str], successors: Mapping[str, list[str]], known: Container[str] = frozenset()
) -> set[str]:
    """Return what can be reached; what is known already is not walked again, so that many closures stay linear."""
    found = set(starts)
    queue = deque(found)
    while queue:
        for item in successors[queue.popleft()]:
            if item not in found and item not in known:
                found.add(item)
                queue.append(item)
    return found
