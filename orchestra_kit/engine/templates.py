"""Input templates made ready once for a plan: what is constant stays one value, what is not is a small closure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions import Reference, as_text, parse_template

Scope = Mapping[str, Any]
_Part = Callable[[Scope], Any]
_MAX_DEPTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyTemplate:
    """JSON data with templates, ready to be rendered many times. Rendering raises ExpressionError."""

    constant: Any
    part: _Part | None
    references: tuple[Reference, ...] = ()

    def render(self, scope: Scope) -> Any:
        """Return the data with every template resolved. What is constant is shared: do not change it."""
        return self.constant if self.part is None else self.part(scope)


def make_ready(value: Any, *, source: str, field: str) -> ReadyTemplate:
    """Return `value` ready to be rendered; what cannot be parsed raises when it is rendered, like any other error."""
    found: list[Reference] = []
    try:
        part = _prepare(value, source, field, found, 0)
    except ExpressionError as error:
        return ReadyTemplate(constant=None, part=_raiser(error))
    if part is None:
        return ReadyTemplate(constant=_unescaped(value), part=None)
    return ReadyTemplate(constant=None, part=part, references=tuple(found))


def _raiser(error: ExpressionError) -> _Part:
    def refuse(_: Scope) -> Any:
        raise error

    return refuse


def _prepare(value: Any, source: str, field: str, found: list[Reference], depth: int) -> _Part | None:
    """Return what renders a value, None when there is nothing to render in it."""
    if depth > _MAX_DEPTH:
        raise ExpressionError(
            f"the input is nested more than {_MAX_DEPTH} deep.", place=Place(file=source, field=field)
        )
    if isinstance(value, str):
        return _prepare_text(value, source, field, found)
    if isinstance(value, Mapping):
        return _prepare_object(value, source, field, found, depth)
    if isinstance(value, list | tuple):
        items = [_prepare(item, source, f"{field}[{number}]", found, depth + 1) for number, item in enumerate(value)]
        if not any(items):
            return None
        parts = [item or _always(_unescaped(value[number])) for number, item in enumerate(items)]
        return lambda scope: [part(scope) for part in parts]
    return None


def _prepare_object(
    value: Mapping[str, Any], source: str, field: str, found: list[Reference], depth: int
) -> _Part | None:
    rendered: dict[str, _Part] = {}
    named: dict[str, _Part] = {}
    for key, item in value.items():
        part = _prepare(item, source, f"{field}.{key}", found, depth + 1)
        if part is not None:
            rendered[key] = part
        name = _prepare_text(str(key), source, f"{field}.{key}", found)
        if name is not None:
            named[key] = name
    if not rendered and not named:
        return None
    pairs = [(key, rendered.get(key) or _always(_unescaped(item))) for key, item in value.items()]
    if not named:
        plain = [(_unescaped(key), part) for key, part in pairs]
        return lambda scope: {key: part(scope) for key, part in plain}
    keys = [(named.get(key) or _always(_unescaped(key)), part) for key, part in pairs]
    return lambda scope: {as_text(name(scope)): part(scope) for name, part in keys}


def _prepare_text(text: str, source: str, field: str, found: list[Reference]) -> _Part | None:
    if "{{" not in text:
        return None
    place = Place(file=source, field=field)
    template = parse_template(text, place)
    if template.is_plain:
        return None
    for part in template.parts:
        if not isinstance(part, str):
            found.extend(part.expression.references)
    return lambda scope: template.render(scope, place=place)


def _always(value: Any) -> _Part:
    return lambda _: value


def _unescaped(value: Any) -> Any:
    """Return constant data with its escaped braces written as meant."""
    if isinstance(value, str):
        return (
            "".join(part for part in parse_template(value).parts if isinstance(part, str)) if "{{" in value else value
        )
    if isinstance(value, Mapping):
        return {_unescaped(key): _unescaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unescaped(item) for item in value]
    return value
