"""What a step sends: parameters and request body as an input template."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from orchestra_kit.design.arazzo.cel import Unsaid, escape_text
from orchestra_kit.design.arazzo.document import Parameter, Replacement, RequestBody
from orchestra_kit.design.arazzo.jsonpath import jsonpath_value
from orchestra_kit.design.arazzo.runtime import Part, Runtime, parse_pointer, parse_runtime, split_embedded
from orchestra_kit.design.arazzo.scope import Scope, is_selector
from orchestra_kit.design.documents import FieldPath

Refuse = Callable[[FieldPath, Unsaid], None]

_GROUPS = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies"}
_LEFT_OUT = object()
_PATH_STEP = re.compile(r'\.([A-Za-z_]\w*)|\[(\d+)\]|\["([^"\\]*)"\]')
_MARK = re.compile("\ue000(\\d+)\ue001")


class RequestReader:
    """Builds the input template of one step; what cannot be said is handed to `refuse` and left out."""

    def __init__(self, scope: Scope, refuse: Refuse) -> None:
        self._scope, self._refuse = scope, refuse

    def read(
        self, parameters: Iterable[Parameter], body: RequestBody | None, *, path_names: frozenset[str]
    ) -> dict[str, Any]:
        """Return {path, query, headers, cookies, body, contentType} with what there is of them."""
        found: dict[str, Any] = {}
        for parameter in parameters:
            self._add(parameter, found, path_names)
        if body is not None:
            if body.content_type is not None:
                found["contentType"] = self.convert(body.content_type, (*body.path, "contentType"))
            payload = self._payload(body)
            if payload is not _LEFT_OUT and payload is not None:
                found["body"] = payload
        return {name: value for name, value in found.items() if value is not _LEFT_OUT}

    def _add(self, parameter: Parameter, found: dict[str, Any], path_names: frozenset[str]) -> None:
        location, path = parameter.location, (*parameter.path, "value")
        if location == "querystring":
            self._add_query_string(parameter, found)
            return
        if location == "body":
            self._scope.note(
                "UNKNOWN_VALUE", (*parameter.path, "in"), "a body belongs into requestBody; it is sent as one."
            )
            value = self.convert(parameter.value, path)
            if value is _LEFT_OUT:
                return
            known = found.setdefault("body", {})
            if parameter.name.lower() in ("body", "payload", "requestbody"):
                found["body"] = value
            elif isinstance(known, dict):
                known[parameter.name] = value
            return
        if location is None:
            location = "path" if parameter.name in path_names else "query"
            message = f"the parameter '{parameter.name[:80]}' does not say where it stands; {location} is taken."
            self._scope.note("PARAMETER_WITHOUT_IN", parameter.path, message)
        group = _GROUPS.get(location)
        if group is None:
            message = f"a parameter cannot stand in '{location[:40]}'."
            self._refuse(parameter.path, Unsaid(f"'{parameter.name[:80]}': {message}", code="UNKNOWN_VALUE"))
            return
        value = self.convert(parameter.value, path)
        if value is not _LEFT_OUT:
            found.setdefault(group, {})[parameter.name] = value

    def _add_query_string(self, parameter: Parameter, found: dict[str, Any]) -> None:
        """Take a whole query string apart into its names and values."""
        path = (*parameter.path, "value")
        fields = self._form_fields(parameter.value, path) if isinstance(parameter.value, str) else None
        if fields is None:
            self._refuse(path, Unsaid(f"the query string '{parameter.name[:80]}' is no list of names and values."))
            return
        found.setdefault("query", {}).update(fields)

    def _form_fields(self, text: str, path: FieldPath) -> dict[str, Any] | None:
        """Return the fields of `a=1&b={$inputs.b}`, None for a text that is none."""
        marked, holes = _marked(text)
        fields: dict[str, Any] = {}
        for pair in marked.split("&"):
            name, sign, value = pair.partition("=")
            if not sign or not name or _MARK.search(name):
                return None
            filled = self._filled(unquote_plus(value), holes, path)
            if filled is _LEFT_OUT:
                continue
            known = unquote_plus(name)
            fields[known] = [*_as_list(fields[known]), filled] if known in fields else filled
        return fields

    def _payload(self, body: RequestBody) -> Any:
        path = (*body.path, "payload")
        bare = (body.content_type or "").partition(";")[0].strip().lower()
        is_json = not bare or bare == "application/json" or bare.endswith("+json")
        payload = body.payload
        if isinstance(payload, str) and parse_runtime(payload.strip()) is None:
            if is_json:
                payload = self._json_text(payload, path, declared=bool(bare))
            elif bare == "application/x-www-form-urlencoded" and "=" in payload:
                fields = self._form_fields(payload.strip(), path)
                payload = self.convert(payload, path) if fields is None else fields
            else:
                payload = self.convert(payload, path)
        else:
            payload = self.convert(payload, path)
        for replacement in body.replacements:
            payload = self._replace(payload, replacement, is_xml="xml" in bare)
        return payload

    def _json_text(self, text: str, path: FieldPath, *, declared: bool) -> Any:
        """Return a payload written as JSON text, with expressions in it, as data."""
        if not declared and text.lstrip()[:1] not in ("{", "["):
            return self.convert(text, path)
        marked, holes = _marked(text)
        try:
            data = json.loads(_outside_quotes_quoted(marked))
        except (ValueError, RecursionError):
            if declared and text.lstrip()[:1] in ("{", "["):
                self._scope.note("PAYLOAD", path, "the payload is meant as JSON but is none; it is sent as a text.")
            return self.convert(text, path)
        return self._filled(data, holes, path)

    def _filled(self, data: Any, holes: list[Runtime], path: FieldPath) -> Any:
        """Return data in which marks stand for expressions as an input template."""
        if isinstance(data, dict):
            filled = {escape_text(name): self._filled(item, holes, path) for name, item in data.items()}
            return {name: item for name, item in filled.items() if item is not _LEFT_OUT}
        if isinstance(data, list):
            return [None if item is _LEFT_OUT else item for item in (self._filled(one, holes, path) for one in data)]
        if not isinstance(data, str):
            return data
        text = _MARK.sub(lambda match: "{" + holes[int(match[1])].text + "}", data)
        return self.convert(text, path)

    def convert(self, value: Any, path: FieldPath, depth: int = 0) -> Any:
        """Return a value of the document as a template; parts that cannot be said are refused and left out."""
        try:
            if isinstance(value, str):
                return self._scope.template(value, path)
            if is_selector(value):
                return "{{ " + self._scope.value_cel(value, path) + " }}"
        except Unsaid as unsaid:
            self._refuse(path, unsaid)
            return _LEFT_OUT
        if isinstance(value, Mapping):
            slip = self._scope.slipped_expression(value, path)
            if slip is not None:
                return self.convert(slip, path, depth + 1)
            items = {escape_text(name): self.convert(item, (*path, name), depth + 1) for name, item in value.items()}
            return {name: item for name, item in items.items() if item is not _LEFT_OUT}
        if isinstance(value, (list, tuple)):
            found = [self.convert(item, (*path, number), depth + 1) for number, item in enumerate(value)]
            return [None if item is _LEFT_OUT else item for item in found]
        return value

    def _replace(self, payload: Any, replacement: Replacement, *, is_xml: bool) -> Any:
        """Return a payload with a value put at a place of it."""
        value = self.convert(replacement.value, (*replacement.path, "value"))
        if value is _LEFT_OUT:
            return payload
        try:
            parts = _place_of(replacement, is_xml=is_xml)
            return _placed({} if payload in (None, _LEFT_OUT) else payload, parts, value)
        except Unsaid as unsaid:
            self._refuse(replacement.path, unsaid)
            return payload


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _marked(text: str) -> tuple[str, list[Runtime]]:
    """Return a text with a mark in place of each expression in braces, and the expressions."""
    holes: list[Runtime] = []
    marked = ""
    for part in split_embedded(_MARK.sub("", text)):
        if isinstance(part, str):
            marked += part
        else:
            marked += f"\ue000{len(holes)}\ue001"
            holes.append(part)
    return marked, holes


def _outside_quotes_quoted(text: str) -> str:
    """Return a JSON text in which marks that stand outside of texts are texts themselves."""
    result, inside, position = "", False, 0
    while position < len(text):
        char = text[position]
        if inside and char == "\\":
            result += text[position : position + 2]
            position += 2
            continue
        mark = None if inside else _MARK.match(text, position)
        if mark is not None:
            result += f'"{mark.group()}"'
            position = mark.end()
            continue
        inside ^= char == '"'
        result += char
        position += 1
    return result


def _place_of(replacement: Replacement, *, is_xml: bool) -> list[Part]:
    target, kind = replacement.target.strip(), replacement.selector
    if kind == "xpath" or (kind is None and is_xml):
        raise Unsaid(f"the XPath target '{target[:120]}' has no counterpart.", code="XPATH")
    if kind == "jsonpath" or (kind is None and target.startswith("$")):
        text = jsonpath_value(target, "_").removeprefix("_")
        return [int(match[2]) if match[2] else match[1] or match[3] for match in _PATH_STEP.finditer(text)]
    return list(parse_pointer(target.removeprefix("#")))


def _placed(payload: Any, parts: list[Part], value: Any) -> Any:
    if not parts:
        return value
    first, rest = parts[0], parts[1:]
    if isinstance(payload, Mapping):
        name = str(first)
        return {**payload, name: _placed(payload.get(name, {}), rest, value)}
    if isinstance(payload, list) and (first == "-" or (isinstance(first, int) and first <= len(payload))):
        position = len(payload) if first == "-" else int(first)
        known = payload[position] if position < len(payload) else {}
        return [*payload[:position], _placed(known, rest, value), *payload[position + 1 :]]
    raise Unsaid(f"there is no place '{first}' in the payload to put a value.", code="REPLACEMENT")
