"""What a value may look like, known from a JSON Schema or an example: which fields it has and of which types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from orchestra_kit.expressions.references import Step

_MOST_ALTERNATIVES = 100

Alternatives: TypeAlias = list[Mapping[str, Any]]
_ANYTHING: Alternatives = [{}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What is at a field or index: its shape, and whether it is declared or merely possible."""

    shape: Shape
    declared: bool


class Shape:
    """The shape of a value; this base knows nothing and allows everything."""

    def child(self, part: Step) -> Child | None:
        """Return what is at a field or index, None when nothing can be there."""
        return Child(shape=self, declared=True)

    def names(self) -> tuple[str, ...]:
        """Return the declared field names."""
        return ()

    def types(self) -> frozenset[str] | None:
        """Return the JSON types it may have (integer counts as number, too), None when unknown."""
        return None


ANY = Shape()


@dataclass(frozen=True, slots=True)
class ObjectShape(Shape):
    """An object with known fields; `closed` says that there are no others."""

    fields: Mapping[str, Shape] = field(default_factory=dict)
    closed: bool = True

    def child(self, part: Step) -> Child | None:
        """Return the field's shape."""
        if isinstance(part, str) and part in self.fields:
            return Child(shape=self.fields[part], declared=True)
        return None if self.closed or isinstance(part, int) else Child(shape=ANY, declared=False)

    def names(self) -> tuple[str, ...]:
        """Return the field names."""
        return tuple(self.fields)

    def types(self) -> frozenset[str] | None:
        """Return {object}."""
        return frozenset({"object"})


@dataclass(frozen=True, slots=True)
class ListShape(Shape):
    """A list; `item` is the shape of any element."""

    item: Shape = ANY

    def child(self, part: Step) -> Child | None:
        """Return the element's shape; a field name leads nowhere."""
        return Child(shape=self.item, declared=True) if isinstance(part, int) else None

    def types(self) -> frozenset[str] | None:
        """Return {array}."""
        return frozenset({"array"})


@dataclass(frozen=True, slots=True)
class ScalarShape(Shape):
    """A value with no parts."""

    kinds: frozenset[str] = frozenset()

    def child(self, part: Step) -> Child | None:
        """Return None: there are no parts."""
        return None

    def types(self) -> frozenset[str] | None:
        """Return its JSON types."""
        return self.kinds or None


@dataclass(frozen=True, slots=True)
class SchemaShape(Shape):
    """The shape a JSON Schema describes, looked at only as deep as somebody asks (schemas may be recursive)."""

    schemas: tuple[Any, ...]
    components: Mapping[str, Any]

    def child(self, part: Step) -> Child | None:
        """Return what the schema says about a field or index."""
        found: list[Any] = []
        possible = False
        for schema in self._alternatives():
            kinds = _declared_types(schema)
            if isinstance(part, int):
                if kinds and "array" not in kinds:
                    continue
                items = schema.get("items")
                found += [items] if isinstance(items, Mapping) else []
                possible = possible or not isinstance(items, Mapping)
                continue
            if kinds and "object" not in kinds:
                continue
            properties = _properties(schema)
            extra = schema.get("additionalProperties", True)
            if part in properties:
                found.append(properties[part])
            elif isinstance(extra, Mapping) and extra:
                found.append(extra)
            elif schema.get("patternProperties"):
                possible = True
            elif extra is not False and schema.get("unevaluatedProperties") is not False:
                possible = True
        if found:
            return Child(shape=SchemaShape(tuple(found), self.components), declared=True)
        return Child(shape=ANY, declared=False) if possible else None

    def names(self) -> tuple[str, ...]:
        """Return the declared property names of all alternatives."""
        return tuple(dict.fromkeys(name for schema in self._alternatives() for name in _properties(schema)))

    def types(self) -> frozenset[str] | None:
        """Return the declared types; None when an alternative declares none."""
        kinds: set[str] = set()
        for schema in self._alternatives():
            declared = _declared_types(schema)
            if not declared:
                return None
            kinds |= declared
        return frozenset(kinds) or None

    def _alternatives(self) -> list[Mapping[str, Any]]:
        return [item for schema in self.schemas for item in _flatten(schema, self.components, {})]


def shape_of_schema(schema: Any, components: Mapping[str, Any] | None = None) -> Shape:
    """Return the shape of a JSON Schema whose `$ref`s point into `components` (`#/components/schemas/X`)."""
    if not isinstance(schema, Mapping):
        return ANY
    return SchemaShape((schema,), components or {})


def shape_of_value(value: Any, *, closed: bool = True) -> Shape:
    """Return the shape of an example value; its objects have no other fields when `closed`."""
    if isinstance(value, Mapping):
        return ObjectShape({str(key): shape_of_value(item, closed=closed) for key, item in value.items()}, closed)
    if isinstance(value, (list, tuple)):
        return ListShape(shape_of_value(value[0], closed=closed) if len(value) == 1 else ANY)
    if isinstance(value, str) and "{{" in value:
        return ANY
    return ScalarShape(frozenset({_type_of(value)}))


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string"


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _declared_types(schema: Mapping[str, Any]) -> set[str]:
    declared = schema.get("type")
    kinds = set(declared) if isinstance(declared, (list, tuple)) else {declared} if isinstance(declared, str) else set()
    if not kinds and "properties" in schema:
        kinds = {"object"}
    if kinds and schema.get("nullable"):
        kinds.add("null")
    return {"number" if kind == "integer" else kind for kind in kinds}


def _flatten(schema: Any, components: Mapping[str, Any], known: dict[str, Alternatives]) -> Alternatives:
    """Return the alternatives of a schema: references followed, `allOf` merged, `oneOf` and `anyOf` spread.

    `known` holds what a reference leads to, so that each is followed once; one that leads back to itself allows anything.
    """
    if not isinstance(schema, Mapping):
        return _ANYTHING
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference not in known:
            known[reference] = _ANYTHING
            known[reference] = _flatten(_resolve(reference, components), components, known)
        return known[reference]
    merged: Alternatives = [{key: value for key, value in schema.items() if key not in ("allOf", "oneOf", "anyOf")}]
    for part in _parts(schema, "allOf"):
        merged = _combined(merged, _flatten(part, components, known))
    for word in ("oneOf", "anyOf"):
        variants = [item for part in _parts(schema, word) for item in _flatten(part, components, known)]
        if variants:
            merged = _combined(merged, variants)
    return merged


def _parts(schema: Mapping[str, Any], word: str) -> list[Any]:
    parts = schema.get(word)
    return parts if isinstance(parts, list) else []


def _combined(first: Alternatives, second: Alternatives) -> Alternatives:
    """Return every pair merged; of too many nothing certain can be said."""
    if len(first) * len(second) > _MOST_ALTERNATIVES:
        return _ANYTHING
    return [_merge(one, other) for one in first for other in second]


def _merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    merged = {**other, **one}
    mine, theirs = _properties(one), _properties(other)
    if mine or theirs:
        both = {name: {"allOf": [theirs[name], mine[name]]} for name in mine if name in theirs}
        merged["properties"] = {**theirs, **mine, **both}
    for schema in (one, other):
        # A closed part that does not list the other's fields would make every value invalid; treat such as open.
        if schema.get("additionalProperties") is False and set(_properties(merged)) - set(_properties(schema)):
            merged["additionalProperties"] = True
    return merged


def _resolve(reference: str, components: Mapping[str, Any]) -> Any:
    parts = reference.removeprefix("#/").split("/")
    if parts and parts[0] == "components":
        parts = parts[1:]
    current: Any = components
    for part in parts:
        name = part.replace("~1", "/").replace("~0", "~")
        current = current.get(name) if isinstance(current, Mapping) else None
    return current
