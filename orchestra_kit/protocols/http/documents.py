"""Text of an interface description to plain data, with limits on bytes, depth and aliases."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from orchestra_kit.errors import DefinitionError, LimitError, Place

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
MAX_DOCUMENT_DEPTH = 120
MAX_EXPANDED_NODES = 3_000_000

_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}\Z|0o[0-7]{1,400}\Z|0x[0-9a-fA-F]{1,400}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")


@dataclass(slots=True)
class LoadedDocument:
    """Plain data and the names that stood twice in one mapping (the last one wins, as everywhere)."""

    data: Any
    doubled_names: tuple[str, ...] = ()


def load_document(text: str, *, source: str) -> LoadedDocument:
    """Return the JSON or YAML document `text` as plain data; raise DefinitionError with file and line."""
    size = len(text)
    if size > MAX_DOCUMENT_BYTES:
        raise LimitError(
            f"the document has {size:,} characters; the limit is {MAX_DOCUMENT_BYTES:,}.", place=Place(file=source)
        )
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return _load_json(text.lstrip("\ufeff"), source)
    return _load_yaml(text.lstrip("\ufeff"), source)


def _load_json(text: str, source: str) -> LoadedDocument:
    doubled: list[str] = []

    def pairs_to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            doubled.extend(_twice([name for name, _ in pairs]))
        return found

    try:
        data = json.loads(text, object_pairs_hook=pairs_to_dict, parse_float=_finite, parse_constant=lambda _: None)
    except json.JSONDecodeError as exc:
        # A flow-style YAML document begins with a brace too.
        try:
            return _load_yaml(text, source)
        except DefinitionError:
            place = Place(file=source, line=exc.lineno, column=exc.colno)
            raise DefinitionError(f"not valid JSON: {exc.msg}.", place=place) from exc
    except RecursionError:
        raise _too_deep(source) from None
    except ValueError as exc:
        raise DefinitionError(f"not valid JSON: {exc}.", place=Place(file=source)) from exc
    _check_extent(data, source)
    return LoadedDocument(data, tuple(doubled))


def _load_yaml(text: str, source: str) -> LoadedDocument:
    import yaml

    loader_class = _yaml_loader()
    try:
        # The C parser recurses without a limit of its own: it must never see a document that is too deep.
        aliases = _check_events(text, source, loader_class)
        loader = loader_class(text)
        try:
            data = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = Place(file=source, line=mark.line + 1, column=mark.column + 1) if mark else Place(file=source)
        raise DefinitionError(f"not valid YAML: {exc.problem or exc.context}.", place=place) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise DefinitionError(f"not valid YAML: {exc}.", place=Place(file=source)) from exc
    if aliases:
        _check_extent(data, source)
    return LoadedDocument(data, tuple(loader.doubled_names))


def _check_events(text: str, source: str, loader_class: Any) -> int:
    """Return how many aliases the document has; raise when it is nested too deep."""
    import yaml

    depth = aliases = 0
    for event in yaml.parse(text, Loader=loader_class):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DOCUMENT_DEPTH:
                raise _too_deep(source, event.start_mark.line + 1 if event.start_mark else None)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
    return aliases


def _check_extent(data: Any, source: str) -> None:
    """Raise when the document is too deep or when its aliases unfold to too much (or to themselves)."""
    stack: list[tuple[Any, int]] = [(data, 1)]
    seen = 0
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DOCUMENT_DEPTH:
            raise _too_deep(source)
        children = node.values() if isinstance(node, dict) else node
        seen += len(node)
        if seen > MAX_EXPANDED_NODES:
            raise LimitError(
                f"the document unfolds to more than {MAX_EXPANDED_NODES:,} values.", place=Place(file=source)
            )
        stack.extend((child, depth + 1) for child in children if isinstance(child, dict | list))


def _too_deep(source: str, line: int | None = None) -> LimitError:
    return LimitError(
        f"the document is nested deeper than {MAX_DOCUMENT_DEPTH} levels.", place=Place(file=source, line=line)
    )


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _twice(names: list[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


_loader_class: Any = None


def _yaml_loader() -> Any:
    """Return a safe loader with the YAML 1.2 scalars of JSON: no dates, no `yes`, no `1:30`, and text as names."""
    global _loader_class
    if _loader_class is not None:
        return _loader_class
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class DocumentLoader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str, Any] = {}

        def __init__(self, stream: Any) -> None:
            super().__init__(stream)
            self.doubled_names: list[str] = []

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            self.flatten_mapping(node)
            # Text as written: a status 200 or a path segment 010 is a name, not a number.
            names = [
                key.value if isinstance(key, yaml.ScalarNode) else str(self.construct_object(key, deep=True))
                for key, _ in node.value
            ]
            found = {
                name: self.construct_object(value, deep=deep)
                for name, (_, value) in zip(names, node.value, strict=True)
            }
            if len(found) < len(names):
                self.doubled_names.extend(_twice(names))
            return found

    _add_json_scalars(DocumentLoader)
    _loader_class = DocumentLoader
    return DocumentLoader


def _add_json_scalars(loader: Any) -> None:
    def add(tag: str, pattern: str, first: str) -> None:
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))

    add("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
    add("null", r"^(?:~|null|Null|NULL|)$", "~nN\0")
    loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])
    add("int", _INTEGER.pattern, "-+0123456789")
    add("float", _FLOAT.pattern, "-+.0123456789")
    add("merge", r"^(?:<<)$", "<")

    def integer(self: Any, node: Any) -> int:
        text: str = self.construct_scalar(node)
        return int(text, 0) if text.startswith(("0x", "0o")) else int(text)

    def floating(self: Any, node: Any) -> float | None:
        return _finite(self.construct_scalar(node))

    loader.add_constructor("tag:yaml.org,2002:int", integer)
    loader.add_constructor("tag:yaml.org,2002:float", floating)
    # An explicit !!timestamp or !!binary is read as the text it stands for.
    for tag in ("timestamp", "binary"):
        loader.add_constructor(f"tag:yaml.org,2002:{tag}", lambda self, node: self.construct_scalar(node))
