"""The operation a message means when its text writes it out: `GET /orders/{id}`, or `createOrder()`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestra_kit.design.operations import Endpoint, OperationCatalog
from orchestra_kit.model.process import FlowNode

_PARAMETER = re.compile(r"\{[^{}]*\}|:\w+|\*+")


def requested_endpoint(node: FlowNode, catalog: OperationCatalog) -> Endpoint | None:
    """Return the one operation that fits a message best; None where nothing fits, or several do equally well.

    The service that is called goes first, then the whole path before one behind a gateway's prefix, then the path with
    fewer parameters.
    """
    hints = node.extensions.get("hints")
    return endpoint_of(hints, catalog) if isinstance(hints, dict) else None


def endpoint_of(hints: Mapping[str, Any], catalog: OperationCatalog) -> Endpoint | None:
    """Return the one operation that fits hints best: `verb` and `path`, or a `name`, and the `service` called."""
    if "verb" in hints and "path" in hints:
        return _best(catalog, hints, lambda endpoint: _fit(hints, endpoint))
    if "name" in hints:
        wanted = _letters(str(hints["name"]).rpartition(".")[2])
        return _best(
            catalog,
            hints,
            lambda endpoint: 1 if wanted and _letters(endpoint.operation.endpoint_name) == wanted else None,
        )
    return None


def _best(
    catalog: OperationCatalog, hints: Mapping[str, Any], fit: Callable[[Endpoint], int | None]
) -> Endpoint | None:
    called = _letters(str(hints.get("service", "")))
    ranked: list[tuple[tuple[bool, int], Endpoint]] = []
    for service, interface in catalog.interfaces.items():
        named = _letters(service)
        ours = bool(named) and bool(called) and (named in called or called in named)
        for operation in interface.operations:
            endpoint = catalog.of(service, operation)
            score = fit(endpoint)
            if score is not None:
                ranked.append(((ours, score), endpoint))
    if not ranked:
        return None
    best = max(rank for rank, _endpoint in ranked)
    winners = [endpoint for rank, endpoint in ranked if rank == best]
    return winners[0] if len(winners) == 1 else None


def _fit(hints: Mapping[str, Any], endpoint: Endpoint) -> int | None:
    """Return how well an operation fits a written request: more for the whole path, and for each word in common."""
    operation = endpoint.operation
    if operation.method.upper() != hints["verb"]:
        return None
    written, known = _segments(str(hints["path"])), _segments(operation.path)
    if len(written) < len(known):
        return None
    words = 0
    for ours, theirs in zip(written[len(written) - len(known) :], known, strict=True):
        if ours == theirs:
            words += 0 if _PARAMETER.fullmatch(ours) else 2
        elif not _PARAMETER.search(theirs):
            return None
        else:
            words += 1 if _PARAMETER.fullmatch(ours) else 0
    whole = len(written) == len(known)
    return (1000 if whole else 0) + words if whole or words else None


def _segments(path: str) -> list[str]:
    return [part for part in path.strip("/").split("/") if part]


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
