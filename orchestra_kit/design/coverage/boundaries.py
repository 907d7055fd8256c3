"""Walks that leave an activity by a boundary event, counted for the event they are there for."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra_kit.design.coverage.walk_graph import EdgeKind, Walk


def attribute_walks(walks: Sequence[Walk]) -> dict[str, list[Walk]]:
    """Return each walk under one boundary event it provokes, preferring an event that has none yet."""
    grouped: dict[str, list[Walk]] = {}
    for walk in walks:
        events = [edge.id for edge in walk.edges if edge.kind is EdgeKind.BOUNDARY]
        event = next((item for item in events if item not in grouped), events[-1] if events else "")
        grouped.setdefault(event, []).append(walk)
    return grouped
