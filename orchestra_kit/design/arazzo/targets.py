"""What a step calls: an operation by its id, by a pointer into its description, or a channel."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from orchestra_kit.design.arazzo.cel import Unsaid
from orchestra_kit.design.arazzo.document import ArazzoDocument, SourceDescription, Step
from orchestra_kit.design.documents import FieldPath
from orchestra_kit.errors import nearest_hint
from orchestra_kit.model import ChannelType, EndpointRef, StepKind

Note = Callable[[str, FieldPath, str], None]

_SOURCE = re.compile(r"\{?\s*\$sourceDescriptions\.(?P<name>[^.{}#/\s]+)(?:\.(?P<rest>[^{}#]*))?\}?")
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_METHOD_AND_PATH = re.compile(rf"(?P<method>{'|'.join(_METHODS)})\s+(?P<path>/\S*)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The endpoint of a step, its channel, whether the step acts or waits, and the HTTP method where it is told."""

    endpoint: EndpointRef
    channel: ChannelType
    kind: StepKind = StepKind.ACTION
    method: str | None = None
    topic: str | None = None


class TargetReader:
    """Finds targets in one document; `operations` are the operation ids of sources whose description is known."""

    def __init__(self, document: ArazzoDocument, operations: Mapping[str, Collection[str]], note: Note) -> None:
        self._document, self._operations, self._note = document, operations, note
        self._callable = [item for item in document.sources if item.kind != "arazzo"]

    def of(self, step: Step) -> Target:
        """Return what a step calls; raise Unsaid."""
        if step.operation_id is not None:
            return self._by_id(step, step.operation_id)
        if step.operation_path is not None:
            return self._by_path(step, step.operation_path)
        if step.channel_path is not None:
            return self._channel(step, step.channel_path)
        if isinstance(step.raw.get("x-operation"), Mapping):
            return self._by_address(step.raw["x-operation"])
        raise Unsaid("the step names no operation.", code="NO_TARGET")

    def _by_id(self, step: Step, written: str) -> Target:
        path = (*step.path, "operationId")
        match = _SOURCE.match(written.strip())
        if match is None:
            plain = _METHOD_AND_PATH.match(written.strip())
            source = self._holding(written, path)
            if plain is not None:
                return self._http(source, plain["method"], plain["path"])
            return self._named(step, source, written.strip())
        source = self._source(match["name"], path)
        rest = (match["rest"] or "") + written.strip()[match.end() :]
        if rest.startswith("url") and "#" in rest:
            return self._by_path(step, written)
        return self._named(step, source, rest.strip().removeprefix("#").strip("/") or "unnamed")

    def _named(self, step: Step, source: str, operation_id: str) -> Target:
        known = self._operations.get(source)
        if known is not None and operation_id not in known:
            hint = nearest_hint(operation_id, known)
            message = f"'{source}' has no operation '{operation_id[:120]}'.{' ' + hint if hint else ''}"
            self._note("UNKNOWN_OPERATION", (*step.path, "operationId"), message)
        endpoint = EndpointRef(service_name=source, endpoint_name=operation_id)
        if self._is_message(step, source):
            return self._message(step, endpoint, None)
        return Target(endpoint=endpoint, channel=ChannelType.HTTP_REST)

    def _is_message(self, step: Step, source: str) -> bool:
        described = self._document.source_named(source)
        return step.action is not None or (described is not None and described.kind == "asyncapi")

    def _message(self, step: Step, endpoint: EndpointRef, topic: str | None) -> Target:
        waits = step.action == "receive" or (step.action is None and step.correlation_id is not None)
        kind = StepKind.ASSERTION if waits else StepKind.ACTION
        return Target(endpoint=endpoint, channel=ChannelType.KAFKA, kind=kind, topic=topic)

    def _by_path(self, step: Step, written: str) -> Target:
        path = (*step.path, "operationPath" if step.operation_path is not None else "operationId")
        text = written.strip()
        match = _SOURCE.match(text)
        source = self._source(match["name"], path) if match else self._only(path)
        tail = text[match.end() :] if match else text
        plain = _METHOD_AND_PATH.match(tail.strip())
        if plain is not None:
            return self._http(source, plain["method"], plain["path"])
        pointer = unquote(tail.partition("#")[2] or tail).strip()
        if not pointer and match is not None and match["rest"] not in (None, "url"):
            return self._named(step, source, match["rest"])  # an operation id where a path belongs
        if pointer.startswith(("/channels/", "/operations/")):
            return self._channel(step, written)
        operation = pointer.removeprefix("/").removeprefix("paths/").removeprefix("/")
        where, _, method = operation.rpartition("/")
        if method.lower() not in _METHODS:
            raise Unsaid(f"the operationPath '{written[:160]}' does not lead to an operation.", code="OPERATION_PATH")
        decoded = where.replace("~1", "/").replace("~0", "~")
        return self._http(source, method, decoded if decoded.startswith("/") else f"/{decoded}")

    def _http(self, source: str, method: str, path: str) -> Target:
        name = f"{method.upper()} {path}"
        endpoint = EndpointRef(service_name=source, endpoint_name=name)
        return Target(endpoint=endpoint, channel=ChannelType.HTTP_REST, method=method.upper())

    def _by_address(self, operation: Mapping[str, Any]) -> Target:
        """Return the target of an operation given by its address alone, as an extension some tools know has it."""
        url, method = str(operation.get("url") or ""), str(operation.get("method") or "").lower()
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if not parts.netloc or method not in _METHODS or "$" in url or parts.query:
            raise Unsaid(f"the operation '{method} {url[:160]}' is no plain address.", code="NO_TARGET")
        return self._http(parts.netloc, method, parts.path or "/")

    def _channel(self, step: Step, written: str) -> Target:
        path = (*step.path, "channelPath")
        match = _SOURCE.match(written.strip())
        source = self._source(match["name"], path) if match else self._only(path)
        tail = written.strip()[match.end() :] if match else written.strip()
        pointer = unquote(tail.partition("#")[2] or tail or (match["rest"] if match else "") or "").strip("/")
        group, _, name = pointer.partition("/")
        name = (name or group).replace("~1", "/").replace("~0", "~")
        if not name:
            raise Unsaid(f"the channelPath '{written[:160]}' does not lead to a channel.", code="CHANNEL_PATH")
        endpoint = EndpointRef(service_name=source, endpoint_name=name)
        return self._message(step, endpoint, name if group == "channels" else None)

    def _source(self, name: str, path: FieldPath) -> str:
        if self._document.source_named(name) is None:
            hint = nearest_hint(name, [item.name for item in self._document.sources])
            message = f"there is no source description '{name[:80]}'.{' ' + hint if hint else ''}"
            self._note("UNKNOWN_SOURCE", path, message)
        return name

    def _holding(self, operation_id: str, path: FieldPath) -> str:
        """Return the source that has an operation; where that is not known, the only or the first one."""
        holding = [item.name for item in self._callable if operation_id in self._operations.get(item.name, ())]
        return holding[0] if len(holding) == 1 else self._only(path)

    def _only(self, path: FieldPath) -> str:
        if not self._callable:
            self._note("UNKNOWN_SOURCE", path, "there is no source description the operation could belong to.")
            return "api"
        if len(self._callable) > 1:
            names = ", ".join(f"'{item.name}'" for item in self._callable[:6])
            message = f"the source is not named; one of {names} could be meant. The first is taken."
            self._note("AMBIGUOUS_SOURCE", path, message)
        return self._first().name

    def _first(self) -> SourceDescription:
        return next((item for item in self._callable if item.kind == "openapi"), self._callable[0])
