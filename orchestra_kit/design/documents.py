"""Reading definition files (YAML or JSON) so that every error names file, line, field and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestra_kit.design.yaml_reading import MAX_BYTES, FieldPath, read_yaml, render_path
from orchestra_kit.errors import DefinitionError, Place, nearest_hint

__all__ = [
    "MAX_BYTES",
    "Document",
    "FieldPath",
    "explain",
    "parse_document",
    "read_bytes",
    "read_document",
    "read_value",
    "render_path",
]

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

    @contextmanager
    def placing(self, path: FieldPath) -> Iterator[None]:
        """Tell where in this document it happened, for an error about a field that does not say so itself."""
        try:
            yield
        except DefinitionError as error:
            if error.place is None or error.place.file is None:
                error.place = self.place(path)
            raise


def read_document(path: str | Path) -> Document:
    """Return the document in a YAML or JSON file; raise DefinitionError naming file and line."""
    return parse_document(read_bytes(path, most=MAX_BYTES), source=str(path))


def read_bytes(path: str | Path, *, most: int = 50_000_000, place: Place | None = None) -> bytes:
    """Return what is in a file of at most `most` bytes; raise DefinitionError, with the nearest name for an absent one."""
    file = Path(path)
    try:
        with file.open("rb") as stream:  # read, not asked for its size: it may be a pipe or a device
            data = stream.read(most + 1)
        if len(data) > most:
            where = place or Place(file=str(path))
            raise DefinitionError(f"the file is too large: at most {most} bytes are read.", place=where)
        return data
    except IsADirectoryError:
        raise DefinitionError(f"'{path}' is a folder; name a file.", place=place) from None
    except (FileNotFoundError, NotADirectoryError):
        raise DefinitionError(f"there is no file '{path}'.", place=place, hint=_nearest_file(file)) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DefinitionError(f"cannot read '{path}': {reason.lower()}.", place=place) from None


def _nearest_file(file: Path) -> str | None:
    try:
        return nearest_hint(file.name, [item.name for item in file.parent.iterdir()])
    except (OSError, ValueError):
        return None


def parse_document(data: bytes, *, source: str) -> Document:
    """Return a document from bytes; raise DefinitionError for what is no YAML, has tags, doubled keys or is too large."""
    place = Place(file=source)
    if len(data) > MAX_BYTES:
        raise DefinitionError(f"the file has {len(data)} bytes; at most {MAX_BYTES} are read.", place=place)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = Place(file=source, line=line)
        raise DefinitionError(f"the file is not UTF-8 ({error.reason} at byte {error.start}).", place=place) from None
    content, lines = read_yaml(text, source=source)
    return Document(source=source, data=content, lines=lines)


def read_value(document: Document, model: type[ModelT], *, data: Any = None, at: FieldPath = ()) -> ModelT:
    """Return `data` (the whole document by default) as a model; raise DefinitionError for the first wrong field."""
    content = document.data if data is None else data
    if not isinstance(content, dict):
        found = "nothing" if content is None else {"list": "a list"}.get(type(content).__name__, repr(content)[:60])
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
    # The first in the file; a field with a wrong name before the one it was meant to be.
    details.sort(
        key=lambda item: (document.place(_path_of(item, document, at)).line or 0, item["type"] != "extra_forbidden")
    )
    first = details[0]
    path = (*at, *_path_of(first, document, at))
    hint = None
    if first["type"] == "extra_forbidden":
        message = f"unknown field '{first['loc'][-1]}'."
        hint = nearest_hint(str(first["loc"][-1]), fields_at(model, first["loc"][:-1]))
    elif first["type"] == "missing":
        message = f"the field '{first['loc'][-1]}' is missing."
    else:
        message = _sentence(first)
        hint = _nearest_choice(first)
    others = {_path_of(item, document, at) for item in details[1:]} - {_path_of(first, document, at)}
    if others:
        hint = f"{hint or ''} ({len(others)} more in this file.)".strip()
    return DefinitionError(message, place=document.place(path), hint=hint)


def _sentence(details: ErrorDetails) -> str:
    said = details["msg"].removeprefix("Value error, ")
    value = details.get("input")
    if isinstance(value, (dict, list)) or (value is None and details["type"] == "value_error"):
        return f"{said}."
    text = "nothing" if value is None else repr(value)
    return f"{said}, found {text if len(text) <= 60 else text[:57] + '...'}."


def _nearest_choice(details: ErrorDetails) -> str | None:
    """Return the choice nearest to what was written, for a field with a closed set of values."""
    if details["type"] not in ("enum", "literal_error") or not isinstance(details.get("input"), str):
        return None
    choices = [part.strip(" '") for part in details["ctx"]["expected"].replace(" or ", ", ").split(",")]
    hint = nearest_hint(details["input"], choices)
    return hint if hint and hint.startswith("Did") else None


def _path_of(details: ErrorDetails, document: Document, at: FieldPath) -> FieldPath:
    """Return the field of the document an error is about; what pydantic adds to it (names of union members, parts that
    stand nowhere in the file) is left out."""
    path: FieldPath = ()
    location = details["loc"]
    for position, part in enumerate(location):
        absent = details["type"] in ("missing", "extra_forbidden") and position == len(location) - 1
        if (*at, *path, part) in document.lines or absent:
            path = (*path, part)
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
