"""IPython magics. Loading them imports nothing heavy: each command imports what it needs when it is used."""

from __future__ import annotations

from typing import Any, Protocol


class MagicShell(Protocol):
    """The part of IPython's shell that is used here."""

    def register_magic_function(self, func: Any, magic_kind: str = "line", magic_name: str | None = None) -> None:
        """Register a magic."""


def register(shell: Any) -> None:
    """Register `%orchestra` with a running IPython."""
    from orchestra_kit.magics.command import orchestra

    shell.register_magic_function(orchestra, magic_kind="line", magic_name="orchestra")
