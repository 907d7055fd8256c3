"""CEL tokens with their offsets (the lexis of the CEL language definition, cel-spec, "Syntax")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestra_kit.errors import ExpressionError, Place
from orchestra_kit.expressions.ast import Span

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n\f]+|//[^\n]*)
    | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<int>0[xX][0-9a-fA-F]+[uU]?|\d+[uU]?)
    | (?P<text>(?:[rR][bB]?|[bB][rR]?)?(?:\"\"\"|'''|"|'))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_CODE_LENGTHS = {"x": 2, "X": 2, "u": 4, "U": 8}
_INT_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token; `value` is set for literals."""

    kind: str
    text: str
    span: Span
    value: int | float | str | bytes | None = None
    unsigned: bool = False


def syntax_error(text: str, offset: int, message: str, place: Place | None) -> ExpressionError:
    """Return an error that shows the expression and the column in it."""
    shown = text if len(text) <= 120 else text[max(0, offset - 50) : offset + 50]
    return ExpressionError(f"{message} at column {offset + 1} of `{' '.join(shown.split())}`.", place=place)


def tokens_of(text: str, place: Place | None = None) -> list[Token]:
    """Return the tokens of a text, ended by one of kind `end`; raise ExpressionError."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise syntax_error(text, position, f"'{text[position]}' cannot stand in an expression", place)
        kind = match.lastgroup or ""
        end = match.end()
        if kind == "text":
            token = _text(text, match, place)
            found.append(token)
            end = token.span.end
        elif kind != "space":
            found.append(_plain(text, kind, match, place))
        position = end
    found.append(Token(kind="end", text="", span=Span(start=len(text), end=len(text))))
    return found


def _plain(text: str, kind: str, match: re.Match[str], place: Place | None) -> Token:
    word, span = match.group(), Span(start=match.start(), end=match.end())
    if kind == "float":
        return Token(kind=kind, text=word, span=span, value=float(word))
    if kind == "int":
        unsigned = word[-1] in "uU"
        digits = word.rstrip("uU")
        number = int(digits, 16) if digits[:2] in ("0x", "0X") else int(digits)
        if number > (2**64 - 1 if unsigned else _INT_MAX + 1):
            raise syntax_error(text, span.start, "the number is too large", place)
        return Token(kind=kind, text=word, span=span, value=number, unsigned=unsigned)
    return Token(kind=kind, text=word, span=span)


def _text(text: str, match: re.Match[str], place: Place | None) -> Token:
    opening = match.group()
    quote = opening.lstrip("rRbB")
    prefix = opening[: len(opening) - len(quote)].lower()
    raw, is_bytes = "r" in prefix, "b" in prefix
    parts: list[str] = []
    position = match.end()
    while True:
        if position >= len(text) or (len(quote) == 1 and text[position] in "\r\n"):
            raise syntax_error(text, match.start(), "the text that begins here has no end", place)
        if text.startswith(quote, position):
            break
        if text[position] == "\\" and not raw:
            part, position = _escape(text, position, is_bytes, place)
            parts.append(part)
        else:
            parts.append(text[position])
            position += 1
    end = position + len(quote)
    value: str | bytes = "".join(parts)
    if is_bytes and isinstance(value, str):
        value = b"".join(
            ord(char[1]).to_bytes(1, "big") if char[:1] == "\0" and len(char) == 2 else char.encode() for char in parts
        )
    return Token(kind="text", text=text[match.start() : end], span=Span(start=match.start(), end=end), value=value)


def _escape(text: str, position: int, is_bytes: bool, place: Place | None) -> tuple[str, int]:
    letter = text[position + 1 : position + 2]
    if letter in _ESCAPES and letter:
        return _ESCAPES[letter], position + 2
    if letter in _CODE_LENGTHS and letter:
        length = _CODE_LENGTHS[letter]
        digits = text[position + 2 : position + 2 + length]
        base, start = 16, position + 2
    elif letter.isdigit():
        length, digits, base, start = 3, text[position + 1 : position + 4], 8, position + 1
    else:
        raise syntax_error(text, position, f"'\\{letter}' is no escape", place)
    try:
        code = int(digits, base) if len(digits) == length else -1
    except ValueError:
        code = -1
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise syntax_error(text, position, f"'\\{letter}{digits}' is no escape", place)
    char = chr(code)
    return ("\0" + char if is_bytes and letter not in "uU" and code < 256 else char), start + length
