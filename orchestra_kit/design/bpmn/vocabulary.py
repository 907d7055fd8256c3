"""The names of BPMN 2.0 XML: namespaces, and the tags of each kind of element."""

from __future__ import annotations

from typing import Final

from orchestra_kit.model.process import NodeType

MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM: Final = "http://www.omg.org/spec/BPMN/20100524/DI"
ORCHESTRA: Final = "http://orchestra-kit.dev/bpmn"

NODE_TAGS: Final = {kind.value: kind for kind in NodeType}
CONTAINER_TAGS: Final = frozenset(kind.value for kind in NodeType if kind.is_container)
ROOT_CONTAINERS: Final = ("process", "choreography")
GLOBAL_TASKS: Final = (
    "globalTask",
    "globalUserTask",
    "globalManualTask",
    "globalScriptTask",
    "globalBusinessRuleTask",
)
COLLABORATIONS: Final = frozenset({"collaboration", "globalConversation", "choreography", "globalChoreographyTask"})

EVENT_DEFINITIONS: Final = {
    "messageEventDefinition": "message",
    "timerEventDefinition": "timer",
    "signalEventDefinition": "signal",
    "errorEventDefinition": "error",
    "escalationEventDefinition": "escalation",
    "conditionalEventDefinition": "conditional",
    "compensateEventDefinition": "compensate",
    "cancelEventDefinition": "cancel",
    "linkEventDefinition": "link",
    "terminateEventDefinition": "terminate",
}

ARTIFACT_TAGS: Final = frozenset(
    {"dataObjectReference", "dataStoreReference", "dataInput", "dataOutput", "textAnnotation", "group"}
)

# Allowed inside a flow container without being a flow node; anything else there is named as unknown.
_OTHER_CHILDREN = """
documentation extensionElements auditing monitoring property ioSpecification ioBinding supportedInterfaceRef
supports resourceRole performer humanPerformer potentialOwner correlationSubscription incoming outgoing
dataInputAssociation dataOutputAssociation standardLoopCharacteristics multiInstanceLoopCharacteristics
completionCondition dataObject laneSet participant participantRef messageFlow messageFlowRef conversationNode
conversation subConversation callConversation conversationLink participantAssociation messageFlowAssociation
correlationKey choreographyRef conversationAssociation categoryValueRef association extension text
dataState definitionalCollaborationRef inputSet outputSet
"""
OTHER_CONTAINER_CHILDREN: Final = frozenset(_OTHER_CHILDREN.split())

# One short name for each extension namespace, whatever prefix a file gives it.
EXTENSION_PREFIXES: Final = {
    ORCHESTRA: "orchestra",
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://camunda.org/schema/zeebe/1.0": "zeebe",
    "http://camunda.org/schema/modeler/1.0": "modeler",
    "http://activiti.org/bpmn": "activiti",
    "http://flowable.org/bpmn": "flowable",
    "http://www.jboss.org/drools": "drools",
    "http://www.omg.org/spec/BPMN/non-normative/color/1.0": "color",
    "http://bpmn.io/schema/bpmn/biocolor/1.0": "bioc",
    "http://spiffworkflow.org/bpmn/schema/1.0/core": "spiffworkflow",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi",
}

# What a file most likely means by a prefix that it forgot to declare.
USUAL_PREFIXES: Final = {
    "bpmndi": DIAGRAM,
    "omgdc": "http://www.omg.org/spec/DD/20100524/DC",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "omgdi": "http://www.omg.org/spec/DD/20100524/DI",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsd": "http://www.w3.org/2001/XMLSchema",
    "orchestra": ORCHESTRA,
    "camunda": "http://camunda.org/schema/1.0/bpmn",
    "zeebe": "http://camunda.org/schema/zeebe/1.0",
    "modeler": "http://camunda.org/schema/modeler/1.0",
    "activiti": "http://activiti.org/bpmn",
    "flowable": "http://flowable.org/bpmn",
}
