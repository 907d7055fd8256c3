"""OpenAPI 3.0 and 3.1 documents to an InterfaceSummary, with a named warning for all that is not as it should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestra_kit.errors import DefinitionError, Place
from orchestra_kit.model import InterfaceSummary, OperationSummary, SpecWarning
from orchestra_kit.protocols.http.bundle import Bundle
from orchestra_kit.protocols.http.conformity import find_breaches
from orchestra_kit.protocols.http.documents import load_document
from orchestra_kit.protocols.http.operations import OperationReader
from orchestra_kit.protocols.http.schemas import SchemaTranslator
from orchestra_kit.protocols.http.sensitive import find_sensitive

MAX_WARNINGS = 300


class OpenApiParser:
    """Reads OpenAPI documents. Pure: files of the bundle come through the `files` callback only."""

    def parse(self, text: str, *, source: str, files: Callable[[str], str] | None = None) -> InterfaceSummary:
        """Return operations, shared schemas and warnings; raise DefinitionError when this is no OpenAPI 3 document."""
        loaded = load_document(text, source=source)
        document = loaded.data
        version = _version_of(document, source)
        warnings = _Warnings()
        for name in loaded.doubled_names:
            warnings.add("NAME_DOUBLED", "", f"'{name}' stands twice in one object; the last one counts")
        if not version.startswith(("3.0", "3.1")):
            warnings.add("VERSION_UNKNOWN", "/openapi", f"OpenAPI {version} is read as 3.1")
        find_breaches(document, version, warnings.add)
        bundle = Bundle(document, files=files)
        schemas = SchemaTranslator(bundle, is_30=version.startswith("3.0"), warn=warnings.add)
        operations = list(OperationReader(bundle, schemas, warnings.add).read(document))
        for name in _mapping(_mapping(document.get("components")).get("schemas")):
            schemas.component(name)
        if not operations:
            warnings.add("NO_OPERATIONS", "/paths", "the document offers no operation")
        information = _mapping(document.get("info"))
        return InterfaceSummary(
            title=str(information.get("title") or ""),
            api_version=str(information.get("version") or ""),
            dialect=f"openapi {version}",
            servers=_servers(document.get("servers")),
            operations=tuple(_with_sensitive(operations, schemas.components, document)),
            components={"schemas": schemas.components},
            warnings=warnings.all(),
        )


class _Warnings:
    """Warnings in order of discovery, each once, with a closing count when there are too many."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], SpecWarning] = {}
        self._left_out = 0

    def add(self, code: str, where: str, message: str) -> None:
        key = (code, where, message)
        if key in self._found:
            return
        if len(self._found) >= MAX_WARNINGS:
            self._left_out += 1
            return
        self._found[key] = SpecWarning(code=code, where=where, message=message)

    def all(self) -> tuple[SpecWarning, ...]:
        found = tuple(self._found.values())
        if self._left_out:
            more = SpecWarning(code="MORE_WARNINGS", where="", message=f"{self._left_out} more warnings are not shown")
            found = (*found, more)
        return found


def _version_of(document: Any, source: str) -> str:
    if not isinstance(document, dict):
        raise DefinitionError("not an OpenAPI document: it is not an object.", place=Place(file=source))
    if "swagger" in document:
        raise DefinitionError(
            f"this is a Swagger {document['swagger']} document; OpenAPI 3.0 or 3.1 is needed.",
            place=Place(file=source, field="swagger"),
            hint="Convert it first, for example with swagger2openapi.",
        )
    version = str(document.get("openapi") or "")
    if not version:
        other = next((name for name in ("asyncapi", "arazzo") if name in document), None)
        found = f"it is an {other} document" if other else "it has no 'openapi' version"
        raise DefinitionError(f"not an OpenAPI document: {found}.", place=Place(file=source, field="openapi"))
    if not version.startswith("3."):
        raise DefinitionError(
            f"OpenAPI version '{version}' is not supported; 3.0 or 3.1 is needed.",
            place=Place(file=source, field="openapi"),
        )
    return version


def _with_sensitive(
    operations: list[OperationSummary], components: dict[str, Any], document: dict[str, Any]
) -> list[OperationSummary]:
    """Return the operations with the pointers of what must not be shown."""
    found = find_sensitive(operations, components, document)
    return [
        one.model_copy(update={"sensitive_response_pointers": pointers}) if pointers else one
        for one, pointers in zip(operations, found, strict=True)
    ]


def _servers(node: Any) -> tuple[str, ...]:
    urls: list[str] = []
    for server in node if isinstance(node, list) else []:
        if not isinstance(server, dict) or not isinstance(server.get("url"), str):
            continue
        url = server["url"]
        for name, variable in _mapping(server.get("variables")).items():
            if isinstance(variable, dict) and "default" in variable:
                url = url.replace("{" + name + "}", str(variable["default"]))
        urls.append(url)
    return tuple(urls)


def _mapping(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}
