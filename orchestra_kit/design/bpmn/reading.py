"""From the XML tree to the control-flow graph: every flow node and sequence flow of every process, whatever its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from orchestra_kit.design.bpmn import vocabulary as words
from orchestra_kit.design.bpmn.artifacts import ArtifactReader
from orchestra_kit.design.bpmn.details import called_element, multiplicity, node_details
from orchestra_kit.design.bpmn.elements import is_true, local_name, read_condition, read_loop
from orchestra_kit.design.bpmn.event_details import read_event_definitions, read_message
from orchestra_kit.design.bpmn.extensions import ExtensionReader
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.interchange import read_diagram
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.model.enums import SourceType
from orchestra_kit.model.process import (
    ControlFlowGraph,
    FlowNode,
    GlobalTask,
    Import,
    Lane,
    MessageFlow,
    NodeType,
    Participant,
    ProcessSummary,
    SequenceFlow,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the reader stands: the flow container and the process that holds it."""

    container: str
    process_id: str


@dataclass(slots=True)
class Readings:
    """The graph and, in the same order, the XML element of each node and flow; the checks look at both."""

    root: Element
    namespace: str
    graph: ControlFlowGraph
    by_id: dict[str, Element]
    node_elements: list[Element] = field(default_factory=list)
    flow_elements: list[Element] = field(default_factory=list)


class GraphReader:
    """Reads one tree. Tags are matched in the namespace the document uses for BPMN."""

    def __init__(self, root: Element, namespace: str, findings: Findings) -> None:
        self._root, self._findings = root, findings
        self._namespace = namespace
        self._prefix = f"{{{namespace}}}" if namespace else ""
        self._extensions = ExtensionReader(namespace)
        self._by_id: dict[str, Element] = {}
        self._made: dict[str, int] = {}
        self._nodes: list[FlowNode] = []
        self._node_elements: list[Element] = []
        self._flow_elements: list[Element] = []
        self._flow_scopes: list[Scope] = []
        self._seen: set[int] = set()  # the elements read, by object identity; the two lists above keep them alive
        self._lanes: list[Lane] = []
        self._lane_of: dict[str, str] = {}
        self._participants: list[Participant] = []
        self._message_flows: list[MessageFlow] = []
        self._artifacts = ArtifactReader(self._by_id, self._resolve, self._id_of)
        self._collaborations: dict[str, Any] = {}
        self._language = root.get("expressionLanguage")
        self._table = self._reader_table()

    def read(self) -> Readings:
        """Return everything in the document."""
        self._index_ids()
        for collaboration in self._root.iter(*(self._prefix + name for name in sorted(words.COLLABORATIONS))):
            self._read_collaboration(collaboration)
        processes = [self._read_process(item) for item in self._root.iter(self._prefix + "process")]
        for choreography in self._root.iter(self._prefix + "choreography"):
            owner = self._id_of(choreography, "choreography")
            self._read_children(choreography, Scope(owner, owner))
        self._read_misplaced()
        self._artifacts.close()
        graph = ControlFlowGraph(
            source_type=SourceType.BPMN,
            processes=self._with_counts(processes),
            nodes=tuple(self._nodes),
            flows=self._read_flows(),
            lanes=tuple(self._lanes),
            participants=tuple(self._participants),
            message_flows=tuple(self._message_flows),
            artifacts=tuple(self._artifacts.artifacts),
            associations=tuple(self._artifacts.associations),
            diagram=read_diagram(self._root, self._by_id),
            global_tasks=tuple(self._global_tasks()),
            imports=tuple(self._imports()),
            target_namespace=self._root.get("targetNamespace") or "",
            extensions=self._extensions.read(self._root)
            | ({"collaborations": self._collaborations} if self._collaborations else {}),
        )
        return Readings(
            root=self._root,
            namespace=self._namespace,
            graph=graph,
            by_id=self._by_id,
            node_elements=self._node_elements,
            flow_elements=self._flow_elements,
        )

    # --- ids ---------------------------------------------------------------------------------------------------------

    def _index_ids(self) -> None:
        for element in self._root.iter(self._prefix + "*"):
            identifier = element.get("id")
            if identifier is None:
                continue
            first = self._by_id.setdefault(identifier, element)
            if first is not element:
                self._findings.add(
                    "DUPLICATE_ID",
                    f"the id '{identifier}' of this {local_name(element)} is already that of the "
                    f"{local_name(first)} in line {first.sourceline}.",
                    element_id=identifier,
                    line=element.sourceline,
                    rule="EXT.002",
                )

    def _id_of(self, element: Element, what: str) -> str:
        identifier = element.get("id")
        if identifier:
            return str(identifier)
        made = f"{local_name(element)}-line-{element.sourceline}"
        self._made[made] = self._made.get(made, 0) + 1
        if self._made[made] > 1:
            made = f"{made}-{self._made[made]}"
        self._findings.add(
            "MISSING_ID",
            f"this {what} has no id; called '{made}'.",
            element_id=made,
            line=element.sourceline,
            rule="EXT.003",
        )
        return made

    def _resolve(self, reference: str | None) -> str:
        """Return the id a reference means, also where it is written with a namespace prefix."""
        reference = (reference or "").strip()
        if reference in self._by_id or ":" not in reference:
            return reference
        bare = reference.rsplit(":", 1)[-1]
        return bare if bare in self._by_id else reference

    # --- containers --------------------------------------------------------------------------------------------------

    def _reader_table(self) -> dict[str, Callable[[Element, Scope], None]]:
        table: dict[str, Callable[[Element, Scope], None]] = {}
        for name, kind in words.NODE_TAGS.items():
            table[name] = partial(self._read_node, kind)
        for name in words.ARTIFACT_TAGS:
            table[name] = lambda element, scope: self._artifacts.read_artifact(element, scope.process_id)
        table |= {
            "dataObject": lambda element, scope: self._artifacts.queue_object(element, scope.process_id),
            "sequenceFlow": self._queue_flow,
            "association": lambda element, _: self._artifacts.read_association(element),
            "ioSpecification": self._read_children,
            "laneSet": self._skip,
        }
        return {self._prefix + name: reader for name, reader in table.items()}

    def _read_process(self, element: Element) -> ProcessSummary:
        owner = self._id_of(element, "process")
        self._read_children(element, Scope(owner, owner))
        executable = element.get("isExecutable")
        return ProcessSummary(
            id=owner,
            name=element.get("name") or "",
            is_executable=None if executable is None else is_true(executable),
            extensions=self._extensions.read(element),
            line=element.sourceline,
        )

    def _read_children(self, element: Element, scope: Scope) -> None:
        for lanes in element.iterchildren(self._prefix + "laneSet"):
            self._read_lane_set(lanes, scope, None)
        for item in element:
            reader = self._table.get(item.tag)
            if reader is not None:
                reader(item, scope)
            elif isinstance(item.tag, str):
                self._note_unknown(item)

    def _note_unknown(self, element: Element) -> None:
        namespace, _, name = element.tag.rpartition("}")
        namespace = namespace.removeprefix("{")
        if namespace == self._namespace and name not in words.OTHER_CONTAINER_CHILDREN:
            self._findings.add(
                "UNKNOWN_ELEMENT",
                f"BPMN has no element '{name}' here; it was left out.",
                element_id=element.get("id"),
                line=element.sourceline,
            )
        elif namespace != self._namespace and (name in words.NODE_TAGS or name == "sequenceFlow"):
            self._findings.add(
                "WRONG_NAMESPACE",
                f"the element '{name}' is in the namespace '{namespace}', not in BPMN's; it was left out.",
                element_id=element.get("id"),
                line=element.sourceline,
            )

    def _skip(self, _element: Element, _scope: Scope) -> None:
        """Lane sets are read before everything else of their container."""

    # --- nodes and flows ---------------------------------------------------------------------------------------------

    def _read_node(self, kind: NodeType, element: Element, scope: Scope) -> None:
        identifier = self._id_of(element, "element")
        extensions = self._extensions.read(element)
        triggers: tuple[str, ...] = ()
        if kind.is_event:
            triggers, details = read_event_definitions(element, self._by_id, self._extensions)
            if details:
                extensions["eventDefinitions"] = details
        extensions |= node_details(element, self._by_id, self._resolve)
        if "messageRef" in extensions:
            extensions |= read_message(self._by_id.get(self._resolve(extensions["messageRef"])), self._extensions)
        interrupting = element.get("cancelActivity" if kind is NodeType.BOUNDARY_EVENT else "isInterrupting")
        self._nodes.append(
            FlowNode(
                id=identifier,
                name=element.get("name") or "",
                type=kind,
                container=scope.container,
                process_id=scope.process_id,
                lane_id=self._lane_of.get(identifier),
                attached_to=self._resolve(element.get("attachedToRef")) or None,
                cancel_activity=is_true(interrupting, default=True),
                triggered_by_event=is_true(element.get("triggeredByEvent")),
                event_definitions=triggers,
                default_flow=self._resolve(element.get("default")) or None,
                loop=read_loop(element) if kind.is_activity else None,
                called_element=called_element(element, extensions),
                operation_ref=self._operation(element),
                extensions=extensions,
                line=element.sourceline,
            )
        )
        self._node_elements.append(element)
        self._seen.add(id(element))
        if kind.is_container:
            self._read_children(element, Scope(identifier, scope.process_id))
        self._artifacts.read_data_associations(element, identifier)

    def _operation(self, element: Element) -> str | None:
        reference = element.get("operationRef")
        if not reference:
            return None
        operation = self._by_id.get(self._resolve(reference))
        return str(operation.get("name") or reference) if operation is not None else str(reference)

    def _queue_flow(self, element: Element, scope: Scope) -> None:
        self._flow_elements.append(element)
        self._seen.add(id(element))
        self._flow_scopes.append(scope)

    def _read_flows(self) -> tuple[SequenceFlow, ...]:
        """Return the flows; read last, since a flow may stand before its source and its source names the default."""
        defaults = {(node.id, node.default_flow) for node in self._nodes if node.default_flow}
        flows: list[SequenceFlow] = []
        for element, scope in zip(self._flow_elements, self._flow_scopes, strict=True):
            identifier = self._id_of(element, "sequence flow")
            source = self._resolve(element.get("sourceRef"))
            flows.append(
                SequenceFlow(
                    id=identifier,
                    name=element.get("name") or "",
                    source=source,
                    target=self._resolve(element.get("targetRef")),
                    container=scope.container,
                    process_id=scope.process_id,
                    condition=read_condition(element, self._language),
                    is_default=(source, identifier) in defaults,
                    extensions=self._extensions.read(element) if len(element) or len(element.attrib) > 3 else {},
                    line=element.sourceline,
                )
            )
        return tuple(flows)

    def _read_misplaced(self) -> None:
        """Read nodes and flows that stand where none belong: outside any process, inside a task, in a lane.

        What stands inside extension elements is named and not read.
        """
        tags = [self._prefix + name for name in words.NODE_TAGS]
        wanted = list(self._root.iter(self._prefix + "sequenceFlow", *tags))
        if len(wanted) == len(self._node_elements) + len(self._flow_elements):
            return
        for element in wanted:
            if id(element) in self._seen:
                continue
            holder = element.getparent()
            theirs = next(element.iterancestors(self._prefix + "extensionElements"), None) is not None
            self._findings.add(
                "MISPLACED_ELEMENT",
                f"a {local_name(element)} does not belong into a {local_name(holder) if holder is not None else 'file'}"
                f"{'; it was left out' if theirs else ''}.",
                element_id=element.get("id"),
                line=element.sourceline,
            )
            if theirs:
                continue  # what a tool keeps for itself is no part of the process
            self._table[element.tag](element, self._scope_around(element))

    def _scope_around(self, element: Element) -> Scope:
        container = process = ""
        for ancestor in element.iterancestors():
            name = local_name(ancestor)
            if not container and (name in words.CONTAINER_TAGS or name in words.ROOT_CONTAINERS):
                container = ancestor.get("id") or ""
            if name in words.ROOT_CONTAINERS:
                process = ancestor.get("id") or ""
        return Scope(container, process)

    # --- everything around -------------------------------------------------------------------------------------------

    def _read_lane_set(self, lane_set: Element, scope: Scope, parent: str | None) -> None:
        for element in lane_set.iterchildren(self._prefix + "lane"):
            identifier = self._id_of(element, "lane")
            members = tuple(self._resolve(item.text) for item in element.iterchildren(self._prefix + "flowNodeRef"))
            for member in members:
                self._lane_of[member] = identifier
            self._lanes.append(
                Lane(
                    id=identifier,
                    name=element.get("name") or "",
                    process_id=scope.process_id,
                    node_ids=members,
                    parent_id=parent,
                    extensions=self._extensions.read(element),
                )
            )
            for inner in element.iterchildren(self._prefix + "childLaneSet"):
                self._read_lane_set(inner, scope, identifier)

    def _read_collaboration(self, element: Element) -> None:
        found = self._extensions.read(element)
        if found:
            self._collaborations[element.get("id") or local_name(element)] = found
        for item in element:
            name = local_name(item)
            if name == "participant":
                self._participants.append(
                    Participant(
                        id=self._id_of(item, "participant"),
                        name=item.get("name") or "",
                        process_id=self._resolve(item.get("processRef")) or None,
                        extensions=self._extensions.read(item) | multiplicity(item),
                    )
                )
            elif name == "messageFlow":
                self._message_flows.append(
                    MessageFlow(
                        id=self._id_of(item, "message flow"),
                        name=item.get("name") or "",
                        source=self._resolve(item.get("sourceRef")),
                        target=self._resolve(item.get("targetRef")),
                        message=self._message_name(item.get("messageRef")),
                        extensions=self._extensions.read(item),
                    )
                )
            elif name in ("textAnnotation", "group"):
                self._artifacts.read_artifact(item)
            elif name == "association":
                self._artifacts.read_association(item)

    def _message_name(self, reference: str | None) -> str | None:
        message = self._by_id.get(self._resolve(reference)) if reference else None
        return None if message is None else message.get("name") or None

    def _global_tasks(self) -> Iterator[GlobalTask]:
        for element in self._root.iterchildren(*(self._prefix + name for name in words.GLOBAL_TASKS)):
            yield GlobalTask(
                id=self._id_of(element, "global task"),
                name=element.get("name") or "",
                type=local_name(element),
                extensions=self._extensions.read(element) | node_details(element, self._by_id, self._resolve),
            )

    def _imports(self) -> Iterator[Import]:
        for element in self._root.iterchildren(self._prefix + "import"):
            yield Import(
                location=element.get("location") or "",
                namespace=element.get("namespace") or "",
                type=element.get("importType") or "",
            )

    def _with_counts(self, processes: list[ProcessSummary]) -> tuple[ProcessSummary, ...]:
        nodes: dict[str, int] = {}
        flows: dict[str, int] = {}
        for node in self._nodes:
            nodes[node.process_id] = nodes.get(node.process_id, 0) + 1
        for scope in self._flow_scopes:
            flows[scope.process_id] = flows.get(scope.process_id, 0) + 1
        return tuple(
            item.model_copy(update={"nodes": nodes.get(item.id, 0), "flows": flows.get(item.id, 0)})
            for item in processes
        )
