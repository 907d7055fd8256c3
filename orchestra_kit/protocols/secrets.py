"""Secrets at the moment of sending: bound where the step's own text names them, remembered so that they can be blotted out."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from orchestra_kit.spi.protocol import SecretResolver

SECRET_REFERENCE = re.compile(r"secret:[A-Za-z0-9][A-Za-z0-9._\-/]*\Z")
BLOTTED = "***"
_SHORTEST = 4


class SecretBinder:
    """Resolves the references of one call and knows every value it handed out."""

    def __init__(self, resolver: SecretResolver) -> None:
        self._resolver = resolver
        self._values: set[str] = set()

    def resolve(self, reference: str) -> str:
        """Return the value of `secret:<name>`; raise SecretError."""
        value = self._resolver.resolve(reference)
        self.remember(value)
        return value

    def remember(self, value: str) -> None:
        """Blot out `value` and its usual spellings from now on."""
        if len(value) < _SHORTEST:
            return
        encoded = base64.b64encode(value.encode()).decode()
        inside_json = json.dumps(value)[1:-1]
        self._values |= {value, encoded, inside_json, quote(value, safe=""), quote_plus(value)}

    def bind(self, value: Any, template: Any) -> Any:
        """Return `value` with references resolved where the step's own template says the very same text.

        A reference that came out of a template (from data or from an answer of the system under test) stays text:
        nobody but the author of the step decides which secret is sent.
        """
        if isinstance(value, str):
            return self.resolve(value) if value == template and SECRET_REFERENCE.match(value) else value
        if isinstance(value, Mapping):
            own = template if isinstance(template, Mapping) else {}
            return {name: self.bind(part, own.get(name)) for name, part in value.items()}
        if isinstance(value, list | tuple):
            parts: Sequence[Any] = template if isinstance(template, list | tuple) else ()
            return [self.bind(part, parts[i] if i < len(parts) else None) for i, part in enumerate(value)]
        return value

    def blot(self, text: str) -> str:
        """Return `text` without any value handed out."""
        for value in sorted(self._values, key=len, reverse=True):
            if value in text:
                text = text.replace(value, BLOTTED)
        return text

    def blot_bytes(self, content: bytes) -> bytes:
        """Return `content` without any value handed out."""
        for value in sorted(self._values, key=len, reverse=True):
            raw = value.encode()
            if raw in content:
                content = content.replace(raw, BLOTTED.encode())
        return content
