"""Redaction in one place: everything a run records, tells or logs goes through its Redactor.

A Redactor knows every secret resolved for the run and every value found at a sensitive place. It replaces them, and
their usual spellings (base64 at any offset, URL-encoded, inside JSON), wherever they turn up.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from orchestra_kit.spi.protocol import SecretResolver

REDACTED = "***"
SENSITIVE_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_SHORTEST = 4
"""Shorter values are replaced only where they are the whole text: they stand in too many innocent words."""
_SHORTEST_CORE = 8

Path = tuple[str | int, ...]
Pattern = tuple[str, ...]
"""Names on the way to a sensitive value; `*` stands for any of them, a first `**` for any depth."""


@dataclass(slots=True)
class Replaced:
    """Where something was replaced in a value, and what stood there."""

    places: list[tuple[Path, Any]] = field(default_factory=list)


class Redactor:
    """Knows what must not be shown. Safe for many threads; what it knows only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._forms: tuple[str, ...] = ()
        self._whole: frozenset[str] = frozenset()

    def remember(self, value: Any) -> None:
        """Replace `value` from now on; of a list or object each text and number in it."""
        if not value:
            return
        texts = {text for text in _texts_in(value) if text and text not in self._known}
        if not texts:
            return
        with self._lock:
            self._known |= texts
            forms = {form for text in self._known if len(text) >= _SHORTEST for form in _spellings(text)}
            self._forms = tuple(sorted(forms, key=len, reverse=True))
            self._whole = frozenset(text for text in self._known if len(text) < _SHORTEST)

    def text(self, text: str) -> str:
        """Return `text` without anything that must not be shown."""
        if text in self._whole:
            return REDACTED
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def touches(self, dumped: str) -> bool:
        """Return whether anything known stands in a JSON text."""
        return any(form in dumped for form in self._forms) or any(f'"{text}"' in dumped for text in self._whole)

    def value(self, value: Any, *, replaced: Replaced | None = None, path: Path = ()) -> Any:
        """Return JSON data without anything that must not be shown; `replaced` learns what was where."""
        if isinstance(value, str):
            shown: Any = self.text(value)
            if shown != value and replaced is not None:
                replaced.places.append((path, value))
            return shown
        if isinstance(value, Mapping):
            return {
                self.text(str(name)): self._member(str(name), item, replaced, (*path, str(name)))
                for name, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item, replaced=replaced, path=(*path, index)) for index, item in enumerate(value)]
        if value is not None and not isinstance(value, bool) and self._forms and str(value) in self._known:
            if replaced is not None:
                replaced.places.append((path, value))
            return REDACTED
        return value

    def _member(self, name: str, item: Any, replaced: Replaced | None, path: Path) -> Any:
        headers = len(path) > 1 and path[-2] == "headers"
        if headers and name.lower() in SENSITIVE_HEADERS and item != REDACTED:
            if replaced is not None:
                replaced.places.append((path, item))
            return REDACTED
        return self.value(item, replaced=replaced, path=path)


class RememberingSecrets:
    """A SecretResolver that tells the run's Redactor of every value before handing it out."""

    def __init__(self, resolver: SecretResolver, redactor: Redactor) -> None:
        self._resolver, self._redactor = resolver, redactor

    def resolve(self, reference: str) -> str:
        """Return the secret's value; raise SecretError."""
        value = self._resolver.resolve(reference)
        self._redactor.remember(value)
        return value


def has_sensitive_header(headers: Mapping[str, Any] | None) -> bool:
    """Return whether one of the headers is never shown."""
    return bool(headers) and any(name.lower() in SENSITIVE_HEADERS for name in headers or ())


def read_pattern(pointer: str) -> Pattern:
    """Return the pattern of a JSON pointer (`/user/token`, `/items/*/key`, empty for all of it) or of a bare name, which
    is meant at any depth."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        return ("**", pointer)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def find_places(value: Any, patterns: Iterable[Pattern]) -> Iterator[tuple[Path, Any]]:
    """Yield place and value of everything the patterns point to."""
    for pattern in patterns:
        if pattern and pattern[0] == "**":
            yield from _find_name(value, pattern[1], ())
        else:
            yield from _find(value, pattern, ())


def replace_places(value: Any, places: Iterable[tuple[Path, Any]]) -> Any:
    """Return a copy of JSON data with each place holding the value given with it; places that are not there stay so."""
    for path, item in places:
        value = _with(value, path, item)
    return value


def _with(value: Any, path: Path, item: Any) -> Any:
    if not path:
        return item
    head, rest = path[0], path[1:]
    if isinstance(value, Mapping) and head in value:
        return {**value, head: _with(value[head], rest, item)}
    if isinstance(value, list) and isinstance(head, int) and 0 <= head < len(value):
        return [*value[:head], _with(value[head], rest, item), *value[head + 1 :]]
    return value


def _find(value: Any, pattern: Pattern, path: Path) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield path, value
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(value, Mapping):
        names = list(value) if head == "*" else [head]
        for name in names:
            if name in value:
                yield from _find(value[name], rest, (*path, name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if head == "*" or head == str(index):
                yield from _find(item, rest, (*path, index))


def _find_name(value: Any, name: str, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == name:
                yield (*path, key), item
            else:
                yield from _find_name(item, name, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _find_name(item, name, (*path, index))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
        if len(text) >= _SHORTEST:
            yield text


def _spellings(text: str) -> set[str]:
    raw = text.encode("utf-8", "surrogatepass")
    forms = {
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        json.dumps(text)[1:-1].replace("/", "\\/"),
        quote(raw, safe=""),
        quote_plus(raw),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms.add(encode(raw).decode())
        for offset in range(3):
            # Inside a longer base64 text (`user:password`) only the characters made of this value alone are certain.
            core = encode(b"\0" * offset + raw).decode().rstrip("=")
            skip = (0, 2, 3)[offset]
            spare = 1 if (offset + len(raw)) % 3 else 0
            core = core[skip : len(core) - spare]
            if len(core) >= _SHORTEST_CORE:
                forms.add(core)
    return {form for form in forms if len(form) >= _SHORTEST}
