"""From composed paths and `orchestra.yaml` to scenarios that can run, with every gap listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestra_kit.design.binding import (
    ActionBinding,
    AssertionBinding,
    ElementBinding,
    ElementRole,
    FlowBinding,
    FlowExpectation,
    ProjectBinding,
    ScenarioBinding,
)
from orchestra_kit.design.checking import check_steps
from orchestra_kit.design.coverage import ComposedScenario
from orchestra_kit.design.documents import Document
from orchestra_kit.design.matching import BindingNote, Certainty, ElementMatcher
from orchestra_kit.design.naming import default_aliases
from orchestra_kit.design.operations import OperationCatalog
from orchestra_kit.design.roles import RoleTable, needs_step
from orchestra_kit.design.sequence.playing import answered_call, hinted_status, is_message
from orchestra_kit.design.steps import StepWriter
from orchestra_kit.design.syntax import bound_field, check_syntax
from orchestra_kit.errors import DefinitionError, ExpressionError, Place, UnknownNameError
from orchestra_kit.expressions import parse_expression, references, render
from orchestra_kit.model import (
    ControlFlowGraph,
    FlowNode,
    Gap,
    NodeType,
    ScenarioDependency,
    SequenceFlow,
    TestScenario,
    new_id,
)
from orchestra_kit.model.ids import ScenarioId, SuiteId, TenantId
from orchestra_kit.spi.protocol import EndpointMatcher

_JOINS = (NodeType.PARALLEL_GATEWAY, NodeType.INCLUSIVE_GATEWAY)
_OF_THE_PATH = frozenset({"taken", "flows"})
ROLE_BY_BINDING = frozenset({NodeType.START_EVENT, NodeType.RECEIVE_TASK, NodeType.INTERMEDIATE_CATCH_EVENT})
"""Elements that wait for a message: with an operation written, Orchestra is the one who sends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Whose scenarios these become, and when."""

    tenant_id: str
    suite_id: str
    actor: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The scenarios, how each element was bound, and which observed elements were declared unobservable."""

    scenarios: tuple[TestScenario, ...]
    notes: tuple[BindingNote, ...]
    unobservable: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Walk:
    """What is known while one path is walked."""

    writer: StepWriter
    flow_counts: Counter[str]
    node_counts: Counter[str]
    pending_flows: list[str] = field(default_factory=list)
    unanswered: dict[str, str] = field(default_factory=dict)
    """Calls of a sequence diagram whose answer has not come yet on the path: element id -> alias."""
    gaps: list[Gap] = field(default_factory=list)


class SuiteGenerator:
    """Turns paths of one process into scenarios by one binding. Nothing about any particular process is known here."""

    def __init__(
        self,
        graph: ControlFlowGraph,
        binding: ProjectBinding,
        document: Document,
        catalog: OperationCatalog,
        matcher: EndpointMatcher | None,
        *,
        certainty: Certainty,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._binding, self._document, self._catalog = binding, document, catalog
        self._nodes = {node.id: node for node in graph.nodes}
        self._flows = {flow.id: flow for flow in graph.flows}
        self._check_names()
        check_syntax(binding, document)
        self._roles = RoleTable(graph, binding, document)
        self._matcher = ElementMatcher(catalog, document, matcher, certainty)
        self._leaving = _leaving_flows(graph)
        unnamed = {
            node.id: node.name or node.id
            for node in graph.nodes
            if needs_step(node) and not (node.id in binding.elements and binding.elements[node.id].alias)
        }
        self._aliases = default_aliases(unnamed, _written_aliases(binding))
        self._make_id = make_id
        self._notes: dict[str, BindingNote] = {}
        self._unobservable: dict[str, str] = {}

    def generate(self, composed: Sequence[ComposedScenario], author: Author) -> Generated:
        """Return one scenario for each composed path."""
        keys = {item.key for item in composed}
        for written in self._binding.scenarios:
            if written not in keys:
                raise UnknownNameError("scenario", written, keys, place=self._document.place(("scenarios", written)))
        scenarios = tuple(self._scenario(item, author) for item in composed)
        return Generated(
            scenarios=scenarios, notes=tuple(self._notes.values()), unobservable=tuple(self._unobservable.items())
        )

    def _check_names(self) -> None:
        for written in self._binding.elements:
            if written not in self._nodes:
                raise UnknownNameError(
                    "element", written, self._nodes, place=self._document.place(("elements", written))
                )
        for written in self._binding.flows:
            if written not in self._flows:
                raise UnknownNameError(
                    "sequence flow", written, self._flows, place=self._document.place(("flows", written))
                )

    def _scenario(self, composed: ComposedScenario, author: Author) -> TestScenario:
        own = self._binding.scenarios.get(composed.key)
        flow_counts = Counter(composed.path)
        data = self._data(composed, flow_counts, own.data if own else {})
        walk = _Walk(
            writer=StepWriter(self._catalog, self._document, data, self._make_id),
            flow_counts=flow_counts,
            node_counts=Counter(composed.visits),
        )
        for position, action in enumerate(self._binding.setup):
            self._add_action(walk, action, None, place=("setup", position))
        written = [0]
        for place, entry in enumerate(align(composed, self._nodes, self._flows)):
            walk.pending_flows += entry.taken
            for flow_id in entry.fired:
                self._expect_on_flow(walk, flow_id)
            self._wait_for_branches(walk, composed, place, written)
            if entry.node is not None:
                for _ in range(composed.instances.get(entry.node.id, 1) if not entry.node.type.is_container else 1):
                    self._visit(walk, entry.node)
            written.append(len(walk.writer.steps()))
        self._wait_for_branches(walk, composed, len(composed.visits), written)
        end_flows = tuple(walk.pending_flows)
        walk.pending_flows = []
        for position, action in enumerate(self._binding.teardown):
            self._add_action(walk, action, None, place=("teardown", position))
        steps = walk.writer.steps()
        provoked = self._unprovoked(composed, own)
        wrong = [self._placed(gap, walk.writer) for gap in check_steps(steps, self._catalog, data)]
        gaps = [*provoked, *walk.gaps, *walk.writer.gaps, *wrong]
        names = [self._nodes[item].name for item in composed.visits if item in self._nodes]
        return TestScenario(
            id=ScenarioId(self._make_id()),
            tenant_id=TenantId(author.tenant_id),
            suite_id=SuiteId(author.suite_id),
            key=composed.key,
            name=(own.name if own and own.name else None) or _title(composed, self._flows, names),
            tags=tuple(dict.fromkeys((*self._binding.tags, *(own.tags if own else ())))),
            steps=steps,
            depends_on=tuple(ScenarioDependency(scenario_key=key) for key in (own.depends_on if own else ())),
            path=composed.path,
            end_flow_ids=end_flows,
            gaps=tuple(gaps),
            data=data,
            created_at=author.now,
            created_by=author.actor,
            updated_at=author.now,
            updated_by=author.actor,
        )

    def _data(self, composed: ComposedScenario, counts: Counter[str], own: Mapping[str, Any]) -> dict[str, Any]:
        """Return defaults, then what the flows of the path ask for in firing order, then the scenario's own values."""
        data = dict(self._binding.data)
        for flow_id in dict.fromkeys(composed.path):
            flow = self._binding.flows.get(flow_id)
            if flow is not None:
                scope = {"taken": counts[flow_id], "flows": dict(counts)}
                place = self._document.place(("flows", flow_id, "data"))
                data.update({name: _render_on_path(value, scope, place) for name, value in flow.data.items()})
        data.update(own)
        return data

    def _wait_for_branches(self, walk: _Walk, composed: ComposedScenario, place: int, written: Sequence[int]) -> None:
        """Write a BARRIER where branches that run beside each other have all ended; `written` counts steps by visit."""
        for barrier in composed.barriers:
            if barrier.at == place and barrier.since < len(written):
                tracked = walk.writer.steps()[written[barrier.since] :]
                node = self._nodes.get(barrier.join)
                if walk.writer.add_barrier(tracked, node, tuple(walk.pending_flows)):
                    walk.pending_flows = []

    def _visit(self, walk: _Walk, node: FlowNode) -> None:
        element = self._binding.elements.get(node.id)
        role = self._role(node, element)
        place = ("elements", node.id)
        if role is ElementRole.DRIVEN:
            bound = self._matcher.bind(node, element or ElementBinding(), role.value)
            self._notes.setdefault(node.id, bound.note)
            if bound.endpoint is None:
                walk.gaps.append(_unbound(node, bound.note))
            else:
                own = element or ElementBinding()
                alias = own.alias or self._aliases.get(node.id)
                status = hinted_status(node) if own.expect.status is None else own.expect.status
                expect = own.expect.model_copy(update={"status": status})
                named = {"operation": bound.endpoint.name, "alias": alias, "expect": expect}
                added = self._add_action(walk, own.model_copy(update=named), node, place=place)
                if added and alias is not None and is_message(node):
                    walk.unanswered[node.id] = alias
        elif role is ElementRole.OBSERVED:
            self._observe(walk, node)
        else:
            self._expect_answer(walk, node, element)
        if element is not None:
            for position, action in enumerate(element.after):
                self._add_action(walk, action, node, place=(*place, "after", position), further=True)
            for position, assertion in enumerate(element.then):
                self._add_assertion(walk, assertion, node, place=(*place, "then", position))
            if role is not ElementRole.OBSERVED:
                for position, assertion in enumerate(element.asserts):
                    self._add_assertion(walk, assertion, node, place=(*place, "assert", position))

    def _role(self, node: FlowNode, element: ElementBinding | None) -> ElementRole | None:
        """Return who does an element; raise DefinitionError where its binding contradicts that.

        A start is not a step unless the binding makes it one: what starts a process is said in `setup`.
        """
        role = self._roles.role_of(node)
        operation = element.operation if element else None
        if operation is not None and is_message(node) and role is not ElementRole.DRIVEN:
            raise DefinitionError(
                f"'{node.name or node.id}' is not sent by anybody Orchestra plays: it has no operation to call.",
                place=self._document.place(("elements", node.id, "operation")),
                hint="Say under roles which participants are driven, or what shows that it happened (assert).",
            )
        if operation is not None and element is not None:
            if role is ElementRole.OBSERVED and element.role is None and node.type in ROLE_BY_BINDING:
                return ElementRole.DRIVEN
            if role is ElementRole.OBSERVED:
                raise DefinitionError(
                    f"'{node.name or node.id}' is observed: Orchestra does not call its operation.",
                    place=self._document.place(("elements", node.id, "operation")),
                    hint="Give it role: driven, or say what shows that it happened (assert).",
                )
            return ElementRole.DRIVEN
        if node.type is NodeType.START_EVENT:
            return ElementRole.OBSERVED if element is not None and element.asserts else None
        return role

    def _placed(self, gap: Gap, writer: StepWriter) -> Gap:
        """Return a gap that says where in the project file its step is bound."""
        place = self._document.place(bound_field(writer.places.get(gap.step_alias or "", ()), gap.field))
        file = (place.file or "").replace("\\", "/").rpartition("/")[2]
        return gap.model_copy(update={"message": f"{file}:{place.line} ({place.field}): {gap.message}"})

    def _unprovoked(self, composed: ComposedScenario, own: ScenarioBinding | None) -> list[Gap]:
        """Return the boundary events and event sub-processes of a path that nothing in the binding brings about."""
        gaps: list[Gap] = []
        for event in dict.fromkeys(composed.provokes):
            spoken = event in self._binding.elements or (own is not None and own.data)
            flows = [flow for flow in self._leaving.get(event, ()) if flow in self._binding.flows]
            if spoken or any(self._binding.flows[flow].data for flow in flows) or event not in self._nodes:
                continue
            node = self._nodes[event]
            message = (
                f"nothing makes '{node.name or event}' happen: say what does, under flows of the flow that leaves it, "
                f"under scenarios.{composed.key} (data), or under elements.{event}."
            )
            gaps.append(Gap(code="NOT_PROVOKED", message=message, element_id=event))
        return gaps

    def _expect_answer(self, walk: _Walk, node: FlowNode, element: ElementBinding | None) -> None:
        """Let the first answer to a call that comes on the path say what is expected of it."""
        call = answered_call(node)
        alias = walk.unanswered.pop(call, None) if call is not None else None
        if call is None or alias is None:
            return
        asked = self._binding.elements.get(call)
        expect = element.expect if element else ElementBinding().expect
        status = expect.status if expect.status is not None else hinted_status(node)
        if asked is not None and asked.expect.status is not None and expect.status is None:
            status = None  # what the project says of the call itself goes before the text of the diagram
        answer = FlowExpectation(**{**dict(expect), "status": status, "of": alias})
        walk.writer.expect_on_last(answer, ("elements", node.id, "expect"))

    def _observe(self, walk: _Walk, node: FlowNode) -> None:
        element = self._binding.elements.get(node.id)
        assertions = element.asserts if element else ()
        how = "written" if assertions else "unknown"
        reason = element.unobservable if element is not None else None
        if reason is None and not assertions:
            reason = self._roles.why_unobservable(node)
        if reason:
            self._unobservable.setdefault(node.id, reason)
            how = "unobservable"
        if node.id not in self._notes:
            self._notes[node.id] = self._matcher.observe(node, ElementRole.OBSERVED.value, how)
        for position, assertion in enumerate(assertions):
            self._add_assertion(walk, assertion, node, place=("elements", node.id, "assert", position))
        if how == "unknown" and not (element and element.then):
            message = (
                f"'{node.name or node.id}' is done by the system: say under elements.{node.id} what shows that it "
                "happened (assert), or why nothing can (unobservable)."
            )
            walk.gaps.append(Gap(code="NOT_OBSERVED", message=message, element_id=node.id))

    def _add_action(
        self,
        walk: _Walk,
        action: ActionBinding,
        node: FlowNode | None,
        *,
        place: tuple[str | int, ...],
        further: bool = False,
    ) -> bool:
        """Write an ACTION where its condition holds on this path; return whether it did."""
        if not self._applies(action.when, walk, place):
            return False
        walk.writer.add_action(action, node, tuple(walk.pending_flows), place, further=further)
        walk.pending_flows = []
        return True

    def _add_assertion(
        self, walk: _Walk, assertion: AssertionBinding, node: FlowNode, *, place: tuple[str | int, ...]
    ) -> None:
        if self._applies(assertion.when, walk, place):
            walk.writer.add_assertion(assertion, node, tuple(walk.pending_flows), place)
            walk.pending_flows = []

    def _applies(self, when: str | None, walk: _Walk, place: tuple[str | int, ...]) -> bool:
        if when is None:
            return True
        where = self._document.place((*place, "when"))
        scope = {"flows": dict(walk.flow_counts), "nodes": dict(walk.node_counts)}
        answer = parse_expression(when, place=where).evaluate(scope, place=where)
        if not isinstance(answer, bool):
            raise DefinitionError(f"`{when}` must be true or false, not {answer!r}.", place=where)
        return answer

    def _expect_on_flow(self, walk: _Walk, flow_id: str) -> None:
        flow: FlowBinding | None = self._binding.flows.get(flow_id)
        for position, expectation in enumerate(flow.expect if flow else ()):
            walk.writer.expect_on_last(expectation, ("flows", flow_id, "expect", position))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A node a run enters (None after the last one): the flows fired since the node before, and those it takes."""

    node: FlowNode | None
    fired: tuple[str, ...]
    taken: tuple[str, ...]


def align(composed: ComposedScenario, nodes: Mapping[str, FlowNode], flows: Mapping[str, SequenceFlow]) -> list[Entry]:
    """Return each visited node with its flows.

    A flow is fired with its source, and taken when its target is entered: that of a second parallel branch later.
    """
    path, position = composed.path, 0
    entries: list[Entry] = []
    waiting: list[str] = []
    seen: set[str] = set()
    for visit in composed.visits:
        node = nodes.get(visit)
        first = position
        if not any(flows[item].target == visit for item in waiting):
            position = _fire_until(visit, path, position, seen, flows)
        joins = node is not None and node.type in _JOINS
        while joins and position < len(path) and path[position] in flows and flows[path[position]].target == visit:
            position += 1
        waiting += path[first:position]
        taken = [item for item in waiting if flows[item].target == visit][: None if joins else 1]
        for item in taken:
            waiting.remove(item)
        entries.append(Entry(node=node, fired=path[first:position], taken=tuple(taken)))
        seen.add(visit)
    if waiting or position < len(path):
        entries.append(Entry(node=None, fired=path[position:], taken=(*waiting, *path[position:])))
    return entries


def _fire_until(
    visit: str, path: Sequence[str], position: int, seen: set[str], flows: Mapping[str, SequenceFlow]
) -> int:
    """Return the place after the next flow that leads to a node; the place itself where none of those due does."""
    for end in range(position, len(path)):
        flow = flows.get(path[end])
        if flow is None or flow.source not in seen:
            break
        if flow.target == visit:
            while end + 1 < len(path) and path[end + 1] in flows and flows[path[end + 1]].source == flow.source:
                end += 1
            return end + 1
    return position


def _leaving_flows(graph: ControlFlowGraph) -> dict[str, list[str]]:
    leaving: dict[str, list[str]] = {}
    for flow in graph.flows:
        leaving.setdefault(flow.source, []).append(flow.id)
    return leaving


def _written_aliases(binding: ProjectBinding) -> set[str]:
    """Return every alias a tester has given."""
    actions: list[ActionBinding | AssertionBinding] = [*binding.setup, *binding.teardown]
    for element in binding.elements.values():
        actions += [element, *element.after, *element.then, *element.asserts]
    return {item.alias for item in actions if item.alias}


def _render_on_path(value: Any, scope: Mapping[str, Any], place: Place) -> Any:
    """Render templates that speak of the path (`taken`, `flows`); leave those that speak of the run for the run."""
    if isinstance(value, dict):
        return {key: _render_on_path(item, scope, place) for key, item in value.items()}
    if isinstance(value, list):
        return [_render_on_path(item, scope, place) for item in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    try:
        roots = {reference.root for reference in references(value)}
    except ExpressionError as error:
        raise ExpressionError(error.message, place=place, hint=error.hint) from None
    path, run = roots & _OF_THE_PATH, roots - _OF_THE_PATH
    if path and run:
        raise ExpressionError(
            f"`{value}` speaks of the path ({', '.join(sorted(path))}) and of the run ({', '.join(sorted(run))}): "
            "the first is known when a suite is generated, the other when it runs; use two values.",
            place=place,
        )
    return render(value, scope, place=place) if path else value


def _unbound(node: FlowNode, note: BindingNote) -> Gap:
    choices = ", ".join(f"{item.operation} ({item.score:.2f})" for item in note.candidates)
    nearest = f" Nearest: {choices}." if choices else ""
    message = (
        f"no operation is known for '{node.name or node.id}': name one under elements.{node.id}.operation.{nearest}"
    )
    return Gap(code="NO_OPERATION", message=message, element_id=node.id)


def _title(composed: ComposedScenario, flows: Mapping[str, Any], names: Sequence[str]) -> str:
    branches = [flows[item].name for item in composed.path if item in flows and flows[item].name]
    last = next((name for name in reversed(names) if name), "")
    text = " → ".join(dict.fromkeys(branches)) or composed.key
    return f"{text} → {last}"[:200] if last else text[:200]
