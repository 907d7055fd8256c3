"""Data, annotations and groups with the lines that join them to the flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestra_kit.design.bpmn.elements import child, is_true, local_name, text_of
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.model.process import Artifact, Association

_REFERENCES = ("dataObjectRef", "dataStoreRef")


class ArtifactReader:
    """Gathers artifacts and associations; `resolve` tells what a reference means, `id_of` makes up a missing id."""

    def __init__(
        self,
        by_id: Mapping[str, Element],
        resolve: Callable[[str | None], str],
        id_of: Callable[[Element, str], str],
    ) -> None:
        self._by_id, self._resolve, self._id_of = by_id, resolve, id_of
        self._objects: list[tuple[Element, str]] = []
        self._referred: set[str] = set()
        self.artifacts: list[Artifact] = []
        self.associations: list[Association] = []

    def read_artifact(self, element: Element, process_id: str | None = None) -> None:
        """Add one data reference, data store, data in- or output of a process, annotation or group."""
        kind, text = local_name(element), element.get("name") or ""
        target = next((self._resolve(element.get(name)) for name in _REFERENCES if element.get(name)), "")
        behind = self._by_id.get(target) if target else None
        if kind == "textAnnotation":
            text = text_of(child(element, "text"))
        elif kind == "group":
            value = self._by_id.get(self._resolve(element.get("categoryValueRef")))
            text = text if value is None else value.get("value") or ""
        elif not text and behind is not None:
            text = behind.get("name") or ""
        self._referred.add(target)
        holder = element if behind is None else behind
        self.artifacts.append(
            Artifact(
                id=self._id_of(element, kind),
                type=kind,
                text=text,
                process_id=process_id,
                refers_to=target or None,
                is_collection=is_true(holder.get("isCollection")),
                state=_state(element) or _state(holder),
                item=self._item(element) or self._item(holder),
            )
        )

    def queue_object(self, element: Element, process_id: str) -> None:
        """Remember a data object; it is an artifact of its own only where no reference stands for it."""
        self._objects.append((element, process_id))

    def read_association(self, element: Element) -> None:
        """Add a plain dotted line."""
        self.associations.append(
            Association(
                id=self._id_of(element, "association"),
                source=self._resolve(element.get("sourceRef")),
                target=self._resolve(element.get("targetRef")),
                direction=element.get("associationDirection"),
            )
        )

    def read_data_associations(self, element: Element, node_id: str) -> None:
        """Add data in- and outputs as lines between the data and the node itself, as they are drawn."""
        for item in element:
            name = local_name(item)
            if name == "dataInputAssociation":
                ends = [(self._resolve(text_of(other)), node_id) for other in item if local_name(other) == "sourceRef"]
                kind = "dataInput"
            elif name == "dataOutputAssociation":
                ends = [(node_id, self._resolve(text_of(child(item, "targetRef"))))]
                kind = "dataOutput"
            else:
                continue
            for number, (source, target) in enumerate(ends or [("", node_id)], start=1):
                if not source or not target:
                    continue  # a constant: told in the node's data, joined to nothing
                identifier = item.get("id") or f"{kind}-{node_id}-{len(self.associations) + 1}"
                if number > 1:
                    identifier = f"{identifier}-{number}"
                self.associations.append(Association(id=identifier, source=source, target=target, kind=kind))

    def close(self) -> None:
        """Add the data objects that tasks name without a reference in between."""
        joined = {end for line in self.associations for end in (line.source, line.target)}
        for element, process_id in self._objects:
            identifier = element.get("id") or ""
            if identifier in joined and identifier not in self._referred:
                self.read_artifact(element, process_id)

    def _item(self, element: Element) -> str | None:
        reference = element.get("itemSubjectRef")
        if not reference:
            return None
        definition = self._by_id.get(self._resolve(reference))
        return str(reference if definition is None else definition.get("structureRef") or reference)


def _state(element: Element) -> str | None:
    state = child(element, "dataState")
    return None if state is None else state.get("name") or None
