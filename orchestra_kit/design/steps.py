"""Writing the steps of one scenario: aliases per occurrence, references to the latest one, inputs completed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestra_kit.design.binding import (
    ActionBinding,
    AssertionBinding,
    ExpectationBinding,
    FlowExpectation,
    InputBinding,
)
from orchestra_kit.design.documents import Document, FieldPath, render_path
from orchestra_kit.design.linking import Producer, complete_input
from orchestra_kit.design.naming import alias_of, numbered
from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.errors import DefinitionError, UnknownNameError, nearest_hint
from orchestra_kit.expressions import rename_steps, rename_steps_in_rule
from orchestra_kit.model import (
    BusinessRule,
    ChannelType,
    EndpointRef,
    Expectations,
    FlowNode,
    Gap,
    RowExpectation,
    ScenarioStep,
    StepAction,
    StepKind,
    StepMeta,
)
from orchestra_kit.model.ids import StepId


class StepWriter:
    """Collects the steps of one scenario in order."""

    def __init__(
        self, catalog: OperationCatalog, document: Document, data: Mapping[str, Any], make_id: Callable[[], str]
    ) -> None:
        self._catalog, self._document, self._data, self._make_id = catalog, document, data, make_id
        self._steps: list[ScenarioStep] = []
        self._times: Counter[str] = Counter()
        self._latest: dict[str, str] = {}
        self._owner: dict[str, str] = {}
        self._taken: set[str] = set()
        self._producers: dict[str, Producer] = {}
        self._last_action: str | None = None
        self.gaps: list[Gap] = []
        self.places: dict[str, FieldPath] = {}
        """Where each alias's step is bound."""

    def steps(self) -> tuple[ScenarioStep, ...]:
        """Return the steps written so far, in order."""
        return tuple(self._steps)

    def add_action(
        self,
        action: ActionBinding,
        node: FlowNode | None,
        flows: tuple[str, ...],
        place: FieldPath,
        *,
        further: bool = False,
    ) -> None:
        """Append an ACTION for a call; a `further` one is not what later flows and assertions speak of by default."""
        if action.operation is None:
            raise DefinitionError("an action needs an operation.", place=self._document.place(place))
        endpoint = self._catalog.find(action.operation, place=self._document.place((*place, "operation")))
        label = (node.name or node.id) if node else endpoint.operation.endpoint_name
        base = action.alias or alias_of(label, fallback=endpoint.operation.endpoint_name)
        given = self._renamed_input(action.input)
        alias = self._next_alias(base, place)
        status = action.expect.status if isinstance(action.expect.status, int) else None
        filled, gaps = complete_input(given, endpoint, self._data, list(self._producers.values()), alias=alias)
        self.gaps += [gap.model_copy(update={"element_id": node.id if node else None}) for gap in gaps]
        self._latest[base] = alias
        self._producers[base] = Producer(alias=alias, endpoint=endpoint, status=status)
        meta = StepMeta(
            timeout_ms=action.timeout_ms,
            export_as=self._renamed(action.export),
            retry=action.retry,
            sensitive=action.sensitive,
        )
        self._append(
            alias=alias,
            name=action.name or label,
            kind=StepKind.ACTION,
            channel_type=ChannelType.HTTP_REST,
            endpoint_ref=_reference(endpoint),
            action=StepAction(input_template=_input_json(filled), meta=meta),
            expectations=self._expectations(action.expect),
            element_id=node.id if node else None,
            flow_ids=flows,
        )
        if not further:
            self._last_action = alias

    def add_assertion(
        self, assertion: AssertionBinding, node: FlowNode, flows: tuple[str, ...], place: FieldPath
    ) -> None:
        """Append an ASSERTION that waits for rows or for an answer."""
        alias = self._next_alias(assertion.alias, place)
        observes = self._observed(assertion, node, place)
        meta = StepMeta(
            timeout_ms=assertion.timeout_ms,
            poll_interval_ms=assertion.poll_interval_ms,
            observes=observes,
            correlation=assertion.correlation,
            stop_when=self._rule_text(assertion.stop_when) if assertion.stop_when else None,
            data_source=assertion.db,
            sql=assertion.sql,
            parameters=self._renamed(assertion.parameters),
        )
        expectations = self._expectations(assertion.expect)
        common: dict[str, Any] = {
            "alias": alias,
            "name": assertion.name or _words(assertion.alias),
            "kind": StepKind.ASSERTION,
            "element_id": node.id,
            "flow_ids": flows,
        }
        if assertion.operation is None:
            rows = self._rows(assertion.rows) if assertion.rows else None
            checked = expectations.model_copy(update={"rows": rows})
            self._append(channel_type=ChannelType.DB, action=StepAction(meta=meta), expectations=checked, **common)
        else:
            endpoint = self._catalog.find(assertion.operation, place=self._document.place((*place, "operation")))
            given = self._renamed_input(assertion.input)
            filled, gaps = complete_input(given, endpoint, self._data, list(self._producers.values()), alias=alias)
            self.gaps += [gap.model_copy(update={"element_id": node.id}) for gap in gaps]
            self._append(
                channel_type=ChannelType.HTTP_REST,
                endpoint_ref=_reference(endpoint),
                action=StepAction(input_template=_input_json(filled), meta=meta),
                expectations=expectations,
                **common,
            )
        self._latest[assertion.alias] = alias

    def add_barrier(self, branches: Sequence[ScenarioStep], node: FlowNode | None, flows: tuple[str, ...]) -> bool:
        """Append a BARRIER that waits for the actions among the steps of parallel branches; False where there are none."""
        tracked = tuple(step.alias for step in branches if step.kind is StepKind.ACTION)
        if not tracked:
            return False
        label = (node.name or node.id) if node else "all branches"
        place: FieldPath = ("barriers", node.id if node else "")
        base = alias_of(f"{label} joined", fallback="joined")
        while self._owner.get(base, str(place)) != str(place):
            base += "_"
        self._append(
            alias=self._next_alias(base, place),
            name=f"Wait for {label}",
            kind=StepKind.BARRIER,
            action=StepAction(meta=StepMeta(tracked_steps=tracked)),
            element_id=node.id if node else None,
            flow_ids=flows,
        )
        return True

    def expect_on_last(self, expectation: FlowExpectation, place: FieldPath) -> None:
        """Add expectations that hold on this path to a step already written."""
        alias = self._latest.get(expectation.of, None) if expectation.of else self._last_action
        if alias is None:
            where = self._document.place(place)
            if expectation.of is None:
                raise DefinitionError(
                    "no ACTION comes before this flow; say whose answer is expected (of).", place=where
                )
            raise UnknownNameError("step before this flow", expectation.of, self._latest, place=where)
        position = next(index for index, step in enumerate(self._steps) if step.alias == alias)
        step = self._steps[position]
        merged = _joined(step.expectations, self._expectations(expectation))
        self._steps[position] = step.model_copy(update={"expectations": merged})

    def _append(self, **fields: Any) -> None:
        self._steps.append(ScenarioStep(id=StepId(self._make_id()), order_index=len(self._steps), **fields))

    def _next_alias(self, base: str, place: FieldPath) -> str:
        owner = str(place)
        if self._owner.setdefault(base, owner) != owner:
            message = f"the alias '{base}' is used by two different steps; give one of them its own alias."
            raise DefinitionError(message, place=self._document.place((*place, "alias")))
        while True:
            self._times[base] += 1
            alias = numbered(base, self._times[base])
            if alias not in self._taken:
                self._taken.add(alias)
                self.places[alias] = place
                return alias

    def _observed(self, assertion: AssertionBinding, node: FlowNode, place: FieldPath) -> str | None:
        """Return the step whose effect is checked: the latest of the alias written, by default the last ACTION."""
        if assertion.observes is None:
            return self._last_action
        if assertion.observes in self._latest:
            return self._latest[assertion.observes]
        hint = nearest_hint(assertion.observes, self._latest)
        message = f"'{assertion.alias}' observes '{assertion.observes}', which is no step before it on this path."
        field = render_path((*place, "observes"))
        message = f"{message} {hint}" if hint else message
        self.gaps.append(Gap(code="UNKNOWN_STEP", message=message, element_id=node.id, field=field))
        return None

    def _renamed(self, value: Any) -> Any:
        mapping = {base: alias for base, alias in self._latest.items() if base != alias}
        return rename_steps(value, mapping) if mapping else value

    def _rule_text(self, text: str) -> str:
        mapping = {base: alias for base, alias in self._latest.items() if base != alias}
        return rename_steps_in_rule(text, mapping) if mapping else text

    def _renamed_input(self, given: InputBinding) -> InputBinding:
        update = {name: self._renamed(getattr(given, name)) for name in ("path", "query", "headers", "body")}
        return given.model_copy(update=update)

    def _rows(self, rows: RowExpectation) -> RowExpectation:
        renamed = self._renamed(rows.to_json())
        return RowExpectation.model_validate(renamed)

    def _expectations(self, expect: ExpectationBinding) -> Expectations:
        rules = tuple(
            BusinessRule(expr=self._rule_text(rule.expr), name=rule.name, message=rule.message) for rule in expect.rules
        )
        return Expectations(
            expected_status_code=expect.status,
            business_rules=rules,
            check_contract=expect.contract,
            max_duration_ms=expect.max_duration_ms,
            schema_refs=expect.schema_refs,
        )


def _joined(known: Expectations, added: Expectations) -> Expectations:
    """Return both expectations; where they exclude each other, the added one."""
    status, limit = added.expected_status_code, added.max_duration_ms
    return known.model_copy(
        update={
            "business_rules": (*known.business_rules, *added.business_rules),
            "schema_refs": tuple(dict.fromkeys((*known.schema_refs, *added.schema_refs))),
            "expected_status_code": known.expected_status_code if status is None else status,
            "max_duration_ms": known.max_duration_ms if limit is None else limit,
            "check_contract": known.check_contract and added.check_contract,
        }
    )


def _reference(endpoint: Endpoint) -> EndpointRef:
    return EndpointRef(service_name=endpoint.service_name, endpoint_name=endpoint.operation.endpoint_name)


def _input_json(filled: InputBinding) -> dict[str, Any]:
    written = filled.to_json()
    return {name: value for name, value in written.items() if value not in (None, {})}


def _words(alias: str) -> str:
    return alias.replace("_", " ").capitalize()
