"""Which operation stands for an element: written, hinted in the model, or found by name with a score shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.binding import ElementBinding
from orchestra_kit.design.documents import Document
from orchestra_kit.design.hints import ModelHints, hints_of_node
from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.design.sequence.requests import endpoint_of, requested_endpoint
from orchestra_kit.model import FlowNode, Value
from orchestra_kit.spi.protocol import EndpointMatch, EndpointMatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """When a name tells enough: the best score at least, and its lead over the next. A matcher's own values, handed in."""

    score: float
    margin: float


class Candidate(Value):
    """One operation that might be meant."""

    operation: str
    score: float


class BindingNote(Value):
    """How an element got its operation; `how` is written, model, matched, or unknown."""

    element_id: str
    name: str
    role: str
    how: str
    operation: str | None = None
    score: float | None = None
    candidates: tuple[Candidate, ...] = ()
    channels: dict[str, str] = {}
    """Topics, job types, messages and the like that the model names: endpoints of other protocols may answer to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An element's operation (None: not known) and the note that says why."""

    endpoint: Endpoint | None
    note: BindingNote


class ElementMatcher:
    """Binds driven elements to operations."""

    def __init__(
        self,
        catalog: OperationCatalog,
        document: Document,
        matcher: EndpointMatcher | None,
        certainty: Certainty,
    ) -> None:
        self._catalog, self._document, self._matcher, self._certainty = catalog, document, matcher, certainty

    def bind(self, node: FlowNode, element: ElementBinding, role: str) -> Bound:
        """Return the element's operation: written first, then what the model states, then the best name if it is sure.

        The model states an operation by an `orchestra:operation`, by a request (a connector's URL and method, a message's
        text), or by a name that is an operation's own (a topic, a job type, a message, a service's operation).
        """
        hints = hints_of_node(node)
        note: dict[str, Any] = {
            "element_id": node.id,
            "name": node.name,
            "role": role,
            "channels": dict(hints.channels),
        }
        if element.operation is not None:
            place = self._document.place(("elements", node.id, "operation"))
            endpoint = self._catalog.find(element.operation, place=place)
            return Bound(endpoint=endpoint, note=BindingNote(**note, how="written", operation=endpoint.name))
        hint = hinted_operation(node.extensions)
        if hint is not None:
            endpoint = self._catalog.find(hint, place=self._document.place(("process",)))
            return Bound(endpoint=endpoint, note=BindingNote(**note, how="model", operation=endpoint.name))
        requested = requested_endpoint(node, self._catalog) or self._stated(hints)
        if requested is not None:
            return Bound(endpoint=requested, note=BindingNote(**note, how="model", operation=requested.name))
        return self._by_name(node, hints, note)

    def observe(self, node: FlowNode, role: str, how: str) -> BindingNote:
        """Return the note of an element the system does itself: nothing is bound, the nearest operations are shown."""
        hints = hints_of_node(node)
        matches = self._matches(node, hints) if how == "unknown" else []
        return BindingNote(
            element_id=node.id,
            name=node.name,
            role=role,
            how=how,
            candidates=_candidates(matches),
            channels=dict(hints.channels),
        )

    def _stated(self, hints: ModelHints) -> Endpoint | None:
        """Return the operation a vendor's words state: by request, or by a name that no two operations have."""
        found = endpoint_of(hints.request, self._catalog) if hints.request else None
        for name in hints.names:
            found = found or endpoint_of({"name": name}, self._catalog)
        return found

    def _matches(self, node: FlowNode, hints: ModelHints) -> list[EndpointMatch]:
        """Return the three nearest operations by the label or by one of the model's names, whichever is surest."""
        if self._matcher is None or not self._catalog.interfaces:
            return []
        best: list[EndpointMatch] = []
        for label in dict.fromkeys((node.name or node.id, *hints.names)):
            found = self._matcher.match(label, self._catalog.interfaces, most=3, about=hints.about)
            if found and (not best or found[0].score > best[0].score):
                best = found
        return best

    def _by_name(self, node: FlowNode, hints: ModelHints, note: Mapping[str, Any]) -> Bound:
        matches = self._matches(node, hints)
        candidates = _candidates(matches)
        if not self._is_known([item.score for item in matches]):
            return Bound(endpoint=None, note=BindingNote(**note, how="unknown", candidates=candidates))
        best = matches[0]
        endpoint = self._catalog.of(best.service_name, best.operation)
        found = BindingNote(
            **note, how="matched", operation=endpoint.name, score=candidates[0].score, candidates=candidates
        )
        return Bound(endpoint=endpoint, note=found)

    def _is_known(self, scores: Sequence[float]) -> bool:
        """Return whether the best score is good enough, and far enough ahead, to be taken without asking."""
        if not scores or scores[0] < self._certainty.score:
            return False
        return len(scores) == 1 or scores[0] - scores[1] >= self._certainty.margin


def _candidates(matches: Sequence[EndpointMatch]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(operation=f"{item.service_name}.{item.operation.endpoint_name}", score=round(item.score, 3))
        for item in matches
    )


def hinted_operation(extensions: Mapping[str, Any]) -> str | None:
    """Return the operation an `orchestra:operation` extension attribute names."""
    for name in ("orchestra:operation", "orchestra.operation", "operation"):
        value = extensions.get(name)
        if isinstance(value, str) and value:
            return value
    return None
