"""A plan in words: what its numbers mean, and its certificate as a sentence anyone can check on the picture."""

from __future__ import annotations

from collections import Counter
from string import ascii_uppercase

from orchestra_kit.model import ControlFlowGraph, FlowNode, SequenceFlow, SourceType
from orchestra_kit.reporting.diagram import describe, describe_flow
from orchestra_kit.reporting.diagram.fragments import is_step
from orchestra_kit.reporting.diagram.parts import words_of
from orchestra_kit.reporting.diagram.sequence import message_of
from orchestra_kit.reporting.plan.view import AdditionView, ContainerView, PlannedPath, PlanView

KINDS = {
    "loop": "Loop taken 0, 1 and more times",
    "boundary": "Boundary event",
    "permutation": "Other orders of parallel branches",
    "rows": "Combinations of an inclusive gateway",
    "eventSubProcess": "Event sub-process",
    "instances": "Several instances",
    "deadlock": "Runs that never end",
}


def unnamed(node: FlowNode) -> str:
    """Return the name of a node, or only what it is."""
    return node.name.strip() or words_of(node.type.value).strip()


class Names:
    """Says what elements are called, by their ids; a flow's ends without a name need no id while only one reads so."""

    def __init__(self, graph: ControlFlowGraph) -> None:
        self._nodes = {node.id: node for node in graph.nodes}
        self._flows = {flow.id: flow for flow in graph.flows}
        pools = {item.process_id: item.name for item in graph.participants if item.process_id}
        self._processes = pools | {item.id: item.name or pools.get(item.id) or "" for item in graph.processes}
        self._people = {item.id: item.name or item.id for item in graph.participants}
        self.speaks_of_messages = graph.source_type is SourceType.SEQUENCE
        self._messages = {flow.id: flow for flow in graph.message_flows}
        plain = {node.id: node.model_copy(update={"name": unnamed(node)}) for node in graph.nodes}
        self._short = {flow.id: describe_flow(flow, plain) for flow in graph.flows}
        self._uses = Counter(self._short.values())

    def element(self, element_id: str) -> str:
        """Return a flow by its ends and label, a node by its name, all else by its id."""
        if self.speaks_of_messages and element_id in self._flows:
            return self._branch(self._flows[element_id])
        short = self._short.get(element_id)
        if short is not None and self._uses[short] == 1:
            return short
        if element_id in self._flows:
            return describe_flow(self._flows[element_id], self._nodes)
        if element_id in self._nodes:
            return describe(self._nodes[element_id])
        if element_id in self._messages:
            message = self._messages[element_id]
            ends = " → ".join(self._people.get(end) or self.element(end) for end in (message.source, message.target))
            return f"{message.name.strip()} ({ends})" if message.name.strip() else ends
        return self._processes.get(element_id) or self._people.get(element_id) or element_id

    def _branch(self, flow: SequenceFlow) -> str:
        """Return a flow of a sequence diagram by its guard and the message it leads to: its gateways are nowhere drawn."""
        guard = f"[{' '.join(flow.name.split())}]" if flow.name.strip() else ""
        leads = f"{self.message(flow.target)}" if self.is_message(flow.target) else ""
        told = ": ".join(part for part in (guard, leads) if part)
        return told if guard else describe_flow(flow, self._nodes)

    def is_message(self, element_id: str) -> bool:
        """True for a message or reference of a sequence diagram."""
        return element_id in self._nodes and is_step(self._nodes[element_id])

    def message(self, element_id: str) -> str:
        """Return a message with who sends it to whom."""
        node = self._nodes[element_id]
        said = message_of(node)
        if not said:
            return f"{node.name} (reference)"
        ends = [self._people.get(str(said.get(end)), str(said.get(end))) for end in ("sender", "receiver")]
        return f"{ends[0]} → {ends[1]}: {node.name}"

    def is_flow(self, element_id: str) -> bool:
        """True for the id of a sequence flow."""
        return element_id in self._flows

    def container(self, item: ContainerView) -> str:
        """Return the heading of a container."""
        process = self._processes.get(item.process_id) or item.process_id
        if item.container == item.process_id:
            return f"Process {process}"
        return f"{self.element(item.container)} in {process}"


def letter(index: int) -> str:
    """Return A, B, ..., Z, AA, AB, ... for 0, 1, ..."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = ascii_uppercase[rest] + text
    return text


def count(number: int, one: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else one + 's'}"


def suite_sentence(plan: PlanView) -> str:
    """Return what the whole suite needs, and how far that is proven."""
    if plan.gap <= 0:
        proof = "and fewer cannot do: that is proven"
    else:
        proof = f"at least {plan.lower_bound} are needed, so {plan.gap} may be too many"
    return f"The whole suite takes {count(plan.size, 'scenario')}, {proof}."


def size_sentence(item: ContainerView) -> str:
    """Return size and bound of one container as a sentence."""
    what = {"flow": "every sequence flow", "node": "every element", "decision": "every branch of every decision"}
    goal = what.get(item.criterion, item.criterion) + (" that can be reached" if item.unreachable else "")
    if not item.size:
        return f"Nothing here has to be covered to take {goal}."
    proof = "fewer cannot do" if item.size == item.lower_bound else f"at least {item.lower_bound} are needed"
    return f"{count(item.size, 'scenario')} {'takes' if item.size == 1 else 'take'} {goal}; {proof}."


def certificate_sentence(item: ContainerView, names: Names) -> str:
    """Return the certificate as a sentence; the elements it speaks of stand below it, by letter."""
    number = len(item.certificate)
    if not number:
        return "There is nothing to prove." if not item.size else "The plan states no certificate."
    flows = all(names.is_flow(element) for element in item.certificate)
    noun = "flow" if flows else "element"
    if number == 1:
        return f"This {noun} has to be taken, so at least one run is needed."
    return f"These {number} {noun}s: no single run can take two of them, and each has to be taken."


def addition_words(addition: AdditionView, names: Names) -> tuple[str, str]:
    """Return why an addition is there, and of which element."""
    return KINDS.get(addition.kind, addition.kind), names.element(addition.of) if addition.of else ""


def path_words(path: PlannedPath, names: Names) -> list[str]:
    """Return the flows of a scenario in firing order, or the nodes it visits when it takes none; of a sequence diagram
    its messages."""
    messages = [item for item in path.visits if names.is_message(item)] if names.speaks_of_messages else []
    if messages:
        return [names.message(item) for item in messages]
    return [names.element(item) for item in path.path or path.visits]
