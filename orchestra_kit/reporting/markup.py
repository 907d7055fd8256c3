"""Markup that escapes by default: text becomes safe unless it already is a `Markup` made here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape as _escape
from typing import TypeAlias

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Signs that turn the reading direction around would let a hostile name disguise the text beside it.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
# Drawn shapes hold no children: in SVG, also within HTML, they may close themselves, which saves a fifth of a picture.
SHAPES = frozenset({"path", "rect", "circle", "use"})
VOID_ELEMENTS = frozenset({"meta", "br", "hr", "input"})


class Markup:
    """A piece of finished HTML or SVG. Only this module makes one, so unescaped text cannot slip in."""

    __slots__ = ("_text",)

    def __init__(self, text: str, *, _made_here: bool = False) -> None:
        if not _made_here:
            raise TypeError("build markup with tag(), text() or join()")
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __len__(self) -> int:
        return len(self._text)


Child: TypeAlias = "Markup | str | int | float | Iterable[Child] | None"
Attribute: TypeAlias = "str | int | float | bool | None"
EMPTY = Markup("", _made_here=True)


def printable(value: object) -> str:
    """Return text in which every character that XML 1.0 forbids, or that turns the reading direction, shows as U+FFFD."""
    return _DIRECTION.sub("\N{REPLACEMENT CHARACTER}", _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def escape(value: object) -> str:
    """Return `value` as text that is inert in HTML and XML, also inside a quoted attribute."""
    return _escape(printable(value), quote=True)


def text(value: object) -> Markup:
    """Return `value` as escaped markup."""
    return Markup(_escape(printable(value), quote=False), _made_here=True)


def join(*children: Child) -> Markup:
    """Return the children one after the other; None leaves nothing."""
    return Markup("".join(_render(children)), _made_here=True)


def tag(name: str, attributes: Mapping[str, Attribute] | None = None, *children: Child) -> Markup:
    """Return one element. Attributes that are None or False are left out; True stands for an empty value."""
    if not _NAME.match(name):
        raise ValueError(f"not an element name: {name!r}")
    opening = name + "".join(_attribute(key, value) for key, value in (attributes or {}).items())
    if name in VOID_ELEMENTS:
        return Markup(f"<{opening}>", _made_here=True)
    inner = "".join(_render(children))
    if not inner and name in SHAPES:
        return Markup(f"<{opening}/>", _made_here=True)
    return Markup(f"<{opening}>{inner}</{name}>", _made_here=True)


def raw_text_element(name: str, content: str, attributes: Mapping[str, Attribute] | None = None) -> Markup:
    """Return a style or script element around our own constant text, which must not end the element early."""
    if name not in ("style", "script") or "</" in content or "<!--" in content:
        raise ValueError(f"cannot put this text into <{name}>")
    opening = name + "".join(_attribute(key, value) for key, value in (attributes or {}).items())
    return Markup(f"<{opening}>{content}</{name}>", _made_here=True)


def number(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    shown = f"{value:.1f}"
    shown = shown[:-2] if shown.endswith(".0") else shown
    return "0" if shown == "-0" else shown


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    if not _NAME.match(key):
        raise ValueError(f"not an attribute name: {key!r}")
    if value is True:
        return f' {key}=""'
    return f' {key}="{escape(number(value) if isinstance(value, float) else value)}"'


def _render(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            yield str(child)
        elif isinstance(child, str | int | float):
            yield _escape(printable(child), quote=False)  # quotes are harmless outside of attributes
        else:
            yield from _render(child)
