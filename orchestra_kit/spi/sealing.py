"""Encryption of sensitive values under a key only workers hold."""

from __future__ import annotations

from typing import Any, Protocol


class Sealer(Protocol):
    """Seals JSON values so that only a worker can read them."""

    def seal(self, value: Any) -> str:
        """Return the value encrypted as text."""

    def unseal(self, sealed: str) -> Any:
        """Return the value; raise SecretError when the key is another one."""
