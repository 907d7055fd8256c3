"""From observations to rows: what is stored is redacted, bounded JSON; what later steps need of it is kept sealed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from orchestra_kit.engine.redaction import (
    REDACTED,
    Path,
    Pattern,
    Redactor,
    Replaced,
    find_places,
    has_sensitive_header,
    read_pattern,
    replace_places,
)
from orchestra_kit.model import ChannelType, OperationSummary, StepResult, Violation
from orchestra_kit.spi.protocol import Observation
from orchestra_kit.spi.sealing import Sealer

_DOCUMENT_FIELDS = {
    ChannelType.DB: "db_result",
    ChannelType.KAFKA: "kafka_message",
    ChannelType.QUEUE: "queue_message",
}
_START_KEPT = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An observation as it goes into its row (`fields`), as this run goes on with it (`view`), and as everybody may see
    it (`shown`, the same object when nothing was taken out)."""

    fields: dict[str, Any]
    view: Mapping[str, Any]
    shown: Mapping[str, Any]


class Recorder:
    """Turns what one run observes into what is stored of it."""

    def __init__(self, redactor: Redactor, sealer: Sealer, *, most_characters: int) -> None:
        self.redactor = redactor
        self._sealer = sealer
        self._most = most_characters

    def record(
        self,
        observation: Observation,
        *,
        channel: ChannelType | None,
        operation: OperationSummary | None = None,
        sensitive: tuple[Pattern, ...] = (),
    ) -> Recorded:
        """Return what is stored of an observation. Everything sensitive in it is known to the redactor afterwards."""
        view, text = _as_json(observation.view)
        places = self._sensitive_places(view, operation, sensitive)
        self.redactor.remember([value for _, value in places])
        request, _ = _as_json(observation.request)
        self.redactor.remember([value for _, value in find_places(request.get("body"), sensitive)])
        shown, sealed = self._shown(view, text, places)
        if len(text) > self._most:
            shown = _cut(shown, self._most)
        fields = _fields_of(shown, channel, observation)
        if sealed:
            fields["sealed"] = self._sealer.seal([[list(path), value] for path, value in sealed])
        if request:
            fields["request"] = self.request(request)
        return Recorded(fields=fields, view=view, shown=shown)

    def request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was sent, redacted and bounded."""
        plain, text = _as_json(request)
        needed = has_sensitive_header(plain.get("headers")) or self.redactor.touches(text)
        shown = self.redactor.value(plain) if needed else plain
        return _cut(shown, self._most) if len(text) > self._most else shown

    def violations(self, violations: list[Violation]) -> tuple[Violation, ...]:
        """Return violations without anything that must not be shown."""
        return tuple(self._redacted(item) for item in violations)

    def restore(self, result: StepResult, channel: ChannelType | None) -> Recorded:
        """Return what was recorded of a step, its sealed parts opened for this run."""
        shown = view_of(result, channel)
        view: Mapping[str, Any] = shown
        if result.sealed is not None:
            places = [(tuple(path), value) for path, value in self._sealer.unseal(result.sealed)]
            self.redactor.remember([value for _, value in places])
            view = replace_places(shown, places)
        return Recorded(fields={}, view=view, shown=shown)

    def seal_exports(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return exported values; one that holds something sensitive is sealed as `{"$sealed": ...}`."""
        exported: dict[str, Any] = {}
        for name, value in values.items():
            sensitive = self.redactor.touches(json.dumps(value, ensure_ascii=False, default=str))
            exported[name] = {"$sealed": self._sealer.seal(value)} if sensitive else value
        return exported

    def open_context(self, context: Any) -> dict[str, Any]:
        """Return the suite's context with sealed values opened."""
        opened: dict[str, Any] = {}
        for name, value in (context or {}).items():
            if isinstance(value, Mapping) and set(value) == {"$sealed"}:
                value = self._sealer.unseal(value["$sealed"])
                self.redactor.remember(value)
            opened[name] = value
        return opened

    def _sensitive_places(
        self, view: Mapping[str, Any], operation: OperationSummary | None, sensitive: tuple[Pattern, ...]
    ) -> list[tuple[Path, Any]]:
        places: list[tuple[Path, Any]] = []
        if operation is not None and operation.sensitive_response_pointers:
            patterns = [read_pattern(pointer) for pointer in operation.sensitive_response_pointers]
            places += [(("body", *path), value) for path, value in find_places(view.get("body"), patterns)]
        if sensitive:
            places += find_places(view, sensitive)
            places += [(("body", *path), value) for path, value in find_places(view.get("body"), sensitive)]
        return list({path: (path, value) for path, value in places if value is not None}.values())

    def _shown(
        self, view: Mapping[str, Any], text: str, places: list[tuple[Path, Any]]
    ) -> tuple[Mapping[str, Any], list[tuple[Path, Any]]]:
        if not places and not has_sensitive_header(view.get("headers")) and not self.redactor.touches(text):
            return view, []
        covered = replace_places(view, [(path, REDACTED) for path, _ in places])
        replaced = Replaced()
        shown = self.redactor.value(covered, replaced=replaced)
        return shown, [*places, *replaced.places]

    def _redacted(self, item: Violation) -> Violation:
        details, text = _as_json(item.details)
        message = self.redactor.text(item.message)
        if self.redactor.touches(text):
            details = self.redactor.value(details)
        if len(text) > self._most:
            details = _cut(details, self._most)
        if message is item.message and details is item.details:
            return item
        return item.model_copy(update={"message": message, "details": details})


def view_of(result: StepResult, channel: ChannelType | None) -> dict[str, Any]:
    """Return what expressions see as `response` of a recorded result."""
    field = _DOCUMENT_FIELDS.get(channel) if channel is not None else None
    if field is not None:
        return getattr(result, field) or {}
    return {
        "status": result.actual_status_code,
        "headers": result.response_headers or {},
        "body": result.response_body,
    }


def _fields_of(shown: Mapping[str, Any], channel: ChannelType | None, observation: Observation) -> dict[str, Any]:
    field = _DOCUMENT_FIELDS.get(channel) if channel is not None else None
    if field is not None:
        return {field: dict(shown)} if shown else {}
    return {
        "actual_status_code": observation.status_code,
        "response_headers": shown.get("headers"),
        "response_body": shown.get("body"),
    }


def _cut(value: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return a value whose large parts are replaced by their size and their beginning."""
    kept: dict[str, Any] = {}
    for name, part in value.items():
        text = part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
        if len(text) * 2 <= most:
            kept[name] = part
        else:
            note = f"{len(text)} characters; only the beginning is kept"
            kept[name] = {"truncated": note, "start": text[: min(_START_KEPT, most)]}
    return kept


def _as_json(value: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a value as JSON data with its text; what is JSON already is not copied."""
    try:
        return value, json.dumps(value, ensure_ascii=False)  # type: ignore[return-value]  # a dict, or it would raise
    except (TypeError, ValueError):
        plain = _plain(value)
        return plain, json.dumps(plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return JSON data for what databases and brokers give: exact numbers as numbers where they fit, else as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        if value == value.to_integral_value() and value.is_finite():
            return int(value)
        return float(value) if Decimal(str(float(value))) == value else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)
