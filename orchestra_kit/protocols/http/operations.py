"""Operations of an OpenAPI document: parameters, bodies and answers, each with the warnings its reading gave."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.model import OperationSummary, ParameterSummary
from orchestra_kit.protocols.http.bundle import Bundle, ReferenceProblem, Target, escape_pointer
from orchestra_kit.protocols.http.schemas import SchemaTranslator

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_LOCATIONS = ("path", "query", "header", "cookie")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|XX)\Z")
_TEMPLATE_NAME = re.compile(r"\{([^{}]*)\}")
_MAX_TEXT = 2000


@dataclass(slots=True)
class OperationReader:
    """Reads the operations of one bundle in document order."""

    bundle: Bundle
    schemas: SchemaTranslator
    warn: Callable[[str, str, str], None]
    _names: dict[str, str] = field(default_factory=dict)

    def read(self, document: dict[str, Any]) -> Iterator[OperationSummary]:
        """Yield every operation under `paths`."""
        paths = document.get("paths")
        if paths is None:
            return
        if not isinstance(paths, dict):
            self.warn("PATHS_INVALID", "/paths", "'paths' must be an object; no operation can be read")
            return
        for path, item in paths.items():
            if path.startswith("x-"):
                continue
            where = f"/paths/{escape_pointer(path)}"
            if not path.startswith("/"):
                self.warn("PATH_INVALID", where, f"path '{path}' does not begin with a slash; read as '/{path}'")
            yield from self._path(f"/{path.removeprefix('/')}", item, where)

    def _path(self, path: str, item: Any, where: str) -> Iterator[OperationSummary]:
        target = self._resolve(item, "", where, "path item")
        if target is None:
            return
        node = target.node
        if isinstance(node.get("$ref"), str):  # siblings beside the reference win over what it leads to
            beyond = self._resolve({"$ref": node["$ref"]}, target.file, where, "path item")
            if beyond is not None:
                own = {name: value for name, value in node.items() if name != "$ref"}
                target = Target(file=beyond.file, pointer=beyond.pointer, node={**beyond.node, **own})
                node = target.node
        shared = self._parameters(node.get("parameters"), target.file, f"{where}/parameters")
        for method in METHODS:
            if method in node:
                operation = self._operation(path, method, node[method], target.file, f"{where}/{method}", shared)
                if operation is not None:
                    yield operation

    def _operation(
        self, path: str, method: str, node: Any, base: str, where: str, shared: dict[tuple[str, str], ParameterSummary]
    ) -> OperationSummary | None:
        if not isinstance(node, dict):
            self.warn("OPERATION_INVALID", where, "an operation must be an object; it is left out")
            return None
        own = self._parameters(node.get("parameters"), base, f"{where}/parameters")
        parameters = self._path_parameters(path, {**shared, **own}, where)
        body, body_required = self._request_body(node.get("requestBody"), base, f"{where}/requestBody")
        responses, headers = self._responses(node.get("responses"), base, f"{where}/responses")
        tags = node.get("tags")
        return OperationSummary(
            endpoint_name=self._name(node.get("operationId"), method, path, where),
            method=method.upper(),
            path=path,
            summary=_text(node.get("summary")),
            description=_text(node.get("description")),
            tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
            parameters=parameters,
            request_body=body,
            request_body_required=body_required,
            responses=responses,
            response_headers=headers,
            deprecated=node.get("deprecated") is True,
        )

    def _name(self, operation_id: Any, method: str, path: str, where: str) -> str:
        plain = f"{method.upper()} {path}"
        if operation_id is not None and not (isinstance(operation_id, str) and operation_id.strip()):
            self.warn("OPERATION_ID_INVALID", f"{where}/operationId", "an operationId must be text; it is ignored")
            operation_id = None
        wished = operation_id.strip() if operation_id else plain
        name, count = wished, 1
        while name in self._names:
            count += 1
            name = plain if count == 2 and plain not in self._names else f"{wished}_{count}"
        if name != wished:
            self.warn(
                "OPERATION_ID_DOUBLED",
                f"{where}/operationId",
                f"operationId '{wished}' is also that of {self._names[wished]}; this operation is called '{name}'",
            )
        self._names[name] = plain
        return name

    def _path_parameters(
        self, path: str, parameters: dict[tuple[str, str], ParameterSummary], where: str
    ) -> tuple[ParameterSummary, ...]:
        named = list(dict.fromkeys(_TEMPLATE_NAME.findall(path)))
        declared = {name for location, name in parameters if location == "path"}
        for name in sorted(declared - set(named)):
            self.warn("PATH_PARAMETER_UNUSED", where, f"path parameter '{name}' does not stand in '{path}'; left out")
            del parameters["path", name]
        for name in named:
            if name not in declared:
                self.warn(
                    "PATH_PARAMETER_UNDECLARED",
                    where,
                    f"'{{{name}}}' in '{path}' is not declared; any text is accepted",
                )
                parameters["path", name] = ParameterSummary(
                    name=name, location="path", required=True, json_schema={"type": "string"}
                )
        return tuple(parameters.values())

    def _parameters(self, items: Any, base: str, where: str) -> dict[tuple[str, str], ParameterSummary]:
        if items is None:
            return {}
        if not isinstance(items, list):
            self.warn("PARAMETER_INVALID", where, "'parameters' must be a list; it is ignored")
            return {}
        found: dict[tuple[str, str], ParameterSummary] = {}
        for index, item in enumerate(items):
            target = self._resolve(item, base, f"{where}/{index}", "parameter")
            parameter = self._parameter(target, f"{where}/{index}") if target else None
            if parameter is None:
                continue
            if (parameter.location, parameter.name) in found:
                self.warn("PARAMETER_DOUBLED", f"{where}/{index}", f"parameter '{parameter.name}' is declared twice")
            found[parameter.location, parameter.name] = parameter
        return found

    def _parameter(self, target: Target, where: str) -> ParameterSummary | None:
        node = target.node
        name, location = node.get("name"), node.get("in")
        if not isinstance(name, str) or not name or location not in _LOCATIONS:
            self.warn("PARAMETER_INVALID", where, "a parameter needs a name and a known 'in'; it is left out")
            return None
        required = node.get("required") is True
        if location == "path" and not required:
            self.warn("PARAMETER_INVALID", where, f"path parameter '{name}' must be required; read as required")
        schema, content = node.get("schema"), node.get("content")
        if schema is None and isinstance(content, dict) and content:
            media = next(iter(content.values()))
            schema = media.get("schema") if isinstance(media, dict) else None
        style, explode = node.get("style"), node.get("explode")
        return ParameterSummary(
            name=name,
            location=location,
            required=required or location == "path",
            json_schema={} if schema is None else self._schema(schema, target.file, f"{where}/schema"),
            style=style if isinstance(style, str) else None,
            explode=explode if isinstance(explode, bool) else None,
        )

    def _request_body(self, node: Any, base: str, where: str) -> tuple[dict[str, Any], bool]:
        if node is None:
            return {}, False
        target = self._resolve(node, base, where, "request body")
        if target is None:
            return {}, False
        content = self._content(target.node.get("content"), target.file, f"{where}/content")
        if not content:
            self.warn("REQUEST_BODY_INVALID", where, "a request body needs at least one media type")
        return content, target.node.get("required") is True

    def _responses(self, node: Any, base: str, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if not isinstance(node, dict) or not node:
            self.warn("RESPONSES_MISSING", where, "the operation declares no response; any answer is accepted")
            return {}, {}
        contents: dict[str, Any] = {}
        headers: dict[str, Any] = {}
        for status, item in node.items():
            place = f"{where}/{escape_pointer(status)}"
            if status.startswith("x-"):
                continue
            known = status.upper() if status.lower() != "default" else "default"
            if known != "default" and not _STATUS.match(known):
                self.warn("STATUS_INVALID", place, f"'{status}' is not a status code; it is left out")
                continue
            contents[known] = {}
            target = self._resolve(item, base, place, "response")
            if target is None:
                continue
            contents[known] = self._content(target.node.get("content"), target.file, f"{place}/content")
            declared = self._headers(target.node.get("headers"), target.file, f"{place}/headers")
            if declared:
                headers[known] = declared
        return contents, headers

    def _content(self, node: Any, base: str, where: str) -> dict[str, Any]:
        if node is None:
            return {}
        if not isinstance(node, dict):
            self.warn("CONTENT_INVALID", where, "'content' must map media types; it is ignored")
            return {}
        found: dict[str, Any] = {}
        for media_type, media in node.items():
            place = f"{where}/{escape_pointer(media_type)}"
            schema = media.get("schema") if isinstance(media, dict) else None
            found[media_type.strip().lower()] = {} if schema is None else self._schema(schema, base, f"{place}/schema")
        return found

    def _headers(self, node: Any, base: str, where: str) -> dict[str, Any]:
        if not isinstance(node, dict):
            return {}
        found: dict[str, Any] = {}
        for name, item in node.items():
            place = f"{where}/{escape_pointer(name)}"
            target = self._resolve(item, base, place, "header")
            if target is None or name.lower() == "content-type":
                continue
            schema = target.node.get("schema")
            found[name] = {
                "required": target.node.get("required") is True,
                "schema": {} if schema is None else self._schema(schema, target.file, f"{place}/schema"),
            }
        return found

    def _schema(self, schema: Any, base: str, where: str) -> dict[str, Any]:
        return self.schemas.translate(schema, base=base, where=where)

    def _resolve(self, node: Any, base: str, where: str, what: str) -> Target | None:
        """Return what `node` is or refers to; None, with a warning, when that is nothing usable."""
        target = Target(file=base, pointer="", node=node)
        if isinstance(node, dict) and isinstance(node.get("$ref"), str) and (what != "path item" or len(node) == 1):
            try:
                target = self.bundle.follow(node["$ref"], base=base)
            except ReferenceProblem as problem:
                self.warn(problem.code, f"{where}/$ref", f"{problem.message}; this {what} is left out")
                return None
        if not isinstance(target.node, dict):
            self.warn(f"{what.upper().replace(' ', '_')}_INVALID", where, f"a {what} must be an object; it is left out")
            return None
        return target


def _text(value: Any) -> str:
    return value.strip()[:_MAX_TEXT] if isinstance(value, str) else ""
