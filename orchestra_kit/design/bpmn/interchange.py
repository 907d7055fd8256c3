"""Diagram interchange: where shapes and edges stand."""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Any

from orchestra_kit.design.bpmn.elements import is_true, local_name
from orchestra_kit.design.bpmn.parsing import Element
from orchestra_kit.design.bpmn.vocabulary import DIAGRAM
from orchestra_kit.model.process import Bounds, Diagram, DiagramEdge, DiagramPlane, DiagramShape


def read_diagram(root: Element, known_ids: Container[str]) -> Diagram:
    """Return every shape and edge of every plane of the document."""
    shapes: list[DiagramShape] = []
    edges: list[DiagramEdge] = []
    planes: list[DiagramPlane] = []
    plane_tag, shape_tag, edge_tag = (f"{{{DIAGRAM}}}{name}" for name in ("BPMNPlane", "BPMNShape", "BPMNEdge"))
    for item in root.iter(plane_tag, shape_tag, edge_tag):
        element_id = _resolve(item.get("bpmnElement") or "", known_ids)
        plane = max(len(planes) - 1, 0)
        if item.tag == plane_tag:
            holder = item.getparent()
            name = (holder.get("name") if holder is not None else None) or ""
            planes.append(DiagramPlane(name=name, element_id=element_id))
        elif item.tag == shape_tag:
            bounds, label = _bounds_and_label(item)
            if bounds is not None:
                shapes.append(
                    DiagramShape(
                        element_id=element_id,
                        bounds=bounds,
                        label=label,
                        plane=plane,
                        is_expanded=_flag(item.get("isExpanded")),
                        is_horizontal=_flag(item.get("isHorizontal")),
                    )
                )
        else:
            points = tuple(point for point in map(_waypoint, item) if point is not None)
            label = _bounds_and_label(item)[1]
            edges.append(DiagramEdge(element_id=element_id, waypoints=points, label=label, plane=plane))
    return Diagram(shapes=tuple(shapes), edges=tuple(edges), planes=tuple(planes))


def _bounds_and_label(item: Element) -> tuple[Bounds | None, Bounds | None]:
    own: Bounds | None = None
    label: Bounds | None = None
    for part in item:
        name = local_name(part)
        if name == "Bounds" and own is None:
            own = _bounds(part)
        elif name == "BPMNLabel":
            for inner in part:
                if local_name(inner) == "Bounds":
                    label = _bounds(inner)
    return own, label


def _bounds(element: Element) -> Bounds | None:
    values = [_number(element.get(name)) for name in ("x", "y", "width", "height")]
    x, y, width, height = values
    if x is None or y is None or width is None or height is None:
        return None
    return Bounds(x=x, y=y, width=width, height=height)


def _waypoint(element: Element) -> tuple[float, float] | None:
    if local_name(element) != "waypoint":
        return None
    x, y = _number(element.get("x")), _number(element.get("y"))
    return None if x is None or y is None else (x, y)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _flag(value: Any) -> bool | None:
    return None if value is None else is_true(value)


def _resolve(reference: str, known_ids: Container[str]) -> str:
    """Return the id a qualified name means."""
    return reference if reference in known_ids or ":" not in reference else reference.rsplit(":", 1)[-1]
