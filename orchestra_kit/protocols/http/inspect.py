"""What `orchestra spec inspect` shows of one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestra_kit.errors import LimitError, OrchestraError
from orchestra_kit.model import ChannelType
from orchestra_kit.protocols.http.bundle import files_beside
from orchestra_kit.protocols.http.spec_parser import OpenApiParser


def inspect_spec(path: str | Path) -> dict[str, Any]:
    """Return the JSON of `orchestra spec inspect FILE` (without a database). Never raises on content."""
    file = Path(path)
    shown: dict[str, Any] = {"file": str(path), "ok": False, "protocol": None, "operations": [], "warnings": []}
    try:
        text = file.read_bytes().decode("utf-8-sig", errors="replace")
        summary = OpenApiParser().parse(text, source=str(path), files=files_beside(file))
    except OSError as exc:
        shown["warnings"] = [_warning("FILE_UNREADABLE", "", exc.strerror or "the file cannot be read")]
        return shown
    except OrchestraError as exc:
        where = f"line {exc.place.line}" if exc.place and exc.place.line else (exc.place and exc.place.field) or ""
        message = f"{exc.message} {exc.hint}" if exc.hint else exc.message
        shown["warnings"] = [
            _warning("DOCUMENT_TOO_LARGE" if isinstance(exc, LimitError) else "DOCUMENT_INVALID", where, message)
        ]
        return shown
    shown["ok"] = bool(summary.operations)
    shown["protocol"] = ChannelType.HTTP_REST.value
    shown["operations"] = [
        {"endpointName": one.endpoint_name, "method": one.method, "path": one.path, "summary": one.summary}
        for one in summary.operations
    ]
    shown["warnings"] = [_warning(one.code, one.where, one.message) for one in summary.warnings]
    return shown


def _warning(code: str, where: str, message: str) -> dict[str, str]:
    return {"code": code, "where": where, "message": message}
