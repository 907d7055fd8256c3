"""Readable, stable keys of scenarios, made of the branches a run takes."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from orchestra_kit.model.process import ControlFlowGraph, FlowNode

MAX_LENGTH = 100
_SEPARATOR = "--"
_OTHER = re.compile(r"[^a-z0-9]+")


class KeyMaker:
    """Gives each path of one suite a key of [a-z0-9.-]; equal paths of other versions of the model keep theirs."""

    def __init__(self, graph: ControlFlowGraph) -> None:
        width = Counter(flow.source for flow in graph.flows)
        nodes = {node.id: node for node in graph.nodes}
        self._nodes = nodes
        self._labels: dict[str, str] = {}
        for flow in graph.flows:
            source, target = nodes.get(flow.source), nodes.get(flow.target)
            if width[flow.source] > 1 and source is not None:
                branch = slug(flow.name) or ("otherwise" if flow.is_default else f"to-{_called(target, flow.target)}")
                split = slug(source.name)
                self._labels[flow.id] = f"{split}-{branch}" if split else branch
        self._used: set[str] = set()

    def key(self, path: Sequence[str], visits: Sequence[str], provokes: Iterable[str] = ()) -> str:
        """Return a key no other call has returned."""
        labels = [self._labels[flow] for flow in path if flow in self._labels]
        labels += [f"on-{_called(self._nodes.get(event), event)}" for event in provokes]
        if not labels:
            ends = [self._nodes[item] for item in visits[-1:] if item in self._nodes]
            labels = [slug(node.name) for node in ends if slug(node.name)] or ["main"]
        counts = Counter(labels)
        text = _SEPARATOR.join(label if times == 1 else f"{label}.x{times}" for label, times in counts.items())
        if len(text) > MAX_LENGTH:
            digest = hashlib.sha256(" ".join((*path, *provokes)).encode()).hexdigest()[:6]
            text = f"{text[: MAX_LENGTH - 7].rstrip('-.')}.{digest}"
        unique, number = text, 1
        while unique in self._used:
            number += 1
            unique = f"{text}.{number}"
        self._used.add(unique)
        return unique


def slug(text: str) -> str:
    """Return text as [a-z0-9-]; letters of other scripts that have no plain form are left out."""
    if not text.isascii():
        whole = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ẞ", "ss"))
        text = whole.encode("ascii", "ignore").decode()
    return _OTHER.sub("-", text.lower()).strip("-")[:40].rstrip("-") if text else ""


def _called(node: FlowNode | None, identifier: str) -> str:
    return (slug(node.name) if node else "") or slug(identifier) or "x"
