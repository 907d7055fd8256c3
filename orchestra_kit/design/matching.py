"""Which operation stands for an element: written, hinted in the model, or found by name with a score shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.binding import ElementBinding
from orchestra_kit.design.documents import Document
from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.design.sequence.requests import requested_endpoint
from orchestra_kit.model import FlowNode, Value
from orchestra_kit.spi.protocol import EndpointMatcher


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
        """Return the element's operation: written first, then the model's own hint, then the best name if it is sure."""
        note: dict[str, Any] = {"element_id": node.id, "name": node.name, "role": role}
        if element.operation is not None:
            place = self._document.place(("elements", node.id, "operation"))
            endpoint = self._catalog.find(element.operation, place=place)
            return Bound(endpoint=endpoint, note=BindingNote(**note, how="written", operation=endpoint.name))
        hint = hinted_operation(node.extensions)
        if hint is not None:
            endpoint = self._catalog.find(hint, place=self._document.place(("process",)))
            return Bound(endpoint=endpoint, note=BindingNote(**note, how="model", operation=endpoint.name))
        requested = requested_endpoint(node, self._catalog)
        if requested is not None:
            return Bound(endpoint=requested, note=BindingNote(**note, how="model", operation=requested.name))
        return self._by_name(node, note)

    def _by_name(self, node: FlowNode, note: Mapping[str, Any]) -> Bound:
        label = node.name or node.id
        if self._matcher is None or not self._catalog.interfaces:
            return Bound(endpoint=None, note=BindingNote(**note, how="unknown"))
        matches = self._matcher.match(label, self._catalog.interfaces, most=3)
        candidates = tuple(
            Candidate(operation=f"{item.service_name}.{item.operation.endpoint_name}", score=round(item.score, 3))
            for item in matches
        )
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


def hinted_operation(extensions: Mapping[str, Any]) -> str | None:
    """Return the operation an `orchestra:operation` extension attribute names."""
    for name in ("orchestra:operation", "orchestra.operation", "operation"):
        value = extensions.get(name)
        if isinstance(value, str) and value:
            return value
    return None
