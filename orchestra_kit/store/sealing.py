"""Sealer by Fernet (AES-128-CBC with HMAC-SHA256) under a key that only workers hold.

The key is ORCHESTRA_WORKER_KEY (44 characters of URL-safe base64), else the file `.orchestra/worker.key`, made at first use and
readable by its owner alone. Several keys separated by commas: the first seals, all unseal, so that a key can be replaced.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from orchestra_kit.errors import SecretError

KEY_VARIABLE = "ORCHESTRA_WORKER_KEY"
KEY_FILE = "worker.key"


class FernetSealer:
    """Seals JSON values."""

    def __init__(self, keys: str) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",") if key.strip()])
        except ValueError as error:
            raise SecretError(
                "the worker key is not a Fernet key (44 characters of URL-safe base64).",
                hint=f"Check {KEY_VARIABLE} or {KEY_FILE}.",
            ) from error

    def seal(self, value: Any) -> str:
        """Return the value encrypted as text."""
        return self._fernet.encrypt(json.dumps(value, separators=(",", ":")).encode()).decode("ascii")

    def unseal(self, sealed: str) -> Any:
        """Return the value; raise SecretError when the key is another one."""
        try:
            return json.loads(self._fernet.decrypt(sealed.encode("ascii", "replace")))
        except InvalidToken:
            raise SecretError(
                "a sealed value cannot be read with this worker's key.",
                hint=f"Workers of one database share one key: {KEY_VARIABLE} or {KEY_FILE}.",
            ) from None


def open_sealer(directory: Path, environment: Mapping[str, str] = os.environ) -> FernetSealer:
    """Return the sealer of this installation; its key file is made in `directory` when there is no key yet."""
    return FernetSealer(environment.get(KEY_VARIABLE) or _kept_key(Path(directory) / KEY_FILE))


def _kept_key(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # written whole under another name first (0600 by mkstemp), then linked: of several processes one wins
        handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(Fernet.generate_key().decode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            Path(fresh).unlink()
    if path.stat().st_mode & 0o077:
        raise SecretError(f"the worker key {path} can be read by others.", hint=f"Run chmod 600 {path}.")
    return path.read_text(encoding="ascii").strip()
