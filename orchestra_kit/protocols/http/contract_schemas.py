"""A schema of an interface summary made ready to judge one direction: closed over its references and compiled."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal

from orchestra_kit.protocols.http.schemas import SCHEMA_PREFIX

Direction = Literal["request", "response"]
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_SINGLE = (
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
)
_INTEGER_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_BACKTRACK_LIMIT = 200_000


def compile_schema(schema: dict[str, Any], components: dict[str, Any], *, direction: Direction, dialect: str) -> Any:
    """Return a jsonschema-rs validator; raise ValueError when the schema cannot be compiled."""
    import jsonschema_rs

    closed = close_schema(schema, components, direction=direction, dialect=dialect)
    return jsonschema_rs.Draft202012Validator(
        closed,
        validate_formats=True,
        formats={"byte": _is_base64},
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT),
        offline=True,
    )


def close_schema(
    schema: dict[str, Any], components: dict[str, Any], *, direction: Direction, dialect: str
) -> dict[str, Any]:
    """Return the schema with just the named schemas it reaches, adapted to the direction."""
    adapter = _Adapter(direction, is_30=dialect.startswith("openapi 3.0"), names=components)
    adapted = adapter.adapt(schema)
    reached: dict[str, Any] = {}
    while adapter.wanted:
        name = adapter.wanted.pop()
        if name not in reached:
            reached[name] = adapter.adapt(components.get(name, {}))
    document = adapted if isinstance(adapted, dict) else {"not": {}}
    return {**document, "components": {"schemas": reached}} if reached else document


class _Adapter:
    """Rewrites one schema at a time and notes which named ones it refers to."""

    def __init__(self, direction: Direction, *, is_30: bool, names: dict[str, Any]) -> None:
        self._hidden = "writeOnly" if direction == "response" else "readOnly"
        self._is_30 = is_30
        self._names = names
        self.wanted: list[str] = []

    def adapt(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if self._is_30 and schema.get(self._hidden) is True:
            return False  # 3.0 forbids a write-only value in an answer and a read-only one in a request
        adapted = {name: value for name, value in schema.items() if name not in ("default", "discriminator")}
        self._children(schema, adapted)
        self._required(schema, adapted)
        self._integer_format(schema, adapted)
        if "$ref" in schema:
            self.wanted.append(_name_of(schema["$ref"]))
        if "discriminator" in schema and ("oneOf" in schema or "anyOf" in schema):
            self._discriminate(schema, adapted)
        return adapted

    def _children(self, schema: dict[str, Any], adapted: dict[str, Any]) -> None:
        for keyword in _LISTS:
            if keyword in schema:
                adapted[keyword] = [self.adapt(part) for part in schema[keyword]]
        for keyword in _MAPS:
            if keyword in schema:
                adapted[keyword] = {name: self.adapt(part) for name, part in schema[keyword].items()}
        for keyword in _SINGLE:
            if keyword in schema:
                adapted[keyword] = self.adapt(schema[keyword])

    def _required(self, schema: dict[str, Any], adapted: dict[str, Any]) -> None:
        """Do not ask for what this direction must not carry."""
        if "required" not in schema:
            return
        properties = schema.get("properties") or {}
        adapted["required"] = [name for name in schema["required"] if not self._is_hidden(properties.get(name))]

    def _is_hidden(self, schema: Any) -> bool:
        return isinstance(schema, dict) and schema.get(self._hidden) is True

    def _integer_format(self, schema: dict[str, Any], adapted: dict[str, Any]) -> None:
        limits = _INTEGER_RANGES.get(schema.get("format", ""))
        kinds = schema.get("type")
        if limits is None or not (kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds)):
            return
        adapted.pop("format")
        if "minimum" not in schema and "exclusiveMinimum" not in schema:
            adapted["minimum"] = limits[0]
        if "maximum" not in schema and "exclusiveMaximum" not in schema:
            adapted["maximum"] = limits[1]

    def _discriminate(self, schema: dict[str, Any], adapted: dict[str, Any]) -> None:
        """Turn oneOf/anyOf with a discriminator into: the named alternative must hold, whatever the others say."""
        name = schema["discriminator"]["propertyName"]
        mapping: dict[str, str] = dict(schema["discriminator"].get("mapping") or {})
        for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
            reference = part.get("$ref") if isinstance(part, dict) else None
            if reference is None:
                return  # an alternative without a name cannot be chosen by name
            if reference not in mapping.values():
                mapping.setdefault(_name_of(reference), reference)
        adapted.pop("oneOf", None)
        adapted.pop("anyOf", None)
        self.wanted.extend(_name_of(reference) for reference in mapping.values())
        choices = [
            {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": {"$ref": reference}}
            for value, reference in mapping.items()
        ]
        chosen = {"type": "object", "required": [name], "properties": {name: {"enum": list(mapping)}}}
        adapted["allOf"] = [*adapted.get("allOf", ()), chosen, *choices]


def _name_of(reference: str) -> str:
    return reference.removeprefix(SCHEMA_PREFIX).replace("~1", "/").replace("~0", "~")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
