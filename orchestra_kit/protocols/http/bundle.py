"""References of a document, followed inside the document and the files of its own bundle only."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from orchestra_kit.errors import DefinitionError, OrchestraError
from orchestra_kit.protocols.http.documents import MAX_DOCUMENT_BYTES, load_document

MAX_BUNDLE_FILES = 500
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_MAX_HOPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a reference leads: a file of the bundle (empty for the document itself), a pointer in it, and what is there."""

    file: str
    pointer: str
    node: Any


class ReferenceProblem(Exception):
    """A reference that leads nowhere or must not be followed; `code` and `message` make the warning."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Bundle:
    """A document and the files it may refer to, each read once."""

    def __init__(self, root: Any, *, files: Callable[[str], str] | None) -> None:
        self._documents: dict[str, Any] = {"": root}
        self._unreadable: dict[str, str] = {}
        self._files = files
        self._size = 0

    def follow(self, reference: str, *, base: str) -> Target:
        """Return what `reference` in file `base` leads to, through references to references; raise ReferenceProblem."""
        file, pointer = base, reference
        for _ in range(_MAX_HOPS):
            target = self._follow_once(pointer, base=file)
            node = target.node
            # A path item or schema may have siblings beside its $ref; only a bare one is a mere signpost.
            if not (isinstance(node, dict) and isinstance(node.get("$ref"), str) and len(node) == 1):
                return target
            file, pointer = target.file, node["$ref"]
        raise ReferenceProblem("REF_CYCLE", f"reference '{reference}' leads back to itself")

    def _follow_once(self, reference: str, *, base: str) -> Target:
        location, _, fragment = reference.partition("#")
        file = self._locate(location, reference, base) if location else base
        document = self._open(file, reference)
        pointer = unquote(fragment)
        if pointer and not pointer.startswith("/"):
            raise ReferenceProblem("REF_UNRESOLVED", f"reference '{reference}' names an anchor, which is not supported")
        return Target(file=file, pointer=pointer, node=_walk(document, pointer, reference))

    def _locate(self, location: str, reference: str, base: str) -> str:
        path = unquote(location)
        if _SCHEME.match(path) or path.startswith(("//", "\\\\")):
            raise ReferenceProblem(
                "REF_FORBIDDEN", f"reference '{reference}' leaves the document's own bundle and is not followed"
            )
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(base), path.replace("\\", "/")))
        if joined.startswith(("/", "../")) or joined in ("..", ".") or "\0" in joined:
            raise ReferenceProblem(
                "REF_FORBIDDEN", f"reference '{reference}' leads out of the document's own folder and is not followed"
            )
        return joined

    def _open(self, file: str, reference: str) -> Any:
        if file in self._documents:
            return self._documents[file]
        if file not in self._unreadable:
            try:
                self._documents[file] = self._read(file)
                return self._documents[file]
            except OrchestraError as exc:
                self._unreadable[file] = exc.message.rstrip(".")
        raise ReferenceProblem(
            "REF_FILE_MISSING", f"reference '{reference}' needs the file '{file}': {self._unreadable[file]}"
        )

    def _read(self, file: str) -> Any:
        if self._files is None:
            raise DefinitionError("no other file of the bundle was given.")
        if len(self._documents) > MAX_BUNDLE_FILES:
            raise ReferenceProblem("REF_LIMIT", f"the bundle has more than {MAX_BUNDLE_FILES} files")
        try:
            text = self._files(file)
        except (OSError, KeyError, ValueError) as exc:
            raise DefinitionError("it is not there or cannot be read.") from exc
        self._size += len(text)
        if self._size > MAX_DOCUMENT_BYTES:
            raise ReferenceProblem("REF_LIMIT", f"the files of the bundle exceed {MAX_DOCUMENT_BYTES:,} characters")
        return load_document(text, source=file).data


def _walk(document: Any, pointer: str, reference: str) -> Any:
    node = document
    for raw in pointer.split("/")[1:]:
        name = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(node):
            node = node[int(name[:9])]
        else:
            raise ReferenceProblem("REF_UNRESOLVED", f"reference '{reference}' leads nowhere: there is no '{name}'")
    return node


def files_beside(path: Path) -> Callable[[str], str]:
    """Return a reader of the files in the folder of `path` and below; symbolic links out of it are refused."""
    folder = path.resolve().parent

    def read(relative: str) -> str:
        wanted = (folder / relative).resolve()
        if not wanted.is_relative_to(folder):
            raise DefinitionError("it is outside the document's own folder.")
        if not wanted.is_file():
            raise DefinitionError("there is no such file beside the document.")
        if wanted.stat().st_size > MAX_DOCUMENT_BYTES:
            raise DefinitionError("it is too large.")
        return wanted.read_text(encoding="utf-8-sig", errors="replace")

    return read


def escape_pointer(name: str) -> str:
    """Return a name as one segment of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
