"""Processes and their control-flow graphs, as read from BPMN 2.0 or a sequence diagram."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestra_kit.model.base import Value
from orchestra_kit.model.enums import Severity, SourceType
from orchestra_kit.model.ids import ProcessId, TenantId


class NodeType(StrEnum):
    """BPMN 2.0 flow node types, spelled as the XML element."""

    START_EVENT = "startEvent"
    END_EVENT = "endEvent"
    INTERMEDIATE_CATCH_EVENT = "intermediateCatchEvent"
    INTERMEDIATE_THROW_EVENT = "intermediateThrowEvent"
    BOUNDARY_EVENT = "boundaryEvent"
    IMPLICIT_THROW_EVENT = "implicitThrowEvent"
    TASK = "task"
    SERVICE_TASK = "serviceTask"
    SEND_TASK = "sendTask"
    RECEIVE_TASK = "receiveTask"
    USER_TASK = "userTask"
    MANUAL_TASK = "manualTask"
    BUSINESS_RULE_TASK = "businessRuleTask"
    SCRIPT_TASK = "scriptTask"
    CALL_ACTIVITY = "callActivity"
    SUB_PROCESS = "subProcess"
    TRANSACTION = "transaction"
    AD_HOC_SUB_PROCESS = "adHocSubProcess"
    SUB_CHOREOGRAPHY = "subChoreography"
    CHOREOGRAPHY_TASK = "choreographyTask"
    CALL_CHOREOGRAPHY = "callChoreography"
    EXCLUSIVE_GATEWAY = "exclusiveGateway"
    INCLUSIVE_GATEWAY = "inclusiveGateway"
    PARALLEL_GATEWAY = "parallelGateway"
    EVENT_BASED_GATEWAY = "eventBasedGateway"
    COMPLEX_GATEWAY = "complexGateway"

    @property
    def is_gateway(self) -> bool:
        """True for the five gateway types."""
        return self.endswith("Gateway")

    @property
    def is_event(self) -> bool:
        """True for start, end, intermediate and boundary events."""
        return self.endswith("Event")

    @property
    def is_container(self) -> bool:
        """True for sub-processes of every kind."""
        return self in (
            NodeType.SUB_PROCESS,
            NodeType.TRANSACTION,
            NodeType.AD_HOC_SUB_PROCESS,
            NodeType.SUB_CHOREOGRAPHY,
        )

    @property
    def is_activity(self) -> bool:
        """True for tasks, call activities and sub-processes."""
        return not self.is_gateway and not self.is_event


class Loop(Value):
    """Repetition of an activity: `standard`, `parallel` or `sequential` (multi-instance).

    `cardinality` is how often as the file writes it, `collection` what is gone through, `element` the variable for one.
    """

    kind: str
    max_loop_iterations: int | None = None
    condition: str | None = None
    cardinality: str | None = None
    collection: str | None = None
    element: str | None = None
    test_before: bool = False


class Condition(Value):
    """The guard of a sequence flow, as text and the language the document names for it."""

    text: str
    language: str | None = None


class FlowNode(Value):
    """One event, activity or gateway. `container` is the id of the process or sub-process that holds it."""

    id: str
    name: str = ""
    type: NodeType
    container: str
    process_id: str
    lane_id: str | None = None
    attached_to: str | None = None
    cancel_activity: bool = True
    triggered_by_event: bool = False
    event_definitions: tuple[str, ...] = ()
    default_flow: str | None = None
    loop: Loop | None = None
    called_element: str | None = None
    operation_ref: str | None = None
    extensions: dict[str, Any] = {}
    line: int | None = None


class SequenceFlow(Value):
    """A directed edge between two flow nodes of one container. A dangling end is kept as the id the file names, or ''."""

    id: str
    name: str = ""
    source: str
    target: str
    container: str
    process_id: str
    condition: Condition | None = None
    is_default: bool = False
    extensions: dict[str, Any] = {}
    line: int | None = None


class Lane(Value):
    """A partition of a process and the nodes in it."""

    id: str
    name: str = ""
    process_id: str
    node_ids: tuple[str, ...] = ()
    parent_id: str | None = None
    extensions: dict[str, Any] = {}


class Participant(Value):
    """A pool of a collaboration, and the process it plays (none for a black box); or one who takes part in a sequence.

    `kind` is what a sequence diagram calls it (actor, database, queue ...); `driven` whether the tests play it unless
    the project says otherwise (None: the construct decides).
    """

    id: str
    name: str = ""
    process_id: str | None = None
    kind: str | None = None
    driven: bool | None = None
    extensions: dict[str, Any] = {}


class MessageFlow(Value):
    """A message between two participants or their nodes. `message` is the name of what is sent, where the file says it."""

    id: str
    name: str = ""
    source: str
    target: str
    message: str | None = None
    extensions: dict[str, Any] = {}


class ProcessSummary(Value):
    """One process of the file, with the number of its flow nodes and sequence flows, for a sequence diagram also of its
    messages and fragments."""

    id: str
    name: str = ""
    is_executable: bool | None = None
    nodes: int = 0
    flows: int = 0
    extensions: dict[str, Any] = {}
    line: int | None = None
    messages: int | None = None
    fragments: int | None = None


class GlobalTask(Value):
    """A task outside any process that call activities may name; `type` is its XML element."""

    id: str
    name: str = ""
    type: str
    extensions: dict[str, Any] = {}


class Import(Value):
    """Another file the document names. It is never opened by the reader."""

    location: str
    namespace: str = ""
    type: str = ""


class Bounds(Value):
    """A rectangle in diagram units."""

    x: float
    y: float
    width: float
    height: float


class DiagramShape(Value):
    """Where a node, pool, lane or artifact is drawn. `plane` is the number of the diagram in the file that holds it."""

    element_id: str
    bounds: Bounds
    label: Bounds | None = None
    plane: int = 0
    is_expanded: bool | None = None
    is_horizontal: bool | None = None


class DiagramEdge(Value):
    """The way points of a flow, where its label is drawn, and the number of the diagram that holds it."""

    element_id: str
    waypoints: tuple[tuple[float, float], ...]
    label: Bounds | None = None
    plane: int = 0


class DiagramPlane(Value):
    """One of the diagrams of a file: its name, and the process, sub-process or collaboration it shows."""

    name: str = ""
    element_id: str = ""


class Diagram(Value):
    """Diagram interchange of the file; empty when the file has none. Each plane has coordinates of its own."""

    shapes: tuple[DiagramShape, ...] = ()
    edges: tuple[DiagramEdge, ...] = ()
    planes: tuple[DiagramPlane, ...] = ()


class Artifact(Value):
    """A data object, data store, text annotation or group: drawn, never executed. `text` is what it shows.

    `refers_to` is the data object or store behind a reference, `item` the type of what it holds.
    """

    id: str
    type: str
    text: str = ""
    process_id: str | None = None
    refers_to: str | None = None
    is_collection: bool = False
    state: str | None = None
    item: str | None = None


class Association(Value):
    """A dotted line between an artifact and an element: `association`, `dataInput` (read by it) or `dataOutput` (written)."""

    id: str
    source: str
    target: str
    kind: str = "association"
    direction: str | None = None


class Diagnostic(Value):
    """One defect of a document, named, with the element and 1-based line where it stands."""

    severity: Severity
    code: str
    message: str
    element_id: str | None = None
    line: int | None = None


class ControlFlowGraph(Value):
    """All that the tests need of a process file. Node and flow ids are those of the file."""

    source_type: SourceType
    processes: tuple[ProcessSummary, ...] = ()
    nodes: tuple[FlowNode, ...] = ()
    flows: tuple[SequenceFlow, ...] = ()
    lanes: tuple[Lane, ...] = ()
    participants: tuple[Participant, ...] = ()
    message_flows: tuple[MessageFlow, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    associations: tuple[Association, ...] = ()
    diagram: Diagram = Diagram()
    max_loop_iterations: int = 2
    global_tasks: tuple[GlobalTask, ...] = ()
    imports: tuple[Import, ...] = ()
    target_namespace: str = ""
    extensions: dict[str, Any] = {}


class Process(Value):
    """A modelled business process, known by its key."""

    id: ProcessId
    tenant_id: TenantId
    key: str
    name: str = ""
    created_at: datetime
    created_by: str


class ProcessVersion(Value):
    """One frozen version of a process."""

    process_id: ProcessId
    tenant_id: TenantId
    version: int
    source_type: SourceType
    source_uri: str
    control_flow_graph: ControlFlowGraph
    is_published: bool = False
    source_text: str | None = None
    created_at: datetime
    created_by: str
