"""Secrets of one tenant: files of its own folder, and process variables an operator has declared."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from orchestra_kit.errors import SecretError, nearest_hint

_REFERENCE = re.compile(r"secret:((?:[A-Za-z0-9][A-Za-z0-9._\-]*/)*[A-Za-z0-9][A-Za-z0-9._\-]*)\Z")
"""A name of parts between slashes; no part begins with a dot, so that none leads out of the tenant's folder."""


class LocalSecrets:
    """Resolves `secret:<name>` to `.orchestra/secrets/<tenant>/<name>`, else to a declared process variable."""

    def __init__(
        self,
        folder: Path,
        tenant_id: str,
        variables: Mapping[str, str],
        *,
        environ: Mapping[str, str] | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder / tenant_id
        self._variables = variables
        self._environ = os.environ if environ is None else environ
        self._given = dict(given or {})

    def resolve(self, reference: str) -> str:
        """Return the secret's value; raise SecretError naming the reference, never a value."""
        match = _REFERENCE.match(reference)
        if match is None:
            raise SecretError(f"'{reference}' is no secret reference; write secret:<name>.")
        name = match.group(1)
        if name in self._given:
            return self._given[name]
        file = self._folder / name
        try:
            if file.is_file():
                return file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SecretError(f"the file of the secret '{name}' cannot be read: {reason}.") from None
        variable = self._variables.get(name)
        if variable is not None:
            if variable in self._environ:
                return self._environ[variable]
            raise SecretError(f"the secret '{name}' is declared to come from {variable}, which is not set.")
        raise SecretError(
            f"there is no secret '{name}'.",
            hint=nearest_hint(name, self.names())
            or "Put it into a file of that name under .orchestra/secrets/<tenant>/.",
        )

    def names(self) -> list[str]:
        """Return the names that can be resolved."""
        try:
            files = [item for item in self._folder.rglob("*") if item.is_file()] if self._folder.is_dir() else []
        except OSError:
            files = []
        stored = [item.relative_to(self._folder).as_posix() for item in files]
        return sorted({*stored, *self._variables, *self._given})
