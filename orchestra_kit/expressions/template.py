"""Templates: `{{ expr }}` inside text. A text that is one expression keeps its type; `\\{{` is a literal `{{`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.evaluation import Expression, parse_expression
from orchestra_kit.expressions.references import Reference, step_spans

_CACHE_SIZE = 8_192
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """An expression in a text; `start` is the offset of its own first character in the template."""

    expression: Expression
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with expressions in it."""

    text: str
    parts: tuple[str | Hole, ...]

    @property
    def is_plain(self) -> bool:
        """True when there is no expression in it."""
        return not any(isinstance(part, Hole) for part in self.parts)

    def render(self, scope: Mapping[str, Any], *, place: Place | None = None) -> Any:
        """Return the value: of the one expression with its type, or a text with all values written into it."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Hole):
            return self.parts[0].expression.evaluate(scope, place=place)
        return "".join(
            part if isinstance(part, str) else as_text(part.expression.evaluate(scope, place=place))
            for part in self.parts
        )


def as_text(value: Any) -> str:
    """Return a value as it stands in a text: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_template(text: str, place: Place | None = None) -> Template:
    """Return the template of a text; raise ExpressionError naming what is wrong in which expression."""
    try:
        return _template(text)
    except ExpressionError as error:
        raise ExpressionError(error.message, place=place, hint=error.hint) from None


@lru_cache(maxsize=_CACHE_SIZE)
def _template(text: str) -> Template:
    if "{{" not in text:
        return Template(text=text, parts=(text,) if text else ())
    parts: list[str | Hole] = []
    literal = ""
    position = 0
    while position < len(text):
        if text.startswith("\\{{", position):
            literal += "{{"
            position += 3
        elif text.startswith("{{", position):
            end = _closing(text, position + 2)
            source = text[position + 2 : end]
            start = position + 2 + len(source) - len(source.lstrip())
            if literal:
                parts.append(literal)
                literal = ""
            parts.append(Hole(expression=parse_expression(source.strip()), start=start))
            position = end + 2
        else:
            following = text.find("{{", position)
            following = len(text) if following < 0 else following
            if following > position and text[following - 1] == "\\" and following < len(text):
                following -= 1
            following = max(following, position + 1)
            literal += text[position:following]
            position = following
    if literal:
        parts.append(literal)
    return Template(text=text, parts=tuple(parts))


def _closing(text: str, position: int) -> int:
    """Return where the `}}` of a template stands, past quotes and braces of the expression itself."""
    begin, depth = position, 0
    while position < len(text):
        char = text[position]
        if char in "\"'":
            position = _past_quotes(text, position, begin)
            continue
        if char == "{":
            depth += 1
        elif char == "}":
            if depth == 0 and text.startswith("}}", position):
                return position
            if depth == 0:
                break
            depth -= 1
        position += 1
    raise ExpressionError(f"'{{{{' at column {begin - 1} of `{text[:80]}` has no closing '}}}}'.")


def _past_quotes(text: str, position: int, begin: int) -> int:
    quote = text[position] * 3 if text.startswith(text[position] * 3, position) else text[position]
    raw = position > 0 and text[position - 1] in "rR"
    position += len(quote)
    while position < len(text):
        if text.startswith(quote, position):
            return position + len(quote)
        position += 2 if text[position] == "\\" and not raw else 1
    raise ExpressionError(f"a quote in the expression at column {begin + 1} of `{text[:80]}` has no end.")


def render(value: Any, scope: Mapping[str, Any], *, place: Place | None = None) -> Any:
    """Return JSON data with every template in it rendered; an error names the field."""
    trail: list[str] = []
    try:
        return _render(value, scope, trail, 0)
    except ExpressionError as error:
        start = place or Place()
        field = (start.field or "") + "".join(trail)
        where = replace(start, field=field if start.field else field.removeprefix(".") or None)
        raise ExpressionError(error.message, place=where, hint=error.hint) from None


def _render(value: Any, scope: Mapping[str, Any], trail: list[str], depth: int) -> Any:
    """Return data rendered; when it raises, `trail` holds the steps that lead to the field at fault."""
    if isinstance(value, str):
        return _template(value).render(scope) if "{{" in value else value
    if depth > MAX_DEPTH:
        raise ExpressionError("the value is nested too deeply.")
    if isinstance(value, Mapping):
        rendered: dict[Any, Any] = {}
        for key, item in value.items():
            trail.append(f".{key}")
            name = as_text(_template(key).render(scope)) if isinstance(key, str) and "{{" in key else key
            if name in rendered:
                raise ExpressionError(f"two fields are both named '{name}'.")
            rendered[name] = _render(item, scope, trail, depth + 1)
            trail.pop()
        return rendered
    if isinstance(value, (list, tuple)):
        items: list[Any] = []
        for number, item in enumerate(value):
            trail.append(f"[{number}]")
            items.append(_render(item, scope, trail, depth + 1))
            trail.pop()
        return items
    return value


def texts_of(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield (field, text) for every text in JSON data that may hold a template, keys included."""
    if isinstance(value, str):
        if "{{" in value:
            yield field, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_of(str(key), field)
            yield from texts_of(item, f"{field}.{key}" if field else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from texts_of(item, f"{field}[{number}]")


def references(value: Any) -> tuple[Reference, ...]:
    """Return every reference in the templates of JSON data, each with the field it stands in."""
    found: list[Reference] = []
    for field, text in texts_of(value):
        for part in parse_template(text).parts:
            if isinstance(part, Hole):
                found += [
                    replace(item, field=field, span=item.span.moved(part.start)) for item in part.expression.references
                ]
    return tuple(found)


def rename_steps(value: Any, mapping: Mapping[str, str]) -> Any:
    """Return JSON data in whose templates `steps.<old>` reads `steps.<new>`."""
    if isinstance(value, str):
        return _rename_in_template(value, mapping) if "{{" in value else value
    if isinstance(value, Mapping):
        return {rename_steps(key, mapping): rename_steps(item, mapping) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rename_steps(item, mapping) for item in value]
    return value


def rename_steps_in_rule(text: str, mapping: Mapping[str, str]) -> str:
    """Return an expression in which `steps.<old>` reads `steps.<new>`."""
    return _replaced(
        text, [(span.start, span.end, new) for span, new in step_spans(parse_expression(text).tree, mapping)]
    )


def _rename_in_template(text: str, mapping: Mapping[str, str]) -> str:
    changes: list[tuple[int, int, str]] = []
    for part in parse_template(text).parts:
        if isinstance(part, Hole):
            spans = step_spans(part.expression.tree, mapping)
            changes += [(part.start + span.start, part.start + span.end, new) for span, new in spans]
    return _replaced(text, changes)


def _replaced(text: str, changes: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text
