"""Which places of an answer must never be shown: passwords, write-only values and issued tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from orchestra_kit.model import OperationSummary
from orchestra_kit.protocols.http.bundle import escape_pointer
from orchestra_kit.protocols.http.schemas import SCHEMA_PREFIX
from orchestra_kit.protocols.secrets import BLOTTED

_MAX_DEPTH = 12
_TOKEN_FIELDS = ("/access_token", "/refresh_token", "/id_token")


def find_sensitive(
    operations: Sequence[OperationSummary], components: dict[str, Any], document: dict[str, Any]
) -> list[tuple[str, ...]]:
    """Return, for each operation, pointers into its answers that hold `format: password` or `writeOnly` values, or the
    tokens of an OAuth2 token endpoint. `*` stands for every item of a list and every value of an open object."""
    search = _Search(components)
    token_paths = _token_paths(document)
    found: list[tuple[str, ...]] = []
    for operation in operations:
        pointers: set[str] = set()
        for media_types in operation.responses.values():
            for schema in media_types.values():
                pointers |= search.pointers(schema)
        if any(path.endswith(operation.path) for path in token_paths):
            pointers.update(_TOKEN_FIELDS)
        found.append(tuple(sorted(pointers)))
    return found


def blot_pointers(body: Any, pointers: Sequence[str]) -> Any:
    """Return the body with `***` in the places that `pointers` name."""
    for pointer in pointers:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        body = _blot(body, parts)
    return body


def _blot(node: Any, parts: list[str]) -> Any:
    if not parts:
        return BLOTTED if node is not None else None
    head, rest = parts[0], parts[1:]
    if isinstance(node, list) and head == "*":
        return [_blot(item, rest) for item in node]
    if isinstance(node, dict):
        return {name: _blot(part, rest) if head in ("*", name) else part for name, part in node.items()}
    return node


class _Search:
    def __init__(self, components: dict[str, Any]) -> None:
        self._components = components
        self._leading = _components_that_lead_there(components)

    def pointers(self, schema: Any) -> set[str]:
        found: set[str] = set()
        self._walk(schema, "", frozenset(), found)
        return found

    def _walk(self, schema: Any, pointer: str, entered: frozenset[str], found: set[str]) -> None:
        if not isinstance(schema, dict) or pointer.count("/") > _MAX_DEPTH:
            return
        if schema.get("format") == "password" or schema.get("writeOnly") is True:
            found.add(pointer)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = _name_of(reference)
            if name in self._leading and name not in entered:
                self._walk(self._components.get(name), pointer, entered | {name}, found)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(keyword) or ():
                self._walk(part, pointer, entered, found)
        for name, part in (schema.get("properties") or {}).items():
            self._walk(part, f"{pointer}/{escape_pointer(name)}", entered, found)
        for keyword in ("items", "additionalProperties"):
            self._walk(schema.get(keyword), f"{pointer}/*", entered, found)


def _components_that_lead_there(components: dict[str, Any]) -> set[str]:
    """Return the names of schemas that hold something sensitive, themselves or through others."""
    users: dict[str, set[str]] = {}
    leading: set[str] = set()
    for name, schema in components.items():
        stack = [schema]
        while stack:
            node = stack.pop()
            if isinstance(node, dict):
                if node.get("format") == "password" or node.get("writeOnly") is True:
                    leading.add(name)
                reference = node.get("$ref")
                if isinstance(reference, str):
                    users.setdefault(_name_of(reference), set()).add(name)
                stack.extend(node.values())
            elif isinstance(node, list):
                stack.extend(node)
    waiting = list(leading)
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user not in leading:
                leading.add(user)
                waiting.append(user)
    return leading


def _name_of(reference: str) -> str:
    return reference.removeprefix(SCHEMA_PREFIX).replace("~1", "/").replace("~0", "~")


def _token_paths(document: dict[str, Any]) -> list[str]:
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    paths: list[str] = []
    for scheme in schemes.values() if isinstance(schemes, dict) else ():
        flows = scheme.get("flows") if isinstance(scheme, dict) else None
        for flow in flows.values() if isinstance(flows, dict) else ():
            url = flow.get("tokenUrl") if isinstance(flow, dict) else None
            if isinstance(url, str):
                try:
                    paths.append(urlsplit(url).path)
                except ValueError:
                    continue
    return [path for path in paths if path.strip("/")]
