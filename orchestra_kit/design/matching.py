"""Which operation stands for an element: written, hinted in the model, or found by name with a score shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.design.binding import ElementBinding
from orchestra_kit.design.documents import Document
from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.model import FlowNode, Value
from orchestra_kit.spi.protocol import EndpointMatcher

SURE_SCORE = 0.6
SURE_MARGIN = 0.1


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
        *,
        sure_score: float = SURE_SCORE,
        sure_margin: float = SURE_MARGIN,
    ) -> None:
        self._catalog, self._document, self._matcher = catalog, document, matcher
        self._sure_score, self._sure_margin = sure_score, sure_margin

    def bind(self, node: FlowNode, element: ElementBinding, role: str) -> Bound:
        """Return the element's operation: written first, then the model's own hint, then the best name if it is sure."""
        note = {"element_id": node.id, "name": node.name, "role": role}
        if element.operation is not None:
            place = self._document.place(("elements", node.id, "operation"))
            endpoint = self._catalog.find(element.operation, place=place)
            return Bound(endpoint=endpoint, note=BindingNote(**note, how="written", operation=endpoint.name))
        hint = hinted_operation(node.extensions)
        if hint is not None:
            endpoint = self._catalog.find(hint, place=self._document.place(("process",)))
            return Bound(endpoint=endpoint, note=BindingNote(**note, how="model", operation=endpoint.name))
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
        margin = matches[0].score - matches[1].score if len(matches) > 1 else 1.0
        if not matches or matches[0].score < self._sure_score or margin < self._sure_margin:
            return Bound(endpoint=None, note=BindingNote(**note, how="unknown", candidates=candidates))
        endpoint = self._catalog.find(candidates[0].operation)
        found = BindingNote(
            **note, how="matched", operation=endpoint.name, score=candidates[0].score, candidates=candidates
        )
        return Bound(endpoint=endpoint, note=found)


def hinted_operation(extensions: Mapping[str, Any]) -> str | None:
    """Return the operation an `orchestra:operation` extension attribute names."""
    for name in ("orchestra:operation", "orchestra.operation", "operation"):
        value = extensions.get(name)
        if isinstance(value, str) and value:
            return value
    return None
