"""Which messages of a sequence diagram stand in which fragment, told from the shape of its control flow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestra_kit.model import FlowNode, NodeType, SequenceFlow

_HEAD = re.compile(r"(?:^|_)(alt|opt|loop|par|critical|break|group|rect)(\d+)\Z")
_WORDS = {"critical": "option"}
"""What is drawn of a critical region are the options behind its body."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A fragment around the nodes from `first` to `last` (by place); `sections` are where further branches begin."""

    kind: str
    first: int
    last: int
    guard: str = ""
    sections: tuple[tuple[int, str], ...] = ()


def find_frames(nodes: Sequence[FlowNode], flows: Sequence[SequenceFlow]) -> list[Frame]:
    """Return the fragments of a diagram, outer ones first; nodes stand in the order of the diagram."""
    place = {node.id: index for index, node in enumerate(nodes)}
    leaving: dict[str, list[SequenceFlow]] = {}
    entering: dict[str, list[SequenceFlow]] = {}
    for flow in flows:
        if flow.source in place and flow.target in place:
            leaving.setdefault(flow.source, []).append(flow)
            entering.setdefault(flow.target, []).append(flow)
    frames: list[Frame] = []
    for index, node in enumerate(nodes):
        found = _HEAD.search(node.id)
        if found is None or not node.type.is_gateway:
            continue
        limit = _limit(frames, index, len(nodes))
        last = min(_last(node, found[1], index, place, leaving, entering), limit)
        if last > index:
            frames.append(_frame(node, found[1], index, last, place, leaving, entering))
    return frames


def _limit(frames: Sequence[Frame], index: int, size: int) -> int:
    """Return the last place of the branch around a place: a fragment does not reach beyond the branch it is in."""
    limit = size - 1
    for frame in frames:
        if frame.first < index <= frame.last:
            following = [start for start, _ in frame.sections if start > index]
            limit = min(limit, frame.last, *(start - 1 for start in following))
    return limit


def _last(
    node: FlowNode,
    kind: str,
    index: int,
    place: Mapping[str, int],
    leaving: Mapping[str, list[SequenceFlow]],
    entering: Mapping[str, list[SequenceFlow]],
) -> int:
    end = place.get(f"{node.id}_end", place.get(f"{node.id}_again"))
    if end is not None:
        return end - 1
    if kind == "loop":
        return max(
            (place[flow.source] for flow in entering.get(node.id, ()) if place[flow.source] > index), default=index
        )
    skips = [place[flow.target] for flow in leaving.get(node.id, ()) if flow.is_default and place[flow.target] > index]
    # A way past that goes back comes from the last thing of a loop: only the branch around it ends this one.
    return max(skips) - 1 if skips else len(place)


def _frame(
    node: FlowNode,
    kind: str,
    first: int,
    last: int,
    place: Mapping[str, int],
    leaving: Mapping[str, list[SequenceFlow]],
    entering: Mapping[str, list[SequenceFlow]],
) -> Frame:
    branches = sorted(
        ((place[flow.target], flow.name) for flow in leaving.get(node.id, ()) if first < place[flow.target] <= last),
        key=lambda item: item[0],
    )
    guard = branches[0][1] if branches else ""
    if kind == "loop" and not guard:
        guard = next((flow.name for flow in entering.get(node.id, ()) if place[flow.source] > first and flow.name), "")
    return Frame(_WORDS.get(kind, kind), first, last, guard, tuple(branches[1:]))


def is_step(node: FlowNode) -> bool:
    """True for what is drawn as a row: messages and references."""
    return not node.type.is_gateway and node.type not in (NodeType.START_EVENT, NodeType.END_EVENT)
