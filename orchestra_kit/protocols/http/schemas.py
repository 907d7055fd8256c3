"""Schemas of OpenAPI 3.0 and 3.1 to JSON Schema 2020-12, with every reference led into `components/schemas`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from orchestra_kit.protocols.http.bundle import Bundle, ReferenceProblem, Target, escape_pointer

SCHEMA_PREFIX = "#/components/schemas/"
Warn = Callable[[str, str, str], None]

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_NUMBERS = frozenset({"minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"})
_COUNTS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
)
_FLAGS = frozenset({"uniqueItems", "readOnly", "writeOnly", "deprecated"})
_TEXTS = frozenset({"format", "title"})
_ONE_SCHEMA = frozenset(
    {
        "items",
        "additionalProperties",
        "not",
        "if",
        "then",
        "else",
        "contains",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_MANY_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_ONLY_31 = frozenset({"const", "dependentRequired"})
_UNSUPPORTED = frozenset({"$dynamicRef", "$recursiveRef", "$id", "$schema"})
# What the standard allows as a component's name; anything else would need escaping in every reference to it.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_FAMILIAR_TYPES = {"int": "integer", "float": "number", "double": "number", "bool": "boolean", "str": "string"}


class SchemaTranslator:
    """Translates the schemas of one bundle; `components` fills with everything they refer to."""

    def __init__(self, bundle: Bundle, *, is_30: bool, warn: Warn) -> None:
        self._bundle = bundle
        self._is_30 = is_30
        self._warn = warn
        self._names: dict[tuple[str, str], str] = {}
        self._waiting: list[tuple[str, Target]] = []
        self._patterns: dict[str, bool] = {}
        self.components: dict[str, Any] = {}

    def translate(self, schema: Any, *, base: str, where: str) -> dict[str, Any]:
        """Return `schema` of file `base` as JSON Schema; what it refers to is in `components` afterwards."""
        translated = self._schema(schema, base, where)
        while self._waiting:
            name, target = self._waiting.pop()
            place = f"{target.file}#{target.pointer}" if target.file else target.pointer
            self.components[name] = self._schema(target.node, target.file, place)
        return translated if isinstance(translated, dict) else ({} if translated else {"not": {}})

    def component(self, name: str) -> None:
        """Take a named schema of the document in, whether or not anything refers to it."""
        self.translate({"$ref": SCHEMA_PREFIX + quote(escape_pointer(name))}, base="", where=SCHEMA_PREFIX[1:] + name)

    def _schema(self, schema: Any, base: str, where: str) -> Any:
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            self._warn("SCHEMA_INVALID", where, f"a schema must be an object, found {_kind(schema)}; it is ignored")
            return {}
        translated: dict[str, Any] = {}
        for keyword, value in schema.items():
            self._keyword(keyword, value, translated, base, where)
        if self._is_30:
            _exclusive_limits(schema, translated)
            if schema.get("nullable") is True and "type" in translated:
                kinds = translated["type"] if isinstance(translated["type"], list) else [translated["type"]]
                translated["type"] = list(dict.fromkeys([*kinds, "null"]))
        if "default" in translated and not _may_be(translated["default"], translated):
            shown = f"{translated['default']!r:.80}"
            self._warn("DEFAULT_INVALID", f"{where}/default", f"default {shown} does not satisfy its own schema")
        return translated

    def _keyword(self, keyword: str, value: Any, into: dict[str, Any], base: str, where: str) -> None:
        place = f"{where}/{escape_pointer(keyword)}"
        if keyword == "$ref":
            self._reference(value, into, base, place)
        elif keyword in _ONE_SCHEMA:
            into[keyword] = self._schema(value, base, place)
        elif keyword in _MANY_SCHEMAS:
            self._alternatives(keyword, value, into, base, place)
        elif keyword in _NAMED_SCHEMAS:
            self._named(keyword, value, into, base, place)
        elif keyword in _UNSUPPORTED and not self._is_30:
            self._warn("SCHEMA_KEYWORD_UNSUPPORTED", place, f"'{keyword}' is not supported and is ignored")
        elif keyword == "default" or (keyword in _ONLY_31 and not self._is_30):
            into[keyword] = value
        elif keyword == "discriminator":
            self._discriminator(value, into, base, place)
        elif keyword == "examples" and not isinstance(value, list):
            self._warn("SCHEMA_KEYWORD_INVALID", place, "'examples' must be a list; it is ignored")
        else:
            self._plain(keyword, value, into, place)

    def _plain(self, keyword: str, value: Any, into: dict[str, Any], place: str) -> None:
        checked: Any
        if keyword == "type":
            checked = self._types(value, place)
        elif keyword == "enum":
            checked = value if isinstance(value, list) and value else None
        elif keyword == "required":
            checked = list(dict.fromkeys(value)) if _is_texts(value) else None
        elif keyword == "pattern":
            checked = value if isinstance(value, str) and self._compiles(value) else None
        elif keyword in _NUMBERS:
            if self._is_30 and isinstance(value, bool):
                return
            checked = _number(value)
            checked = None if keyword == "multipleOf" and checked is not None and checked <= 0 else checked
        elif keyword in _COUNTS:
            checked = _count(value)
        elif keyword in _FLAGS:
            checked = value if isinstance(value, bool) else None
        elif keyword in _TEXTS:
            checked = value if isinstance(value, str) else None
        else:
            return
        if checked is None:
            if keyword != "title":
                shown = f"{value!r:.80}"
                self._warn("SCHEMA_KEYWORD_INVALID", place, f"{shown} is not a usable '{keyword}'; it is ignored")
            return
        into[keyword] = checked

    def _types(self, value: Any, place: str) -> Any:
        found = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
        known = [_FAMILIAR_TYPES.get(item.lower(), item.lower()) for item in found]
        known = [item for item in dict.fromkeys(known) if item in _TYPES]
        if not known:
            return None
        if known != found and not (isinstance(value, str) and [value] == known):
            self._warn("SCHEMA_KEYWORD_INVALID", place, f"{value!r:.80} is not a type; read as {' or '.join(known)}")
        return known if isinstance(value, list) else known[0]

    def _compiles(self, pattern: str) -> bool:
        if pattern not in self._patterns:
            import jsonschema_rs

            try:
                jsonschema_rs.Draft202012Validator({"pattern": pattern})
                self._patterns[pattern] = True
            except ValueError:
                self._patterns[pattern] = False
        return self._patterns[pattern]

    def _reference(self, value: Any, into: dict[str, Any], base: str, place: str) -> None:
        if not isinstance(value, str):
            self._warn("SCHEMA_KEYWORD_INVALID", place, "a $ref must be text; it is ignored")
            return
        try:
            into["$ref"] = self._name(self._bundle.follow(value, base=base))
        except ReferenceProblem as problem:
            self._warn(problem.code, place, f"{problem.message}; anything is accepted in its place")

    def _name(self, target: Target) -> str:
        key = (target.file, target.pointer)
        if key not in self._names:
            self._names[key] = self._new_name(target)
            self._waiting.append((self._names[key], target))
            self.components[self._names[key]] = {}
        return SCHEMA_PREFIX + escape_pointer(self._names[key])

    def _new_name(self, target: Target) -> str:
        last = target.pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
        named = not target.file and target.pointer.count("/") == 3 and target.pointer.startswith(SCHEMA_PREFIX[1:])
        if named and _PLAIN_NAME.match(last):
            return last
        stem = target.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        wished = re.sub(r"[^A-Za-z0-9._-]+", "_", last or stem or "Schema").strip("_") or "Schema"
        own = self._bundle.follow("", base="").node
        taken = {*self.components, *_named_schemas(own)}
        name, count = wished, 1
        while name in taken:
            count += 1
            name = f"{wished}_{count}"
        return name

    def _alternatives(self, keyword: str, value: Any, into: dict[str, Any], base: str, place: str) -> None:
        if not isinstance(value, list) or not value:
            self._warn("SCHEMA_KEYWORD_INVALID", place, f"'{keyword}' must be a list of schemas; it is ignored")
            return
        into[keyword] = [self._schema(item, base, f"{place}/{index}") for index, item in enumerate(value)]

    def _named(self, keyword: str, value: Any, into: dict[str, Any], base: str, place: str) -> None:
        if not isinstance(value, dict):
            self._warn("SCHEMA_KEYWORD_INVALID", place, f"'{keyword}' must be an object of schemas; it is ignored")
            return
        usable = [name for name in value if keyword != "patternProperties" or self._compiles(name)]
        into[keyword] = {name: self._schema(value[name], base, f"{place}/{escape_pointer(name)}") for name in usable}

    def _discriminator(self, value: Any, into: dict[str, Any], base: str, place: str) -> None:
        if not isinstance(value, dict) or not isinstance(value.get("propertyName"), str):
            self._warn("SCHEMA_KEYWORD_INVALID", place, "a discriminator needs a propertyName; it is ignored")
            return
        mapping: dict[str, str] = {}
        given = value.get("mapping")
        for name, reference in (given if isinstance(given, dict) else {}).items():
            try:
                text = str(reference)
                if re.fullmatch(r"[A-Za-z0-9._-]+", text) and not text.endswith((".json", ".yaml", ".yml")):
                    text = SCHEMA_PREFIX + text
                mapping[name] = self._name(self._bundle.follow(text, base=base))
            except ReferenceProblem as problem:
                self._warn(problem.code, f"{place}/mapping/{escape_pointer(name)}", problem.message)
        into["discriminator"] = {"propertyName": value["propertyName"], **({"mapping": mapping} if mapping else {})}


def _exclusive_limits(schema: dict[str, Any], translated: dict[str, Any]) -> None:
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if schema.get(exclusive) is True and limit in translated:
            translated[exclusive] = translated.pop(limit)


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _may_be(value: Any, schema: dict[str, Any]) -> bool:
    """True unless type or enum rule the value out."""
    kinds = schema.get("type", list(_TYPES))
    kinds = kinds if isinstance(kinds, list) else [kinds]
    fits = any(
        isinstance(value, _PYTHON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in kinds
    )
    return fits and ("enum" not in schema or value in schema["enum"])


def _named_schemas(document: Any) -> set[str]:
    components = document.get("components") if isinstance(document, dict) else None
    schemas = components.get("schemas") if isinstance(components, dict) else None
    return set(schemas) if isinstance(schemas, dict) else set()


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    return None


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number >= 0 and number == int(number) else None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _kind(value: Any) -> str:
    return {type(None): "nothing", str: "text", list: "a list"}.get(type(value), type(value).__name__)
