"""Reading definition files (YAML or JSON) so that every error names file, line, field and the nearest right name."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from orchestra_kit.errors import DefinitionError, Place, nearest_hint

MAX_BYTES = 8_000_000
MAX_DEPTH = 60
MAX_NODES = 200_000

FieldPath = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A definition file as plain data, with the 1-based line of every field."""

    source: str
    data: Any
    lines: Mapping[FieldPath, int] = field(default_factory=dict)

    def place(self, path: FieldPath) -> Place:
        """Return where a field stands; for one that is not there, where its nearest parent stands."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return Place(file=self.source, line=self.lines.get(known), field=render_path(path) or None)


def render_path(path: FieldPath) -> str:
    """Return `elements.pay.then[0].sql` for a field path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_document(path: str | Path) -> Document:
    """Return the document in a YAML or JSON file; raise DefinitionError naming file and line."""
    file = Path(path)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        siblings = [item.name for item in file.parent.iterdir()] if file.parent.is_dir() else []
        raise DefinitionError(f"there is no file '{path}'.", hint=nearest_hint(file.name, siblings)) from None
    except OSError as error:
        raise DefinitionError(f"cannot read '{path}': {error.strerror or error}.") from None
    return parse_document(data, source=str(path))


def parse_document(data: bytes, *, source: str) -> Document:
    """Return a document from bytes; raise DefinitionError for what is no YAML, has tags, doubled keys or is too large."""
    if len(data) > MAX_BYTES:
        raise DefinitionError(
            f"the file has {len(data)} bytes; at most {MAX_BYTES} are read.", place=Place(file=source)
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DefinitionError(
            f"the file is not UTF-8 ({error.reason} at byte {error.start}).", place=Place(file=source)
        ) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file=source, line=mark.line + 1, column=mark.column + 1) if mark else Place(file=source)
        raise DefinitionError(f"this is not valid YAML: {error.problem or error.context}.", place=place) from None
    except yaml.YAMLError as error:
        raise DefinitionError(f"this is not valid YAML: {error}.", place=Place(file=source)) from None
    except RecursionError:
        raise DefinitionError("the file is nested too deeply.", place=Place(file=source)) from None
    lines: dict[FieldPath, int] = {}
    reader = _Reader(source, lines)
    return Document(source=source, data=None if node is None else reader.value(node, (), 0), lines=lines)


class _Reader:
    """Turns YAML nodes into plain data, noting lines, refusing tags, doubled keys and aliases that multiply."""

    def __init__(self, source: str, lines: dict[FieldPath, int]) -> None:
        self._source, self._lines, self._count = source, lines, 0
        self._constructor = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: FieldPath, depth: int) -> Any:
        self._count += 1
        self._lines.setdefault(path, node.start_mark.line + 1)
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise self._error(node, path, "the file is nested too deeply or holds too many values.")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, position), depth + 1) for position, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: FieldPath, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self._error(key_node, path, "merge keys ('<<') are not supported; write the fields out.")
            key = self._scalar(key_node, path) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, Hashable) or key is None:
                raise self._error(key_node, path, "a field name must be a plain text.")
            name = key_node.value if isinstance(key, bool) else str(key)
            if name in result:
                raise self._error(key_node, (*path, name), f"the field '{name}' stands here twice.")
            self._lines[(*path, name)] = key_node.start_mark.line + 1
            result[name] = self.value(value_node, (*path, name), depth + 1)
        return result

    def _scalar(self, node: yaml.Node, path: FieldPath) -> Any:
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        if tag == "timestamp":
            return node.value
        if tag not in ("str", "int", "float", "bool", "null"):
            raise self._error(node, path, f"the tag '{node.tag}' is not allowed.")
        try:
            return self._constructor.construct_object(node)  # type: ignore[no-untyped-call]
        except (yaml.YAMLError, ValueError) as error:
            raise self._error(node, path, f"cannot read the value: {error}.") from None

    def _error(self, node: yaml.Node, path: FieldPath, message: str) -> DefinitionError:
        mark = node.start_mark
        place = Place(file=self._source, line=mark.line + 1, column=mark.column + 1, field=render_path(path) or None)
        return DefinitionError(message, place=place)


def read_value(document: Document, model: type[ModelT], *, data: Any = None, at: FieldPath = ()) -> ModelT:
    """Return `data` (the whole document by default) as a model; raise DefinitionError for the first wrong field."""
    content = document.data if data is None else data
    if not isinstance(content, dict):
        found = "nothing" if content is None else type(content).__name__
        raise DefinitionError(f"expected fields, found {found}.", place=document.place(at))
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise explain(error, document, model, at=at) from None


def explain(
    error: ValidationError, document: Document, model: type[BaseModel], *, at: FieldPath = ()
) -> DefinitionError:
    """Return a validation error as one sentence about the first wrong field; further ones are counted."""
    details = error.errors(include_url=False)
    first = details[0]
    path: FieldPath = (*at, *_strip_variants(first["loc"], document, at))
    hint = None
    if first["type"] == "extra_forbidden":
        message = f"unknown field '{first['loc'][-1]}'."
        hint = nearest_hint(str(first["loc"][-1]), fields_at(model, first["loc"][:-1]))
    elif first["type"] == "missing":
        message = f"the field '{first['loc'][-1]}' is missing."
    else:
        message = first["msg"].removeprefix("Value error, ") + _found(first.get("input"))
    if len(details) > 1:
        hint = f"{hint or ''} ({len(details) - 1} more in this file.)".strip()
    return DefinitionError(message, place=document.place(path), hint=hint)


def _found(value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        return "."
    text = repr(value)
    return f", found {text if len(text) <= 60 else text[:57] + '...'}."


def _strip_variants(location: tuple[str | int, ...], document: Document, at: FieldPath) -> FieldPath:
    """Leave out what pydantic adds to a location that is no field of the document (names of union members)."""
    path: FieldPath = ()
    for part in location:
        grown = (*path, part)
        if (*at, *grown) in document.lines or part == location[-1]:
            path = grown
    return path


def fields_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """Return the JSON names a model knows at a location."""
    current: type[BaseModel] | None = model
    for part in location:
        if current is None:
            return []
        if isinstance(part, int):
            continue
        matching = [info for name, info in current.model_fields.items() if part in (name, info.alias)]
        if matching:
            current = _model_in(matching[0].annotation)
    return [info.alias or name for name, info in current.model_fields.items()] if current else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
