"""YAML and JSON texts as plain data with the line of every field; what is dangerous or doubtful is an error.

Plain scalars are read as YAML 1.2 has them (`NO` is a text, `01234` keeps its zero, `12:30` is no number), so that a file
means what it looks like; JSON is a part of that. Read from the parser's events: no nesting of a file can exhaust the stack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from orchestra_kit.errors import DefinitionError, Place

MAX_BYTES = 2_000_000
MAX_DEPTH = 60
MAX_NODES = 200_000

FieldPath = tuple[str | int, ...]

Tolerate = Callable[[str, FieldPath, int, str], None]
"""Is told (code, field, line, message) of what a strict reading refuses and a tolerant one can make sense of."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_OTHER_BASE = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.[0-9]+(?:[eE][-+]?[0-9]+)?\Z")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_ONLY_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


@dataclass(slots=True)
class _Node:
    """A value as it stands in the file; an alias is the node of its anchor."""

    event: Any
    """A scalar, or the start of a list or mapping."""
    items: list[_Node] = field(default_factory=list)
    """The elements of a list; keys and values in turn of a mapping."""


def read_yaml(text: str, *, source: str, tolerate: Tolerate | None = None) -> tuple[Any, dict[FieldPath, int]]:
    """Return the data of a YAML or JSON text and the 1-based line of every field; raise DefinitionError.

    With `tolerate`, doubled fields (the last counts), merge keys, tags, further documents and numbers JSON lacks are
    reported there and read as far as they make sense: for files that others wrote.
    """
    lines: dict[FieldPath, int] = {}
    try:
        root = _compose(yaml.parse(_plain(text), Loader=_LOADER), source, tolerate)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file=source, line=mark.line + 1, column=mark.column + 1) if mark else Place(file=source)
        said = " ".join(str(error.problem or error.context).split())
        raise DefinitionError(f"this is not valid YAML: {said}.", place=place) from None
    except yaml.reader.ReaderError as error:
        raise DefinitionError(_unreadable(error), place=Place(file=source)) from None
    except yaml.YAMLError as error:
        raise DefinitionError(
            f"this is not valid YAML: {' '.join(str(error).split())}.", place=Place(file=source)
        ) from None
    return (None if root is None else _Reader(source, lines, tolerate).value(root, (), 0)), lines


def is_plain_text(text: str) -> bool:
    """Return whether a text may stand without quotes and still be read as text."""
    return text not in _WORDS and not any(
        pattern.match(text) for pattern in (_INTEGER, _OTHER_BASE, _NUMBER, _NO_NUMBER)
    )


def _plain(text: str) -> str:
    """Return a JSON text as YAML accepts it: no tabs between values, no characters in two escapes or against its rules."""
    if text.lstrip()[:1] not in ("{", "["):
        return text

    def joined(match: re.Match[str]) -> str:
        high, low = int(match.group(2), 16), int(match.group(3), 16)
        return match.group(1) + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    text = _SURROGATES.sub(joined, text.replace("\t", " "))
    return _ONLY_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _unreadable(error: yaml.reader.ReaderError) -> str:
    character = error.character if isinstance(error.character, int) else ord(error.character)
    return f"this is not valid YAML: the character U+{character:04X} at position {error.position} is not allowed."


def _compose(events: Iterator[yaml.Event], source: str, tolerate: Tolerate | None) -> _Node | None:
    """Return the first document as a tree; a second one is an error."""
    anchors: dict[str, _Node] = {}
    root: _Node | None = None
    path: list[_Node] = []
    for count, event in enumerate(events):
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            if tolerate is None:
                raise _error(event, source, (), "the file holds several documents ('---'); write one.")
            tolerate("SEVERAL_DOCUMENTS", (), _line(event), "the file holds several documents; the first is read.")
            return root
        if isinstance(event, yaml.CollectionEndEvent):
            path.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        if count > 2 * MAX_NODES or len(path) > MAX_DEPTH:
            raise _error(event, source, (), _TOO_MUCH)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise _error(event, source, (), f"there is no anchor '&{event.anchor}' before this alias.")
            node = anchors[event.anchor]
        else:
            node = _Node(event)
            if event.anchor is not None:
                anchors[event.anchor] = node
        if path:
            path[-1].items.append(node)
        else:
            root = node
        if isinstance(event, yaml.CollectionStartEvent):
            path.append(node)
    return root


_TOO_MUCH = "the file is nested too deeply or holds too many values."


class _Reader:
    """Turns the tree into data, noting lines, refusing tags, doubled names and aliases that multiply."""

    def __init__(self, source: str, lines: dict[FieldPath, int], tolerate: Tolerate | None = None) -> None:
        self._source, self._lines, self._count, self._tolerate = source, lines, 0, tolerate

    def value(self, node: _Node, path: FieldPath, depth: int) -> Any:
        """Return the data of a node."""
        self._count += 1
        self._lines.setdefault(path, node.event.start_mark.line + 1)
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise self._error(node, path, _TOO_MUCH)
        event = node.event
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(node, event, path)
        allowed = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
        if event.tag not in (None, "!", _PREFIX + allowed):
            self._refuse("TAG", node, path, f"the tag '{_short(event.tag)}' is not allowed.")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(node, path, depth)
        return [self.value(item, (*path, position), depth + 1) for position, item in enumerate(node.items)]

    def _mapping(self, node: _Node, path: FieldPath, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in zip(node.items[::2], node.items[1::2], strict=True):
            if self._tolerate is not None and _is_merge(key):
                merged = self._merged(key, item, path, depth, merged)
                continue
            name = self._name(key, path)
            if name in result:
                self._refuse("NAME_DOUBLED", key, (*path, name), f"the field '{name}' stands here twice.")
            self._lines[(*path, name)] = key.event.start_mark.line + 1
            result[name] = self.value(item, (*path, name), depth + 1)
        return {**merged, **result} if merged else result

    def _merged(self, key: _Node, item: _Node, path: FieldPath, depth: int, known: dict[str, Any]) -> dict[str, Any]:
        """Return what a merge key brings: of several, the first that has a field counts."""
        brought = self.value(item, path, depth + 1)
        for part in brought if isinstance(brought, list) else [brought]:
            if not isinstance(part, dict):
                raise self._error(key, path, "a merge key ('<<') takes a mapping.")
            known = {**part, **known}
        return known

    def _name(self, key: _Node, path: FieldPath) -> str:
        event = key.event
        if not isinstance(event, yaml.ScalarEvent) or (event.implicit[0] and event.value in ("", "~")):
            raise self._error(key, path, "a field name must be a plain text.")
        if event.implicit[0] and event.value == "<<":
            raise self._error(key, path, "merge keys ('<<') are not supported; write the fields out.")
        self._scalar(key, event, path)  # its tag and its characters
        name: str = event.value
        return name

    def _scalar(self, node: _Node, event: yaml.ScalarEvent, path: FieldPath) -> Any:
        text: str = event.value
        if "\0" in text:
            raise self._error(node, path, "the text holds a NUL character, which cannot be stored.")
        tag = (event.tag or "").removeprefix(_PREFIX)
        if event.implicit[0]:
            return self._plain_scalar(node, text, path)
        if tag in ("", "!", "str"):
            return text
        value = self._plain_scalar(node, text, path)
        kinds = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
        if tag not in kinds:
            self._refuse("TAG", node, path, f"the tag '{_short(event.tag)}' is not allowed.")
            return text
        if not isinstance(value, kinds[tag]) or (tag != "bool" and isinstance(value, bool)):  # type: ignore[arg-type]
            raise self._error(node, path, f"'{text[:60]}' is no {tag}.")
        return value

    def _plain_scalar(self, node: _Node, text: str, path: FieldPath) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        try:
            if _INTEGER.match(text):
                return int(text)
            if _OTHER_BASE.match(text):
                return int(text, 0)
        except ValueError:
            raise self._error(node, path, f"the number has {len(text)} digits; that is too many.") from None
        if _NUMBER.match(text) or _NO_NUMBER.match(text):
            number = float(text) if _NUMBER.match(text) else math.inf
            if not math.isfinite(number):
                message = f"'{text[:60]}' is no number that JSON can hold; quote it if it is text."
                self._refuse("NUMBER", node, path, message)
                return text
            return number
        return text

    def _refuse(self, code: str, node: _Node, path: FieldPath, message: str) -> None:
        """Raise, or report to whoever can live with it."""
        if self._tolerate is None:
            raise self._error(node, path, message)
        self._tolerate(code, path, _line(node.event), message)

    def _error(self, node: _Node, path: FieldPath, message: str) -> DefinitionError:
        return _error(node.event, self._source, path, message)


def _is_merge(key: _Node) -> bool:
    return isinstance(key.event, yaml.ScalarEvent) and bool(key.event.implicit[0]) and key.event.value == "<<"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _short(tag: str | None) -> str:
    return (tag or "").replace(_PREFIX, "!!")


def _error(event: Any, source: str, path: FieldPath, message: str) -> DefinitionError:
    mark = event.start_mark
    field = render_path(path)
    shown = field if len(field) <= 120 else f"{field[:117]}..."
    return DefinitionError(
        message, place=Place(file=source, line=mark.line + 1, column=mark.column + 1, field=shown or None)
    )


def render_path(path: FieldPath) -> str:
    """Return `elements.pay.then[0].sql` for a field path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
